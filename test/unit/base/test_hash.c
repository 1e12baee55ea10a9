/*
 * Hashes and the map of slices: every byte counts, the seed counts, case folds, the map agrees with
 * a plain list.
 */
#include "cmocka_std.h"

#include <stdio.h>

#include "base/hash.h"
#include "prng.h"

static void
every_byte_and_the_length_count(void **state)
{
	char text[100] = { 0 };

	for (size_t n = 0; n <= sizeof(text); n++) {
		uint64_t whole = hash_bytes(str_of(text, n), 1);
		if (n < sizeof(text))
			assert_true(whole != hash_bytes(str_of(text, n + 1), 1));
		for (size_t i = 0; i < n; i++) {
			text[i] ^= 0x40;
			assert_true(whole != hash_bytes(str_of(text, n), 1));
			text[i] ^= 0x40;
		}
		assert_true(whole == hash_bytes(str_of(text, n), 1));
		assert_true(whole != hash_bytes(str_of(text, n), 2));
	}
}

static void
place_of_the_slice_does_not_count(void **state)
{
	char a[40] = "....0123456789abcdefghijklmnop", b[40] = "0123456789abcdefghijklmnop";

	for (size_t n = 0; n <= 26; n++)
		assert_true(hash_bytes(str_of(a + 4, n), 9) == hash_bytes(str_of(b, n), 9));
	assert_true(hash_bytes(STR_NULL, 9) == hash_bytes(STR(""), 9));
}

static void
nocase_folds_ascii_letters_only(void **state)
{
	assert_true(hash_nocase(STR("Failed Password FOR"), 4) ==
	    hash_nocase(STR("fAILED pASSWORD for"), 4));
	for (int c = 0; c < 256; c++) {
		for (size_t n = 1; n < 20; n++) {
			char a[20], b[20];
			memset(a, c, n);
			memset(b, ascii_lower((char)c), n);
			assert_true(hash_nocase(str_of(a, n), 4) == hash_nocase(str_of(b, n), 4));
			if (c == ascii_lower((char)c))
				assert_true(
				    hash_nocase(str_of(a, n), 4) == hash_bytes(str_of(b, n), 4));
			b[n - 1] = (char)(c ^ 0x20);
			if (ascii_lower((char)c) != ascii_lower((char)(c ^ 0x20)))
				assert_true(
				    hash_nocase(str_of(a, n), 4) != hash_nocase(str_of(b, n), 4));
		}
	}
}

/* 64 K similar keys in 64 K cells: a good hash leaves about 1/e of them empty. */
static void
similar_keys_spread(void **state)
{
	static uint8_t hit[2][65536];
	size_t empty[2] = { 0 };

	memset(hit, 0, sizeof(hit));
	for (unsigned i = 0; i < 65536; i++) {
		char key[32];
		int n = snprintf(key, sizeof(key), "10.0.%u.%u", i >> 8, i & 255);
		uint64_t h = hash_bytes(str_of(key, (size_t)n), 0);
		hit[0][h & 65535] = 1;
		hit[1][h >> 48] = 1;
	}
	for (size_t i = 0; i < 65536; i++) {
		empty[0] += !hit[0][i];
		empty[1] += !hit[1][i];
	}
	assert_in_range(empty[0], 23500, 24700);
	assert_in_range(empty[1], 23500, 24700);
}

static void
mixing_minds_order(void **state)
{
	assert_true(hash_mix(hash_mix(0, 1), 2) != hash_mix(hash_mix(0, 2), 1));
	assert_true(hash_mix(0, 0) != hash_mix(1, 0));
}

static void
map_puts_replaces_and_finds(void **state)
{
	struct strmap m = { .seed = 77 };

	assert_int_equal(strmap_get(&m, STR("a")), STRMAP_NONE);
	assert_int_equal(strmap_put(&m, STR("a"), 1), 0);
	assert_int_equal(strmap_put(&m, STR("b"), 2), 0);
	assert_int_equal(strmap_put(&m, STR("a"), 3), 0);
	assert_int_equal(strmap_put(&m, STR_NULL, 4), 0);
	assert_int_equal(m.count, 3);
	assert_int_equal(strmap_get(&m, STR("a")), 3);
	assert_int_equal(strmap_get(&m, STR("b")), 2);
	assert_int_equal(strmap_get(&m, STR("")), 4);
	assert_int_equal(strmap_get(&m, STR("A")), STRMAP_NONE);
	strmap_free(&m);
	assert_int_equal(m.seed, 77);
	assert_int_equal(strmap_get(&m, STR("a")), STRMAP_NONE);
	strmap_free(&m);
}

static void
map_without_case(void **state)
{
	struct strmap m = { .nocase = true };

	assert_int_equal(strmap_put(&m, STR("PostFix"), 1), 0);
	assert_int_equal(strmap_put(&m, STR("postfix"), 2), 0);
	assert_int_equal(m.count, 1);
	assert_int_equal(strmap_get(&m, STR("POSTFIX")), 2);
	strmap_free(&m);
}

static void
map_holds_many(void **state)
{
	static char names[20000][12];
	struct strmap m = { .seed = 5 };

	for (uint32_t i = 0; i < ARRAY_LEN(names); i++) {
		int n = snprintf(names[i], sizeof(names[i]), "key-%u", i);
		assert_int_equal(strmap_put(&m, str_of(names[i], (size_t)n), i), 0);
	}
	assert_int_equal(m.count, ARRAY_LEN(names));
	for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(strmap_get(&m, str_z(names[i])), i);
	assert_int_equal(strmap_get(&m, STR("key-20000")), STRMAP_NONE);
	strmap_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_and_the_length_count),
		cmocka_unit_test(place_of_the_slice_does_not_count),
		cmocka_unit_test(nocase_folds_ascii_letters_only),
		cmocka_unit_test(similar_keys_spread),
		cmocka_unit_test(mixing_minds_order),
		cmocka_unit_test(map_puts_replaces_and_finds),
		cmocka_unit_test(map_without_case),
		cmocka_unit_test(map_holds_many),
	};
	return cmocka_run_group_tests_name("base-hash", tests, NULL, NULL);
}
