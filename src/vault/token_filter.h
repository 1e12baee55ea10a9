/*
 * token_filter: which words and addresses a granule holds, in nine bits each: a binary fuse filter (Graf and Lemire,
 * "Binary Fuse Filters", 2022) over keys of 64 bits. It may say "perhaps" for one absent key in 256, never "no" for one
 * that is there. Numbers have no keys: four fifths of all distinct tokens are plain numbers, and their typed columns
 * are faster to go through than an index of them would be to keep.
 */
#ifndef GUARITA_VAULT_TOKEN_FILTER_H
#define GUARITA_VAULT_TOKEN_FILTER_H

#include "base/buf.h"
#include "vault/token.h"

/*
 * The part of a run that has a key; empty when it has none: numbers, what may be a piece of a time or of a hardware
 * address. "host17" goes by its letters, because its number stands in a column of numbers.
 */
struct str token_stem(struct str run);
/* Key of a stem, letters folded; of an address. Never 0. The salt is the segment's. */
uint64_t token_key(struct str stem, uint64_t salt);
uint64_t token_key_value(uint8_t type, uint64_t value, uint64_t salt);

struct keyset {                 /* distinct keys while a granule is built */
	uint64_t *cells;
	uint32_t count, mask;
};

int keyset_add(struct keyset *k, uint64_t key) WARN_UNUSED;
void keyset_reset(struct keyset *k);
void keyset_free(struct keyset *k);

/* Appends the filter of all keys. 0, -ENOMEM, or -EAGAIN: no arrangement was found (then there is simply no filter). */
int token_filter_build(const struct keyset *keys, struct buf *out) WARN_UNUSED;
/* A filter read from foreign bytes: true when its size is what its head says. */
bool token_filter_valid(struct str filter);
bool token_filter_has(struct str filter, uint64_t key);

#endif
