/*
 * Numbers, units and near words: limits of every range, and that failures leave the result
 * untouched.
 */
#include "cmocka_std.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "prng.h"

static void
unsigned_numbers(void **state)
{
	uint64_t v = 7;

	assert_int_equal(text_u64(STR("0"), &v), 0);
	assert_true(v == 0);
	assert_int_equal(text_u64(STR("18446744073709551615"), &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(text_u64(STR("00012"), &v), 0);
	assert_true(v == 12);
	assert_int_equal(text_u64(STR("18446744073709551616"), &v), -ERANGE);
	assert_int_equal(text_u64(STR("99999999999999999999999x"), &v), -EINVAL);
	assert_int_equal(text_u64(STR(""), &v), -EINVAL);
	assert_int_equal(text_u64(STR_NULL, &v), -EINVAL);
	assert_int_equal(text_u64(STR("-1"), &v), -EINVAL);
	assert_int_equal(text_u64(STR("+1"), &v), -EINVAL);
	assert_int_equal(text_u64(STR(" 1"), &v), -EINVAL);
	assert_int_equal(text_u64(STR("1 "), &v), -EINVAL);
	assert_int_equal(text_u64(STR("1\0"), &v), -EINVAL);
	assert_true(v == 12);
}

static void
signed_numbers(void **state)
{
	int64_t v = 7;

	assert_int_equal(text_i64(STR("-9223372036854775808"), &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(text_i64(STR("9223372036854775807"), &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(text_i64(STR("+5"), &v), 0);
	assert_true(v == 5);
	assert_int_equal(text_i64(STR("9223372036854775808"), &v), -ERANGE);
	assert_int_equal(text_i64(STR("-9223372036854775809"), &v), -ERANGE);
	assert_int_equal(text_i64(STR("-"), &v), -EINVAL);
	assert_int_equal(text_i64(STR("--1"), &v), -EINVAL);
	assert_int_equal(text_i64(STR("+-1"), &v), -EINVAL);
	assert_int_equal(text_i64(STR(""), &v), -EINVAL);
	assert_true(v == 5);
}

static void
numbers_round_trip(void **state)
{
	uint64_t seed = 2;

	for (int i = 0; i < 10000; i++) {
		int64_t v = (int64_t)(prng_next(&seed) >> prng_below(&seed, 64)), got = 0;
		char text[24];
		int n;
		if (i % 2)
			v = -v;
		n = snprintf(text, sizeof(text), "%" PRId64, v);
		assert_int_equal(text_i64(str_of(text, (size_t)n), &got), 0);
		assert_true(got == v);
	}
}

static void
durations(void **state)
{
	static const struct {
		struct str text;
		int64_t us;
	} rows[] = {
		{ STR_INIT("0s"), 0 },
		{ STR_INIT("1us"), 1 },
		{ STR_INIT("500ms"), 500000 },
		{ STR_INIT("30s"), 30000000 },
		{ STR_INIT("5m"), 300000000 },
		{ STR_INIT("2h"), 7200000000 },
		{ STR_INIT("7d"), 604800000000 },
		{ STR_INIT("4w"), 2419200000000 },
		{ STR_INIT("1y"), 31536000000000 },
		{ STR_INIT("1h30m"), 5400000000 },
		{ STR_INIT("1d1s1ms"), 86401001000 },
	};
	int64_t v;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		v = -1;
		assert_int_equal(text_duration(rows[i].text, &v), 0);
		assert_true(v == rows[i].us);
	}
}

static void
bad_durations(void **state)
{
	static const char *const bad[] = { "", "5", "s", "5 s", "5x", "-5s", "1h30", "1.5h", "5S",
		"5s ", "1hm" };
	int64_t v = 77;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(text_duration(str_z(bad[i]), &v), -EINVAL);
	assert_int_equal(text_duration(STR("300000y"), &v), -ERANGE);
	assert_int_equal(text_duration(STR("292000y292000y"), &v), -ERANGE);
	assert_int_equal(text_duration(STR("99999999999999999999s"), &v), -ERANGE);
	assert_true(v == 77);
}

static void
sizes(void **state)
{
	uint64_t v = 77;

	assert_int_equal(text_size(STR("64K"), &v), 0);
	assert_true(v == 65536);
	assert_int_equal(text_size(STR("10M"), &v), 0);
	assert_true(v == 10485760);
	assert_int_equal(text_size(STR("2G"), &v), 0);
	assert_true(v == 2147483648);
	assert_int_equal(text_size(STR("0"), &v), 0);
	assert_true(v == 0);
	assert_int_equal(text_size(STR("16777215T"), &v), 0);
	assert_int_equal(text_size(STR("16777216T"), &v), -ERANGE);
	assert_int_equal(text_size(STR("K"), &v), -EINVAL);
	assert_int_equal(text_size(STR("1KB"), &v), -EINVAL);
	assert_int_equal(text_size(STR(""), &v), -EINVAL);
	assert_int_equal(text_size(STR("1 K"), &v), -EINVAL);
	assert_true(v == 16777215ull << 40);
}

static void
shown_durations(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} rows[] = {
		{ 0, "0s" },
		{ 1, "1 us" },
		{ 999, "999 us" },
		{ 250000, "250 ms" },
		{ 999999, "999 ms" },
		{ 1000000, "1s" },
		{ 42000000, "42s" },
		{ 60000000, "1m" },
		{ 61000000, "1m 1s" },
		{ 5400000000, "1h 30m" },
		{ 3601000000, "1h" },
		{ 86400000000, "1d" },
		{ 93600000000, "1d 2h" },
		{ -5400000000, "-1h 30m" },
		{ -250000, "-250 ms" },
		{ INT64_MIN, "-106751991d 4h" },
	};
	char text[64], small[4];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(
		    text_show_duration(rows[i].us, text, sizeof(text)), rows[i].text);
	assert_string_equal(text_show_duration(5400000000, small, sizeof(small)), "1h ");
}

static void
shown_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },
		{ 65536, "64 KiB" },
		{ 10485759, "9.9 MiB" },
		{ 10485760, "10 MiB" },
		{ UINT64_MAX, "15 EiB" },
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(
		    text_show_size(rows[i].bytes, text, sizeof(text)), rows[i].text);
}

static void
nearest_word(void **state)
{
	static const struct str words[] = {
		STR_INIT("program"),
		STR_INIT("service"),
		STR_INIT("sample"),
		STR_INIT("line"),
		STR_INIT("on"),
	};
	char long_word[200];

	memset(long_word, 'a', sizeof(long_word));
	assert_true(str_eq(text_nearest(STR("progam"), words, ARRAY_LEN(words)), STR("program")));
	assert_true(str_eq(text_nearest(STR("Programm"), words, ARRAY_LEN(words)), STR("program")));
	assert_true(str_eq(text_nearest(STR("sevrice"), words, ARRAY_LEN(words)), STR("service")));
	assert_true(str_eq(text_nearest(STR("lien"), words, ARRAY_LEN(words)), STR("line")));
	assert_true(str_eq(text_nearest(STR("on"), words, ARRAY_LEN(words)), STR("on")));
	assert_null(text_nearest(STR("no"), words, ARRAY_LEN(words)).p);
	assert_null(text_nearest(STR("elephant"), words, ARRAY_LEN(words)).p);
	assert_null(text_nearest(STR(""), words, ARRAY_LEN(words)).p);
	assert_null(text_nearest(STR("line"), words, 0).p);
	assert_null(text_nearest(str_of(long_word, sizeof(long_word)), words, ARRAY_LEN(words)).p);
}

static void
nearest_prefers_the_fewest_slips(void **state)
{
	static const struct str words[] = { STR_INIT("abcdex"), STR_INIT("abcdef"),
		STR_INIT("abcxyz") };

	assert_true(str_eq(text_nearest(STR("abcdef"), words, 3), STR("abcdef")));
	assert_true(str_eq(text_nearest(STR("abcdfe"), words, 3), STR("abcdef")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsigned_numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(numbers_round_trip),
		cmocka_unit_test(durations),
		cmocka_unit_test(bad_durations),
		cmocka_unit_test(sizes),
		cmocka_unit_test(shown_durations),
		cmocka_unit_test(shown_sizes),
		cmocka_unit_test(nearest_word),
		cmocka_unit_test(nearest_prefers_the_fewest_slips),
	};
	return cmocka_run_group_tests_name("base-text", tests, NULL, NULL);
}
