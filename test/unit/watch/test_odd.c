/* The odd-byte detector: attacks in every spelling, and all the rulers and blobs that honest programs write. */
#include "engine_help.h"

#include "watch/odd.h"

static void
repeat(struct buf *b, const char *unit, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_add(b, str_z(unit));
}

static enum odd_what
look(const char *before, const char *unit, size_t times, const char *after)
{
	struct buf b = BUF_INIT(1u << 20);
	enum odd_what what;

	repeat(&b, before, 1);
	repeat(&b, unit, times);
	repeat(&b, after, 1);
	what = odd_look(buf_str(&b)).what;
	buf_free(&b);
	return what;
}

static void
overflows_in_any_spelling(void **state)
{
	static const char *const units[] = {
		"^P", "^?", "\\220", "<F7>", "<90>", "#220", "%90", "\\x90", "\\u0090", "\x90", "\x7f", "\x01\x02", "^P^B",
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t enough = 40 / strlen(units[i]) + 1;

		if (look("NFS mount of ", units[i], enough, " [truncated") != ODD_RUN)
			fail_msg("%s is not seen", units[i]);
		/* Wherever it stands. */
		for (size_t pad = 0; pad < 14; pad++)
			assert_int_equal(look(&"abcdefghijklmn"[pad], units[i], enough, "z"), ODD_RUN);
		assert_int_not_equal(look("a text that is long enough ", units[i], 26 / strlen(units[i]), " y"), ODD_RUN);
	}
	assert_int_equal(look("GET /default.ida?", "N", 224, "%u9090"), ODD_LETTERS);
	assert_int_equal(look("user ", "A", 200, " x"), ODD_LETTERS);
}

static void
honest_lines_are_not_odd(void **state)
{
	static const char *const units[] = {
		"-", "=", "*", " ", "_", "#", ".", "0", "\\000", "^@", "%20", "\\x00", "\t", "ab", "+-", "Zm9v", "deadbeef",
		"\xc3\xa9", "\xe2\x94\x80", "%C3%A9", "1234567890ab",
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (look("some text ", units[i], 100, " more text that is plain") != ODD_NOTHING)
			fail_msg("'%s' is taken for an attack", units[i]);
	assert_int_equal(look("user ", "A", 150, " x"), ODD_NOTHING);
	assert_int_equal(look("", "", 0, ""), ODD_NOTHING);
}

static void
junk_is_not_another_encoding(void **state)
{
	assert_int_equal(look("", "\x16\x03\x01\xc0 a", 6, ""), ODD_JUNK);
	assert_int_equal(look("", "\xd0\xcf\xe9\xe4 \xe2\xf5\xe8", 5, ""), ODD_NOTHING);   /* letters of KOI8-R */
	assert_int_equal(look("", "\xe5\xaf\x86\xe7\xa0\x81 ", 8, ""), ODD_NOTHING);       /* UTF-8 */
	assert_int_equal(look("\x1b[1;31m", "warning ", 4, "\x1b[0m"), ODD_NOTHING);
}

static void
records_are_judged_unless_known(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct buf b = BUF_INIT(8192);

	engine_open(e, "decoder a { program p; line info 'a <*>'; line exploit.site_exec 'b <*>'; line info 'c <*>' { set odd ok; }"
	    " line auth.fail 'user <user>'; }");
	repeat(&b, "a ", 1);
	repeat(&b, "^P", 60);
	engine_decode(e, "p", buf_str(&b));
	assert_string_equal(engine_kind(e), "exploit.overflow");
	assert_string_equal(engine_field(e, "reason"), "120 bytes of nothing but ^P");
	assert_true(e->r.hostile);
	b.p[0] = 'b';
	engine_decode(e, "p", buf_str(&b));
	assert_string_equal(engine_kind(e), "exploit.site_exec");
	b.p[0] = 'c';
	engine_decode(e, "p", buf_str(&b));
	assert_string_equal(engine_kind(e), "info");
	b.p[0] = 'z';
	engine_decode(e, "p", buf_str(&b));
	assert_string_equal(engine_kind(e), "exploit.overflow");
	buf_reset(&b);
	repeat(&b, "user ", 1);
	repeat(&b, "abcdefghijklm", 90);
	engine_decode(e, "p", buf_str(&b));
	assert_string_equal(engine_kind(e), "exploit.overflow");
	buf_free(&b);
	engine_close(e);
	free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overflows_in_any_spelling),
		cmocka_unit_test(honest_lines_are_not_odd),
		cmocka_unit_test(junk_is_not_another_encoding),
		cmocka_unit_test(records_are_judged_unless_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
