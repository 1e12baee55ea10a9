/*
 * context: records that tell the story of an incident without being counted: those of the same session, near in time
 * to a record that is counted.
 */
#include <errno.h>

#include "watch/correlate/key.h"
#include "watch/correlate/shape.h"

#define CONTEXT_EVENTS 256u

static uint32_t
context_track(struct correlator *c, const struct rule *rule, uint64_t hash, int64_t time_us)
{
	uint32_t i = tracks_take(&c->tracks, hash, (uint16_t)rule->index, TRACK_CONTEXT, c->watermark_us);

	if (i != TRACK_NONE)
		shape_note_late(c, i, time_us);
	return i;
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

uint32_t
shape_dossier(const struct correlator *c, uint32_t home, const struct event *e)
{
	uint32_t d = track_at(&c->tracks, home)->dossier;

	while (d != POOL_NONE && !dossier_holds(c, d, e->time_us, e->ref))
		d = dossier_at(c, d)->sibling;
	return d;
}

/* Everything of the session that lies within the quiet time of a counted record tells its story. */
void
context_link(struct correlator *c, const struct rule *rule, uint32_t home, const struct event *e,
    const struct record *r)
{
	uint64_t key = r ? key_hash(&c->rules->keys[rule->context], r, c->seed) : 0;
	uint32_t i = key ? context_track(c, rule, track_hash(key, rule, TRACK_CONTEXT), r->time_us) : TRACK_NONE;
	uint32_t at, d = shape_dossier(c, home, e);
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

		if (!(events[k].flags & EVENT_INCLUDED) && away <= rule->quiet_us &&
		    -away <= rule->quiet_us)
			dossier_context(c, d, &events[k]);
	}
}

void
shape_context(struct correlator *c, const struct rule *rule, uint64_t hash, struct input *in)
{
	struct event e = { .time_us = in->time_us, .ref = in->ref, .weight = in->weight };
	uint32_t i, at, d;
	struct event *events;
	struct track *t;

	i = context_track(c, rule, hash, in->time_us);
	if (i == TRACK_NONE)
		return;
	t = track_at(&c->tracks, i);
	shape_trim(c, t);
	if (context_put(t, &e, &at) < 0)
		return;
	events = track_events(t);
	for (uint32_t k = 0; k < t->n && !(events[at].flags & EVENT_INCLUDED); k++) {
		int64_t away = events[k].time_us - e.time_us;

		if (!(events[k].flags & EVENT_INCLUDED) || away > rule->quiet_us ||
		    -away > rule->quiet_us ||
		    !pool_used(&c->tracks.pool, events[k].weight))
			continue;
		d = shape_dossier(c, events[k].weight, &events[k]);
		if (d != POOL_NONE)
			dossier_context(c, d, &e);
	}
}
