/*
 * Tests of the block language: words, quotes, blocks, and that every fault is told at the right
 * place.
 */
#include "conf_test.h"

static void
dump(const struct conf_stmt *s, struct buf *out)
{
	for (; s; s = s->next) {
		for (uint32_t i = 0; i < s->nwords; i++) {
			static const char *const marks[] = { "", "\"", "'" };
			const char *mark = marks[s->words[i].quote];
			buf_addf(out, "%s%s", i == 0 ? "" : s->words[i - 1].comma ? "," : " ",
			    mark);
			buf_add_escaped(out, s->words[i].text);
			buf_addf(out, "%s", mark);
		}
		if (s->block)
			buf_add_byte(out, '{');
		dump(s->child, out);
		buf_add_byte(out, s->block ? '}' : ';');
	}
}

static void
check_tree(const char *text, const char *want, const char *want_faults)
{
	struct fixture f;

	fixture_open(&f);
	struct str t = str_z(text);
	struct conf_stmt *s = conf_parse(&f.arena, f.d, diags_file(f.d, STR("t"), t), t);
	dump(s, &f.out);
	assert_string_equal(buf_cstr(&f.out), want);
	assert_string_equal(faults(&f), want_faults);
	fixture_close(&f);
}

static void
test_statements(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "  \n\t# only a comment", "" },
		{ "a;", "a;" },
		{ "a b c;d;", "a b c;d;" },
		{ "a{b;c{d e;}}f;", "a{b;c{d e;}}f;" },
		{ "a x, y ,z;", "a x,y,z;" },
		{ "a x, y z, w;", "a x,y z,w;" },
		{ "a { b; };", "a{b;}" },
		{ "a\r\n b;\r\n", "a b;" },
		{ "\xef\xbb\xbf" "a;", "a;" },
		{ "a # c ; } \"\n b;", "a b;" },
		{ "a -x.y_z/1:2*%@+=!$?~<>&^|[]0;", "a -x.y_z/1:2*%@+=!$?~<>&^|[]0;" },
		{ "cidade S\xc3\xa3o-Paulo;", "cidade S\xc3\xa3o-Paulo;" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_tree(rows[i][0], rows[i][1], "");
}

static void
test_quotes(void **state)
{
	check_tree("a \"\";", "a \"\";", "");
	check_tree("a \"b c\";", "a \"b c\";", "");
	check_tree("a \"\\\"\\\\\";", "a \"\"\\\";", "");
	check_tree("a \"\\x41\\x7a\";", "a \"Az\";", "");
	check_tree("a \"\\n\\r\\t\\x00\\xff\";", "a \"\\x0a\\x0d\\x09\\x00\\xff\";", "");
	check_tree("a 'x\\n{y};#\"`';", "a 'x\\n{y};#\"`';", "");
	check_tree("a `it's`;", "a 'it's';", "");
	check_tree("a \"b\nc\" d;\ne;", "a \"b\\x0ac\" d;e;", "");
	check_tree("a \"x\",'y',`z`{}", "a \"x\",'y','z'{}", "");
	check_tree("a \"x\"# comment\n;", "a \"x\";", "");
}

static void
test_bare_and_quoted_are_told_apart(void **state)
{
	struct fixture f;
	struct str t = STR("a b \"b\" 'b' `b`;");

	fixture_open(&f);
	struct conf_stmt *s = conf_parse(&f.arena, f.d, diags_file(f.d, STR("t"), t), t);
	static const enum conf_quote want[] = { CONF_BARE, CONF_BARE, CONF_QUOTED, CONF_RAW,
	    CONF_RAW };
	static const uint32_t cols[] = { 1, 3, 5, 9, 13 }, spans[] = { 1, 1, 3, 3, 3 };
	assert_int_equal(s->nwords, 5);
	for (uint32_t i = 0; i < s->nwords; i++) {
		assert_int_equal(s->words[i].quote, want[i]);
		assert_int_equal(s->words[i].pos.col, cols[i]);
		assert_int_equal(s->words[i].span, spans[i]);
	}
	fixture_close(&f);
}

static void
test_parents(void **state)
{
	struct fixture f;
	struct str t = STR("a { b { c; } }");

	fixture_open(&f);
	struct conf_stmt *a = conf_parse(&f.arena, f.d, diags_file(f.d, STR("t"), t), t);
	assert_null(a->parent);
	assert_ptr_equal(a->child->parent, a);
	assert_ptr_equal(a->child->child->parent, a->child);
	assert_true(str_eq(conf_arg(a->child->child, 0), STR("c")));
	assert_null(conf_arg(a, 1).p);
	fixture_close(&f);
}

static void
test_faults_of_punctuation(void **state)
{
	check_tree("a", "a;", "1:1-1 a `;` is missing here, before the end of the text");
	check_tree("a {b}", "a{b;}", "1:4-1 a `;` is missing here, before the `}`");
	check_tree("a { b", "a{b;}", "1:5-1 a `;` is missing here, before the end of the text | "
	    "1:3-1 the block `a` that opens here is never closed");
	check_tree("a;}b;", "a;b;", "1:3-1 no block is open here");
	check_tree(";a;;b;", "a;b;",
	    "1:1-1 no statement before this `;` | 1:4-1 no statement before this `;`");
	check_tree("{a;} b;", "b;", "1:1-1 a keyword is expected before `{`");
	check_tree("{a;", "",
	    "1:1-1 a keyword is expected before `{` | 1:1-1 the block that opens here is never closed");
	check_tree("a ,b; c d,,e; f g,; h;", "a,b;h;",
	    "1:11-1 a word is expected before this comma | "
	    "1:17-1 a word is expected after the comma");
	check_tree(",a; b;", "b;", "1:1-1 a word is expected before this comma");
}

static void
test_faults_of_words(void **state)
{
	check_tree("a (x) y; b;", "b;", "1:3-1 `(` is only allowed in quotes");
	check_tree("a b\\c; b;", "b;", "1:4-1 `\\` is only allowed in quotes");
	check_tree("a b\x01; c;", "c;", "1:4-1 a control byte (0x01) in the text");
	check_tree("a b\xff" "c\xff; c;", "c;", "1:4-1 byte 0xff is not UTF-8 here");
	check_tree("a \"b\xff\"; c;", "c;", "1:5-1 byte 0xff is not UTF-8 here");
	check_tree("a 'b\x1b'; c;", "c;", "1:5-1 a control byte (0x1b) in the text");
	check_tree("a b\"c\"; d;", "d;", "1:4-1 `\"` touches the word before it");
	check_tree("a \"b\"c; d;", "d;", "1:6-1 `c` touches the word before it");
	check_tree("a \"b\"'c'; d;", "d;", "1:6-1 `'` touches the word before it");
	check_tree("a b#c\n; d;", "d;", "1:4-1 `#` touches the word before it");
	check_tree("a \"x\\q\\x4\"; d;", "d;",
	    "1:5-2 unknown escape in the text | 1:7-2 unknown escape in the text");
	check_tree("# \xff is a comment\na;", "a;", "");
}

static void
test_unterminated_text_points_at_its_opening(void **state)
{
	check_tree("a b 'c\nd;\n", "", "1:5-1 the text that begins with ' here never ends");
	check_tree("a `c;\nd;\ne;", "e;", "1:3-1 the text that begins with ` here never ends");
	check_tree("a \"c;\nd;\ne;", "e;", "1:3-1 the text that begins with \" here never ends");
	/* The next text's opening quote is not taken for the end of this one. */
	check_tree("a \"c;\nb \"d\";\ne;", "e;",
	    "1:3-1 the text that begins with \" here never ends");
	check_tree("a \"b\\\"", "", "1:3-1 the text that begins with \" here never ends");
	check_tree("a \"b\\", "", "1:3-1 the text that begins with \" here never ends");
}

static void
test_several_faults_are_all_told(void **state)
{
	check_tree("a (;\nb 'x;\nc \"\\z\";\n}\nd;", "d;",
	    "1:3-1 `(` is only allowed in quotes | "
	    "2:3-1 the text that begins with ' here never ends | 3:4-2 unknown escape in the text | 4:1-1 no block is open here");
}

static void
test_nul_byte(void **state)
{
	struct fixture f;
	struct str t = STR("a b\0c; d \"\0\"; e;");

	fixture_open(&f);
	struct conf_stmt *s = conf_parse(&f.arena, f.d, diags_file(f.d, STR("t"), t), t);
	dump(s, &f.out);
	assert_string_equal(buf_cstr(&f.out), "e;");
	assert_string_equal(faults(&f),
	    "1:4-1 a NUL byte in the text | 1:11-1 a NUL byte in the text");
	fixture_close(&f);
}

static void
test_depth(void **state)
{
	char text[4 * CONF_DEPTH_MAX + 16] = "";
	size_t n = 0;

	for (int i = 0; i < CONF_DEPTH_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a{");
	for (int i = 0; i < CONF_DEPTH_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "}");
	struct fixture f;
	fixture_open(&f);
	assert_non_null(conf_parse(&f.arena, f.d, 0, str_of(text, n)));
	assert_int_equal(diags_count(f.d), 0);
	fixture_close(&f);

	n = 0;
	for (int i = 0; i <= CONF_DEPTH_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a{");
	for (int i = 0; i <= CONF_DEPTH_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "}");
	fixture_open(&f);
	assert_non_null(conf_parse(&f.arena, f.d, 0, str_of(text, n)));
	assert_string_equal(faults(&f), "1:34-1 blocks nest deeper than 16");
	fixture_close(&f);
}

static void
test_text_too_long(void **state)
{
	struct fixture f;
	char *text = malloc(CONF_TEXT_MAX + 1);

	assert_non_null(text);
	memset(text, '\n', CONF_TEXT_MAX + 1);
	fixture_open(&f);
	assert_null(conf_parse(&f.arena, f.d, 0, str_of(text, CONF_TEXT_MAX)));
	assert_int_equal(diags_count(f.d), 0);
	assert_null(conf_parse(&f.arena, f.d, 0, str_of(text, CONF_TEXT_MAX + 1)));
	assert_string_equal(faults(&f), "1:1-1 the text is longer than 16 MiB");
	fixture_close(&f);
	free(text);
}

/* Whatever is repeated up to the greatest text, the parser comes to an end and keeps its limits. */
static void
test_megabytes_of_anything(void **state)
{
	static const char *const pieces[] = { "{", "}", "\"", "'\n", "a{", "a,", "\"\\", "(", ";",
	    "a ", "\xff", "\"\n", "#", "\"a" };
	char *text = malloc(CONF_TEXT_MAX);

	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		size_t n = strlen(pieces[i]), size = i % 4 ? CONF_TEXT_MAX / 8 : CONF_TEXT_MAX;
		struct fixture f;
		for (size_t at = 0; at + n <= size; at += n)
			memcpy(text + at, pieces[i], n);
		fixture_open(&f);
		struct str t = str_of(text, size / n * n);
		conf_parse(&f.arena, f.d, diags_file(f.d, STR("t"), t), t);
		assert_true(diags_count(f.d) <= DIAG_MAX);
		assert_true(diags_count(f.d) > 0 || pieces[i][0] == '#');
		diags_show(f.d, &f.out);
		assert_true(buf_ok(&f.out));
		fixture_close(&f);
	}
	free(text);
}

static void
test_random_bytes(void **state)
{
	static const char alphabet[] = "ab \n\t\"'`\\{};,#x4\xc3\xa9\xff()";
	uint64_t seed = 42;

	for (int round = 0; round < 3000; round++) {
		char text[200];
		struct fixture f;
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = alphabet[dice(&seed) % sizeof(alphabet)];
		fixture_open(&f);
		struct str t = str_of(text, dice(&seed) % sizeof(text));
		struct conf_stmt *s = conf_parse(&f.arena, f.d, diags_file(f.d, STR("t"), t), t);
		dump(s, &f.out);
		buf_reset(&f.out);
		diags_show(f.d, &f.out);
		assert_true(buf_ok(&f.out));
		for (size_t i = 0; i < diags_count(f.d); i++) {
			const struct diag *g = diags_at(f.d, i);
			assert_true(g->pos.line >= 1 && g->pos.col >= 1 && g->pos.col <= t.n + 1);
		}
		fixture_close(&f);
	}
}

/* The arena's end is a fault like any other. */
static void
test_no_memory(void **state)
{
	struct fixture f;
	char text[40000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "ab;\n"[i % 4];
	fixture_open(&f);
	f.arena.max = 100000;
	conf_parse(&f.arena, f.d, 0, str_of(text, sizeof(text)));
	assert_int_equal(diags_count(f.d), 1);
	assert_non_null(strstr(faults(&f), "no memory left for this text"));
	f.arena.max = 100;
	assert_null(conf_parse(&f.arena, f.d, 0, str_of(text, sizeof(text))));
	assert_int_equal(diags_count(f.d), 2);
	fixture_close(&f);
}

struct seen {
	char text[256];
};

static void
take(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	struct seen *seen = ctx;
	size_t n = strlen(seen->text);

	snprintf(seen->text + n, sizeof(seen->text) - n, "%.*s ", STR_FMT(s->words[0].text));
}

static const struct conf_row rows[] = {
	{ "one", 1, 1, CONF_NO_BLOCK, false, take, "one word", "one x;" },
	{ "many", 2, UINT16_MAX, CONF_MAY_BLOCK, false, take, "words", "many x y;" },
	{ "block", 0, 0, CONF_MUST_BLOCK, true, take, "a block", "block { }" },
};

static void
check_walk(const char *text, const char *want, const char *want_faults)
{
	struct fixture f;
	struct seen seen = { "" };
	struct str t = str_z(text);

	fixture_open(&f);
	conf_walk(conf_parse(&f.arena, f.d, diags_file(f.d, STR("t"), t), t), rows,
	    ARRAY_LEN(rows), &seen, f.d);
	assert_string_equal(seen.text, want);
	assert_string_equal(faults(&f), want_faults);
	fixture_close(&f);
}

static void
test_walk(void **state)
{
	check_walk("one x; many a b c { z; } block { }", "one many block ", "");
	check_walk("one;", "", "1:1-3 `one` needs 1 word after it, there is none");
	check_walk("many x;", "", "1:6-1 `many` needs at least 2 words after it, it has 1");
	check_walk("one a b;", "", "1:7-1 `one` takes 1 word");
	check_walk("one a { }", "", "1:5-1 `one` takes no block in braces");
	check_walk("block;", "", "1:1-5 `block` needs a block in braces");
	check_walk("block x { }", "", "1:7-1 `block` takes no words");
	check_walk("block { }\nblock { }", "block ", "2:1-5 `block` is already given in line 1");
	check_walk("oen x; on y; zzzzzz;", "",
	    "1:1-3 unknown word `oen` | 1:8-2 unknown word `on` | 1:14-6 unknown word `zzzzzz`");
}

static void
check_hint(const char *text, const char *hint)
{
	struct fixture f;
	struct seen seen = { "" };
	struct str t = str_z(text);

	fixture_open(&f);
	conf_walk(conf_parse(&f.arena, f.d, diags_file(f.d, STR("t"), t), t), rows,
	    ARRAY_LEN(rows), &seen, f.d);
	assert_int_equal(diags_count(f.d), 1);
	assert_true(str_eq(diags_at(f.d, 0)->hint, str_z(hint)));
	fixture_close(&f);
}

static void
test_hints(void **state)
{
	check_hint("blok { }", "did you mean `block`?");
	check_hint("zzzzzz;", "known here: one, many, block");
	check_hint("one;", "example: one x;");
	check_hint("one a\nmany b c;", "is a `;` missing at the end of line 1?");
	check_hint("one a\nblock { }", "is a `;` missing at the end of line 1?");
	check_hint("block {\n one x;\none y;", "is its `}` missing before line 3?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statements),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_bare_and_quoted_are_told_apart),
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_faults_of_punctuation),
		cmocka_unit_test(test_faults_of_words),
		cmocka_unit_test(test_unterminated_text_points_at_its_opening),
		cmocka_unit_test(test_several_faults_are_all_told),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_text_too_long),
		cmocka_unit_test(test_megabytes_of_anything),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
