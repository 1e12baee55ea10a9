/* incident: absorbing, merging, context, marks, and what is told when. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char refused[] =
    "rule knock { each access.refused by src; open access.refused; quiet 5m; }\n"
    "rule flood { count 3 of access.refused by src, host, program within 30s; open dos.conn_flood; quiet 5m; absorb knock; }\n";

static void
expect(struct scene *s, const char *want)
{
	const char *got = scene_run(s);

	if (strcmp(got, want) != 0)
		fail_msg("got:\n%swanted:\n%s", got, want);
}

static void
a_graver_incident_takes_the_lesser_over(void **state)
{
	struct scene *s = scene_new(refused);

	scene_lines(s, "0 access.refused src=192.0.2.7 host=h program=f\n8 access.refused src=192.0.2.7 host=h program=f\n"
	    "15 access.refused src=192.0.2.7 host=h program=f\n16 access.refused src=192.0.2.7 host=h program=other\n");
	expect(s, "flood src=192.0.2.7 user= sev=high count=4 refs=1,2,3,4\n");
	/* The lesser was told first: the same id got worse, and nothing else was opened. */
	assert_int_equal(scene_told(s, INCIDENT_OPENED), 1);
	assert_int_equal(scene_told(s, INCIDENT_WORSE), 1);
	assert_int_equal(s->told[0].id, s->told[1].id);
	scene_free(s);
}

static void
two_bursts_are_two_incidents(void **state)
{
	struct scene *s = scene_new(refused);

	scene_lines(s, "0 access.refused src=a host=h program=f\n7 access.refused src=a host=h program=f\n"
	    "15 access.refused src=a host=h program=f\n600 access.refused src=a host=h program=f\n"
	    "607 access.refused src=a host=h program=f\n615 access.refused src=a host=h program=f\n"
	    "1200 access.refused src=a host=h program=f\n");
	expect(s, "flood src=a user= sev=high count=3 refs=1,2,3\nflood src=a user= sev=high count=3 refs=4,5,6\n"
	    "knock src=a user= sev=low count=1 refs=7\n");
	scene_free(s);
}

static void
a_late_record_joins_two_incidents(void **state)
{
	struct scene *s = scene_new("rule k { each access.refused by src; open access.refused; quiet 10s; }");

	scene_lines(s, "0 access.refused src=a\n18 access.refused src=a\n9 access.refused src=a\n");
	scene_begin(s);
	for (size_t i = 0; i < 3; i++)
		scene_play(s, i);
	assert_string_equal(scene_end(s), "k src=a user= sev=low count=3 refs=1,3,2\n");
	assert_int_equal(scene_told(s, INCIDENT_OPENED), 2);
	assert_int_equal(scene_told(s, INCIDENT_MERGED), 1);
	scene_free(s);
}

static void
same_fields_are_one_incident_over_hours(void **state)
{
	struct scene *s = scene_new("rule w { each exploit.web_cgi by src, path; open record; same src within 6h; }");

	scene_lines(s, "0 exploit.web_cgi src=a path=/cgi-bin/phf\n1 exploit.web_cgi src=a path=/root/cgi-bin/phf\n"
	    "20000 exploit.web_cgi src=a path=/x\n2 exploit.web_cgi src=b path=/x\n");
	expect(s, "w src=a user= sev=high count=3 refs=1,2,3\nw src=b user= sev=high count=1 refs=4\n");
	scene_free(s);
}

static void
the_session_tells_the_story(void **state)
{
	struct scene *s = scene_new("rule f { count 2 of ftp.hidden_dir, exploit.site_exec by host, program, pid within 1h;\n"
	    "  open ftp.hostile_session; context of ftp.*, conn.open by host, program, pid; quiet 1h; }");

	scene_lines(s, "0 conn.open host=h program=ftpd pid=7 src=192.0.2.7\n1 ftp.reply host=h program=ftpd pid=7\n"
	    "1 ftp.reply host=h program=ftpd pid=8\n2 ftp.hidden_dir host=h program=ftpd pid=7\n"
	    "2 ftp.reply host=h program=ftpd pid=7\n3 exploit.site_exec host=h program=ftpd pid=7\n"
	    "3 ftp.reply host=h program=ftpd pid=7\n");
	expect(s, "f src= user= sev=high count=2 refs=1c,2c,4,5c,6,7c\n");
	scene_free(s);
}

static void
marks_are_given_once_and_not_when_none(void **state)
{
	struct scene *s = scene_new("rule a { each daemon.stop by host; open daemon.stop; }\n"
	    "rule b { each daemon.start by host; open daemon.stop; mark none; }\n"
	    "rule c { each net.flow by host; open scan.sweep; mark scan.sweep; }");

	scene_lines(s, "0 daemon.stop host=h\n1 daemon.start host=h\n2 net.flow host=h\n3 info host=h\n");
	(void)scene_run(s);
	assert_int_equal(s->marked[1], UINT16_MAX);        /* hostile, its kind unchanged */
	assert_int_equal(s->marked[2], 0);
	assert_int_equal(s->marked[3], KIND_scan_sweep + 1);
	assert_int_equal(s->marked[4], 0);
	scene_free(s);
}

static void
told_again_when_it_passes_steps(void **state)
{
	struct scene *s = scene_new("rule k { each access.refused by src; open access.refused; worse count 5, 8; }");
	char line[40];

	for (int i = 0; i < 20; i++) {
		snprintf(line, sizeof(line), "%d access.refused src=a", i);
		scene_lines(s, line);
	}
	(void)scene_run(s);
	assert_int_equal(scene_told(s, INCIDENT_OPENED), 1);
	assert_int_equal(scene_told(s, INCIDENT_WORSE), 2);
	scene_free(s);
}

static void
the_kind_is_that_of_the_gravest_record(void **state)
{
	struct scene *s = scene_new("rule o { each exploit.overflow, exploit.overflow_success by src; open record; }");

	scene_lines(s, "0 exploit.overflow src=a\n1 exploit.overflow_success src=a\n2 exploit.overflow src=a\n");
	expect(s, "o src=a user= sev=critical count=3 refs=1,2,3\n");
	scene_free(s);
}

static void
a_chain_of_absorbing_is_one_incident(void **state)
{
	struct scene *s = scene_new("rule one { each auth.fail by src; open auth.fail; }\n"
	    "rule few { count 2 of auth.fail by src within 1m; open auth.brute; absorb one; }\n"
	    "rule many { count 3 of auth.fail by src within 1m; open auth.brute; absorb few, one; }\n"
	    "rule in { sequence auth.fail then auth.ok by src within 1m; open auth.brute_ok; absorb many, few, one; }");

	scene_lines(s, "0 auth.fail src=a\n1 auth.fail src=a\n2 auth.fail src=a\n3 auth.ok src=a\n4 auth.fail src=a\n");
	expect(s, "in src=a user= sev=critical count=5 refs=1,2,3,4,5\n");
	assert_int_equal(scene_told(s, INCIDENT_OPENED), 1);
	assert_int_equal(scene_told(s, INCIDENT_CLOSED), 1);
	scene_free(s);
}

static void
open_incidents_have_a_limit(void **state)
{
	struct scene *s = scene_new("rule k { each access.refused by src; open access.refused; }");
	struct correlate_stats stats;
	char line[60];

	scene_begin(s);
	free(s->told);
	s->told = calloc(2, SCENE_MAX * sizeof(*s->told));
	for (int i = 0; i < 17000; i++) {
		s->n = 0;
		s->ntold = 0;
		snprintf(line, sizeof(line), "%g access.refused src=10.0.%d.%d", i / 1000.0, i >> 8,
		    i & 255);
		scene_lines(s, line);
		s->lines[0].ref = 1;
		scene_play(s, 0);
		/* The one that would end first is closed early, not lost. */
		assert_int_equal(scene_told(s, INCIDENT_CLOSED), i >= 16384);
	}
	correlate_stats(s->c, &stats);
	assert_int_equal(stats.keys_evicted, 17000 - 16384);
	scene_free(s);
}

static void
a_guess_alone_is_not_sure(void **state)
{
	struct scene *s = scene_new("rule b { count 3 of auth.fail by src within 60s; open auth.brute; }\n"
	    "rule o { each exploit.overflow by src; open record; }\n"
	    "rule t { sequence 2 of auth.fail then auth.ok by src within 60s; open auth.brute_ok; absorb b; }\n");

	scene_lines(s, "0 auth.fail src=a guess\n1 auth.fail src=a\n2 auth.fail src=a\n"
	    /* Three sure ones are enough, whatever else was guessed. */
	    "10 auth.fail src=b guess\n11 auth.fail src=b\n12 auth.fail src=b\n13 auth.fail src=b\n"
	    "20 exploit.overflow src=c guess\n30 exploit.overflow src=d guess\n31 exploit.overflow src=d\n"
	    /* The graver one is a guess, but what it holds is not. */
	    "40 auth.fail src=e\n41 auth.fail src=e\n42 auth.fail src=e\n43 auth.ok src=e guess\n");
	expect(s, "b src=a user= sev=high count=3 refs=1,2,3 unsure\n"
	    "b src=b user= sev=high count=4 refs=4,5,6,7\n"
	    "o src=c user= sev=high count=1 refs=8 unsure\no src=d user= sev=high count=2 refs=9,10\n"
	    "t src=e user= sev=critical count=4 refs=11,12,13,14\n");
	scene_free(s);
}

/* Else nobody would be banned for what began with one odd line. */
static void
it_is_told_again_when_it_is_no_guess_any_more(void **state)
{
	struct scene *s = scene_new("rule o { each exploit.overflow by src; open record; }");

	scene_lines(s, "0 exploit.overflow src=d guess\n1 exploit.overflow src=d guess\n2 exploit.overflow src=d\n"
	    "3 exploit.overflow src=d\n");
	expect(s, "o src=d user= sev=high count=4 refs=1,2,3,4\n");
	assert_int_equal(scene_told(s, INCIDENT_WORSE), 1);
	scene_free(s);
}

static void
an_id_told_before_goes_on(void **state)
{
	struct scene *s = scene_new("rule k { each access.refused by src; open access.refused; }");

	scene_lines(s, "0 access.refused src=a\n1 access.refused src=b\n2 access.refused src=c\n");
	scene_begin(s);
	correlate_ids_behind(s->c, 40);
	correlate_ids_behind(s->c, 7);
	s->known_id = 33;
	for (size_t i = 0; i < 3; i++)
		scene_play(s, i);
	assert_int_equal(s->told[0].id, 33);
	assert_int_equal(s->told[1].id, 41);
	scene_restart(s);
	(void)scene_end(s);
	assert_int_equal(s->told[3].id, 33);
	assert_int_equal(s->told[5].id, 42);
	scene_free(s);
}

static void
note_ref(void *ctx, uint64_t ref)
{
	*(uint64_t *)ctx |= UINT64_C(1) << ref;
}

static void
whoever_keeps_texts_hears_which_records_count(void **state)
{
	struct scene *s = scene_new("rule b { count 2 of auth.fail by src within 60s; open auth.brute; }");
	uint64_t refs = 0;

	scene_lines(s, "0 auth.fail src=a\n1 auth.fail src=a\n2 auth.fail src=b\n3 info src=c\n");
	scene_begin(s);
	for (size_t i = 0; i < 4; i++)
		scene_play(s, i);
	correlate_refs(s->c, note_ref, &refs);
	assert_int_equal(refs, 1 << 1 | 1 << 2 | 1 << 3);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_graver_incident_takes_the_lesser_over),
		cmocka_unit_test(two_bursts_are_two_incidents),
		cmocka_unit_test(a_late_record_joins_two_incidents),
		cmocka_unit_test(same_fields_are_one_incident_over_hours),
		cmocka_unit_test(the_session_tells_the_story),
		cmocka_unit_test(marks_are_given_once_and_not_when_none),
		cmocka_unit_test(told_again_when_it_passes_steps),
		cmocka_unit_test(the_kind_is_that_of_the_gravest_record),
		cmocka_unit_test(a_chain_of_absorbing_is_one_incident),
		cmocka_unit_test(open_incidents_have_a_limit),
		cmocka_unit_test(a_guess_alone_is_not_sure),
		cmocka_unit_test(it_is_told_again_when_it_is_no_guess_any_more),
		cmocka_unit_test(an_id_told_before_goes_on),
		cmocka_unit_test(whoever_keeps_texts_hears_which_records_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
