/*
 * guaritad: the supervisor. Starts the roles, watches them, starts them again, hands out sockets,
 * answers on the control socket. Runs as root and therefore reads nothing from the network and no
 * foreign text: what roles tell it is checked messages, which it passes on as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "main/guaritad.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memory.h"

static void advance_stop(struct guaritad *g);

static const struct { enum msg_peer a, b; } links[] = {
	{ MSG_INTAKED, MSG_WATCHD },           /* only where no vault stands between them */
	{ MSG_INTAKED, MSG_VAULTD },
	{ MSG_VAULTD, MSG_WATCHD },
	{ MSG_WATCHD, MSG_RUNNERD },
	{ MSG_WATCHD, MSG_NETD },
	{ MSG_PEEKD, MSG_NETD },
	{ MSG_PEEKD, MSG_INTAKED },
	{ MSG_WATCHD, MSG_LINKD },
	{ MSG_LINKD, MSG_INTAKED },
	{ MSG_L2TPD, MSG_NETD },
	{ MSG_NETD, MSG_LINKD },
	{ MSG_VAULTD, MSG_LINKD },
	{ MSG_VAULTD, MSG_PACKD },
	{ MSG_VAULTD, MSG_SHIPD },
};

static struct unit *
unit_of(struct guaritad *g, enum msg_peer peer)
{
	for (size_t i = 0; i < g->nunits; i++)
		if (g->units[i].row->peer == peer)
			return &g->units[i];
	return NULL;
}

/* Units. */

static bool
has_tls(const struct config *c)
{
	for (uint32_t i = 0; i < c->nsources; i++)
		if (c->sources[i].type == CONF_SOURCE_TLS)
			return true;
	return false;
}

bool
guaritad_wants(const struct guaritad *g, const struct role_row *row)
{
	const struct config *c = g->file.config;

	if (row->peer == MSG_VAULTD || row->peer == MSG_PACKD)
		return c->vault != NULL;
	if (row->peer == MSG_SHIPD)
		return c->vault && c->vault->nships + c->nrelays > 0;
	if (row->peer == MSG_NETD)
		return conf_has_gate(&c->gate);
	if (row->peer == MSG_PEEKD)
		return conf_has_gate(&c->gate) && c->gate.p2p;
	if (row->peer == MSG_L2TPD)
		return c->vpn.server != NULL || c->vpn.nheadquarters > 0;
	if (row->peer == MSG_LINKD)
		return c->sites.npeers > 0 || has_tls(c);
	if (row->peer == MSG_IPSECD)
		return c->vpn.ipsec != NULL && (c->vpn.server != NULL || c->vpn.nheadquarters > 0);
	if (row->peer != MSG_RUNNERD)
		return true;
	for (uint32_t i = 0; i < c->nresponds; i++)
		if (c->responds[i].command)
			return true;
	return false;
}

static void
make_links(struct guaritad *g, const struct unit *u)
{
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		struct unit *a = unit_of(g, links[i].a), *b = unit_of(g, links[i].b);
		if (i == 0 && g->file.config->vault)
			continue;
		if (a && b && (a == u || b == u))
			unit_link(a, b);
	}
}

static void
tell_manager(struct guaritad *g)
{
	size_t running = 0, wanted = 0;

	for (size_t i = 0; i < g->nunits; i++) {
		running += g->units[i].state == UNIT_RUNNING;
		wanted += guaritad_wants(g, g->units[i].row);
	}
	if (!g->ready && running >= wanted) {
		g->ready = true;
		notify_send(&g->notify, "READY=1\nSTATUS=%zu of %zu roles running", running, wanted);
		log_say(&g->log, LOG_LEVEL_INFO, "ready: %zu roles running, site %.*s", running,
		    STR_FMT(g->file.config->site));
	} else if (running != g->told_running) {
		/* Only what is new: a queue that nobody empties holds ten. */
		notify_send(&g->notify, "STATUS=%zu of %zu roles running", running, wanted);
	}
	g->told_running = running;
}

static void
on_unit_state(void *ctx, struct unit *u)
{
	struct guaritad *g = ctx;

	guaritad_record_unit(g, u);
	if (u->state == UNIT_RUNNING)
		make_links(g, u);
	else if (u->row->peer == MSG_NETD)
		guaritad_orders_fail(g);
	if (g->stopping)
		advance_stop(g);
	else
		tell_manager(g);
}

static void
on_unit_msg(void *ctx, struct unit *u, struct msg *m)
{
	struct guaritad *g = ctx;

	(void)u;
	if (m->type == MSG_answer) {
		guaritad_order_answer(g, &m->answer);
	} else if (m->type == MSG_incident) {
		control_tell_watchers(g->control, m->incident.json);
	} else if (m->type == MSG_ban) {
		control_tell_watchers(g->control, m->ban.json);
		guaritad_record(g, "ban.asked what=%.*s", STR_FMT(m->ban.json));
	}
}

void
guaritad_start_unit(struct guaritad *g, struct unit *u)
{
	u->nsockets = 0;
	if (u->row->peer == MSG_INTAKED) {
		memcpy(u->sockets, g->sockets.v, g->sockets.n * sizeof(u->sockets[0]));
		u->nsockets = g->sockets.n;
		for (uint32_t i = 0; i < g->file.config->nsources; i++)
			u->takes_stdin |= g->file.config->sources[i].type == CONF_SOURCE_STDIN;
	}
	if (guaritad_wants(g, u->row))
		unit_restart(u);
	else
		unit_stop(u);
}

/* Stopping: in the opposite order of starting, each when the one before is gone. */

static void
advance_stop(struct guaritad *g)
{
	for (size_t i = g->nunits; i-- > 0;) {
		struct unit *u = &g->units[i];
		if (u->state == UNIT_STOPPED)
			continue;
		if (u->state != UNIT_STOPPING)
			unit_stop(u);
		if (u->state != UNIT_STOPPED)
			return;
	}
	loop_stop(g->loop);
}

void
guaritad_stop(struct guaritad *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	notify_send(&g->notify, "STOPPING=1");
	log_say(&g->log, LOG_LEVEL_INFO, "stopping");
	guaritad_record(g, "guarita.stopping");
	for (size_t i = 0; i < g->nunits; i++)
		g->units[i].again = false;
	advance_stop(g);
}

/* Timers and signals. */

static void
on_beat(void *ctx)
{
	struct guaritad *g = ctx;
	int64_t now = clock_mono_us();

	for (size_t i = 0; i < g->nunits; i++)
		unit_check_alive(&g->units[i], now);
	guaritad_ask_all(g);
	guaritad_tend_change(g);
	guaritad_record_changes(g);
	guaritad_tend_accounting(g);
}

static void
on_watchdog(void *ctx)
{
	struct guaritad *g = ctx;

	/* Before READY nobody waits for it, and a slow reader's queue would be full of it. */
	if (g->ready)
		notify_send(&g->notify, "WATCHDOG=1");
}

static void
on_stop_signal(void *ctx, int signo)
{
	(void)signo;
	guaritad_stop(ctx);
}

static void
on_reload_signal(void *ctx, int signo)
{
	(void)signo;
	guaritad_reload(ctx);
}

/* Start. */

static bool
lock_pidfile(const struct guaritad *g)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(g->pid_fd, F_SETLK, &whole) == 0;
}

static int
take_pidfile(struct guaritad *g)
{
	char text[32];
	const char *dir = g->file.config->run_dir.p;
	int r = file_make_dirs(dir, 0755);

	if (r == 0)
		r = file_path(g->pid_path, sizeof(g->pid_path), dir, "guaritad.pid");
	if (r < 0)
		return r;
	g->pid_fd = open(g->pid_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (g->pid_fd < 0)
		return -errno;
	/* The lock tells whether its owner lives, whatever the number in it says. */
	if (!lock_pidfile(g))
		return -EEXIST;
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	return ftruncate(g->pid_fd, 0) < 0 ? -errno
					   : file_write_all(g->pid_fd, str_of(text, (size_t)n));
}

static int
open_units(struct guaritad *g)
{
	const struct role_row *rows;
	size_t n = role_rows(&rows);
	struct unit_calls calls = {
		.ctx = g,
		.on_state = on_unit_state,
		.on_msg = on_unit_msg,
		.on_status = guaritad_on_unit_status,
	};

	for (size_t i = 0; i < n && i < UNITS_MAX; i++) {
		int r = unit_open(&g->units[i], &rows[i], g->loop, &g->log, g->load_path, &calls);
		g->nunits++;
		if (r < 0)
			return r;
	}
	return 0;
}

static int
open_timers(struct guaritad *g)
{
	int r = timer_open(g->loop, on_beat, g, &g->beat);

	if (r == 0)
		r = timer_open(g->loop, guaritad_on_answer_due, g, &g->answer);
	if (r == 0)
		r = timer_open(g->loop, on_watchdog, g, &g->watchdog);
	if (r < 0)
		return r;
	timer_start(g->beat, BEAT_MS, BEAT_MS);
	if (g->notify.watchdog_us)
		timer_start(g->watchdog, 0, (uint64_t)(g->notify.watchdog_us / 2000));
	return 0;
}

static int
open_signals(struct guaritad *g)
{
	signal(SIGPIPE, SIG_IGN);
	int r = signal_open(g->loop, SIGTERM, on_stop_signal, g);
	if (r == 0)
		r = signal_open(g->loop, SIGINT, on_stop_signal, g);
	return r < 0 ? r : signal_open(g->loop, SIGHUP, on_reload_signal, g);
}

static int
read_first(struct guaritad *g)
{
	struct buf faults = BUF_INIT(1 << 20);
	int r = guaritad_choose_first(g);

	if (r == 0)
		r = conffile_read(g->load_path, &g->file);

	if (r < 0) {
		conffile_show_faults(&g->file, &faults);
		fputs(buf_cstr(&faults), stderr);
		log_say(&g->log, LOG_LEVEL_ERROR, "%s: %s", g->load_path ? g->load_path : g->config_path,
		    r == -EINVAL ? "the configuration has errors" : strerror(-r));
	} else {
		g->log.level = (enum log_level)g->file.config->log_level;
		for (int i = 0; i < CONFFILE_PARTS; i++)
			g->fingerprints[i] = conffile_fingerprint(&g->file, (enum conffile_part)i);
	}
	buf_free(&faults);
	return r;
}

static int
begin(struct guaritad *g)
{
	struct buf why = BUF_INIT(4096);
	int r = read_first(g);

	if (r < 0)
		return r;
	r = take_pidfile(g);
	if (r < 0) {
		log_say(&g->log, LOG_LEVEL_ERROR, "%s: %s", g->pid_path,
		    r == -EEXIST ? "another guaritad runs with this run-dir" : strerror(-r));
		return r;
	}
	r = sockets_open(g->file.config, NULL, &g->sockets, &why);
	if (r < 0)
		log_say(&g->log, LOG_LEVEL_ERROR, "%s", buf_cstr(&why));
	buf_free(&why);
	if (r == 0)
		r = guaritad_adopt(g);
	if (r == 0)
		r = loop_new(&g->loop);
	if (r == 0)
		r = open_signals(g);
	if (r == 0)
		r = open_units(g);
	if (r == 0)
		r = open_timers(g);
	if (r == 0)
		r = guaritad_open_control(g);
	if (r == 0) {
		guaritad_tend_accounting(g);
		guaritad_record_changes(g);
		guaritad_record(g, "guarita.started version=" GUARITA_VERSION " pid=%d config=\"%s\"", (int)getpid(), g->load_path);
	}
	return r < 0 ? r : guaritad_check(g);
}

static void
finish(struct guaritad *g)
{
	for (size_t i = 0; i < g->nunits; i++)
		unit_close(&g->units[i]);
	control_close(g->control);
	timer_close(g->beat);
	timer_close(g->watchdog);
	timer_close(g->answer);
	sockets_close(&g->sockets, NULL);
	loop_free(g->loop);
	if (g->pid_fd >= 0 && lock_pidfile(g))
		unlink(g->pid_path);
	fd_close(&g->pid_fd);
	conffile_free(&g->file);
	conffile_free(&g->next);
	notify_close(&g->notify);
	buf_free(&g->records);
	free(g->config_path);
	free(g->load_path);
	free(g->next_path);
}

int
main(int argc, char **argv)
{
	struct guaritad g = {
		.log = log_open("guaritad"), .pid_fd = -1, .since_us = clock_wall_us()
	};

	if (argc != 3 || strcmp(argv[1], "--config") != 0) {
		fprintf(stderr, "usage: guaritad --config FILE\n");
		return 2;
	}
	/* Roles start in another directory: the path must mean the same there. */
	g.config_path = realpath(argv[2], NULL);
	if (!g.config_path) {
		log_say(&g.log, LOG_LEVEL_ERROR, "%s: %s", argv[2], strerror(errno));
		return 1;
	}
	g.notify = notify_open();
	int r = begin(&g);
	memory_trim();
	if (r == 0)
		loop_run(g.loop);
	finish(&g);
	return r < 0 ? 1 : g.exit_status;
}
