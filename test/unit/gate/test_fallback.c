/* Tests of the way past a proxy: when it opens, when it closes. */
#include "../base/cmocka_std.h"
#include "base/when.h"
#include "gate/fallback.h"

#define S WHEN_SECOND

static const struct conf_fallback conf = {
	.fails = 3, .heal_us = 60 * S, .every_us = S, .mode = CONF_FALLBACK_AUTO,
};

static void
test_opens_after_failures_in_a_row(void **state)
{
	struct fallback f;

	fallback_begin(&f, &conf, false);
	assert_false(fallback_note(&f, false, 1 * S));
	assert_false(fallback_note(&f, false, 2 * S));
	assert_false(fallback_note(&f, true, 3 * S));
	assert_false(fallback_note(&f, false, 4 * S));
	assert_false(fallback_note(&f, false, 5 * S));
	assert_false(f.open);
	assert_true(fallback_note(&f, false, 6 * S));
	assert_true(f.open);
	assert_false(fallback_note(&f, false, 7 * S));
}

static void
test_closes_only_after_a_time_without_failure(void **state)
{
	struct fallback f;

	fallback_begin(&f, &conf, true);
	for (int64_t t = 10; t < 60; t++)
		assert_false(fallback_note(&f, true, t * S));
	/* One failure, and the time begins anew. */
	assert_false(fallback_note(&f, false, 60 * S));
	for (int64_t t = 61; t < 121; t++)
		assert_false(fallback_note(&f, true, t * S));
	assert_true(f.open);
	assert_true(fallback_note(&f, true, 121 * S));
	assert_false(f.open);
	assert_int_equal(f.changes, 1);
}

static void
test_the_operator_decides(void **state)
{
	struct conf_fallback by_hand = conf;
	struct fallback f;

	by_hand.mode = CONF_FALLBACK_ON;
	fallback_begin(&f, &by_hand, false);
	assert_true(f.open);
	assert_false(fallback_note(&f, true, 1000 * S));
	assert_true(f.open);
	by_hand.mode = CONF_FALLBACK_OFF;
	fallback_begin(&f, &by_hand, true);
	for (int i = 0; i < 10; i++)
		assert_false(fallback_note(&f, false, i * S));
	assert_false(f.open);
}

static void
test_what_counts_as_serving(void **state)
{
	assert_true(fallback_answer_good(STR("HTTP/1.1 200 OK")));
	assert_true(fallback_answer_good(STR("HTTP/1.0 407 P")));
	assert_false(fallback_answer_good(STR("HTTP/1.1 503 no")));
	assert_false(fallback_answer_good(STR("HTTP/1.1 5")));
	assert_false(fallback_answer_good(STR("SSH-2.0-OpenSSH")));
	assert_false(fallback_answer_good(STR("")));
}

static void
test_request(void **state)
{
	struct conf_fallback c = conf;
	struct buf out = BUF_INIT(4096);

	c.url = STR("http://example.com:81/a?b");
	fallback_request(&c, &out);
	assert_string_equal(buf_cstr(&out), "GET http://example.com:81/a?b HTTP/1.1\r\n"
	    "Host: example.com:81\r\nUser-Agent: guarita\r\nConnection: close\r\n\r\n");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_after_failures_in_a_row),
		cmocka_unit_test(test_closes_only_after_a_time_without_failure),
		cmocka_unit_test(test_the_operator_decides),
		cmocka_unit_test(test_what_counts_as_serving),
		cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
