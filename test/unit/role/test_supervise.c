/* Back-off and parking on invented time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "role/supervise.h"

#define S WHEN_SECOND

static void
test_doubles_to_the_limit(void **state)
{
	struct supervise s = { .n = 0 };
	int64_t now = 0;
	static const int64_t want[] = { 1, 2, 4, 8, 16, 30, 30 };

	(void)state;
	/* Each runs a little under a minute, so that it is neither parked nor forgotten. */
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		int64_t delay = supervise_died(&s, now, now + 50 * S);
		assert_int_equal(delay, want[i] * S);
		now += 50 * S + delay;
	}
}

static void
test_parked_after_five_in_a_minute(void **state)
{
	struct supervise s = { .n = 0 };
	int64_t now = 100 * S, delay = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		delay = supervise_died(&s, now, now);
		assert_true(delay > 0);
		now += delay;
	}
	assert_int_equal(supervise_died(&s, now, now), -1);
	assert_int_equal(s.crashes, 5);
	/* Forgiven, it starts from the beginning; what happened stays counted. */
	supervise_forgive(&s);
	assert_int_equal(supervise_died(&s, now, now), S);
	assert_int_equal(s.crashes, 6);
}

static void
test_calm_forgets_the_delay(void **state)
{
	struct supervise s = { .n = 0 };

	(void)state;
	assert_int_equal(supervise_died(&s, 0, S), S);
	assert_int_equal(supervise_died(&s, 2 * S, 3 * S), 2 * S);
	assert_int_equal(supervise_died(&s, 5 * S, 65 * S), S);
}

static void
test_five_in_more_than_a_minute_go_on(void **state)
{
	struct supervise s = { .n = 0 };

	(void)state;
	for (int64_t i = 0; i < 20; i++)
		assert_true(supervise_died(&s, i * 16 * S, i * 16 * S + 15 * S) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles_to_the_limit),
		cmocka_unit_test(test_parked_after_five_in_a_minute),
		cmocka_unit_test(test_calm_forgets_the_delay),
		cmocka_unit_test(test_five_in_more_than_a_minute_go_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
