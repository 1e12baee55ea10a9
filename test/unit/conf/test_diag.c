/* Tests of how diagnostics are laid out: place, line, caret, hint, order, and foreign bytes. */
#include "conf_test.h"

static struct conf_pos
pos(uint16_t file, uint32_t line, uint32_t col)
{
	return (struct conf_pos){ .file = file, .line = line, .col = col };
}

static const char *
show(struct fixture *f)
{
	buf_reset(&f->out);
	diags_show(f->d, &f->out);
	return buf_cstr(&f->out);
}

static void
test_layout(void **state)
{
	struct fixture f;

	fixture_open(&f);
	uint16_t file = diags_file(f.d, STR("a.conf"), STR("one\n\ttwo\tthree four;\r\n"));
	diag_error(f.d, pos(file, 2, 12), 4, "try five", "bad %s", "word");
	assert_string_equal(show(&f),
	    "a.conf:2:12: error: bad word\n"
	    "    \ttwo\tthree four;\n"
	    "    \t   \t      ^^^^\n"
	    "    try five\n");
	fixture_close(&f);
}

static void
test_caret_under_wide_and_escaped_text(void **state)
{
	struct fixture f;

	fixture_open(&f);
	/* Two wide characters, a two-byte one, an escape byte: columns 2+2+1+4. */
	struct str text = STR("\xe6\xbc\xa2\xe5\xad\x97\xc3\xa9\x1b x\xe6\xbc\xa2;");
	uint16_t file = diags_file(f.d, STR("w"), text);
	diag_error(f.d, pos(file, 1, 11), 4, NULL, "here");
	assert_string_equal(show(&f),
	    "w:1:11: error: here\n"
	    "    \xe6\xbc\xa2\xe5\xad\x97\xc3\xa9\\x1b x\xe6\xbc\xa2;\n"
	    "              ^^^\n");
	fixture_close(&f);
}

static void
test_order_and_levels(void **state)
{
	struct fixture f;

	fixture_open(&f);
	uint16_t a = diags_file(f.d, STR("a"), STR("x y\nz\n")), b = diags_file(f.d, STR("b"),
	    STR("q\n"));
	diag_error(f.d, pos(b, 1, 1), 1, NULL, "fifth");
	diag_warn(f.d, pos(a, 2, 1), 1, NULL, "third");
	diag_error(f.d, pos(a, 2, 1), 1, NULL, "fourth");
	diag_error(f.d, pos(a, 1, 3), 1, NULL, "second");
	diag_warn(f.d, pos(a, 1, 1), 1, NULL, "first");
	assert_int_equal(diags_errors(f.d), 3);
	assert_int_equal(diags_count(f.d), 5);
	assert_string_equal(show(&f),
	    "a:1:1: warning: first\n    x y\n    ^\n"
	    "a:1:3: error: second\n    x y\n      ^\n"
	    "a:2:1: warning: third\n    z\n    ^\n"
	    "a:2:1: error: fourth\n    z\n    ^\n"
	    "b:1:1: error: fifth\n    q\n    ^\n");
	fixture_close(&f);
}

/* A terminal must never be told anything by a foreign text. */
static void
test_foreign_bytes_are_escaped(void **state)
{
	struct fixture f;

	fixture_open(&f);
	uint16_t file = diags_file(f.d, STR("n\x1b[1m"), STR("\x1b]0;x\x07\xff\n"));
	diag_error(f.d, pos(file, 1, 1), 1, "hint \x1b", "message %s", "\x1b[2J\n");
	for (const char *p = show(&f); *p; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
	fixture_close(&f);
}

static void
test_long_line_is_cut_around_the_caret(void **state)
{
	char line[5000], want[400];
	struct fixture f;

	memset(line, '.', sizeof(line));
	line[3000] = 'X';
	fixture_open(&f);
	uint16_t file = diags_file(f.d, STR("l"), str_of(line, sizeof(line)));
	diag_error(f.d, pos(file, 1, 3001), 1, NULL, "m");
	snprintf(want, sizeof(want), "l:1:3001: error: m\n    %.80sX%.79s\n    %80s^\n", line,
	    line, "");
	assert_string_equal(show(&f), want);
	fixture_close(&f);
}

static void
test_span_is_cut_at_the_end_of_the_line(void **state)
{
	struct fixture f;

	fixture_open(&f);
	uint16_t file = diags_file(f.d, STR("s"), STR("ab\ncd\n"));
	diag_error(f.d, pos(file, 1, 2), 100, NULL, "m");
	diag_error(f.d, pos(file, 2, 3), 1, NULL, "past the end");
	diag_error(f.d, pos(file, 9, 1), 1, NULL, "no such line");
	assert_string_equal(show(&f),
	    "s:1:2: error: m\n    ab\n     ^\ns:2:3: error: past the end\n    cd\n      ^\n"
	    "s:9:1: error: no such line\n    \n    ^\n");
	fixture_close(&f);
}

static void
test_too_many_are_counted(void **state)
{
	struct fixture f;

	fixture_open(&f);
	uint16_t file = diags_file(f.d, STR("s"), STR("a\n"));
	for (int i = 0; i < DIAG_MAX + 7; i++)
		diag_error(f.d, pos(file, 1, 1), 1, NULL, "e%d", i);
	assert_int_equal(diags_errors(f.d), DIAG_MAX + 7);
	assert_int_equal(diags_count(f.d), DIAG_MAX);
	assert_null(diags_at(f.d, DIAG_MAX));
	const char *text = show(&f);
	assert_string_equal(text + strlen(text) - strlen("and 7 more\n"), "and 7 more\n");
	fixture_close(&f);
}

static void
test_unknown_file_and_long_message(void **state)
{
	char word[5000];
	struct fixture f;

	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	fixture_open(&f);
	diag_error(f.d, pos(7, 1, 1), 0, NULL, "%s", word);
	assert_int_equal(diags_at(f.d, 0)->span, 1);
	assert_int_equal(diags_at(f.d, 0)->message.n, 1023);
	assert_null(strstr(show(&f), "^"));
	assert_null(diags_file_name(f.d, 7).p);
	fixture_close(&f);
	diags_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_caret_under_wide_and_escaped_text),
		cmocka_unit_test(test_order_and_levels),
		cmocka_unit_test(test_foreign_bytes_are_escaped),
		cmocka_unit_test(test_long_line_is_cut_around_the_caret),
		cmocka_unit_test(test_span_is_cut_at_the_end_of_the_line),
		cmocka_unit_test(test_too_many_are_counted),
		cmocka_unit_test(test_unknown_file_and_long_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
