/*
 * tree: the Merkle tree of RFC 6962 section 2.1 over leaves in the order of the log. A struct tree
 * holds only the right edge (one digest per set bit of its size), which is all that appending needs.
 * Proofs are made from nodes that a source hands out, and checked against nothing but digests.
 */
#ifndef GUARITA_VAULT_TREE_H
#define GUARITA_VAULT_TREE_H

#include "vault/digest.h"

#define TREE_LEVELS 64
/* Levels that are written down while growing: one node for 256 of the level so written below. */
#define TREE_STEP 8
#define TREE_STEP_LEAVES (UINT64_C(1) << TREE_STEP)

/* Told of each complete node whose level is a multiple of TREE_STEP, above 0, in their order. */
typedef void tree_node_fn(void *ctx, unsigned level, uint64_t index, const struct digest *node);

struct tree {
	uint64_t size;                         /* leaves */
	struct digest edge[TREE_LEVELS];       /* edge[l] stands where bit l of size is set */
	tree_node_fn *on_node;                 /* may be NULL */
	void *ctx;
};

/* 0x01 || left || right. */
struct digest tree_join(const struct digest *left, const struct digest *right);
void tree_add(struct tree *t, const struct digest *leaf);
/* A complete subtree of 2^level leaves; the size must be a multiple of that. Nodes inside are not told. */
void tree_add_subtree(struct tree *t, unsigned level, const struct digest *node);
/* Of the whole; of an empty tree the digest of nothing. */
struct digest tree_root(const struct tree *t);

struct tree_path {
	unsigned n;
	struct digest path[2 * TREE_LEVELS];
};

/* Where proofs get complete subtrees from: leaves index << level to (index + 1) << level. 0 or -errno. */
struct tree_source {
	void *ctx;
	int (*node)(void *ctx, unsigned level, uint64_t index, struct digest *ret);
};

/* The largest complete subtree that begins at leaf `at` and does not reach past `end`: its level. at < end. */
unsigned tree_level_at(uint64_t at, uint64_t end);

/* RFC 6962 2.1.1: the path of leaf `index` in the tree of the first `size` leaves; index < size. */
int tree_prove_inclusion(const struct tree_source *s, uint64_t index, uint64_t size, struct tree_path *ret) WARN_UNUSED;
/* RFC 6962 2.1.2: that the tree of `size` leaves continues the one of `old`; old <= size. */
int tree_prove_consistency(const struct tree_source *s, uint64_t old, uint64_t size, struct tree_path *ret) WARN_UNUSED;
/*
 * That the leaves from `first` to before `end` stand there without a gap: complete subtrees before them and behind
 * them, both from left to right. A checker adds the first, the leaves, and the second to an empty tree.
 */
int tree_prove_range(const struct tree_source *s, uint64_t first, uint64_t end, uint64_t size, struct tree_path *ret_before,
    struct tree_path *ret_behind) WARN_UNUSED;

/* Each: 0, or -EBADMSG when the proof is not one. RFC 9162 2.1.3.2 and 2.1.4.2, which fix the procedure. */
int tree_check_inclusion(const struct digest *leaf, uint64_t index, uint64_t size, const struct tree_path *p,
    const struct digest *root) WARN_UNUSED;
/* The root that the path leads to; -EBADMSG when it has not the length it must have. */
int tree_follow(const struct digest *leaf, uint64_t index, uint64_t size, const struct tree_path *p,
    struct digest *ret_root) WARN_UNUSED;
int tree_check_consistency(uint64_t old, uint64_t size, const struct digest *old_root, const struct digest *root,
    const struct tree_path *p) WARN_UNUSED;
/* Adds the subtrees of `before` to an empty tree, so that leaf `first` comes next; -EBADMSG. */
int tree_open_range(struct tree *t, uint64_t first, const struct tree_path *before) WARN_UNUSED;
/* Adds the subtrees of `behind`, up to size, and compares. */
int tree_close_range(struct tree *t, uint64_t size, const struct tree_path *behind, const struct digest *root) WARN_UNUSED;

#endif
