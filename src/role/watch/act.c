/*
 * act: carries out what respond.h decides: prints, appends, asks runnerd to run, asks the
 * gate to ban. Must never run anything itself, nor lose an asked-for ban in silence.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/watch/watchd.h"
#include "sys/clock.h"
#include "sys/file.h"

#define PENDING_MAX 256
#define ARGV_MAX 32768

struct pending {
	struct pending *next;
	uint64_t id;
	uint32_t timeout_ms;
	size_t n;
	char argv[];
};

static int
open_file_rows(struct watching *w)
{
	const struct config *c = w->role->config;

	w->files = malloc((c->nresponds + 1) * sizeof(*w->files));
	if (!w->files)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nresponds; i++) {
		w->files[i] = -1;
		w->nfiles = i + 1;
		if (!c->responds[i].file.n)
			continue;
		w->files[i] = role_open_append(w->role, c->responds[i].file.p, 0640);
		if (w->files[i] < 0)
			return w->files[i];
	}
	return 0;
}

int
acting_prepare(struct watching *w)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), w->role->config->state_dir.p, "bans");

	w->bans = -1;
	w->last_pending = &w->pending;
	if (r == 0)
		r = open_file_rows(w);
	if (r == 0) {
		r = role_open_append(w->role, path, 0640);
		w->bans = r;
	}
	if (r >= 0)
		w->nspared = spared_find(w->spared, SPARED_MAX);
	return r < 0 ? r : 0;
}

int
acting_begin(struct watching *w)
{
	const struct config *c = w->role->config;
	struct respond_opts o = {
		.rows = c->responds,
		.nrows = c->nresponds,
		.own = c->own,
		.never_ban = c->never_ban,
		.spared = w->spared,
		.nspared = w->nspared,
		.rules = w->rules,
		.site = c->site,
		.hash_seed = random_u64(),
	};

	return responder_new(&o, &w->responder);
}

void
acting_end(struct watching *w)
{
	while (w->pending) {
		struct pending *p = w->pending;
		w->pending = p->next;
		free(p);
	}
	for (uint32_t i = 0; i < w->nfiles; i++)
		fd_close(&w->files[i]);
	free(w->files);
	fd_close(&w->bans);
	responder_free(w->responder);
}

static void
print(const struct incident *i, struct str kind)
{
	struct buf line = BUF_INIT(16384);
	char at[40];

	buf_addf(&line, "%.*s %-8s %.*s ",
	    (int)when_show(i->last_us == WHEN_NONE ? 0 : i->last_us, 0, at), at,
	    severity_name(i->severity), STR_FMT(kind));
	buf_add_escaped(&line, i->why);
	buf_add_byte(&line, '\n');
	if (buf_ok(&line))
		(void)!file_write_all(STDOUT_FILENO, buf_str(&line));
	buf_free(&line);
}

static void
append(struct watching *w, int fd, struct str text)
{
	int r = file_write_all(fd, text);

	if (r < 0) {
		w->actions_lost++;
		log_say(
		    &w->role->log, LOG_LEVEL_ERROR, "cannot append a response: %s", strerror(-r));
	}
}

static void
append_row(struct watching *w, const struct respond_action *a)
{
	struct buf json = BUF_INIT(1 << 20);
	size_t row = (size_t)(a->row - w->role->config->responds);

	watching_incident_json(w, a->incident, a->change, &json);
	buf_add(&json, STR("}\n"));
	if (buf_ok(&json))
		append(w, w->files[row], buf_str(&json));
	buf_free(&json);
}

static int
send_run(struct watching *w, uint64_t id, uint32_t timeout_ms, struct str argv)
{
	struct msg m = { .type = MSG_run,
		.fd = -1,
		.run = { .id = id, .timeout_ms = timeout_ms, .argv = argv } };

	return w->runner && chan_state(w->runner) == MSG_OPEN ? chan_send(w->runner, &m)
							      : -ENOTCONN;
}

/* Until runnerd is there, or again, commands wait; not for ever and not without number. */
static int
keep_run(struct watching *w, uint64_t id, uint32_t timeout_ms, struct str argv)
{
	struct pending *p = w->npending < PENDING_MAX ? malloc(sizeof(*p) + argv.n) : NULL;

	if (!p)
		return -ENOBUFS;
	*p = (struct pending){ .id = id, .timeout_ms = timeout_ms, .n = argv.n };
	memcpy(p->argv, argv.p, argv.n);
	*w->last_pending = p;
	w->last_pending = &p->next;
	w->npending++;
	return 0;
}

static void
run(struct watching *w, const struct respond_action *a)
{
	char bytes[ARGV_MAX];
	struct enc e = enc_of(bytes, sizeof(bytes));
	uint32_t timeout_ms = (uint32_t)(a->row->command->timeout_us / 1000);

	for (size_t i = 0; i < a->nargv; i++)
		enc_str32(&e, a->argv[i]);
	struct str argv = str_of(bytes, e.n);
	int r = enc_ok(&e) ? send_run(w, a->incident->id, timeout_ms, argv) : -E2BIG;
	if (r == -ENOTCONN)
		r = keep_run(w, a->incident->id, timeout_ms, argv);
	if (r < 0) {
		w->actions_lost++;
		log_say(&w->role->log, LOG_LEVEL_ERROR,
		    "a command for incident %llu was not run: %s",
		    (unsigned long long)a->incident->id, strerror(-r));
	}
}

void
acting_runner_ready(struct watching *w)
{
	while (w->pending) {
		struct pending *p = w->pending;
		if (send_run(w, p->id, p->timeout_ms, str_of(p->argv, p->n)) < 0)
			return;
		w->pending = p->next;
		if (!w->pending)
			w->last_pending = &w->pending;
		w->npending--;
		free(p);
	}
}

void
acting_ran(struct watching *w, const struct msg_ran *m)
{
	static const char *const how[] = { "ended with status", "was ended by signal",
		"ran out of time; signal", "could not be started; error",
		"was refused, too many are waiting;" };
	const char *what = m->how < ARRAY_LEN(how) ? how[m->how] : "ended strangely;";

	w->commands++;
	if (m->how == 0 && m->status == 0)
		return;
	w->commands_failed++;
	log_say(&w->role->log, LOG_LEVEL_WARNING, "the command for incident %llu %s %lld: %.*s",
	    (unsigned long long)m->id, what, (long long)m->status,
	    STR_FMT(str_head(m->output, 500)));
}

static const char *const scopes[] = {
	[CONF_BAN_HOST] = "host", [CONF_BAN_NET] = "net", [CONF_BAN_PROGRAM] = "program",
};

static void
ban_json(const struct ban_request *b, int64_t now_us, struct buf *out)
{
	char text[46], at[40];
	bool v4 = addr_is_v4(&b->net.net);
	size_t n = addr_show(&b->net.net, text);

	buf_addf(out, "{\"type\":\"ban\",\"time\":\"%.*s\",\"net\":\"%.*s/%u\",\"scope\":\"%s\"",
	    (int)when_show(now_us, 0, at), at, (int)n, text, v4 ? b->net.bits - 96u : b->net.bits,
	    scopes[b->scope]);
	if (b->program.n) {
		buf_add(out, STR(",\"program\":"));
		buf_add_json(out, b->program);
	}
	buf_addf(out, ",\"seconds\":%lld,\"times\":%u,\"incident\":%llu,\"reason\":",
	    (long long)(b->duration_us / WHEN_SECOND), b->times, (unsigned long long)b->incident);
	buf_add_json(out, b->reason);
	buf_add_byte(out, '}');
}

static void
ban(struct watching *w, const struct ban_request *b, int64_t now_us)
{
	struct buf json = BUF_INIT(16384);

	guarding_ban(w, b);
	ban_json(b, now_us, &json);
	struct msg m = { .type = MSG_ban, .fd = -1, .ban.json = buf_str(&json) };
	if (buf_ok(&json) && w->role->control && chan_send(w->role->control, &m) < 0)
		log_say(&w->role->log, LOG_LEVEL_WARNING, "the supervisor does not take a ban");
	buf_add_byte(&json, '\n');
	if (buf_ok(&json))
		append(w, w->bans, buf_str(&json));
	w->banned++;
	buf_free(&json);
}

static void
on_action(void *ctx, const struct respond_action *a)
{
	struct watching *w = ctx;

	switch (a->what) {
	case RESPOND_PRINT:
		print(a->incident, kinds_row(w->rules->kinds, a->incident->kind)->name);
		break;
	case RESPOND_FILE:
		append_row(w, a);
		break;
	case RESPOND_COMMAND:
		run(w, a);
		break;
	case RESPOND_BAN:
		ban(w, &a->ban, clock_wall_us());
		break;
	}
}

void
acting_answer(struct watching *w, const struct incident *i, enum incident_change change)
{
	if (w->responder)
		respond(w->responder, i, change, clock_wall_us(), on_action, w);
}

void
acting_status(const struct watching *w, struct buf *json)
{
	struct respond_stats st = { 0 };

	if (w->responder)
		responder_stats(w->responder, &st);
	buf_addf(json,
	    ",\"responses\":{\"actions\":%llu,\"throttled\":%llu,\"bans\":%llu,\"spared\":%llu,\"unsure\":%llu,"
	    "\"commands\":%llu,\"commands_failed\":%llu,\"waiting\":%u,\"lost\":%llu}",
	    (unsigned long long)st.actions, (unsigned long long)st.throttled,
	    (unsigned long long)w->banned, (unsigned long long)st.spared, (unsigned long long)st.unsure,
	    (unsigned long long)w->commands, (unsigned long long)w->commands_failed, w->npending,
	    (unsigned long long)w->actions_lost);
}
