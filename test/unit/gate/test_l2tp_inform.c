/* DHCPINFORM: the question as Windows sends it, the answer byte by byte, and what is no question. */
#include "../base/cmocka_std.h"
#include "gate/l2tp/inform.h"

static const struct vpn_net nets[] = { { 0xc0a80000, 24 }, { 0x0a000000, 8 } };
static const struct inform what = { .server = 0x0a090001, .dns = { 0xc0a800de }, .nets = nets, .nnets = 2 };
static const uint32_t client = 0x0a09001e;

static size_t
question(uint8_t *p, uint8_t type)
{
	struct enc e = enc_of(p, 400);

	memset(p, 0, 400);
	enc_bytes(&e, str_of("\x45\0\x01\x0c\0\x01\0\0\x80\x11\0\0", 12));
	enc_u32(&e, client);
	enc_u32(&e, 0xffffffff);
	enc_bytes(&e, str_of("\0\x44\0\x43\0\xf8\0\0\x01\x08\x06\0", 12));
	enc_u32(&e, 0xdeadbeef);
	enc_u32(&e, 0);
	enc_u32(&e, client);
	e.n += 12;
	enc_bytes(&e, STR("RAS hw address.."));
	e.n += 192;
	enc_u32(&e, 0x63825363);
	enc_bytes(&e, str_of("\0\x3d\x01\0\x35\x01", 6));
	enc_u8(&e, type);
	enc_bytes(&e, str_of("\x37\x03\x06\x79\xf9\xff", 6));
	assert_true(enc_ok(&e));
	return e.n;
}

static struct str
find(const uint8_t *p, size_t n, uint8_t code)
{
	struct cur c = cur_of(str_of((const char *)p, n));

	cur_bytes(&c, 20 + 8 + 240);
	while (cur_ok(&c) && c.n > 1) {
		uint8_t got = cur_u8(&c);
		struct str value = cur_bytes(&c, cur_u8(&c));
		if (got == code)
			return value;
	}
	return STR_NULL;
}

static void
test_answer(void **state)
{
	uint8_t q[400], a[INFORM_MAX];
	size_t n = question(q, 8);

	(void)state;
	size_t got = inform_answer(str_of((char *)q, n), client, &what, a);
	assert_true(got > 268);
	assert_int_equal(a[2] << 8 | a[3], got);
	assert_memory_equal(a + 12, "\x0a\x09\0\x01\x0a\x09\0\x1e\0\x43\0\x44", 12);
	assert_memory_equal(a + 28, "\x02\x08\x06\0\xde\xad\xbe\xef", 8);
	assert_memory_equal(a + 28 + 16, "\0\0\0\0", 4);
	assert_memory_equal(a + 28 + 28, "RAS hw address..", 16);
	assert_true(str_eq(find(a, got, 53), STR("\x05")));
	assert_true(str_eq(find(a, got, 54), str_of("\x0a\x09\0\x01", 4)));
	assert_true(str_eq(find(a, got, 6), str_of("\xc0\xa8\0\xde", 4)));
	struct str routes = str_of("\x18\xc0\xa8\0\x0a\x09\0\x01\x08\x0a\x0a\x09\0\x01", 14);
	assert_true(str_eq(find(a, got, 121), routes));
	assert_true(str_eq(find(a, got, 249), routes));
}

static void
test_no_question(void **state)
{
	uint8_t q[400], a[INFORM_MAX];
	size_t n = question(q, 8);

	(void)state;
	for (size_t cut = 0; cut < n - 7; cut++)
		assert_int_equal(inform_answer(str_of((char *)q, cut), client, &what, a), 0);
	assert_int_equal(inform_answer(str_of((char *)q, n), client + 1, &what, a), 0);
	static const struct { size_t at; uint8_t v; } changes[] = {
		{ 0, 0x65 }, { 0, 0x44 }, { 6, 0x20 }, { 9, 6 }, { 12, 11 }, { 21, 67 }, { 23, 68 }, { 28, 2 }, { 40, 11 }, { 264, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		question(q, 8);
		q[changes[i].at] = changes[i].v;
		if (inform_answer(str_of((char *)q, n), client, &what, a) != 0)
			fail_msg("byte %zu as %u is taken", changes[i].at, changes[i].v);
	}
	for (uint8_t type = 0; type < 8; type++) {
		question(q, type);
		assert_int_equal(inform_answer(str_of((char *)q, n), client, &what, a), 0);
	}
}

/* More networks than an option holds: the first ones, and a packet that is whole. */
static void
test_many_networks(void **state)
{
	static struct vpn_net many[100];
	struct inform big = what;
	uint8_t q[400], a[INFORM_MAX];
	size_t n = question(q, 8);

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		many[i] = (struct vpn_net){ .net = 0x0a000000 + (i << 8), .bits = 24 };
	big.nets = many;
	big.nnets = 100;
	size_t got = inform_answer(str_of((char *)q, n), client, &big, a);
	assert_true(got > 0 && got <= INFORM_MAX);
	assert_true(find(a, got, 121).n > 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer), cmocka_unit_test(test_no_question), cmocka_unit_test(test_many_networks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
