/*
 * guaritad_change: which generation of the configuration is loaded, and that a keeper waits beside one that is not
 * confirmed. Must never load what is neither confirmed nor waiting with a keeper beside it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/config_file.h"
#include "console/gate/history.h"
#include "main/guaritad.h"

/* Keeping. */

static bool
waits(const char *config)
{
	struct history h;
	bool pending = history_open(&h, config, HISTORY_LOOK) == 0 && h.book.pending;

	history_close(&h);
	return pending;
}

static void
on_keeper_exit(void *ctx, int status, int signo)
{
	struct guaritad *g = ctx;

	(void)status;
	g->keeper = NULL;
	if (signo == 0 || g->stopping)
		return;
	log_say(&g->log, LOG_LEVEL_WARNING, "keeperd was ended by signal %d", signo);
	guaritad_tend_change(g);
}

static int
start_keeper(struct guaritad *g)
{
	char program[PATH_MAX], name[] = "keeperd", option[] = "--config";
	char *argv[] = { name, option, g->config_path, NULL };
	int fds[] = { -1, 1, 2 };
	/* A session of its own: it must outlive us. */
	struct spawn_opts o = { .program = program, .argv = argv, .fds = fds, .nfds = 3, .dir = "/", .session = true };
	int r = unit_program_named("keeperd", program, sizeof(program));

	return r < 0 ? r : spawn(g->loop, &o, on_keeper_exit, g, &g->keeper);
}

void
guaritad_tend_change(struct guaritad *g)
{
	char runs[PATH_MAX];
	int r;

	if (g->stopping)
		return;
	if (!g->keeper && waits(g->config_path) && (r = start_keeper(g)) < 0)
		log_say(&g->log, LOG_LEVEL_ERROR, "cannot start keeperd: %s", strerror(-r));
	/* The second guard: a change that is over goes, even if nobody comes to say so. */
	if (!g->check && g->started && history_runs(g->config_path, HISTORY_RUNNING, runs, sizeof(runs)) == 0 &&
	    strcmp(runs, g->load_path) != 0 && !waits(g->config_path)) {
		log_say(&g->log, LOG_LEVEL_WARNING, "%s is over; %s is loaded again", g->load_path, runs);
		guaritad_reload(g);
	}
}

/* Choosing. */

static int
choose(struct guaritad *g, enum history_moment moment, char **ret)
{
	char path[PATH_MAX];
	int r = history_runs(g->config_path, moment, path, sizeof(path));
	char *copy;

	if (r == -EBADMSG) {
		/* A damaged disk; the gate must stand all the same, and loudly. */
		log_say(&g->log, LOG_LEVEL_ERROR, "%s.history/book was not written by Guarita: %s itself is loaded",
		    g->config_path, g->config_path);
		r = snprintf(path, sizeof(path), "%s", g->config_path) < (int)sizeof(path) ? 0 : -ENAMETOOLONG;
	}
	copy = r < 0 ? NULL : strdup(path);
	if (!copy)
		return r < 0 ? r : -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

int
guaritad_choose_first(struct guaritad *g)
{
	int r = history_drop_waiting(g->config_path, STR("the supervisor was started anew before it was confirmed"));

	if (r == 1) {
		log_say(&g->log, LOG_LEVEL_WARNING, "a change that nobody confirmed is rolled back");
		guaritad_record(g, "config.change fate=\"rolled back\" why=\"the supervisor was started anew before it was confirmed\"");
	}
	if (r < 0 && r != -EBADMSG)
		log_say(&g->log, LOG_LEVEL_ERROR, "%s.history: %s", g->config_path, strerror(-r));
	return choose(g, HISTORY_START, &g->load_path);
}

int
guaritad_choose_next(struct guaritad *g)
{
	int r = choose(g, HISTORY_RUNNING, &g->next_path);

	if (r == 0 && waits(g->config_path) && !g->keeper)
		r = start_keeper(g);
	return r;
}

/* The configuration that a gate was first started with is the first generation: there must be one to go back to. */
static int
adopt(struct guaritad *g, struct history *h)
{
	struct arena a = { 0 };
	struct diags *d = diags_new();
	struct buf bundle = BUF_INIT(CONF_TEXT_MAX);
	struct config *c;
	char hash[CHANGE_HASH_HEX + 1];
	int number, r = d ? config_file_bundle(&a, d, g->config_path, &c, &bundle) : -ENOMEM;

	if (r == 0) {
		struct change_now now = history_now(h);
		struct change_by by = { .hash = hash, .who = STR("guaritad"), .from = STR("first start") };

		config_hash(buf_str(&bundle), hash);
		number = change_adopt(&h->book, &now, &by);
		r = number < 0 ? number : history_keep(h, (uint32_t)number, buf_str(&bundle));
	}
	if (r == 0)
		r = history_save(h);
	buf_free(&bundle);
	diags_free(d);
	arena_free(&a);
	return r;
}

int
guaritad_adopt(struct guaritad *g)
{
	struct history h;
	int r;

	if (!conf_has_gate(&g->file.config->gate) || strcmp(g->load_path, g->config_path) != 0)
		return 0;
	r = history_open(&h, g->config_path, HISTORY_CHANGE);
	if (r == 0)
		r = h.there ? -EEXIST : adopt(g, &h);
	if (r == 0)
		log_say(&g->log, LOG_LEVEL_INFO, "%s is held as generation 1 in %s; from now on changes go through "
						 "guarita plan, apply, confirm", g->config_path, h.dir);
	else if (r != -EEXIST)
		log_say(&g->log, LOG_LEVEL_WARNING, "%s cannot be held (%s): a change of it could not be rolled back",
		    g->config_path, strerror(-r));
	history_close(&h);
	/* From the first moment on the roles load what is held, not the operator's draft. */
	return choose(g, HISTORY_START, &g->load_path);
}
