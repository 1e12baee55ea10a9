/*
 * choose: which bytes a run of a mould may hold, so that the step that took it ends there in every text that fits:
 * see match.c and hole.c for where each kind of step ends. Must refuse a step of which that is not certain.
 */
#include "watch/mould/learn.h"

#define SAME_MAX 48u                   /* a value that is part of a mould is no longer */
#define SAME_SHORT 5u                  /* and so short when it holds digits: the names of interfaces */

bool
all_of(const struct learner *L, const struct mould_part *part, const struct trail_step *at)
{
	bool bytes[256];

	mould_run_bytes(part, bytes);
	for (uint32_t i = at->from; i < at->to; i++)
		if (!bytes[(unsigned char)L->text.p[i]])
			return false;
	return true;
}

/* The byte that a run must not hold besides what stops it, for the sake of the step before it; 0: none. */
static char
before_run(const struct learner *L, uint16_t i)
{
	const struct step *prev = i > L->pivot ? step_of(L, i - 1) : NULL;

	return prev && prev->code == STEP_LIT ? prev->lit[prev->len - 1] : 0;
}

/* Kinds of runs for a hole of any text, by how wide the mould is to be. */
static bool
choose_free(const struct learner *L, uint16_t i, struct mould_part *part)
{
	static const uint8_t kinds[MOULD_WIDTHS][4] = {
		{ RUN_VISIBLE, RUN_NAME }, { RUN_NAME, RUN_VISIBLE }, { RUN_DIGITS, RUN_HEX, RUN_NAME, RUN_VISIBLE },
		{ RUN_DIGITS, RUN_HEX, RUN_NAME, RUN_VISIBLE },
	};
	const struct trail_step *at = &L->trail.passed[i];
	char not = before_run(L, i);

	for (size_t k = 0; k < ARRAY_LEN(kinds[0]) && kinds[L->width][k]; k++) {
		bool bytes[256];

		part->run = kinds[L->width][k];
		mould_run_bytes(part, bytes);
		if (!bytes[(unsigned char)part->stop] && !(not && bytes[(unsigned char)not]) && all_of(L, part, at))
			return true;
	}
	return false;
}

/* Signs alone, as the "-" that stands for nothing. */
static bool
only_signs(const struct learner *L, uint16_t i)
{
	const struct trail_step *at = &L->trail.passed[i];

	for (uint32_t k = at->from; k < at->to; k++)
		if (mould_is_letter(L->text.p[k]) || (unsigned)(L->text.p[k] - '0') <= 9)
			return false;
	return true;
}

/* A value without digits may well be a fixed text that the pattern calls a hole. */
static bool
choose_same(const struct learner *L, uint16_t i, struct mould_part *part)
{
	const struct trail_step *at = &L->trail.passed[i];

	bool shortest = L->width == MOULD_WIDTHS - 1 && at->to - at->from <= SAME_SHORT;

	for (uint32_t k = at->from; k < at->to && !shortest; k++)
		if ((unsigned)(L->text.p[k] - '0') <= 9)
			return false;
	if (at->to - at->from > SAME_MAX)
		return false;
	part->run = RUN_SAME;
	return true;
}

/* A wildcard: it ends where the step behind it first can begin, or, right of the untrusted hole, the one before it. */
static bool
choose_wild(const struct learner *L, uint16_t i, struct mould_part *part)
{
	const struct trail_step *at = &L->trail.passed[i];
	const struct step *next = i + 1 < L->n ? step_of(L, i + 1) : NULL;
	const struct step *prev = i > L->pivot ? step_of(L, i - 1) : NULL;
	bool pivot = i == L->pivot;

	if (next && next->code != STEP_LIT && next->code != STEP_BLANKS)
		return false;
	if (next && next->code == STEP_LIT && !one_case(next, next->lit[0]))
		return false;
	if (prev && prev->code != STEP_LIT && prev->code != STEP_BLANKS)
		return false;
	if (prev && prev->code == STEP_LIT && !one_case(prev, prev->lit[prev->len - 1]))
		return false;
	if (L->lead_limited && !pivot && i < L->pivot && at->from == 0)
		return false;
	if (((L->width == MOULD_WIDTHS - 1 && !pivot) || only_signs(L, i)) && choose_same(L, i, part))
		return true;
	if (choose_free(L, i, part))
		return true;
	if (L->width > 0 && choose_same(L, i, part))
		return true;
	part->run = next ? RUN_TEXT : RUN_REST;
	if (!prev && !(next && is_blank(part->stop)) && all_of(L, part, at))
		return true;
	return choose_same(L, i, part);
}

static bool
digits_only(const struct learner *L, const struct trail_step *at)
{
	for (uint32_t i = at->from; i < at->to; i++)
		if ((unsigned)(L->text.p[i] - '0') > 9)
			return false;
	return true;
}

static bool
is_quad(const struct learner *L, const struct trail_step *at)
{
	struct mould_part part = { .run = RUN_QUAD };

	return at->to - at->from <= 15 && all_of(L, &part, at) && str_find_byte(str_of(L->text.p + at->from, 2), ':') == 2;
}

bool
choose_piece(const struct learner *L, size_t from, size_t to, struct mould_part *part)
{
	static const uint8_t kinds[] = { RUN_DIGITS, RUN_QUAD, RUN_HEX, RUN_NAME, RUN_VISIBLE };
	const struct trail_step at = { 0, (uint32_t)from, (uint32_t)to };
	size_t dots = 0;

	for (size_t i = from; i < to; i++)
		dots += L->text.p[i] == '.';
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		part->run = kinds[k];
		if (all_of(L, part, &at) && !(part->run == RUN_QUAD && (dots != 3 || to - from < 7)))
			return true;
	}
	return false;
}

/* A bounded hole whose value is as plain as most are: see hole.c for what each type takes. */
static uint8_t
plain_run(const struct learner *L, enum hole_type t, const struct trail_step *at, char stop)
{
	char last = L->text.p[at->to - 1];

	if (t == HOLE_IP || t == HOLE_ADDR)
		return is_quad(L, at) && last != '.' && stop != '.' ? RUN_QUAD : RUN_NONE;
	if (t == HOLE_PORT)
		return digits_only(L, at) && at->to - at->from <= 5 && !mould_is_letter(stop) ? RUN_PORT : RUN_NONE;
	if (t == HOLE_INT || t == HOLE_NUM)
		return digits_only(L, at) && at->to - at->from <= 20 && !(t == HOLE_NUM && stop == '.') ? RUN_DIGITS : RUN_NONE;
	if (t == HOLE_HEX)
		return (stop | 0x20) != 'x' ? RUN_HEX : RUN_NONE;
	return t == HOLE_HOST && last != '.' ? RUN_HOST : RUN_NONE;
}

/* Bytes that a hole reaches back over while it looks for its beginning (hole.c): none may stand before the run. */
static bool
begins_apart(enum hole_type t, char before)
{
	bool name = mould_is_letter(before) || (unsigned)(before - '0') <= 9 || strchr("._-", before);

	return !name && !strchr(t == HOLE_IP || t == HOLE_ADDR ? ":%[]" : "+", before);
}

static bool
choose_bounded(const struct learner *L, uint16_t i, const struct step *s, struct mould_part *part)
{
	const struct trail_step *at = &L->trail.passed[i];

	part->run = plain_run(L, s->type, at, part->stop);
	if (part->run != RUN_NONE) {
		bool bytes[256];

		mould_run_bytes(part, bytes);
		if ((part->stop && bytes[(unsigned char)part->stop]) || !all_of(L, part, at))
			part->run = RUN_NONE;
	}
	if (i > L->pivot)
		return part->run != RUN_NONE && begins_apart(s->type, L->text.p[at->from - 1]);
	if (part->run != RUN_NONE)
		return true;
	part->run = RUN_HOLE;
	part->type = s->type;
	part->next = i + 1 < L->n ? step_of(L, i + 1) : NULL;
	return true;
}

/* A word ends at a blank, or where the literal that follows begins. */
static bool
choose_word(const struct learner *L, uint16_t i, struct mould_part *part)
{
	const struct step *next = i + 1 < L->n ? step_of(L, i + 1) : NULL;
	const struct step *prev = i > L->pivot ? step_of(L, i - 1) : NULL;

	if (next && next->code == STEP_LIT && !one_case(next, next->lit[0]))
		return false;
	if (next && next->code != STEP_LIT && part->stop && !is_blank(part->stop))
		return false;
	if (prev && prev->code == STEP_LIT && !one_case(prev, prev->lit[prev->len - 1]))
		return false;
	return ((L->width == MOULD_WIDTHS - 1 || only_signs(L, i)) && choose_same(L, i, part)) || choose_free(L, i, part) || choose_same(L, i, part);
}

bool
choose_run(const struct learner *L, uint16_t i, struct mould_part *part)
{
	const struct step *s = step_of(L, i);

	if (step_is_wild(s))
		return choose_wild(L, i, part);
	if (s->type == HOLE_WORD)
		return choose_word(L, i, part);
	if (s->type == HOLE_TIME) {
		part->run = RUN_TIME;
		part->type = HOLE_TIME;
		return i < L->pivot;
	}
	return choose_bounded(L, i, s, part);
}
