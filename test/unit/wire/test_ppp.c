/* PPP frames, packets, options, PAP and CHAP bodies: what is taken, what is refused, and that writing reads back. */
#include "../base/cmocka_std.h"
#include "wire/ppp.h"

#include <errno.h>

/* RFC 1661 section 2, 6.5 and 6.6: the compressed forms are understood always. */
static void
test_frames(void **state)
{
	static const struct { const char *bytes; size_t n; int want; uint16_t protocol; size_t rest; } cases[] = {
		{ "\xff\x03\xc0\x21zz", 6, 0, PPP_LCP, 2 }, { "\xc0\x21zz", 4, 0, PPP_LCP, 2 },
		{ "\xff\x03\0\x21zz", 6, 0, PPP_IP, 2 }, { "\0\x21zz", 4, 0, PPP_IP, 2 }, { "\x21zz", 3, 0, PPP_IP, 2 },
		{ "\xff\x03\x21zz", 5, 0, PPP_IP, 2 }, { "\x57", 1, 0, PPP_IPV6, 0 }, { "\xff\x03\xfd", 3, 0, PPP_COMPRESSED, 0 },
		{ "\xff\x03", 2, -EBADMSG, 0, 0 }, { "\xff\x03\xc0", 3, -EBADMSG, 0, 0 }, { "", 0, -EBADMSG, 0, 0 },
		{ "\xc0\x20zz", 4, -EBADMSG, 0, 0 },
	};
	uint16_t protocol;
	struct str rest;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = ppp_frame_read(str_of(cases[i].bytes, cases[i].n), &protocol, &rest);
		if (r != cases[i].want)
			fail_msg("case %zu gave %d", i, r);
		if (r == 0 && (protocol != cases[i].protocol || rest.n != cases[i].rest))
			fail_msg("case %zu: protocol %04x, %zu bytes", i, protocol, rest.n);
	}
}

static void
test_packets(void **state)
{
	static const struct { const char *bytes; size_t n; int want; size_t data; } cases[] = {
		{ "\1\2\0\4", 4, 0, 0 }, { "\1\2\0\6xy", 6, 0, 2 }, { "\1\2\0\6xypad", 9, 0, 2 }, { "\1\2\0\7xy", 6, -EBADMSG, 0 },
		{ "\1\2\0\3", 4, -EBADMSG, 0 }, { "\1\2\0", 3, -EBADMSG, 0 }, { "", 0, -EBADMSG, 0 },
	};
	struct ppp_packet p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(ppp_packet_read(str_of(cases[i].bytes, cases[i].n), &p), cases[i].want);
		if (cases[i].want == 0)
			assert_int_equal(p.data.n, cases[i].data);
	}
}

static void
test_options(void **state)
{
	uint8_t room[128];
	struct enc e = enc_of(room, sizeof(room));
	struct ppp_option o;
	struct ppp_packet p;
	uint16_t protocol;
	struct str rest;

	(void)state;
	ppp_packet_begin(&e, PPP_LCP, PPP_CONF_REQ, 9);
	ppp_option_put16(&e, LCP_MRU, 1400);
	ppp_option_put32(&e, LCP_MAGIC, 0xdeadbeef);
	ppp_option_put(&e, LCP_PFC, STR_NULL);
	assert_int_equal(ppp_packet_end(&e), 4 + 4 + 4 + 6 + 2);
	assert_int_equal(ppp_frame_read(str_of((char *)room, e.n), &protocol, &rest), 0);
	assert_int_equal(protocol, PPP_LCP);
	assert_int_equal(ppp_packet_read(rest, &p), 0);
	assert_int_equal(p.code, PPP_CONF_REQ);
	assert_int_equal(p.id, 9);
	struct cur c = cur_of(p.data);
	assert_int_equal(ppp_option_next(&c, &o), 1);
	assert_true(o.type == LCP_MRU && str_eq(o.value, STR("\x05\x78")) && o.whole.n == 4);
	assert_int_equal(ppp_option_next(&c, &o), 1);
	assert_true(o.type == LCP_MAGIC && str_eq(o.value, STR("\xde\xad\xbe\xef")));
	assert_int_equal(ppp_option_next(&c, &o), 1);
	assert_true(o.type == LCP_PFC && o.value.n == 0);
	assert_int_equal(ppp_option_next(&c, &o), 0);
	static const char *const bad[] = { "\1\1", "\1\3", "\1", "\5\6abc" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		c = cur_of(str_z(bad[i]));
		assert_int_equal(ppp_option_next(&c, &o), -EBADMSG);
	}
}


static void
test_chap(void **state)
{
	uint8_t room[300];
	struct enc e = enc_of(room, sizeof(room));
	struct str value, name;

	(void)state;
	chap_value_write(&e, STR("0123456789abcdef"), STR("filial1"));
	assert_int_equal(chap_value_read(str_of((char *)room, e.n), &value, &name), 0);
	assert_true(str_eq(value, STR("0123456789abcdef")) && str_eq(name, STR("filial1")));
	assert_int_equal(chap_value_read(str_of("\x05zz", 3), &value, &name), -EBADMSG);
	assert_int_equal(chap_value_read(STR_NULL, &value, &name), -EBADMSG);
}

static void
test_pap(void **state)
{
	uint8_t room[600];
	struct enc e = enc_of(room, sizeof(room));
	struct str user, password;
	char longest[300];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	pap_request_write(&e, STR("filial1"), STR("segredo"));
	assert_int_equal(pap_request_read(str_of((char *)room, e.n), &user, &password), 0);
	assert_true(str_eq(user, STR("filial1")) && str_eq(password, STR("segredo")));
	for (size_t n = 0; n < e.n; n++)
		assert_int_equal(pap_request_read(str_of((char *)room, n), &user, &password), -EBADMSG);
	e = enc_of(room, sizeof(room));
	pap_request_write(&e, str_of(longest, 300), STR(""));
	assert_int_equal(pap_request_read(str_of((char *)room, e.n), &user, &password), 0);
	assert_int_equal(user.n, 255);
	assert_true(str_eq(pap_message(STR("\2hi")), STR("hi")));
	assert_int_equal(pap_message(STR("\3hi")).n, 0);
	assert_int_equal(pap_message(STR_NULL).n, 0);
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(ppp_protocol_name(PPP_IPV6CP), "IPV6CP");
	assert_string_equal(ppp_protocol_name(1), "?");
	assert_string_equal(ppp_code_name(PPP_ECHO_REQ), "Echo-Request");
	assert_string_equal(ppp_code_name(0), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames), cmocka_unit_test(test_packets), cmocka_unit_test(test_options),
		cmocka_unit_test(test_chap), cmocka_unit_test(test_pap), cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
