/*
 * prng: a generator with a fixed seed for property tests: every run tries the same cases. Never
 * used outside tests.
 */
#ifndef GUARITA_TEST_PRNG_H
#define GUARITA_TEST_PRNG_H

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t
prng_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* 0 to below - 1. */
static inline uint64_t
prng_below(uint64_t *state, uint64_t below)
{
	return prng_next(state) % below;
}

#endif
