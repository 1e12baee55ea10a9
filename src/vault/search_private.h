/* search_private: one granule while a query is answered from it. */
#ifndef GUARITA_VAULT_SEARCH_PRIVATE_H
#define GUARITA_VAULT_SEARCH_PRIVATE_H

#include "vault/granule_private.h"
#include "vault/search.h"

struct search {
	struct search_opts opts;
	struct query_scratch *scratch;
	struct search_stats stats;
	struct buf line, value;
	struct arena work;              /* of one granule */
	uint64_t clock;                 /* of use, for the cache */
	uint64_t *counts;               /* per word of a granule; zero between granules */
	uint32_t counts_size;
};

/* Rows of all groups, each group beginning at a whole word of 64. */
struct rows {
	uint64_t *may, *sure;           /* sure is part of may */
};

struct eval {
	struct search *s;
	struct view *view;
	uint64_t salt;
	uint32_t *base;                 /* per group: its first word */
	uint32_t nwords;
	uint64_t *valid;                /* rows that exist */
};

int eval_begin(struct search *s, struct segment *g, struct view *v, struct eval *ret) WARN_UNUSED;
/* The rows of a node; from the search's work arena. */
int eval_node(struct eval *e, const struct query_node *n, struct rows *ret) WARN_UNUSED;
/* False when the filter says that no line of the granule can match. */
bool eval_filter(const struct query_node *n, struct str filter, uint64_t salt);
/* Ids of words and texts that contain text: whole runs, or anywhere. NULL without memory. */
struct word_set {
	uint64_t *bits;
	uint32_t n, low, high;
};
int eval_words(struct eval *e, struct str text, bool whole, bool prefix, struct word_set *ret) WARN_UNUSED;

/* search_field.c */
int eval_field(struct eval *e, const struct query_node *n, struct rows *r) WARN_UNUSED;
/* The text between two parts of a row, into s->value. */
int eval_span(struct eval *e, struct view_group *g, uint32_t ordinal, uint32_t first, uint32_t last, struct str *ret) WARN_UNUSED;
int eval_alloc(struct eval *e, struct rows *ret) WARN_UNUSED;

/* search_tally.c: counts the rows of a granule. */
int tally_granule(struct eval *e, const uint64_t *rows, struct tally *t) WARN_UNUSED;

static inline void
rows_set(uint64_t *set, const struct eval *e, const struct view_group *g, uint32_t ordinal)
{
	set[e->base[g->number] + ordinal / 64] |= UINT64_C(1) << ordinal % 64;
}

static inline void
rows_clear(uint64_t *set, const struct eval *e, const struct view_group *g, uint32_t ordinal)
{
	set[e->base[g->number] + ordinal / 64] &= ~(UINT64_C(1) << ordinal % 64);
}

static inline bool
rows_has(const uint64_t *set, const struct eval *e, const struct view_group *g, uint32_t ordinal)
{
	return set[e->base[g->number] + ordinal / 64] >> ordinal % 64 & 1;
}

#endif
