/*
 * tree: the beginnings of all ways of a group, equal beginnings once. An edge is a literal, blanks or a hole; holes of
 * one type are one edge, whatever follows them. Built once, immutable.
 */
#ifndef GUARITA_WATCH_PATTERN_TREE_H
#define GUARITA_WATCH_PATTERN_TREE_H

#include "watch/pattern/ways.h"

struct tree_way {                      /* a way that leaves the tree at a node and goes on in its pattern */
	uint32_t rank;
	uint16_t step;                 /* STEP_END: there is no more of it */
	uint16_t off;                  /* bytes of that literal done, or 1 within blanks */
};

struct tree_node {
	uint8_t code, type;            /* the edge that leads here: STEP_LIT, STEP_BLANKS or STEP_HOLE, and its type */
	bool nocase;
	bool alone;                    /* all ways from here on are of one pattern: they leave the tree */
	uint16_t len;                  /* of the literal */
	uint16_t nlit;                 /* the first so many children are literals that mind case */
	uint16_t nkids, nways;
	uint32_t kids, ways;           /* first of each */
	uint32_t best;                 /* the best rank from here on */
	const char *lit;
	uint16_t *jump;                /* to the literal children, by first byte: number + 1; NULL where few */
};

struct tree {
	struct tree_node *nodes;       /* node 0 is the root */
	uint32_t nnodes;
	struct tree_way *ways;
	uint32_t nways;
};

/* ways by rank; those without steps have no place in it. 0 or -ENOMEM. */
int tree_build(struct arena *a, const struct way *ways, uint32_t n, struct tree *ret) WARN_UNUSED;

#endif
