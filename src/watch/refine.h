/*
 * refine: a second look at one field of records of certain kinds, the same for all decoders: `refine` blocks. The
 * literals of all blocks about one field are searched in one pass.
 */
#ifndef GUARITA_WATCH_REFINE_H
#define GUARITA_WATCH_REFINE_H

#include "watch/engine.h"

/* refine NAME { ... } */
void refine_take(struct load *l, const struct conf_stmt *s);
/* After the last statement: which kinds are looked at, in which fields. 0 or -ENOMEM. */
int refine_build(struct load *l) WARN_UNUSED;
void refine_free(struct decoders *d);
/* The literal sets, for the cache: how many, and each. */
uint32_t refine_sets(const struct decoders *d);
int refine_literals(struct decoders *d, uint32_t set, struct str cached, bool plain, bool *ret_compiled) WARN_UNUSED;
const struct literals *refine_set(const struct decoders *d, uint32_t set);
int refine_prepare(const struct decoders *d, struct literals_work *w) WARN_UNUSED;

/* Values that were found to hold no literal: agents and paths come again and again. NULL without memory. */
struct refine_memo;
struct refine_memo *refine_memo_new(const struct decoders *d);
void refine_memo_free(struct refine_memo *m);
void refine_record(const struct ruleset *rs, struct decode_work *w, struct record *r);

#endif
