/*
 * learn: a mould from the trail of one match. Every decision that the matcher took on its way is looked at again:
 * it must follow from the fixed texts and from the bytes that the runs may hold, for then it falls the same way in every
 * text that fits. What is not certain in this sense is refused; this file must never guess.
 */
#include "watch/mould/learn.h"

/* The steps right of the untrusted hole were passed from the end back. Whether they cover the text without a gap. */
static bool
sort_trail(struct learner *L)
{
	struct trail *t = &L->trail;
	size_t end = 0;

	L->n = t->n;
	L->pivot = t->n;
	if (t->n == 0 || t->n > TRAIL_MAX)
		return false;
	if (step_of(L, t->n - 1)->code == STEP_PIVOT) {
		for (uint16_t a = t->right, b = t->n - 1; a < b; a++, b--) {
			struct trail_step swap = t->passed[a];

			t->passed[a] = t->passed[b];
			t->passed[b] = swap;
		}
		L->pivot = t->right;
	}
	for (uint16_t i = 0; i < t->n; i++) {
		if (t->passed[i].from != end)
			return false;
		end = t->passed[i].to;
	}
	return end == L->text.n;
}

/* A new part: the fixed text up to `from`, then a run up to `to`. */
static struct mould_part *
add_part(struct learner *L, size_t from, size_t to)
{
	struct mould *m = L->m;
	struct mould_part *part = &m->parts[m->nparts];
	size_t len = from - L->from;

	if (m->nparts == MOULD_PARTS_MAX || L->nbytes + len > MOULD_BYTES_MAX || (m->nparts && len == 0))
		return NULL;
	*part = (struct mould_part){ .lit = L->nbytes, .len = (uint16_t)len, .stop = to < L->text.n ? L->text.p[to] : 0 };
	memcpy(m->bytes + L->nbytes, L->text.p + L->from, len);
	L->nbytes = (uint16_t)(L->nbytes + len);
	L->from = to;
	m->nparts++;
	return part;
}

/* A wildcard that found the text at its end. */
static bool
empty_rest(struct learner *L, uint16_t i)
{
	const struct step *s = step_of(L, i);

	if (s->code != STEP_SKIP || L->trail.passed[i].from != L->text.n || i + 1 != L->n)
		return false;
	L->rest = s->hole;
	return true;
}

/* The value of the run becomes a part of the mould. */
static bool
add_same(struct learner *L, const struct trail_step *at, struct mould_part *part)
{
	size_t n = at->to - at->from;

	if (L->nbytes + n > MOULD_BYTES_MAX)
		return false;
	part->same = L->nbytes;
	part->nsame = (uint16_t)n;
	memcpy(L->m->bytes + L->nbytes, L->text.p + at->from, n);
	L->nbytes = (uint16_t)(L->nbytes + n);
	return true;
}

/*
 * A wildcard within the text that took nothing: what follows it stood at the first place where it is looked for, and
 * is fixed.
 */
static bool
add_nothing(struct learner *L, uint16_t i)
{
	const struct trail_step *at = &L->trail.passed[i];
	const struct step *s = step_of(L, i), *next = i + 1 < L->n ? step_of(L, i + 1) : NULL;
	uint8_t number = L->m->nparts;
	struct mould_part *part;

	if (s->code != STEP_SKIP || !next || i >= L->pivot || at->from == 0 || at[1].from == at[1].to ||
	    (next->code != STEP_LIT && next->code != STEP_BLANKS))
		return false;
	part = add_part(L, at->from, at->to);
	if (!part)
		return false;
	L->part_of[i] = number;
	part->run = RUN_SAME;
	if (s->hole != STEP_NOT_KEPT)
		L->m->values[L->m->nvalues++] = (struct mould_hole){ s->hole, number, true, false, MOULD_RUN };
	return add_same(L, at, part);
}

static bool
add_run(struct learner *L, uint16_t i)
{
	const struct trail_step *at = &L->trail.passed[i];
	const struct step *s = step_of(L, i);
	bool quoted = s->type == HOLE_QUOTED && s->code == STEP_HOLE;
	uint8_t number = L->m->nparts;
	struct mould_part *part;

	/* What such a value means depends on who looked for a time there before: match_stamp(). */
	if (s->hole != STEP_NOT_KEPT && L->p->holes[s->hole].field == FIELD_time && s->type != HOLE_TIME)
		return false;
	if (at->from == at->to)
		return empty_rest(L, i) || add_nothing(L, i);
	part = add_part(L, at->from + quoted, at->to - quoted);
	if (!part)
		return false;
	L->part_of[i] = number;
	if (quoted) {
		part->run = RUN_QUOTED;
		if (i > L->pivot && (at->from == 0 || L->model.run_at[at->from - 1] != MODEL_FIXED || L->text.p[at->from - 1] == '\\'))
			return false;
		/* An empty one would leave no trace of what others may hold. */
		if (at->to - at->from == 2 || !all_of(L, part, &(struct trail_step){ 0, at->from + 1, at->to - 1 }))
			return false;
	} else if (!choose_run(L, i, part)) {
		return false;
	}
	if (part->run == RUN_SAME ? !add_same(L, at, part) : !model_add(&L->model, part, at->from + quoted, at->to - quoted))
		return false;
	if (s->hole != STEP_NOT_KEPT)
		L->m->values[L->m->nvalues++] = (struct mould_hole){ s->hole, number, step_is_wild(s), false, MOULD_RUN };
	return true;
}

/* The end of the word at `from`. */
static size_t
end_of_word(struct str text, size_t from)
{
	size_t end = from;

	while (end < text.n && !is_blank(text.p[end]))
		end++;
	return end;
}

/* The part of a word that changes: what stands behind a sign of equality, without brackets, quotes and commas around it. */
static void
core_of_word(struct str text, size_t digit, size_t *io_from, size_t *io_to)
{
	size_t sign = *io_from + str_find_byte(str_of(text.p + *io_from, digit - *io_from), '=');

	if (sign < digit)
		*io_from = sign + 1;
	while (*io_from < digit && memchr("([{<\"'", text.p[*io_from], 6))
		++*io_from;
	while (*io_to > digit + 1 && memchr(")]}>\"',;", text.p[*io_to - 1], 8))
		--*io_to;
}

/*
 * What a wildcard took up to the end of the text, in smaller pieces: words that hold a digit are runs, all else is fixed.
 */
static bool
split_rest(struct learner *L, uint16_t i)
{
	const struct trail_step *at = &L->trail.passed[i];
	const struct step *s = step_of(L, i);
	struct mould_hole value = { s->hole, NO_PART, true, false, 0 };
	size_t end;

	for (size_t from = at->from; from < at->to; from = end) {
		struct mould_part *part;
		uint8_t number = L->m->nparts;
		size_t digit = from, begin = from, to;

		to = end = end_of_word(L->text, from);
		while (digit < end && (unsigned)(L->text.p[digit] - '0') > 9)
			digit++;
		/* Addresses of cards are the same in line after line. */
		if (digit < end && !memchr(L->text.p + from, ':', end - from)) {
			core_of_word(L->text, digit, &begin, &to);
			part = add_part(L, begin, to);
			if (!part || !choose_piece(L, begin, to, part) || !model_add(&L->model, part, begin, to))
				return false;
			if (value.part == NO_PART) {
				value.part = number;
				value.back = (uint16_t)(begin - at->from);
			}
		}
		end += end == from;
	}
	if (value.part == NO_PART)
		return false;
	if (s->hole != STEP_NOT_KEPT)
		L->m->values[L->m->nvalues++] = value;
	return true;
}

/* Is the rest of the text, taken by a wildcard, worth to be looked at in pieces? */
static bool
may_split(const struct learner *L, uint16_t i)
{
	const struct trail_step *at = &L->trail.passed[i];

	return L->width > 0 && i + 1 == L->n && i != L->pivot && step_of(L, i)->code == STEP_SKIP && at->from > 0 &&
	    str_find_byte(str_of(L->text.p + at->from, at->to - at->from), ' ') < at->to - at->from;
}

static bool
add_parts(struct learner *L)
{
	for (uint16_t i = 0; i < L->n; i++) {
		const struct step *s = step_of(L, i);

		L->part_of[i] = NO_PART;
		if (may_split(L, i)) {
			if (!split_rest(L, i))
				return false;
			continue;
		}
		if (s->code != STEP_LIT && s->code != STEP_BLANKS && !add_run(L, i))
			return false;
	}
	if (L->from < L->text.n && !add_part(L, L->text.n, L->text.n))
		return false;
	if (L->rest != STEP_NOT_KEPT)
		L->m->values[L->m->nvalues++] = (struct mould_hole){ L->rest, (uint8_t)(L->m->nparts - 1), true, true, MOULD_RUN };
	return true;
}

/* Right of the untrusted hole, step u would have to end before pos. */
static bool
fails_back(const struct learner *L, uint16_t u, size_t pos)
{
	return u == STEP_START || u < L->trail.passed[L->pivot].step || model_ends_otherwise(&L->model, &L->p->steps[u], pos);
}

/*
 * A hole may end elsewhere when another step is to follow it: only some cannot, and then only a literal that the run
 * does not hold is certain to fail.
 */
static bool
hole_minds_not(const struct learner *L, uint16_t i, uint16_t other)
{
	const struct trail_step *at = &L->trail.passed[i];
	const struct mould_part *part = &L->m->parts[L->part_of[i]];
	const struct step *s;
	bool bytes[256];

	if (part->run == RUN_TIME || part->run == RUN_QUOTED || part->run == RUN_DIGITS || part->run == RUN_PORT ||
	    other == STEP_END)
		return true;
	s = &L->p->steps[other];
	if (part->run == RUN_QUAD)
		return s->code == STEP_LIT || s->code == STEP_BLANKS;
	if (part->run == RUN_HOLE || part->run == RUN_REST || part->run == RUN_SAME || step_of(L, i)->code != STEP_HOLE)
		return false;
	if (step_of(L, i)->type == HOLE_WORD && at->to < L->text.n && !is_blank(part->stop))
		return false;
	mould_run_bytes(part, bytes);
	return s->code == STEP_LIT && one_case(s, s->lit[0]) && !bytes[(unsigned char)s->lit[0]];
}

/* A wildcard passes by another step that could end it when that stands nowhere in the rest. */
static bool
other_fails(struct learner *L, const struct step *s, uint16_t other, const struct trail_step *at)
{
	if (s->code == STEP_SKIP)
		return other != STEP_END && !model_may_hold(&L->model, L->p, &L->p->steps[other], at->from);
	return model_fails(&L->model, L->p, other, at->to);
}

/* Of the ways on from step i of the trail, all that are asked before the one taken fail. */
static bool
way_is_certain(struct learner *L, uint16_t i)
{
	const struct trail_step *at = &L->trail.passed[i];
	const struct step *s = step_of(L, i);
	uint16_t taken = i + 1 < L->n ? L->trail.passed[i + 1].step : STEP_END;

	for (uint16_t k = 0; k < s->nnext; k++) {
		uint16_t other = L->p->links[s->next + k];

		if (other == taken)
			return true;
		if ((s->code == STEP_BLANKS && at->to - at->from != 1) ||
		    (s->code == STEP_HOLE && !hole_minds_not(L, i, other)) || !other_fails(L, s, other, at))
			return false;
	}
	return false;
}

static bool
way_back_is_certain(const struct learner *L, uint16_t i)
{
	const struct step *s = step_of(L, i);
	uint16_t taken = L->trail.passed[i - 1].step;

	for (uint16_t k = 0; k < s->nprev; k++) {
		uint16_t other = L->p->links[s->prev + k];

		if (other == taken)
			return true;
		if (s->code != STEP_LIT || !fails_back(L, other, L->trail.passed[i].from))
			return false;
	}
	return false;
}

/* Blanks that took nothing stand at an end of the text, or behind a blank: is that so in every text that fits? */
static bool
blanks_are_certain(const struct learner *L, uint16_t i)
{
	const struct trail_step *at = &L->trail.passed[i];
	const struct step *s = step_of(L, i);
	bool first = at->from == 0, last = at->to == L->text.n;

	if (s->code != STEP_BLANKS)
		return true;
	/* Where blanks end is certain when none can follow. */
	if (!last && model_may_be_blank(&L->model, at->to) && !(i + 1 < L->n && i < L->pivot && step_is_wild(step_of(L, i + 1)) &&
	    at->to - at->from == 1))
		return false;
	if (i > L->pivot && !first && L->model.run_at[at->from - 1] != MODEL_FIXED && at->to == at->from)
		return false;
	return at->to > at->from || first || last || L->model.run_at[at->from - 1] == MODEL_FIXED;
}

/*
 * Right of the untrusted hole a wildcard at the end of the text begins behind the last blanks from which the steps before
 * match: at all blanks within, they must fail.
 */
static bool
rest_is_certain(const struct learner *L, uint16_t i)
{
	const struct trail_step *at = &L->trail.passed[i];
	const struct step *s = step_of(L, i);
	uint16_t before = L->trail.passed[i - 1].step;

	if (L->part_of[i] != NO_PART || !step_is_wild(s) || at->from == at->to)
		return true;
	if (s->nprev != 1 || L->p->steps[before].code != STEP_BLANKS)
		return false;
	for (size_t end = at->to; end > at->from; end--) {
		bool fixed = L->model.run_at[end - 1] == MODEL_FIXED;

		if (!fixed && model_run_may_be_blank(&L->model, end - 1))
			return false;
		if (fixed && is_blank(L->text.p[end - 1]) &&
		    !model_fails_back(&L->model, L->p, L->trail.passed[L->pivot].step, before, end))
			return false;
	}
	return true;
}

static bool
begin_is_certain(struct learner *L)
{
	for (uint16_t i = 0; i < L->p->nfirst; i++) {
		uint16_t other = L->p->links[L->p->first + i];

		if (other == L->trail.passed[0].step)
			return true;
		if (!model_fails(&L->model, L->p, other, 0))
			return false;
	}
	return false;
}

static bool
end_is_certain(const struct learner *L)
{
	if (L->pivot == L->n)
		return true;
	for (uint16_t i = 0; i < L->p->nlast; i++) {
		uint16_t other = L->p->links[L->p->last + i];

		if (other == L->trail.passed[L->n - 1].step)
			return true;
		if (!fails_back(L, other, L->text.n))
			return false;
	}
	return false;
}

static bool
is_certain(struct learner *L)
{
	if (!begin_is_certain(L) || !end_is_certain(L))
		return false;
	for (uint16_t i = 0; i < L->n; i++)
		if (!blanks_are_certain(L, i) || (i < L->pivot && !way_is_certain(L, i)) ||
		    (i > L->pivot && (!way_back_is_certain(L, i) || !rest_is_certain(L, i))))
			return false;
	return true;
}

/* The text that it was made of must fit, and give what the pattern gave. */
static bool
fits_itself(const struct learner *L, struct match *scratch)
{
	const char *from[MOULD_PARTS_MAX], *to[MOULD_PARTS_MAX];
	uint64_t have = 0;

	if (!mould_fits(L->m, L->text, scratch, from, to))
		return false;
	for (unsigned i = 0; i < L->m->nvalues; i++) {
		const struct mould_hole *v = &L->m->values[i];
		struct str value = mould_value(v, L->text, from, to);

		have |= UINT64_C(1) << v->hole;
		if (scratch->at[v->hole].p != value.p || scratch->at[v->hole].n != value.n)
			return false;
	}
	return have == scratch->have;
}

/* What is certain of the beginning, beyond its bytes. */
static void
look_at_beginning(struct learner *L, struct match *scratch)
{
	const struct mould_part *first = &L->m->parts[0];

	L->model.no_time = match_time(scratch, L->text, 0) == HOLE_MISS;
	L->model.foreign = first->len == 0 && first->run == RUN_QUAD && first->stop != '.';
	/* Where the fixed text or an address rules a time out, none needs to be looked for. */
	L->m->no_time = L->model.no_time && !L->model.foreign && stamp_may_begin(str_of(L->m->bytes + first->lit, first->len));
	L->model.no_lead = L->lead_limited && L->model.foreign;
}

bool
mould_learn(const struct mould_groups *g, const struct line *l, struct str text, struct match *scratch, unsigned width,
    struct mould *ret)
{
	struct learner L = { .p = &l->pattern, .text = text, .width = width, .lead_limited = g->lead_limited[g->n - 1],
		.rest = STEP_NOT_KEPT, .m = ret, .model.text = text };
	bool matched;

	*ret = (struct mould){ .line = l };
	memset(L.model.run_at, MODEL_FIXED, sizeof(L.model.run_at));
	scratch->trail = &L.trail;
	scratch->lead_limited = L.lead_limited;
	scratch->lead_max = SIZE_MAX;
	matched = pattern_match(&l->pattern, text, scratch);
	scratch->trail = NULL;
	if (!matched || !sort_trail(&L) || !add_parts(&L))
		return false;
	look_at_beginning(&L, scratch);
	if (g->n > 1 && !L.model.no_time)
		return false;              /* what stands behind the time would be a text of its own */
	return is_certain(&L) && fits_itself(&L, scratch) && mould_doubts(g, &L.model, &L.trail, ret);
}
