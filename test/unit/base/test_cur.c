/* Cursors: byte order, the sticky error, exact consumption, and round trips with the encoder. */
#include "cmocka_std.h"

#include "base/cur.h"
#include "prng.h"

static void
network_order_and_little_endian(void **state)
{
	struct cur c = cur_of(STR("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"));

	assert_int_equal(cur_u8(&c), 0x01);
	assert_int_equal(cur_u16(&c), 0x0203);
	assert_int_equal(cur_u32(&c), 0x04050607);
	assert_true(cur_u64(&c) == 0x08090a0b0c0d0e0full);
	assert_true(cur_done(&c));
	c = cur_of(STR("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\xff"));
	assert_int_equal(cur_u16le(&c), 0x0201);
	assert_int_equal(cur_u32le(&c), 0x06050403);
	assert_int_equal(c.n, 8);
	assert_true(cur_u64le(&c) == 0xff0d0c0b0a090807ull);
	assert_true(cur_done(&c));
}

static void
reads_past_the_end_give_zero_for_ever(void **state)
{
	struct cur c = cur_of(STR("\xff\xff\xff"));

	assert_int_equal(cur_u32(&c), 0);
	assert_false(cur_ok(&c));
	assert_int_equal(cur_u8(&c), 0);
	assert_int_equal(cur_u16le(&c), 0);
	assert_null(cur_bytes(&c, 1).p);
	assert_false(cur_done(&c));
}

static void
bytes_point_into_the_input(void **state)
{
	struct str in = STR("abcdef");
	struct cur c = cur_of(in);
	struct str got = cur_bytes(&c, 4);

	assert_ptr_equal(got.p, in.p);
	assert_int_equal(got.n, 4);
	assert_int_equal(cur_bytes(&c, 0).n, 0);
	assert_true(cur_ok(&c));
	assert_false(cur_done(&c));
	assert_int_equal(cur_bytes(&c, SIZE_MAX).n, 0);
	assert_false(cur_ok(&c));
}

static void
empty_input_is_done(void **state)
{
	struct cur c = cur_of(STR_NULL);

	assert_true(cur_done(&c));
	assert_int_equal(cur_bytes(&c, 0).n, 0);
	assert_true(cur_done(&c));
	assert_int_equal(cur_u8(&c), 0);
	assert_false(cur_ok(&c));
}

static void
str32_with_a_lying_length_fails(void **state)
{
	struct cur c = cur_of(STR("\0\0\0\x03"
				  "abc"));

	assert_true(str_eq(cur_str32(&c), STR("abc")));
	assert_true(cur_done(&c));
	c = cur_of(STR("\0\0\0\x04"
		       "abc"));
	assert_int_equal(cur_str32(&c).n, 0);
	assert_false(cur_ok(&c));
	c = cur_of(STR("\xff\xff\xff\xff"
		       "abc"));
	assert_int_equal(cur_str32(&c).n, 0);
	assert_false(cur_ok(&c));
}

static void
cur_fail_marks_at_once(void **state)
{
	struct cur c = cur_of(STR("abc"));

	cur_fail(&c);
	assert_false(cur_ok(&c));
	assert_int_equal(cur_u8(&c), 0);
}

static void
encoder_stops_at_its_size(void **state)
{
	uint8_t out[6] = { 0 };
	struct enc e = enc_of(out, 5);

	enc_u8(&e, 1);
	enc_u32(&e, 0x02030405);
	assert_true(enc_ok(&e));
	assert_int_equal(e.n, 5);
	enc_bytes(&e, STR_NULL);
	assert_true(enc_ok(&e));
	enc_u8(&e, 9);
	assert_false(enc_ok(&e));
	assert_int_equal(e.n, 5);
	assert_memory_equal(out, "\1\2\3\4\5\0", 6);
	e = enc_of(out, 5);
	enc_str32(&e, STR("ab"));
	assert_false(enc_ok(&e));
	enc_u8(&e, 1);
	assert_false(enc_ok(&e));
}

/* What is written is read back, in any mixture of widths; a reader of one byte less fails. */
static void
round_trip(void **state)
{
	uint64_t seed = 3;

	for (int round = 0; round < 3000; round++) {
		uint8_t out[600];
		uint64_t values[40];
		struct enc e = enc_of(out, sizeof(out));
		size_t n = 1 + prng_below(&seed, ARRAY_LEN(values));
		struct cur c;
		for (size_t i = 0; i < n; i++) {
			values[i] = prng_next(&seed);
			if (i % 5 == 0)
				enc_u8(&e, (uint8_t)values[i]);
			else if (i % 5 == 1)
				enc_u16(&e, (uint16_t)values[i]);
			else if (i % 5 == 2)
				enc_u32(&e, (uint32_t)values[i]);
			else if (i % 5 == 3)
				enc_u64(&e, values[i]);
			else
				enc_str32(&e, str_of((char *)&values[i], values[i] % 9));
		}
		assert_true(enc_ok(&e));
		c = cur_of(str_of((char *)out, e.n));
		for (size_t i = 0; i < n; i++) {
			if (i % 5 == 0)
				assert_int_equal(cur_u8(&c), (uint8_t)values[i]);
			else if (i % 5 == 1)
				assert_int_equal(cur_u16(&c), (uint16_t)values[i]);
			else if (i % 5 == 2)
				assert_int_equal(cur_u32(&c), (uint32_t)values[i]);
			else if (i % 5 == 3)
				assert_true(cur_u64(&c) == values[i]);
			else
				assert_true(str_eq(
				    cur_str32(&c), str_of((char *)&values[i], values[i] % 9)));
		}
		assert_true(cur_done(&c));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(network_order_and_little_endian),
		cmocka_unit_test(reads_past_the_end_give_zero_for_ever),
		cmocka_unit_test(bytes_point_into_the_input),
		cmocka_unit_test(empty_input_is_done),
		cmocka_unit_test(str32_with_a_lying_length_fails),
		cmocka_unit_test(cur_fail_marks_at_once),
		cmocka_unit_test(encoder_stops_at_its_size),
		cmocka_unit_test(round_trip),
	};
	return cmocka_run_group_tests_name("base-cur", tests, NULL, NULL);
}
