/* Pools: caps, reuse, zeroed cells, and that indexes stay good while the pool grows. */
#include "cmocka_std.h"

#include "base/pool.h"
#include "prng.h"

static void
full_pool_says_none(void **state)
{
	struct pool p;

	pool_init(&p, 4, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(pool_take(&p), i);
	assert_int_equal(pool_take(&p), POOL_NONE);
	assert_int_equal(p.count, 3);
	pool_give(&p, 1);
	assert_false(pool_used(&p, 1));
	assert_int_equal(pool_take(&p), 1);
	assert_int_equal(pool_take(&p), POOL_NONE);
	pool_free(&p);
	assert_int_equal(pool_take(&p), 0);
	pool_free(&p);
}

static void
empty_cap_gives_nothing(void **state)
{
	struct pool p;

	pool_init(&p, 8, 0);
	assert_int_equal(pool_take(&p), POOL_NONE);
	assert_false(pool_used(&p, 0));
	assert_false(pool_used(&p, POOL_NONE));
	pool_free(&p);
}

static void
cells_come_back_zeroed(void **state)
{
	struct pool p;
	uint32_t i;

	pool_init(&p, 8, 10);
	i = pool_take(&p);
	memset(pool_at(&p, i), 0xff, 8);
	pool_give(&p, i);
	assert_int_equal(pool_take(&p), i);
	assert_memory_equal(pool_at(&p, i), "\0\0\0\0\0\0\0\0", 8);
	pool_free(&p);
}

#define CELLS 1000

/* Takes and gives in random order; a plain array knows what each cell must hold. */
static void
agrees_with_a_model(void **state)
{
	struct pool p;
	uint64_t model[CELLS] = { 0 }, seed = 11;
	uint32_t count = 0;

	pool_init(&p, sizeof(uint64_t), CELLS);
	for (int round = 0; round < 50000; round++) {
		uint32_t i = (uint32_t)prng_below(&seed, CELLS);
		if (prng_below(&seed, 100) < 55) {
			uint64_t value = prng_next(&seed) | 1;
			i = pool_take(&p);
			assert_int_equal(i == POOL_NONE, count == CELLS);
			if (i == POOL_NONE)
				continue;
			assert_true(model[i] == 0);
			*(uint64_t *)pool_at(&p, i) = model[i] = value;
			count++;
		} else if (model[i]) {
			assert_true(*(uint64_t *)pool_at(&p, i) == model[i]);
			pool_give(&p, i);
			model[i] = 0;
			count--;
		} else {
			assert_false(pool_used(&p, i));
		}
		assert_int_equal(p.count, count);
	}
	for (uint32_t i = 0; i < CELLS; i++) {
		assert_int_equal(pool_used(&p, i), model[i] != 0);
		if (model[i])
			assert_true(*(uint64_t *)pool_at(&p, i) == model[i]);
	}
	pool_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_pool_says_none),
		cmocka_unit_test(empty_cap_gives_nothing),
		cmocka_unit_test(cells_come_back_zeroed),
		cmocka_unit_test(agrees_with_a_model),
	};
	return cmocka_run_group_tests_name("base-pool", tests, NULL, NULL);
}
