/*
 * query_regex: regular expressions by PCRE2, compiled to machine code. It may backtrack, so each line has a limit of
 * steps; a line that reaches it is counted and told, never silently taken for one that does not match.
 * (Vectorscan would be linear, but its version 5.4.9 misses matches of patterns like [0-9]{3}x[0-9]: 5 to 12 of 14.)
 */
#include <errno.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "vault/positions.h"
#include "vault/query.h"

#define NEED_MIN 3u
#define STEPS_MAX 200000u       /* of one line: about a millisecond */
#define HEAP_MAX_KIB 4096u

struct query_scratch {
	pcre2_match_data *match;
	pcre2_match_context *limits;
	uint64_t gave_up;
};

int
query_regex_compile(struct query_regex *r, struct str pattern, bool minds_case, struct str *ret_fault, struct arena *a)
{
	uint32_t flags = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | (minds_case ? 0 : PCRE2_CASELESS);
	PCRE2_UCHAR why[128] = { 0 };
	PCRE2_SIZE at;
	int error;

	r->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, flags, &error, &at, NULL);
	if (!r->code) {
		if (error == PCRE2_ERROR_NOMEMORY)
			return -ENOMEM;
		(void)pcre2_get_error_message(error, why, sizeof(why));
		*ret_fault = arena_str(a, str_z((const char *)why));
		return -EINVAL;
	}
	/* Without machine code it is slower, and the same. */
	(void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	r->positions = ARENA_NEW(a, struct positions);
	if (!r->positions) {
		query_regex_free(r);
		return -ENOMEM;
	}
	if (positions_parse(r->positions, pattern, minds_case) < 0)
		r->positions = NULL;
	return 0;
}

void
query_regex_free(struct query_regex *r)
{
	pcre2_code_free(r->code);
	r->code = NULL;
}

bool
query_test_regex(const struct query_regex *r, struct query_scratch *s, struct str text)
{
	int rc = pcre2_match(r->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0, s->match, s->limits);

	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		s->gave_up++;
	return rc >= 0;
}

uint64_t
query_scratch_gave_up(const struct query_scratch *s)
{
	return s->gave_up;
}

struct query_scratch *
query_scratch_new(const struct query *q)
{
	struct query_scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->match = pcre2_match_data_create(1, NULL);
	s->limits = pcre2_match_context_create(NULL);
	if (!s->match || !s->limits) {
		query_scratch_free(s);
		return NULL;
	}
	(void)pcre2_set_match_limit(s->limits, STEPS_MAX);
	(void)pcre2_set_heap_limit(s->limits, HEAP_MAX_KIB);
	return s;
}

void
query_scratch_free(struct query_scratch *s)
{
	if (!s)
		return;
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->limits);
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
