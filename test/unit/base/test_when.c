/* Civil time: the C library's timegm and gmtime_r are the oracle. */
#include "cmocka_std.h"

#include <time.h>

#include "base/when.h"
#include "prng.h"

static void
known_days(void **state)
{
	struct civil c = { .year = 1970, .month = 1, .day = 1 };

	assert_true(when_from_civil(&c) == 0);
	c = (struct civil){ 1999, 5, 19, 10, 0, 0, 0 };
	assert_true(when_from_civil(&c) == INT64_C(927108000) * WHEN_SECOND);
	c = (struct civil){ 2000, 2, 29, 23, 59, 60, 999999 };
	assert_true(when_from_civil(&c) == INT64_C(951868800) * WHEN_SECOND + 999999);
	c = (struct civil){ 0, 1, 1, 0, 0, 0, 0 };
	assert_true(when_from_civil(&c) == INT64_C(-62167219200) * WHEN_SECOND);
}

static void
every_day_of_three_thousand_years(void **state)
{
	struct civil c = { .year = 500, .month = 1, .day = 1 };
	int64_t us = when_from_civil(&c);

	for (; c.year < 3500; us += WHEN_DAY) {
		struct civil again;
		time_t t = (time_t)(us / WHEN_SECOND);
		struct tm tm;
		when_to_civil(us, &again);
		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(again.year, tm.tm_year + 1900);
		assert_int_equal(again.month, tm.tm_mon + 1);
		assert_int_equal(again.day, tm.tm_mday);
		assert_int_equal(when_weekday(us), tm.tm_wday);
		assert_true(when_valid(&again));
		assert_true(when_from_civil(&again) == us);
		c = again;
	}
}

static void
random_instants_round_trip(void **state)
{
	uint64_t seed = 31;

	for (int i = 0; i < 200000; i++) {
		int64_t us = (int64_t)(prng_next(&seed) >> prng_below(&seed, 12));
		struct civil c;
		if (i % 2)
			us = -us;
		when_to_civil(us, &c);
		assert_in_range(c.month, 1, 12);
		assert_in_range(c.hour, 0, 23);
		assert_in_range(c.us, 0, 999999);
		if (c.year > -292000 && c.year < 292000)
			assert_true(when_from_civil(&c) == us);
	}
}

static void
before_1970_counts_down(void **state)
{
	struct civil c;

	when_to_civil(-1, &c);
	assert_int_equal(c.year, 1969);
	assert_int_equal(c.month, 12);
	assert_int_equal(c.day, 31);
	assert_int_equal(c.second, 59);
	assert_int_equal(c.us, 999999);
	assert_int_equal(when_weekday(0), 4);
	assert_int_equal(when_weekday(-1), 3);
	when_to_civil(INT64_MIN, &c);
	assert_int_equal(c.year, -290308);
	when_to_civil(INT64_MAX, &c);
	assert_int_equal(c.year, 294247);
}

static bool
valid(int year, int month, int day, int hour, int minute, int second, int us)
{
	return when_valid(&(struct civil){ year, month, day, hour, minute, second, us });
}

static void
validity(void **state)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	for (int month = 1; month <= 12; month++) {
		assert_true(valid(2001, month, days[month - 1], 0, 0, 0, 0));
		assert_false(valid(2001, month, days[month - 1] + 1, 0, 0, 0, 0));
		assert_false(valid(2001, month, 0, 0, 0, 0, 0));
	}
	assert_true(valid(2000, 2, 29, 0, 0, 0, 0));
	assert_true(valid(2004, 2, 29, 0, 0, 0, 0));
	assert_false(valid(1900, 2, 29, 0, 0, 0, 0));
	assert_false(valid(2001, 0, 1, 0, 0, 0, 0));
	assert_false(valid(2001, 13, 1, 0, 0, 0, 0));
	assert_false(valid(-1, 1, 1, 0, 0, 0, 0));
	assert_false(valid(10000, 1, 1, 0, 0, 0, 0));
	assert_true(valid(2001, 1, 1, 23, 59, 60, 999999));
	assert_false(valid(2001, 1, 1, 24, 0, 0, 0));
	assert_false(valid(2001, 1, 1, 0, 60, 0, 0));
	assert_false(valid(2001, 1, 1, 0, 0, 61, 0));
	assert_false(valid(2001, 1, 1, 0, 0, 0, 1000000));
	assert_false(valid(2001, 1, 1, -1, 0, 0, 0));
	assert_false(valid(2001, 1, 1, 0, -1, 0, 0));
	assert_false(valid(2001, 1, 1, 0, 0, -1, 0));
	assert_false(valid(2001, 1, 1, 0, 0, 0, -1));
}

static void
assert_shown(int64_t us, int offset_min, const char *want)
{
	char text[40];

	assert_int_equal(when_show(us, offset_min, text), strlen(want));
	assert_string_equal(text, want);
}

static void
shown(void **state)
{
	int64_t us = INT64_C(927108000) * WHEN_SECOND;

	assert_shown(us, 0, "1999-05-19T10:00:00Z");
	assert_shown(us + 1, 0, "1999-05-19T10:00:00.000001Z");
	assert_shown(us + 120000, 0, "1999-05-19T10:00:00.120000Z");
	assert_shown(us, -180, "1999-05-19T07:00:00-03:00");
	assert_shown(us, 345, "1999-05-19T15:45:00+05:45");
	assert_shown(us, 14 * 60, "1999-05-20T00:00:00+14:00");
	assert_shown(-1, 0, "1969-12-31T23:59:59.999999Z");
	assert_shown(INT64_C(-62167219200) * WHEN_SECOND, 0, "0000-01-01T00:00:00Z");
	assert_shown(INT64_MAX, 1440, "294247-01-10T04:00:54.775807+24:00");
	assert_shown(INT64_MIN, 0, "-290308-12-21T19:59:05.224192Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_days),
		cmocka_unit_test(every_day_of_three_thousand_years),
		cmocka_unit_test(random_instants_round_trip),
		cmocka_unit_test(before_1970_counts_down),
		cmocka_unit_test(validity),
		cmocka_unit_test(shown),
	};
	return cmocka_run_group_tests_name("base-when", tests, NULL, NULL);
}
