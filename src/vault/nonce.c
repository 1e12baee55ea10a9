/* nonce: seeds to nonces. Must never keep a seed above a leaf that was forgotten. */
#include "vault/nonce.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>

/* Both children at once: left is the first half. */
static void
children(const uint8_t seed[VAULT_NONCE_BYTES], struct digest *ret)
{
	const struct str pieces[] = { STR("guarita nonce"), str_of((const char *)seed, VAULT_NONCE_BYTES) };

	*ret = digest_of(pieces, ARRAY_LEN(pieces));
}

static void
child(const uint8_t seed[VAULT_NONCE_BYTES], unsigned right, uint8_t ret[VAULT_NONCE_BYTES])
{
	struct digest d;

	children(seed, &d);
	memcpy(ret, d.b + right * VAULT_NONCE_BYTES, VAULT_NONCE_BYTES);
}

static const struct nonce_node *
covering(const struct nonce_block *b, uint32_t i)
{
	for (size_t k = 0; k < b->n; k++)
		if (i >> b->nodes[k].level == b->nodes[k].index)
			return &b->nodes[k];
	return NULL;
}

int
nonce_at(const struct nonce_block *b, uint32_t i, uint8_t ret[VAULT_NONCE_BYTES])
{
	const struct nonce_node *node = covering(b, i);
	uint8_t seed[VAULT_NONCE_BYTES];

	if (!node)
		return -ENOENT;
	memcpy(seed, node->seed, sizeof(seed));
	for (unsigned l = node->level; l-- > 0;)
		child(seed, i >> l & 1, seed);
	memcpy(ret, seed, sizeof(seed));
	return 0;
}

int
nonce_forget(struct nonce_block *b, size_t size, uint32_t i)
{
	const struct nonce_node *found = covering(b, i);
	uint8_t seed[VAULT_NONCE_BYTES];

	if (!found)
		return -ENOENT;
	if (b->n - 1 + found->level > size)
		return -ENOSPC;
	size_t place = (size_t)(found - b->nodes);
	unsigned level = found->level;
	memcpy(seed, found->seed, sizeof(seed));
	b->nodes[place] = b->nodes[--b->n];
	while (level-- > 0) {
		struct nonce_node *beside = &b->nodes[b->n++];
		struct digest d;
		unsigned right = i >> level & 1;
		children(seed, &d);
		*beside = (struct nonce_node){ .level = (uint8_t)level, .index = (i >> level) ^ 1 };
		memcpy(beside->seed, d.b + (right ^ 1) * VAULT_NONCE_BYTES, VAULT_NONCE_BYTES);
		memcpy(seed, d.b + right * VAULT_NONCE_BYTES, VAULT_NONCE_BYTES);
	}
	explicit_bzero(seed, sizeof(seed));
	return 0;
}

void
nonce_slot_pack(const uint8_t seed[VAULT_NONCE_BYTES], uint64_t block, uint8_t dst[NONCE_SLOT_BYTES])
{
	uint64_t number = htobe64(block);
	const struct str pieces[] = { STR("guarita nonce slot"), str_of((const char *)seed, VAULT_NONCE_BYTES),
		str_of((const char *)&number, sizeof(number)) };
	struct digest check = digest_of(pieces, ARRAY_LEN(pieces));

	memcpy(dst, seed, VAULT_NONCE_BYTES);
	memcpy(dst + VAULT_NONCE_BYTES, check.b, NONCE_SLOT_BYTES - VAULT_NONCE_BYTES);
}

int
nonce_slot_read(struct str slot, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	uint8_t want[NONCE_SLOT_BYTES];

	if (slot.n != NONCE_SLOT_BYTES)
		return -ENOENT;
	nonce_slot_pack((const uint8_t *)slot.p, block, want);
	if (memcmp(want, slot.p, NONCE_SLOT_BYTES) != 0)
		return -ENOENT;
	memcpy(ret, slot.p, VAULT_NONCE_BYTES);
	return 0;
}

static const uint8_t *
half(const struct digest *pair, unsigned right)
{
	return pair->b + right * VAULT_NONCE_BYTES;
}

/* The way down to leaf `at`, below level `from`, where it is right already. */
static void
descend(struct nonce_walk *w, unsigned from)
{
	for (unsigned l = from; l-- > 0;)
		children(half(&w->pair[l + 1], w->at >> (l + 1) & 1), &w->pair[l]);
}

void
nonce_walk_begin(struct nonce_walk *w, const uint8_t seed[VAULT_NONCE_BYTES])
{
	memcpy(w->seed, seed, VAULT_NONCE_BYTES);
	nonce_walk_seek(w, 0);
}

void
nonce_walk_seek(struct nonce_walk *w, uint32_t at)
{
	assert(at < NONCE_BLOCK);
	w->at = at;
	children(w->seed, &w->pair[NONCE_BLOCK_LEVELS - 1]);
	descend(w, NONCE_BLOCK_LEVELS - 1);
}

void
nonce_walk_next(struct nonce_walk *w, uint8_t ret[VAULT_NONCE_BYTES])
{
	memcpy(ret, half(&w->pair[0], w->at & 1), VAULT_NONCE_BYTES);
	if (++w->at < NONCE_BLOCK)
		descend(w, (unsigned)__builtin_ctz(w->at));
}

static int
load(struct nonce_store *s, uint64_t block)
{
	s->loaded = false;
	s->walking = false;
	int r = s->block(s->ctx, block, &s->known);
	if (r < 0)
		return r;
	s->loaded = true;
	s->of = block;
	return 0;
}

int
nonce_get(struct nonce_store *s, uint64_t index, uint8_t ret[VAULT_NONCE_BYTES])
{
	uint32_t at = (uint32_t)(index % NONCE_BLOCK);

	if (!s->loaded || s->of != index / NONCE_BLOCK) {
		int r = load(s, index / NONCE_BLOCK);
		if (r < 0)
			return r;
	}
	/* A block of which nothing was forgotten can be walked. */
	if (s->known.n != 1 || s->known.nodes[0].level != NONCE_BLOCK_LEVELS)
		return nonce_at(&s->known, at, ret);
	if (!s->walking)
		nonce_walk_begin(&s->walk, s->known.nodes[0].seed);
	if (!s->walking || s->next != index)
		nonce_walk_seek(&s->walk, at);
	nonce_walk_next(&s->walk, ret);
	s->walking = at + 1 < NONCE_BLOCK;
	s->next = index + 1;
	return 0;
}
