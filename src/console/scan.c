/* scan: `guarita scan`: reads logs of any kind in time order, correlates, and reports. It changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "console/command.h"
#include "console/i18n.h"
#include "console/report.h"
#include "console/term.h"

#define LOOK_EVERY 4096u          /* records between looks at the clock */
#define ABSENCE_MAX WHEN_HOUR     /* how long after the last line what never followed is still waited for */

static int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * WHEN_SECOND + t.tv_nsec / 1000;
}

static bool
wanted(const struct options *o, const struct record *r)
{
	if (r->time_us == WHEN_NONE)
		return o->since_us == WHEN_NONE;
	return (o->since_us == WHEN_NONE || r->time_us >= o->since_us) &&
	    (o->until_us == WHEN_NONE || r->time_us < o->until_us);
}

static void
note(struct summary *s, const struct record *r)
{
	s->records++;
	if (r->kind == KIND_unknown)
		s->undecoded++;
	else
		s->decoded++;
	if (r->time_us == WHEN_NONE)
		return;
	if (s->first_us == WHEN_NONE || r->time_us < s->first_us)
		s->first_us = r->time_us;
	if (s->last_us == WHEN_NONE || r->time_us > s->last_us)
		s->last_us = r->time_us;
}

/*
 * The logs say no more, and time went on: what should have followed the last lines and did not was absent. Only the
 * next hour is asked, so that logs of long ago are not silent for years.
 */
static void
conclude(const struct options *o, struct correlator *c, const struct summary *s)
{
	int64_t until = s->last_us == WHEN_NONE ? WHEN_NONE : s->last_us + ABSENCE_MAX;

	if (until != WHEN_NONE && o->until_us == WHEN_NONE)
		correlate_advance(c, until < o->now_us ? until : o->now_us);
	correlate_finish(c);
}

static void
read_all(const struct options *o, struct replay *replay, struct correlator *c, struct found *f, struct summary *s)
{
	struct progress p;
	struct record *r;
	int64_t told = WHEN_NONE, started = clock_us();

	progress_begin(&p, replay->bytes_total, started, o->plain || o->json);
	while ((r = replay_next(replay))) {
		if (wanted(o, r)) {
			note(s, r);
			gaps_note(&s->gaps, r);
			correlate(c, r);
			if (s->last_us != WHEN_NONE && (told == WHEN_NONE || s->last_us - told >= WHEN_SECOND)) {
				correlate_advance(c, s->last_us);
				told = s->last_us;
			}
		}
		if (p.on && s->records % LOOK_EVERY == 0)
			progress_step(&p, replay_taken(replay), s->records, f->opened, clock_us());
	}
	conclude(o, c, s);
	progress_end(&p);
	correlate_stats(c, &s->stats);
	s->seconds = (double)(clock_us() - started) / 1e6;
	for (uint32_t i = 0; i < replay->nlanes; i++) {
		struct lane_count n;

		replay_count(replay, i, &n);
		s->lost += n.cut;
		s->unreadable += n.error < 0;
	}
	s->unreadable += replay->nproblems;
}

static int
scan(const struct options *o, struct engine *e, const struct path_list *paths, struct found *f)
{
	struct correlate_opts opts = { .lateness_us = 60 * WHEN_SECOND, .join_wanted_only = true };
	struct summary s = { .first_us = WHEN_NONE, .last_us = WHEN_NONE };
	struct correlate_calls calls;
	struct correlator *c = NULL;
	struct replay replay;
	struct term t;
	int rc;

	found_calls(f, &calls);
	rc = correlator_new(e->rules, &opts, &calls, &c);
	if (rc < 0)
		return rc;
	rc = replay_open(&replay, e, paths, false, o->now_us);
	if (rc == 0)
		rc = gaps_begin(&s.gaps, replay.nlanes);
	if (rc == 0 && replay.nlanes == 0 && replay.nproblems > 0) {
		complain("%.*s", STR_FMT(buf_str(&replay.problems)));
		rc = -ENODATA;
	} else if (rc == 0) {
		read_all(o, &replay, c, f, &s);
		term_init(&t, stdout, o->plain);
		rc = found_sort(f);
		if (rc == 0 && o->json)
			report_json(stdout, &replay, f, &s);
		else if (rc == 0)
			report_show(&t, &replay, f, &s, o->all);
	}
	gaps_free(&s.gaps);
	replay_close(&replay);
	correlator_free(c);
	return rc;
}

int
command_scan(const struct options *o)
{
	struct path_list paths = { 0 };
	struct found f = { 0 };
	struct engine e;
	bool any;
	int rc = 0;

	if (command_engine(&e, o) < 0)
		return EXIT_FAILED;
	engine_settle(&e);
	for (int i = 0; rc == 0 && i < o->nargs; i++)
		rc = path_list_add(&paths, o->args[i]);
	if (rc == 0)
		rc = scan(o, &e, &paths, &f);
	if (rc < 0)
		complain(_("guarita: scan: %s\n"), rc == -ENODATA ? _("nothing could be read") : strerror(-rc));
	any = f.n > 0;
	path_list_free(&paths);
	found_free(&f);
	engine_close(&e);
	return rc < 0 ? EXIT_FAILED : any ? EXIT_INCIDENTS : EXIT_CLEAN;
}
