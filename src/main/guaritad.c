/*
 * guaritad: the supervisor. Starts the roles, watches them, starts them again, hands out sockets, answers on the
 * control socket. Runs as root and therefore reads nothing from the network and no foreign text: what roles tell it is
 * checked messages, which it passes on as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/control.h"
#include "role/sockets.h"
#include "role/unit.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/notify.h"

#define UNITS_MAX 8
#define BEAT_MS 5000
#define STATUS_WAIT_MS 500
#define BANS_MAX (4u << 20)
#define ASKERS_MAX 16

struct guaritad {
	struct log log;
	struct loop *loop;
	char *config_path;
	struct conffile file;
	uint64_t fingerprints[2];      /* enum conffile_part */
	struct unit units[UNITS_MAX];
	size_t nunits;
	struct sockets sockets;
	struct control *control;
	struct notify notify;
	struct timer *beat, *watchdog, *answer;
	struct control_client *askers[ASKERS_MAX];     /* wait for a status */
	struct control_client *reloader;               /* waits for the end of a reload; may be NULL */
	size_t naskers;
	uint32_t ask_id;
	int pid_fd;
	char pid_path[PATH_MAX];
	struct conffile next;          /* of a reload that is being checked */
	struct sockets next_sockets;
	struct child *check;
	bool started, ready, stopping, reload_again;
	char reload_result[256];
	int64_t since_us;
	int exit_status;
};

static void advance_stop(struct guaritad *g);

static const struct { enum msg_peer a, b; } links[] = {
	{ MSG_INTAKED, MSG_WATCHD },
	{ MSG_WATCHD, MSG_RUNNERD },
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
is_wanted(const struct guaritad *g, const struct role_row *row)
{
	const struct config *c = g->file.config;

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
		wanted += is_wanted(g, g->units[i].row);
	}
	notify_send(&g->notify, "STATUS=%zu of %zu roles running", running, wanted);
	if (!g->ready && running >= wanted) {
		g->ready = true;
		notify_send(&g->notify, "READY=1");
		log_say(&g->log, LOG_LEVEL_INFO, "ready: %zu roles running, site %.*s", running,
		    STR_FMT(g->file.config->site));
	}
}

static void
on_unit_state(void *ctx, struct unit *u)
{
	struct guaritad *g = ctx;

	if (u->state == UNIT_RUNNING)
		make_links(g, u);
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
	if (m->type == MSG_incident)
		control_tell_watchers(g->control, m->incident.json);
	else if (m->type == MSG_ban)
		control_tell_watchers(g->control, m->ban.json);
}

static void
start_unit(struct guaritad *g, struct unit *u)
{
	u->nsockets = 0;
	if (u->row->peer == MSG_INTAKED) {
		memcpy(u->sockets, g->sockets.v, g->sockets.n * sizeof(u->sockets[0]));
		u->nsockets = g->sockets.n;
		for (uint32_t i = 0; i < g->file.config->nsources; i++)
			u->takes_stdin |= g->file.config->sources[i].type == CONF_SOURCE_STDIN;
	}
	if (is_wanted(g, u->row))
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

static void
begin_stop(struct guaritad *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	notify_send(&g->notify, "STOPPING=1");
	log_say(&g->log, LOG_LEVEL_INFO, "stopping");
	for (size_t i = 0; i < g->nunits; i++)
		g->units[i].again = false;
	advance_stop(g);
}

/* Reload: the new configuration and rules are checked first; a bad one changes nothing. */

static void
end_reload(struct guaritad *g, const char *result)
{
	struct buf json = BUF_INIT(4096);

	snprintf(g->reload_result, sizeof(g->reload_result), "%s", result);
	log_say(&g->log, strcmp(result, "done") ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "reload: %s", result);
	notify_send(&g->notify, "READY=1\nSTATUS=reload: %s", result);
	if (g->reloader) {
		bool done = strcmp(result, "done") == 0;
		buf_addf(&json, "{\"type\":\"%s\",\"ok\":%s,\"%s\":", done ? "reload" : "error", done ? "true" : "false",
		    done ? "message" : "error");
		buf_add_json(&json, str_z(result));
		buf_add_byte(&json, '}');
		control_answer(g->reloader, buf_str(&json));
		g->reloader = NULL;
		buf_free(&json);
	}
}

static void
refuse_reload(struct guaritad *g, const char *why)
{
	char result[256];

	snprintf(result, sizeof(result), "refused, the old configuration goes on: %s", why);
	sockets_close(&g->next_sockets, &g->sockets);
	conffile_free(&g->next);
	end_reload(g, result);
}

static void
take_next(struct guaritad *g)
{
	sockets_close(&g->sockets, &g->next_sockets);
	g->sockets = g->next_sockets;
	g->next_sockets.n = 0;
	conffile_free(&g->file);
	g->file = g->next;
	g->next = (struct conffile){ 0 };
	g->log.level = (enum log_level)g->file.config->log_level;
}

static void
apply_next(struct guaritad *g)
{
	take_next(g);
	uint64_t intake = conffile_fingerprint(&g->file, CONFFILE_INTAKE);
	uint64_t run = conffile_fingerprint(&g->file, CONFFILE_RUN);
	for (size_t i = 0; i < g->nunits; i++) {
		struct unit *u = &g->units[i];
		bool same = (u->row->peer == MSG_INTAKED && intake == g->fingerprints[CONFFILE_INTAKE]) ||
		    (u->row->peer == MSG_RUNNERD && run == g->fingerprints[CONFFILE_RUN]);
		if (!same || u->state != UNIT_RUNNING || !is_wanted(g, u->row))
			start_unit(g, u);
	}
	g->fingerprints[CONFFILE_INTAKE] = intake;
	g->fingerprints[CONFFILE_RUN] = run;
	end_reload(g, "done");
}

static void
start_all(struct guaritad *g)
{
	g->started = true;
	for (size_t i = 0; i < g->nunits; i++)
		start_unit(g, &g->units[i]);
}

static void begin_reload(struct guaritad *g);

/* The rules were tried by the one who will use them, with no rights of ours at stake. */
static void
on_check_exit(void *ctx, int status, int signo)
{
	struct guaritad *g = ctx;
	bool good = status == 0 && signo == 0;

	g->check = NULL;
	if (g->stopping)
		return;
	if (!g->started) {
		if (good) {
			start_all(g);
			return;
		}
		log_say(&g->log, LOG_LEVEL_ERROR, "the rules cannot be used; nothing was started");
		g->exit_status = 1;
		loop_stop(g->loop);
		return;
	}
	if (good)
		apply_next(g);
	else
		refuse_reload(g, "the rules have faults");
	if (g->reload_again) {
		g->reload_again = false;
		begin_reload(g);
	}
}

static int
start_check(struct guaritad *g)
{
	char program[PATH_MAX];
	int fds[] = { -1, 1, 2 };
	int r = unit_program(role_row(MSG_WATCHD), program, sizeof(program));
	char *argv[] = { program, (char[]){ "--config" }, g->config_path, (char[]){ "--check" }, NULL };
	struct spawn_opts o = { .program = program, .argv = argv, .fds = fds, .nfds = 3, .dir = "/" };

	return r < 0 ? r : spawn(g->loop, &o, on_check_exit, g, &g->check);
}

static void
begin_reload(struct guaritad *g)
{
	struct buf why = BUF_INIT(4096), faults = BUF_INIT(1 << 20);

	if (g->check || g->stopping) {
		g->reload_again = g->check != NULL;
		return;
	}
	notify_send(&g->notify, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
	int r = conffile_read(g->config_path, &g->next);
	if (r < 0) {
		conffile_show_faults(&g->next, &faults);
		fputs(buf_cstr(&faults), stderr);
		buf_addf(&why, "%s: %s", g->config_path, r == -EINVAL ? "the configuration has errors" : strerror(-r));
	} else {
		r = sockets_open(g->next.config, &g->sockets, &g->next_sockets, &why);
		if (r == 0 && (r = start_check(g)) < 0)
			buf_addf(&why, "cannot check the rules: %s", strerror(-r));
	}
	if (r < 0)
		refuse_reload(g, buf_cstr(&why));
	buf_free(&why);
	buf_free(&faults);
}

/* The control socket. */

static void
unit_json(const struct guaritad *g, const struct unit *u, struct buf *out)
{
	struct sandbox_facts f;

	buf_addf(out, "{\"name\":\"%s\",\"state\":\"%s\",\"pid\":%d,\"crashes\":%llu", u->row->name,
	    is_wanted(g, u->row) || u->child ? unit_state_name(u->state) : "not needed", unit_pid(u),
	    (unsigned long long)u->history.crashes);
	if (u->child && sandbox_facts(unit_pid(u), &f) == 0)
		buf_addf(out, ",\"uid\":%u,\"capabilities\":\"%016llx\",\"no_new_privs\":%d,\"seccomp\":%d,\"rss\":%llu",
		    f.uid, (unsigned long long)f.caps, f.no_new_privs, f.seccomp, (unsigned long long)f.rss);
	if (u->child && u->sandbox) {
		buf_add(out, STR(",\"sandbox\":"));
		buf_add_json(out, str_z(u->sandbox));
	}
	if (u->child && u->status)
		buf_addf(out, ",\"status\":%s", u->status);
	buf_add_byte(out, '}');
}

static void
status_json(const struct guaritad *g, struct buf *out)
{
	char since[40];

	buf_addf(out, "{\"type\":\"status\",\"version\":\"" GUARITA_VERSION "\",\"pid\":%d,\"site\":", (int)getpid());
	buf_add_json(out, g->file.config->site);
	buf_addf(out, ",\"since\":\"%.*s\",\"reload\":", (int)when_show(g->since_us, 0, since), since);
	buf_add_json(out, str_z(g->reload_result));
	buf_addf(out, ",\"watchers\":%zu,\"watchers_dropped\":%llu,\"roles\":[", control_watchers(g->control),
	    (unsigned long long)control_dropped(g->control));
	for (size_t i = 0; i < g->nunits; i++) {
		if (i)
			buf_add_byte(out, ',');
		unit_json(g, &g->units[i], out);
	}
	buf_add(out, STR("]}"));
}

static void
answer_askers(struct guaritad *g)
{
	struct buf json = BUF_INIT(1 << 20);

	timer_stop(g->answer);
	status_json(g, &json);
	for (size_t i = 0; i < g->naskers; i++)
		control_answer(g->askers[i], buf_str(&json));
	g->naskers = 0;
	buf_free(&json);
}

static void
on_unit_status(void *ctx, struct unit *u, uint32_t id)
{
	struct guaritad *g = ctx;

	(void)u;
	(void)id;
	if (!g->naskers)
		return;
	for (size_t i = 0; i < g->nunits; i++)
		if (g->units[i].state == UNIT_RUNNING && g->units[i].answered != g->ask_id)
			return;
	answer_askers(g);
}

static void
ask_all(struct guaritad *g)
{
	g->ask_id++;
	for (size_t i = 0; i < g->nunits; i++)
		unit_ask(&g->units[i], g->ask_id);
}

static void
on_answer_due(void *ctx)
{
	answer_askers(ctx);
}

static void
on_status(void *ctx, struct control_client *c)
{
	struct guaritad *g = ctx;

	if (g->naskers == ASKERS_MAX)
		answer_askers(g);
	g->askers[g->naskers++] = c;
	ask_all(g);
	/* A role that is busy or down is shown as it was. */
	timer_start(g->answer, STATUS_WAIT_MS, 0);
}

/* The list is watchd's own file: it is passed on as it is. */
static void
on_bans(void *ctx, struct control_client *c)
{
	struct guaritad *g = ctx;
	struct buf text = BUF_INIT(BANS_MAX);
	char path[PATH_MAX];
	struct str rest, line;

	if (file_path(path, sizeof(path), g->file.config->state_dir.p, "bans") == 0 && file_read(path, &text) == 0) {
		rest = buf_str(&text);
		while (str_split(&rest, '\n', &line))
			if (line.n)
				control_answer(c, line);
	}
	control_answer(c, STR("{\"type\":\"end\"}"));
	buf_free(&text);
}

static void
on_reload(void *ctx, struct control_client *c)
{
	struct guaritad *g = ctx;

	g->reloader = c;
	begin_reload(g);
}

static void
on_stop(void *ctx, struct control_client *c)
{
	control_answer(c, STR("{\"type\":\"stopping\",\"message\":\"stopping\"}"));
	begin_stop(ctx);
}

static void
on_client_gone(void *ctx, struct control_client *c)
{
	struct guaritad *g = ctx;

	if (g->reloader == c)
		g->reloader = NULL;
	for (size_t i = 0; i < g->naskers;) {
		if (g->askers[i] == c)
			g->askers[i] = g->askers[--g->naskers];
		else
			i++;
	}
}

/* Timers and signals. */

static void
on_beat(void *ctx)
{
	struct guaritad *g = ctx;
	int64_t now = clock_mono_us();

	for (size_t i = 0; i < g->nunits; i++)
		unit_check_alive(&g->units[i], now);
	ask_all(g);
}

static void
on_watchdog(void *ctx)
{
	struct guaritad *g = ctx;

	notify_send(&g->notify, "WATCHDOG=1");
}

static void
on_stop_signal(void *ctx, int signo)
{
	(void)signo;
	begin_stop(ctx);
}

static void
on_reload_signal(void *ctx, int signo)
{
	(void)signo;
	begin_reload(ctx);
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
	return ftruncate(g->pid_fd, 0) < 0 ? -errno : file_write_all(g->pid_fd, str_of(text, (size_t)n));
}

static int
open_units(struct guaritad *g)
{
	const struct role_row *rows;
	size_t n = role_rows(&rows);
	struct unit_calls calls = {
		.ctx = g, .on_state = on_unit_state, .on_msg = on_unit_msg, .on_status = on_unit_status,
	};

	for (size_t i = 0; i < n && i < UNITS_MAX; i++) {
		int r = unit_open(&g->units[i], &rows[i], g->loop, &g->log, g->config_path, &calls);
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
		r = timer_open(g->loop, on_answer_due, g, &g->answer);
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
open_control(struct guaritad *g)
{
	const struct conf_control *c = &g->file.config->control;
	struct control_calls calls = {
		.ctx = g, .on_status = on_status, .on_bans = on_bans, .on_reload = on_reload, .on_stop = on_stop,
		.on_gone = on_client_gone,
	};
	int r = control_open(g->loop, c->path.p, (unsigned)c->mode, &calls, &g->control);

	if (r < 0)
		log_say(&g->log, LOG_LEVEL_ERROR, "cannot open the control socket %s: %s", c->path.p, strerror(-r));
	return r;
}

static int
read_first(struct guaritad *g)
{
	struct buf faults = BUF_INIT(1 << 20);
	int r = conffile_read(g->config_path, &g->file);

	if (r < 0) {
		conffile_show_faults(&g->file, &faults);
		fputs(buf_cstr(&faults), stderr);
		log_say(&g->log, LOG_LEVEL_ERROR, "%s: %s", g->config_path,
		    r == -EINVAL ? "the configuration has errors" : strerror(-r));
	} else {
		g->log.level = (enum log_level)g->file.config->log_level;
		g->fingerprints[CONFFILE_INTAKE] = conffile_fingerprint(&g->file, CONFFILE_INTAKE);
		g->fingerprints[CONFFILE_RUN] = conffile_fingerprint(&g->file, CONFFILE_RUN);
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
		r = loop_new(&g->loop);
	if (r == 0)
		r = open_signals(g);
	if (r == 0)
		r = open_units(g);
	if (r == 0)
		r = open_timers(g);
	if (r == 0)
		r = open_control(g);
	return r < 0 ? r : start_check(g);
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
	free(g->config_path);
}

int
main(int argc, char **argv)
{
	struct guaritad g = { .log = log_open("guaritad"), .pid_fd = -1, .since_us = clock_wall_us() };

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
	if (r == 0)
		loop_run(g.loop);
	finish(&g);
	return r < 0 ? 1 : g.exit_status;
}
