/* aho: an Aho-Corasick automaton over literals, for machines where Vectorscan cannot run. Small rather than fast. */
#ifndef GUARITA_WATCH_PATTERN_AHO_H
#define GUARITA_WATCH_PATTERN_AHO_H

#include "watch/pattern/literals.h"

struct aho;

/* The literals' texts must outlive it. */
int aho_new(const struct literal *v, size_t n, struct aho **ret) WARN_UNUSED;
void aho_free(struct aho *a);
void aho_scan(const struct aho *a, struct str text, void (*hit)(void *ctx, uint32_t id), void *ctx);

#endif
