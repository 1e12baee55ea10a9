/*
 * index: from a text to the few patterns that could match it. The ways through a pattern that begin with literals,
 * blanks or typed holes are followed from the beginning of the text by an automaton (automaton.h); those that begin
 * with a wildcard are found by a literal that every match must hold. Immutable once built.
 */
#ifndef GUARITA_WATCH_PATTERN_INDEX_H
#define GUARITA_WATCH_PATTERN_INDEX_H

#include "watch/pattern/literals.h"
#include "watch/pattern/tree.h"

#define CANDIDATES_MAX 256

struct index_way {                     /* one way to begin a pattern */
	const struct pattern *pattern;
	uint32_t item;                     /* its place among those given to index_build() */
};

struct index {
	struct index_way *ways;            /* by rank: most exact first, then in order of adding */
	uint32_t nways;
	struct tree tree;                  /* how the others begin */
	uint8_t class[256];                /* bytes of one class are the same to all patterns */
	uint32_t nclasses;
	bool leads[256];                   /* bytes with which what is searched for may go on behind its wildcard */
	uint32_t *always;                  /* ranks that no literal announces */
	uint32_t nalways;
	uint32_t vague;                    /* ranks from here on hold no literal at all */
	uint32_t best_search;              /* the smallest rank that only a search finds */
	struct literal *needles;           /* what is searched for; more than a few: by literals */
	uint32_t nneedles;
	uint32_t *needle_ways;             /* ranks, by needle from needle_first[i] to needle_first[i + 1] */
	uint32_t *needle_first;
	struct literals *literals;         /* NULL when there are few needles */
};

struct candidates {
	uint32_t rank[CANDIDATES_MAX];     /* ascending: best first */
	uint32_t n;
	uint64_t cut;                      /* how often one was left out for want of room; always the worst */
};

/* Patterns must outlive the index. Literal sets are not made here: see index_literals(). 0 or -ENOMEM. */
int index_build(struct arena *a, const struct pattern *const *patterns, uint32_t n, struct index *ret) WARN_UNUSED;
/* Compiles the search set when there are many needles. */
int index_literals(struct index *x, struct str cached, bool plain, bool *ret_compiled) WARN_UNUSED;
void index_free(struct index *x);          /* the literal set; the rest is the arena's */

/* Keeps the list sorted and without doubles; when it is full the worst goes. */
void candidates_add(struct candidates *c, uint32_t rank);
/* May a search find anything, when no leading wildcard may take a byte of the text? */
bool index_may_lead(const struct index *x, struct str text);
/* Adds the ways that only a search finds. */
void index_search(const struct index *x, struct literals_work *w, struct str text, struct candidates *c);

#endif
