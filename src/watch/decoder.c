/*
 * decoder: one record through the groups that may know it, most exact first; then the second looks that are the same
 * for all decoders. Never changes the head or the raw bytes of a record.
 */
#include "watch/decoder.h"

#include <stdlib.h>

#include "base/hash.h"
#include "watch/forms.h"
#include "watch/groups.h"
#include "watch/mould/mould.h"
#include "watch/odd.h"
#include "watch/refine.h"

struct decode_work *
decode_work_new(const struct ruleset *rs)
{
	struct decode_work *w = calloc(1, sizeof(*w));
	bool ok;

	if (!w)
		return NULL;
	w->rs = rs;
	w->literals = literals_work_new();
	w->forms = forms_work_new();
	w->automata = calloc(rs->decoders->ngroups + 1, sizeof(struct automaton *));
	w->budget.credit = AUTOMATA_CREDIT_MAX;
	w->plain = refine_memo_new(rs->decoders);
	w->moulds = moulds_new(rs->decoders);
	ok = w->automata && w->moulds && w->plain && w->literals && w->forms && refine_prepare(rs->decoders, w->literals) == 0;
	for (uint32_t i = 0; ok && i < rs->decoders->ngroups; i++)
		if (rs->decoders->groups[i].index.literals)
			ok = literals_prepare(w->literals, rs->decoders->groups[i].index.literals) == 0;
	if (!ok) {
		decode_work_free(w);
		return NULL;
	}
	return w;
}

void
decode_work_free(struct decode_work *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; w->automata && i < w->rs->decoders->ngroups; i++)
		automaton_free(w->automata[i]);
	free(w->automata);
	moulds_free(w->moulds);
	literals_work_free(w->literals);
	forms_work_free(w->forms);
	refine_memo_free(w->plain);
	free(w);
}

/* The part of the record that base says, without blanks at either end. */
static struct slot
trimmed(const struct record *r, struct slot base)
{
	struct str text = record_text(r, base), core = pattern_trim(text);

	return (struct slot){ .off = base.off + (uint32_t)(core.p - text.p), .len = (uint32_t)core.n };
}

static void
tell_try(struct decode_work *w, const struct line *l, struct str text, bool matched)
{
	const struct match *m = &w->match;
	struct buf wanted = BUF_INIT(4096);
	struct decode_try t = { .decoder = l->decoder, .where = l->where, .pattern = l->pattern.source,
	    .matched = matched };

	if (!matched) {
		t.stopped_at = str_from(text, m->stopped_at);
		if (m->stopped_step < l->pattern.nsteps)
			step_show(&l->pattern.steps[m->stopped_step], &wanted);
		else
			buf_add(&wanted, STR("the end"));
		t.wanted = buf_str(&wanted);
	}
	w->on_try(w->on_try_ctx, &t);
	buf_free(&wanted);
}

/* A match that its own conditions refuse. */
static void
tell_refused(struct decode_work *w, const struct line *l, struct str text)
{
	struct decode_try t = { .decoder = l->decoder, .where = l->where, .pattern = l->pattern.source,
	    .stopped_at = text, .wanted = STR("its `when` to hold") };

	w->on_try(w->on_try_ctx, &t);
}

static bool
try_line(struct decode_work *w, const struct line *l, struct slot base, struct record *r)
{
	struct str text = record_text(r, base);
	bool matched = pattern_match(&l->pattern, text, &w->match), done;

	if (!matched) {
		if (w->on_try)
			tell_try(w, l, text, false);
		return false;
	}
	done = finish_match(w->rs, w, l, text, base, r);
	if (done)
		w->hit = l;
	if (w->on_try && done)
		tell_try(w, l, text, true);
	else if (w->on_try)
		tell_refused(w, l, record_text(r, base));
	return done;
}

/* A pattern may be proposed by several of its ways; it is tried for the best of them. */
static bool
tried_before(const struct group *g, const struct candidates *c, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (g->index.ways[c->rank[k]].item == g->index.ways[c->rank[i]].item)
			return true;
	return false;
}

static bool
open_to_any(const struct decode_work *w, const struct group *g)
{
	const struct decoders *d = w->rs->decoders;

	return g == &d->groups[d->any] || g == &d->groups[d->none] || g == &d->groups[d->guess] ||
	    g == &d->groups[d->last];
}

/* The ways of a group that begin as the text does. */
static void
walk(struct decode_work *w, const struct group *g, struct str text)
{
	struct automaton **a = &w->automata[g - w->rs->decoders->groups];

	if (!*a)
		*a = automaton_new(&g->index);
	if (*a)
		automaton_walk(*a, &w->budget, text, &w->candidates, &w->match);
}

/* Where no wildcard at the beginning may take anything, hardly a search can find something. */
static bool
worth_a_search(struct decode_work *w, const struct index *x, bool vague, struct str text)
{
	return vague || !w->match.lead_limited || match_may_lead(&w->match, text) || index_may_lead(x, text);
}

/*
 * Ways in order of weight. The search for patterns that begin with a wildcard is put off until one of them could be
 * next: most lines never pay for it. Patterns without any literal take whatever is left: they are asked apart.
 */
static bool
try_patterns(struct decode_work *w, const struct group *g, bool vague, struct slot base, struct record *r)
{
	const struct index *x = &g->index;
	struct candidates *c = &w->candidates;
	uint32_t from = vague ? x->vague : 0, to = vague ? x->nways : x->vague;
	bool searched = x->best_search >= to;

	if (from == to)
		return false;
	c->n = 0;
	w->match.lead_limited = open_to_any(w, g);
	w->match.lead_max = SIZE_MAX;
	walk(w, g, record_text(r, base));
	for (uint32_t i = 0;; i++) {
		if (!searched && (i == c->n || c->rank[i] > x->best_search)) {
			if (worth_a_search(w, x, vague, record_text(r, base)))
				index_search(x, w->literals, record_text(r, base), c);
			searched = true;
		}
		if (i == c->n || c->rank[i] >= to)
			return false;
		if (c->rank[i] >= from && !tried_before(g, c, i) && try_line(w, g->lines[x->ways[c->rank[i]].item], base, r))
			return true;
	}
}

enum { EXACT, VAGUE };

/*
 * What has a form is better understood by its form than by words found in it: always for JSON, and among guesses.
 * Elsewhere sentences come first, for they are more exact than a list of pairs.
 */
static bool
forms_first(const struct decode_work *w, uint32_t group, struct str text)
{
	return text.p[0] == '{' || group == w->rs->decoders->guess || group == w->rs->decoders->last;
}

#define DATA_FORM (1u << FORM_DATA)

/* Structured data is more exact than the prose behind it, which its writer made of the same facts. */
static bool
try_group(struct decode_work *w, uint32_t group, int how, struct slot base, struct record *r)
{
	const struct group *g = &w->rs->decoders->groups[group];
	unsigned forms = how == EXACT ? g->form_bits & ~DATA_FORM : 0;
	bool first;

	if (base.len == 0)
		return false;
	if (how == EXACT && r->data.len && (g->form_bits & DATA_FORM) && forms_decode(w->rs, w, g, DATA_FORM, base, r))
		return true;
	first = forms && forms_first(w, group, record_text(r, base));
	if (first && forms_decode(w->rs, w, g, forms, base, r))
		return true;
	if (!g->empty && try_patterns(w, g, how == VAGUE, base, r))
		return true;
	return forms && !first && forms_decode(w->rs, w, g, forms, base, r);
}

/* Programs are few and come again and again: what their names mean is remembered as they were written. */
static struct memo *
recall(struct decode_work *w, struct str program)
{
	struct str name = str_head(program, WORK_PROGRAM_MAX);
	struct memo *m = &w->memo[hash_bytes(name, 0) % WORK_MEMO];

	if (m->len == name.n && name.n < WORK_PROGRAM_MAX && memcmp(m->name, name.p, name.n) == 0)
		return m;
	memcpy(m->name, name.p, name.n);
	m->len = (uint8_t)name.n;
	m->ngroups = groups_of_program(w->rs->decoders, program, m->group);
	m->moulds = moulds_of(w->moulds, m->group, m->ngroups);
	return m;
}

/* The groups that a record may belong to, and the texts that may be the message, best first. */
struct places {
	uint32_t group[WORK_GROUPS_MAX + DECODE_ROUTE_MAX + 2];
	uint32_t n;
	struct mould_set *moulds;
	struct slot text[5];
	uint32_t ntexts;
	struct stamp stamp;        /* of text[stamped - 1]; stamped is 0 when none lies behind a stamp */
	uint32_t stamped;
	uint32_t with_data;        /* the text that holds structured data and message, 0: none */
};

/*
 * Programs under a service manager write their own stamp into a message that has one already: what is behind it is
 * the message that their decoders know. Only stamps that cannot be anything else; length 0 where there is none.
 */
static struct slot
behind_stamp(const struct record *r, struct slot at, struct stamp *ret)
{
	struct str text = record_text(r, at);
	size_t n = text.n && text.p[0] <= '[' ? stamp_parse(text, ret) : 0;

	if (n == 0 || ret->trust != STAMP_STRONG || ret->form == STAMP_UPTIME)
		return (struct slot){ .len = 0 };
	while (n < text.n && memchr(" \t:,;-|", text.p[n], 8))
		n++;
	return (struct slot){ .off = at.off + (uint32_t)n, .len = at.len - (uint32_t)n };
}

/* Some heads belong to the pattern: lines that begin with a time stamp, a program or another mark, and JSON. */
static bool
head_may_be_message(const struct record *r)
{
	bool begins_with_program = r->program.len && r->program.off == 0;

	return begins_with_program || (r->dialect != DIALECT_RFC3164 && r->dialect != DIALECT_RFC5424 &&
	    r->dialect != DIALECT_JOURNAL);
}

/*
 * RFC 5424 with both data and message: some writers say in the data what others say in the message, so the event's
 * name, its data and the message are one more text. Length 0 where there is no data or nothing behind it.
 */
static struct slot
with_data(const struct record *r)
{
	uint32_t from = r->data.off, end = r->message.off + r->message.len;

	if (r->dialect != DIALECT_RFC5424 || !r->data.len || end > r->raw.n || r->message.off < from + r->data.len)
		return (struct slot){ .len = 0 };
	for (from = from ? from - 1 : 0; from > 0 && r->raw.p[from - 1] > ' ';)
		from--;
	if (r->raw.p[from] == '-')
		from = r->data.off;
	return (struct slot){ .off = from, .len = end - from };
}

/* "Mar  1 10:00:00 Login failed": where no tag follows, what looks like a host may be the first word said. */
static struct slot
with_host(const struct record *r)
{
	uint32_t end = r->message.off + r->message.len;

	if (r->program.len || !r->host.len || !r->message.len || r->host.off + r->host.len >= r->message.off)
		return (struct slot){ .len = 0 };
	return (struct slot){ .off = r->host.off, .len = end - r->host.off };
}

static void
add_text(struct places *p, struct slot at)
{
	if (at.len)
		p->text[p->ntexts++] = at;
}

static void
find_groups(struct decode_work *w, const struct decode_route *route, const struct record *r, struct places *p)
{
	p->n = 0;
	if (r->program.len) {
		const struct memo *m = recall(w, record_text(r, r->program));

		while (p->n < m->ngroups) {
			p->group[p->n] = m->group[p->n];
			p->n++;
		}
		p->moulds = m->moulds;
	} else {
		for (uint32_t i = 0; route && i < route->n; i++)
			p->group[p->n++] = route->group[i];
		p->group[p->n++] = w->rs->decoders->none;
		p->moulds = moulds_of(w->moulds, p->group, p->n);
	}
	p->group[p->n++] = w->rs->decoders->any;
	p->text[0] = trimmed(r, r->message);
	p->ntexts = 1;
}

/* Is the message the only text to be asked about, unless it begins with a stamp? */
static bool
one_text(const struct record *r)
{
	return (r->message.len == r->raw.n || !head_may_be_message(r)) && !with_data(r).len && !with_host(r).len;
}

static void
find_texts(const struct record *r, struct places *p)
{
	struct slot whole = { .off = 0, .len = (uint32_t)r->raw.n };

	if (r->message.len != r->raw.n && head_may_be_message(r)) {
		p->text[1] = trimmed(r, whole);
		p->ntexts += p->text[1].len != p->text[0].len;
	}
	p->with_data = with_data(r).len ? p->ntexts : 0;
	add_text(p, with_data(r));
	add_text(p, with_host(r));
	p->text[p->ntexts] = behind_stamp(r, p->text[0], &p->stamp);
	p->ntexts += p->text[p->ntexts].len > 0;
	p->stamped = p->text[p->ntexts - 1].off > p->text[0].off ? p->ntexts : 0;
}

static bool
try_text(struct decode_work *w, const struct places *p, uint32_t group, int how, uint32_t k, struct record *r)
{
	if (!try_group(w, group, how, p->text[k], r))
		return false;
	/* The lens decides what this time is worth beside the head's. */
	if (k + 1 == p->stamped && r->stamp.form == STAMP_NONE)
		r->stamp = p->stamp;
	return true;
}

static bool
try_places(struct decode_work *w, const struct places *p, int how, struct record *r)
{
	for (uint32_t i = 0; i < p->n; i++) {
		for (uint32_t k = 0; k < p->ntexts; k++) {
			if (!try_text(w, p, p->group[i], how, k, r))
				continue;
			/* What is asked first of all may be asked by a mould. */
			if ((i == 0 || p->ntexts == 1) && k == 0 && how == EXACT && p->moulds && w->hit && w->hit->on == FIELD_NONE)
				moulds_learn(w, p->moulds, i, record_text(r, p->text[0]));
			return true;
		}
	}
	return false;
}

static bool
try_guesses(struct decode_work *w, const struct places *p, uint32_t group, int how, struct record *r)
{
	/* Whoever guesses should know all that was said: who is often named in the data alone. */
	if (p->with_data && try_text(w, p, group, how, p->with_data, r))
		return true;
	for (uint32_t k = 0; k < p->ntexts; k++)
		if ((k == 0 || k != p->with_data) && try_text(w, p, group, how, k, r))
			return true;
	return false;
}

static bool
try_all(struct decode_work *w, const struct decode_route *route, struct record *r)
{
	const struct decoders *d = w->rs->decoders;
	struct places p;

	find_groups(w, route, r, &p);
	if (p.moulds && !w->on_try && moulds_decode(w, p.moulds, p.text[0], one_text(r), r))
		return true;
	find_texts(r, &p);
	/* A guess at what is said tells more than a program's pattern that takes whatever is left. */
	return try_places(w, &p, EXACT, r) || try_guesses(w, &p, d->guess, EXACT, r) || try_places(w, &p, VAGUE, r) ||
	    try_guesses(w, &p, d->guess, VAGUE, r) || try_guesses(w, &p, d->last, EXACT, r) ||
	    try_guesses(w, &p, d->last, VAGUE, r);
}

void
decode_routed(const struct ruleset *rs, struct decode_work *w, const struct decode_route *route, struct record *r)
{
	w->hit = NULL;
	if (w->budget.credit < AUTOMATA_CREDIT_MAX)
		w->budget.credit += AUTOMATA_CREDIT_A_LINE;
	match_forget_times(&w->match);
	if (try_all(w, route, r))
		refine_record(rs, w, r);
	if (!w->hit || !w->hit->odd_ok)
		odd_record(rs, r);
	/* What nobody knows by itself: the line before was said by somebody. */
	if (r->kind == KIND_unknown && r->continues)
		r->kind = KIND_log_continued;
}

void
decode(const struct ruleset *rs, struct decode_work *w, struct record *r)
{
	decode_routed(rs, w, NULL, r);
}

void
decode_route(const struct ruleset *rs, struct str path, struct decode_route *ret)
{
	groups_of_file(rs->decoders, path, ret);
}

const char *
decoder_name(const struct ruleset *rs, uint32_t decoder)
{
	return decoder < rs->decoders->ndecoders ? rs->decoders->decoders[decoder].name.p : NULL;
}

size_t
decoder_count(const struct ruleset *rs)
{
	return rs->decoders->ndecoders;
}

void
decode_explain(const struct ruleset *rs, struct decode_work *w, struct record *r,
    void (*on_try)(void *ctx, const struct decode_try *t), void *ctx)
{
	w->on_try = on_try;
	w->on_try_ctx = ctx;
	decode(rs, w, r);
	w->on_try = NULL;
}
