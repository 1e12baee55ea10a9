/* The filter: every key that was put in is there, few others are; foreign bytes never lead outside it. */
#include "../base/cmocka_std.h"

#include <errno.h>

#include "../base/prng.h"
#include "vault/token_filter.h"

#define SALT 42u

static void
all_keys_are_found(void **state)
{
	static const uint32_t counts[] = { 1, 2, 3, 10, 100, 1000, 20000, 200000 };

	for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
		struct keyset keys = { 0 };
		struct buf filter = BUF_INIT(1u << 22);
		uint64_t seed = c, false_hits = 0;

		for (uint32_t i = 0; i < counts[c]; i++)
			assert_int_equal(keyset_add(&keys, prng_next(&seed) | 1), 0);
		assert_int_equal(token_filter_build(&keys, &filter), 0);
		assert_true(token_filter_valid(buf_str(&filter)));
		seed = c;
		for (uint32_t i = 0; i < counts[c]; i++)
			assert_true(token_filter_has(buf_str(&filter), prng_next(&seed) | 1));
		for (uint32_t i = 0; i < 100000; i++)
			false_hits += token_filter_has(buf_str(&filter), prng_next(&seed) & ~UINT64_C(1));
		assert_true(false_hits < 600);
		if (counts[c] > 100000)
			assert_true(filter.n < counts[c] * 5 / 4);
		keyset_free(&keys);
		buf_free(&filter);
	}
}

static void
stems(void **state)
{
	static const struct {
		const char *run, *stem;
	} rows[] = {
		{ "sshd", "sshd" }, { "host17", "host" }, { "eth0", "eth" }, { "4711", "" }, { "21T10", "" }, { "00Z", "" },
		{ "Nov", "" }, { "nov", "" }, { "aa", "" }, { "1f", "" }, { "xy", "xy" }, { "deadbeef01", "deadbeef01" },
		{ "d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204" }, { "a1b2", "a1b2" }, { "host01", "host" }, { "ab12", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str stem = token_stem(str_z(rows[i].run));

		assert_int_equal(stem.n, strlen(rows[i].stem));
		assert_true(str_eq(stem, str_z(rows[i].stem)));
	}
	assert_true(token_key(STR("SSHD"), SALT) == token_key(STR("sshd"), SALT));
	assert_true(token_key(STR("sshd"), SALT) != token_key(STR("sshd"), SALT + 1));
	assert_true(token_key_value(TOKEN_IPV4, 1, SALT) != token_key_value(TOKEN_PAIRS, 1, SALT));
}

static void
foreign_bytes_are_refused_or_harmless(void **state)
{
	struct keyset keys = { 0 };
	struct buf filter = BUF_INIT(1u << 20);
	uint64_t seed = 9;

	for (uint32_t i = 0; i < 500; i++)
		assert_int_equal(keyset_add(&keys, prng_next(&seed) | 1), 0);
	assert_int_equal(token_filter_build(&keys, &filter), 0);
	for (int i = 0; i < 20000; i++) {
		size_t at = prng_below(&seed, i % 2 ? filter.n : 16), n = i % 3 ? filter.n : prng_below(&seed, filter.n);
		char was = filter.p[at];

		filter.p[at] ^= (char)(1u << prng_below(&seed, 8));
		if (token_filter_valid(str_of(filter.p, n)))
			assert_in_range(token_filter_has(str_of(filter.p, n), prng_next(&seed)), 0, 1);
		filter.p[at] = was;
	}
	keyset_free(&keys);
	buf_free(&filter);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_are_found),
		cmocka_unit_test(stems),
		cmocka_unit_test(foreign_bytes_are_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
