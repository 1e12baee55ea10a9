/*
 * decoder: one record through the groups that may know it, most exact first; then the second looks that are the same
 * for all decoders. Never changes the head or the raw bytes of a record.
 */
#include "watch/decoder.h"

#include <stdlib.h>

#include "base/hash.h"
#include "watch/forms.h"
#include "watch/groups.h"
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
	ok = w->literals && w->forms && refine_prepare(rs->decoders, w->literals) == 0;
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
	literals_work_free(w->literals);
	forms_work_free(w->forms);
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
tell_try(struct decode_work *w, const struct line *l, const struct plan *p, struct str text, bool matched)
{
	const struct match *m = &w->match;
	struct buf wanted = BUF_INIT(4096);
	struct decode_try t = { .decoder = l->decoder, .where = l->where, .pattern = l->pattern.source,
	    .matched = matched };

	if (!matched) {
		t.stopped_at = str_from(text, m->stopped_at);
		if (m->stopped_step < p->nsteps)
			step_show(&p->steps[m->stopped_step], &wanted);
		else
			buf_add(&wanted, STR("the end"));
		t.wanted = buf_str(&wanted);
	}
	w->on_try(w->on_try_ctx, &t);
	buf_free(&wanted);
}

/* A match that its own conditions refuse is reported as stopped at the end, wanting them. */
static void
tell_refused(struct decode_work *w, const struct line *l)
{
	struct decode_try t = { .decoder = l->decoder, .where = l->where, .pattern = l->pattern.source,
	    .wanted = STR("its `when` to hold") };

	w->on_try(w->on_try_ctx, &t);
}

static bool
try_plan(struct decode_work *w, const struct group *g, uint32_t rank, struct slot base, struct record *r)
{
	const struct line *l = g->lines[rank];
	const struct plan *p = g->index.plans[rank];
	struct str text = record_text(r, base);
	bool matched = plan_match(p, text, &w->match), done;

	if (!matched) {
		if (w->on_try)
			tell_try(w, l, p, text, false);
		return false;
	}
	done = finish_match(w->rs, l, &w->match, text, base, r);
	if (done)
		w->hit = l;
	if (w->on_try && done)
		tell_try(w, l, p, text, true);
	else if (w->on_try)
		tell_refused(w, l);
	return done;
}

/*
 * Plans in order of weight. The search for plans that begin with a wildcard is put off until one of them could be
 * next: most lines never pay for it.
 */
static bool
try_patterns(struct decode_work *w, const struct group *g, struct slot base, struct record *r)
{
	struct candidates *c = &w->candidates;
	bool searched = g->index.best_search == UINT32_MAX;
	uint32_t i = 0;

	c->n = 0;
	index_walk(&g->index, record_text(r, base), c, &w->match.steps);
	for (;;) {
		if (!searched && (i == c->n || c->rank[i] > g->index.best_search)) {
			index_search(&g->index, w->literals, record_text(r, base), c);
			searched = true;
		}
		if (i == c->n)
			return false;
		if (try_plan(w, g, c->rank[i++], base, r))
			return true;
	}
}

static bool
try_group(struct decode_work *w, uint32_t group, struct slot base, struct record *r)
{
	const struct group *g = &w->rs->decoders->groups[group];

	if (base.len == 0)
		return false;
	if (!g->empty && try_patterns(w, g, base, r))
		return true;
	return g->nforms && forms_decode(w->rs, w, g, base, r);
}

/* Programs are few and come again and again: what their names mean is remembered as they were written. */
static const struct memo *
recall(struct decode_work *w, struct str program)
{
	struct str name = str_head(program, WORK_PROGRAM_MAX);
	struct memo *m = &w->memo[hash_bytes(name, 0) % WORK_MEMO];

	if (m->len == name.n && name.n < WORK_PROGRAM_MAX && memcmp(m->name, name.p, name.n) == 0)
		return m;
	memcpy(m->name, name.p, name.n);
	m->len = (uint8_t)name.n;
	m->ngroups = groups_of_program(w->rs->decoders, program, m->group);
	return m;
}

static bool
try_program(struct decode_work *w, struct slot message, struct record *r)
{
	const struct memo *m;

	if (r->program.len == 0)
		return false;
	m = recall(w, record_text(r, r->program));
	for (uint8_t i = 0; i < m->ngroups; i++)
		if (try_group(w, m->group[i], message, r))
			return true;
	return false;
}

static bool
try_route(struct decode_work *w, const struct decode_route *route, struct slot text, struct record *r)
{
	for (uint32_t i = 0; i < route->n; i++)
		if (try_group(w, route->group[i], text, r))
			return true;
	return false;
}

/* Some heads belong to the pattern: lines that begin with a time stamp, and JSON. */
static bool
head_may_be_message(const struct record *r)
{
	return r->dialect == DIALECT_STAMP || r->dialect == DIALECT_JSON || r->dialect == DIALECT_CISCO ||
	    r->dialect == DIALECT_ROUTEROS;
}

static bool
try_all(struct decode_work *w, const struct decode_route *route, struct record *r)
{
	const struct decoders *d = w->rs->decoders;
	struct slot message = trimmed(r, r->message);
	struct slot whole = trimmed(r, (struct slot){ .off = 0, .len = (uint32_t)r->raw.n });
	bool both = head_may_be_message(r) && (whole.off != message.off || whole.len != message.len);

	if (try_program(w, message, r))
		return true;
	if (route && r->program.len == 0 && (try_route(w, route, message, r) || (both && try_route(w, route, whole, r))))
		return true;
	return try_group(w, d->any, message, r) || (both && try_group(w, d->any, whole, r)) ||
	    try_group(w, d->guess, message, r) || (both && try_group(w, d->guess, whole, r));
}

void
decode_routed(const struct ruleset *rs, struct decode_work *w, const struct decode_route *route, struct record *r)
{
	w->hit = NULL;
	if (try_all(w, route, r))
		refine_record(rs, w, r);
	if (!w->hit || !w->hit->odd_ok)
		odd_record(rs, r);
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
