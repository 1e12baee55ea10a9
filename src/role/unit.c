/* unit: a supervised process. Must never let the death of one role touch another. */
#include "role/unit.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/sock.h"

#define READY_MS 120000                /* rules without a cache take a while to compile */
#define STOP_MS 10000
#define ALIVE_US (60 * WHEN_SECOND)
#define CONTROL_FD 3

static const char *const state_names[] = {
	[UNIT_STOPPED] = "stopped", [UNIT_STARTING] = "starting", [UNIT_RUNNING] = "running",
	[UNIT_STOPPING] = "stopping", [UNIT_WAITING] = "waiting", [UNIT_PARKED] = "parked",
};

const char *
unit_state_name(enum unit_state s)
{
	return state_names[s];
}

static bool
try_program(char *dst, size_t size, const char *dir, const char *between, const char *name)
{
	return snprintf(dst, size, "%s%s/%s", dir, between, name) < (int)size &&
	    access(dst, X_OK) == 0;
}

int
unit_program_named(const char *name, char *dst, size_t size)
{
	static const char *const between[] = { "", "/../role", "/../libexec/guarita" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		char *slash = strrchr(self, '/');
		*slash = '\0';
		for (size_t i = 0; i < ARRAY_LEN(between); i++)
			if (try_program(dst, size, self, between[i], name))
				return 0;
	}
	return try_program(dst, size, GUARITA_LIBEXECDIR, "", name) ? 0 : -ENOENT;
}

int
unit_program(const struct role_row *row, char *dst, size_t size)
{
	return unit_program_named(row->name, dst, size);
}

int
unit_set_config(struct unit *u, const char *config_path)
{
	char *copy = strdup(config_path);

	if (!copy)
		return -ENOMEM;
	free(u->config_path);
	u->config_path = copy;
	return 0;
}

static void
set_state(struct unit *u, enum unit_state s)
{
	u->state = s;
	u->calls.on_state(u->calls.ctx, u);
}

static void
died(struct unit *u)
{
	int64_t delay = supervise_died(&u->history, u->started_us, clock_mono_us());

	if (delay < 0) {
		log_say(u->log, LOG_LEVEL_ERROR,
		    "%s died %d times within a minute and is parked; correct what is wrong, "
		    "then `guarita reload`",
		    u->row->name, SUPERVISE_CRASHES);
		set_state(u, UNIT_PARKED);
		return;
	}
	timer_start(u->timer, (uint64_t)(delay / 1000), 0);
	set_state(u, UNIT_WAITING);
}

static void
drop_link(struct unit *u)
{
	chan_close(u->chan);
	u->chan = NULL;
}

static void
on_exit_child(void *ctx, int status, int signo)
{
	struct unit *u = ctx;
	bool wanted = u->state == UNIT_STOPPING;

	u->child = NULL;
	drop_link(u);
	timer_stop(u->timer);
	if (wanted) {
		set_state(u, UNIT_STOPPED);
		if (u->again) {
			u->again = false;
			unit_start(u);
		}
		return;
	}
	if (signo)
		log_say(u->log, LOG_LEVEL_ERROR, "%s was ended by signal %d (%s)", u->row->name,
		    signo, strsignal(signo));
	else
		log_say(u->log, LOG_LEVEL_ERROR, "%s ended by itself with status %d", u->row->name,
		    status);
	died(u);
}

static char *
keep_text(char *old, struct str text)
{
	char *copy = strndup(text.p ? text.p : "", text.n);

	if (!copy)
		return old;
	free(old);
	return copy;
}

static void
on_msg(void *ctx, struct chan *c, struct msg *m)
{
	struct unit *u = ctx;

	(void)c;
	if (m->type == MSG_ready) {
		u->sandbox = keep_text(u->sandbox, m->ready.sandbox);
		if (u->state != UNIT_STARTING)
			return;
		timer_stop(u->timer);
		u->asked = u->answered = 0;
		set_state(u, UNIT_RUNNING);
	} else if (m->type == MSG_status) {
		u->status = keep_text(u->status, m->status.json);
		u->answered = m->status.id;
		u->calls.on_status(u->calls.ctx, u, m->status.id);
	} else {
		u->calls.on_msg(u->calls.ctx, u, m);
	}
}

static void
on_end(void *ctx, struct chan *c, int error)
{
	struct unit *u = ctx;

	(void)c;
	if (error == -EBADMSG)
		log_say(u->log, LOG_LEVEL_ERROR, "%s sent a message that is none, and is ended",
		    u->row->name);
	drop_link(u);
	/* Deaf or wrong, it is of no use; its exit is seen as any other. */
	if (u->child)
		child_kill(u->child, SIGKILL);
}

static void
on_timer(void *ctx)
{
	struct unit *u = ctx;

	if (u->state == UNIT_WAITING) {
		unit_start(u);
	} else if (u->child) {
		log_say(u->log, LOG_LEVEL_ERROR, "%s did not %s in time and is killed",
		    u->row->name, u->state == UNIT_STARTING ? "start" : "stop");
		child_kill(u->child, SIGKILL);
	}
}

int
unit_open(struct unit *u, const struct role_row *row, struct loop *l, const struct log *log,
    const char *config_path, const struct unit_calls *calls)
{
	*u = (struct unit){ .row = row, .loop = l, .log = log, .calls = *calls, .config_path = strdup(config_path) };
	return u->config_path ? timer_open(l, on_timer, u, &u->timer) : -ENOMEM;
}

void
unit_close(struct unit *u)
{
	if (u->child)
		child_kill(u->child, SIGKILL);
	drop_link(u);
	timer_close(u->timer);
	free(u->config_path);
	free(u->sandbox);
	free(u->status);
}

static int
start_process(struct unit *u, int control)
{
	char program[PATH_MAX], *argv[8 + 2 * ROLE_SOCKETS_MAX],
	    *texts[ROLE_SOCKETS_MAX] = { NULL };
	char option_config[] = "--config", option_control[] = "--control",
	     option_socket[] = "--socket", three[] = "3";
	char search_path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { search_path, NULL, NULL, NULL, NULL };
	int fds[CONTROL_FD + 1 + ROLE_SOCKETS_MAX] = { u->takes_stdin ? 0 : -1, 1, 2, control };
	int n = 0, nfds = CONTROL_FD + 1, nenv = 1,
	    r = unit_program(u->row, program, sizeof(program));

	if (r < 0)
		return r;
	argv[n++] = (char *)(uintptr_t)u->row->name;
	argv[n++] = option_config;
	argv[n++] = u->config_path;
	argv[n++] = option_control;
	argv[n++] = three;
	for (size_t i = 0; i < u->nsockets && r >= 0; i++) {
		r = asprintf(&texts[i], "%.*s=%d", STR_FMT(u->sockets[i].key), nfds);
		argv[n++] = option_socket;
		argv[n++] = texts[i];
		fds[nfds++] = u->sockets[i].fd;
	}
	argv[n] = NULL;
	/*
	 * What sanitizers, the journal and credentials need to be told; nothing else of our environment goes on.
	 */
	static const char *const pass[] = { "JOURNAL_STREAM=", "TZ=", "CREDENTIALS_DIRECTORY=" };
	for (size_t i = 0; i < ARRAY_LEN(pass); i++)
		for (char **e = environ; *e; e++)
			if (str_starts(str_z(*e), str_z(pass[i])))
				env[nenv++] = *e;
	struct spawn_opts o = {
		.program = program, .argv = argv, .env = env, .dir = "/", .fds = fds, .nfds = nfds
	};
	r = r < 0 ? -ENOMEM : spawn(u->loop, &o, on_exit_child, u, &u->child);
	for (size_t i = 0; i < u->nsockets; i++)
		free(texts[i]);
	return r;
}

void
unit_start(struct unit *u)
{
	struct chan_calls calls = { .ctx = u, .on_msg = on_msg, .on_end = on_end };
	int pair[2];

	if (u->child)
		return;
	u->started_us = clock_mono_us();
	int r = sock_pair(SOCK_SEQPACKET, pair);
	if (r == 0) {
		r = chan_open(u->loop, pair[0], MSG_SUPERVISOR, u->row->peer, &calls, &u->chan);
		if (r == 0)
			r = start_process(u, pair[1]);
		close(pair[1]);
	}
	if (r < 0) {
		log_say(u->log, LOG_LEVEL_ERROR, "cannot start %s: %s", u->row->name, strerror(-r));
		drop_link(u);
		died(u);
		return;
	}
	timer_start(u->timer, READY_MS, 0);
	set_state(u, UNIT_STARTING);
}

void
unit_stop(struct unit *u)
{
	struct msg m = { .type = MSG_stop, .fd = -1, .stop.grace_ms = STOP_MS / 2 };

	if (u->state == UNIT_STOPPING)
		return;
	timer_stop(u->timer);
	if (!u->child) {
		set_state(u, UNIT_STOPPED);
		return;
	}
	u->state = UNIT_STOPPING;
	if (!u->chan || chan_send(u->chan, &m) < 0)
		child_kill(u->child, SIGTERM);
	timer_start(u->timer, STOP_MS, 0);
	u->calls.on_state(u->calls.ctx, u);
}

void
unit_restart(struct unit *u)
{
	supervise_forgive(&u->history);
	u->again = u->child != NULL;
	if (u->child) {
		unit_stop(u);
	} else {
		timer_stop(u->timer);
		unit_start(u);
	}
}

void
unit_ask(struct unit *u, uint32_t id)
{
	struct msg m = { .type = MSG_ask, .fd = -1, .ask.id = id };

	if (u->state != UNIT_RUNNING || !u->chan)
		return;
	if (u->asked == u->answered)
		u->asked_us = clock_mono_us();
	u->asked = id;
	if (chan_send(u->chan, &m) < 0)
		log_say(
		    u->log, LOG_LEVEL_WARNING, "%s does not take what it is told", u->row->name);
}

void
unit_check_alive(struct unit *u, int64_t now_us)
{
	if (u->state != UNIT_RUNNING || u->asked == u->answered || now_us - u->asked_us < ALIVE_US)
		return;
	log_say(u->log, LOG_LEVEL_ERROR, "%s has not answered for a minute and is killed",
	    u->row->name);
	child_kill(u->child, SIGKILL);
}

static void
send_link(struct unit *u, enum msg_peer peer, int fd)
{
	struct msg m = { .type = MSG_link, .fd = fd, .link.peer = (uint16_t)peer };

	if (chan_send(u->chan, &m) < 0)
		log_say(u->log, LOG_LEVEL_WARNING, "%s does not take its link", u->row->name);
}

void
unit_link(struct unit *a, struct unit *b)
{
	int pair[2];

	if (a->state != UNIT_RUNNING || b->state != UNIT_RUNNING || !a->chan || !b->chan)
		return;
	int r = sock_pair(SOCK_SEQPACKET, pair);
	if (r < 0) {
		log_say(a->log, LOG_LEVEL_ERROR, "cannot link %s and %s: %s", a->row->name,
		    b->row->name, strerror(-r));
		return;
	}
	send_link(a, b->row->peer, pair[0]);
	send_link(b, a->row->peer, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

int
unit_pid(const struct unit *u)
{
	return u->child ? child_pid(u->child) : 0;
}
