/* picture: between dossier.c and picture.c. What others use of them stands in correlator.h. */
#ifndef GUARITA_WATCH_CORRELATE_PICTURE_H
#define GUARITA_WATCH_CORRELATE_PICTURE_H

#include "watch/correlate/correlator.h"

uint16_t graver_kind(const struct correlator *c, uint16_t a, uint16_t b);
/* `severity X at N` */
void raise_by_count(struct dossier *d, const struct rule *rule);
/* r may be NULL: then what is remembered of the event's record. */
void dossier_learn_event(struct correlator *c, uint32_t i, const struct rule *rule,
    const struct event *e,
    const struct record *r);
/* It will be told of when the record in hand is done. */
void dossier_touch(struct correlator *c, uint32_t i);

#endif
