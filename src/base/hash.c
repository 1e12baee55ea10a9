/*
 * hash: eight bytes at a time through a 64x64 to 128 bit multiplication, seeded. Never for secrets
 * or proofs: it only keeps foreign keys from piling up in one cell.
 */
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

#define PRIME_A 0xa0761d6478bd642full
#define PRIME_B 0xe7037ed1a0b428dbull
#define PRIME_C 0x8ebc6af09c88c6e3ull
#define ONES 0x0101010101010101ull

static inline uint64_t
fold_product(uint64_t a, uint64_t b)
{
	u128 r = (u128)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/* Lower case of eight ASCII bytes at once; bytes above 0x7f stay. */
static inline uint64_t
lower8(uint64_t v)
{
	uint64_t low = v & 0x7f * ONES;
	uint64_t from_a = low + (0x80 - 'A') * ONES;
	uint64_t past_z = low + (0x7f - 'Z') * ONES;

	return v | ((from_a & ~past_z & ~v & 0x80 * ONES) >> 2);
}

static inline uint64_t
read8(const char *p, bool nocase)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return nocase ? lower8(v) : v;
}

static inline uint64_t
read4(const char *p, bool nocase)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return nocase ? lower8(v) : v;
}

/* One to three bytes, each of them looked at. */
static inline uint64_t
read_few(const char *p, size_t n, bool nocase)
{
	uint64_t v = (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[n >> 1] << 8 |
	    (uint8_t)p[n - 1];

	return nocase ? lower8(v) : v;
}

static inline uint64_t
hash_any(struct str s, uint64_t seed, bool nocase)
{
	const char *p = s.p;
	size_t n = s.n;
	uint64_t a = 0, b = 0, h = seed ^ PRIME_A;

	for (; n > 16; n -= 16, p += 16)
		h = fold_product(read8(p, nocase) ^ PRIME_B, read8(p + 8, nocase) ^ h);
	if (n >= 8) {
		a = read8(p, nocase);
		b = read8(p + n - 8, nocase);
	} else if (n >= 4) {
		a = read4(p, nocase);
		b = read4(p + n - 4, nocase);
	} else if (n) {
		a = read_few(p, n, nocase);
	}
	h = fold_product(a ^ PRIME_B, b ^ h);
	return fold_product(h ^ PRIME_C, (uint64_t)s.n ^ PRIME_B);
}

uint64_t
hash_bytes(struct str s, uint64_t seed)
{
	return hash_any(s, seed, false);
}

uint64_t
hash_nocase(struct str s, uint64_t seed)
{
	return hash_any(s, seed, true);
}

#define STRMAP_FIRST 16
#define STRMAP_LARGEST (1u << 30)

struct strmap_cell {
	struct str key; /* p NULL: free */
	uint32_t hash;  /* upper half: spares most comparisons */
	uint32_t value;
};

static uint64_t
strmap_hash(const struct strmap *m, struct str key)
{
	return m->nocase ? hash_nocase(key, m->seed) : hash_bytes(key, m->seed);
}

/* The cell of the key, or the free one where it belongs. There is always a free one. */
static struct strmap_cell *
strmap_cell(const struct strmap *m, struct str key, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & m->mask;

	for (;; i = (i + 1) & m->mask) {
		struct strmap_cell *c = &m->cells[i];
		if (!c->key.p)
			return c;
		if (c->hash == hash >> 32 &&
		    (m->nocase ? str_eq_nocase(c->key, key) : str_eq(c->key, key)))
			return c;
	}
}

static int
strmap_grow(struct strmap *m)
{
	struct strmap bigger = *m;
	uint32_t size = m->cells ? m->mask + 1 : 0;

	if (size >= STRMAP_LARGEST)
		return -ENOMEM;
	bigger.mask = (size ? size * 2 : STRMAP_FIRST) - 1;
	bigger.cells = calloc((size_t)bigger.mask + 1, sizeof(*bigger.cells));
	if (!bigger.cells)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++)
		if (m->cells[i].key.p)
			*strmap_cell(&bigger, m->cells[i].key,
			    strmap_hash(m, m->cells[i].key)) = m->cells[i];
	free(m->cells);
	*m = bigger;
	return 0;
}

void
strmap_free(struct strmap *m)
{
	free(m->cells);
	*m = (struct strmap){ .seed = m->seed, .nocase = m->nocase };
}

int
strmap_put(struct strmap *m, struct str key, uint32_t value)
{
	uint64_t hash = strmap_hash(m, key);
	struct strmap_cell *c;

	if ((!m->cells || m->count >= m->mask - m->mask / 4) && strmap_grow(m) < 0)
		return -ENOMEM;
	c = strmap_cell(m, key, hash);
	m->count += !c->key.p;
	*c = (struct strmap_cell){
		.key = key.p ? key : STR(""),
		.hash = (uint32_t)(hash >> 32),
		.value = value,
	};
	return 0;
}

uint32_t
strmap_get(const struct strmap *m, struct str key)
{
	struct strmap_cell *c;

	if (!m->cells)
		return STRMAP_NONE;
	c = strmap_cell(m, key, strmap_hash(m, key));
	return c->key.p ? c->value : STRMAP_NONE;
}
