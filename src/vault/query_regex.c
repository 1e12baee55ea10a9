/*
 * query_regex: regular expressions by Vectorscan: automata, so the time is linear in the line whatever the pattern. What
 * it cannot do (back-references, looking around) is refused with its own words.
 */
#include <errno.h>
#include <stdlib.h>

#include <hs/hs.h>

#include "vault/query_private.h"

#define NEED_MIN 3u

int
query_regex_compile(struct query_regex *r, struct str pattern, bool minds_case, struct str *ret_fault, struct arena *a)
{
	unsigned flags = HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY | (minds_case ? 0 : HS_FLAG_CASELESS);
	char *text = arena_strdup(a, pattern);
	hs_compile_error_t *error = NULL;
	hs_error_t rc;

	if (!text)
		return -ENOMEM;
	rc = hs_compile(text, flags, HS_MODE_BLOCK, NULL, &r->database, &error);
	if (rc != HS_SUCCESS) {
		*ret_fault = error ? arena_str(a, str_z(error->message)) : STR_NULL;
		hs_free_compile_error(error);
		return rc == HS_NOMEM ? -ENOMEM : -EINVAL;
	}
	return 0;
}

void
query_regex_free(struct query_regex *r)
{
	hs_free_database(r->database);
	r->database = NULL;
}

static int
on_match(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags, void *ctx)
{
	*(bool *)ctx = true;
	return 1;
}

bool
query_test_regex(const struct query_regex *r, struct query_scratch *s, struct str text)
{
	bool hit = false;
	hs_error_t rc = hs_scan(r->database, text.p ? text.p : "", (unsigned)text.n, 0, s->hs, on_match, &hit);

	return hit && (rc == HS_SCAN_TERMINATED || rc == HS_SUCCESS);
}

struct query_scratch *
query_scratch_new(const struct query *q)
{
	struct query_scratch *s = calloc(1, sizeof(*s));

	for (uint32_t i = 0; s && i < q->nregexes; i++) {
		if (hs_alloc_scratch(q->regexes[i].database, &s->hs) != HS_SUCCESS) {
			query_scratch_free(s);
			return NULL;
		}
	}
	return s;
}

void
query_scratch_free(struct query_scratch *s)
{
	if (!s)
		return;
	hs_free_scratch(s->hs);
	free(s);
}

static bool
is_letter(char c)
{
	return (unsigned)((c | 0x20) - 'a') < 26;
}

/* Only what must stand in a word or text of a segment's dictionary: letters that are not all of hex or of a month. */
static bool
useful(struct str literal)
{
	bool beyond_hex = false;

	if (literal.n < NEED_MIN || (literal.n == 3 && str_find_nocase(STR("jan feb mar apr may jun jul aug sep oct nov dec"), literal) < 47))
		return false;
	for (size_t i = 0; i < literal.n; i++)
		beyond_hex = beyond_hex || (literal.p[i] | 0x20) > 'f';
	return beyond_hex;
}

/* Length of what may repeat the atom before it: "?", "*", "+", "{...}", with a lazy "?". */
static size_t
repeats_at(struct str p, size_t at)
{
	size_t n = 0;

	if (at < p.n && (p.p[at] == '?' || p.p[at] == '*' || p.p[at] == '+'))
		n = 1;
	else if (at < p.n && p.p[at] == '{')
		n = str_find_byte(str_from(p, at), '}') + 1;
	return n > 0 && at + n < p.n && p.p[at + n] == '?' ? n + 1 : n;
}

/* Past a group or a class that begins at p.p[at]; p.n when it does not end. */
static size_t
skip(struct str p, size_t at)
{
	unsigned depth = 0;
	bool in_class = false;

	for (; at < p.n; at++) {
		if (p.p[at] == '\\') {
			at++;
		} else if (in_class) {
			/* "[]x]": a bracket that comes first belongs to the class. */
			in_class = p.p[at] != ']';
			if (!in_class && depth == 0)
				return at + 1;
		} else if (p.p[at] == '[') {
			in_class = true;
			at += at + 1 < p.n && p.p[at + 1] == '^';
			at += at + 1 < p.n && p.p[at + 1] == ']';
		} else if (p.p[at] == '(') {
			depth++;
		} else if (p.p[at] == ')' && --depth == 0) {
			return at + 1;
		}
	}
	return p.n;
}

static void
keep(struct str literal, struct arena *a, struct str *ret, uint32_t *n, uint32_t max)
{
	char *low;

	if (!useful(literal) || *n == max)
		return;
	low = arena_strdup(a, literal);
	for (size_t i = 0; low && i < literal.n; i++)
		low[i] = ascii_lower(low[i]);
	if (low)
		ret[(*n)++] = str_of(low, literal.n);
}

/* Runs of letters at the outermost level, each standing for itself and not repeated. An alternative there: none. */
uint32_t
query_regex_needs(struct str p, struct arena *a, struct str *ret, uint32_t max)
{
	size_t at = 0, from = 0;
	uint32_t n = 0;

	if (str_find(p, STR("(?")) < p.n || str_find(p, STR("\\Q")) < p.n)
		return 0;
	while (at < p.n) {
		size_t next = at + 1, repeated;
		bool letter = is_letter(p.p[at]);

		if (p.p[at] == '|')
			return 0;
		if (p.p[at] == '\\') {
			/* \x41, \p{L}, \d: none of them is a letter as written. */
			next = at + 2;
			if (next <= p.n && (p.p[at + 1] == 'x' || p.p[at + 1] == 'p' || p.p[at + 1] == 'P' || p.p[at + 1] == 'c' ||
			    p.p[at + 1] == 'N' || p.p[at + 1] == 'o'))
				return n;
		} else if (p.p[at] == '(' || p.p[at] == '[') {
			next = skip(p, at);
		}
		repeated = repeats_at(p, next);
		if (!letter || repeated > 0) {
			/* A repeated letter may be missing: it ends the run before it. */
			keep(str_head(str_from(p, from), at - from), a, ret, &n, max);
			from = next + repeated;
		}
		at = next + repeated;
	}
	keep(str_from(p, from), a, ret, &n, max);
	return n;
}
