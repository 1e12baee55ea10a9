/*
 * count: one record through the rules that want it; and once more when its session became known late. Which rules may
 * want it is decided first by what no session changes: most records need no look at any session.
 */
#include "watch/condition.h"
#include "watch/correlate/correlator.h"
#include "watch/correlate/key.h"
#include "watch/correlate/plan.h"
#include "watch/wanted.h"

#define WANTS_AT_ONCE 32u          /* their tracks are fetched together */

uint32_t
input_recall(struct correlator *c, struct input *in)
{
	if (in->recall == RECALL_NONE)
		in->recall = recall_keep(&c->recall, in->r, c->rules->kinds[in->r->kind].keep);
	return in->recall;
}

/* The next of those that may want the record whatever its session may bring, WANTS_AT_ONCE at most; 0 at the end. */
static uint32_t
may_want(const struct correlator *c, struct wanted *wanted, const struct record *r,
    const struct want *ret[WANTS_AT_ONCE])
{
	const struct want *w;
	uint32_t n = 0;

	while (n < WANTS_AT_ONCE && (w = wanted_next(wanted))) {
		if (!c->off[w->rule] && conditions_all_hold(w->asks, w->nearly, c->rs, r, &c->env))
			ret[n++] = w;
	}
	return n;
}

static bool
still_wants(const struct correlator *c, const struct want *w, const struct record *r)
{
	return conditions_all_hold(w->asks + w->nearly, w->nasks - w->nearly, c->rs, r, &c->env);
}

static bool
wants_it(const struct correlator *c, const struct want *w, const struct record *r)
{
	return !c->off[w->rule] && conditions_all_hold(w->asks, w->nasks, c->rs, r, &c->env);
}

/*
 * Those that do want it, with the hash of the track that each will take; the tracks are asked for all at once, so that
 * the waits for memory overlap: first their slots, then what these name.
 */
static uint32_t
look_ahead(struct correlator *c, const struct want **wants, uint32_t n, const struct record *r,
    uint64_t hashes[WANTS_AT_ONCE])
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct want *w = wants[i];
		const struct rule *rule = &c->rules->rules[w->rule];
		bool step = w->role == WANT_STEP;
		uint64_t key = still_wants(c, w, r) ? correlator_key(c, step ? rule->key : rule->context, r) : 0;

		if (key == 0)
			continue;
		wants[kept] = w;
		hashes[kept] = track_hash(key, rule, step ? TRACK_RULE : TRACK_CONTEXT);
		tracks_prefetch(&c->tracks, hashes[kept++]);
	}
	for (uint32_t i = 0; kept > 1 && i < kept; i++)
		tracks_prefetch_cell(&c->tracks, hashes[i]);
	return kept;
}

static void
count_some(struct correlator *c, const struct want **wants, uint32_t n, struct input *in)
{
	uint64_t hashes[WANTS_AT_ONCE];

	n = look_ahead(c, wants, n, in->r, hashes);
	for (uint32_t i = 0; i < n; i++) {
		const struct rule *rule = &c->rules->rules[wants[i]->rule];

		if (wants[i]->role == WANT_STEP)
			shape_take(c, rule, wants[i]->step, hashes[i], in);
		else
			shape_context(c, rule, hashes[i], in);
	}
}

bool
count_record(struct correlator *c, struct input *in, bool join)
{
	const struct kind_wants *kind = &c->rules->kinds[in->r->kind];
	const struct want *wants[WANTS_AT_ONCE];
	struct wanted wanted;
	bool any = false;
	uint32_t n;

	if (join && kind->gate && plan_is_carried(c->rules, kind->gate->field)) {
		sessions_fill(c, in->r, in->time_us);
		join = false;
	}
	wanted = wanted_by(c->rules, kind, in->r);
	while ((n = may_want(c, &wanted, in->r, wants)) > 0) {
		if (join)
			sessions_fill(c, in->r, in->time_us);
		join = false;
		any = true;
		count_some(c, wants, n, in);
	}
	return any;
}

/* The id under which the record was told by a rule other than this one. */
static uint64_t
told_elsewhere(struct correlator *c, const struct kind_wants *kind, const struct rule *except,
    const struct input *in)
{
	const struct want *wants = &c->rules->wants[kind->first];
	uint64_t id = 0;

	for (uint32_t i = 0; i < kind->n && id == 0; i++) {
		const struct rule *rule = &c->rules->rules[wants[i].rule];

		if (wants[i].role == WANT_STEP && rule != except)
			id = shape_told(c, rule, in);
	}
	return id;
}

/*
 * One rule that counted the record as it was. It stays there; or it has another key now; or the rule wanted lacking
 * what it lacks no more, and another rule has it.
 */
static void
settle(struct correlator *c, const struct kind_wants *kind, const struct want *want,
    const struct input *was, const struct input *is)
{
	const struct rule *rule = &c->rules->rules[want->rule];
	const struct key_spec *key = &c->rules->keys[rule->key];
	bool wanted = wants_it(c, want, is->r);
	uint64_t into;

	if (!wants_it(c, want, was->r))
		return;
	if (wanted && key_hash(key, was->r, c->seed) == key_hash(key, is->r, c->seed)) {
		shape_refresh(c, rule, is);
		return;
	}
	into = wanted ? shape_told(c, rule, is) : 0;
	shape_retract(c, rule, was, into ? into : told_elsewhere(c, kind, rule, is));
}

/* The same key with another value of what is counted: the old value goes first. Another key: it goes from there. */
static void
recount(struct correlator *c, const struct kind_wants *kind, const struct input *was,
    struct input *is)
{
	const struct want *wants = &c->rules->wants[kind->first];

	for (uint32_t i = 0; i < kind->n; i++) {
		const struct rule *rule = &c->rules->rules[wants[i].rule];

		if (wants[i].role == WANT_STEP && rule->distinct != FIELD_NONE)
			shape_forget(c, rule, was);
	}
	correlator_forget_keys(c);
	(void)count_record(c, is, false);
	tell_touched(c);
	for (uint32_t i = 0; i < kind->n; i++) {
		if (wants[i].role == WANT_STEP)
			settle(c, kind, &wants[i], was, is);
	}
}

/* Where a record was counted without its session's facts, it is counted no more when its key is another now. */
void
count_again(struct correlator *c, uint32_t recall, const struct session *s)
{
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct record old, now;
	struct input was = { .r = &old, .recall = recall }, is = { .r = &now, .recall = recall };
	const struct kind_wants *kind;

	if (!recall_get(&c->recall, recall, &old) || old.time_us < s->opened_us ||
	    old.time_us - s->opened_us > c->rules->joins[s->join].for_us)
		return;
	kind = &c->rules->kinds[old.kind];
	now = old;
	now.extra = &extra;
	if (kind->n > 0 && session_give(c, s, &now)) {
		was.time_us = is.time_us = old.time_us;
		was.ref = is.ref = old.ref;
		was.weight = is.weight = weight_of(&old);
		is.recall = recall_keep(&c->recall, &now, kind->keep);
		recount(c, kind, &was, &is);
		correlator_forget_keys(c);
		c->stats.joins++;
	}
	buf_free(&extra);
}
