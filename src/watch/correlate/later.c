/*
 * later: what is judged when time has come: silences, and sequences that something must not follow. The records that
 * will be told of then are kept apart, for the ring of copies may have turned over by that time.
 */
#include <stdlib.h>

#include "watch/correlate/shape.h"
#include "watch/correlate/window.h"

/* One place per hash: of two tracks that fall together the later is kept; the other's incident names less. */
void
later_keep(struct correlator *c, const struct track *t, uint32_t recall)
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
	struct due due = { .at_us = at_us, .serial = track_at(&c->tracks, i)->hash, .index = i,
	    .what = DUE_TRACK };

	(void)dues_put(&c->dues, &due);
}

int64_t
later_until(const struct rule *rule, const struct track *t, const struct event *e)
{
	int64_t late = track_late_us(t);

	return (e->time_us > late ? e->time_us : late) + rule->within_us;
}

void
later_refresh(struct correlator *c, const struct track *t, const struct input *in)
{
	struct record kept;

	if (!keepsake(c, t, &kept) || kept.ref != in->ref)
		return;
	drop_keepsake(c, t);
	later_keep(c, t, in->recall);
}

static void
due_silence(struct correlator *c, const struct rule *rule, uint32_t i)
{
	struct track *t = track_at(&c->tracks, i);
	struct event *e = track_events(t);
	struct record r;
	struct input in = { .r = &r, .time_us = e->time_us, .ref = e->ref };

	if (later_until(rule, t, e) >= c->watermark_us) {
		shape_put_due(c, i, later_until(rule, t, e));
		return;
	}
	/* The keepsake is the first record of the key: it names the same place. */
	if ((e->flags & EVENT_INCLUDED) || !keepsake(c, t, &r))
		return;
	shape_include_at(c, rule, i, 0, &in);
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

	if (came_after(rule, track_events(t), t->n, e) || !window_sequence(rule, track_events(t),
	    t->n, at, &lo, after))
		return;
	in.ref = in.r ? r.ref : 0;
	shape_include_sequence(c, rule, i, at, lo, after, &in);
}

static void
due_absence(struct correlator *c, const struct rule *rule, uint32_t i)
{
	int64_t again = WHEN_NONE;
	bool waiting = false;

	for (uint32_t k = 0; k < track_at(&c->tracks, i)->n; k++) {
		struct track *t = track_at(&c->tracks, i);
		struct event *e = &track_events(t)[k];

		if (!(e->flags & EVENT_PENDING))
			continue;
		if (later_until(rule, t, e) >= c->watermark_us) {
			waiting = true;
			/* Its own time is over, and nothing else will call for it. */
			if (e->time_us + rule->within_us < c->watermark_us)
				again = later_until(rule, t, e);
			continue;
		}
		e->flags &= (uint8_t)~EVENT_PENDING;
		judge_absence(c, rule, i, k);
	}
	if (again != WHEN_NONE)
		shape_put_due(c, i, again);
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
