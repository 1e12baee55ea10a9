/* Slices: comparing, searching, cutting; every answer is checked against a plain and slow one. */
#include "cmocka_std.h"

#include "base/str.h"
#include "prng.h"

static void
assert_str(struct str got, const char *want)
{
	assert_int_equal(got.n, strlen(want));
	assert_memory_equal(got.p, want, got.n);
}

static void
equality_minds_length_and_case(void **state)
{
	assert_true(str_eq(STR("abc"), STR("abc")));
	assert_false(str_eq(STR("abc"), STR("abC")));
	assert_false(str_eq(STR("abc"), STR("ab")));
	assert_true(str_eq(STR_NULL, STR("")));
	assert_true(str_eq_nocase(STR("AbC[z"), STR("aBc[Z")));
	assert_false(str_eq_nocase(STR("["), STR("{")));
	assert_false(str_eq_nocase(STR("@"), STR("`")));
	assert_false(str_eq_nocase(STR("\xc3\x89"), STR("\xc3\xa9")));
	assert_false(str_eq_nocase(STR("ab"), STR("abc")));
	assert_true(str_eq(STR("a\0b"), str_of("a\0b", 3)));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
}

static void
lower_case_touches_letters_only(void **state)
{
	for (int c = 0; c < 256; c++) {
		char want = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		assert_int_equal(ascii_lower((char)c), want);
	}
}

static void
prefix_and_suffix(void **state)
{
	assert_true(str_starts(STR("sshd[1]"), STR("sshd")));
	assert_true(str_starts(STR("x"), STR("")));
	assert_true(str_starts(STR_NULL, STR_NULL));
	assert_false(str_starts(STR("ss"), STR("sshd")));
	assert_true(str_ends(STR("a.log"), STR(".log")));
	assert_false(str_ends(STR("log"), STR(".log")));
	assert_true(str_starts_nocase(STR("GET /"), STR("get ")));
	assert_false(str_starts_nocase(STR("GE"), STR("get")));
}

static void
parts_never_leave_the_slice(void **state)
{
	struct str s = STR("abc");

	assert_str(str_from(s, 1), "bc");
	assert_str(str_from(s, 3), "");
	assert_ptr_equal(str_from(s, 99).p, s.p + 3);
	assert_int_equal(str_from(STR_NULL, 5).n, 0);
	assert_str(str_head(s, 2), "ab");
	assert_str(str_head(s, 9), "abc");
	assert_int_equal(str_z(NULL).n, 0);
	assert_str(str_z("zz"), "zz");
}

static int
sign(int v)
{
	return (v > 0) - (v < 0);
}

static void
order_is_of_bytes_then_length(void **state)
{
	assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
	assert_int_equal(sign(str_cmp(STR("a"), STR("b"))), -1);
	assert_int_equal(sign(str_cmp(STR("ab"), STR("a"))), 1);
	assert_int_equal(sign(str_cmp(STR("\xff"), STR("a"))), 1);
	assert_int_equal(sign(str_cmp(STR_NULL, STR("a"))), -1);
	assert_int_equal(str_cmp(STR_NULL, STR("")), 0);
}

static void
finding_at_the_edges(void **state)
{
	struct str s = STR("hello hello");

	assert_int_equal(str_find(s, STR("hello")), 0);
	assert_int_equal(str_rfind(s, STR("hello")), 6);
	assert_int_equal(str_find(s, STR("o")), 4);
	assert_int_equal(str_find(s, STR("xyz")), s.n);
	assert_int_equal(str_rfind(s, STR("xyz")), s.n);
	assert_int_equal(str_find(s, STR("")), 0);
	assert_int_equal(str_find(STR("ab"), STR("abc")), 2);
	assert_int_equal(str_rfind(STR("ab"), STR("abc")), 2);
	assert_int_equal(str_find(STR_NULL, STR("a")), 0);
	assert_int_equal(str_find_byte(s, 'l'), 2);
	assert_int_equal(str_find_byte(s, 'z'), s.n);
	assert_int_equal(str_find_byte(STR_NULL, 'z'), 0);
	assert_int_equal(str_find_nocase(STR("xxFrOm y"), STR("from")), 2);
	assert_int_equal(str_find_nocase(STR("a1A1"), STR("a1")), 0);
	assert_int_equal(str_find_nocase(STR("..%2F"), STR("%2f")), 2);
	assert_int_equal(str_find_nocase(STR("abc"), STR("")), 0);
}

/* The first (step 1) or last (step -1) place of needle by trying every one. */
static size_t
slow_find(struct str s, struct str needle, bool last, bool nocase)
{
	size_t hit = s.n;

	for (size_t i = 0; i + needle.n <= s.n; i++) {
		struct str at = str_of(s.p + i, needle.n);
		if (nocase ? !str_eq_nocase(at, needle) : !str_eq(at, needle))
			continue;
		hit = i;
		if (!last)
			break;
	}
	return hit;
}

static void
finding_agrees_with_trying_every_place(void **state)
{
	static const char letters[] = "aAbB[{";
	uint64_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		char text[24], word[4];
		struct str s = str_of(text, prng_below(&seed, sizeof(text) + 1));
		struct str needle = str_of(word, 1 + prng_below(&seed, sizeof(word)));
		for (size_t i = 0; i < s.n; i++)
			text[i] = letters[prng_below(&seed, 6)];
		for (size_t i = 0; i < needle.n; i++)
			word[i] = letters[prng_below(&seed, 6)];
		assert_int_equal(str_find(s, needle), slow_find(s, needle, false, false));
		assert_int_equal(str_rfind(s, needle), slow_find(s, needle, true, false));
		assert_int_equal(str_find_nocase(s, needle), slow_find(s, needle, false, true));
	}
}

static void
trim_takes_blanks_and_line_ends(void **state)
{
	assert_str(str_trim(STR(" \t a b\r\n ")), "a b");
	assert_str(str_trim(STR(" \n\r\t")), "");
	assert_str(str_trim(STR("\va")), "\va");
	assert_int_equal(str_trim(STR_NULL).n, 0);
}

static void
split_gives_empty_pieces_between(void **state)
{
	struct str rest = STR("a,,b"), piece;

	assert_true(str_split(&rest, ',', &piece));
	assert_str(piece, "a");
	assert_true(str_split(&rest, ',', &piece));
	assert_str(piece, "");
	assert_true(str_split(&rest, ',', &piece));
	assert_str(piece, "b");
	assert_false(str_split(&rest, ',', &piece));
	assert_str(piece, "b");
	rest = STR("a,");
	assert_true(str_split(&rest, ',', &piece));
	assert_false(str_split(&rest, ',', &piece));
	rest = STR(",");
	assert_true(str_split(&rest, ',', &piece));
	assert_str(piece, "");
	assert_false(str_split(&rest, ',', &piece));
	rest = STR_NULL;
	assert_false(str_split(&rest, ',', &piece));
}

static void
word_skips_blanks(void **state)
{
	struct str rest = STR("  Failed \t password  "), word = STR("kept");

	assert_true(str_word(&rest, &word));
	assert_str(word, "Failed");
	assert_true(str_word(&rest, &word));
	assert_str(word, "password");
	assert_false(str_word(&rest, &word));
	assert_str(word, "password");
	assert_int_equal(rest.n, 0);
	assert_false(str_word(&rest, &word));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_minds_length_and_case),
		cmocka_unit_test(lower_case_touches_letters_only),
		cmocka_unit_test(prefix_and_suffix),
		cmocka_unit_test(parts_never_leave_the_slice),
		cmocka_unit_test(order_is_of_bytes_then_length),
		cmocka_unit_test(finding_at_the_edges),
		cmocka_unit_test(finding_agrees_with_trying_every_place),
		cmocka_unit_test(trim_takes_blanks_and_line_ends),
		cmocka_unit_test(split_gives_empty_pieces_between),
		cmocka_unit_test(word_skips_blanks),
	};
	return cmocka_run_group_tests_name("base-str", tests, NULL, NULL);
}
