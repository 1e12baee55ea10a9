/* Tests of the heads of packets: whole, cut, with extensions and options. */
#include <errno.h>

#include "../base/cmocka_std.h"
#include "wire/packet.h"

#define SYN4 "\x45\x00\x00\x3c\x1c\x46\x40\x00\x40\x06\x00\x00\xc0\x00\x02\x07\xc6\x33\x64\x02" \
	"\x9c\x40\x00\x17\x00\x00\x00\x00\x00\x00\x00\x00\xa0\x02\xfa\xf0\x00\x00\x00\x00" \
	"\x02\x04\x05\xb4\x04\x02\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x01\x03\x03\x07"
#define PING6 "\x60\x00\x00\x00\x00\x10\x00\x40" \
	"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" \
	"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" \
	"\x3a\x00\x05\x02\x00\x00\x01\x00" "\x80\x00\x00\x00\x00\x01\x00\x01"

static void
test_tcp(void **state)
{
	struct packet p;
	struct buf out = BUF_INIT(1024);

	assert_int_equal(packet_parse(str_of(SYN4, sizeof(SYN4) - 1), &p), 0);
	packet_say(&p, &out);
	assert_string_equal(buf_cstr(&out), "SRC=192.0.2.7 DST=198.51.100.2 LEN=60 TOS=0x00 PREC=0x00 "
	    "TTL=64 ID=7238 DF PROTO=TCP SPT=40000 DPT=23 WINDOW=64240 RES=0x00 SYN URGP=0");
	assert_int_equal(p.payload.n, 0);
	buf_free(&out);
}

static void
test_ipv6_behind_extensions(void **state)
{
	struct packet p;
	struct buf out = BUF_INIT(1024);

	assert_int_equal(packet_parse(str_of(PING6, sizeof(PING6) - 1), &p), 0);
	packet_say(&p, &out);
	assert_string_equal(buf_cstr(&out), "SRC=2001:db8::1 DST=2001:db8::2 LEN=56 TC=0 HOPLIMIT=64 "
	    "FLOWLBL=0 PROTO=ICMPv6 TYPE=128 CODE=0");
	buf_free(&out);
}

/* However much is missing: never more is said than is there. */
static void
test_cut_anywhere(void **state)
{
	for (size_t n = 0; n < sizeof(SYN4); n++) {
		struct packet p = { .family = 9 };
		int r = packet_parse(str_of(SYN4, n), &p);
		assert_int_equal(r, n < 20 ? -EBADMSG : 0);
		assert_int_equal(p.family, n < 20 ? 9 : 4);
		if (r == 0)
			assert_int_equal(p.has_ports, n >= 24);
	}
	for (size_t n = 0; n < sizeof(PING6); n++) {
		struct packet p;
		int r = packet_parse(str_of(PING6, n), &p);
		assert_int_equal(r, n < 40 ? -EBADMSG : 0);
		if (r == 0)
			assert_int_equal(p.has_type, n >= 50);
	}
}

static void
test_later_fragments_have_no_ports(void **state)
{
	char bytes[sizeof(SYN4)];
	struct packet p;

	memcpy(bytes, SYN4, sizeof(SYN4));
	bytes[6] = 0;
	bytes[7] = 5;
	assert_int_equal(packet_parse(str_of(bytes, sizeof(SYN4) - 1), &p), 0);
	assert_true(p.fragment);
	assert_false(p.has_ports);
}

static void
test_udp_payload(void **state)
{
	static const char udp[] = "\x45\x00\x00\x1f\x00\x00\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x07"
	    "\xc6\x33\x64\x02\x00\x35\x10\x00\x00\x0b\x00\x00" "abc";
	struct packet p;

	assert_int_equal(packet_parse(str_of(udp, sizeof(udp) - 1), &p), 0);
	assert_int_equal(p.sport, 53);
	assert_true(str_eq(p.payload, STR("abc")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_ipv6_behind_extensions),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_later_fragments_have_no_ports),
		cmocka_unit_test(test_udp_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
