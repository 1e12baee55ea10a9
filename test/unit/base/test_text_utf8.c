/* UTF-8: every code point is accepted in its shortest form only; widths of the common scripts. */
#include "cmocka_std.h"

#include "base/text.h"

static size_t
encode(uint32_t c, size_t len, char out[4])
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (len == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (size_t i = len - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[len] | c);
	return len;
}

static void
every_code_point(void **state)
{
	for (uint32_t c = 0; c < 0x200000; c++) {
		size_t shortest = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		bool scalar = c < 0x110000 && !(c >= 0xd800 && c < 0xe000);
		char out[4];
		struct str s = str_of(out, encode(c, shortest, out));
		assert_int_equal(utf8_len(s), scalar ? shortest : 0);
		assert_int_equal(utf8_len(str_head(s, s.n - 1)), 0);
		if (shortest < 4) {
			s.n = encode(c, shortest + 1, out);
			assert_int_equal(utf8_len(s), 0);
		}
	}
}

static void
stray_and_broken_bytes(void **state)
{
	for (int c = 0x80; c < 0x100; c++) {
		char one[4] = { (char)c, 'a', 'b', 'c' };
		assert_int_equal(utf8_len(str_of(one, 4)), 0);
	}
	assert_int_equal(utf8_len(STR_NULL), 0);
	assert_int_equal(utf8_len(STR("\xe2\x82(")), 0);
	assert_int_equal(utf8_len(STR("\xf0\x9f\x98(")), 0);
	assert_int_equal(utf8_len(STR("\xf5\x80\x80\x80")), 0);
}

static void
columns(void **state)
{
	assert_int_equal(utf8_columns(STR("")), 0);
	assert_int_equal(utf8_columns(STR("plain")), 5);
	assert_int_equal(utf8_columns(STR("a\xc3\xa7\xc3\xa3o")), 4);
	assert_int_equal(utf8_columns(STR("a\xcc\x81")), 1);
	assert_int_equal(utf8_columns(STR("\xe6\x97\xa5\xe6\x9c\xac")), 4);
	assert_int_equal(utf8_columns(STR("\xed\x95\x9c")), 2);
	assert_int_equal(utf8_columns(STR("\xf0\x9f\x98\x80")), 2);
	assert_int_equal(utf8_columns(STR("\xef\xbc\xa1")), 2);
	assert_int_equal(utf8_columns(STR("e\xe2\x80\x8b"
					  "f")),
	    2);
	assert_int_equal(utf8_columns(STR("\xff\xfe")), 2);
	assert_int_equal(utf8_columns(STR("\xd0\x9c\xce\xa9")), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point),
		cmocka_unit_test(stray_and_broken_bytes),
		cmocka_unit_test(columns),
	};
	return cmocka_run_group_tests_name("base-text-utf8", tests, NULL, NULL);
}
