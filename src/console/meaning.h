/*
 * meaning: what an entry of the vault says, as facts: kind, host, program and the decoded fields. Runs the decoders of
 * the rules over lines one after the other, with a lens for each source, as the watch does. Used where lines are not
 * yet in a segment, and by whoever builds one.
 */
#ifndef GUARITA_CONSOLE_MEANING_H
#define GUARITA_CONSOLE_MEANING_H

#include "base/hash.h"
#include "watch/decoder.h"
#include "vault/granule.h"

struct meaning;
/* The rules must outlive it. NULL without memory. seed: random, for its tables. */
struct meaning *meaning_new(const struct ruleset *rules, struct decode_work *work, uint64_t seed);
void meaning_free(struct meaning *m);
/* Names that facts refer to by number; fixed for the life of m. */
const struct str *meaning_names(const struct meaning *m, size_t *ret_n);
/* Facts of an entry, at most FACTS_MAX; values lie in the entry's line or in m until the next call. */
size_t meaning_of(struct meaning *m, const struct vault_entry *e, struct fact ret[FACTS_MAX]);
/* Its kind alone: KIND_unknown where nobody knows. */
uint16_t meaning_kind(struct meaning *m, const struct vault_entry *e);

#endif
