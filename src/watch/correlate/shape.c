/*
 * shape: what each shape of rule does with one more event of a key. Nothing here depends on the order in which
 * events arrive, only on their times: see correlator.h.
 */
#include "watch/correlate/shape.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "watch/correlate/key.h"
#include "watch/correlate/window.h"

#define EVENTS_LEAST 64u           /* a track may hold so many, whatever the rule needs */
#define NAMED_UNTIL 30u

/* How long a track is of use after its last event. The watermark already allows for lateness. */
int64_t
shape_keep_us(const void *ctx, const struct track *t)
{
	const struct rules *rules = ctx;
	const struct rule *rule = &rules->rules[t->rule];

	if (t->role == TRACK_RULE)
		return rule->keep_us;
	return t->role == TRACK_CONTEXT ? rule->quiet_us : 0;
}

/* More events than this cannot be needed, but for values that keep coming again. */
uint16_t
shape_most(const struct rule *rule, int64_t lateness_us)
{
	uint64_t cap = rule->need;

	for (uint8_t s = 0; rule->shape == RULE_SEQUENCE && s < rule->nsteps; s++)
		cap += rule->steps[s].need;
	if (rule->shape == RULE_COUNT && rule->distinct == FIELD_NONE)
		cap *= 2 + (uint64_t)(lateness_us / rule->within_us);
	else
		cap *= 4;
	if (cap < EVENTS_LEAST)
		return EVENTS_LEAST;
	return cap > EVENTS_MAX ? EVENTS_MAX : (uint16_t)cap;
}

void
shape_trim(const struct correlator *c, struct track *t)
{
	int64_t keep = shape_keep_us(c->rules, t);
	const struct event *events = track_events(t);
	uint32_t old = 0;

	if (t->n == 0 || keep == INT64_MAX || c->watermark_us == WHEN_NONE ||
	    events[0].time_us >= c->watermark_us - keep || shape_holds_late(c, t, keep))
		return;
	while (old < t->n && events[old].time_us < c->watermark_us - keep)
		old++;
	if (old > 0)
		track_remove(t, 0, old);
}

/* The oldest event whose value comes again later; without `distinct` the oldest. */
static uint32_t
least_needed(const struct rule *rule, struct track *t)
{
	const struct event *events = track_events(t);

	if (rule->distinct == FIELD_NONE)
		return 0;
	for (uint32_t i = 0; i < t->n; i++) {
		for (uint32_t k = i + 1u; k < t->n; k++) {
			if (events[k].distinct == events[i].distinct)
				return i;
		}
	}
	return 0;
}

static int
put(const struct correlator *c, const struct rule *rule, struct track *t, const struct event *e,
    uint32_t *ret_at)
{
	shape_trim(c, t);
	if (t->n >= c->most[rule->index])
		track_remove(t, least_needed(rule, t), 1);
	return track_insert(t, e, ret_at);
}

/* Includes one event of a track. */
static void
include_event(struct correlator *c, const struct rule *rule, uint32_t home, const struct event *e,
    const struct input *in)
{
	const struct record *r = in && in->ref == e->ref ? in->r : NULL;

	dossier_include(c, rule, home, e, r);
	if (rule->context != UINT16_MAX)
		context_link(c, rule, home, e, in ? in->r : NULL);
}

void
shape_include_at(struct correlator *c, const struct rule *rule, uint32_t track, uint32_t at,
    const struct input *in)
{
	struct event *e = &track_events(track_at(&c->tracks, track))[at], copy;

	if (e->flags & EVENT_INCLUDED)
		return;
	e->flags |= EVENT_INCLUDED;
	copy = *e;
	include_event(c, rule, track, &copy, in);
}

/* What follows an incident within its quiet time belongs to it; one may bring the next. */
static void
include_followers(struct correlator *c, const struct rule *rule, uint32_t track,
    const struct input *in)
{
	for (uint32_t k = 0; k < track_at(&c->tracks, track)->n; k++) {
		const struct event *e = &track_events(track_at(&c->tracks, track))[k];

		if (!(e->flags & EVENT_INCLUDED) && dossier_near(c, track, e->time_us,
		    rule->quiet_us) != POOL_NONE)
			shape_include_at(c, rule, track, k, in);
	}
}

static void
take_each(struct correlator *c, const struct rule *rule, uint64_t hash, struct event *e,
    const struct input *in)
{
	enum track_role role = TRACK_RULE;
	uint32_t i;

	if (rule->same != rule->key) {
		uint64_t key = correlator_key(c, rule->same, in->r);

		if (key == 0)
			return;
		role = TRACK_SAME;
		hash = track_hash(key, rule, role);
	}
	i = tracks_take(&c->tracks, hash, (uint16_t)rule->index, (uint8_t)role, c->watermark_us);
	if (i == TRACK_NONE)
		return;
	shape_note_late(c, i, e->time_us);
	include_event(c, rule, i, e, in);
}

/* While an incident is open only what may lie before it is kept: the rest is in the incident. */
static void
grow(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e,
    const struct input *in)
{
	struct track *t = track_at(&c->tracks, i);
	bool early = t->n > 0 && e->time_us <= track_events(t)[t->n - 1].time_us;
	uint32_t at;

	e->flags |= EVENT_INCLUDED;
	if (early && put(c, rule, t, e, &at) == -EEXIST)
		return;
	include_event(c, rule, i, e, in);
	if (early)
		include_followers(c, rule, i, in);
}

/*
 * Spares most looks at the window: after one that found k of the N wanted, N-k more must come at the end before
 * another can find enough. A late event is always looked at.
 */
static bool
cannot_be(const struct rule *rule, struct track *t, uint32_t at)
{
	const struct event *events = track_events(t);
	uint32_t adds = rule->distinct != FIELD_NONE ? 1 : events[at].weight;
	bool last = at + 1u == t->n;

	if (last && at > 0 && rule->distinct != FIELD_NONE &&
	    events[at].distinct == events[at - 1].distinct)
		return true;
	if (adds < t->lacks) {
		t->lacks -= adds;
		return last;
	}
	t->lacks = 0;
	if (last) {
		uint64_t have = at == 0 ? adds : window_have(rule, events, t->n);

		t->lacks = have < rule->need ? rule->need - (uint32_t)have : 0;
	}
	return t->lacks > 0;
}

static void
take_count(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e,
    const struct input *in)
{
	uint32_t at, lo, hi;
	struct track *t = track_at(&c->tracks, i);

	if (t->dossier != POOL_NONE && dossier_near(c, i, e->time_us,
	    rule->quiet_us) != POOL_NONE) {
		grow(c, rule, i, e, in);
		return;
	}
	if (put(c, rule, t, e, &at) < 0)
		return;
	if (cannot_be(rule, t, at) || !window_count(rule, track_events(t), t->n, at, &lo, &hi))
		return;
	for (uint32_t k = lo; k <= hi; k++)
		shape_include_at(c, rule, i, k, in);
	include_followers(c, rule, i, in);
	window_keep_front(rule, track_at(&c->tracks, i), rule->same_us);
}

void
shape_include_sequence(struct correlator *c, const struct rule *rule, uint32_t i, uint32_t end,
    uint32_t lo,
    const int64_t after_us[RULE_STEPS_MAX], const struct input *in)
{
	int64_t until = track_events(track_at(&c->tracks, i))[end].time_us;

	for (uint32_t k = lo; k < track_at(&c->tracks, i)->n; k++) {
		const struct event *e = &track_events(track_at(&c->tracks, i))[k];

		if (e->time_us > until)
			return;
		if (e->step <= sequence_last(rule) && e->time_us >= after_us[e->step])
			shape_include_at(c, rule, i, k, in);
	}
}

/* A sequence is complete but for what must not follow: judged when nothing more can come. */
static void
wait_for_absence(struct correlator *c, const struct rule *rule, uint32_t i, uint32_t end)
{
	struct track *t = track_at(&c->tracks, i);
	struct event *e = &track_events(t)[end];

	if (e->flags & (EVENT_PENDING | EVENT_INCLUDED))
		return;
	e->flags |= EVENT_PENDING;
	later_keep(c, t, e->recall);
	shape_put_due(c, i, later_until(rule, t, e));
}

static void
take_sequence(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e,
    const struct input *in)
{
	int64_t after[RULE_STEPS_MAX];
	uint32_t at, lo, end;

	if (put(c, rule, track_at(&c->tracks, i), e, &at) < 0 || e->step > sequence_last(rule))
		return;
	while (at > 0 && track_events(track_at(&c->tracks, i))[at - 1].time_us == e->time_us)
		at--;
	for (end = at; end < track_at(&c->tracks, i)->n; end++) {
		struct track *t = track_at(&c->tracks, i);
		const struct event *events = track_events(t);

		if (events[end].time_us - e->time_us > rule->within_us)
			return;
		if (events[end].step != sequence_last(rule) || !window_sequence(rule, events, t->n,
		    end, &lo, after))
			continue;
		if (rule->steps[rule->nsteps - 1].absent)
			wait_for_absence(c, rule, i, end);
		else
			shape_include_sequence(c, rule, i, end, lo, after, in);
	}
}

static bool
has_learned(const struct correlator *c, const struct rule *rule, const struct event *e)
{
	if (rule->after_us == 0)
		return true;
	return !c->batch && e->time_us - c->started_us >= rule->after_us;
}

/* The earliest event of a key is the first; what follows it closely belongs to it. */
static void
take_first(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e,
    const struct input *in)
{
	struct track *t = track_at(&c->tracks, i);
	struct event *known = track_events(t);
	bool follows, was;
	uint32_t at;

	if (t->n == 0) {
		if (track_insert(t, e, &at) == 0 && has_learned(c, rule, e))
			shape_include_at(c, rule, i, at, in);
		return;
	}
	follows = e->time_us > known->time_us || (e->time_us == known->time_us &&
	    e->ref >= known->ref);
	was = known->flags & EVENT_INCLUDED;
	if (!follows) {
		e->flags |= was ? EVENT_INCLUDED : 0;
		*known = *e;
		if (was)
			include_event(c, rule, i, e, in);
	} else if (dossier_near(c, i, e->time_us, rule->quiet_us) != POOL_NONE) {
		include_event(c, rule, i, e, in);
	}
}

static void
take_rare(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e,
    const struct input *in)
{
	struct track *t = track_at(&c->tracks, i);
	uint32_t at, lo;

	if (put(c, rule, t, e, &at) < 0)
		return;
	for (lo = at; lo > 0 && e->time_us - track_events(t)[lo - 1].time_us <= rule->within_us;)
		lo--;
	if (at - lo + 1 < rule->need && has_learned(c, rule, e))
		shape_include_at(c, rule, i, at, in);
	if (track_at(&c->tracks, i)->n > rule->need)
		track_remove(track_at(&c->tracks, i), 0, 1);
}

static void
take_silence(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e)
{
	struct track *t = track_at(&c->tracks, i);
	uint32_t at;

	if (t->n == 0) {
		if (track_insert(t, e, &at) == 0) {
			later_keep(c, t, e->recall);
			shape_put_due(c, i, later_until(rule, t, e));
		}
		return;
	}
	if (e->time_us > track_events(t)->time_us) {
		if (track_events(t)->flags & EVENT_INCLUDED)
			shape_put_due(c, i, later_until(rule, t, e));
		*track_events(t) = *e;
	}
}

static void
take_shape(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e,
    const struct input *in)
{
	switch (rule->shape) {
	case RULE_COUNT:
		take_count(c, rule, i, e, in);
		break;
	case RULE_SEQUENCE:
		take_sequence(c, rule, i, e, in);
		break;
	case RULE_FIRST:
		take_first(c, rule, i, e, in);
		break;
	case RULE_RARE:
		take_rare(c, rule, i, e, in);
		break;
	case RULE_SILENCE:
		take_silence(c, rule, i, e);
		break;
	case RULE_RISK:
		risk_take(c, rule, i, e, in);
		break;
	case RULE_EACH:
		break;
	}
}

void
shape_take(struct correlator *c, const struct rule *rule, uint8_t step, uint64_t hash, struct input *in)
{
	struct event e = { .time_us = in->time_us, .ref = in->ref, .weight = in->weight, .step = step,
	    .flags = (in->r->hostile ? EVENT_HOSTILE : 0) | (in->r->sure ? 0 : EVENT_GUESS) };
	uint32_t i;

	/* Of a flood the names of the first few dozen are not worth a copy each. */
	if (rule->need < NAMED_UNTIL || rule->shape == RULE_RISK)
		e.recall = input_recall(c, in);
	if (rule->shape == RULE_EACH) {
		take_each(c, rule, hash, &e, in);
		return;
	}
	if (rule->distinct != FIELD_NONE) {
		e.distinct = (uint32_t)correlator_part(c, rule->distinct_part, in->r) | 1;
		if (e.distinct == 1)
			return;
	}
	if (rule->shape == RULE_RISK && !risk_of_record(c, in->r, &e))
		return;
	i = tracks_take(&c->tracks, hash, (uint16_t)rule->index, TRACK_RULE, c->watermark_us);
	if (i == TRACK_NONE)
		return;
	shape_note_late(c, i, e.time_us);
	take_shape(c, rule, i, &e, in);
}

static uint32_t
track_for(struct correlator *c, const struct rule *rule, const struct record *r)
{
	bool apart = rule->shape == RULE_EACH && rule->same != rule->key;
	uint64_t key = key_hash(&c->rules->keys[apart ? rule->same : rule->key], r, c->seed);

	if (key == 0)
		return TRACK_NONE;
	return tracks_find(&c->tracks, track_hash(key, rule, apart ? TRACK_SAME : TRACK_RULE));
}

uint64_t
shape_told(struct correlator *c, const struct rule *rule, const struct input *in)
{
	struct event e = { .time_us = in->time_us, .ref = in->ref };
	uint32_t i = track_for(c, rule, in->r), d;

	d = i == TRACK_NONE ? POOL_NONE : shape_dossier(c, i, &e);
	return d == POOL_NONE ? 0 : dossier_at(c, dossier_top(c, d))->told_as;
}

void
shape_refresh(struct correlator *c, const struct rule *rule, const struct input *in)
{
	struct event e = { .time_us = in->time_us, .ref = in->ref };
	uint32_t i = track_for(c, rule, in->r), d;
	struct track *t;

	if (i == TRACK_NONE)
		return;
	t = track_at(&c->tracks, i);
	for (uint32_t k = 0; k < t->n; k++) {
		if (track_events(t)[k].ref == in->ref && track_events(t)[k].time_us == in->time_us)
			track_events(t)[k].recall = in->recall;
	}
	later_refresh(c, t, in);
	d = shape_dossier(c, i, &e);
	if (d != POOL_NONE)
		dossier_learn(c, d, in->r);
}

uint32_t
shape_forget(struct correlator *c, const struct rule *rule, const struct input *in)
{
	uint32_t i = track_for(c, rule, in->r);
	struct track *t;

	if (i == TRACK_NONE)
		return TRACK_NONE;
	t = track_at(&c->tracks, i);
	for (uint32_t k = 0; k < t->n; k++) {
		if (track_events(t)[k].ref == in->ref &&
		    track_events(t)[k].time_us == in->time_us) {
			track_remove(t, k, 1);
			break;
		}
	}
	return i;
}

void
shape_retract(struct correlator *c, const struct rule *rule, const struct input *in, uint64_t into)
{
	uint32_t i = shape_forget(c, rule, in);

	if (i != TRACK_NONE)
		dossier_retract(c, i, in->time_us, in->ref, into);
}
