/*
 * guaritad_reload: a new configuration and new rules, checked first by those who will use them. Must never let a bad one
 * change anything that runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "main/guaritad.h"
#include "sys/clock.h"

static int try_next(struct guaritad *g, enum msg_peer who);

static void
end_reload(struct guaritad *g, const char *result)
{
	struct buf json = BUF_INIT(4096);

	snprintf(g->reload_result, sizeof(g->reload_result), "%s", result);
	log_say(&g->log, strcmp(result, "done") ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "reload: %s",
	    result);
	if (strcmp(result, "done") == 0)
		guaritad_record(g, "config.loaded file=\"%s\"", g->load_path);
	else
		guaritad_record(g, "config.refused why=\"%s\"", result);
	guaritad_record_changes(g);
	notify_send(&g->notify, "READY=1\nSTATUS=reload: %s", result);
	if (g->reloader) {
		bool done = strcmp(result, "done") == 0;
		buf_addf(&json, "{\"type\":\"%s\",\"ok\":%s,\"%s\":", done ? "reload" : "error",
		    done ? "true" : "false", done ? "message" : "error");
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
	free(g->next_path);
	g->next_path = NULL;
	end_reload(g, result);
}

static void
take_next(struct guaritad *g)
{
	sockets_close(&g->sockets, &g->next_sockets);
	g->sockets = g->next_sockets;
	g->next_sockets.n = 0;
	for (size_t i = 0; i < g->nunits; i++) {
		if (unit_set_config(&g->units[i], g->next_path) < 0)
			log_say(&g->log, LOG_LEVEL_ERROR, "%s keeps its configuration: no memory", g->units[i].row->name);
	}
	free(g->load_path);
	g->load_path = g->next_path;
	g->next_path = NULL;
	conffile_free(&g->file);
	g->file = g->next;
	g->next = (struct conffile){ 0 };
	g->log.level = (enum log_level)g->file.config->log_level;
}

/* What the supervisor itself opened at its start is not opened anew. */
static void
warn_of_restart(const struct guaritad *g)
{
	const struct config *old = g->file.config, *new = g->next.config;

	if (!str_eq(old->run_dir, new->run_dir) || !str_eq(old->control.path, new->control.path) ||
	    old->control.mode != new->control.mode)
		log_say(&g->log, LOG_LEVEL_WARNING,
		    "run-dir and control take effect when guaritad is started anew, not before");
}

static void
apply_next(struct guaritad *g)
{
	static const struct { enum msg_peer peer; enum conffile_part part; } parts[] = {
		{ MSG_INTAKED, CONFFILE_INTAKE }, { MSG_RUNNERD, CONFFILE_RUN }, { MSG_NETD, CONFFILE_GATE },
		{ MSG_L2TPD, CONFFILE_VPN },
	};
	uint64_t now[CONFFILE_PARTS];

	warn_of_restart(g);
	if (conf_has_gate(&g->file.config->gate) && !conf_has_gate(&g->next.config->gate))
		log_say(&g->log, LOG_LEVEL_WARNING, "the new configuration has no gate: the rules of the old "
		    "one stay in force until `netd --config FILE --release` takes them back");
	take_next(g);
	for (int i = 0; i < CONFFILE_PARTS; i++)
		now[i] = conffile_fingerprint(&g->file, (enum conffile_part)i);
	for (size_t i = 0; i < g->nunits; i++) {
		struct unit *u = &g->units[i];
		bool same = false;
		for (size_t k = 0; k < ARRAY_LEN(parts); k++)
			same |= u->row->peer == parts[k].peer &&
			    now[parts[k].part] == g->fingerprints[parts[k].part];
		if (!same || u->state != UNIT_RUNNING || !guaritad_wants(g, u->row))
			guaritad_start_unit(g, u);
	}
	memcpy(g->fingerprints, now, sizeof(now));
	end_reload(g, "done");
}

static void
start_all(struct guaritad *g)
{
	g->started = true;
	for (size_t i = 0; i < g->nunits; i++)
		if (!g->units[i].child)
			guaritad_start_unit(g, &g->units[i]);
}

/* The rules were tried by the one who will use them, with no rights of ours at stake. */
static void
on_check_exit(void *ctx, int status, int signo)
{
	struct guaritad *g = ctx;
	bool good = status == 0 && signo == 0, gate = g->checking == MSG_NETD;

	g->check = NULL;
	if (g->stopping)
		return;
	/* The rules of the watch are tried first, then those of the gate. */
	if (good && g->started && !gate && conf_has_gate(&g->next.config->gate)) {
		if (try_next(g, MSG_NETD) == 0)
			return;
		good = false;
	}
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
		refuse_reload(g, gate ? "the gate has faults" : "the rules have faults");
	if (g->reload_again) {
		g->reload_again = false;
		guaritad_reload(g);
	}
}

static int
try_next(struct guaritad *g, enum msg_peer who)
{
	char program[PATH_MAX];
	int fds[] = { -1, 1, 2 };
	int r = unit_program(role_row(who), program, sizeof(program));
	char *argv[] = { program, (char[]){ "--config" }, g->next_path ? g->next_path : g->load_path, (char[]){ "--check" },
		NULL };
	struct spawn_opts o = {
		.program = program, .argv = argv, .fds = fds, .nfds = 3, .dir = "/"
	};

	g->checking = who;
	return r < 0 ? r : spawn(g->loop, &o, on_check_exit, g, &g->check);
}

/* A gateway that boots passes packets on before the watch has read its rules. */
static void
start_gate(struct guaritad *g)
{
	for (size_t i = 0; i < g->nunits; i++)
		if (g->units[i].row->peer == MSG_NETD)
			guaritad_start_unit(g, &g->units[i]);
}

int
guaritad_check(struct guaritad *g)
{
	if (!g->started)
		start_gate(g);
	return try_next(g, MSG_WATCHD);
}

void
guaritad_reload(struct guaritad *g)
{
	struct buf why = BUF_INIT(4096), faults = BUF_INIT(1 << 20);

	if (g->check || g->stopping) {
		g->reload_again = g->check != NULL;
		return;
	}
	notify_send(&g->notify, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_mono_us());
	int r = guaritad_choose_next(g);
	if (r == 0)
		r = conffile_read(g->next_path, &g->next);
	if (r < 0) {
		conffile_show_faults(&g->next, &faults);
		fputs(buf_cstr(&faults), stderr);
		buf_addf(&why, "%s: %s", g->next_path ? g->next_path : g->config_path,
		    r == -EINVAL ? "the configuration has errors" : strerror(-r));
	} else {
		r = sockets_open(g->next.config, &g->sockets, &g->next_sockets, &why);
		if (r == 0 && (r = guaritad_check(g)) < 0)
			buf_addf(&why, "cannot check the rules: %s", strerror(-r));
	}
	if (r < 0)
		refuse_reload(g, buf_cstr(&why));
	buf_free(&why);
	buf_free(&faults);
}
