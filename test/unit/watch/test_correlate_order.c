/*
 * correlate: the outcome must not depend on how records arrive. Random scenes over all shapes, joins, absorbing and
 * context are played in order, shuffled by up to the lateness, and with the engine saved and loaded after any record.
 */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SCENES 150
#define LINES 120

static const char rules[] =
    "join wrapper { by host, program, pid; open conn.open; carry src; for 1h; end conn.closed; }\n"
    "rule fails { count 4 of auth.fail by src within 30s; open auth.brute; quiet 2m; absorb knock; }\n"
    "rule spray { count 3 of auth.fail by src within 2m distinct user; open auth.spray; quiet 3m; absorb fails, knock; }\n"
    "rule target { count 3 of auth.fail by user within 1m distinct src; open auth.distributed; mark none; }\n"
    "rule knock { each access.refused by src; open access.refused; quiet 2m; }\n"
    "rule in { sequence 2 of auth.fail then auth.ok by src within 5m; open auth.brute_ok; absorb fails, spray; }\n"
    "rule over { each exploit.overflow by src; open exploit.overflow; quiet 2m;\n"
    "  context of conn.open, ftp.* by host, program, pid; severity critical when user is root; }\n"
    "rule ftp { count 2 of ftp.hidden_dir, ftp.denied by host, program, pid within 1m; open ftp.hostile_session;\n"
    "  context of ftp.*, conn.open by host, program, pid; quiet 90s; }\n"
    "rule stays { sequence session.open then not session.closed by host, session within 2m; open log.gap; }\n"
    "rule new { first su.ok by user after 5m; open su.ok; quiet 2m; }\n"
    "rule web { each http.probe by src, path; open recon.web_probe; same src within 10m; mark http.probe; }\n";

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* One line about one of a few keys; every kind that some rule asks for, and some that none does. */
static void
random_line(struct scene *s, double at, uint32_t *seed)
{
	static const char *const kinds[] = { "auth.fail", "auth.fail", "auth.fail", "auth.fail",
	    "auth.ok", "access.refused",
		"conn.open", "conn.closed", "exploit.overflow", "ftp.hidden_dir", "ftp.denied", "ftp.reply", "session.open",
		"session.closed", "su.ok", "http.probe", "info" };
	const char *kind = kinds[next(seed) % ARRAY_LEN(kinds)];
	uint32_t who = next(seed) % 4, pid = 100 + next(seed) % 6;
	char line[200], src[40] = "";
	bool opens = str_eq(str_z(kind), STR("conn.open"));

	/* A pid belongs to one source for good, so that what a join brings does not depend on a race. */
	if (opens)
		snprintf(src, sizeof(src), " src=192.0.2.%u", pid % 4);
	else if (next(seed) % 4)
		snprintf(src, sizeof(src), " src=192.0.2.%u", who);
	snprintf(line, sizeof(line),
	    "%.2f %s host=h program=p pid=%u user=u%u session=%u path=/%u%s%s", at, kind, pid,
	    next(seed) % 5, next(seed) % 8, next(seed) % 3, src, next(seed) % 10 ? "" : " x3");
	scene_lines(s, line);
}

static void
random_scene(struct scene *s, uint32_t seed)
{
	double at = 0;

	s->n = 0;
	for (int i = 0; i < LINES; i++) {
		/* Bursts and pauses; equal times too. */
		at += next(&seed) % 20 == 0 ? next(&seed) % 400 : (next(&seed) % 400) / 100.0;
		random_line(s, at, &seed);
	}
}

struct arrival {
	int64_t at_us;
	size_t line;
};

static int
by_arrival(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Both ways end an hour after the last record: how far time has come is not the order's affair. */
static char *
play(struct scene *s, uint32_t seed, bool shuffled, bool restart)
{
	struct arrival order[LINES];

	for (size_t i = 0; i < s->n; i++)
		order[i] = (struct arrival){ s->lines[i].time_us + (shuffled ?
		    next(&seed) % 60000 * 1000 : 0), i };
	qsort(order, s->n, sizeof(*order), by_arrival);
	scene_begin(s);
	for (size_t i = 0; i < s->n; i++) {
		correlate_advance(s->c, order[i].at_us);
		scene_play(s, order[i].line);
		if (restart)
			scene_restart(s);
	}
	correlate_advance(s->c, s->lines[s->n - 1].time_us + WHEN_HOUR);
	return strdup(scene_end(s));
}

/* Only what differs is shown: whole lines of one outcome that the other lacks. */
static void
show_missing(const char *from, const char *in, const char *title)
{
	struct str rest = str_z(from), line;

	while (str_split(&rest, '\n', &line)) {
		if (line.n && str_find(str_z(in), line) == strlen(in))
			printf("%s: %.*s\n", title, STR_FMT(line));
	}
}

static void
same(struct scene *s, uint32_t seed, const char *want, const char *got, const char *how)
{
	if (strcmp(want, got) == 0)
		return;
	show_missing(want, got, "only in order");
	show_missing(got, want, how);
	for (size_t i = 0; getenv("SCENE") && i < s->n; i++)
		printf("%4zu %9.2f %s\n", i + 1,
		    (double)(s->lines[i].time_us - s->lines[0].time_us) / 1e6, s->lines[i].text);
	fail_msg("scene %u, %s, is not the same", seed, how);
}

static void
shuffled_records_give_the_same_incidents(void **state)
{
	struct scene *s = scene_new(rules);
	size_t incidents = 0;

	for (uint32_t seed = 1; seed <= SCENES; seed++) {
		char *want, *got;

		random_scene(s, seed);
		want = play(s, 0, false, false);
		incidents += scene_told(s, INCIDENT_CLOSED);
		got = play(s, seed * 77, true, false);
		same(s, seed, want, got, "shuffled");
		free(want);
		free(got);
	}
	/* The scenes are worth nothing when nothing happens in them. */
	assert_true(incidents > SCENES * 5);
	scene_free(s);
}

static void
a_restart_after_every_record_changes_nothing(void **state)
{
	struct scene *s = scene_new(rules);

	for (uint32_t seed = 1; seed <= SCENES / 5; seed++) {
		char *want, *got;

		random_scene(s, seed);
		want = play(s, 0, false, false);
		got = play(s, seed * 77, true, true);
		same(s, seed, want, got, "restarted");
		free(want);
		free(got);
	}
	scene_free(s);
}

/* Every id that was told is closed or merged at the end, once. */
static void
every_told_incident_ends_once(void **state)
{
	struct scene *s = scene_new(rules);

	for (uint32_t seed = 1; seed <= SCENES / 3; seed++) {
		random_scene(s, seed);
		free(play(s, seed, true, false));
		for (size_t i = 0; i < s->ntold; i++) {
			size_t ends = 0, opens = 0;

			for (size_t k = 0; k < s->ntold; k++) {
				if (s->told[k].id != s->told[i].id)
					continue;
				opens += s->told[k].change == INCIDENT_OPENED;
				ends += s->told[k].change == INCIDENT_CLOSED ||
				    s->told[k].change == INCIDENT_MERGED;
			}
			for (size_t k = 0; (ends != 1 || opens > 1) && k < s->ntold; k++) {
				if (s->told[k].id == s->told[i].id)
					printf("%u into %u: %s\n", s->told[k].change,
					    (unsigned)s->told[k].into, s->told[k].text);
			}
			assert_int_equal(ends, 1);
			assert_true(opens <= 1);
		}
	}
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shuffled_records_give_the_same_incidents),
		cmocka_unit_test(a_restart_after_every_record_changes_nothing),
		cmocka_unit_test(every_told_incident_ends_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
