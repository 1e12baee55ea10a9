/*
 * nonce: 16 bytes for each entry, from one seed for 65,536 of them, so that they need not be stored; and so that one can
 * be forgotten while all others stay (GGM construction: a binary tree in which each node's two halves are
 * SHA-256("guarita nonce" || seed)). Forgetting replaces a seed by those of the nodes beside the way to the leaf.
 */
#ifndef GUARITA_VAULT_NONCE_H
#define GUARITA_VAULT_NONCE_H

#include "base/buf.h"
#include "vault/entry.h"

#define NONCE_BLOCK_LEVELS 16
#define NONCE_BLOCK (UINT64_C(1) << NONCE_BLOCK_LEVELS)

/* A seed for the leaves index << level to (index + 1) << level of its block. */
struct nonce_node {
	uint8_t level;
	uint32_t index;
	uint8_t seed[VAULT_NONCE_BYTES];
};

/* Every second leaf forgotten is the worst that can be: each of the others is a node then. */
#define NONCE_NODES_MAX NONCE_BLOCK

/* What is known of one block: one node of level 16 at first, nothing where everything was forgotten. By rising leaves. */
struct nonce_block {
	size_t n;
	struct nonce_node *nodes;      /* the caller's */
};

/* The nonce of leaf i of its block, -ENOENT when it was forgotten. */
int nonce_at(const struct nonce_block *b, uint32_t i, uint8_t ret[VAULT_NONCE_BYTES]) WARN_UNUSED;

/* A set of leaves of a block. */
#define NONCE_SET_WORDS (NONCE_BLOCK / 64)
struct nonce_set {
	uint64_t bits[NONCE_SET_WORDS];
};
static inline void
nonce_set_add(struct nonce_set *s, uint32_t i)
{
	s->bits[i / 64] |= UINT64_C(1) << i % 64;
}
/*
 * What is left of a block when these leaves are forgotten: nodes in order, room for `size`. 0 or -ENOSPC. The old nodes
 * are the caller's to wipe.
 */
int nonce_forget(const struct nonce_block *b, const struct nonce_set *gone, struct nonce_node *ret, size_t size,
    size_t *ret_n) WARN_UNUSED;

/* A block of which something was forgotten, as a file: "GNB1", u64 block, u32 nodes; u8 level, u32 index, seed; check. */
void nonce_block_pack(const struct nonce_block *b, uint64_t block, struct buf *out);
/* -EBADMSG: not that file; nodes has room for NONCE_NODES_MAX. */
int nonce_block_read(struct str file, uint64_t block, struct nonce_node *nodes, size_t *ret_n) WARN_UNUSED;

/* A block's seed in the file of seeds: 32 bytes at block * 32, the seed and a check of both. */
#define NONCE_SLOT_BYTES 32
void nonce_slot_pack(const uint8_t seed[VAULT_NONCE_BYTES], uint64_t block, uint8_t dst[NONCE_SLOT_BYTES]);
/* -ENOENT when the slot is not whole: no seed was drawn, or its writing was torn. */
int nonce_slot_read(struct str slot, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES]) WARN_UNUSED;

/* Nonces one after the other: about one digest each. */
struct nonce_walk {
	uint8_t seed[VAULT_NONCE_BYTES];
	struct digest pair[NONCE_BLOCK_LEVELS];        /* on the way to leaf `at`: both nodes of a level under one */
	uint32_t at;
};
void nonce_walk_begin(struct nonce_walk *w, const uint8_t seed[VAULT_NONCE_BYTES]);
/* The nonce of leaf `at`; then moves on, except behind the block's last leaf, which ends the walk. */
void nonce_walk_next(struct nonce_walk *w, uint8_t ret[VAULT_NONCE_BYTES]);
void nonce_walk_seek(struct nonce_walk *w, uint32_t at);       /* from the seed of the block, which is kept */

/* Nonces by index over all blocks; quick where indexes come one after the other. */
struct nonce_store {
	void *ctx;
	/* What is known of a block: 0 or -errno. The nodes live until the next call. */
	int (*block)(void *ctx, uint64_t block, struct nonce_block *ret);
	struct nonce_block known;      /* of block `of`, where loaded */
	uint64_t of;
	bool loaded, walking;
	struct nonce_walk walk;        /* stands at the index `next` of the log */
	uint64_t next;
};
/* 0, -ENOENT: forgotten, or an error of the source. */
int nonce_get(struct nonce_store *s, uint64_t index, uint8_t ret[VAULT_NONCE_BYTES]) WARN_UNUSED;

#endif
