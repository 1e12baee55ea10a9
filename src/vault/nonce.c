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

static uint32_t
first_leaf(const struct nonce_node *n)
{
	return n->index << n->level;
}

/* The last node that does not begin behind the leaf, if it reaches it. */
static const struct nonce_node *
covering(const struct nonce_block *b, uint32_t i)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (first_leaf(&b->nodes[mid]) <= i)
			low = mid + 1;
		else
			high = mid;
	}
	return low && i >> b->nodes[low - 1].level == b->nodes[low - 1].index ? &b->nodes[low - 1] : NULL;
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

static unsigned
count(const struct nonce_set *s, uint32_t from, unsigned level)
{
	unsigned n = 0;

	if (level < 6)
		return (unsigned)__builtin_popcountll(s->bits[from / 64] >> from % 64 & ((UINT64_C(1) << (1u << level)) - 1));
	for (uint32_t w = from / 64; w < (from + (1u << level)) / 64; w++)
		n += (unsigned)__builtin_popcountll(s->bits[w]);
	return n;
}

/* Down from a node to the largest subtrees of which nothing is forgotten: at most 16 levels deep. */
static int
keep(const struct nonce_node *node, const struct nonce_set *gone, struct nonce_node *ret, size_t size, size_t *n)
{
	unsigned lost = count(gone, first_leaf(node), node->level);
	struct digest pair;
	int r = 0;

	if (lost == 1u << node->level)
		return 0;
	if (!lost) {
		if (*n == size)
			return -ENOSPC;
		ret[(*n)++] = *node;
		return 0;
	}
	children(node->seed, &pair);
	for (unsigned right = 0; right < 2 && r == 0; right++) {
		struct nonce_node half = { .level = (uint8_t)(node->level - 1), .index = node->index * 2 + right };
		memcpy(half.seed, pair.b + right * VAULT_NONCE_BYTES, VAULT_NONCE_BYTES);
		r = keep(&half, gone, ret, size, n);
		explicit_bzero(&half, sizeof(half));
	}
	explicit_bzero(&pair, sizeof(pair));
	return r;
}

int
nonce_forget(const struct nonce_block *b, const struct nonce_set *gone, struct nonce_node *ret, size_t size, size_t *ret_n)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < b->n && r == 0; i++)
		r = keep(&b->nodes[i], gone, ret, size, &n);
	if (r == 0)
		*ret_n = n;
	return r;
}

static const struct str block_magic = STR_INIT("GNB1");
#define BLOCK_HEAD 16u
#define BLOCK_NODE (5u + VAULT_NONCE_BYTES)

void
nonce_block_pack(const struct nonce_block *b, uint64_t block, struct buf *out)
{
	size_t bytes = BLOCK_HEAD + b->n * BLOCK_NODE + DIGEST_BYTES;

	if (!buf_reserve(out, bytes))
		return;
	struct enc e = enc_of(out->p + out->n, bytes);
	enc_bytes(&e, block_magic);
	enc_u64(&e, block);
	enc_u32(&e, (uint32_t)b->n);
	for (size_t i = 0; i < b->n; i++) {
		enc_u8(&e, b->nodes[i].level);
		enc_u32(&e, b->nodes[i].index);
		enc_bytes(&e, str_of((const char *)b->nodes[i].seed, VAULT_NONCE_BYTES));
	}
	struct str packed = str_of(out->p + out->n, e.n);
	struct digest check = digest_of(&packed, 1);
	enc_bytes(&e, digest_str(&check));
	assert(enc_ok(&e) && e.n == bytes);
	out->n += e.n;
}

int
nonce_block_read(struct str file, uint64_t block, struct nonce_node *nodes, size_t *ret_n)
{
	struct cur c = cur_of(str_head(file, file.n >= DIGEST_BYTES ? file.n - DIGEST_BYTES : 0));
	struct digest check = digest_of(&(struct str){ .p = (const char *)c.p, .n = c.n }, 1);
	bool ok = str_eq(cur_bytes(&c, block_magic.n), block_magic) && cur_u64(&c) == block;
	uint32_t n = cur_u32(&c), next = 0;

	if (!ok || !cur_ok(&c) || n > NONCE_NODES_MAX || c.n != n * BLOCK_NODE ||
	    !str_eq(str_from(file, file.n - DIGEST_BYTES), digest_str(&check)))
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++) {
		struct nonce_node node = { .level = cur_u8(&c), .index = cur_u32(&c) };
		struct str seed = cur_bytes(&c, VAULT_NONCE_BYTES);
		if (node.level > NONCE_BLOCK_LEVELS || node.index >= NONCE_BLOCK >> node.level || first_leaf(&node) < next)
			return -EBADMSG;
		memcpy(node.seed, seed.p, VAULT_NONCE_BYTES);
		next = first_leaf(&node) + (1u << node.level);
		nodes[i] = node;
	}
	*ret_n = n;
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
