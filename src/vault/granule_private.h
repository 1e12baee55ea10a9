/* granule_private: the granule while it is built, between the half that gathers and the half that writes. */
#ifndef GUARITA_VAULT_GRANULE_PRIVATE_H
#define GUARITA_VAULT_GRANULE_PRIVATE_H

#include "base/arena.h"
#include "vault/granule.h"
#include "vault/template.h"

#define GROUPS_MAX 8192u
#define VARIANTS_MAX 1024u
#define BLOB_DIRECTORY 0xffffffffu      /* number of the directory's blob; others count from 0 */
#define DIRECTORY_VERSION 1

/* Columns of the head, one value per row of the granule. */
enum head_column { HEAD_GROUP, HEAD_RECV, HEAD_SOURCE, HEAD_TRANSPORT, HEAD_FLAGS, HEAD_STAMP, HEAD_COLUMNS };

/* A fact of a variant: name, first and last part of the line; EXPLICIT: its text is in the column of that name. */
struct place {
	uint16_t name;
	uint8_t first, last;
};
#define PLACE_EXPLICIT 0xff

struct variant {
	struct place *places;
	uint32_t n;
};

struct extra {                  /* texts of a fact that do not stand in the line: word id + 1, 0 for none */
	uint16_t name;
	uint32_t *ids;
	uint32_t n, size;
};

struct group {
	struct template template;
	uint64_t hash;
	uint32_t number;
	uint32_t rows, size;
	uint32_t width;         /* values per row: parts, then the variant */
	uint64_t *values;       /* row by row */
	struct variant *variants;
	uint32_t nvariants;
	struct extra *extras;
	uint32_t nextras;
};

struct word {
	uint32_t off, len;
};

struct words {
	struct buf text;
	struct word *at;
	uint32_t n, size;
	struct word_cell *cells;
	uint32_t mask;
	uint64_t seed;
};

struct row {
	int64_t recv_ns;
	uint64_t stamp;
	uint32_t group, source;
	uint8_t transport, flags;
};

struct granule {
	const struct str *names;
	size_t nnames;
	struct arena arena;
	struct words words;
	struct group **groups;
	uint32_t ngroups, groups_size;
	uint32_t *cells;        /* group + 1 by hash of the template */
	struct row *rows;       /* GRANULE_ROWS */
	uint32_t nrows;
	uint64_t first_index, raw_bytes;
	struct tokens tokens;
	uint32_t source;        /* word of the last source, whose text is last_source */
	struct str last_source;
};

/* The id of a text, added when new; UINT32_MAX without memory. */
uint32_t words_add(struct words *w, struct str text);

static inline struct str
word_text(const struct words *w, uint32_t id)
{
	return str_of(w->text.p + w->at[id].off, w->at[id].len);
}

/* A group for the template, apart from those that granule_add() finds. NULL without memory. */
struct group *granule_new_group(struct granule *g, struct str template, uint64_t hash);
/* Appends a row: the line is already cut into g->tokens. */
int group_add(struct granule *g, struct group *group, struct str line, const struct fact *facts, size_t nfacts)
    WARN_UNUSED;

#endif
