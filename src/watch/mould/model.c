/*
 * model: see model.h. A pattern is followed over fixed bytes and runs as the matcher would follow it, as
 * long as it is certain where each step ends; then the rest is taken for a match. Must never call certain what depends
 * on the bytes of a run.
 */
#include "watch/mould/model.h"

#define DEEP_MAX 40                    /* steps that a way is followed */
#define NEEDLE_MAX 62u
#define INSIDE ((size_t)1 << 40)       /* of a place: somewhere within the run that begins there, with bytes left */

static bool
lay_run(struct model *m, const struct mould_part *part, size_t from, size_t to)
{
	struct model_run *run = &m->runs[m->nruns];

	if (m->nruns == MODEL_RUNS_MAX)
		return false;
	run->begin = from;
	run->end = to;
	run->kind = part->run;
	mould_run_bytes(part, run->has);
	memset(m->run_at + from, m->nruns, to - from);
	m->nruns++;
	return true;
}

bool
model_add(struct model *m, const struct mould_part *part, size_t from, size_t to)
{
	static const struct mould_part number = { .run = RUN_DIGITS };

	if (part->run != RUN_QUAD)
		return lay_run(m, part, from, to);
	/* Of a dotted quad the dots are fixed. */
	for (size_t i = from; i <= to; i++) {
		if (i < to && m->text.p[i] != '.')
			continue;
		if (!lay_run(m, &number, from, i))
			return false;
		from = i + 1;
	}
	return true;
}

/* Runs that end where a byte stands that they cannot hold; others only look so in this one text. */
static bool
ends_for_certain(const struct model_run *run)
{
	return run->kind != RUN_TIME && run->kind != RUN_HOLE;
}

bool
model_may_be(const struct model *m, size_t pos, char c)
{
	const struct model_run *run = model_run_of(m, pos);

	if (!run)
		return m->text.p[pos] == c;
	return pos > run->begin || run->has[(unsigned char)c] || run->kind == RUN_QUOTED;
}

bool
model_may_be_blank(const struct model *m, size_t pos)
{
	return model_may_be(m, pos, ' ') || model_may_be(m, pos, '\t');
}

static bool fails(struct model *m, const struct pattern *p, uint16_t u, size_t pos, int deep);

/* All that may follow a step fails at pos. */
static bool
all_fail(struct model *m, const struct pattern *p, const struct step *s, size_t pos, int deep)
{
	for (uint16_t i = 0; i < s->nnext; i++)
		if (!fails(m, p, p->links[s->next + i], pos, deep + 1))
			return false;
	return true;
}

/*
 * A literal is laid over fixed bytes and runs. A run goes as far as the literal has bytes that it may hold: the first
 * other one must be what stands behind it.
 */
static bool
literal_fails(struct model *m, const struct pattern *p, const struct step *s, size_t pos, int deep)
{
	pos &= ~INSIDE;
	for (uint16_t i = 0; i < s->len;) {
		const struct model_run *run = pos < m->text.n ? model_run_of(m, pos) : NULL;
		uint16_t first = i;

		if (pos >= m->text.n)
			return true;
		if (!run) {
			if (m->text.p[pos] != s->lit[i] && m->text.p[pos] != mould_other_case(s, s->lit[i]))
				return true;
			i++;
			pos++;
			continue;
		}
		if (pos > run->begin)
			return false;
		while (i < s->len && model_run_takes(run, s, s->lit[i]))
			i++;
		if (i == first && run->kind != RUN_QUOTED)
			return true;
		if (!ends_for_certain(run))
			return false;
		if (i == s->len && !all_fail(m, p, s, run->begin | INSIDE, deep))
			return false;
		pos = run->end;
	}
	return all_fail(m, p, s, pos, deep);
}

static bool
blanks_fail(struct model *m, const struct pattern *p, const struct step *s, size_t pos, int deep)
{
	bool inside = pos & INSIDE;
	size_t at = pos &= ~INSIDE;

	if (inside)
		return !model_may_be_blank(m, pos);
	while (at < m->text.n && !model_run_of(m, at) && is_blank(m->text.p[at]))
		at++;
	if (at - pos > 1 || (at < m->text.n && model_may_be_blank(m, at)))
		return false;              /* how many are taken depends on what follows */
	if (at == pos && at > 0 && at < m->text.n && !model_run_of(m, at - 1) && !is_blank(m->text.p[at - 1]))
		return true;
	if (at == pos && at > 0 && at < m->text.n && model_run_of(m, at - 1) && !model_run_of(m, at - 1)->has[' '] &&
	    !model_run_of(m, at - 1)->has['\t'] && model_run_of(m, at - 1)->kind != RUN_QUOTED)
		return true;
	return all_fail(m, p, s, at, deep);
}

/* Literals and the blanks between them, as far as they follow each other for certain. */
struct needle {
	unsigned n;
	uint64_t blanks;               /* bit per place: one or more blanks */
	char c[NEEDLE_MAX], other[NEEDLE_MAX];
};

static void
thread(struct needle *needle, const struct pattern *p, const struct step *s)
{
	needle->n = 0;
	needle->blanks = 0;
	while (s->code == STEP_LIT || (s->code == STEP_BLANKS && s->nnext == 1 && p->links[s->next] != STEP_END)) {
		if (needle->n + (s->code == STEP_LIT ? s->len : 1u) > NEEDLE_MAX)
			break;
		if (s->code == STEP_BLANKS)
			needle->blanks |= UINT64_C(1) << needle->n++;
		for (uint16_t i = 0; s->code == STEP_LIT && i < s->len; i++, needle->n++) {
			needle->c[needle->n] = s->lit[i];
			needle->other[needle->n] = mould_other_case(s, s->lit[i]);
		}
		if (s->nnext != 1 || p->links[s->next] == STEP_END)
			break;
		s = &p->steps[p->links[s->next]];
	}
	/* Blanks at the end of a needle may be the end of the text. */
	while (needle->n && needle->blanks >> (needle->n - 1) & 1)
		needle->n--;
}

/* Bit per place of the needle where each byte may stand. */
static void
spread(const struct needle *needle, uint64_t *ret)
{
	memset(ret, 0, 256 * sizeof(*ret));
	for (unsigned i = 0; i < needle->n; i++) {
		bool blank = needle->blanks >> i & 1;

		ret[(unsigned char)(blank ? ' ' : needle->c[i])] |= UINT64_C(1) << i;
		ret[(unsigned char)(blank ? '\t' : needle->other[i])] |= UINT64_C(1) << i;
	}
}

/* The same of a run. */
static uint64_t
mask_of_run(const struct model_run *run, const struct needle *needle)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < needle->n; i++) {
		bool takes = needle->blanks >> i & 1 ? run->has[' '] || run->has['\t'] :
		    run->has[(unsigned char)needle->c[i]] || run->has[(unsigned char)needle->other[i]];

		mask |= (uint64_t)takes << i;
	}
	return mask;
}

static inline uint64_t
move(const struct needle *needle, uint64_t at, uint64_t mask)
{
	return (at << 1 | 1 | (at & needle->blanks)) & mask;
}

/*
 * Could some text that fits hold the step from pos on, with what must follow it? All places in the needle at once, a bit
 * each (Baeza-Yates, Gonnet 1992).
 */
bool
model_may_hold(const struct model *m, const struct pattern *p, const struct step *s, size_t pos)
{
	struct needle needle;
	uint64_t at = 0, end, masks[256];

	thread(&needle, p, s);
	if (needle.n == 0)
		return true;
	spread(&needle, masks);
	end = UINT64_C(1) << (needle.n - 1);
	pos &= ~INSIDE;
	/* A blank at its beginning may be the one that stands just before. */
	if ((needle.blanks & 1) && pos > 0 && model_may_be_blank(m, pos - 1))
		at = 1;
	while (pos < m->text.n) {
		const struct model_run *run = model_run_of(m, pos);
		uint64_t within = 0, before;

		if (!run) {
			at = move(&needle, at, masks[(unsigned char)m->text.p[pos++]]);
		} else {
			uint64_t stays = run->kind == RUN_QUOTED ? at : 0, mask = mask_of_run(run, &needle);

			/* One byte at least, then as many as may be. */
			do {
				before = within;
				within |= move(&needle, at | within, mask);
			} while (within != before);
			at = within | stays;
			pos = run->end;
		}
		if (at & end)
			return true;
	}
	return false;
}

enum ending { ENDS_SOMEWHERE, ENDS_THERE, ENDS_NOWHERE };

/* Are all bytes of this stretch fixed, as far as there is text? */
static bool
is_fixed(const struct model *m, size_t from, size_t n)
{
	for (size_t i = from; i < from + n && i < m->text.n; i++)
		if (model_run_of(m, i))
			return false;
	return true;
}

/* A word ends at a blank, or where the literal that follows begins. */
static enum ending
word_ending(const struct model *m, const struct step *next, size_t pos, size_t *ret_end)
{
	const struct step *lit = next && next->code == STEP_LIT ? next : NULL;
	size_t at = pos &= ~INSIDE;

	while (at < m->text.n && !(!model_run_of(m, at) && is_blank(m->text.p[at]))) {
		const struct model_run *run = model_run_of(m, at);
		char c = m->text.p[at];

		if (run && (at > run->begin || run->has[' '] || run->has['\t'] || (lit && model_run_takes(run, lit, lit->lit[0]))))
			return ENDS_SOMEWHERE;
		if (!run && lit && at > pos && (c == lit->lit[0] || c == mould_other_case(lit, lit->lit[0]))) {
			if (!is_fixed(m, at, lit->len + 1u))
				return ENDS_SOMEWHERE;
			if (step_ends_word(lit, m->text, at))
				break;
		}
		at = run ? run->end : at + 1;
	}
	*ret_end = at;
	return at > pos ? ENDS_THERE : ENDS_NOWHERE;
}

static bool
only_digits(const struct model_run *run)
{
	return run && (run->kind == RUN_DIGITS || run->kind == RUN_PORT);
}

static bool
signs_name(char c)
{
	return mould_is_letter(c) || (unsigned)(c - '0') <= 9 || c == '.' || c == '-' || c == '_';
}

/* Does a quad stand here? Then four runs of digits do. */
static bool
quad_at(const struct model *m, size_t pos, size_t *ret_end)
{
	for (int part = 0; part < 4; part++) {
		const struct model_run *run = pos < m->text.n ? model_run_of(m, pos) : NULL;

		if (!only_digits(run) || pos != run->begin)
			return false;
		pos = run->end;
		if (part == 3)
			break;
		if (pos >= m->text.n || model_run_of(m, pos) || m->text.p[pos] != '.')
			return false;
		pos++;
	}
	*ret_end = pos;
	return pos == m->text.n || (!model_run_of(m, pos) && !signs_name(m->text.p[pos]) && m->text.p[pos] != ':');
}

/* The end of all that may be of a name from pos on, if it is certain. */
static bool
name_ends(const struct model *m, size_t pos, size_t *ret_end)
{
	while (pos < m->text.n) {
		const struct model_run *run = model_run_of(m, pos);

		if (run) {
			for (int c = 0; c < 256; c++)
				if (run->has[c] && !signs_name((char)c))
					return false;
			if (!ends_for_certain(run))
				return false;
		} else if (!signs_name(m->text.p[pos])) {
			break;
		}
		pos = run ? run->end : pos + 1;
	}
	*ret_end = pos;
	return true;
}

/* A name ends where no more of it can come, unless what follows could stand within it. */
static enum ending
host_ending(const struct model *m, const struct step *next, size_t pos, size_t *ret_end)
{
	if (!name_ends(m, pos, ret_end) || (next && next->code != STEP_LIT && next->code != STEP_BLANKS) ||
	    (next && next->code == STEP_LIT && signs_name(next->lit[0])))
		return ENDS_SOMEWHERE;
	return ENDS_THERE;
}

static enum ending
number_ending(const struct model *m, enum hole_type t, const struct model_run *run, size_t *ret_end)
{
	char stop = run->end < m->text.n ? m->text.p[run->end] : ' ';

	if (run->end < m->text.n && model_run_of(m, run->end))
		return ENDS_SOMEWHERE;
	if (t == HOLE_PORT && signs_name(stop))
		return ENDS_SOMEWHERE;
	if (t == HOLE_NUM && stop == '.') {
		run = run->end + 1 < m->text.n ? model_run_of(m, run->end + 1) : NULL;
		if (!only_digits(run))
			return ENDS_SOMEWHERE;
	}
	*ret_end = run->end;
	return ENDS_THERE;
}

/* An address before a full stop is taken for a name that ends before its last one. */
static enum ending
quad_ending(const struct model *m, enum hole_type t, const struct step *next, size_t *io_end)
{
	if (t != HOLE_ADDR || !next || next->code != STEP_LIT || !signs_name(next->lit[0]))
		return ENDS_THERE;
	if (next->lit[0] != '.' || next->len != 1)
		return ENDS_SOMEWHERE;
	*io_end = model_run_of(m, *io_end - 1)->begin - 1;
	return ENDS_THERE;
}

/* A sign that no digit follows. */
static bool
sign_alone(const struct model *m, size_t pos)
{
	return pos + 1 < m->text.n && is_fixed(m, pos, 2) && (m->text.p[pos] == '-' || m->text.p[pos] == '+') &&
	    (unsigned)(m->text.p[pos + 1] - '0') > 9;
}

static bool
may_begin(struct model *m, enum hole_type t, size_t pos)
{
	enum { NO = 1, YES };
	struct model_run *run = m->run_at[pos] == MODEL_FIXED ? NULL : &m->runs[m->run_at[pos]];

	if (!run)
		return hole_may_begin(t, m->text.p[pos]);
	if (!run->begins[t]) {
		run->begins[t] = NO;
		for (int c = 0; c < 256 && run->begins[t] == NO; c++)
			run->begins[t] = run->has[c] && hole_may_begin(t, (char)c) ? YES : NO;
	}
	return run->begins[t] == YES || run->kind == RUN_QUOTED;
}

/* Where a hole at pos ends when `next` is to follow (NULL: the end of the text), if that is certain. */
static enum ending
hole_ending(struct model *m, const struct step *s, const struct step *next, size_t pos, size_t *ret_end)
{
	bool within = pos & INSIDE;
	const struct model_run *run = (pos &= ~INSIDE) < m->text.n ? model_run_of(m, pos) : NULL;

	if (pos == m->text.n || !may_begin(m, s->type, pos) || (s->type == HOLE_TIME && pos == 0 && !within && m->no_time))
		return ENDS_NOWHERE;
	if (s->type == HOLE_WORD)
		return word_ending(m, next, pos, ret_end);
	if (s->type == HOLE_HOST)
		return host_ending(m, next, pos, ret_end);
	if (s->type == HOLE_TIME && run && run->kind == RUN_TIME && pos == run->begin && !within) {
		*ret_end = run->end;
		return ENDS_THERE;
	}
	if ((s->type == HOLE_IP || s->type == HOLE_ADDR) && quad_at(m, pos, ret_end))
		return quad_ending(m, s->type, next, ret_end);
	if ((s->type == HOLE_INT || s->type == HOLE_NUM) && sign_alone(m, pos))
		return ENDS_NOWHERE;
	if ((s->type == HOLE_INT || s->type == HOLE_NUM || s->type == HOLE_PORT) && only_digits(run) && pos == run->begin)
		return number_ending(m, s->type, run, ret_end);
	if (s->type == HOLE_QUOTED && !run && pos + 1 < m->text.n && model_run_of(m, pos + 1) &&
	    model_run_of(m, pos + 1)->kind == RUN_QUOTED && model_run_of(m, pos + 1)->end < m->text.n &&
	    m->text.p[model_run_of(m, pos + 1)->end] == '"') {
		*ret_end = model_run_of(m, pos + 1)->end + 1;
		return ENDS_THERE;
	}
	return ENDS_SOMEWHERE;
}

static bool
hole_fails(struct model *m, const struct pattern *p, const struct step *s, size_t pos, int deep)
{
	for (uint16_t i = 0; i < s->nnext; i++) {
		uint16_t v = p->links[s->next + i];
		size_t end = pos;
		enum ending how = hole_ending(m, s, v == STEP_END ? NULL : &p->steps[v], pos, &end);

		if (how == ENDS_SOMEWHERE || (how == ENDS_THERE && !fails(m, p, v, end, deep + 1)))
			return false;
	}
	return true;
}

/* A wildcard fails when a literal that must follow stands nowhere; at the very beginning it may be no wildcard at all. */
static bool
wild_fails(struct model *m, const struct pattern *p, const struct step *s, size_t pos, int deep)
{
	if (s->code == STEP_SKIP && pos == 0 && m->no_lead && !(pos & INSIDE)) {
		for (uint16_t i = 0; i < s->nnext; i++)
			if (p->links[s->next + i] == STEP_END)
				return false;
		return all_fail(m, p, s, pos, deep);
	}
	for (uint16_t i = 0; s->code == STEP_SKIP && i < s->nnext; i++) {
		const struct step *next = p->links[s->next + i] == STEP_END ? NULL : &p->steps[p->links[s->next + i]];

		if (!next || model_may_hold(m, p, next, pos))
			return false;
	}
	return s->code == STEP_SKIP;
}

static bool
fails(struct model *m, const struct pattern *p, uint16_t u, size_t pos, int deep)
{
	const struct step *s;

	if (deep > DEEP_MAX)
		return false;
	if (u == STEP_END)
		return (pos & ~INSIDE) < m->text.n;
	s = &p->steps[u];
	if (s->code == STEP_LIT)
		return literal_fails(m, p, s, pos, deep);
	if (s->code == STEP_BLANKS)
		return blanks_fail(m, p, s, pos, deep);
	return s->code == STEP_HOLE ? hole_fails(m, p, s, pos, deep) : wild_fails(m, p, s, pos, deep);
}

bool
model_fails(struct model *m, const struct pattern *p, uint16_t u, size_t pos)
{
	return fails(m, p, u, pos, 0);
}

/* Can a hole end with c? Of times nothing is said. */
static bool
may_end_with(enum hole_type t, char c)
{
	if (t == HOLE_QUOTED)
		return c == '"';
	for (unsigned phase = 0; t != HOLE_TIME && phase < 2; phase++) {
		unsigned to = hole_run(t, phase, c);

		if (to != HOLE_RUN_DEAD && hole_run_may_end(to))
			return true;
	}
	return t == HOLE_TIME;
}

bool
model_ends_otherwise(const struct model *m, const struct step *s, size_t end)
{
	if (s->code == STEP_HOLE && end > 0 && !model_run_of(m, end - 1))
		return !may_end_with(s->type, m->text.p[end - 1]);
	for (size_t i = 1; s->code == STEP_LIT && i <= s->len && i <= end; i++) {
		char c = s->lit[s->len - i];
		const struct model_run *run = model_run_of(m, end - i);

		if (run)
			return i == 1 && !model_run_takes(run, s, c) && run->kind != RUN_QUOTED;
		if (m->text.p[end - i] != c && m->text.p[end - i] != mould_other_case(s, c))
			return true;
	}
	return false;
}

static bool
ends_otherwise(const struct model *m, const struct pattern *p)
{
	for (uint16_t i = 0; i < p->nlast; i++)
		if (!model_ends_otherwise(m, &p->steps[p->links[p->last + i]], m->text.n))
			return false;
	return p->nlast > 0;
}

bool
model_refuses(struct model *m, const struct pattern *p)
{
	bool begins = false;

	for (uint16_t i = 0; i < p->nfirst && !begins; i++)
		begins = !fails(m, p, p->links[p->first + i], 0, 0);
	if (!begins || ends_otherwise(m, p))
		return true;
	for (uint16_t i = 0; i < p->nsteps; i++)
		if (p->steps[i].code == STEP_LIT && !model_may_hold(m, p, &p->steps[i], 0) && pattern_always_passes(p, i))
			return true;
	return false;
}
