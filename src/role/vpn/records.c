/*
 * records: logins and logouts of the VPN as every Unix keeps its own: STATE-DIR/vpn/wtmp, failures in btmp beside
 * it. `guarita vpn last` shows them, `last -f` does too. Must never hold up a packet for a disk.
 */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/vpn/l2tpd.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "wire/utmp.h"

#define FILE_MAX (16u << 20)           /* 43,000 records; at a start what is larger becomes NAME.1 */

/* Records are in the form of the machine's own programs: glibc, 32 bits of seconds. */
static enum utmp_layout
layout(void)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? UTMP_LINUX_LE : UTMP_LINUX_BE;
}

static int
open_one(struct tunnelling *t, const char *name)
{
	char path[PATH_MAX], old[PATH_MAX + 2];
	struct stat st;

	if (file_path(path, sizeof(path), t->role->config->state_dir.p, name) < 0)
		return -1;
	snprintf(old, sizeof(old), "%s.1", path);
	if (stat(path, &st) == 0 && st.st_size > FILE_MAX && rename(path, old) < 0)
		log_say(&t->role->log, LOG_LEVEL_WARNING, "%s is large and cannot be put aside", path);
	int fd = role_open_append(t->role, path, 0640);
	if (fd < 0)
		log_say(&t->role->log, LOG_LEVEL_ERROR, "logins of the VPN will not be recorded: %s: %s", path, strerror(-fd));
	return fd;
}

void
tunnelling_records_open(struct tunnelling *t)
{
	const char *state = t->role->config->state_dir.p;
	char dir[PATH_MAX];

	t->logins = t->failures = -1;
	if (t->role->config->vpn.server == NULL)
		return;
	if (access(state, F_OK) < 0) {
		log_say(&t->role->log, LOG_LEVEL_INFO, "logins are not recorded: there is no state-dir %s", state);
		return;
	}
	if (file_path(dir, sizeof(dir), state, "vpn") < 0 || role_make_dir(t->role, dir, 0750) < 0)
		return;
	t->logins = open_one(t, "vpn/wtmp");
	t->failures = open_one(t, "vpn/btmp");
}

void
tunnelling_records_close(struct tunnelling *t)
{
	if (t->logins >= 0)
		close(t->logins);
	if (t->failures >= 0)
		close(t->failures);
}

static void
append(struct tunnelling *t, int fd, const struct vpn_call *c, enum utmp_type type)
{
	uint8_t record[UTMP_SIZE_MAX];
	char line[32], host[46];
	struct utmp u = { .type = type, .pid = getpid(), .time_us = clock_wall_us(), .has_addr = true,
		.addr = c->session->tunnel->peer.addr };
	struct str whole = str_of((const char *)record, utmp_size(layout()));

	if (fd < 0)
		return;
	/* The line is what login and logout have in common. */
	snprintf(line, sizeof(line), "l2tp%u", c->session->id);
	addr_show(&u.addr, host);
	u.line = str_z(line);
	u.id = str_head(str_from(u.line, 1), 4);
	u.host = str_z(host);
	u.user = type == UTMP_DEAD ? STR_NULL : vpn_call_name(c);
	utmp_write(layout(), &u, record);
	if (file_write_all(fd, whole) < 0)
		t->records_lost++;
}

void
tunnelling_records_up(struct tunnelling *t, const struct vpn_call *c)
{
	if (c->dial == NULL)
		append(t, t->logins, c, UTMP_USER);
}

void
tunnelling_records_down(struct tunnelling *t, const struct vpn_call *c)
{
	if (c->dial == NULL && c->up)
		append(t, t->logins, c, UTMP_DEAD);
	else if (c->dial == NULL && c->link.user)
		append(t, t->failures, c, UTMP_LOGIN);
}
