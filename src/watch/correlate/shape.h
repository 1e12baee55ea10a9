/* shape: between shape.c, context.c, later.c and risk.c. What others use of them stands in correlator.h. */
#ifndef GUARITA_WATCH_CORRELATE_SHAPE_H
#define GUARITA_WATCH_CORRELATE_SHAPE_H

#include "watch/correlate/correlator.h"

/* Points and part of a hostile record; false when it weighs nothing. */
bool risk_of_record(const struct correlator *c, const struct record *r, struct event *ret);
void risk_take(struct correlator *c, const struct rule *rule, uint32_t i, const struct event *e,
    const struct input *in);

/* To be called for each track that takes an event: see track_late(). */
static inline void
shape_note_late(struct correlator *c, uint32_t track, int64_t time_us)
{
	if (time_us < c->watermark_us)
		track_late(track_at(&c->tracks, track), c->watermark_us);
}

/* Events came late not long ago: what is old by the watermark may be what they are to meet. */
static inline bool
shape_holds_late(const struct correlator *c, const struct track *t, int64_t keep_us)
{
	return t->late_s && track_late_us(t) >= c->watermark_us - keep_us;
}

/* Drops events whose time has passed. */
void shape_trim(const struct correlator *c, struct track *t);
/* Includes the event of a track in an incident there, with the context of its session. */
void shape_include_at(struct correlator *c, const struct rule *rule, uint32_t track, uint32_t at,
    const struct input *in);
/* All events that make the sequence complete with events[end]; see window_sequence(). */
void shape_include_sequence(struct correlator *c, const struct rule *rule, uint32_t i, uint32_t end,
    uint32_t lo,
    const int64_t after_us[RULE_STEPS_MAX], const struct input *in);
/* The incident of this track that holds e, or POOL_NONE. */
uint32_t shape_dossier(const struct correlator *c, uint32_t home, const struct event *e);

/* context.c: lists what lies near a counted record of the same session. */
void context_link(struct correlator *c, const struct rule *rule, uint32_t home,
    const struct event *e,
    const struct record *r);

/* later.c: keeps the record for a track that may have to be told of long after. */
void later_keep(struct correlator *c, const struct track *t, uint32_t recall);
/* Until when something may come that has a say about e. */
int64_t later_until(const struct rule *rule, const struct track *t, const struct event *e);
/* More is known of that record. */
void later_refresh(struct correlator *c, const struct track *t, const struct input *in);

#endif
