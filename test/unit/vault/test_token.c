/* Tokens: every line comes back byte for byte from template and values, and random values keep one template. */
#include "../base/cmocka_std.h"

#include "base/buf.h"
#include "../base/prng.h"
#include "vault/token.h"

/* Puts a line together again from what tokens_cut() said about it. */
static void
join(const struct tokens *t, struct str line, struct buf *out)
{
	const uint8_t *p = t->template;
	char text[TOKEN_RENDER_MAX];

	for (uint32_t i = 0;; i++) {
		buf_add(out, str_of((const char *)p + 1, p[0]));
		p += 1 + p[0];
		if (p[0] == TOKEN_END)
			break;
		assert_true(i < t->n);
		assert_int_equal(p[0], t->at[i].type);
		if (token_is_name(p[0]))
			buf_add(out, str_of(line.p + t->at[i].off, t->at[i].len));
		else
			buf_add(out, str_of(text, token_render(p[0], p[1], t->at[i].value, text)));
		p += 2;
	}
	assert_int_equal(p + 2 - t->template, t->template_len);
}

static void
assert_round_trip(struct str line)
{
	struct tokens t;
	struct buf out = BUF_INIT(1u << 20);

	tokens_cut(line, &t);
	join(&t, line, &out);
	assert_int_equal(out.n, line.n);
	assert_true(line.n == 0 || memcmp(out.p, line.p, line.n) == 0);
	for (uint32_t i = 0, end = 0; i < t.n; end = t.at[i].off + t.at[i].len, i++)
		assert_true(t.at[i].off >= end && t.at[i].off + t.at[i].len <= line.n);
	buf_free(&out);
}

static bool
same_template(const char *a, const char *b)
{
	struct tokens x, y;

	tokens_cut(str_z(a), &x);
	tokens_cut(str_z(b), &y);
	return x.template_len == y.template_len && memcmp(x.template, y.template, x.template_len) == 0;
}

static uint8_t
type_of(const char *line, unsigned i)
{
	struct tokens t;

	tokens_cut(str_z(line), &t);
	return i < t.n ? t.at[i].type : TOKEN_END;
}

static void
lines_come_back(void **state)
{
	static const char *const lines[] = {
		"", " ", "a", "0", "00", "007", "-1", "1.", ".1", "18446744073709551616", "999999999999999999", "0.0.0.0",
		"255.255.255.255", "256.1.1.1", "1.2.3.4.5", "01.2.3.4", "1.2.3", "1.2.3.4x", "10.0.0.1:443", "9.10.0.0.1",
		"2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123456Z", "2026-11-21 10:00:00,123", "2026-11-21T10:00:00+01:00",
		"2026-11-21T10:00:00.1234567890Z", "2026-02-30T10:00:00Z", "2026-11-21T24:00:00Z", "1969-12-31T23:59:59Z",
		"2199-12-31T23:59:59.999999999", "2200-01-01T00:00:00", "2026-11-21", "2026/11/21", "2026-11/21", "10:00:00",
		"10:00:60", "10:00:000", "Nov  1 10:00:00 x", "Nov 01 10:00:00", "Nov 1 10:00:00", "Nov 11 10:00:00",
		"Feb 29 10:00:00", "Feb 30 10:00:00", "Nov  0 10:00:00", "Nov 111 10:00:00", "01/Nov/2026:10:00:00 +0000",
		"1/Nov/2026:10:00:00", "00:11:22:aa:bb:cc", "00:11:22:AA:bb:cc", "00:11:22:AA:BB:CC",
		"MAC=00:11:22:33:44:55:66:77:88:99:aa:bb:08:00 SRC=1.2.3.4", "00:11:22:33:44:55:6", "00:11:22:33:44:5x",
		"2001:db8::1", "::1", "fe80::", "2001:db8::1:", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "abcd::12345", "a::b::c",
		"550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", "550e8400-e29b-41D4-a716-446655440000",
		"12345678-1234-1234-1234-123456789012", "deadbeef01", "DEADBEEF01", "DeadBeef01", "d41d8cd98f00b204e9800998ecf8427e",
		"eth0", "host17", "host01", "ab12cd", "x86_64", "user_1", "a1b2", "abc1234567890123456789", "caf\xc3\xa9 \x80\xff",
		"\x00\x01\x1b[31m", "0x7f8a", "12.045 12.45 12.4", "=\"a\" 'b' [c] {d}", "Jan", "Jan ", "12:", "1234-", "12/",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_round_trip(str_z(lines[i]));
}

/* Pieces of real lines thrown together: what stands beside a token must not change what it gives back. */
static void
thrown_together(void **state)
{
	static const char *const pieces[] = { "2026-11-21", "T", "10:00:00", ".", "Z", " ", "1.2.3.4", ":", "-", "/", "Nov", "  1 ",
		"aa:bb:cc:dd:ee:ff", "deadbeef", "550e8400-e29b-41d4-a716-446655440000", "::", "x", "0", "9", "07", ",", "2001:db8::1",
		"01/Nov/2026:10:00:00", "F", "_", "\xff", "=" };
	uint64_t seed = 1;

	for (int i = 0; i < 200000; i++) {
		struct buf b = BUF_INIT(1u << 16);

		for (uint64_t n = 1 + prng_below(&seed, 8); n > 0; n--)
			buf_add(&b, str_z(pieces[prng_below(&seed, ARRAY_LEN(pieces))]));
		assert_round_trip(buf_str(&b));
		buf_free(&b);
	}
}

static void
too_much_becomes_text(void **state)
{
	struct buf b = BUF_INIT(1u << 16);

	for (int i = 0; i < TOKENS_MAX + 1; i++)
		buf_add(&b, STR("a "));
	assert_round_trip(buf_str(&b));
	assert_int_equal(type_of(buf_cstr(&b), 0), TOKEN_TEXT);
	buf_reset(&b);
	for (int i = 0; i < 256; i++)
		buf_add_byte(&b, '-');
	assert_round_trip(buf_str(&b));
	assert_int_equal(type_of(buf_cstr(&b), 0), TOKEN_TEXT);
	buf_free(&b);
}

static void
random_values_keep_one_template(void **state)
{
	assert_true(same_template("from 10.0.0.1 port 22", "from 192.168.255.254 port 50022"));
	assert_true(same_template("in 0.045 s", "in 0.450 s"));
	assert_true(same_template("id 550e8400-e29b-41d4-a716-446655440000", "id 11111111-2222-3333-4444-aaaaaaaaaaaa"));
	assert_true(same_template("00:11:22:33:44:55", "aa:bb:cc:dd:ee:ff"));
	assert_true(same_template("2026-11-21T10:00:00.000001Z x", "2026-01-02T23:59:59.999999Z x"));
	assert_true(same_template("Nov  1 10:00:00 gw", "Nov 12 10:00:00 gw"));
	assert_true(same_template("at 09:08:07", "at 10:11:12"));
	assert_false(same_template("a b", "a  b"));
}

static void
types_are_seen(void **state)
{
	assert_int_equal(type_of("10.0.0.1", 0), TOKEN_IPV4);
	assert_int_equal(type_of("9.10.0.0.1", 1), TOKEN_INT);
	assert_int_equal(type_of("aa:bb:cc:dd:ee:ff", 0), TOKEN_PAIRS);
	assert_int_equal(type_of("2001:db8::1", 0), TOKEN_TEXT);
	assert_int_equal(type_of("eth0", 0), TOKEN_WORD);
	assert_int_equal(type_of("eth0", 1), TOKEN_INT);
	assert_int_equal(type_of("2026-11-21T10:00:00Z", 0), TOKEN_ISO);
	assert_int_equal(type_of("Nov  1 10:00:00", 0), TOKEN_BSD);
	assert_int_equal(type_of("d41d8cd98f00b204e9800998ecf8427e", 1), TOKEN_HEX);
}

/* Whatever a damaged segment holds, rendering stays in its room. */
static void
any_value_renders(void **state)
{
	uint64_t seed = 7;
	char text[TOKEN_RENDER_MAX];

	for (int i = 0; i < 200000; i++) {
		uint64_t v = prng_next(&seed) >> prng_below(&seed, 64);
		size_t n = token_render((uint8_t)prng_below(&seed, 32), (uint8_t)prng_next(&seed), v, text);

		assert_true(n <= TOKEN_RENDER_MAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back),
		cmocka_unit_test(thrown_together),
		cmocka_unit_test(too_much_becomes_text),
		cmocka_unit_test(random_values_keep_one_template),
		cmocka_unit_test(types_are_seen),
		cmocka_unit_test(any_value_renders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
