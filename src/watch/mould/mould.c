/*
 * mould: trying moulds on texts, and keeping them: by the first bytes of the text, those that fitted last in front.
 * Must never spend more on learning than a bounded share of the work that lines pay for.
 */
#include "watch/mould/mould.h"

#include <stdlib.h>

#include "base/text.h"
#include "watch/pattern/span.h"

#define SETS_MAX 96u
#define BUCKETS 16u                    /* power of two */
#define BUCKET_MOULDS_MAX 12u
#define MOULDS_MAX 600u
#define KEY_BYTES 4u                   /* of the text choose the bucket */

/* A pattern is worth a mould when it has matched the long way so often; each further lesson doubles that. */
#define LEARN_AFTER 8u
#define LEARN_DOUBLINGS 10u
#define NARROW_LESSONS 3u              /* then each bears two more doubts, for a wider mould */
#define LESSONS_AT_FIRST 300
#define LINES_A_LESSON 64

struct mould_set {
	uint32_t first;                        /* the group that is asked first of all */
	uint32_t groups[WORK_GROUPS_MAX + DECODE_ROUTE_MAX + 1], n;
	struct mould *bucket[2][BUCKETS + 1];  /* with a plan, and without; the last of each: those without a fixed beginning */
};

struct lesson {                        /* by line: how often it came the long way, and what came of it */
	uint16_t seen;
	uint8_t doublings;
};

struct moulds {
	const struct decoders *decoders;
	struct mould_set *sets[SETS_MAX];
	struct mould_set *recent;      /* asked for last */
	uint32_t nsets, nmoulds;
	uint64_t taken;
	struct lesson *lessons;
	int32_t credit;                /* LINES_A_LESSON for each lesson that may still be taken */
	struct mould draft, best;      /* scratch */
};

struct moulds *
moulds_new(const struct decoders *d)
{
	struct moulds *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->decoders = d;
	m->credit = LESSONS_AT_FIRST * LINES_A_LESSON;
	m->lessons = calloc(d->nlines + 1, sizeof(*m->lessons));
	if (!m->lessons) {
		free(m);
		return NULL;
	}
	return m;
}

static void
set_free(struct mould_set *set)
{
	for (uint32_t i = 0; i < 2 * (BUCKETS + 1); i++) {
		struct mould **first = &set->bucket[i & 1][i / 2];

		while (*first) {
			struct mould *next = (*first)->next;

			free(*first);
			*first = next;
		}
	}
	free(set);
}

void
moulds_free(struct moulds *m)
{
	for (uint32_t i = 0; m && i < m->nsets; i++)
		set_free(m->sets[i]);
	if (m)
		free(m->lessons);
	free(m);
}

static inline bool
is_set_of(const struct mould_set *set, const uint32_t *groups, uint32_t n)
{
	return set->n == n && memcmp(set->groups, groups, n * sizeof(*groups)) == 0;
}

struct mould_set *
moulds_of(struct moulds *m, const uint32_t *groups, uint32_t n)
{
	struct mould_set *set = m ? m->recent : NULL;

	if (set && is_set_of(set, groups, n))
		return set;
	for (uint32_t i = 0; m && i < m->nsets; i++)
		if (is_set_of(m->sets[i], groups, n))
			return m->recent = m->sets[i];
	set = m && m->nsets < SETS_MAX ? calloc(1, sizeof(*set)) : NULL;
	if (!set)
		return NULL;
	memcpy(set->groups, groups, n * sizeof(*groups));
	set->n = n;
	set->first = n ? groups[0] : m->decoders->any;
	m->sets[m->nsets++] = set;
	return set;
}

uint64_t
moulds_taken(const struct moulds *m)
{
	return m->taken;
}

/* The runs that are nothing but bytes of one kind: which, and how many at most. */
static const struct {
	uint8_t span;
	uint16_t most;
} plain[] = {
	[RUN_DIGITS] = { SPAN_DIGITS, 20 }, [RUN_PORT] = { SPAN_DIGITS, 5 }, [RUN_HEX] = { SPAN_HEX, 64 },
	[RUN_HOST] = { SPAN_NAME, HOLE_HOST_MAX }, [RUN_NAME] = { SPAN_NAME, UINT16_MAX },
	[RUN_VISIBLE] = { SPAN_VISIBLE, UINT16_MAX },
};

/* What a hole may hold, for all that it may have taken before. */
static void
hole_bytes(enum hole_type t, bool *ret)
{
	unsigned known = 0, more = 1;      /* bit per phase that can be reached */

	memset(ret, false, 256);
	while (known != more) {
		known = more;
		for (unsigned phase = 0; known >> phase; phase++) {
			for (int byte = 0; known >> phase & 1 && byte < 256; byte++) {
				unsigned to = hole_run(t, phase, (char)byte);

				if (to == HOLE_RUN_DEAD)
					continue;
				ret[byte] = true;
				more |= 1u << to;
			}
		}
	}
}

static bool
run_has(const struct mould_part *part, char c)
{
	switch ((enum mould_run)part->run) {
	case RUN_NONE:
	case RUN_SAME:
	case RUN_TIME:
	case RUN_HOLE:
		return false;
	case RUN_QUAD:
		return span_has(SPAN_DIGITS, 0, c) || c == '.';
	case RUN_PORT:
	case RUN_DIGITS:
	case RUN_HEX:
	case RUN_HOST:
	case RUN_NAME:
	case RUN_VISIBLE:
		return span_has(plain[part->run].span, part->stop, c);
	case RUN_TEXT:
		return c != part->stop;
	case RUN_QUOTED:
		return c != '"' && c != '\\';
	case RUN_REST:
		return true;
	}
	return false;
}

void
mould_run_bytes(const struct mould_part *part, bool *ret)
{
	if (part->run == RUN_TIME || part->run == RUN_HOLE) {
		hole_bytes(part->type, ret);
		return;
	}
	for (int c = 0; c < 256; c++)
		ret[c] = run_has(part, (char)c);
}

static const char *
pass_port(const char *p, const char *end)
{
	unsigned value = 0;
	const char *from = p;

	for (; p < end && p - from < 6 && (unsigned)(*p - '0') <= 9; p++)
		value = value * 10 + (unsigned)(*p - '0');
	return value <= 65535 ? p : NULL;
}

/* Where the run at p ends; NULL when it is none. Only quoted texts may be empty. */
static inline const char *
pass_run(const struct mould_part *part, const char *bytes, struct str text, const char *p, struct match *match)
{
	const char *end = text.p + text.n, *at = NULL;
	struct str value;
	size_t n;

	switch ((enum mould_run)part->run) {
	case RUN_NONE:
		return p;
	case RUN_SAME:
		return (size_t)(end - p) >= part->nsame && same_bytes(p, bytes + part->same, part->nsame) ? p + part->nsame : NULL;
	case RUN_DIGITS:
	case RUN_HEX:
	case RUN_NAME:
	case RUN_VISIBLE:
		at = span_end(plain[part->run].span, part->stop, text, p);
		break;
	case RUN_HOST:
		at = span_end(SPAN_NAME, 0, text, p);
		if (at == p || at[-1] == '.' || *p == '.' || *p == '-' || *p == '_')
			return NULL;
		break;
	case RUN_PORT:
		at = pass_port(p, end);
		break;
	case RUN_QUAD:
		at = p + text_quad(str_of(p, (size_t)(end - p)));
		break;
	case RUN_TEXT:
		at = memchr(p, part->stop, (size_t)(end - p));
		break;
	case RUN_QUOTED:
		at = memchr(p, '"', (size_t)(end - p));
		return at && !memchr(p, '\\', (size_t)(at - p)) ? at : NULL;
	case RUN_REST:
		at = end;
		break;
	case RUN_TIME:
		n = match_time(match, text, (size_t)(p - text.p));
		at = n == HOLE_MISS ? NULL : text.p + n;
		break;
	case RUN_HOLE:
		n = hole_forward(part->type, text, (size_t)(p - text.p), part->next, &value, &match->steps);
		at = n == HOLE_MISS || value.p != p || value.n != n - (size_t)(p - text.p) ? NULL : text.p + n;
		break;
	}
	if (!at || at == p || (part->run < ARRAY_LEN(plain) && plain[part->run].most && at - p > plain[part->run].most))
		return NULL;
	return at;
}

bool
mould_fits(const struct mould *m, struct str text, struct match *match, const char **from, const char **to)
{
	const char *p = text.p, *end = text.p + text.n;

	for (unsigned i = 0; i < m->nparts; i++) {
		const struct mould_part *part = &m->parts[i];

		if ((size_t)(end - p) < part->len || !same_bytes(p, m->bytes + part->lit, part->len))
			return false;
		from[i] = p += part->len;
		p = pass_run(part, m->bytes, text, p, match);
		if (!p)
			return false;
		to[i] = p;
	}
	return p == end;
}

static void
keep_values(const struct mould *m, struct str text, const char **from, const char **to, struct match *match)
{
	match->have = 0;
	for (unsigned i = 0; i < m->nvalues; i++) {
		const struct mould_hole *v = &m->values[i];

		match->at[v->hole] = mould_value(v, text, from, to);
		match->have |= UINT64_C(1) << v->hole;
	}
}

static inline unsigned
bucket_of(const char *p)
{
	uint32_t key;

	_Static_assert(sizeof(key) == KEY_BYTES, "a key is read at once");
	memcpy(&key, p, sizeof(key));
	return key * 2654435769u >> 28 & (BUCKETS - 1);
}

/* Might a pattern that the long way tries first match as well? */
static bool
doubtful(struct decode_work *w, const struct mould *m, struct str text)
{
	struct match_times before = w->match.times;
	bool may = false;

	w->match.lead_limited = false;     /* as if any wildcard might take what it likes: that finds no less */
	for (unsigned i = 0; i < m->ndoubts && !may; i++)
		may = (!m->absent[i] || step_stands_in(m->absent[i], text)) &&
		    pattern_match(&m->doubts[i]->pattern, text, &w->match);
	may = may || (m->no_time && stamp_may_begin(text) && match_time(&w->match, text, 0) != HOLE_MISS);
	w->match.times = before;
	return may;
}

static bool
finish(struct decode_work *w, const struct mould *m, struct str text, struct slot base, const char **from, const char **to,
    struct record *r)
{
	enum plan_answer answer = plan_finish(w->rs, m, text, base, &w->match, to, r);

	if (answer != PLAN_STANDS_BACK)
		return answer == PLAN_DONE;
	keep_values(m, text, from, to, &w->match);
	return finish_match(w->rs, w, m->line, text, base, r);
}

/* The mould of this list that the text fits, put in front; NULL when there is none. */
static struct mould *
find_mould(struct decode_work *w, struct mould **first, struct str text, bool alone, const char **from, const char **to)
{
	struct mould **at = first;

	for (struct mould *m = *first; m; at = &m->next, m = m->next) {
		/* Times that others looked for have no say, here or on the long way. */
		match_forget_times(&w->match);
		if ((m->group > 0 && !alone) || !mould_fits(m, text, &w->match, from, to))
			continue;
		*at = m->next;
		m->next = *first;
		*first = m;
		return m;
	}
	return NULL;
}

static bool
open_to_any(const struct decoders *d, uint32_t group)
{
	return group == d->any || group == d->none || group == d->guess || group == d->last;
}

static void
keep(struct moulds *all, struct mould_set *set, const struct mould *draft)
{
	struct mould **first = &set->bucket[!draft->plan.made][draft->parts[0].len < KEY_BYTES ? BUCKETS : bucket_of(draft->bytes)];
	struct mould **at = first;
	struct mould *m = NULL;
	unsigned n = 0;

	for (; *at && (*at)->next; at = &(*at)->next)
		n++;
	if (n + 1 >= BUCKET_MOULDS_MAX) {
		m = *at;
		*at = NULL;
	} else if (all->nmoulds < MOULDS_MAX) {
		m = malloc(sizeof(*m));
		all->nmoulds += m != NULL;
	}
	if (!m)
		return;
	*m = *draft;
	m->next = *first;
	*first = m;
}

/* Has the line come the long way often enough? */
static bool
worth_a_mould(struct moulds *all, const struct line *l)
{
	struct lesson *lesson = &all->lessons[l - all->decoders->lines];

	all->credit += all->credit < LESSONS_AT_FIRST * LINES_A_LESSON;
	if (++lesson->seen < LEARN_AFTER << lesson->doublings || all->credit < LINES_A_LESSON)
		return false;
	all->credit -= LINES_A_LESSON;
	lesson->seen = 0;
	lesson->doublings += lesson->doublings < LEARN_DOUBLINGS;
	return true;
}

/* The groups of a set up to the i-th; behind those of its own comes that of any program. */
static void
groups_upto(const struct decoders *d, const struct mould_set *set, uint32_t i, struct mould_groups *ret)
{
	for (ret->n = 0; ret->n <= i; ret->n++) {
		uint32_t group = ret->n < set->n ? set->groups[ret->n] : d->any;

		ret->v[ret->n] = &d->groups[group];
		ret->lead_limited[ret->n] = open_to_any(d, group);
	}
}

/* The best mould of those whose width is from..to-1, with a plan if there is one. False: none is good enough. */
static bool
choose_mould(struct decode_work *w, const struct mould_groups *g, struct str text, unsigned width, unsigned to_width,
    unsigned bearable)
{
	struct moulds *all = w->moulds;
	const char *from[MOULD_PARTS_MAX], *to[MOULD_PARTS_MAX];

	all->best.ndoubts = UINT8_MAX;
	for (; width < to_width && all->best.ndoubts > bearable; width++)
		if (mould_learn(g, w->hit, text, &w->match, width, &all->draft) && all->draft.ndoubts < all->best.ndoubts &&
		    !doubtful(w, &all->draft, text))
			all->best = all->draft;
	if (all->best.ndoubts > MOULD_DOUBTS_MAX || !mould_fits(&all->best, text, &w->match, from, to))
		return false;
	all->best.group = (uint8_t)(g->n - 1);
	plan_make(w->rs, &all->best, text, from, to);
	return true;
}

/* Lists of pairs are best taken by a mould that knows the keys; it is narrow, and may find no plan. */
static bool
learn_pairs(struct decode_work *w, struct mould_set *set, const struct mould_groups *g, struct str text)
{
	if (!choose_mould(w, g, text, 1, MOULD_WIDTHS, 0) || !w->moulds->best.plan.made)
		return false;
	keep(w->moulds, set, &w->moulds->best);
	return true;
}

static bool
has_pairs(const struct line *l)
{
	uint16_t i = 0;

	while (i < l->pattern.nholes && l->pattern.holes[i].type != HOLE_KV)
		i++;
	return i < l->pattern.nholes;
}

/* A mould without a plan took the text: perhaps there is a narrower one that has one. */
static void
learn_plan(struct decode_work *w, struct mould_set *set, uint32_t i, struct str text)
{
	struct mould_groups g;

	if (!has_pairs(w->hit) || text.n > MOULD_TEXT_MAX || !worth_a_mould(w->moulds, w->hit))
		return;
	groups_upto(w->rs->decoders, set, i, &g);
	learn_pairs(w, set, &g, text);
}

bool
moulds_decode(struct decode_work *w, struct mould_set *set, struct slot base, bool alone, struct record *r)
{
	struct str text = record_text(r, base);
	const char *from[MOULD_PARTS_MAX], *to[MOULD_PARTS_MAX];
	struct mould *m = NULL;
	bool done;

	/* What has a form may be asked for that first. */
	if (text.n < KEY_BYTES || text.p[0] == '{' ||
	    (r->data.len && w->rs->decoders->groups[set->first].form_bits >> FORM_DATA & 1))
		return false;
	for (uint32_t list = 0, key = bucket_of(text.p); list < 4 && !m; list++)
		m = find_mould(w, &set->bucket[list / 2][list & 1 ? BUCKETS : key], text, alone, from, to);
	done = m && !((m->ndoubts || m->no_time) && doubtful(w, m, text)) && finish(w, m, text, base, from, to, r);
	if (!done) {
		match_forget_times(&w->match);
		return false;
	}
	w->hit = m->line;
	w->moulds->taken++;
	if (!m->plan.made)
		learn_plan(w, set, m->group, text);
	return true;
}

void
moulds_learn(struct decode_work *w, struct mould_set *set, uint32_t i, struct str text)
{
	struct moulds *all = w->moulds;
	struct mould_groups g;
	unsigned bearable;

	if (w->rs->decoders->decoders[w->hit->decoder].form != FORM_TEXT || text.n < KEY_BYTES ||
	    text.n > MOULD_TEXT_MAX || text.p[0] == '{' || !worth_a_mould(all, w->hit))
		return;
	/* Few doubts make the better mould; but where such were too narrow again and again, a wider one is. */
	bearable = all->lessons[w->hit - all->decoders->lines].doublings;
	bearable = bearable > NARROW_LESSONS ? 2 * (bearable - NARROW_LESSONS) : 0;
	groups_upto(w->rs->decoders, set, i, &g);
	if (has_pairs(w->hit) && learn_pairs(w, set, &g, text))
		return;
	if (choose_mould(w, &g, text, 0, MOULD_WIDTHS, bearable))
		keep(all, set, &all->best);
}
