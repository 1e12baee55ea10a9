/* Rates are kept in the long run, bursts are bounded, and the two clocks end what they should. */
#include "../base/cmocka_std.h"
#include "gate/l2tp/limits.h"

#define SECOND INT64_C(1000000)

/* Offers packets of n bytes every gap_us for the span; the bytes that passed. */
static uint64_t
offer(struct limits_state *s, unsigned way, size_t n, int64_t gap_us, int64_t from_us, int64_t span_us)
{
	uint64_t passed = 0;

	for (int64_t t = 0; t < span_us; t += gap_us)
		passed += limits_pass(s, way, n, from_us + t) ? n : 0;
	return passed;
}

static void
a_rate_is_kept_each_way(void **state)
{
	const struct limits l = { .rate = { [LIMITS_IN] = 125000, [LIMITS_OUT] = 1250000 } };
	struct limits_state s;

	(void)state;
	limits_begin(&s, &l, 5 * SECOND);
	/* Ten times too much for a hundred seconds: what the bucket held at first, and the rate. */
	uint64_t in = offer(&s, LIMITS_IN, 1250, 1000, 5 * SECOND, 100 * SECOND);
	uint64_t out = offer(&s, LIMITS_OUT, 1250, 100, 5 * SECOND, 100 * SECOND);
	assert_in_range(in, 12500000 - 1250, 12500000 + 31250 + 1250);
	assert_in_range(out, 125000000 - 1250, 125000000 + 312500 + 1250);
	assert_true(s.dropped[LIMITS_IN] > 80000 && s.dropped[LIMITS_OUT] > 800000);
}

static void
who_keeps_to_the_rate_loses_nothing(void **state)
{
	const struct limits l = { .rate = { 125000, 125000 } };
	struct limits_state s;

	(void)state;
	limits_begin(&s, &l, 0);
	assert_int_equal(offer(&s, LIMITS_IN, 1250, 10000, 0, 100 * SECOND), 12500000);
	assert_int_equal(s.dropped[LIMITS_IN], 0);
	/* A year of silence saves no more than a bucket. */
	uint64_t burst = offer(&s, LIMITS_IN, 1250, 1, 365 * 86400 * SECOND, 1000);
	assert_in_range(burst, 30000, 31250 + 1250);
}

static void
no_rate_no_loss(void **state)
{
	const struct limits l = { .idle_us = SECOND };
	struct limits_state s;

	(void)state;
	limits_begin(&s, &l, 0);
	assert_int_equal(offer(&s, LIMITS_OUT, 65000, 1, 0, 1000), 65000 * 1000);
}

static void
idle_is_without_packets(void **state)
{
	const struct limits l = { .idle_us = 80 * SECOND };
	struct limits_state s;
	int64_t now = 0;
	uint64_t packets = 0;

	(void)state;
	limits_begin(&s, &l, now);
	for (unsigned i = 0; i < 100; i++) {
		now = limits_due(&s);
		assert_true(now < INT64_MAX);
		assert_int_equal(limits_look(&s, ++packets, now), LIMITS_GOOD);
	}
	int64_t last = now;
	do
		now = limits_due(&s);
	while (limits_look(&s, packets, now) == LIMITS_GOOD);
	assert_in_range(now - last, 80 * SECOND, 90 * SECOND);
	assert_int_equal(limits_look(&s, packets, now), LIMITS_IDLE);
}

static void
a_session_ends_on_time(void **state)
{
	const struct limits l = { .idle_us = 3600 * SECOND, .session_us = 10 * SECOND };
	struct limits_state s;

	(void)state;
	limits_begin(&s, &l, 7 * SECOND);
	assert_int_equal(limits_due(&s), 17 * SECOND);
	assert_int_equal(limits_look(&s, 1, 17 * SECOND - 1), LIMITS_GOOD);
	assert_int_equal(limits_look(&s, 2, 17 * SECOND), LIMITS_SESSION);
}

static void
other_limits_for_one_that_stands(void **state)
{
	const struct limits fast = { .rate = { 12500000, 0 } }, slow = { .rate = { 12500, 0 }, .session_us = 60 * SECOND };
	struct limits_state s;

	(void)state;
	limits_begin(&s, &fast, 0);
	limits_change(&s, &slow, 30 * SECOND);
	assert_in_range(offer(&s, LIMITS_IN, 1250, 1000, 30 * SECOND, 10 * SECOND), 125000, 125000 + 30000 + 1250);
	assert_int_equal(limits_look(&s, 1, 60 * SECOND), LIMITS_SESSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_kept_each_way),
		cmocka_unit_test(who_keeps_to_the_rate_loses_nothing),
		cmocka_unit_test(no_rate_no_loss),
		cmocka_unit_test(idle_is_without_packets),
		cmocka_unit_test(a_session_ends_on_time),
		cmocka_unit_test(other_limits_for_one_that_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
