/*
 * Positions of an expression, beside PCRE2: what is understood exactly matches the same texts, what is not takes at least
 * those, and what cannot be expressed is refused. Text by text for random expressions, with few states and with too many.
 */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/prng.h"
#include "base/buf.h"
#include "vault/positions.h"
#include "vault/query.h"

struct pair {
	struct arena arena;
	struct query query;
	struct query_scratch *scratch;
	struct positions *positions;
	struct runner *runner;
};

/* False when PCRE2 refuses the expression. */
static bool
pair_make(struct pair *p, const char *pattern, bool minds_case)
{
	struct buf text = BUF_INIT(4096);
	int rc;

	*p = (struct pair){ .query = { .root = NULL } };
	buf_addf(&text, "/%s/%s", pattern, minds_case ? "s" : "");
	rc = query_parse(&p->query, buf_str(&text));
	buf_free(&text);
	if (rc < 0) {
		query_free(&p->query);
		return false;
	}
	p->scratch = query_scratch_new(&p->query);
	p->positions = p->query.root->regex->positions;
	p->runner = p->positions ? runner_new(p->positions) : NULL;
	return true;
}

static void
pair_free(struct pair *p)
{
	runner_free(p->runner);
	query_scratch_free(p->scratch);
	query_free(&p->query);
}

static bool
pcre_says(const struct pair *p, struct str text)
{
	return query_test_regex(p->query.root->regex, p->scratch, text);
}

static bool
positions_say(const struct pair *p, struct str text)
{
	struct posset none = { { 0 } }, to;

	return p->positions->nullable || runner_run(p->runner, &none, text, &to);
}

static void
assert_agree(const struct pair *p, const char *pattern, struct str text)
{
	uint64_t gave_up = query_scratch_gave_up(p->scratch);
	bool want = pcre_says(p, text), got = positions_say(p, text);

	/* PCRE2 may find a text too costly: then it has said nothing. */
	if (query_scratch_gave_up(p->scratch) > gave_up)
		return;
	if (want != got && (want || p->positions->exact))
		fail_msg("/%s/ in \"%.*s\": PCRE2 says %d, positions %d", pattern, STR_FMT(text), want, got);
}

static void
understood(void **state)
{
	static const struct {
		const char *pattern;
		bool exact;
	} rows[] = {
		{ "abc", true }, { "a|b|", true }, { "[0-9]{3}x[0-9]", true }, { "(a|b)*c", true }, { "(?:ab)+?c", true }, { "x{2,4}", true }, { "x{3,}y", true },
		{ "x{0,2}y", true }, { "[]a]b", true }, { "[^]a]b", true }, { "[a-]", true }, { "[^a-c]x", true }, { "\\d+\\.\\d", true }, { "\\x41\\t", true },
		{ "[[:digit:][:punct:]]x", true }, { "[\\d.]+", true }, { "\\W\\S\\D", true }, { "a.b", false }, { "^ab$", false }, { "\\bab\\B", false },
		{ "a++b", false }, { "((a?)b?)*c", true },
	};
	static const char *const texts[] = { "", "abc", "ABC", "123x4", "xx", "xxxxy", "y", "]b", "a-b", "axb", "1.5", "A\t", "c", "ababc", "a b", "!x", "a\nb", "aab" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pair p;

		assert_true(pair_make(&p, rows[i].pattern, i % 2));
		if (!p.positions)
			fail_msg("/%s/ is not understood", rows[i].pattern);
		assert_int_equal(p.positions->exact, rows[i].exact);
		for (size_t k = 0; k < ARRAY_LEN(texts); k++)
			assert_agree(&p, rows[i].pattern, str_z(texts[k]));
		pair_free(&p);
	}
}

static void
refused(void **state)
{
	static const char *const patterns[] = { "(a)\\1", "(?=a)b", "(?<!a)b", "(?i)a", "(?>a)b", "a{2}{2}", "a{,3}", "\\Qa.b\\E", "\\p{L}", "\\Ra", "\\Kab",
		"(?<n>a)", "a{200}b{100}", "(a{20}){20}", "\\h", "[\\d-z]", "\\012" };

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct pair p;

		if (!pair_make(&p, patterns[i], true))
			continue;
		if (p.positions)
			fail_msg("/%s/ is taken", patterns[i]);
		pair_free(&p);
	}
}

/* A random expression of the grammar, not too deep. */
static void
write_pattern(uint64_t *seed, unsigned depth, struct buf *out)
{
	static const char *const atoms[] = { "a", "b", "c", "A", "0", "1", "[ab]", "[^a]", "[0-9]", "\\d", "\\w", "\\s", "[a-c0]", "-", "\\.", "[[:alpha:]]", ".", "\\b", "^", "$" };
	static const char *const repeats[] = { "", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "++" };
	unsigned pieces = 1 + (unsigned)prng_below(seed, 4);

	for (unsigned i = 0; i < pieces; i++) {
		if (depth > 0 && prng_below(seed, 4) == 0) {
			buf_add(out, prng_below(seed, 2) ? STR("(") : STR("(?:"));
			write_pattern(seed, depth - 1, out);
			buf_add(out, STR(")"));
		} else {
			/* The last four are not exact: seldom. */
			buf_add(out, str_z(atoms[prng_below(seed, prng_below(seed, 6) ? ARRAY_LEN(atoms) - 4 : ARRAY_LEN(atoms))]));
		}
		buf_add(out, str_z(repeats[prng_below(seed, ARRAY_LEN(repeats))]));
		if (prng_below(seed, 7) == 0)
			buf_add(out, STR("|"));
	}
}

static void
random_expressions(void **state)
{
	static const char letters[] = "aabbccABC0011-. \n";
	uint64_t seed = 5;
	unsigned exact = 0, matched = 0;

	for (unsigned i = 0; i < 3000; i++) {
		struct buf pattern = BUF_INIT(4096);
		struct pair p;

		write_pattern(&seed, 3, &pattern);
		if (!pair_make(&p, buf_cstr(&pattern), i % 2)) {
			buf_free(&pattern);
			continue;
		}
		for (unsigned k = 0; p.positions && k < 40; k++) {
			char text[24];
			size_t n = prng_below(&seed, sizeof(text));

			for (size_t c = 0; c < n; c++)
				text[c] = letters[prng_below(&seed, sizeof(letters) - 1)];
			assert_agree(&p, buf_cstr(&pattern), str_of(text, n));
			exact += p.positions->exact;
			matched += pcre_says(&p, str_of(text, n));
		}
		pair_free(&p);
		buf_free(&pattern);
	}
	/* Both answers must have come often, or this says nothing. */
	assert_true(exact > 20000 && matched > 5000);
}

/* "a........" needs a state for every set of the last bytes: more than there is room for. */
static void
more_states_than_room(void **state)
{
	struct pair p;
	uint64_t seed = 8;
	char text[400];

	assert_true(pair_make(&p, "a[ab]{12}c", true));
	assert_non_null(p.positions);
	for (unsigned i = 0; i < 400; i++) {
		for (size_t c = 0; c < sizeof(text); c++)
			text[c] = "abababababababababababababababac"[prng_below(&seed, 32)];
		assert_agree(&p, "a[ab]{12}c", str_of(text, sizeof(text)));
	}
	pair_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood),
		cmocka_unit_test(refused),
		cmocka_unit_test(random_expressions),
		cmocka_unit_test(more_states_than_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
