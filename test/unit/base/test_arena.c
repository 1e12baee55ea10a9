/* Arenas: alignment, zeroed memory (also after a reset), caps, overflow checks. */
#include "cmocka_std.h"

#include "base/arena.h"
#include "prng.h"

static bool
all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void
pieces_are_apart_aligned_and_zeroed(void **state)
{
	struct arena a = { 0 };
	uint8_t *pieces[500];
	size_t sizes[500];
	uint64_t seed = 5;

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 500; i++) {
			sizes[i] = prng_below(&seed, i % 50 ? 300 : 100000);
			pieces[i] = arena_alloc(&a, sizes[i]);
			assert_non_null(pieces[i]);
			assert_int_equal((uintptr_t)pieces[i] % 16, 0);
			assert_true(all_zero(pieces[i], sizes[i]));
			memset(pieces[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < 500; i++)
			for (size_t j = 0; j < sizes[i]; j++)
				assert_int_equal(pieces[i][j], (uint8_t)(i + 1));
		arena_reset(&a);
		assert_int_equal(a.used, 0);
	}
	arena_free(&a);
	assert_null(a.head);
}

static void
maximum_holds(void **state)
{
	struct arena a = { .max = 64 };

	assert_null(arena_alloc(&a, 65));
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&a, 17));
	assert_non_null(arena_alloc(&a, 16));
	assert_null(arena_alloc(&a, 0));
	assert_int_equal(a.used, 64);
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 64));
	arena_free(&a);
}

static void
default_maximum_is_a_gibibyte(void **state)
{
	struct arena a = { 0 };

	assert_null(arena_alloc(&a, ((size_t)1 << 30) + 1));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_int_equal(a.used, 0);
	arena_free(&a);
}

static void
array_minds_overflow(void **state)
{
	struct arena a = { 0 };
	uint32_t *p = ARENA_ARRAY(&a, uint32_t, 10);

	assert_non_null(p);
	p[9] = 1;
	assert_null(arena_array(&a, SIZE_MAX / 2 + 1, 2));
	assert_null(arena_array(&a, SIZE_MAX, SIZE_MAX));
	arena_free(&a);
}

static void
texts_are_copied(void **state)
{
	struct arena a = { 0 };
	char text[] = "abc";
	char *z = arena_strdup(&a, str_of(text, 2));
	struct str s = arena_str(&a, STR("x\0y")), empty = arena_str(&a, STR_NULL);

	text[0] = 'z';
	assert_string_equal(z, "ab");
	assert_true(str_eq(s, STR("x\0y")));
	assert_non_null(empty.p);
	assert_int_equal(empty.n, 0);
	arena_free(&a);
	a.max = 8;
	assert_null(arena_strdup(&a, STR("0123456789")));
	assert_null(arena_str(&a, STR("0123456789")).p);
	assert_null(arena_strdup(&a, str_of(text, SIZE_MAX)));
	arena_free(&a);
}

static void
zeroed_arena_can_be_reset_and_freed(void **state)
{
	struct arena a = { 0 };

	arena_reset(&a);
	arena_free(&a);
	arena_free(&a);
	assert_non_null(ARENA_NEW(&a, int));
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_apart_aligned_and_zeroed),
		cmocka_unit_test(maximum_holds),
		cmocka_unit_test(default_maximum_is_a_gibibyte),
		cmocka_unit_test(array_minds_overflow),
		cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(zeroed_arena_can_be_reset_and_freed),
	};
	return cmocka_run_group_tests_name("base-arena", tests, NULL, NULL);
}
