/* correlate: each shape of rule, in order and out of order, over restarts, with repeats and with doubles. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char brute[] =
    "rule brute { count 3 of auth.fail, auth.invalid_user by src within 10s; open auth.brute; quiet 30s;\n"
    "  say \"{count} of {users} from {src} in {span}\"; }\n";

static void
expect(struct scene *s, const char *want)
{
	const char *got = scene_run(s);

	if (strcmp(got, want) != 0)
		fail_msg("got:\n%swanted:\n%s", got, want);
}

static void
counts_within_a_sliding_window(void **state)
{
	struct scene *s = scene_new(brute);

	scene_lines(s, "0 auth.fail src=192.0.2.1 user=a\n5 auth.fail src=192.0.2.2 user=a\n"
	    "9 auth.fail src=192.0.2.1 user=b\n10.5 auth.fail src=192.0.2.1 user=c\n");
	expect(s, "");
	scene_lines(s, "18 auth.invalid_user src=192.0.2.1 user=c\n");
	expect(s, "brute src=192.0.2.1 user= sev=high count=3 refs=3,4,5\n");
	assert_int_equal(scene_told(s, INCIDENT_OPENED), 1);
	assert_int_equal(scene_told(s, INCIDENT_CLOSED), 1);
	assert_non_null(strstr(s->told[0].text, "3 of b and c from 192.0.2.1 in"));
	scene_free(s);
}

static void
a_window_ends_exactly_at_its_length(void **state)
{
	struct scene *s = scene_new(brute);

	scene_lines(s, "0 auth.fail src=a\n4 auth.fail src=a\n10 auth.fail src=a\n");
	expect(s, "brute src=a user= sev=high count=3 refs=1,2,3\n");
	scene_free(s);
}

static void
grows_while_it_is_not_quiet_and_opens_anew_after(void **state)
{
	struct scene *s = scene_new(brute);

	scene_lines(s, "0 auth.fail src=192.0.2.1\n1 auth.fail src=192.0.2.1\n2 auth.fail src=192.0.2.1\n"
	    "32 auth.fail src=192.0.2.1\n62.5 auth.fail src=192.0.2.1\n63 auth.fail src=192.0.2.1\n"
	    "64 auth.fail src=192.0.2.1\n");
	expect(s, "brute src=192.0.2.1 user= sev=high count=3 refs=5,6,7\n"
	    "brute src=192.0.2.1 user= sev=high count=4 refs=1,2,3,4\n");
	scene_free(s);
}

static void
repeats_multiply(void **state)
{
	struct scene *s = scene_new(brute);

	scene_lines(s, "0 auth.fail src=192.0.2.1 user=root x4\n");
	expect(s, "brute src=192.0.2.1 user=root sev=high count=4 refs=1\n");
	scene_free(s);
}

static void
the_repeat_mark_counts_the_last_record_of_its_host(void **state)
{
	struct scene *s = scene_new(brute);

	scene_lines(s, "0 auth.fail src=192.0.2.1 user=root host=a\n1 info host=b\n2 syslog.repeat host=a repeat=5\n"
	    "3 auth.fail src=192.0.2.9 host=b\n4 info host=b\n5 syslog.repeat host=b repeat=7\n");
	expect(s, "brute src=192.0.2.1 user=root sev=high count=6 refs=1,3\n");
	scene_free(s);
}

static void
a_record_handed_in_twice_counts_once(void **state)
{
	struct scene *s = scene_new(brute);

	scene_lines(s, "0 auth.fail src=192.0.2.1\n1 auth.fail src=192.0.2.1\n");
	s->lines[1].ref = 1;
	s->lines[1].time_us = s->lines[0].time_us;
	s->lines[2] = s->lines[1];
	s->n = 3;
	expect(s, "");
	scene_free(s);
}

static void
distinct_values_are_counted_not_tries(void **state)
{
	struct scene *s = scene_new("rule scan { count 4 of fw.deny by src, dst within 5m distinct dst_port;\n"
	    "  open scan.ports; mark scan.ports; }");
	char line[80];

	for (int i = 0; i < 40; i++) {
		snprintf(line, sizeof(line),
		    "%d fw.deny src=192.0.2.1 dst=198.51.100.1 dst_port=22", i);
		scene_lines(s, line);
	}
	expect(s, "");
	scene_lines(s, "41 fw.deny src=192.0.2.1 dst=198.51.100.1 dst_port=23\n"
	    "42 fw.deny src=192.0.2.1 dst=198.51.100.1 dst_port=25\n");
	expect(s, "");
	scene_lines(s, "300 fw.deny src=192.0.2.1 dst=198.51.100.1 dst_port=80\n");
	assert_non_null(strstr(scene_run(s), "scan src=192.0.2.1 user= sev=medium count="));
	assert_int_equal(s->marked[43], kinds_find(s->rs->kinds, STR("scan.ports")) + 1);
	scene_free(s);
}

static void
a_sequence_needs_its_order(void **state)
{
	struct scene *s = scene_new("rule su { sequence su.fail then su.ok by user, target within 10m;\n"
	    "  open su.fail_then_ok; }");

	scene_lines(s, "0 su.ok user=a target=root\n10 su.fail user=a target=root\n20 su.ok user=b target=root\n"
	    "700 su.ok user=a target=root\n");
	expect(s, "");
	scene_lines(s, "800 su.fail user=a target=root\n810 su.fail user=a target=root\n820 su.ok user=a target=root\n");
	expect(s, "su src= user=a sev=high count=3 refs=5,6,7\n");
	scene_free(s);
}

static void
a_sequence_may_count_its_steps(void **state)
{
	struct scene *s = scene_new("rule in { sequence 3 of auth.fail then auth.ok by src within 1h; open auth.brute_ok; }");

	scene_lines(s, "0 auth.fail src=192.0.2.1\n1 auth.fail src=192.0.2.1\n2 auth.ok src=192.0.2.1\n");
	expect(s, "");
	scene_lines(s, "3 auth.fail src=192.0.2.1\n4 auth.ok src=192.0.2.1\n");
	expect(s, "in src=192.0.2.1 user= sev=critical count=4 refs=1,2,4,5\n");
	scene_free(s);
}

static void
what_must_not_follow_is_judged_when_time_is_up(void **state)
{
	struct scene *s = scene_new("rule open { sequence session.open then not session.closed by host, session within 1m;\n"
	    "  open log.gap; severity low; }");

	scene_lines(s, "0 session.open host=a session=1 user=u\n1 session.open host=a session=2 user=v\n"
	    "30 session.closed host=a session=1\n");
	expect(s, "");
	scene_lines(s, "200 info host=a\n");
	expect(s, "open src= user=v sev=low count=1 refs=2\n");
	scene_free(s);
}

static void
the_first_of_a_key_is_told_after_learning(void **state)
{
	struct scene *s = scene_new("rule new { first auth.ok by user, src after 1h; open access.unexpected_origin; }");

	scene_lines(s, "0 auth.ok user=a src=192.0.2.1\n4000 auth.ok user=a src=192.0.2.1\n"
	    "4001 auth.ok user=a src=192.0.2.2\n9000 auth.ok user=a src=192.0.2.2\n");
	expect(s, "new src=192.0.2.2 user=a sev=medium count=1 refs=3\n");
	s->opts.batch = true;
	expect(s, "");
	scene_free(s);
}

/* The first time in so many days; where nothing was learned from, nothing is said of it. */
static void
how_long_was_watched_is_said(void **state)
{
	static const char rule[] = "rule new { first auth.ok by user, src after 1h; open access.unexpected_origin;\n"
	    "say \"{user} from {src} for the first time[ in {watched}]\"; }";
	struct scene *s = scene_new(rule);

	scene_lines(s, "0 auth.ok user=a src=192.0.2.1\n90000 auth.ok user=a src=192.0.2.2\n"
	    "1036900 auth.ok user=b src=192.0.2.2\n");
	scene_run(s);
	assert_non_null(strstr(s->told[0].text, "a from 192.0.2.2 for the first time in 1 day"));
	assert_null(strstr(s->told[0].text, "days"));
	assert_non_null(strstr(s->told[s->ntold - 1].text, "b from 192.0.2.2 for the first time in 12 days"));
	scene_free(s);
	s = scene_new(rule);
	scene_lines(s, "0 auth.ok user=a src=192.0.2.1\n4000 auth.ok user=a src=192.0.2.2\n");
	scene_run(s);
	assert_non_null(strstr(s->told[0].text, "a from 192.0.2.2 for the first time"));
	assert_null(strstr(s->told[0].text, "time in"));
	scene_free(s);
}

static void
rare_things_are_told_until_they_are_common(void **state)
{
	struct scene *s = scene_new("rule odd { rare proc.exec by user, command below 3 within 30d; open proc.exec;\n"
	    "  severity low; quiet 1m; }");

	scene_lines(s, "0 proc.exec user=a command=nc\n1000 proc.exec user=a command=nc\n2000 proc.exec user=a command=nc\n"
	    "3000 proc.exec user=a command=nc\n");
	expect(s, "odd src= user=a sev=low count=1 refs=1\nodd src= user=a sev=low count=1 refs=2\n");
	scene_free(s);
}

static void
silence_is_told_once(void **state)
{
	struct scene *s = scene_new("rule quiet { silence of any by host for 1h; open log.silent; }");

	scene_lines(s, "0 info host=a\n1 info host=b\n3000 info host=b\n6500 info host=b\n9000 info host=b\n9100 info host=a\n");
	expect(s, "quiet src= user= sev=medium count=1 refs=1\n");
	scene_free(s);
}

static void
risk_adds_up_different_things_once_each(void **state)
{
	struct scene *s = scene_new("rule risk { risk 20 by src within 1h; open risk.high; }\n"
	    "rule stealth { each scan.stealth by src; open scan.stealth; risk 16; mark none; }");
	char line[60];

	for (int i = 0; i < 50; i++) {
		snprintf(line, sizeof(line), "%d auth.fail src=192.0.2.1", i);
		scene_lines(s, line);
	}
	expect(s, "");
	scene_lines(s, "60 recon.vrfy src=192.0.2.1\n70 scan.stealth src=192.0.2.1\n");
	expect(s, "risk src=192.0.2.1 user= sev=high count=3 refs=50,51,52\n"
	    "stealth src=192.0.2.1 user= sev=medium count=1 refs=52\n");
	scene_free(s);
}

static void
names_and_addresses_are_keys(void **state)
{
	struct scene *s = scene_new(brute);

	scene_lines(s, "0 auth.fail src_host=Evil.example.net\n1 auth.fail src_host=evil.example.net\n"
	    "2 auth.fail src_host=EVIL.example.net\n3 auth.fail src=::ffff:192.0.2.1\n4 auth.fail src=192.0.2.1\n"
	    "5 auth.fail src=::ffff:c000:201\n");
	assert_non_null(strstr(scene_run(s), "refs=1,2,3\n"));
	assert_non_null(strstr(buf_cstr(&s->closed), "refs=4,5,6\n"));
	scene_free(s);
}

static void
a_network_may_be_the_key(void **state)
{
	struct scene *s = scene_new("rule net { count 3 of auth.fail by net:src within 1m; open auth.distributed; }");

	scene_lines(s, "0 auth.fail src=192.0.2.1\n1 auth.fail src=192.0.2.77\n2 auth.fail src=192.0.3.1\n"
	    "3 auth.fail src=192.0.2.200\n4 auth.fail src=2001:db8::1\n5 auth.fail src=2001:db8::ffff\n"
	    "6 auth.fail src=2001:db8:0:1::1\n7 auth.fail src=2001:db8::2\n");
	expect(s, "net src= user= sev=high count=3 refs=1,2,4\nnet src= user= sev=high count=3 refs=5,6,8\n");
	scene_free(s);
}

static void
conditions_choose_records(void **state)
{
	struct scene *s = scene_new("rule web { each http.not_found by src; where path starts '/admin'; open recon.web_probe;\n"
	    "  severity critical when status is 200; }");

	scene_lines(s, "0 http.not_found src=192.0.2.1 path=/x\n1 http.not_found src=192.0.2.1 path=/admin.php status=404\n");
	expect(s, "web src=192.0.2.1 user= sev=medium count=1 refs=2\n");
	scene_lines(s, "2 http.not_found src=192.0.2.1 path=/admin status=200\n");
	expect(s, "web src=192.0.2.1 user= sev=critical count=2 refs=2,3\n");
	assert_int_equal(scene_told(s, INCIDENT_WORSE), 1);
	scene_free(s);
}

static void
foreign_text_is_escaped_in_the_story(void **state)
{
	struct scene *s = scene_new(brute);

	scene_lines(s, "0 auth.fail src=192.0.2.1 user=\x1b[2J x3\n");
	(void)scene_run(s);
	assert_true(s->ntold > 0);
	assert_null(strchr(strchr(s->told[0].text, '|'), 0x1b));
	assert_non_null(strstr(s->told[0].text, "\\x1b[2J"));
	scene_free(s);
}

static void
keys_have_a_limit_and_evictions_are_counted(void **state)
{
	struct scene *s = scene_new(brute);
	struct correlate_stats stats;
	char line[60];

	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "%g auth.fail src=10.0.%d.%d", i / 1000.0, i / 250,
		    i % 250);
		scene_lines(s, line);
	}
	s->opts.keys_max = 100;
	expect(s, "");
	correlate_stats(s->c, &stats);
	assert_int_equal(stats.keys, 100);
	assert_int_equal(stats.keys_evicted, 900);
	scene_free(s);
}

static void
proofs_have_a_limit_and_the_count_goes_on(void **state)
{
	struct scene *s = scene_new(brute);
	struct correlate_stats stats;
	char line[60];

	for (int i = 0; i < 5000; i++) {
		snprintf(line, sizeof(line), "%g auth.fail src=192.0.2.1", i / 100.0);
		scene_lines(s, line);
	}
	assert_non_null(strstr(scene_run(s), "count=5000 refs=1,2,3"));
	assert_null(strstr(buf_cstr(&s->closed), ",4097"));
	correlate_stats(s->c, &stats);
	assert_int_equal(stats.proofs_cut, 904);
	assert_true(scene_told(s, INCIDENT_WORSE) == 3);
	scene_free(s);
}

static void
a_rule_that_is_switched_off_counts_nothing(void **state)
{
	static const struct str off[] = { STR_INIT("two"), STR_INIT("nobody") };
	struct scene *s = scene_new("rule one { each access.refused by src; open access.refused; }\n"
	    "rule two { count 2 of access.refused by src within 60s; open dos.conn_flood; absorb one; }\n"
	    "rule all { risk 1 by src within 60s; open risk.high; }");

	assert_int_equal(rule_find(s->rs, STR("two")), 1);
	assert_int_equal(rule_find(s->rs, STR("nobody")), UINT32_MAX);
	s->opts.disabled = off;
	s->opts.ndisabled = 2;
	scene_lines(s, "0 access.refused src=a\n1 access.refused src=a\n");
	assert_string_equal(scene_run(s), "one src=a user= sev=low count=2 refs=1,2\n");
	s->opts.ndisabled = 0;
	assert_string_equal(scene_run(s), "two src=a user= sev=high count=2 refs=1,2\n");
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_that_is_switched_off_counts_nothing),
		cmocka_unit_test(counts_within_a_sliding_window),
		cmocka_unit_test(a_window_ends_exactly_at_its_length),
		cmocka_unit_test(grows_while_it_is_not_quiet_and_opens_anew_after),
		cmocka_unit_test(repeats_multiply),
		cmocka_unit_test(the_repeat_mark_counts_the_last_record_of_its_host),
		cmocka_unit_test(a_record_handed_in_twice_counts_once),
		cmocka_unit_test(distinct_values_are_counted_not_tries),
		cmocka_unit_test(a_sequence_needs_its_order),
		cmocka_unit_test(a_sequence_may_count_its_steps),
		cmocka_unit_test(what_must_not_follow_is_judged_when_time_is_up),
		cmocka_unit_test(the_first_of_a_key_is_told_after_learning),
		cmocka_unit_test(how_long_was_watched_is_said),
		cmocka_unit_test(rare_things_are_told_until_they_are_common),
		cmocka_unit_test(silence_is_told_once),
		cmocka_unit_test(risk_adds_up_different_things_once_each),
		cmocka_unit_test(names_and_addresses_are_keys),
		cmocka_unit_test(a_network_may_be_the_key),
		cmocka_unit_test(conditions_choose_records),
		cmocka_unit_test(foreign_text_is_escaped_in_the_story),
		cmocka_unit_test(keys_have_a_limit_and_evictions_are_counted),
		cmocka_unit_test(proofs_have_a_limit_and_the_count_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
