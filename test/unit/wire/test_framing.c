/*
 * Streams into frames: every way of cutting a stream into chunks gives the same frames; cuts and
 * losses are counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/framing.h"
#include "wire/journal.h"

static void
write_down(void *ctx, struct str frame, bool cut)
{
	struct buf *out = ctx;
	buf_addf(out, "[%.*s%s]", STR_FMT(frame), cut ? "~" : "");
}

static void
run(struct framing *f, struct str stream, size_t step, struct buf *out)
{
	while (stream.n) {
		assert_int_equal(framing_feed(f, str_head(stream, step), write_down, out), 0);
		stream = str_from(stream, step);
	}
	framing_finish(f, write_down, out);
}

static const struct row {
	enum framing_mode mode;
	size_t max;
	struct str stream;
	const char *frames;
	uint64_t cut, broken;
} rows[] = {
	{ FRAMING_AUTO, 64, { "5 <1>ab3 <2>4 <3>\n", 18 }, "[<1>ab][<2>][<3>\n]", 0, 0 },
	{ FRAMING_AUTO, 64, { "<1>one\n<2>two\r\n\n<3>three", 25 }, "[<1>one][<2>two][<3>three]", 0, 0 },
	{ FRAMING_AUTO, 64, { "12: x\n5 <1>ab\n", 14 }, "[12: x][5 <1>ab]", 0, 0 },
	{ FRAMING_AUTO, 64, { "text\n", 5 }, "[text]", 0, 0 },
	{ FRAMING_AUTO, 64, { "123", 3 }, "[123]", 0, 0 },
	{ FRAMING_AUTO, 8, { "12 <1>456789abc3 <2>", 20 }, "[<1>45678~][<2>]", 1, 0 },
	{ FRAMING_AUTO, 100, { "2026-11-21 started\n10 things\n192.0.2.1 - -\n", 43 },
	    "[2026-11-21 started][10 things][192.0.2.1 - -]", 0, 0 },
	{ FRAMING_AUTO, 64, { "0 <1>x\n5 <1>ab\n", 15 }, "[0 <1>x][5 <1>ab]", 0, 0 },
	{ FRAMING_LF, 4, { "abcdefgh\nxy\nabcd\n", 17 }, "[abcd~][xy][abcd]", 1, 0 },
	{ FRAMING_LF, 4, { "abcdefgh", 8 }, "[abcd~]", 1, 0 },
	{ FRAMING_LF, 64, { "5 <1>a\n\n\nlast", 13 }, "[5 <1>a][last]", 0, 0 },
	{ FRAMING_OCTET, 4, { "8 abcdefgh2 xy", 14 }, "[abcd~][xy]", 1, 0 },
	{ FRAMING_NUL, 64, { "a\nb\0c\0d", 7 }, "[a\nb][c][d]", 0, 0 },
	{ FRAMING_OCTET, 64, { "3 <1>junk\n3 <2>", 15 }, "[<1>][junk][<2>]", 0, 1 },
	{ FRAMING_OCTET, 64, { "10 <1>", 6 }, "[<1>~]", 1, 0 },
	{ FRAMING_OCTET, 64, { "9999999999 x\n2 ab", 17 }, "[9999999999 x][ab]", 0, 1 },
	{ FRAMING_JOURNAL, 64, { "A=1\nB=2\n\nC=3\n\n\n", 15 }, "[A=1\nB=2\n][C=3\n]", 0, 0 },
	{ FRAMING_JOURNAL, 64, { "M\n\3\0\0\0\0\0\0\0x\ny\nB=1\n\nC=1\n\n", 24 }, "[M\n\3]", 0, 0 },
};

static void
test_all_splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		bool binary = memchr(r->stream.p, 3, r->stream.n);
		for (size_t step = 1; step <= r->stream.n; step++) {
			struct framing f;
			struct buf out = BUF_INIT(4096);
			framing_init(&f, r->mode, r->max);
			run(&f, r->stream, step, &out);
			if (binary)
				assert_int_equal(f.frames, 2);
			else if (strcmp(buf_cstr(&out), r->frames) != 0)
				fail_msg("row %zu step %zu gave %s", i, step, buf_cstr(&out));
			assert_int_equal(f.cut, r->cut);
			assert_int_equal(f.broken, r->broken);
			framing_free(&f);
			buf_free(&out);
		}
	}
}

/*
 * NUL framing is recognised where the first chunk shows the next message behind the first NUL, and
 * only there.
 */
static void
test_nul_detection(void **state)
{
	struct framing f;
	struct buf out = BUF_INIT(4096);
	(void)state;
	framing_init(&f, FRAMING_AUTO, 64);
	run(&f, str_of("<1>ab\0<2>c\nd\0", 13), 64, &out);
	assert_string_equal(buf_cstr(&out), "[<1>ab][<2>c\nd]");
	buf_reset(&out);
	framing_free(&f);
	framing_init(&f, FRAMING_AUTO, 64);
	run(&f, str_of("<1>a\0b\n<2>\n", 11), 64, &out);
	assert_int_equal(f.frames, 2);
	assert_int_equal(f.mode, FRAMING_LF);
	framing_free(&f);
	buf_free(&out);
}

/* Memory stays bounded whatever is claimed. */
static void
test_bounded(void **state)
{
	static const enum framing_mode modes[] = { FRAMING_AUTO, FRAMING_OCTET, FRAMING_LF,
		FRAMING_NUL, FRAMING_JOURNAL };
	char noise[4096];
	uint64_t seed = 11;
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct framing f;
		struct buf out = BUF_INIT(64u << 20);
		framing_init(&f, modes[m], 100);
		for (int round = 0; round < 200; round++) {
			for (size_t i = 0; i < sizeof(noise); i++) {
				seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
				noise[i] = "0123456789 <>\n\n=abc\0"[(seed >> 40) % 20];
			}
			assert_int_equal(
			    framing_feed(&f, str_of(noise, sizeof(noise)), write_down, &out), 0);
			assert_true(f.buf.size <= 512);
		}
		framing_finish(&f, write_down, &out);
		assert_true(f.frames > 0);
		framing_free(&f);
		buf_free(&out);
	}
}

static void
test_journal_fields(void **state)
{
	struct str rest = str_of("A=1\nMESSAGE\n\5\0\0\0\0\0\0\0x\ny=zB=\n\nC=3\n", 36), key, value;
	(void)state;
	assert_true(journal_next(&rest, &key, &value));
	assert_true(str_eq(key, STR("A")) && str_eq(value, STR("1")));
	/* The byte behind the value must be a line feed. */
	assert_false(journal_next(&rest, &key, &value));
	rest = str_of("MESSAGE\n\5\0\0\0\0\0\0\0x\ny=z\nB=\n\nC=3\n", 33);
	assert_true(journal_next(&rest, &key, &value));
	assert_true(str_eq(key, STR("MESSAGE")) && str_eq(value, STR("x\ny=z")));
	assert_true(journal_next(&rest, &key, &value));
	assert_true(str_eq(key, STR("B")) && value.n == 0);
	assert_false(journal_next(&rest, &key, &value));
	assert_int_equal(*rest.p, '\n');
	rest = str_of("M\n\xff\xff\xff\xff\xff\xff\xff\xffx", 11);
	assert_false(journal_next(&rest, &key, &value));
	rest = STR("NOVALUE");
	assert_false(journal_next(&rest, &key, &value));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_splits), cmocka_unit_test(test_nul_detection), cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_journal_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
