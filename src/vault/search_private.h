/* search_private: one granule while a query is answered from it. */
#ifndef GUARITA_VAULT_SEARCH_PRIVATE_H
#define GUARITA_VAULT_SEARCH_PRIVATE_H

#include "vault/granule_private.h"
#include "vault/positions.h"
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
	struct runner **runners;        /* per regular expression of the query; made when first needed */
	uint32_t nrunners;
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

enum answer { NO, PERHAPS, YES };

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
/* Adds the rows of a group whose word is in the set; behind: and whose next value is that number. */
int eval_in_words(struct eval *e, struct view_group *g, uint32_t part, const struct word_set *set, const uint64_t *behind,
    bool sure, struct rows *rows) WARN_UNUSED;
void eval_set_group(const struct eval *e, uint64_t *set, const struct view_group *g);

/* search_regex.c */
int eval_regex(struct eval *e, const struct query_node *n, struct rows *ret) WARN_UNUSED;

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
rows_and(const struct eval *e, struct rows *a, const struct rows *b)
{
	for (uint32_t i = 0; i < e->nwords; i++) {
		a->may[i] &= b->may[i];
		a->sure[i] &= b->sure[i];
	}
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
