/*
 * risk: many small things add up. Each kind of hostile record and each rule that opened an incident is a part; of a
 * part only the latest is kept, and it counts once, so that one loud thing is never taken for many.
 */
#include <errno.h>

#include "watch/correlate/key.h"
#include "watch/correlate/shape.h"

#define PARTS_LEAST 3u             /* fewer are no "many" */
#define PARTS_MAX 64u

static const uint32_t record_points[] = {
	[SEVERITY_INFO] = 0, [SEVERITY_LOW] = 1, [SEVERITY_MEDIUM] = 3, [SEVERITY_HIGH] = 8,
	    [SEVERITY_CRITICAL] = 20,
};

static const uint32_t incident_points[] = {
	[SEVERITY_INFO] = 0, [SEVERITY_LOW] = 5, [SEVERITY_MEDIUM] = 15, [SEVERITY_HIGH] = 30,
	    [SEVERITY_CRITICAL] = 60,
};

bool
risk_of_record(const struct correlator *c, const struct record *r, struct event *ret)
{
	const struct kind_row *kind = kinds_row(c->rs->kinds, r->kind);

	if (!r->hostile || record_points[kind->severity] == 0)
		return false;
	ret->distinct = 1u + r->kind;
	ret->weight = record_points[kind->severity];
	return true;
}

static bool
absorbs(const struct rules *rules, uint32_t whole, uint32_t part)
{
	const struct rule *w = &rules->rules[whole];

	for (uint32_t i = 0; i < w->nmeets; i++) {
		if (w->meets[i].absorbs && (w->meets[i].other == part || absorbs(rules,
		    w->meets[i].other, part)))
			return true;
	}
	return false;
}

/* An incident that is part of another one in the list is not counted twice. */
static bool
is_absorbed(const struct rules *rules, const struct event *events, uint32_t n, uint32_t part)
{
	if (part < RISK_PART_OF_RULE)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (events[i].distinct >= RISK_PART_OF_RULE && events[i].distinct != part &&
		    absorbs(rules, events[i].distinct - RISK_PART_OF_RULE,
		    part - RISK_PART_OF_RULE))
			return true;
	}
	return false;
}

static bool
adds_up(const struct rules *rules, const struct rule *rule, const struct event *events, uint32_t n)
{
	uint64_t points = 0;
	uint32_t parts = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (events[n - 1].time_us - events[i].time_us > rule->within_us ||
		    is_absorbed(rules, events, n, events[i].distinct))
			continue;
		points += events[i].weight;
		parts++;
	}
	return parts >= PARTS_LEAST && points >= rule->need;
}

/* The latest of its part stays; false when it is not this one. *ret_old: the one it replaces (ref and time). */
static bool
put_part(struct track *t, const struct event *e, struct event *ret_old)
{
	struct event *events = track_events(t);
	uint32_t at;

	for (uint32_t i = 0; i < t->n; i++) {
		if (events[i].distinct != e->distinct)
			continue;
		if (events[i].time_us > e->time_us || (events[i].time_us == e->time_us &&
		    events[i].ref >= e->ref))
			return false;
		*ret_old = events[i];
		track_remove(t, i, 1);
		break;
	}
	if (t->n >= PARTS_MAX)
		track_remove(t, 0, 1);
	return track_insert(t, e, &at) == 0;
}

/* Parts older than the window are of no use, but what is late may still come. */
static void
drop_old(const struct correlator *c, const struct rule *rule, struct track *t)
{
	if (shape_holds_late(c, t, rule->within_us))
		return;
	while (t->n > 0 && c->watermark_us != WHEN_NONE &&
	    track_events(t)[0].time_us < c->watermark_us - rule->within_us)
		track_remove(t, 0, 1);
}

void
risk_take(struct correlator *c, const struct rule *rule, uint32_t i, const struct event *e,
    const struct input *in)
{
	struct track *t = track_at(&c->tracks, i);
	struct event parts[PARTS_MAX], old = { .distinct = 0 };
	uint32_t n;

	drop_old(c, rule, t);
	if (!put_part(t, e, &old))
		return;
	if (old.distinct)
		dossier_drop(c, i, old.time_us, old.ref);
	if (!adds_up(c->rules, rule, track_events(t), t->n))
		return;
	n = t->n;
	memcpy(parts, track_events(t), n * sizeof(*parts));
	for (uint32_t k = 0; k < n; k++) {
		if (parts[n - 1].time_us - parts[k].time_us > rule->within_us)
			continue;
		parts[k].weight = 1;
		dossier_include(c, rule, i, &parts[k], in->ref == parts[k].ref ? in->r : NULL);
	}
}

static uint32_t
points_of(const struct rule *rule)
{
	return rule->risk ? rule->risk : incident_points[rule->severity];
}

void
shape_risk(struct correlator *c, const struct rule *rule, const struct event *e,
    const struct record *r)
{
	struct event part = { .time_us = e->time_us, .ref = e->ref, .recall = e->recall,
		.distinct = RISK_PART_OF_RULE + rule->index, .weight = points_of(rule),
		.flags = e->flags & EVENT_GUESS };
	struct record copy;
	struct input in;

	if (!r) {
		if (!recall_get(&c->recall, e->recall, &copy) || copy.ref != e->ref)
			return;
		r = &copy;
	}
	/* The record is only read here. */
	in = (struct input){ .r = (struct record *)(uintptr_t)r, .time_us = e->time_us,
	    .ref = e->ref };
	for (uint32_t k = 0; k < c->rules->nrisk; k++) {
		const struct rule *risk = &c->rules->rules[c->rules->risk_rules[k]];
		uint64_t key = key_hash(&c->rules->keys[risk->key], r, c->seed);
		uint32_t i;

		if (key == 0 || rule_is_off(c, risk))
			continue;
		i = tracks_take(&c->tracks, track_hash(key, risk, TRACK_RULE),
		    (uint16_t)risk->index,
		    TRACK_RULE, c->watermark_us);
		if (i == TRACK_NONE)
			continue;
		shape_note_late(c, i, part.time_us);
		risk_take(c, risk, i, &part, &in);
	}
}
