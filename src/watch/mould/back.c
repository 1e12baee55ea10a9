/*
 * back: the patterns' steps right of the untrusted hole, which the matcher passes from the end of the text back:
 * what is certain of them in every text that fits a mould. Must never call certain what depends on the bytes of a run.
 */
#include "watch/mould/model.h"

#define DEEP_MAX 20                    /* steps that a way is followed back */

struct way_back {
	const struct model *m;
	const struct pattern *p;
	uint16_t pivot;
};

static bool fails_back(const struct way_back *b, uint16_t u, size_t end, int deep);

/* All that may come before a step fails at text[end]. */
static bool
all_fail_back(const struct way_back *b, const struct step *s, size_t end, int deep)
{
	for (uint16_t i = 0; i < s->nprev; i++)
		if (!fails_back(b, b->p->links[s->prev + i], end, deep + 1))
			return false;
	return true;
}

enum { NOT_HERE, HERE, PERHAPS };

/* Does the literal end at text[end]? */
static int
literal_ends(const struct model *m, const struct step *s, size_t end)
{
	for (uint16_t i = 1; i <= s->len; i++) {
		char c = s->lit[s->len - i];
		const struct model_run *run = i <= end ? model_run_of(m, end - i) : NULL;

		if (i > end)
			return NOT_HERE;
		if (run)
			return run->end == end - i + 1 && run->kind != RUN_QUOTED && !model_run_takes(run, s, c) ? NOT_HERE : PERHAPS;
		if (m->text.p[end - i] != c && m->text.p[end - i] != mould_other_case(s, c))
			return NOT_HERE;
	}
	return HERE;
}

static bool
literal_fails_back(const struct way_back *b, const struct step *s, size_t end, int deep)
{
	int here = literal_ends(b->m, s, end);

	return here == NOT_HERE || (here == HERE && all_fail_back(b, s, end - s->len, deep));
}

/* Blanks take all that stand before text[end], unless a wildcard comes before them. */
static bool
blanks_fail_back(const struct way_back *b, const struct step *s, size_t end, int deep)
{
	size_t at = end;

	while (at > 0 && !model_run_of(b->m, at - 1) && is_blank(b->m->text.p[at - 1]))
		at--;
	if (at == end || at == 0 || model_may_be_blank(b->m, at - 1))
		return false;
	for (uint16_t i = 0; i < s->nprev; i++)
		if (b->p->links[s->prev + i] != STEP_START && step_is_wild(&b->p->steps[b->p->links[s->prev + i]]))
			return false;
	return all_fail_back(b, s, at, deep);
}

/* Anything that an address or a name is made of. */
static bool
of_address(char c)
{
	unsigned within = hole_run(HOLE_ADDR, HOLE_RUN_DEAD, 'a');

	return hole_run(HOLE_ADDR, within, c) != HOLE_RUN_DEAD;
}

/* Where the bytes that an address may hold begin before text[end]. False when that is not certain. */
static bool
address_begins(const struct model *m, size_t end, size_t *ret_begin)
{
	size_t at = end;

	while (at > 0) {
		const struct model_run *run = model_run_of(m, at - 1);

		if (run && (run->end != at || run->kind == RUN_QUOTED))
			return false;
		for (int c = 0; run && c < 256; c++)
			if (run->has[c] && !of_address((char)c))
				return false;
		if (!run && !of_address(m->text.p[at - 1]))
			break;
		at = run ? run->begin : at - 1;
	}
	*ret_begin = at;
	return true;
}

/* An address begins where the literal before it ends; not among its own bytes, when the literal ends with another. */
static bool
address_fails_back(const struct way_back *b, const struct step *s, size_t end, int deep)
{
	size_t begin;

	if (!address_begins(b->m, end, &begin))
		return false;
	for (uint16_t i = 0; begin < end && i < s->nprev; i++) {
		uint16_t v = b->p->links[s->prev + i];
		const struct step *prev = v == STEP_START ? NULL : &b->p->steps[v];

		if (!prev || v < b->pivot)
			continue;
		if (prev->code != STEP_LIT || of_address(prev->lit[prev->len - 1]) || !fails_back(b, v, begin, deep + 1))
			return false;
	}
	return true;
}

static bool
fails_back(const struct way_back *b, uint16_t u, size_t end, int deep)
{
	const struct step *s = u == STEP_START ? NULL : &b->p->steps[u];

	if (!s || u < b->pivot)
		return true;
	if (u == b->pivot || deep > DEEP_MAX)
		return false;
	if (s->code == STEP_LIT)
		return literal_fails_back(b, s, end, deep);
	if (s->code == STEP_BLANKS)
		return blanks_fail_back(b, s, end, deep);
	return s->code == STEP_HOLE && (s->type == HOLE_IP || s->type == HOLE_ADDR) && address_fails_back(b, s, end, deep);
}

bool
model_fails_back(const struct model *m, const struct pattern *p, uint16_t pivot, uint16_t u, size_t end)
{
	const struct way_back b = { m, p, pivot };

	return fails_back(&b, u, end, 0);
}
