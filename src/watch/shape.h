/* shape: between shape.c and risk.c. What others use of them stands in correlator.h. */
#ifndef GUARITA_WATCH_SHAPE_H
#define GUARITA_WATCH_SHAPE_H

#include "watch/correlator.h"

/* Points and part of a hostile record; false when it weighs nothing. */
bool risk_of_record(const struct correlator *c, const struct record *r, struct event *ret);
void risk_take(struct correlator *c, const struct rule *rule, uint32_t i, const struct event *e,
    const struct input *in);

#endif
