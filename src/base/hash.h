/*
 * hash: fast keyed hashing of foreign bytes (not cryptographic), and a small map from slices to
 * numbers.
 */
#ifndef GUARITA_BASE_HASH_H
#define GUARITA_BASE_HASH_H

#include "base/str.h"

/*
 * Seeded so that an attacker cannot choose collisions; the seed is drawn once by a role and handed
 * in.
 */
uint64_t hash_bytes(struct str s, uint64_t seed);
uint64_t hash_nocase(struct str s, uint64_t seed);   /* ASCII letters folded */

static inline uint64_t
hash_mix(uint64_t h, uint64_t v)
{
	h ^= v + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2);
	h *= 0xff51afd7ed558ccdull;
	return h ^ (h >> 32);
}

/*
 * Map from slice to uint32; the slices are the caller's and must outlive the map. Open addressing.
 */
struct strmap {
	struct strmap_cell *cells;
	uint32_t count;
	uint32_t mask;         /* size - 1; 0 when empty */
	uint64_t seed;
	bool nocase;
};

#define STRMAP_NONE UINT32_MAX

void strmap_free(struct strmap *m);
int strmap_put(struct strmap *m, struct str key, uint32_t value) WARN_UNUSED; /* replaces; 0 or -ENOMEM */
uint32_t strmap_get(const struct strmap *m, struct str key);                   /* STRMAP_NONE when absent */

#endif
