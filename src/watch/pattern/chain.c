/* chain: see chain.h. Length and states stand before the bytes, each chain at an even place. */
#include "watch/pattern/chain.h"

#include <stdlib.h>

#define POOL_FIRST 4096u
#define POOL_MAX (8u << 20)

static bool
make_room(struct chains *c, uint32_t more)
{
	uint32_t size = c->size ? c->size : POOL_FIRST;
	uint8_t *pool;

	while (size < c->n + more && size < POOL_MAX)
		size *= 2;
	if (size < c->n + more)
		return false;
	if (size == c->size)
		return true;
	pool = realloc(c->pool, size);
	if (!pool)
		return false;
	c->pool = pool;
	c->size = size;
	return true;
}

uint32_t
chain_keep(struct chains *c, const struct chain_draft *d)
{
	uint32_t at = c->n ? c->n : 2;
	uint16_t n = (uint16_t)d->n;

	c->n = at;
	if (!make_room(c, 2 + 3u * n + 1))
		return 0;
	memcpy(c->pool + at, &n, sizeof(n));
	memcpy(c->pool + at + 2, d->states, 2u * n);
	memcpy(c->pool + at + 2 + 2u * n, d->bytes, n);
	c->n += (2 + 3u * n + 1) & ~1u;
	return at;
}

/* How many of the first n bytes are the same. */
static inline size_t
common(const char *a, const char *b, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t x, y;

		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		if (x != y)
			return i + (size_t)__builtin_ctzll(x ^ y) / 8;
#else
		if (x != y)
			return i + (size_t)__builtin_clzll(x ^ y) / 8;
#endif
	}
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

size_t
chain_follow(const struct chains *c, uint32_t place, struct str text, uint16_t *ret_state)
{
	const uint8_t *at = c->pool + place;
	uint16_t n;
	size_t same;

	memcpy(&n, at, sizeof(n));
	same = common(text.p, (const char *)at + 2 + 2u * n, n < text.n ? n : text.n);
	if (same > 0)
		memcpy(ret_state, at + 2 * same, sizeof(*ret_state));
	return same;
}

void
chains_empty(struct chains *c)
{
	c->n = 0;
}

void
chains_free(struct chains *c)
{
	free(c->pool);
	*c = (struct chains){ 0 };
}
