/*
 * Buffers: growth to the stated maximum, the sticky error, and texts made safe for terminals and
 * JSON.
 */
#include "cmocka_std.h"

#include "base/buf.h"
#include "base/text.h"
#include "prng.h"

static void
assert_buf(struct buf *b, const char *want)
{
	assert_true(buf_ok(b));
	assert_int_equal(b->n, strlen(want));
	assert_string_equal(buf_cstr(b), want);
}

static void
grows_and_formats(void **state)
{
	struct buf b = BUF_INIT(1000);

	assert_string_equal(buf_cstr(&b), "");
	buf_add(&b, STR("abc"));
	buf_add_byte(&b, '-');
	buf_addf(&b, "%d %s", 42, "x");
	buf_add(&b, STR_NULL);
	assert_buf(&b, "abc-42 x");
	for (int i = 0; i < 99; i++)
		buf_addf(&b, "%010d", i);
	assert_int_equal(b.n, 8 + 990);
	assert_true(buf_ok(&b));
	assert_true(str_ends(buf_str(&b), STR("0000000098")));
	buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 1000);
}

static void
numbers_without_a_format(void **state)
{
	static const struct { uint64_t v; const char *text; } cases[] = {
		{ 0, "0" }, { 9, "9" }, { 10, "10" }, { 65535, "65535" }, { UINT64_MAX, "18446744073709551615" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = BUF_INIT(20);

		buf_add_u64(&b, cases[i].v);
		assert_buf(&b, cases[i].text);
		buf_free(&b);
	}
}

/* A text that just fits what is there, one that does not, and one that never will. */
static void
formats_into_what_is_there_and_beyond(void **state)
{
	struct buf b = BUF_INIT(300);

	for (int n = 0; n < 300; n++)
		buf_addf(&b, "%c", 'a' + n % 26);
	assert_int_equal(b.n, 300);
	assert_true(buf_ok(&b));
	buf_reset(&b);
	buf_addf(&b, "%*d", 299, 7);
	assert_true(buf_ok(&b));
	buf_addf(&b, "%d", 42);
	assert_false(buf_ok(&b));
	assert_int_equal(b.n, 299);
	assert_int_equal(b.p[298], '7');
	buf_free(&b);
}

static void
maximum_is_exact(void **state)
{
	struct buf b = BUF_INIT(5);

	buf_add(&b, STR("12345"));
	assert_buf(&b, "12345");
	buf_add_byte(&b, '6');
	assert_false(buf_ok(&b));
	assert_string_equal(buf_cstr(&b), "");
	buf_free(&b);
}

static void
error_is_sticky_until_reset(void **state)
{
	struct buf b = BUF_INIT(4);

	buf_add(&b, STR("abc"));
	buf_add(&b, STR("de"));
	assert_false(buf_ok(&b));
	buf_add_byte(&b, 'x');
	buf_addf(&b, "%d", 1);
	buf_add_json(&b, STR("y"));
	buf_add_escaped(&b, STR("z"));
	assert_int_equal(b.n, 3);
	assert_false(buf_reserve(&b, 0));
	buf_reset(&b);
	buf_addf(&b, "%s", "wxyz");
	assert_buf(&b, "wxyz");
	buf_addf(&b, "%s", "!");
	assert_false(buf_ok(&b));
	assert_int_equal(b.n, 4);
	buf_free(&b);
}

static void
reserve_refuses_impossible_sizes(void **state)
{
	struct buf b = BUF_INIT(SIZE_MAX);

	buf_add(&b, STR("a"));
	assert_false(buf_reserve(&b, SIZE_MAX));
	assert_false(buf_ok(&b));
	buf_free(&b);
	b = (struct buf){ 0 };
	buf_add_byte(&b, 'a');
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void
terminal_never_sees_a_control_byte(void **state)
{
	struct buf b = BUF_INIT(1000);

	buf_add_escaped(&b, STR("ok\x1b[31m\x07\x7f\n\t\r\0z"));
	assert_buf(&b, "ok\\x1b[31m\\x07\\x7f\\x0a\\x09\\x0d\\x00z");
	buf_reset(&b);
	buf_add_escaped(&b, STR("a\xc3\xa7\xc3\xa3o \xe6\x97\xa5 \xf0\x9f\x98\x80"));
	assert_buf(&b, "a\xc3\xa7\xc3\xa3o \xe6\x97\xa5 \xf0\x9f\x98\x80");
	buf_reset(&b);
	buf_add_escaped(&b, STR("\xff\xc3(\xc0\x80\xed\xa0\x80"));
	assert_buf(&b, "\\xff\\xc3(\\xc0\\x80\\xed\\xa0\\x80");
	buf_free(&b);
}

static void
terminal_never_sees_c1_or_turned_text(void **state)
{
	struct buf b = BUF_INIT(1000);

	buf_add_escaped(&b,
	    STR("\xc2\x9b"
		"31m \xc2\xa0"));
	assert_buf(&b, "\\xc2\\x9b31m \xc2\xa0");
	buf_reset(&b);
	buf_add_escaped(&b, STR("x\xe2\x80\xaey\xe2\x81\xa6z\xe2\x80\x93"));
	assert_buf(&b, "x\\xe2\\x80\\xaey\\xe2\\x81\\xa6z\xe2\x80\x93");
	buf_free(&b);
}

static void
json_escapes(void **state)
{
	struct buf b = BUF_INIT(1000);

	buf_add_json(&b, STR("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f"));
	assert_buf(&b, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"");
	buf_reset(&b);
	buf_add_json(&b, STR("\0"));
	assert_buf(&b, "\"\\u0000\"");
	buf_reset(&b);
	buf_add_json(&b,
	    STR("\xc3\xa9\xff"
		"a\xc3"));
	assert_buf(&b,
	    "\"\xc3\xa9\xef\xbf\xbd"
	    "a\xef\xbf\xbd\"");
	buf_reset(&b);
	buf_add_json(&b, STR_NULL);
	assert_buf(&b, "\"\"");
	buf_free(&b);
}

/* Whatever bytes go in, what comes out is valid UTF-8 without control bytes. */
static void
hostile_bytes_come_out_tame(void **state)
{
	struct buf safe = BUF_INIT(4096), json = BUF_INIT(4096);
	uint64_t seed = 7;

	for (int round = 0; round < 5000; round++) {
		char bytes[64];
		struct str s = str_of(bytes, prng_below(&seed, sizeof(bytes) + 1));
		for (size_t i = 0; i < s.n; i++)
			bytes[i] = (char)(round % 2 ? prng_next(&seed)
						    : 0x80 + prng_below(&seed, 0x80));
		buf_reset(&safe);
		buf_reset(&json);
		buf_add_escaped(&safe, s);
		buf_add_json(&json, s);
		assert_true(buf_ok(&safe) && buf_ok(&json));
		for (struct str out = buf_str(&safe); out.n; out = str_from(out, utf8_len(out))) {
			assert_int_not_equal(utf8_len(out), 0);
			assert_true((uint8_t)out.p[0] >= 0x20 && out.p[0] != 0x7f);
		}
		for (struct str out = buf_str(&json); out.n; out = str_from(out, utf8_len(out))) {
			assert_int_not_equal(utf8_len(out), 0);
			assert_true((uint8_t)out.p[0] >= 0x20);
		}
	}
	buf_free(&safe);
	buf_free(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_formats),
		cmocka_unit_test(numbers_without_a_format),
		cmocka_unit_test(formats_into_what_is_there_and_beyond),
		cmocka_unit_test(maximum_is_exact),
		cmocka_unit_test(error_is_sticky_until_reset),
		cmocka_unit_test(reserve_refuses_impossible_sizes),
		cmocka_unit_test(terminal_never_sees_a_control_byte),
		cmocka_unit_test(terminal_never_sees_c1_or_turned_text),
		cmocka_unit_test(json_escapes),
		cmocka_unit_test(hostile_bytes_come_out_tame),
	};
	return cmocka_run_group_tests_name("base-buf", tests, NULL, NULL);
}
