/*
 * literals: which of many literals stand in a text, in one pass. Vectorscan where the machine can run it, else an
 * automaton of our own with the same answers. Immutable once built and shared; each thread brings its own work.
 */
#ifndef GUARITA_WATCH_PATTERN_LITERALS_H
#define GUARITA_WATCH_PATTERN_LITERALS_H

#include "base/buf.h"

struct literal {
	struct str text;           /* lower case when nocase */
	bool nocase;
};

struct literals;
struct literals_work;

/*
 * Literal i is reported as i. `cached` is what literals_save() gave earlier for the same literals on a machine of
 * the same kind; anything else is ignored and compiled anew (*ret_compiled). `plain` asks for our own automaton.
 */
int literals_new(const struct literal *v, size_t n, struct str cached, bool plain, struct literals **ret,
    bool *ret_compiled) WARN_UNUSED;
void literals_free(struct literals *l);
/* Adds the serialized form to out (nothing for our own automaton). */
int literals_save(const struct literals *l, struct buf *out) WARN_UNUSED;
/* Names the library and CPU that a serialized form is good for. */
uint64_t literals_platform(void);

struct literals_work *literals_work_new(void);
void literals_work_free(struct literals_work *w);
/* Makes w fit for l; once per set, before the first scan. */
int literals_prepare(struct literals_work *w, const struct literals *l) WARN_UNUSED;
/* Calls hit() for each literal that stands in text, in any order, perhaps more than once. */
void literals_scan(const struct literals *l, struct literals_work *w, struct str text,
    void (*hit)(void *ctx, uint32_t id), void *ctx);

#endif
