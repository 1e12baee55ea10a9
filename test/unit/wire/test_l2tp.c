/* L2TP headers and attributes: every row of the table in every form, hiding, and what must be refused. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "wire/l2tp.h"

#include <errno.h>

static struct str
payload_of(const struct enc *e)
{
	return str_of((const char *)e->p + L2TP_CONTROL_HEAD, e->n - L2TP_CONTROL_HEAD);
}

/* RFC 2661 section 3.1: which headers are one. */
static void
test_heads(void **state)
{
	static const struct { const char *bytes; size_t n; int want; size_t payload; } cases[] = {
		{ "\xc8\x02\0\x0c\0\1\0\2\0\3\0\4", 12, 0, 0 },
		{ "\xc8\x02\0\x0c\0\1\0\2\0\3\0\4padding", 19, 0, 0 },
		{ "\xc8\x02\0\x0d\0\1\0\2\0\3\0\4", 12, -EBADMSG, 0 },
		{ "\xc8\x02\0\x0b\0\1\0\2\0\3\0\4", 12, -EBADMSG, 0 },
		{ "\xc8\x02\0\x03\0\1\0\2\0\3\0\4", 12, -EBADMSG, 0 },
		{ "\x88\x02\0\1\0\2\0\3\0\4\0\0", 12, -EBADMSG, 0 },
		{ "\xc0\x02\0\x0c\0\1\0\2\0\3\0\4", 12, -EBADMSG, 0 },
		{ "\xca\x02\0\x0e\0\1\0\2\0\3\0\4\0\0", 14, -EBADMSG, 0 },
		{ "\xc9\x02\0\x0c\0\1\0\2\0\3\0\4", 12, -EBADMSG, 0 },
		{ "\xc8\x03\0\x0c\0\1\0\2\0\3\0\4", 12, -EPROTONOSUPPORT, 0 },
		{ "\xc8\x01\0\x0c\0\1\0\2\0\3\0\4", 12, -EPROTONOSUPPORT, 0 },
		{ "\0\x02\0\1\0\2\xff\x03\0\x21xyz", 13, 0, 7 },
		{ "\x40\x02\0\x0f\0\1\0\2\xff\x03\0\x21xyz", 15, 0, 7 },
		{ "\x40\x02\0\x0c\0\1\0\2\xff\x03\0\x21xyz", 15, 0, 4 },
		{ "\x08\x02\0\1\0\2\0\5\0\6\xff\x03\0\x21xyz", 17, 0, 7 },
		{ "\x02\x02\0\1\0\2\0\2zz\xff\x03\0\x21xyz", 17, 0, 7 },
		{ "\x02\x02\0\1\0\2\0\0\xff\x03\0\x21xyz", 15, 0, 7 },
		{ "\x02\x02\0\1\0\2\0\x09zz", 10, -EBADMSG, 0 },
		{ "\x01\x02\0\1\0\2\xff\x03\0\x21xyz", 13, 0, 7 },
		{ "\0\x02\0\1\0", 5, -EBADMSG, 0 },
		{ "\xc8", 1, -EBADMSG, 0 }, { "", 0, -EBADMSG, 0 },
	};
	struct l2tp_head h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = l2tp_head_read(str_of(cases[i].bytes, cases[i].n), &h);
		if (r != cases[i].want)
			fail_msg("case %zu gave %d", i, r);
		if (r == 0 && (h.tunnel != 1 || h.session != 2 || h.payload.n != cases[i].payload))
			fail_msg("case %zu: tunnel %u session %u payload %zu", i, h.tunnel, h.session, h.payload.n);
	}
}

static struct str
sample_value(const struct l2tp_avp_row *row, uint8_t *room, size_t n)
{
	for (size_t i = 0; i < n; i++)
		room[i] = (uint8_t)(row->type + i + 1);
	return str_of((char *)room, n);
}

/* An attribute as raw bytes, any flags. */
static void
put_raw(struct enc *e, unsigned flags, unsigned vendor, unsigned type, struct str value)
{
	enc_u16(e, (uint16_t)(flags | (6 + value.n)));
	enc_u16(e, (uint16_t)vendor);
	enc_u16(e, (uint16_t)type);
	enc_bytes(e, value);
}

static int
read_raw(unsigned flags, unsigned vendor, unsigned type, struct str value, struct l2tp_message *m)
{
	uint8_t room[2048];
	struct enc e = enc_of(room, sizeof(room));

	l2tp_begin(&e, L2TP_HELLO, 1, 0);
	put_raw(&e, flags, vendor, type, value);
	assert_true(l2tp_end(&e) > 0);
	return l2tp_message_read(payload_of(&e), STR_NULL, m);
}

/* Each row: exact, longer, shorter by one with and without M, all read or refused as section 4.2 says. */
static void
test_every_row(void **state)
{
	uint8_t room[64];
	struct l2tp_message m;
	unsigned rows = 0;

	(void)state;
	for (unsigned type = 1; type < L2TP_AVPS; type++) {
		const struct l2tp_avp_row *row = l2tp_avp_row(type);
		if (row == NULL)
			continue;
		rows++;
		assert_int_equal(row->type, type);
		assert_int_equal(read_raw(0x8000, 0, type, sample_value(row, room, row->size), &m), 0);
		assert_true(l2tp_has(&m, type));
		assert_int_equal(m.bytes[type].n, row->size);
		uint64_t number = m.number[type];
		assert_int_equal(read_raw(0x8000, 0, type, sample_value(row, room, row->size + 3u), &m), 0);
		assert_int_equal(m.number[type], number);
		if (row->size == 0)
			continue;
		assert_int_equal(read_raw(0x8000, 0, type, sample_value(row, room, row->size - 1u), &m), -EBADMSG);
		assert_int_equal(m.result, L2TP_STOP_ERROR);
		assert_int_equal(m.error, L2TP_ERROR_LENGTH);
		assert_int_equal(m.about, type);
		assert_int_equal(read_raw(0, 0, type, sample_value(row, room, row->size - 1u), &m), 0);
		assert_false(l2tp_has(&m, type));
		assert_int_equal(m.result, 0);
		/* Reserved bits: as if it were unknown. */
		assert_int_equal(read_raw(0x8400, 0, type, sample_value(row, room, row->size), &m), -EBADMSG);
		assert_int_equal(m.error, L2TP_ERROR_UNKNOWN_AVP);
		assert_int_equal(read_raw(0x0400, 0, type, sample_value(row, room, row->size), &m), 0);
		/* Hidden, and we have no secret. */
		assert_int_equal(read_raw(0xc000, 0, type, sample_value(row, room, row->size), &m), -EBADMSG);
		assert_int_equal(read_raw(0x4000, 0, type, sample_value(row, room, row->size), &m), 0);
	}
	assert_int_equal(rows, 39);
}

static void
test_unknown(void **state)
{
	struct l2tp_message m;

	(void)state;
	for (unsigned type = 47; type < 70; type++) {
		assert_int_equal(read_raw(0, 0, type, STR("x"), &m), 0);
		assert_int_equal(read_raw(0x8000, 0, type, STR("x"), &m), -EBADMSG);
		assert_int_equal(m.error, L2TP_ERROR_UNKNOWN_AVP);
		assert_int_equal(m.about, type);
	}
	assert_int_equal(read_raw(0, 9, L2TP_HOST_NAME, STR("x"), &m), 0);
	assert_false(l2tp_has(&m, L2TP_HOST_NAME));
	assert_int_equal(read_raw(0x8000, 9, L2TP_HOST_NAME, STR("x"), &m), -EBADMSG);
}

static void
test_message_type_first(void **state)
{
	uint8_t room[64];
	struct enc e = enc_of(room, sizeof(room));
	struct l2tp_message m;

	(void)state;
	put_raw(&e, 0x8000, 0, L2TP_HOST_NAME, STR("x"));
	assert_int_equal(l2tp_message_read(str_of((char *)room, e.n), STR_NULL, &m), -EBADMSG);
	assert_int_equal(l2tp_message_read(STR_NULL, STR_NULL, &m), 0);
	assert_int_equal(m.type, L2TP_ZLB);
	/* A type that we do not know, M clear: read, and left to the caller. */
	e = enc_of(room, sizeof(room));
	put_raw(&e, 0, 0, L2TP_MESSAGE_TYPE, str_of("\0\x63", 2));
	assert_int_equal(l2tp_message_read(str_of((char *)room, e.n), STR_NULL, &m), 0);
	assert_int_equal(m.type, 99);
	assert_false(m.mandatory);
}

static void
test_lengths_of_attributes(void **state)
{
	static const struct { const char *bytes; size_t n; } bad[] = {
		{ "\x80\x08\0\0\0\0\0\6\x80\5\0\0\0\7", 14 }, { "\x80\x08\0\0\0\0\0\6\x80\7\0\0\0\7", 14 },
		{ "\x80\x08\0\0\0\0\0\6\x80", 9 }, { "\x80\x08\0\0\0\0\0\6\x83\xff\0\0\0\7x", 15 },
		{ "\x80\x00\0\0\0\0\0\6", 8 },
	};
	struct l2tp_message m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(l2tp_message_read(str_of(bad[i].bytes, bad[i].n), STR_NULL, &m), -EBADMSG);
	assert_int_equal(m.error, L2TP_ERROR_LENGTH);
}

/* What is hidden comes back, at every length up to the longest; a wrong secret does not pass for a right one often. */
static void
test_hidden(void **state)
{
	uint8_t room[2048], value[L2TP_AVP_MAX];
	struct l2tp_message m;
	uint64_t seed = 7;

	(void)state;
	for (size_t n = 0; n <= L2TP_AVP_MAX - L2TP_AVP_HEAD - 2; n++) {
		struct enc e = enc_of(room, sizeof(room));
		for (size_t i = 0; i < n; i++)
			value[i] = (uint8_t)prng_next(&seed);
		l2tp_begin(&e, L2TP_ICRQ, 1, 0);
		l2tp_put_bytes(&e, L2TP_RANDOM_VECTOR, STR("sixteen and more"));
		l2tp_put_hidden(&e, L2TP_CALLED, str_of((char *)value, n), STR("segredo"), STR("sixteen and more"));
		assert_true(l2tp_end(&e) > 0);
		assert_int_equal(l2tp_message_read(payload_of(&e), STR("segredo"), &m), 0);
		assert_int_equal(m.bytes[L2TP_CALLED].n, n);
		assert_memory_equal(m.bytes[L2TP_CALLED].p, value, n);
		int r = l2tp_message_read(payload_of(&e), STR("another"), &m);
		assert_true(r == -EBADMSG || !str_eq(m.bytes[L2TP_CALLED], str_of((char *)value, n)) || n == 0);
	}
}

/* A hidden length that lies beyond its attribute, and more hidden bytes than there is room for. */
static void
test_hidden_bounds(void **state)
{
	uint8_t room[8192];
	static const char zeros[1000];
	struct enc e = enc_of(room, sizeof(room));
	struct l2tp_message m;

	(void)state;
	l2tp_begin(&e, L2TP_ICRQ, 1, 0);
	l2tp_put_bytes(&e, L2TP_RANDOM_VECTOR, STR("v"));
	size_t before = e.n;
	put_raw(&e, 0xc000, 0, L2TP_CALLED, str_of(zeros, 4));
	assert_int_equal(l2tp_message_read(payload_of(&e), STR("s"), &m), -EBADMSG);
	assert_int_equal(m.about, L2TP_CALLED);
	e.n = before;
	l2tp_put_hidden(&e, L2TP_CALLED, str_of(zeros, 1000), STR("s"), STR("v"));
	l2tp_put_hidden(&e, L2TP_CALLING, str_of(zeros, 1000), STR("s"), STR("v"));
	l2tp_put_hidden(&e, L2TP_SUB_ADDRESS, str_of(zeros, 1000), STR("s"), STR("v"));
	assert_int_equal(l2tp_message_read(payload_of(&e), STR("s"), &m), -EBADMSG);
	assert_int_equal(m.about, L2TP_SUB_ADDRESS);
}

/* Section 5.1.1: the digits are those of `printf '\002secretchallenge' | md5sum`. */
static void
test_answer(void **state)
{
	static const uint8_t sccrp[16] = {
		0xc2, 0x6b, 0xe3, 0xd6, 0xeb, 0x81, 0x03, 0x3f, 0x92, 0xf1, 0x60, 0x93, 0xb1, 0xc7, 0xb4, 0x7b,
	};
	static const uint8_t scccn[16] = {
		0xd0, 0x87, 0x26, 0x88, 0xa7, 0x70, 0xe0, 0x38, 0xb2, 0x7a, 0xb2, 0x8d, 0x67, 0x13, 0x13, 0xac,
	};
	uint8_t out[16];

	(void)state;
	l2tp_answer(L2TP_SCCRP, STR("secret"), STR("challenge"), out);
	assert_memory_equal(out, sccrp, 16);
	l2tp_answer(L2TP_SCCCN, STR("secret"), STR("challenge"), out);
	assert_memory_equal(out, scccn, 16);
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(l2tp_message_name(L2TP_SCCRQ), "SCCRQ");
	assert_string_equal(l2tp_message_name(13), "?");
	assert_string_equal(l2tp_stop_name(4), "not authorised: the tunnel secret is wrong or missing");
	assert_string_equal(l2tp_cdn_name(99), "?");
	assert_string_equal(l2tp_error_name(2), "a wrong length");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads), cmocka_unit_test(test_every_row), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_message_type_first), cmocka_unit_test(test_lengths_of_attributes),
		cmocka_unit_test(test_hidden), cmocka_unit_test(test_hidden_bounds), cmocka_unit_test(test_answer),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
