/* granule_writing: one granule on its way to bytes, between the half that orders and the half that writes. */
#ifndef GUARITA_VAULT_GRANULE_WRITING_H
#define GUARITA_VAULT_GRANULE_WRITING_H

#include "vault/granule_private.h"
#include "vault/token_filter.h"

#define ORDER_ID_BITS 24        /* of e->order: a word's id as it was added; GRANULE_WORD_COUNT and more fit */

struct granule_encoder {
	struct column_work *work;
	struct blob_writer *blobs;
	struct keyset keys;
	struct buf directory, columns, small, payload, filter, text;
	struct blob *list;
	uint32_t nblobs, list_size;
	uint64_t *matrix;               /* one group, column by column */
	size_t matrix_size;
	uint32_t *slot, *count, *final; /* per word */
	uint64_t *order;                /* sorted; the low ORDER_ID_BITS are the id */
	size_t words_size;
};

/* One call of granule_encode(). */
struct writing {
	struct granule_encoder *e;
	struct granule *g;
	const struct blob_seal *seal;
	uint64_t salt;
	int level;
	struct buf *out;
	size_t base;                    /* where the granule begins in out */
	uint32_t *groups;               /* numbers of those written, most rows first */
	uint32_t ngroups;
	uint32_t slots;                 /* columns that have used words so far */
	uint32_t nwords;
};

/* Rows of groups too small for columns move to one group of texts; then groups are numbered, most rows first. */
int order_groups(struct writing *w) WARN_UNUSED;
/* Numbers the words that are used; names: ids of the names of facts. */
int order_words(struct writing *w, uint32_t *names) WARN_UNUSED;

static inline struct str
ordered_word(const struct writing *w, uint32_t i)
{
	return word_text(&w->g->words, (uint32_t)(w->e->order[i] & ((1u << ORDER_ID_BITS) - 1)));
}

#endif
