/* Router advertisements: there and back, byte by byte where the RFC has them, and what is no advertisement. */
#include "../base/cmocka_std.h"
#include "base/cur.h"
#include "gate/l2tp/ra.h"

static const struct net6 routes[] = { { UINT64_C(0x20010db8000a0000), 48 } };

static size_t
whole(uint8_t *out, const struct ra *ra)
{
	size_t n = ra_write(ra, 1, out);

	assert_true(n > 40 && n <= RA_MAX);
	return n;
}

static void
test_there_and_back(void **state)
{
	struct ra ra = { .prefix = UINT64_C(0x20010db800090001), .mtu = 1400, .ndns = 2 }, got;
	uint8_t out[RA_MAX];

	(void)state;
	assert_int_equal(addr_parse(STR("2001:db8:a::222"), &ra.dns[0]), 0);
	assert_int_equal(addr_parse(STR("2001:db8:a::223"), &ra.dns[1]), 0);
	size_t n = whole(out, &ra);
	/* fe80::1 to ff02::1, next header 58, hop limit 255; type 134; a router for 9000 seconds. */
	assert_memory_equal(out + 6, "\x3a\xff\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\x02", 20);
	assert_int_equal(out[39], 1);
	assert_int_equal(out[40], 134);
	assert_int_equal(out[46] << 8 | out[47], 9000);
	assert_int_equal(ra_read(str_of((char *)out, n), &got), 0);
	assert_true(got.prefix == ra.prefix);
	assert_int_equal(got.mtu, 1400);
	assert_int_equal(got.ndns, 2);
	assert_memory_equal(got.dns, ra.dns, sizeof(ra.dns));
}

/* With routes of its own it is no way to everything else: RFC 4191 section 2.2. */
static void
test_routes_instead_of_everything(void **state)
{
	struct ra ra = { .prefix = 1, .mtu = 1280, .routes = routes, .nroutes = 1 };
	uint8_t out[RA_MAX];

	(void)state;
	size_t n = whole(out, &ra);
	assert_int_equal(out[46] | out[47], 0);
	assert_memory_equal(out + n - 16, "\x18\x02\x30\0\xff\xff\xff\xff\x20\x01\x0d\xb8\0\x0a\0\0", 16);
}

/* RFC 4861 section 6.1: each byte counts, by the sum if by nothing else. */
static void
test_any_changed_byte_is_noticed(void **state)
{
	struct ra ra = { .prefix = UINT64_C(0x20010db800090001), .mtu = 1400 }, got = { .prefix = 7 };
	uint8_t out[RA_MAX];

	(void)state;
	size_t n = whole(out, &ra);
	for (size_t i = 0; i < n; i++) {
		out[i] ^= 0x21;
		/* Traffic class and flow label are covered by nothing. */
		if (i > 3)
			assert_true(ra_read(str_of((char *)out, n), &got) < 0);
		out[i] ^= 0x21;
	}
	for (size_t i = 0; i < n; i++)
		assert_true(ra_read(str_of((char *)out, i), &got) < 0);
	assert_true(got.prefix == 7);
}

static void
test_solicitation(void **state)
{
	uint8_t out[RA_MAX];
	struct ra got;

	(void)state;
	size_t n = rs_write(5, out);
	assert_int_equal(n, 48);
	assert_true(rs_is(str_of((char *)out, n)));
	assert_true(ra_read(str_of((char *)out, n), &got) < 0);
	out[7] = 64;
	assert_false(rs_is(str_of((char *)out, n)));
}

static void
test_addresses(void **state)
{
	struct addr a = address6(UINT64_C(0x20010db800000000), 0x1e);
	char text[46];

	(void)state;
	addr_show(&a, text);
	assert_string_equal(text, "2001:db8::1e");
	assert_true(upper6(a.b) == UINT64_C(0x20010db800000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_routes_instead_of_everything),
		cmocka_unit_test(test_any_changed_byte_is_noticed), cmocka_unit_test(test_solicitation),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
