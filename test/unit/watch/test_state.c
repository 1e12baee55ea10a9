/* state: all of it comes back, a changed rule loses only its own, and damaged bytes do no harm. */
#include "scene.h"

#include "watch/correlate/state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char rules[] =
    "join j { by host, program, pid; open conn.open; carry src; for 1h; }\n"
    "rule brute { count 3 of auth.fail by src within 10s; open auth.brute; absorb one; }\n"
    "rule one { each auth.fail by src; open auth.fail; context of conn.open by host, program, pid; }\n"
    "rule stays { sequence session.open then not session.closed by host, session within 2m; open log.gap; }\n"
    "rule new { first su.ok by user; open su.ok; }\n"
    "rule still { silence of info by host for 1h; open log.silent; }\n"
    "rule all { risk 1 by src within 1h; open risk.high; }\n";

static const char lines[] =
    "0 conn.open host=h program=p pid=1 src=192.0.2.1\n1 auth.fail host=h program=p pid=1 user=a\n"
    "2 auth.fail src=192.0.2.1 user=b\n3 session.open host=h session=9 user=z\n4 su.ok user=q\n5 info host=h\n"
    "6 auth.fail src=192.0.2.2 user=c\n7 recon.vrfy src=192.0.2.1\n8 mail.rejected src=192.0.2.1\n"
    "8 auth.fail src=192.0.2.1 user=d\n9 auth.fail host=h program=p pid=2\n";

static void
play_all(struct scene *s)
{
	scene_begin(s);
	for (size_t i = 0; i < s->n; i++) {
		correlate_advance(s->c, s->lines[i].time_us);
		scene_play(s, i);
	}
}

static void
what_is_saved_comes_back_the_same(void **state)
{
	struct scene *s = scene_new(rules);
	struct buf once = BUF_INIT(64u << 20), twice = BUF_INIT(64u << 20);

	scene_lines(s, lines);
	play_all(s);
	assert_int_equal(correlate_save(s->c, &once), 0);
	scene_restart(s);
	assert_int_equal(correlate_save(s->c, &twice), 0);
	assert_int_equal(once.n, twice.n);
	scene_advance(s, 4000);
	assert_non_null(strstr(scene_end(s), "stays src= user=z"));
	assert_non_null(strstr(buf_cstr(&s->closed), "still src="));
	assert_non_null(strstr(buf_cstr(&s->closed),
	    "brute src=192.0.2.1 user= sev=high count=3 refs=1c,2,3,10"));
	buf_free(&once);
	buf_free(&twice);
	scene_free(s);
}

/* The brute rule changes: what it counted is gone, everything else is there. */
static void
a_changed_rule_loses_only_its_own(void **state)
{
	char changed[sizeof(rules)];
	struct scene *s = scene_new(rules), *other;
	struct buf saved = BUF_INIT(64u << 20);
	struct correlate_stats before, after;
	char *at;

	scene_lines(s, "0 auth.fail src=192.0.2.1\n1 su.ok user=q\n2 session.open host=h session=9 user=z\n");
	play_all(s);
	assert_int_equal(correlate_save(s->c, &saved), 0);
	correlate_stats(s->c, &before);
	memcpy(changed, rules, sizeof(rules));
	at = strstr(changed, "count 3");
	at[6] = '4';
	other = scene_new(changed);
	scene_begin(other);
	assert_int_equal(correlate_load(other->c, buf_str(&saved)), 0);
	correlate_stats(other->c, &after);
	assert_int_equal(after.keys, before.keys - 1);
	scene_advance(other, 4000);
	assert_non_null(strstr(scene_end(other), "stays src= user=z"));
	buf_free(&saved);
	scene_free(s);
	scene_free(other);
}

static void
another_version_is_stale_and_nothing_is_taken(void **state)
{
	struct scene *s = scene_new(rules);
	struct buf saved = BUF_INIT(64u << 20);
	struct correlate_stats stats;

	scene_lines(s, lines);
	play_all(s);
	assert_int_equal(correlate_save(s->c, &saved), 0);
	saved.p[4]++;
	scene_begin(s);
	assert_int_equal(correlate_load(s->c, buf_str(&saved)), -ESTALE);
	correlate_stats(s->c, &stats);
	assert_int_equal(stats.keys + stats.records, 0);
	buf_free(&saved);
	scene_free(s);
}

/* A new kind and a new field push the others' numbers along; joins and rules stand in another order. */
static void
rules_that_stayed_keep_what_they_know(void **state)
{
	static const char was[] = "kind odd.one { severity low; }\nkind odd.two { severity high; hostile; }\n"
	    "rule alone { each odd.one by src, colour; open odd.one; }\n"
	    "join a { by host, session; open session.open; carry user; for 1h; }\n"
	    "join b { by host, pid; open conn.open; carry src, taste; for 1h; }\n"
	    "rule both { count 2 of odd.two by src within 60s; open odd.two; }\n"
	    "rule once { each odd.two by taste; open record; say '{src} with {taste}'; quiet 60s; }\n";
	static const char is[] = "kind odd.three { severity low; }\nkind odd.two { severity high; hostile; }\n"
	    "rule new { each odd.three by src, smell; open odd.three; }\n"
	    "join b { by host, pid; open conn.open; carry src, taste; for 1h; }\n"
	    "rule once { each odd.two by taste; open record; say '{src} with {taste}'; quiet 60s; }\n"
	    "rule both { count 2 of odd.two by src within 60s; open odd.two; }\n";
	struct scene *s = scene_new(was), *other = scene_new(is);
	struct buf saved = BUF_INIT(64u << 20);
	struct correlate_stats before, after;

	scene_lines(s, "0 conn.open host=h pid=1 src=192.0.2.1 taste=sour\n1 odd.two src=192.0.2.9 taste=salt\n"
	    "2 odd.one src=x colour=red\n3 info host=h\n");
	play_all(s);
	correlate_stats(s->c, &before);
	assert_int_equal(correlate_save(s->c, &saved), 0);
	scene_lines(other, "10 odd.two host=h pid=1\n11 odd.two src=192.0.2.9 taste=salt\n12 odd.two src=192.0.2.1 taste=sour\n");
	scene_begin(other);
	assert_int_equal(correlate_load(other->c, buf_str(&saved)), 0);
	correlate_stats(other->c, &after);
	assert_int_equal(after.keys, before.keys - 1);
	for (size_t i = 0; i < other->n; i++)
		scene_play(other, i);
	assert_string_equal(scene_end(other), "both src=192.0.2.1 user= sev=high count=2 refs=1,3\n"
	    "both src=192.0.2.9 user= sev=high count=2 refs=2,2\n"
	    "once src=192.0.2.1 user= sev=high count=2 refs=1,3\nonce src=192.0.2.9 user= sev=high count=2 refs=2,2\n");
	buf_free(&saved);
	scene_free(s);
	scene_free(other);
}

static void
damaged_bytes_are_refused(void **state)
{
	struct scene *s = scene_new(rules);
	struct buf saved = BUF_INIT(64u << 20);

	scene_lines(s, lines);
	play_all(s);
	assert_int_equal(correlate_save(s->c, &saved), 0);
	for (size_t n = 0; n < saved.n; n += 1 + n / 8) {
		scene_begin(s);
		assert_int_equal(correlate_load(s->c, str_head(buf_str(&saved), n)), -EINVAL);
	}
	for (size_t at = 100; at < saved.n; at += 97) {
		saved.p[at] ^= 0x40;
		scene_begin(s);
		assert_true(correlate_load(s->c, buf_str(&saved)) < 0);
		saved.p[at] ^= 0x40;
	}
	/* The engine is as new after a refusal. */
	scene_lines(s, "");
	for (size_t i = 0; i < s->n; i++)
		scene_play(s, i);
	assert_non_null(strstr(scene_end(s), "brute src=192.0.2.1"));
	buf_free(&saved);
	scene_free(s);
}

static void
rehash(struct buf *saved)
{
	struct state_head h;

	memcpy(&h, saved->p, sizeof(h));
	h.payload = state_hash(&h, str_from(buf_str(saved), sizeof(h)));
	memcpy(saved->p, &h, sizeof(h));
}

/* Bytes that carry the right hash and nonsense all the same. */
static void
nonsense_with_a_good_hash_does_no_harm(void **state)
{
	struct scene *s = scene_new(rules);
	struct buf saved = BUF_INIT(64u << 20);
	uint32_t seed = 1;
	size_t refused = 0;

	scene_lines(s, lines);
	play_all(s);
	assert_int_equal(correlate_save(s->c, &saved), 0);
	for (int round = 0; round < 3000; round++) {
		size_t head = sizeof(struct state_head), at;
		char old;

		seed = seed * 1664525u + 1013904223u;
		at = head + (seed >> 8) % (saved.n - head);
		old = saved.p[at];
		saved.p[at] = (char)(seed >> 3);
		rehash(&saved);
		scene_begin(s);
		if (correlate_load(s->c, buf_str(&saved)) < 0)
			refused++;
		for (size_t i = 0; i < s->n; i++)
			scene_play(s, i);
		scene_advance(s, 5000);
		correlate_finish(s->c);
		saved.p[at] = old;
	}
	assert_true(refused > 0);
	buf_free(&saved);
	scene_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_comes_back_the_same),
		cmocka_unit_test(a_changed_rule_loses_only_its_own),
		cmocka_unit_test(rules_that_stayed_keep_what_they_know),
		cmocka_unit_test(another_version_is_stale_and_nothing_is_taken),
		cmocka_unit_test(damaged_bytes_are_refused),
		cmocka_unit_test(nonsense_with_a_good_hash_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
