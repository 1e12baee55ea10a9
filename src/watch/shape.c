/*
 * shape: what each shape of rule does with one more event of a key. Nothing here depends on the order in which
 * events arrive, only on their times: see correlator.h.
 */
#include "watch/shape.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "watch/key.h"
#include "watch/window.h"

#define EVENTS_LEAST 64u           /* a track may hold so many, whatever the rule needs */
#define CONTEXT_EVENTS 256u

/* How long a track is of use after its last event. The watermark already allows for lateness. */
int64_t
shape_keep_us(const void *ctx, const struct track *t)
{
	const struct rules *rules = ctx;
	const struct rule *rule = &rules->rules[t->rule];

	if (t->role == TRACK_CONTEXT)
		return rule->quiet_us;
	if (t->role == TRACK_SAME || rule->shape == RULE_EACH)
		return 0;
	if (rule->shape == RULE_FIRST || rule->shape == RULE_SILENCE)
		return INT64_MAX;
	return rule->steps[rule->nsteps - 1].absent ? rule->within_us * 2 : rule->within_us;
}

/* More events than this cannot be needed, but for values that keep coming again. */
static uint32_t
events_cap(const struct correlator *c, const struct rule *rule)
{
	uint64_t cap = rule->need;

	for (uint8_t s = 0; rule->shape == RULE_SEQUENCE && s < rule->nsteps; s++)
		cap += rule->steps[s].need;
	if (rule->shape == RULE_COUNT && rule->distinct == FIELD_NONE)
		cap *= 2 + (uint64_t)(c->lateness_us / rule->within_us);
	else
		cap *= 4;
	if (cap < EVENTS_LEAST)
		return EVENTS_LEAST;
	return cap > EVENTS_MAX ? EVENTS_MAX : (uint32_t)cap;
}

static void
trim(const struct correlator *c, struct track *t)
{
	int64_t keep = shape_keep_us(c->rules, t);
	const struct event *events = track_events(t);
	uint32_t old = 0;

	if (keep == INT64_MAX || c->watermark_us == WHEN_NONE)
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
put(const struct correlator *c, const struct rule *rule, struct track *t, const struct event *e, uint32_t *ret_at)
{
	trim(c, t);
	if (t->n >= events_cap(c, rule))
		track_remove(t, least_needed(rule, t), 1);
	return track_insert(t, e, ret_at);
}

static uint32_t
context_track(struct correlator *c, const struct rule *rule, const struct record *r)
{
	uint64_t key = r ? key_hash(&c->rules->keys[rule->context], r, c->seed) : 0;

	if (key == 0)
		return TRACK_NONE;
	return tracks_take(&c->tracks, track_hash(key, rule, TRACK_CONTEXT), (uint16_t)rule->index,
	    TRACK_CONTEXT, c->watermark_us);
}

/* Puts an event among the context's, or finds it there. */
static int
context_put(struct track *t, const struct event *e, uint32_t *ret_at)
{
	struct event *events;
	int rc;

	if (t->n >= CONTEXT_EVENTS)
		track_remove(t, 0, 1);
	rc = track_insert(t, e, ret_at);
	if (rc != -EEXIST)
		return rc;
	events = track_events(t);
	for (*ret_at = 0; events[*ret_at].ref != e->ref || events[*ret_at].time_us != e->time_us;)
		++*ret_at;
	return 0;
}

static uint32_t
dossier_of(const struct correlator *c, uint32_t home, const struct event *e)
{
	uint32_t d = track_at(&c->tracks, home)->dossier;

	while (d != POOL_NONE && !dossier_holds(c, d, e->time_us, e->ref))
		d = dossier_at(c, d)->sibling;
	return d;
}

/* Everything of the session that lies within the quiet time of a counted record tells its story. */
static void
link_context(struct correlator *c, const struct rule *rule, uint32_t home, const struct event *e, const struct record *r)
{
	uint32_t i = context_track(c, rule, r), at, d = dossier_of(c, home, e);
	struct event mine = { .time_us = e->time_us, .ref = e->ref, .recall = e->recall };
	struct event *events;
	struct track *t;

	if (i == TRACK_NONE || d == POOL_NONE)
		return;
	t = track_at(&c->tracks, i);
	if (context_put(t, &mine, &at) < 0)
		return;
	events = track_events(t);
	events[at].flags |= EVENT_INCLUDED;
	events[at].weight = home;
	for (uint32_t k = 0; k < t->n; k++) {
		int64_t away = events[k].time_us - e->time_us;

		if (!(events[k].flags & EVENT_INCLUDED) && away <= rule->quiet_us && -away <= rule->quiet_us)
			dossier_context(c, d, &events[k]);
	}
}

/* Includes one event of a track. */
static void
include_event(struct correlator *c, const struct rule *rule, uint32_t home, const struct event *e, const struct input *in)
{
	const struct record *r = in && in->ref == e->ref ? in->r : NULL;

	dossier_include(c, rule, home, e, r);
	if (rule->context != UINT16_MAX)
		link_context(c, rule, home, e, in ? in->r : NULL);
}

static void
include_at(struct correlator *c, const struct rule *rule, uint32_t track, uint32_t at, const struct input *in)
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
include_followers(struct correlator *c, const struct rule *rule, uint32_t track, const struct input *in)
{
	for (uint32_t k = 0; k < track_at(&c->tracks, track)->n; k++) {
		const struct event *e = &track_events(track_at(&c->tracks, track))[k];

		if (!(e->flags & EVENT_INCLUDED) && dossier_near(c, track, e->time_us, rule->quiet_us) != POOL_NONE)
			include_at(c, rule, track, k, in);
	}
}

static void
take_each(struct correlator *c, const struct rule *rule, uint64_t key, struct event *e, const struct input *in)
{
	enum track_role role = TRACK_RULE;
	uint32_t i;

	if (rule->same != rule->key) {
		key = correlator_key(c, rule->same, in->r);
		role = TRACK_SAME;
		if (key == 0)
			return;
	}
	i = tracks_take(&c->tracks, track_hash(key, rule, role), (uint16_t)rule->index, (uint8_t)role,
	    c->watermark_us);
	if (i != TRACK_NONE)
		include_event(c, rule, i, e, in);
}

/* While an incident is open only what may lie before it is kept: the rest is in the incident. */
static void
grow(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e, const struct input *in)
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

	if (last && at > 0 && rule->distinct != FIELD_NONE && events[at].distinct == events[at - 1].distinct)
		return true;
	if (adds < t->lacks) {
		t->lacks -= adds;
		return last;
	}
	t->lacks = 0;
	if (last) {
		uint64_t have = window_have(rule, events, t->n);

		t->lacks = have < rule->need ? rule->need - (uint32_t)have : 0;
	}
	return t->lacks > 0;
}

static void
take_count(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e, const struct input *in)
{
	uint32_t at, lo, hi;
	struct track *t = track_at(&c->tracks, i);

	if (t->dossier != POOL_NONE && dossier_near(c, i, e->time_us, rule->quiet_us) != POOL_NONE) {
		grow(c, rule, i, e, in);
		return;
	}
	if (put(c, rule, t, e, &at) < 0)
		return;
	if (cannot_be(rule, t, at) || !window_count(rule, track_events(t), t->n, at, &lo, &hi))
		return;
	for (uint32_t k = lo; k <= hi; k++)
		include_at(c, rule, i, k, in);
	include_followers(c, rule, i, in);
	window_keep_front(rule, track_at(&c->tracks, i), rule->same_us);
}

static void
include_sequence(struct correlator *c, const struct rule *rule, uint32_t i, uint32_t end, uint32_t lo,
    const int64_t after_us[RULE_STEPS_MAX], const struct input *in)
{
	int64_t until = track_events(track_at(&c->tracks, i))[end].time_us;

	for (uint32_t k = lo; k < track_at(&c->tracks, i)->n; k++) {
		const struct event *e = &track_events(track_at(&c->tracks, i))[k];

		if (e->time_us > until)
			return;
		if (e->step <= sequence_last(rule) && e->time_us >= after_us[e->step])
			include_at(c, rule, i, k, in);
	}
}

/* One place per hash: of two tracks that fall together the later is kept; the other's incident names less. */
static void
keep_for_later(struct correlator *c, const struct track *t, uint32_t recall)
{
	struct str bytes = recall_bytes(&c->recall, recall);
	struct keepsake *k;

	if (!c->keepsakes)
		c->keepsakes = calloc(KEEPSAKES, sizeof(*c->keepsakes));
	if (!c->keepsakes || bytes.n == 0)
		return;
	k = &c->keepsakes[t->hash >> (64 - KEEPSAKE_BITS)];
	if (k->bytes && k->track == t->hash)
		return;
	free(k->bytes);
	*k = (struct keepsake){ .track = t->hash, .len = (uint32_t)bytes.n, .bytes = malloc(bytes.n) };
	if (k->bytes)
		memcpy(k->bytes, bytes.p, bytes.n);
}

static struct keepsake *
find_keepsake(const struct correlator *c, const struct track *t)
{
	struct keepsake *k = c->keepsakes ? &c->keepsakes[t->hash >> (64 - KEEPSAKE_BITS)] : NULL;

	return k && k->bytes && k->track == t->hash ? k : NULL;
}

static bool
keepsake(const struct correlator *c, const struct track *t, struct record *ret)
{
	const struct keepsake *k = find_keepsake(c, t);

	return k && recall_read(str_of(k->bytes, k->len), ret);
}

static void
drop_keepsake(struct correlator *c, const struct track *t)
{
	struct keepsake *k = find_keepsake(c, t);

	if (k) {
		free(k->bytes);
		*k = (struct keepsake){ 0 };
	}
}

void
shape_put_due(struct correlator *c, uint32_t i, int64_t at_us)
{
	struct due due = { .at_us = at_us, .serial = track_at(&c->tracks, i)->hash, .index = i, .what = DUE_TRACK };

	(void)dues_put(&c->dues, &due);
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
	keep_for_later(c, t, e->recall);
	shape_put_due(c, i, e->time_us + rule->within_us);
}

static void
take_sequence(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e, const struct input *in)
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
		if (events[end].step != sequence_last(rule) || !window_sequence(rule, events, t->n, end, &lo, after))
			continue;
		if (rule->steps[rule->nsteps - 1].absent)
			wait_for_absence(c, rule, i, end);
		else
			include_sequence(c, rule, i, end, lo, after, in);
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
take_first(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e, const struct input *in)
{
	struct track *t = track_at(&c->tracks, i);
	struct event *known = track_events(t);
	bool follows, was;
	uint32_t at;

	if (t->n == 0) {
		if (track_insert(t, e, &at) == 0 && has_learned(c, rule, e))
			include_at(c, rule, i, at, in);
		return;
	}
	follows = e->time_us > known->time_us || (e->time_us == known->time_us && e->ref >= known->ref);
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
take_rare(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e, const struct input *in)
{
	struct track *t = track_at(&c->tracks, i);
	uint32_t at, lo;

	if (put(c, rule, t, e, &at) < 0)
		return;
	for (lo = at; lo > 0 && e->time_us - track_events(t)[lo - 1].time_us <= rule->within_us;)
		lo--;
	if (at - lo + 1 < rule->need && has_learned(c, rule, e))
		include_at(c, rule, i, at, in);
	if (track_at(&c->tracks, i)->n > rule->need)
		track_remove(track_at(&c->tracks, i), 0, 1);
}

static void
take_silence(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e)
{
	struct track *t = track_at(&c->tracks, i);
	uint32_t at;

	if (c->batch)
		return;
	if (t->n == 0) {
		if (track_insert(t, e, &at) == 0) {
			keep_for_later(c, t, e->recall);
			shape_put_due(c, i, e->time_us + rule->within_us);
		}
		return;
	}
	if (e->time_us > track_events(t)->time_us) {
		if (track_events(t)->flags & EVENT_INCLUDED)
			shape_put_due(c, i, e->time_us + rule->within_us);
		*track_events(t) = *e;
	}
}

static void
take_shape(struct correlator *c, const struct rule *rule, uint32_t i, struct event *e, const struct input *in)
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

static uint32_t
distinct_of(const struct correlator *c, const struct rule *rule, const struct record *r)
{
	struct key_part part = { .field = rule->distinct };

	return (uint32_t)key_part_hash(&part, r, c->seed) | 1;
}

void
shape_take(struct correlator *c, const struct rule *rule, uint8_t step, const struct input *in)
{
	const struct rule_step *s = &rule->steps[step];
	struct event e = { .time_us = in->time_us, .ref = in->ref, .weight = in->weight, .recall = in->recall, .step = step,
		.flags = in->r->hostile ? EVENT_HOSTILE : 0 };
	uint64_t key;
	uint32_t i;

	if (s->nwhere && !conditions_hold(s->where, s->nwhere, c->rs, in->r, &c->env))
		return;
	if (rule->nwhere && !conditions_hold(rule->where, rule->nwhere, c->rs, in->r, &c->env))
		return;
	key = correlator_key(c, rule->key, in->r);
	if (key == 0)
		return;
	if (rule->shape == RULE_EACH) {
		take_each(c, rule, key, &e, in);
		return;
	}
	if (rule->distinct != FIELD_NONE) {
		e.distinct = distinct_of(c, rule, in->r);
		if (e.distinct == 1)
			return;
	}
	if (rule->shape == RULE_RISK && !risk_of_record(c, in->r, &e))
		return;
	i = tracks_take(&c->tracks, track_hash(key, rule, TRACK_RULE), (uint16_t)rule->index, TRACK_RULE,
	    c->watermark_us);
	if (i != TRACK_NONE)
		take_shape(c, rule, i, &e, in);
}

void
shape_context(struct correlator *c, const struct rule *rule, const struct input *in)
{
	struct event e = { .time_us = in->time_us, .ref = in->ref, .weight = in->weight, .recall = in->recall };
	uint32_t i = context_track(c, rule, in->r), at, d;
	struct event *events;
	struct track *t;

	if (i == TRACK_NONE)
		return;
	t = track_at(&c->tracks, i);
	trim(c, t);
	if (context_put(t, &e, &at) < 0)
		return;
	events = track_events(t);
	for (uint32_t k = 0; k < t->n && !(events[at].flags & EVENT_INCLUDED); k++) {
		int64_t away = events[k].time_us - e.time_us;

		if (!(events[k].flags & EVENT_INCLUDED) || away > rule->quiet_us || -away > rule->quiet_us ||
		    !pool_used(&c->tracks.pool, events[k].weight))
			continue;
		d = dossier_of(c, events[k].weight, &events[k]);
		if (d != POOL_NONE)
			dossier_context(c, d, &e);
	}
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

	d = i == TRACK_NONE ? POOL_NONE : dossier_of(c, i, &e);
	return d == POOL_NONE ? 0 : dossier_at(c, dossier_top(c, d))->told_as;
}

static void
refresh_keepsake(struct correlator *c, const struct track *t, const struct input *in)
{
	struct record kept;

	if (!keepsake(c, t, &kept) || kept.ref != in->ref)
		return;
	drop_keepsake(c, t);
	keep_for_later(c, t, in->recall);
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
	refresh_keepsake(c, t, in);
	d = dossier_of(c, i, &e);
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
		if (track_events(t)[k].ref == in->ref && track_events(t)[k].time_us == in->time_us) {
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

static void
due_silence(struct correlator *c, const struct rule *rule, uint32_t i)
{
	struct track *t = track_at(&c->tracks, i);
	struct event *e = track_events(t);
	struct record r;
	struct input in = { .r = &r, .time_us = e->time_us, .ref = e->ref };

	if (e->time_us + rule->within_us >= c->watermark_us) {
		shape_put_due(c, i, e->time_us + rule->within_us);
		return;
	}
	/* The keepsake is the first record of the key: it names the same place. */
	if ((e->flags & EVENT_INCLUDED) || !keepsake(c, t, &r))
		return;
	include_at(c, rule, i, 0, &in);
}

static bool
came_after(const struct rule *rule, const struct event *events, uint32_t n, const struct event *end)
{
	for (uint32_t k = 0; k < n; k++) {
		if (events[k].step > sequence_last(rule) && events[k].time_us >= end->time_us &&
		    events[k].time_us - end->time_us <= rule->within_us)
			return true;
	}
	return false;
}

static void
judge_absence(struct correlator *c, const struct rule *rule, uint32_t i, uint32_t at)
{
	struct track *t = track_at(&c->tracks, i);
	const struct event *e = &track_events(t)[at];
	int64_t after[RULE_STEPS_MAX];
	struct record r;
	struct input in = { .r = keepsake(c, t, &r) ? &r : NULL };
	uint32_t lo;

	if (came_after(rule, track_events(t), t->n, e) || !window_sequence(rule, track_events(t), t->n, at, &lo, after))
		return;
	in.ref = in.r ? r.ref : 0;
	include_sequence(c, rule, i, at, lo, after, &in);
}

static void
due_absence(struct correlator *c, const struct rule *rule, uint32_t i)
{
	bool waiting = false;

	for (uint32_t k = 0; k < track_at(&c->tracks, i)->n; k++) {
		struct event *e = &track_events(track_at(&c->tracks, i))[k];

		if (!(e->flags & EVENT_PENDING))
			continue;
		if (e->time_us + rule->within_us >= c->watermark_us) {
			waiting = true;
			continue;
		}
		e->flags &= (uint8_t)~EVENT_PENDING;
		judge_absence(c, rule, i, k);
	}
	if (!waiting)
		drop_keepsake(c, track_at(&c->tracks, i));
}

void
shape_due(struct correlator *c, const struct due *due)
{
	const struct rule *rule;
	struct track *t;

	if (!pool_used(&c->tracks.pool, due->index))
		return;
	t = track_at(&c->tracks, due->index);
	if (t->hash != due->serial || t->n == 0)
		return;
	rule = &c->rules->rules[t->rule];
	if (rule->shape == RULE_SILENCE)
		due_silence(c, rule, due->index);
	else
		due_absence(c, rule, due->index);
}
