/*
 * guaritad_control: what is answered on the control socket. Must never understand what it passes on: roles' answers are
 * checked messages, and their text stays theirs.
 */
#include <unistd.h>

#include "main/guaritad.h"
#include "sys/file.h"

static void
unit_json(const struct guaritad *g, const struct unit *u, struct buf *out)
{
	struct sandbox_facts f;

	buf_addf(out, "{\"name\":\"%s\",\"state\":\"%s\",\"pid\":%d,\"crashes\":%llu", u->row->name,
	    guaritad_wants(g, u->row) || u->child ? unit_state_name(u->state) : "not needed",
	    unit_pid(u), (unsigned long long)u->history.crashes);
	if (u->child && sandbox_facts(unit_pid(u), &f) == 0)
		buf_addf(out,
		    ",\"uid\":%u,\"capabilities\":\"%016llx\",\"no_new_privs\":%d,\"seccomp\":%d,\"rss\":%llu",
		    f.uid, (unsigned long long)f.caps, f.no_new_privs, f.seccomp,
		    (unsigned long long)f.rss);
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

	buf_addf(out,
	    "{\"type\":\"status\",\"version\":\"" GUARITA_VERSION "\",\"pid\":%d,\"site\":",
	    (int)getpid());
	buf_add_json(out, g->file.config->site);
	buf_addf(
	    out, ",\"since\":\"%.*s\",\"reload\":", (int)when_show(g->since_us, 0, since), since);
	buf_add_json(out, str_z(g->reload_result));
	buf_addf(out, ",\"watchers\":%zu,\"watchers_dropped\":%llu,\"roles\":[",
	    control_watchers(g->control), (unsigned long long)control_dropped(g->control));
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

void
guaritad_on_unit_status(void *ctx, struct unit *u, uint32_t id)
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

void
guaritad_ask_all(struct guaritad *g)
{
	g->ask_id++;
	for (size_t i = 0; i < g->nunits; i++)
		unit_ask(&g->units[i], g->ask_id);
}

void
guaritad_on_answer_due(void *ctx)
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
	guaritad_ask_all(g);
	/* A role that is busy or down is shown as it was. */
	timer_start(g->answer, STATUS_WAIT_MS, 0);
}

/* Without a gate nothing is in force: the list of what was asked for is watchd's own file. */
static void
on_bans(void *ctx, struct control_client *c)
{
	struct guaritad *g = ctx;

	if (conf_has_gate(&g->file.config->gate)) {
		guaritad_order(g, c, STR("bans"), STR("{\"cmd\":\"bans\"}"));
		return;
	}
	struct buf text = BUF_INIT(BANS_MAX);
	char path[PATH_MAX];
	struct str rest, line;

	if (file_path(path, sizeof(path), g->file.config->state_dir.p, "bans") == 0 &&
	    file_read(path, &text) == 0) {
		rest = buf_str(&text);
		while (str_split(&rest, '\n', &line))
			if (line.n)
				control_answer(c, line);
	}
	control_answer(c, STR("{\"type\":\"end\"}"));
	buf_free(&text);
}

static void
on_order(void *ctx, struct control_client *c, struct str word, struct str line)
{
	guaritad_order(ctx, c, word, line);
}

static void
on_wish(void *ctx, const struct sock_peer *by, bool may, struct str line)
{
	guaritad_record_wish(ctx, by, may, line);
}

static void
on_reload(void *ctx, struct control_client *c)
{
	struct guaritad *g = ctx;

	g->reloader = c;
	guaritad_reload(g);
}

static void
on_stop(void *ctx, struct control_client *c)
{
	control_answer(c, STR("{\"type\":\"stopping\",\"message\":\"stopping\"}"));
	guaritad_stop(ctx);
}

static void
on_client_gone(void *ctx, struct control_client *c)
{
	struct guaritad *g = ctx;

	if (g->reloader == c)
		g->reloader = NULL;
	guaritad_order_gone(g, c);
	for (size_t i = 0; i < g->naskers;) {
		if (g->askers[i] == c)
			g->askers[i] = g->askers[--g->naskers];
		else
			i++;
	}
}

int
guaritad_open_control(struct guaritad *g)
{
	const struct conf_control *c = &g->file.config->control;
	struct control_calls calls = {
		.ctx = g,
		.on_status = on_status,
		.on_bans = on_bans,
		.on_order = on_order,
		.on_wish = on_wish,
		.on_reload = on_reload,
		.on_stop = on_stop,
		.on_gone = on_client_gone,
	};
	int r = control_open(g->loop, c->path.p, (unsigned)c->mode, &calls, &g->control);

	if (r < 0)
		log_say(&g->log, LOG_LEVEL_ERROR, "cannot open the control socket %s: %s",
		    c->path.p, strerror(-r));
	return r;
}
