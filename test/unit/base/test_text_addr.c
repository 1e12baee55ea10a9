/* Addresses and networks. The C library's inet_pton and inet_ntop are the oracle. */
#include "cmocka_std.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/text.h"
#include "prng.h"

static void
assert_addr(const char *text, const char *want)
{
	struct addr a;
	char shown[46];

	assert_int_equal(addr_parse(str_z(text), &a), 0);
	assert_int_equal(addr_show(&a, shown), strlen(want));
	assert_string_equal(shown, want);
}

static void
normal_forms(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "[192.0.2.7]", "192.0.2.7" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
		{ "::FFFF:c000:207", "192.0.2.7" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "fe80::1%eth0", "fe80::1" },
		{ "[fe80::1%eth0.5]", "fe80::1" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "1:0:0:2:0:0:0:3", "1:0:0:2::3" },
		{ "1:0:0:2:3:0:0:4", "1::2:3:0:0:4" },
		{ "1:2:3:4:5:6:0:8", "1:2:3:4:5:6:0:8" },
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "2001:0db8:00a0:000b:0c00:0000:0000:0001", "2001:db8:a0:b:c00::1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_addr(rows[i][0], rows[i][1]);
}

static void
bad_addresses(void **state)
{
	static const char *const bad[] = {
		"",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.-1",
		"01.2.3.4",
		"1.2.3.04",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1..2.3",
		"1.2.3.",
		".1.2.3",
		"1.2.3.1234",
		"0x1.2.3.4",
		"1.2.3.4%eth0",
		":",
		":::",
		"1:",
		":1",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8",
		"12345::",
		"g::",
		"1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3",
		"::1.2.3.4:5",
		"fe80::1%",
		"fe80::1%a]",
		"[::1",
		"::1]",
		"[]",
		"[[::1]]",
		"%eth0",
		"::1%a/b",
		"fe80::1%0123456789abcdef",
		"1:2:3:4::5:6:7:8",
		"host.example",
		"1.2.3.4\n",
	};
	struct addr a;

	memset(&a, 0x5a, sizeof(a));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(addr_parse(str_z(bad[i]), &a), -EINVAL);
	assert_int_equal(addr_parse(STR("1.2.3.4\0"), &a), -EINVAL);
	assert_int_equal(addr_parse(STR_NULL, &a), -EINVAL);
	for (size_t i = 0; i < sizeof(a.b); i++)
		assert_int_equal(a.b[i], 0x5a);
}

/* Random texts of address letters: we and inet_pton agree on what is an address, and on which. */
static void
agrees_with_inet_pton(void **state)
{
	static const char letters[] = "0123456789abF::::....";
	uint64_t seed = 21;
	int good = 0;

	for (int round = 0; round < 400000; round++) {
		char text[48] = { 0 };
		size_t n = 2 + prng_below(&seed, round % 2 ? 8 : 20);
		struct addr ours = { { 0 } }, theirs = { .b = { [10] = 0xff, [11] = 0xff } };
		bool ok;
		for (size_t i = 0; i < n; i++)
			text[i] = letters[prng_below(&seed, sizeof(letters) - 1)];
		ok = inet_pton(AF_INET, text, theirs.b + 12) == 1;
		if (!ok)
			ok = inet_pton(AF_INET6, text, theirs.b) == 1;
		assert_int_equal(addr_parse(str_of(text, n), &ours) == 0, ok);
		if (ok)
			assert_memory_equal(&ours, &theirs, sizeof(ours));
		good += ok;
	}
	assert_true(good > 1000);
}

static void
shown_as_the_library_shows(void **state)
{
	uint64_t seed = 22;

	for (int round = 0; round < 50000; round++) {
		struct addr a, again;
		char ours[46], theirs[INET6_ADDRSTRLEN];
		for (size_t i = 0; i < 16; i += 2) {
			uint64_t group = prng_below(&seed, 3)
			    ? 0
			    : prng_next(&seed) >> prng_below(&seed, 64);
			a.b[i] = (uint8_t)(group >> 8);
			a.b[i + 1] = (uint8_t)group;
		}
		addr_show(&a, ours);
		assert_int_equal(addr_parse(str_z(ours), &again), 0);
		assert_memory_equal(&a, &again, sizeof(a));
		/* The library shows ::a.b.c.d in dotted form, which RFC 5952 5 leaves open. */
		if (memcmp(a.b, (uint8_t[10]){ 0 }, 10) == 0)
			continue;
		inet_ntop(AF_INET6, a.b, theirs, sizeof(theirs));
		assert_string_equal(ours, theirs);
	}
}

static void
v4_has_one_form(void **state)
{
	struct addr a, b;

	assert_int_equal(addr_parse(STR("10.1.2.3"), &a), 0);
	assert_int_equal(addr_parse(STR("::ffff:a01:203"), &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(addr_is_v4(&a));
	assert_int_equal(addr_parse(STR("::10.1.2.3"), &b), 0);
	assert_false(addr_is_v4(&b));
}

static bool
net_has(const char *net, const char *text)
{
	struct cidr c;
	struct addr a;

	assert_int_equal(cidr_parse(str_z(net), &c), 0);
	assert_int_equal(addr_parse(str_z(text), &a), 0);
	return cidr_has(&c, &a);
}

static void
networks(void **state)
{
	assert_true(net_has("10.0.0.0/8", "10.255.0.1"));
	assert_false(net_has("10.0.0.0/8", "11.0.0.0"));
	assert_true(net_has("192.168.16.0/20", "192.168.31.255"));
	assert_false(net_has("192.168.16.0/20", "192.168.32.0"));
	assert_true(net_has("0.0.0.0/0", "8.8.8.8"));
	assert_false(net_has("0.0.0.0/0", "2001:db8::1"));
	assert_true(net_has("::/0", "8.8.8.8"));
	assert_true(net_has("192.0.2.7", "192.0.2.7"));
	assert_false(net_has("192.0.2.7", "192.0.2.6"));
	assert_true(net_has("::1", "::1"));
	assert_true(net_has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(net_has("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(net_has("::ffff:10.0.0.0/104", "10.2.3.4"));
}

static void
bad_networks(void **state)
{
	static const char *const bad[] = {
		"",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/8/8",
		"10.0.0/8",
		"::/129",
		"::/0128",
		"10.0.0.0/8 ",
		"localhost/8",
	};
	struct cidr c;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(cidr_parse(str_z(bad[i]), &c), -EINVAL);
	assert_int_equal(cidr_parse(STR("10.0.0.1/8"), &c), -EDOM);
	assert_int_equal(cidr_parse(STR("10.128.0.0/8"), &c), -EDOM);
	assert_int_equal(cidr_parse(STR("2001:db8::1/64"), &c), -EDOM);
	assert_int_equal(cidr_parse(STR("10.0.0.0/24"), &c), 0);
	assert_int_equal(c.bits, 120);
}

/* For every length: the network holds exactly the addresses that agree in its first bits. */
static void
every_prefix_length(void **state)
{
	uint64_t seed = 23;

	for (unsigned bits = 0; bits <= 128; bits++) {
		struct cidr c = { .bits = (uint8_t)bits };
		for (unsigned i = 0; i < 16; i++)
			c.net.b[i] = (uint8_t)prng_next(&seed);
		for (unsigned i = bits; i < 128; i++)
			c.net.b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
		for (unsigned i = 0; i < 128; i++) {
			struct addr a = c.net;
			a.b[i / 8] ^= (uint8_t)(0x80 >> i % 8);
			assert_int_equal(cidr_has(&c, &a), i >= bits);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_forms),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(agrees_with_inet_pton),
		cmocka_unit_test(shown_as_the_library_shows),
		cmocka_unit_test(v4_has_one_form),
		cmocka_unit_test(networks),
		cmocka_unit_test(bad_networks),
		cmocka_unit_test(every_prefix_length),
	};
	return cmocka_run_group_tests_name("base-text-addr", tests, NULL, NULL);
}
