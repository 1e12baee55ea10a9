/* Who must never be banned: read from texts as the kernel and the resolver write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "role/watch/spared.h"

static void
assert_addr(const struct addr *a, struct str want)
{
	char text[46];

	assert_true(str_eq(str_of(text, addr_show(a, text)), want));
}

static void
test_gateways(void **state)
{
	struct addr a[4];

	(void)state;
	struct str route4 = STR(
	    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	    "eth0\t00000000\tFE0200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	assert_int_equal(spared_gateways4(route4, a, 4), 1);
	assert_addr(&a[0], STR("192.0.2.254"));
	struct str route6 = STR(
	    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
	    "20010db8000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
	    "20010db8000000000000000000000000 40 00000000000000000000000000000000 00 "
	    "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n");
	assert_int_equal(spared_gateways6(route6, a, 4), 1);
	assert_addr(&a[0], STR("2001:db8::1"));
	assert_int_equal(spared_gateways6(route6, a, 0), 0);
}

static void
test_nameservers(void **state)
{
	struct addr a[4];

	(void)state;
	struct str conf = STR("# nameserver 192.0.2.1\nsearch example.com\nnameserver 192.0.2.53\nnameserver  fe80::1%eth0\n"
	    "nameserver none\n");
	assert_int_equal(spared_nameservers(conf, a, 4), 2);
	assert_addr(&a[0], STR("192.0.2.53"));
	assert_addr(&a[1], STR("fe80::1"));
	assert_int_equal(spared_nameservers(conf, a, 1), 1);
}

static void
test_nonsense_is_nothing(void **state)
{
	struct addr a[4];

	(void)state;
	assert_int_equal(spared_gateways4(STR("\n\neth0\neth0 x\neth0 x zzzzzzzz\neth0 x 123\n"), a, 4), 0);
	assert_int_equal(spared_gateways6(STR("a b c d 0123\n"), a, 4), 0);
	assert_int_equal(spared_nameservers(STR("nameserver\nnameserver \n"), a, 4), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gateways),
		cmocka_unit_test(test_nameservers),
		cmocka_unit_test(test_nonsense_is_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
