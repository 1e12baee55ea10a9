/* Framing: the same lines come out however the stream is cut into pieces; nothing is read past its end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "role/frame.h"

/* Feeds the text in pieces of n bytes as a stream does; the lines joined by '|', then '!' when it could not go on. */
static char *
lines_of(struct framer f, struct str text, size_t n, bool end)
{
	struct buf left = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
	struct str line;
	int r = 0;

	while (text.n && r == 0) {
		buf_add(&left, str_head(text, n));
		text = str_from(text, n);
		/* In memory of its own, so that a read past the end is seen. */
		char *copy = malloc(left.n);
		memcpy(copy, left.p, left.n);
		struct str rest = str_of(copy, left.n);
		while ((r = frame_next(&f, &rest, &line)) == 1) {
			buf_add(&out, line);
			buf_add_byte(&out, '|');
		}
		buf_reset(&left);
		buf_add(&left, rest);
		free(copy);
	}
	if (r < 0)
		buf_add_byte(&out, '!');
	else if (end && frame_last(&f, buf_str(&left), &line)) {
		buf_add(&out, line);
		buf_add_byte(&out, '$');
	}
	char *all = strdup(buf_cstr(&out));
	buf_free(&left);
	buf_free(&out);
	return all;
}

static void
expect(enum frame_mode mode, size_t max, struct str text, const char *want)
{
	for (size_t n = 1; n <= text.n; n++) {
		char *got = lines_of((struct framer){ .mode = mode, .max = max }, text, n, true);
		assert_string_equal(got, want);
		free(got);
	}
}

static void
test_lines(void **state)
{
	(void)state;
	expect(FRAME_LINE, 100, STR("one\ntwo\r\n\n\nthree\nlast"), "one|two|three|last$");
	expect(FRAME_LINE, 100, STR("5 <1>a\n"), "5 <1>a|");
	expect(FRAME_LINE, 100, STR("\n\n"), "");
}

static void
test_octets(void **state)
{
	(void)state;
	expect(FRAME_OCTET, 100, STR("5 <1>ab6 <2>c\nd"), "<1>ab|<2>c\nd|");
	expect(FRAME_OCTET, 100, STR("6 <1>ab\n"), "<1>ab|");
	expect(FRAME_OCTET, 100, STR("x<1>"), "!");
	expect(FRAME_OCTET, 100, STR("05 <1>ab"), "!");
	expect(FRAME_OCTET, 100, STR("123456789 <1>"), "!");
}

static void
test_auto(void **state)
{
	(void)state;
	expect(FRAME_AUTO, 100, STR("<1>line\n7 <2>octe<3>line\n"), "<1>line|<2>octe|<3>line|");
	/* A line that begins with a number is still a line. */
	expect(FRAME_AUTO, 100, STR("2026-11-21 started\n10 things\n192.0.2.1 - -\n"),
	    "2026-11-21 started|10 things|192.0.2.1 - -|");
	expect(FRAME_AUTO, 100, STR("0 <1>x\n"), "0 <1>x|");
}

static void
test_long_ones_are_cut(void **state)
{
	(void)state;
	expect(FRAME_LINE, 4, STR("abcdefgh\nxy\nabcd\n"), "abcd|xy|abcd|");
	expect(FRAME_OCTET, 4, STR("8 abcdefgh2 xy"), "abcd|xy|");
	expect(FRAME_AUTO, 4, STR("9 <1>abcdef3 <2>"), "<1>a|<2>|");

	struct framer f = { .mode = FRAME_LINE, .max = 4 };
	struct str rest = STR("abcdefgh\nxy\n"), line;
	assert_int_equal(frame_next(&f, &rest, &line), 1);
	assert_int_equal(f.cut, 1);
	assert_int_equal(frame_next(&f, &rest, &line), 1);
	assert_int_equal(f.cut, 1);
}

static void
test_cut_at_the_end_is_not_told_twice(void **state)
{
	(void)state;
	expect(FRAME_LINE, 4, STR("abcdefgh"), "abcd|");
}

static void
test_journal(void **state)
{
	(void)state;
	expect(FRAME_JOURNAL, 1000, STR("__CURSOR=1\nMESSAGE=hello\n\n__CURSOR=2\nMESSAGE=x\n\n"),
	    "__CURSOR=1\nMESSAGE=hello\n|__CURSOR=2\nMESSAGE=x\n|");
	/* A binary field may hold an empty line of its own. */
	struct str binary = STR("A=1\nMESSAGE\n\x04\0\0\0\0\0\0\0a\n\nb\nB=2\n\n");
	struct framer f = { .mode = FRAME_JOURNAL, .max = 1000 };
	struct str rest = binary, line;
	assert_int_equal(frame_next(&f, &rest, &line), 1);
	assert_int_equal(line.n, binary.n - 1);
	assert_int_equal(rest.n, 0);
	for (size_t n = 0; n < binary.n; n++) {
		struct str part = str_head(binary, n);
		assert_int_equal(frame_next(&f, &part, &line), 0);
	}
	/* A size that cannot be is no reason to wait for ever, once more came than allowed. */
	f.max = 10;
	rest = STR("MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff" "0123456789");
	assert_int_equal(frame_next(&f, &rest, &line), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_auto),
		cmocka_unit_test(test_long_ones_are_cut),
		cmocka_unit_test(test_cut_at_the_end_is_not_told_twice),
		cmocka_unit_test(test_journal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
