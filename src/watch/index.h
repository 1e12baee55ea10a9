/*
 * index: from a text to the few plans that could match it. Plans that begin with literals, blanks or typed holes sit
 * in a tree that is walked once along the beginning of the text; those that begin with a wildcard are found by their
 * longest literal anywhere in it. Immutable once built.
 */
#ifndef GUARITA_WATCH_INDEX_H
#define GUARITA_WATCH_INDEX_H

#include "watch/literals.h"
#include "watch/pattern.h"

#define CANDIDATES_MAX 256

struct index_node;

struct index {
	const struct plan **plans;         /* by rank: heaviest first, then in order of adding */
	uint32_t nplans;
	struct index_node *nodes;          /* the tree; node 0 is its root */
	uint32_t nnodes;
	uint32_t *node_plans;              /* ranks of the plans whose tree part ends at a node */
	uint32_t *always;                  /* ranks that no literal announces */
	uint32_t nalways;
	uint32_t best_search;              /* the smallest rank that only a search finds */
	struct literal *needles;           /* what is searched for; more than a few: by literals */
	uint32_t nneedles;
	uint32_t *needle_plans;            /* ranks, by needle from needle_first[i] to needle_first[i + 1] */
	uint32_t *needle_first;
	struct literals *literals;         /* NULL when there are few needles */
};

struct candidates {
	uint32_t rank[CANDIDATES_MAX];     /* ascending: best first */
	uint32_t n;
	uint64_t cut;                      /* how often one was left out for want of room; always the worst */
};

/*
 * plans are copied as pointers into the arena; ret_order[rank] is the place in `plans` of the plan with that rank.
 * Literal sets are not made here: see index_literals().
 */
int index_build(struct arena *a, const struct plan *const *plans, uint32_t n, struct index *ret, uint32_t *ret_order)
    WARN_UNUSED;
/* Compiles the search set when there are many needles. */
int index_literals(struct index *x, struct str cached, bool plain, bool *ret_compiled) WARN_UNUSED;
void index_free(struct index *x);          /* the literal set; the rest is the arena's */

/* The plans that begin as the text does. steps counts work. */
void index_walk(const struct index *x, struct str text, struct candidates *c, uint64_t *steps);
/* Adds those that only a search finds. */
void index_search(const struct index *x, struct literals_work *w, struct str text, struct candidates *c);

#endif
