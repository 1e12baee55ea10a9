/*
 * view: a granule as it is read. Nothing is decoded before it is asked for, and what was decoded is kept until the view
 * is closed. The bytes are foreign: every hash is checked before its bytes are used, every number before it leads
 * anywhere; a fault is an error that says where.
 */
#ifndef GUARITA_VAULT_VIEW_H
#define GUARITA_VAULT_VIEW_H

#include "base/arena.h"
#include "vault/column.h"
#include "vault/granule.h"
#include "vault/template.h"

struct colset {
	uint32_t rows, n;
	struct column *columns;
	uint32_t *where;            /* 0 nowhere, 1 in the small blob, n + 2 in blob n */
	uint32_t *at;               /* place in the small blob */
	uint32_t small;             /* blob + 1, or 0 */
	uint64_t **values;          /* decoded ones */
};

struct view_place {                 /* where a fact stands in lines of a variant */
	uint16_t name;
	uint8_t first, last;
};

struct view_variant {
	struct view_place *places;
	uint32_t n;
};

struct view_group {
	uint32_t number;
	struct template template;
	struct view_variant *variants;
	uint32_t nvariants;
	uint16_t *extras;           /* names; their columns follow the variant's */
	uint32_t nextras;
	struct colset set;          /* parts, variant, extras */
	uint32_t start;             /* of its rows, in what is kept by group */
	bool whole;                 /* all columns are decoded, or the same in every row, and hold ids of words that exist */
	uint32_t asked;             /* lines put together so far: after some, whole columns are cheaper than single values */
	size_t room;                /* then: bytes of a line without its words, at most */
};

struct view {
	struct arena arena;
	struct str bytes;           /* the stored granule */
	struct blob_seal seal;
	bool encrypted;
	struct str directory;
	void *directory_owned;
	uint32_t rows;
	struct blob *blobs;
	uint32_t nblobs;
	struct view_blob *read;     /* per blob: what was read of it */
	uint32_t nwords, words_blob;
	struct colset word_lengths;
	struct str word_text;
	char *folded;               /* word_text in lower case */
	uint32_t *word_at;          /* nwords + 1 offsets; NULL until asked for */
	struct colset head;
	uint32_t *names;            /* word of each name */
	uint32_t nnames;
	struct view_group *groups;
	uint32_t ngroups;
	uint16_t *group_of;         /* per row (of which there are at most 65,536): its group */
	uint16_t *ordinal;          /* and which row of that group it is */
	uint16_t *row_of;           /* the other way: at the group's start + ordinal, the row */
	uint64_t *stamps;           /* likewise by group: the line's time */
	size_t held;                /* bytes of decoded data */
	char fault[96];             /* what was wrong, after -EBADMSG */
};

int view_open(const struct granule_info *info, struct str bytes, const struct blob_seal *seal, bool encrypted,
    struct view **ret) WARN_UNUSED;
void view_close(struct view *v);

/* Decodes all there is: 0, or the first fault. */
int view_check(struct view *v) WARN_UNUSED;
/* All values of a column. */
int view_column(struct view *v, struct colset *set, uint32_t column, const uint64_t **ret) WARN_UNUSED;
/* False when no row of the column has the value: told by its set, where it has one, without looking at rows. */
bool view_may_hold(struct view *v, struct colset *set, uint32_t column, uint64_t value);
/* One value, without decoding the others where that is possible. */
int view_value(struct view *v, struct colset *set, uint32_t column, uint32_t row, uint64_t *ret) WARN_UNUSED;
/* Makes the words ready: view_word() then cannot fail but for an id that is none (STR_NULL). */
int view_words(struct view *v) WARN_UNUSED;
struct str view_word(const struct view *v, uint64_t id);
/* Makes rows ready: v->group_of, v->ordinal, v->row_of. */
int view_rows(struct view *v) WARN_UNUSED;
/* Makes the lines' times ready, also the rows: v->stamps. */
int view_stamps(struct view *v) WARN_UNUSED;
/* The group of a row, after view_rows(). */
struct view_group *view_group_of(struct view *v, uint32_t row);
/* The text of all words, letters in lower case: place and length as in word_text. Needs view_words(). */
int view_folded(struct view *v, struct str *ret) WARN_UNUSED;
struct str view_name(const struct view *v, uint16_t name);

/* Where each part of a line lies in its text. */
struct extents {
	uint32_t from[TOKENS_MAX], to[TOKENS_MAX];
};
/* Appends the line of a row to out. extents: NULL when not wanted. */
int view_line(struct view *v, struct view_group *g, uint32_t ordinal, struct buf *out, struct extents *extents) WARN_UNUSED;
/* Decodes all columns of a group, for many of its lines. */
int view_whole_group(struct view *v, struct view_group *g) WARN_UNUSED;
/* The whole entry; slices point into out (its line) and into the view. index is that of the granule's first entry + row. */
int view_entry(struct view *v, uint64_t index, uint32_t row, struct buf *out, struct vault_entry *ret,
    struct extents *extents) WARN_UNUSED;
/*
 * The facts of a row whose line is `line` with these extents; values point into line or into the words. At most max;
 * the count, or a negative errno.
 */
int view_facts(struct view *v, struct view_group *g, uint32_t ordinal, struct str line, const struct extents *extents,
    struct fact *ret, size_t max) WARN_UNUSED;

#endif
