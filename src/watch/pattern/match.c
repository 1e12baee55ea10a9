/*
 * match: runs a pattern over a text. Left of the untrusted hole from the left, right of it from the right end. A
 * wildcard takes the first place from which the rest matches; one that failed from some place would fail from any
 * place further on, so it is not asked again. That memory is what keeps forks and wildcards linear together.
 */
#include <assert.h>

#include "watch/pattern/find.h"
#include "watch/pattern/pattern.h"

struct run {
	const struct pattern *p;
	struct str text;
	struct match *m;
	uint64_t steps_max;
	size_t low;                    /* right side: where the left side ended */
	size_t high;                   /* and where the right side ended */
	uint16_t pivot;
	size_t failed_from[PATTERN_WILDS_MAX];   /* wildcards: no match from here on */
	size_t failed_upto[PATTERN_WILDS_MAX];   /* right side: no match from here back */
};

static inline void
keep(struct match *m, const struct step *s, struct str value)
{
	if (s->hole == STEP_NOT_KEPT)
		return;
	m->at[s->hole] = value;
	m->have |= UINT64_C(1) << s->hole;
}

static inline void
keep_wild(struct match *m, const struct step *s, struct str value)
{
	keep(m, s, match_wild_value(value));
}

/* Step u took what lies between. */
static inline void
note(struct run *r, uint16_t u, size_t from, size_t to)
{
	struct trail *t = r->m->trail;

	if (!t)
		return;
	if (t->n < TRAIL_MAX)
		t->passed[t->n] = (struct trail_step){ u, (uint32_t)from, (uint32_t)to };
	t->n++;
}

/* What was kept and noted so far, for the case that it leads nowhere. */
struct mark {
	uint64_t have;
	uint16_t passed;
};

static inline struct mark
mark_of(const struct run *r)
{
	return (struct mark){ r->m->have, r->m->trail ? r->m->trail->n : 0 };
}

static inline void
back_to(struct run *r, struct mark mark)
{
	r->m->have = mark.have;
	if (r->m->trail)
		r->m->trail->n = mark.passed;
}

static bool
miss(struct run *r, uint16_t step, size_t pos)
{
	if (pos >= r->m->stopped_at) {
		r->m->stopped_at = pos;
		r->m->stopped_step = step;
	}
	return false;
}

static inline const struct step *
step_or_null(const struct run *r, uint16_t i)
{
	return i == STEP_END || i == STEP_START ? NULL : &r->p->steps[i];
}

static inline bool
out_of_steps(const struct run *r)
{
	return r->m->steps >= r->steps_max;
}

static inline bool
after_blank(struct str text, size_t at)
{
	return at > 0 && is_blank(text.p[at - 1]);
}

/* Beside a wildcard only one blank is taken, so that an empty text between two blanks is found. */
static size_t
take_many_blanks(struct run *r, const struct step *next, size_t pos)
{
	size_t at = pos, most = next && step_is_wild(next) ? pos + 1 : r->text.n;

	while (at < r->text.n && at < most && is_blank(r->text.p[at]))
		at++;
	r->m->steps += (at - pos) / 8;
	if (at == pos && at > 0 && at < r->text.n && !after_blank(r->text, at))
		return HOLE_MISS;
	return at;
}

/* Mostly it is one. */
static inline size_t
take_blanks(struct run *r, const struct step *next, size_t pos)
{
	if (pos + 1 < r->text.n && is_blank(r->text.p[pos]) && !is_blank(r->text.p[pos + 1]))
		return pos + 1;
	return take_many_blanks(r, next, pos);
}

/* A step that is no wildcard, at pos, when `next` is to follow: the place behind it, or HOLE_MISS. */
static inline size_t
take(struct run *r, const struct step *s, uint16_t next, size_t pos)
{
	struct str value;
	size_t at;

	r->m->steps++;
	switch (s->code) {
	case STEP_LIT:
		return step_literal_at(s, r->text, pos) ? pos + s->len : HOLE_MISS;
	case STEP_BLANKS:
		return take_blanks(r, step_or_null(r, next), pos);
	default:
		if (s->type == HOLE_TIME) {
			at = match_time(r->m, r->text, pos);
			value = str_of(r->text.p + pos, at - pos);
		} else {
			at = hole_forward(s->type, r->text, pos, step_or_null(r, next), &value, &r->m->steps);
		}
		if (at != HOLE_MISS)
			keep(r->m, s, value);
		return at;
	}
}

static bool skip_forward(struct run *r, uint16_t u, size_t pos);
static bool reach_pivot(struct run *r, uint16_t u, size_t pos);
static bool from_left(struct run *r, uint16_t u, size_t pos);

static inline bool
arrive(struct run *r, uint16_t u, size_t pos)
{
	if (u == STEP_END)
		return pos == r->text.n || miss(r, u, pos);
	return from_left(r, u, pos);
}

static bool
fork_forward(struct run *r, uint16_t u, size_t pos)
{
	const struct step *s = &r->p->steps[u];
	struct mark mark = mark_of(r);

	for (uint16_t i = 0; i < s->nnext && !out_of_steps(r); i++) {
		uint16_t v = r->p->links[s->next + i];
		size_t at = take(r, s, v, pos);

		note(r, u, pos, at);
		if (at == HOLE_MISS)
			miss(r, u, pos);
		else if (arrive(r, v, at))
			return true;
		back_to(r, mark);
	}
	return false;
}

/* Step u at pos and everything after it. */
static bool
from_left(struct run *r, uint16_t u, size_t pos)
{
	for (;;) {
		const struct step *s = &r->p->steps[u];
		uint16_t v;
		size_t at;

		if (s->code == STEP_LIT && !step_literal_at(s, r->text, pos))
			return miss(r, u, pos);
		if (s->code == STEP_SKIP)
			return skip_forward(r, u, pos);
		if (s->code == STEP_PIVOT)
			return reach_pivot(r, u, pos);
		if (s->nnext > 1)
			return fork_forward(r, u, pos);
		v = r->p->links[s->next];
		if (s->code == STEP_LIT) {
			at = pos + s->len;
			r->m->steps++;
		} else {
			at = take(r, s, v, pos);
		}
		if (at == HOLE_MISS)
			return miss(r, u, pos);
		note(r, u, pos, at);
		if (v == STEP_END)
			return arrive(r, v, at);
		u = v;
		pos = at;
	}
}

bool
step_literal_nocase(const struct step *s, const char *text)
{
	for (uint16_t i = 0; i < s->len; i++) {
		char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];

		if (c != s->lit[i])
			return false;
	}
	return true;
}

/* Index of the literal in the text, or text.n. */
static inline size_t
find_step(const struct step *s, struct str text)
{
	if (s->len == 1 && !s->nocase)
		return str_find_byte(text, s->lit[0]);
	return find_literal(text, str_of(s->lit, s->len), s->nocase);
}

static inline bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* The literal that alone may follow blanks, or NULL: it is faster to find than the blanks. */
static inline const struct step *
literal_behind(const struct run *r, const struct step *s)
{
	const struct step *next = s->nnext == 1 ? step_or_null(r, r->p->links[s->next]) : NULL;

	return next && next->code == STEP_LIT ? next : NULL;
}

/* Where the next blanks before this literal begin, counted in rest, or rest.n. */
static size_t
blanks_before(const struct step *lit, struct str rest)
{
	size_t from = 0;

	while (from < rest.n) {
		size_t at = from + find_step(lit, str_from(rest, from)), blank = at;

		while (at < rest.n && blank > 0 && is_blank(rest.p[blank - 1]))
			blank--;
		if (blank < at)
			return blank;
		from = at + 1;
	}
	return rest.n;
}

/* The next place at or after pos where step s could begin; HOLE_MISS when there is none. */
static size_t
next_place(struct run *r, const struct step *s, size_t pos)
{
	struct str rest = str_from(r->text, pos);
	const struct step *lit;
	size_t at = 0;

	switch (s->code) {
	case STEP_LIT:
		at = find_step(s, rest);
		break;
	case STEP_BLANKS:
		lit = literal_behind(r, s);
		if (lit)
			at = blanks_before(lit, rest);
		while (!lit && at < rest.n && !is_blank(rest.p[at]))
			at++;
		break;
	default:   /* a hole begins where a name or number begins */
		while (at < rest.n && (is_blank(rest.p[at]) || (at > 0 && is_alnum(rest.p[at - 1]) && is_alnum(rest.p[at]))))
			at++;
		break;
	}
	r->m->steps += 1 + at / 8;
	return at < rest.n ? pos + at : HOLE_MISS;
}

/* The place to try after one where the rest did not match. */
static size_t
place_after(const struct run *r, const struct step *s, size_t pos)
{
	if (s->code != STEP_BLANKS)
		return pos + 1;
	while (pos < r->text.n && is_blank(r->text.p[pos]))
		pos++;
	return pos;
}

/* Wildcard u standing at pos, with v to follow: the first place from which v and the rest match. */
static bool
search_forward(struct run *r, uint16_t u, uint16_t v, size_t pos)
{
	const struct step *s = &r->p->steps[v];
	struct mark mark = mark_of(r);
	size_t place = pos;

	while (!out_of_steps(r) && (place = next_place(r, s, place)) != HOLE_MISS) {
		if (pos == 0 && place > 0 && r->m->lead_limited && place > match_lead(r->m, r->text))
			break;
		note(r, u, pos, place);
		if (from_left(r, v, place)) {
			keep_wild(r->m, &r->p->steps[u], str_of(r->text.p + pos, place - pos));
			return true;
		}
		back_to(r, mark);
		place = place_after(r, s, place);
	}
	return miss(r, v, pos);
}

static bool
skip_forward(struct run *r, uint16_t u, size_t pos)
{
	const struct step *s = &r->p->steps[u];

	if (pos >= r->failed_from[s->wild])
		return false;
	for (uint16_t i = 0; i < s->nnext; i++) {
		uint16_t v = r->p->links[s->next + i];

		if (v == STEP_END) {
			note(r, u, pos, r->text.n);
			keep_wild(r->m, s, str_from(r->text, pos));
			return true;
		}
		if (search_forward(r, u, v, pos))
			return true;
	}
	r->failed_from[s->wild] = pos;
	return false;
}

/* The right side: the mirror image. */

static size_t
take_blanks_back(struct run *r, const struct step *prev, size_t end)
{
	size_t at = end, least = prev && step_is_wild(prev) && prev != &r->p->steps[r->pivot] && end > r->low ?
	    end - 1 : r->low;

	while (at > least && is_blank(r->text.p[at - 1]))
		at--;
	r->m->steps += (end - at) / 8;
	if (at == end && at < r->text.n && !is_blank(r->text.p[at]) && !after_blank(r->text, at))
		return HOLE_MISS;
	return at;
}

static size_t
take_back(struct run *r, const struct step *s, uint16_t prev, size_t end)
{
	struct str value;
	size_t at;

	r->m->steps++;
	switch (s->code) {
	case STEP_LIT:
		return step_literal_before(s, r->text, r->low, end) ? end - s->len : HOLE_MISS;
	case STEP_BLANKS:
		return take_blanks_back(r, step_or_null(r, prev), end);
	default:
		at = hole_backward(s->type, r->text, r->low, end, step_or_null(r, prev), &value, &r->m->steps);
		if (at != HOLE_MISS)
			keep(r->m, s, value);
		return at;
	}
}

static bool from_right(struct run *r, uint16_t u, size_t end);

/* Goes on to the step before, u, which must lie behind the untrusted hole or be it. */
static bool
arrive_back(struct run *r, uint16_t u, size_t end)
{
	if (u == r->pivot) {
		r->high = end;
		return true;
	}
	return u != STEP_START && u > r->pivot && from_right(r, u, end);
}

/* The nearest end of the literal at or below end, or low. */
static size_t
literal_before(const struct run *r, const struct step *s, size_t end)
{
	size_t at = end;

	if (s->nocase) {
		while (at > r->low && !step_literal_before(s, r->text, r->low, at))
			at--;
		return at;
	}
	while (at > r->low) {
		const char *hit = memrchr(r->text.p + r->low, s->lit[s->len - 1], at - r->low);

		if (!hit)
			return r->low;
		at = (size_t)(hit - r->text.p) + 1;
		if (step_literal_before(s, r->text, r->low, at))
			return at;
		at--;
	}
	return r->low;
}

/* The nearest place at or below end where step s could end; HOLE_MISS when there is none. */
static size_t
place_before(struct run *r, const struct step *s, size_t end)
{
	size_t at = end;

	switch (s->code) {
	case STEP_LIT:
		at = literal_before(r, s, end);
		break;
	case STEP_BLANKS:
		while (at > r->low && !is_blank(r->text.p[at - 1]))
			at--;
		break;
	default:
		while (at > r->low && is_blank(r->text.p[at - 1]))
			at--;
		break;
	}
	r->m->steps += 1 + (end - at) / 8;
	return at > r->low ? at : HOLE_MISS;
}

static bool
search_backward(struct run *r, uint16_t u, uint16_t v, size_t end)
{
	const struct step *s = &r->p->steps[v];
	struct mark mark = mark_of(r);
	size_t place = end;

	while (!out_of_steps(r) && (place = place_before(r, s, place)) != HOLE_MISS) {
		note(r, u, place, end);
		if (from_right(r, v, place)) {
			keep_wild(r->m, &r->p->steps[u], str_of(r->text.p + place, end - place));
			return true;
		}
		back_to(r, mark);
		if (s->code != STEP_BLANKS)
			place--;
		else
			while (place > r->low && is_blank(r->text.p[place - 1]))
				place--;
	}
	return false;
}

static bool
skip_backward(struct run *r, uint16_t u, size_t end)
{
	const struct step *s = &r->p->steps[u];

	if (end <= r->failed_upto[s->wild])
		return false;
	for (uint16_t i = 0; i < s->nprev; i++) {
		uint16_t v = r->p->links[s->prev + i];

		if (v != STEP_START && v > r->pivot && search_backward(r, u, v, end))
			return true;
	}
	r->failed_upto[s->wild] = end;
	return false;
}

/* Step u ending at end, and everything between it and the untrusted hole. */
static bool
from_right(struct run *r, uint16_t u, size_t end)
{
	const struct step *s = &r->p->steps[u];
	struct mark mark = mark_of(r);

	if (step_is_wild(s))
		return skip_backward(r, u, end);
	for (uint16_t i = 0; i < s->nprev && !out_of_steps(r); i++) {
		uint16_t v = r->p->links[s->prev + i];
		size_t at = take_back(r, s, v, end);

		note(r, u, at, end);
		if (at == HOLE_MISS)
			miss(r, u, r->low);
		else if (arrive_back(r, v, at))
			return true;
		back_to(r, mark);
	}
	return false;
}

/* The left side is done: the untrusted hole begins at pos. */
static bool
reach_pivot(struct run *r, uint16_t u, size_t pos)
{
	const struct pattern *p = r->p;
	const struct step *s = &p->steps[u];

	if (pos >= r->failed_from[s->wild])
		return false;
	r->pivot = u;
	r->low = pos;
	if (r->m->trail)
		r->m->trail->right = r->m->trail->n;
	for (uint16_t i = 0; i < p->nwilds; i++)
		r->failed_upto[i] = 0;
	for (uint16_t i = 0; i < p->nlast; i++) {
		if (!arrive_back(r, p->links[p->last + i], r->text.n))
			continue;
		note(r, u, pos, r->high);
		keep_wild(r->m, s, str_of(r->text.p + pos, r->high - pos));
		return true;
	}
	r->failed_from[s->wild] = pos;
	return miss(r, u, pos);
}

bool
pattern_may_match(const struct pattern *p, struct str text)
{
	if (text.n < p->min_len)
		return false;
	if (!p->ends_literal)
		return true;
	for (uint16_t i = 0; i < p->nlast; i++)
		if (step_literal_before(&p->steps[p->links[p->last + i]], text, 0, text.n))
			return true;
	return false;
}

/* Most patterns with a wildcard fail for want of a literal: seen before any place is tried. */
static bool
holds_must(const struct pattern *p, struct str text, struct match *m)
{
	size_t from = 0;

	for (uint8_t i = 0; i < p->nmust; i++) {
		const struct step *s = &p->steps[p->must[i]];
		struct str rest = str_from(text, from);
		size_t at = find_step(s, rest);

		m->steps += 1 + at / 8;
		if (at == rest.n) {
			m->stopped_at = from;
			m->stopped_step = p->must[i];
			return false;
		}
		from += at + s->len;
	}
	return true;
}

bool
pattern_match(const struct pattern *p, struct str text, struct match *m)
{
	struct run r;

	m->have = 0;
	m->stopped_at = 0;
	m->stopped_step = p->nlast ? p->links[p->last] : STEP_END;
	m->steps++;
	if (!pattern_may_match(p, text) || !holds_must(p, text, m))
		return false;
	r.p = p;
	r.text = text;
	r.m = m;
	r.steps_max = m->steps + MATCH_STEPS_MAX(text.n);
	for (uint16_t i = 0; i < p->nwilds; i++)
		r.failed_from[i] = SIZE_MAX;
	for (uint16_t i = 0; i < p->nfirst; i++) {
		if (m->trail)
			*m->trail = (struct trail){ .right = TRAIL_MAX };
		if (arrive(&r, p->links[p->first + i], 0))
			return true;
		m->have = 0;
	}
	return false;
}
