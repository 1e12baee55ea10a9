/*
 * plan: what the compiled rules ask of every record, made ready once: the parts of all keys, each once; for each want
 * its conditions in one list, those first that are answered soonest. Lives in the rule set's arena, immutable after.
 * Must never change what a rule means: only the order in which it is asked.
 */
#ifndef GUARITA_WATCH_CORRELATE_PLAN_H
#define GUARITA_WATCH_CORRELATE_PLAN_H

#include "base/arena.h"
#include "watch/rule.h"

/* Sets rules->parts, plans, carried, lacking and each rule's distinct_part and keep_us. Before plan_wants(). -ENOMEM. */
int plan_keys(struct arena *a, struct rules *rules) WARN_UNUSED;
/* Sets kind->keep: whatever the rules that want the kind may ask of its record later. -ENOMEM. */
int plan_keep(struct arena *a, const struct rules *rules, struct kind_wants *kind) WARN_UNUSED;
/* Sets the asks of n wants. -ENOMEM. */
int plan_wants(struct arena *a, const struct rules *rules, struct want *wants, uint32_t n) WARN_UNUSED;

/* True when a session may bring the field. */
static inline bool
plan_is_carried(const struct rules *rules, uint16_t field)
{
	return field < FIELD_MAX && (rules->carried[field >> 6] >> (field & 63) & 1);
}

#endif
