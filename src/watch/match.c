/*
 * match: runs a plan over a text. Left of the untrusted hole from the left, right of it from the right end. A
 * wildcard takes the first place where the steps up to the next wildcard stand; like a glob it never reconsiders.
 */
#include <assert.h>

#include "watch/pattern.h"

struct run {
	const struct plan *plan;
	struct str text;
	struct match *m;
	uint64_t steps_max;
};

static inline void
keep(struct match *m, const struct step *s, struct str value)
{
	if (s->hole == STEP_NOT_KEPT)
		return;
	m->at[s->hole] = value;
	m->have |= UINT64_C(1) << s->hole;
}

static inline bool
miss(struct run *r, size_t step, size_t pos)
{
	if (pos >= r->m->stopped_at) {
		r->m->stopped_at = pos;
		r->m->stopped_step = (uint16_t)step;
	}
	return false;
}

static inline bool
is_wild(const struct step *s)
{
	return s->code == STEP_SKIP || s->code == STEP_PIVOT;
}

static inline const struct step *
step_after(const struct plan *p, size_t i)
{
	return i + 1 < p->nsteps ? &p->steps[i + 1] : NULL;
}

/* Bounded steps from `from` on up to the next wildcard or the end; *pos moves, *ret_next is where it ended. */
static bool
forward(struct run *r, size_t from, size_t *pos, size_t *ret_next)
{
	const struct plan *p = r->plan;
	size_t at = *pos, i;

	for (i = from; i < p->nsteps && !is_wild(&p->steps[i]); i++) {
		const struct step *s = &p->steps[i];
		size_t was = at;

		if (s->code == STEP_LIT) {
			if (!step_literal_at(s, r->text, at))
				return miss(r, i, at);
			at += s->len;
		} else if (s->code == STEP_BLANKS) {
			while (at < r->text.n && is_blank(r->text.p[at]))
				at++;
			if (at == was)
				return miss(r, i, at);
			r->m->steps += (at - was) / 8;
		} else {
			struct str value;

			at = hole_forward(s->type, r->text, at, step_after(p, i), &value, &r->m->steps);
			if (at == HOLE_MISS)
				return miss(r, i, was);
			keep(r->m, s, value);
		}
		r->m->steps++;
	}
	*pos = at;
	*ret_next = i;
	return true;
}

static inline bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* The next place at or after pos where step i could begin; HOLE_MISS when there is none. */
static size_t
next_place(struct run *r, size_t i, size_t pos)
{
	const struct step *s = &r->plan->steps[i];
	struct str rest = str_from(r->text, pos);
	size_t at = 0;

	switch (s->code) {
	case STEP_LIT:
		at = s->nocase ? str_find_nocase(rest, str_of(s->lit, s->len)) : str_find(rest, str_of(s->lit, s->len));
		break;
	case STEP_BLANKS:
		while (at < rest.n && !is_blank(rest.p[at]))
			at++;
		break;
	default:   /* a hole begins where a name or number begins */
		while (at < rest.n && (is_blank(rest.p[at]) || (at > 0 && is_alnum(rest.p[at - 1]) && is_alnum(rest.p[at]))))
			at++;
		break;
	}
	r->m->steps += 1 + (at < rest.n ? at : rest.n) / 8;
	return at < rest.n ? pos + at : HOLE_MISS;
}

/* The place to try after a place where the steps did not match. */
static size_t
place_after(struct run *r, size_t i, size_t pos)
{
	if (r->plan->steps[i].code != STEP_BLANKS)
		return pos + 1;
	while (pos < r->text.n && is_blank(r->text.p[pos]))
		pos++;
	return pos;
}

/*
 * A wildcard at step i, standing at *pos: finds the first place where the steps after it match up to the next
 * wildcard, or to the very end of the text when no wildcard follows.
 */
static bool
search_forward(struct run *r, size_t i, size_t *pos, size_t *ret_next)
{
	const struct plan *p = r->plan;
	size_t place = *pos;

	while (r->m->steps < r->steps_max && (place = next_place(r, i + 1, place)) != HOLE_MISS) {
		size_t at = place;

		if (forward(r, i + 1, &at, ret_next) && (*ret_next < p->nsteps || at == r->text.n)) {
			keep(r->m, &p->steps[i], str_of(r->text.p + *pos, place - *pos));
			*pos = at;
			return true;
		}
		place = place_after(r, i + 1, place);
	}
	return miss(r, i + 1, *pos);
}

static bool
from_left(struct run *r, size_t *ret_pos)
{
	const struct plan *p = r->plan;
	size_t pos = 0, i = 0;

	if (!forward(r, 0, &pos, &i))
		return false;
	while (i < p->pivot) {
		if (i + 1 == p->nsteps) {
			keep(r->m, &p->steps[i], str_from(r->text, pos));
			pos = r->text.n;
			break;
		}
		if (!search_forward(r, i, &pos, &i))
			return false;
	}
	if (p->pivot == p->nsteps && pos != r->text.n)
		return miss(r, p->nsteps, pos);
	*ret_pos = pos;
	return true;
}

/* As forward(), from *end down to `low` and from step `from` down to the wildcard before it. */
static bool
backward(struct run *r, size_t from, size_t low, size_t *end, size_t *ret_next)
{
	const struct plan *p = r->plan;
	size_t at = *end, i;

	for (i = from; !is_wild(&p->steps[i]); i--) {
		const struct step *s = &p->steps[i];
		size_t was = at;

		if (s->code == STEP_LIT) {
			if (!step_literal_before(s, r->text, low, at))
				return miss(r, i, at);
			at -= s->len;
		} else if (s->code == STEP_BLANKS) {
			while (at > low && is_blank(r->text.p[at - 1]))
				at--;
			if (at == was)
				return miss(r, i, at);
			r->m->steps += (was - at) / 8;
		} else {
			struct str value;

			at = hole_backward(s->type, r->text, low, at, &p->steps[i - 1], &value, &r->m->steps);
			if (at == HOLE_MISS)
				return miss(r, i, was);
			keep(r->m, s, value);
		}
		r->m->steps++;
	}
	*end = at;
	*ret_next = i;
	return true;
}

/* The nearest place at or below end where step i could end; HOLE_MISS when there is none above low. */
static size_t
place_before(struct run *r, size_t i, size_t low, size_t end)
{
	const struct step *s = &r->plan->steps[i];
	size_t at = end;

	switch (s->code) {
	case STEP_LIT:
		while (at > low && !step_literal_before(s, r->text, low, at))
			at--;
		break;
	case STEP_BLANKS:
		while (at > low && !is_blank(r->text.p[at - 1]))
			at--;
		break;
	default:
		while (at > low && is_blank(r->text.p[at - 1]))
			at--;
		break;
	}
	r->m->steps += 1 + (end - at) / 8;
	return at > low ? at : HOLE_MISS;
}

/* A wildcard at step i right of the pivot, ending at *end: the mirror image of search_forward(). */
static bool
search_backward(struct run *r, size_t i, size_t low, size_t *end, size_t *ret_next)
{
	const struct plan *p = r->plan;
	size_t place = *end;

	while (r->m->steps < r->steps_max && (place = place_before(r, i - 1, low, place)) != HOLE_MISS) {
		size_t at = place;

		if (backward(r, i - 1, low, &at, ret_next)) {
			keep(r->m, &p->steps[i], str_of(r->text.p + place, *end - place));
			*end = at;
			return true;
		}
		if (p->steps[i - 1].code == STEP_BLANKS)
			while (place > low && is_blank(r->text.p[place - 1]))
				place--;
		else
			place--;
	}
	return miss(r, i - 1, *end);
}

static bool
from_right(struct run *r, size_t low, size_t *ret_end)
{
	const struct plan *p = r->plan;
	size_t end = r->text.n, i = p->nsteps - 1u;

	/* Reaching the pivot from the right is progress that the left side cannot show. */
	r->m->stopped_at = low;
	if (!backward(r, i, low, &end, &i))
		return false;
	while (i > p->pivot)
		if (!search_backward(r, i, low, &end, &i))
			return false;
	*ret_end = end;
	return true;
}

/* Cheap looks before any work: long enough, and ending as the plan ends. */
static inline bool
worth_trying(const struct plan *p, struct str text)
{
	const struct step *last;

	if (text.n < p->min_len)
		return false;
	if (p->nsteps == 0)
		return text.n == 0;
	last = &p->steps[p->nsteps - 1];
	return last->code != STEP_LIT || step_literal_before(last, text, 0, text.n);
}

bool
plan_match(const struct plan *p, struct str text, struct match *m)
{
	struct run r = { .plan = p, .text = text, .m = m, .steps_max = m->steps + MATCH_STEPS_MAX(text.n) };
	size_t low, high;

	m->have = 0;
	m->stopped_at = 0;
	m->stopped_step = 0;
	m->steps++;
	if (!worth_trying(p, text)) {
		m->stopped_step = p->nsteps ? (uint16_t)(p->nsteps - 1) : 0;
		return false;
	}
	if (!from_left(&r, &low))
		return false;
	if (p->pivot == p->nsteps)
		return true;
	if (!from_right(&r, low, &high))
		return false;
	keep(m, &p->steps[p->pivot], str_of(text.p + low, high - low));
	return true;
}

const struct plan *
pattern_match(const struct pattern *p, struct str text, struct match *m)
{
	for (uint32_t i = 0; i < p->nplans; i++)
		if (plan_match(&p->plans[i], text, m))
			return &p->plans[i];
	return NULL;
}
