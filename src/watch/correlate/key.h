/* key: what a record is counted under, as a keyed 64-bit hash. Values are told apart by their first 255 bytes. */
#ifndef GUARITA_WATCH_CORRELATE_KEY_H
#define GUARITA_WATCH_CORRELATE_KEY_H

#include "base/hash.h"
#include "watch/rule.h"

#define KEY_VALUE_MAX 255u

/* One value: addresses in one form each, names without case. 0 when the record lacks it. */
uint64_t key_part_hash(const struct key_part *part, const struct record *r, uint64_t seed);
/* 0 when the record lacks a part. A missing host is no lack when other parts are there: files may have no host. */
uint64_t key_hash(const struct key_spec *key, const struct record *r, uint64_t seed);
/* False for a host beside other parts. */
bool key_part_needed(const struct key_spec *key, uint8_t part);

/* Parts' hashes as one; never 0. */
static inline uint64_t
key_join(const uint64_t *parts, uint8_t n, uint64_t seed)
{
	uint64_t h = seed;

	for (uint8_t i = 0; i < n; i++)
		h = hash_mix(h, parts[i]);
	return h ? h : 1;
}

/* The value that a part stands for: an address, else the name; program, else service. STR_NULL when absent. */
struct str key_value(uint16_t field, const struct record *r);
bool key_spec_equal(const struct key_spec *a, const struct key_spec *b);

#endif
