/* UTF-16: every character in both orders, however it is cut; and what is no text. */
#include "cmocka_std.h"

#include "base/text.h"
#include "base/utf16.h"
#include "prng.h"

#define BOTH { UTF16_LE, UTF16_BE }

static size_t
put_unit(enum utf16 order, uint32_t u, char *dst)
{
	dst[order == UTF16_LE ? 0 : 1] = (char)(u & 0xff);
	dst[order == UTF16_LE ? 1 : 0] = (char)(u >> 8);
	return 2;
}

static size_t
put_char(enum utf16 order, uint32_t c, char *dst)
{
	if (c < 0x10000)
		return put_unit(order, c, dst);
	c -= 0x10000;
	put_unit(order, 0xd800 | c >> 10, dst);
	return 2 + put_unit(order, 0xdc00 | (c & 0x3ff), dst + 2);
}

/* Latin text in this order. */
static struct str
widen(enum utf16 order, bool mark, const char *text, char *dst)
{
	size_t n = mark ? put_unit(order, 0xfeff, dst) : 0;

	for (; *text; text++)
		n += put_unit(order, (unsigned char)*text, dst + n);
	return str_of(dst, n);
}

static void
every_character(void **state)
{
	static const enum utf16 both[] = BOTH;

	for (size_t o = 0; o < ARRAY_LEN(both); o++)
		for (uint32_t c = 1; c < 0x110000; c++) {
			char in[4], out[8];
			size_t taken;
			if ((c >= 0xd800 && c < 0xe000) || c == 0xfeff)
				continue;
			struct str s = str_of(in, put_char(both[o], c, in));
			size_t n = utf16_to_utf8(both[o], s, false, out, sizeof(out), &taken);
			assert_int_equal(taken, s.n);
			assert_int_equal(utf8_len(str_of(out, n)), n);
			/* A beginning waits for its end, or is broken when there is none. */
			assert_int_equal(utf16_to_utf8(both[o], str_head(s, s.n - 1), false, out, sizeof(out), &taken), 0);
			n = utf16_to_utf8(both[o], str_head(s, s.n - 1), true, out, sizeof(out), &taken);
			assert_true(n >= 3 && memcmp(out, "\xef\xbf\xbd", 3) == 0);
			assert_int_equal(taken, s.n - 1);
		}
}

static void
halves_that_do_not_belong_together(void **state)
{
	static const uint32_t units[][3] = { { 0xd800, 'x' }, { 0xdc00, 'x' }, { 0xd800, 0xd800, 'x' } };

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		char in[8], out[16];
		size_t n = 0, taken;
		for (size_t k = 0; k < 3 && units[i][k]; k++)
			n += put_unit(UTF16_BE, units[i][k], in + n);
		size_t len = utf16_to_utf8(UTF16_BE, str_of(in, n), true, out, sizeof(out), &taken);
		assert_int_equal(taken, n);
		assert_memory_equal(out, "\xef\xbf\xbd", 3);
		assert_int_equal(out[len - 1], 'x');
	}
}

static void
found_by_mark_or_by_zeros(void **state)
{
	static const enum utf16 both[] = BOTH;
	char a[256];

	for (size_t o = 0; o < ARRAY_LEN(both); o++) {
		assert_int_equal(utf16_find(widen(both[o], true, "x", a)), both[o]);
		assert_int_equal(utf16_find(widen(both[o], false, "Nov 20 10:00:00 srv a: b\r\n", a)), both[o]);
		/* Seven characters without a mark may be anything. */
		assert_int_equal(utf16_find(widen(both[o], false, "Nov 20 ", a)), UTF16_NOT);
	}
	assert_int_equal(utf16_find(STR("Nov 20 10:00:00 srv a: plain text")), UTF16_NOT);
	assert_int_equal(utf16_find(STR("\xff")), UTF16_NOT);
	assert_int_equal(utf16_find(STR_NULL), UTF16_NOT);
	/* utmp: short names in wide fields of zeros. */
	assert_int_equal(utf16_find(STR("\7\0\0\0\x12\3\0\0pts/0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")), UTF16_NOT);
}

static void
lines(void **state)
{
	static const enum utf16 both[] = BOTH;

	for (size_t o = 0; o < ARRAY_LEN(both); o++) {
		char a[64], b[8];
		struct str s = widen(both[o], false, "ab\ncd\nef", a);
		assert_int_equal(utf16_find_lf(both[o], s), 4);
		assert_int_equal(utf16_whole_lines(both[o], s), 12);
		/* U+0A0D and U+0D0A hold the byte of LF in either half, and are letters. */
		put_unit(both[o], 0x0a0d, b);
		put_unit(both[o], 0x0d0a, b + 2);
		assert_int_equal(utf16_find_lf(both[o], str_of(b, 4)), 4);
		assert_int_equal(utf16_whole_lines(both[o], str_of(b, 4)), 0);
	}
}

/* Whatever comes, in pieces of whatever size: UTF-8, and the same as in one piece. */
static void
any_bytes_in_any_pieces(void **state)
{
	uint64_t seed = 1;

	for (int round = 0; round < 3000; round++) {
		char in[64], whole[128], parts[128];
		size_t taken, n = prng_below(&seed, sizeof(in)), got = 0;
		for (size_t i = 0; i < n; i++)
			in[i] = (char)(prng_below(&seed, 3) ? prng_next(&seed) : 0xd8 + prng_below(&seed, 8));
		if (n > 1)
			in[0] = in[1] = 'a';      /* a mark is only one at the beginning */
		struct str s = str_of(in, n);
		size_t len = utf16_to_utf8(UTF16_LE, s, true, whole, sizeof(whole), &taken);
		assert_int_equal(taken, n);
		for (struct str u = str_of(whole, len); u.n; u = str_from(u, utf8_len(u)))
			assert_true(utf8_len(u) > 0);
		while (s.n) {
			size_t room = 4 + prng_below(&seed, 8);
			if (s.n >= 2 && memcmp(s.p, "\xff\xfe", 2) == 0)
				break;            /* cut before a mark inside: another text */
			got += utf16_to_utf8(UTF16_LE, s, true, parts + got, room, &taken);
			assert_true(taken > 0);
			s = str_from(s, taken);
		}
		if (s.n == 0) {
			assert_int_equal(got, len);
			assert_memory_equal(whole, parts, len);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character),
		cmocka_unit_test(halves_that_do_not_belong_together),
		cmocka_unit_test(found_by_mark_or_by_zeros),
		cmocka_unit_test(lines),
		cmocka_unit_test(any_bytes_in_any_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
