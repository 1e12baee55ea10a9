/*
 * audit_host: see audit_host.h. Must never change anything: accounting is tried by ending a child
 * of our own and looking whether the file grew.
 */
#include "console/accounts/audit_host.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "console/i18n.h"
#include "sys/file.h"

#define LISTEN_TCP 0x0A                /* TCP_LISTEN, as /proc/net/tcp writes it */
#define UNCONNECTED_UDP 0x07
#define PROC_MAX (8u << 20)
#define PORTS_SHOWN 24

static const char *const accounting_files[] = { "/var/log/account/pacct", "/var/account/pacct", "/var/log/pacct" };

static off_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void
look_at_accounting(const struct audit_host_calls *c)
{
	off_t before[ARRAY_LEN(accounting_files)];
	pid_t child;

	for (size_t i = 0; i < ARRAY_LEN(accounting_files); i++)
		before[i] = size_of(accounting_files[i]);
	child = fork();
	if (child == 0)
		_exit(0);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(accounting_files); i++)
		if (before[i] >= 0 && size_of(accounting_files[i]) > before[i])
			return;
	c->fault(c->ctx, "accounting", str_z(_("process accounting is off: commands leave no trace")),
	    STR("guarita accounting on"));
}

static void
look_at_time(const struct audit_host_calls *c)
{
	struct timex t = { .modes = 0 };

	if (adjtimex(&t) < 0 || !(t.status & STA_UNSYNC))
		return;
	c->fault(c->ctx, "time", str_z(_("the clock is not synchronised: times of several machines cannot be compared")),
	    str_z(_("run chrony, ntpd or systemd-timesyncd")));
}

static bool
hex(struct str s, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = v;
	return s.n > 0;
}

/* A line of /proc/net/{tcp,udp}: "sl local_address rem_address st ..." (proc(5)). */
static bool
open_port(struct str line, bool tcp, uint64_t *ret)
{
	struct str number, local, remote, state;
	uint64_t st, port;
	size_t colon;
	bool loopback;

	if (!str_word(&line, &number) || !str_word(&line, &local) || !str_word(&line, &remote) || !str_word(&line, &state))
		return false;
	colon = str_rfind(local, STR(":"));
	if (colon == local.n || !hex(str_from(local, colon + 1), &port) || !hex(state, &st))
		return false;
	loopback = str_starts(local, STR("0100007F:")) || str_starts(local, STR("00000000000000000000000001000000:"));
	*ret = port;
	return st == (tcp ? LISTEN_TCP : UNCONNECTED_UDP) && !loopback && port != 514 && port != 601 && port != 6514;
}

static bool
listed(const uint64_t *ports, size_t n, uint64_t port)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static void
ports_of(const char *path, bool tcp, struct buf *out, size_t *io_n)
{
	struct buf text = BUF_INIT(PROC_MAX);
	uint64_t seen[PORTS_SHOWN], port;
	struct str rest, line;
	size_t n = 0;

	if (file_read(path, &text) == 0) {
		rest = buf_str(&text);
		while (str_split(&rest, '\n', &line)) {
			if (!open_port(line, tcp, &port) || n == PORTS_SHOWN || listed(seen, n, port))
				continue;
			seen[n++] = port;
			buf_addf(out, "%s%s %llu", *io_n ? ", " : "", tcp ? "tcp" : "udp", (unsigned long long)port);
			++*io_n;
		}
	}
	buf_free(&text);
}

static void
look_at_ports(const struct audit_host_calls *c)
{
	struct buf ports = BUF_INIT(4096);
	size_t n = 0;

	buf_add(&ports, str_z(_("open to the network besides syslog: ")));
	ports_of("/proc/net/tcp", true, &ports, &n);
	ports_of("/proc/net/tcp6", true, &ports, &n);
	ports_of("/proc/net/udp", false, &ports, &n);
	ports_of("/proc/net/udp6", false, &ports, &n);
	if (n > 0)
		c->fault(c->ctx, "ports", buf_str(&ports),
		    str_z(_("on a loghost nothing but syslog should be reachable; administer it from its own network")));
	buf_free(&ports);
}

static bool
may_log_in(const struct passwd *pw)
{
	struct str shell = str_z(pw->pw_shell);

	return shell.n > 0 && !str_ends(shell, STR("/nologin")) && !str_ends(shell, STR("/false")) &&
	    !str_ends(shell, STR("/sync")) && !str_ends(shell, STR("/shutdown")) && !str_ends(shell, STR("/halt"));
}

static void
look_at_accounts(const struct audit_host_calls *c)
{
	struct buf names = BUF_INIT(4096);
	struct passwd *pw;
	size_t n = 0;

	buf_add(&names, str_z(_("accounts besides root that may log in: ")));
	setpwent();
	while ((pw = getpwent())) {
		if (strcmp(pw->pw_name, "root") == 0 || !may_log_in(pw))
			continue;
		if (n++ < PORTS_SHOWN)
			buf_addf(&names, "%s%s", n > 1 ? ", " : "", pw->pw_name);
	}
	endpwent();
	if (n > PORTS_SHOWN)
		buf_addf(&names, _(" and %zu more"), n - PORTS_SHOWN);
	if (n > 0)
		c->fault(c->ctx, "accounts", buf_str(&names),
		    str_z(_("a loghost needs those of its administrators only")));
	buf_free(&names);
}

void
audit_host(const struct audit_host_calls *calls)
{
	look_at_accounting(calls);
	look_at_time(calls);
	look_at_ports(calls);
	look_at_accounts(calls);
}
