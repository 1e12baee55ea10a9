/* join: what an earlier line of a session gives to later ones, and what it must not. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char rules[] =
    "join wrapper { by host, program, pid; open conn.wrapper_accept, conn.open; where session absent;\n"
    "  carry src, src_host; for 1h; end conn.closed; }\n"
    "join queue { by host, qid; open mail.from; carry src; for 1h; }\n"
    "rule over { each exploit.overflow by src; open record; context of conn.wrapper_accept by host, program, pid; }\n";

/* Incidents are the same whether each record gets what its session knows, or only what some rule may want. */
static void
expect(struct scene *s, const char *want)
{
	for (int only = 0; only < 2; only++) {
		const char *got;

		s->opts.join_wanted_only = only;
		got = scene_run(s);
		if (strcmp(got, want) != 0)
			fail_msg("got:\n%swanted:\n%s", got, want);
	}
}

static void
the_line_before_names_the_source(void **state)
{
	struct scene *s = scene_new(rules);

	scene_lines(s, "0 conn.wrapper_accept host=h program=imapd pid=7 src=192.0.2.7\n"
	    "3 exploit.overflow host=h program=imapd pid=7 src_host=evil.example.net\n"
	    "5 exploit.overflow host=h program=imapd pid=8\n7 exploit.overflow host=h program=popd pid=7\n"
	    "9 exploit.overflow host=other program=imapd pid=7\n");
	expect(s, "over src=192.0.2.7 user= sev=high count=1 refs=1c,2\n");
	scene_free(s);
}

static void
the_record_gets_the_field(void **state)
{
	struct scene *s = scene_new(rules);
	struct record r;
	struct str line = STR("h imapd 192.0.2.7");

	scene_begin(s);
	record_begin(&r, line, &s->extra, 0);
	r.time_us = WHEN_SECOND;
	r.kind = KIND_conn_wrapper_accept;
	r.host = (struct slot){ 0, 1 };
	r.program = (struct slot){ 2, 5 };
	r.pid = 4;
	assert_true(record_set(&r, FIELD_src, (struct slot){ 8, 9 }, 0));
	correlate(s->c, &r);
	record_begin(&r, line, &s->extra, 0);
	r.time_us = 2 * WHEN_SECOND;
	r.kind = KIND_info;
	r.host = (struct slot){ 0, 1 };
	r.program = (struct slot){ 2, 5 };
	r.pid = 4;
	correlate(s->c, &r);
	assert_true(str_eq(record_value(&r, FIELD_src), STR("192.0.2.7")));
	assert_int_equal(record_field(&r, FIELD_src)->flags & FIELD_JOINED, FIELD_JOINED);
	scene_free(s);
}

/* A rule that asks for what the line lacks is asked again when its session has given it. */
static void
a_condition_waits_for_the_session(void **state)
{
	struct scene *s = scene_new("join wrapper { by host, program, pid; open conn.open; carry src; for 1h; }\n"
	    "rule known { each exploit.overflow by host, src; where program is imapd and src in 192.0.2.0/24; open record; }\n"
	    "rule unknown { each exploit.overflow by host, program; where src absent; open record; }\n");

	scene_lines(s, "0 conn.open host=h program=imapd pid=7 src=192.0.2.7\n"
	    "3 exploit.overflow host=h program=imapd pid=7\n4 exploit.overflow host=h program=imapd pid=8\n");
	expect(s, "known src=192.0.2.7 user= sev=high count=1 refs=2\nunknown src= user= sev=high count=1 refs=3\n");
	scene_free(s);
}

static void
a_session_ends(void **state)
{
	struct scene *s = scene_new(rules);

	scene_lines(s, "0 conn.wrapper_accept host=h program=imapd pid=7 src=192.0.2.7\n"
	    "10 conn.closed host=h program=imapd pid=7\n20 exploit.overflow host=h program=imapd pid=7\n"
	    "100 exploit.overflow host=h program=imapd pid=7\n");
	/* A line just behind the end still belongs to it; the one a minute and a half later does not. */
	expect(s, "over src=192.0.2.7 user= sev=high count=1 refs=1c,3\n");
	scene_free(s);
}

static void
a_session_is_forgotten_in_time(void **state)
{
	struct scene *s = scene_new(rules);

	scene_lines(s, "0 conn.wrapper_accept host=h program=imapd pid=7 src=192.0.2.7\n"
	    "3700 exploit.overflow host=h program=imapd pid=7\n");
	expect(s, "");
	scene_free(s);
}

static void
a_process_of_many_clients_blames_nobody(void **state)
{
	struct scene *s = scene_new(rules);

	scene_lines(s, "0 conn.open host=h program=d pid=7 src=192.0.2.7\n1 conn.open host=h program=d pid=7 src=192.0.2.8\n"
	    "2 exploit.overflow host=h program=d pid=7\n");
	expect(s, "");
	scene_free(s);
}

static void
a_process_that_ended_one_client_may_serve_the_next(void **state)
{
	struct scene *s = scene_new(rules);

	scene_lines(s, "0 conn.open host=h program=d pid=7 src=192.0.2.7\n1 conn.closed host=h program=d pid=7\n"
	    "2 conn.open host=h program=d pid=7 src=192.0.2.8\n3 exploit.overflow host=h program=d pid=7\n");
	expect(s, "over src=192.0.2.8 user= sev=high count=1 refs=4\n");
	scene_free(s);
}

static void
the_opening_may_come_late(void **state)
{
	struct scene *s = scene_new(rules);

	scene_lines(s, "10 exploit.overflow host=h program=imapd pid=7 src_host=evil.example.net\n"
	    "11 exploit.overflow host=h program=imapd pid=7\n5 conn.wrapper_accept host=h program=imapd pid=7 src=192.0.2.7\n");
	expect(s, "over src=192.0.2.7 user= sev=high count=2 refs=3c,1,2\n");
	/* What was told under the name goes on under the address. */
	assert_int_equal(scene_told(s, INCIDENT_OPENED), 2);
	assert_int_equal(scene_told(s, INCIDENT_MERGED), 1);
	scene_free(s);
}

/* A rule for records without a source had told of it; then the source turned up, and another rule has the record. */
static void
a_source_found_late_takes_it_from_the_rule_for_none(void **state)
{
	static const char nowhere[] =
	    "join wrapper { by host, program, pid; open conn.wrapper_accept; carry src, src_host; for 1h; }\n"
	    "rule over { each exploit.overflow by src; open record; }\n"
	    "rule nowhere { each exploit.overflow by host, program; where src absent; open record; }\n";
	struct scene *s = scene_new(nowhere);

	scene_lines(s, "10 exploit.overflow host=h program=imapd pid=7\n"
	    "12 exploit.overflow host=h program=imapd pid=8\n"
	    "5 conn.wrapper_accept host=h program=imapd pid=7 src=192.0.2.7\n");
	expect(s, "nowhere src= user= sev=high count=1 refs=2\nover src=192.0.2.7 user= sev=high count=1 refs=1\n");
	scene_free(s);
	s = scene_new(nowhere);
	scene_lines(s, "10 exploit.overflow host=h program=imapd pid=7\n"
	    "5 conn.wrapper_accept host=h program=imapd pid=7 src=192.0.2.7\n");
	expect(s, "over src=192.0.2.7 user= sev=high count=1 refs=1\n");
	/* What was told is not left to stand beside it. */
	assert_int_equal(scene_told(s, INCIDENT_OPENED), 2);
	assert_int_equal(scene_told(s, INCIDENT_MERGED), 1);
	assert_int_equal(s->told[2].id, 1);
	assert_int_equal(s->told[2].into, 2);
	scene_free(s);
}

/* Counted with others while its source was not known; with its source it is one of a kind, and nothing is left. */
static void
what_was_told_and_is_nothing_now_is_withdrawn(void **state)
{
	struct scene *s = scene_new(
	    "join wrapper { by host, program, pid; open conn.wrapper_accept; carry src; for 1h; }\n"
	    "rule nowhere { each exploit.overflow by host; where src absent; open record; }\n");

	scene_lines(s, "10 exploit.overflow host=h program=imapd pid=7\n"
	    "5 conn.wrapper_accept host=h program=imapd pid=7 src=192.0.2.7\n");
	expect(s, "");
	assert_int_equal(scene_told(s, INCIDENT_MERGED), 1);
	assert_int_equal(s->told[1].into, 0);
	scene_free(s);
}

static void
other_numbers_join_too(void **state)
{
	struct scene *s = scene_new(rules);

	scene_lines(s, "0 mail.from host=h qid=A1 src=192.0.2.7\n3 exploit.overflow host=h qid=A1\n"
	    "4 exploit.overflow host=h qid=A2\n");
	expect(s, "over src=192.0.2.7 user= sev=high count=1 refs=2\n");
	scene_free(s);
}

static void
sessions_have_a_limit_and_evictions_are_counted(void **state)
{
	struct scene *s = scene_new(rules);
	struct correlate_stats stats;
	char line[100];

	for (int i = 0; i < 70000; i++) {
		s->n = 0;
		if (i == 0)
			scene_begin(s);
		snprintf(line, sizeof(line), "%g conn.open host=h program=d pid=%d src=10.%d.%d.%d",
		    i / 1000.0, i + 1, i >> 16,
		    i >> 8 & 255, i & 255);
		scene_lines(s, line);
		scene_play(s, 0);
	}
	correlate_stats(s->c, &stats);
	assert_int_equal(stats.joins_evicted, 70000 - 32768);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_before_names_the_source),
		cmocka_unit_test(the_record_gets_the_field),
		cmocka_unit_test(a_condition_waits_for_the_session),
		cmocka_unit_test(a_session_ends),
		cmocka_unit_test(a_session_is_forgotten_in_time),
		cmocka_unit_test(a_process_of_many_clients_blames_nobody),
		cmocka_unit_test(a_process_that_ended_one_client_may_serve_the_next),
		cmocka_unit_test(the_opening_may_come_late),
		cmocka_unit_test(a_source_found_late_takes_it_from_the_rule_for_none),
		cmocka_unit_test(what_was_told_and_is_nothing_now_is_withdrawn),
		cmocka_unit_test(other_numbers_join_too),
		cmocka_unit_test(sessions_have_a_limit_and_evictions_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
