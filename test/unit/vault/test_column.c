/* Columns: whatever the numbers, they come back; damaged bytes give an error or other numbers, never a crash. */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "../base/prng.h"
#include "vault/column.h"

#define ROWS 3000u

static uint8_t
assert_back(const uint64_t *v, size_t n, const struct column_ref *others, size_t nothers)
{
	struct column_work *w = column_work_new();
	struct buf payload = BUF_INIT(1u << 22), text = BUF_INIT(1u << 16);
	uint64_t *back = calloc(n, sizeof(*back));
	struct column c, read = { 0 };
	struct str stored;
	struct cur in;

	assert_int_equal(column_encode(w, v, n, others, nothers, &payload, &c, &stored), 0);
	column_describe(&c, &text);
	in = cur_of(buf_str(&text));
	assert_int_equal(column_parse(&in, 9, &read), 0);
	assert_true(cur_done(&in));
	assert_int_equal(column_payload(&read, n), payload.n);
	assert_int_equal(column_decode(&read, buf_str(&payload), nothers ? others[0].v : NULL, n, back), 0);
	assert_memory_equal(back, v, n * sizeof(*v));
	if (read.packed && read.mode == COLUMN_RANGE)
		assert_true(column_at(&read, buf_str(&payload), n / 2) == v[n / 2]);
	if (stored.p && !read.packed) {
		char *raw = malloc(payload.n);

		assert_int_equal(ZSTD_decompress(raw, payload.n, stored.p, stored.n), payload.n);
		assert_memory_equal(raw, payload.p, payload.n);
		free(raw);
	}
	free(back);
	buf_free(&payload);
	buf_free(&text);
	column_work_free(w);
	return c.mode;
}

static void
every_shape_comes_back(void **state)
{
	uint64_t v[ROWS], seed = 3;

	for (unsigned shape = 0; shape < 12; shape++) {
		for (unsigned bits = 0; bits < 64; bits += 3) {
			uint64_t mask = (UINT64_C(2) << bits) - 1, sum = prng_next(&seed) & mask;

			for (size_t i = 0; i < ROWS; i++) {
				uint64_t r = prng_next(&seed) & mask;

				sum += r >> 8;
				v[i] = shape == 0 ? r : shape == 1 ? sum : shape == 2 ? r % 7 * mask : shape == 3 ? mask :
				    shape == 4 ? ~r : shape == 5 ? r % 600 * 1000003 : shape == 6 ? i / 50 * r : shape == 7 ? ~sum :
				    shape == 8 ? (i % 2 ? 0 : UINT64_MAX) : shape == 9 ? 1000 * r : shape == 10 ? i : (r % 3) << 62;
			}
			assert_back(v, ROWS, NULL, 0);
			assert_back(v, 1, NULL, 0);
			assert_back(v, 2, NULL, 0);
			assert_back(v, 65, NULL, 0);
		}
	}
}

static void
each_form_is_found(void **state)
{
	uint64_t v[ROWS], o[ROWS], seed = 5;
	struct column_ref other = { .v = o, .number = 3, .min = 0, .max = 9 };

	for (size_t i = 0; i < ROWS; i++) {
		o[i] = i < 10 ? i : prng_below(&seed, 10);
		v[i] = 77;
	}
	assert_int_equal(assert_back(v, ROWS, &other, 1), COLUMN_SAME);
	assert_int_equal(assert_back(o, ROWS, &other, 1), COLUMN_LIKE);
	for (size_t i = 0; i < ROWS; i++)
		v[i] = o[i] * o[i] * 1000000007;
	assert_int_equal(assert_back(v, ROWS, &other, 1), COLUMN_MAP);
	assert_int_equal(assert_back(v, ROWS, NULL, 0), COLUMN_SET);
	for (size_t i = 0; i < ROWS; i++)
		v[i] = 1790000000 + 30 * i + prng_below(&seed, 4);
	assert_int_equal(assert_back(v, ROWS, NULL, 0), COLUMN_STEPS);
	for (size_t i = 0; i < ROWS; i++)
		v[i] = prng_below(&seed, 65536);
	assert_int_equal(assert_back(v, ROWS, NULL, 0), COLUMN_RANGE);
}

static void
damage_is_an_error_or_other_numbers(void **state)
{
	struct column_work *w = column_work_new();
	struct buf payload = BUF_INIT(1u << 20), text = BUF_INIT(1u << 16);
	uint64_t v[ROWS], back[ROWS], seed = 11;

	for (int round = 0; round < 4000; round++) {
		struct column c;
		struct str stored;
		struct cur in;

		buf_reset(&payload);
		buf_reset(&text);
		for (size_t i = 0; i < ROWS; i++)
			v[i] = prng_below(&seed, round % 2 ? 70000 : 90) * (round % 3 ? 1 : 977);
		assert_int_equal(column_encode(w, v, ROWS, NULL, 0, &payload, &c, &stored), 0);
		column_describe(&c, &text);
		text.p[prng_below(&seed, text.n)] ^= (char)(1u << prng_below(&seed, 8));
		if (payload.n > 0)
			payload.p[prng_below(&seed, payload.n)] ^= (char)(1u << prng_below(&seed, 8));
		in = cur_of(buf_str(&text));
		if (column_parse(&in, 9, &c) < 0)
			continue;
		if (column_payload(&c, ROWS) == payload.n && column_decode(&c, buf_str(&payload), v, ROWS, back) == 0) {
			for (size_t i = 0; i < ROWS; i++)
				assert_true(back[i] >= c.min && back[i] <= c.max);
		}
	}
	buf_free(&payload);
	buf_free(&text);
	column_work_free(w);
}

static void
varints(void **state)
{
	uint64_t seed = 13;

	for (int i = 0; i < 100000; i++) {
		uint64_t v = prng_next(&seed) >> prng_below(&seed, 64);
		struct buf b = BUF_INIT(64);
		struct cur in;

		varint_add(&b, v);
		in = cur_of(buf_str(&b));
		assert_true(varint_get(&in) == v);
		assert_true(cur_done(&in));
		assert_true(unzigzag(zigzag((int64_t)v)) == (int64_t)v);
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_comes_back),
		cmocka_unit_test(each_form_is_found),
		cmocka_unit_test(damage_is_an_error_or_other_numbers),
		cmocka_unit_test(varints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
