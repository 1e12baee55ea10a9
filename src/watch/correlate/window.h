/*
 * window: is a rule fulfilled by the sorted events of one key? Pure functions of the events: no state, no time of
 * their own. Events with equal times are simultaneous.
 */
#ifndef GUARITA_WATCH_CORRELATE_WINDOW_H
#define GUARITA_WATCH_CORRELATE_WINDOW_H

#include "watch/rule.h"
#include "watch/correlate/track.h"

/*
 * `N within T [distinct]`: the span of events that lie in a fulfilling window together with events[at]. False: none.
 * Takes one step per event in the windows around `at`.
 */
bool window_count(const struct rule *rule, const struct event *events, uint32_t n, uint32_t at,
    uint32_t *ret_lo,
    uint32_t *ret_hi);
/* How much of what the rule needs lies in the window that ends with the last event. */
uint64_t window_have(const struct rule *rule, const struct event *events, uint32_t n);
/*
 * A sequence that is complete with events[end], an event of its last step: sets *ret_lo to the window's start and
 * after_us[s] to the time from which events of step s count. False: not complete.
 */
bool window_sequence(const struct rule *rule, const struct event *events, uint32_t n, uint32_t end,
    uint32_t *ret_lo,
    int64_t after_us[RULE_STEPS_MAX]);
/* The last step that must come, and the one that must not (nsteps when there is none). */
uint8_t sequence_last(const struct rule *rule);
/* Drops events of an opened count that no late record can need any more: all but the first that fulfil the rule. */
void window_keep_front(const struct rule *rule, struct track *t, int64_t gap);

#endif
