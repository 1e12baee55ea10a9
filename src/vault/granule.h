/*
 * granule: up to 65,536 entries, gathered by template and turned into columns. Adding an entry cuts it at once into
 * values, so nothing of the caller is kept; encoding depends on the entries alone and not on their hashes' order, so the
 * same entries always give the same bytes. What a line means (kind, src, user ...) is handed in; a fact that stands in
 * the line costs nothing: only where it stands is noted.
 */
#ifndef GUARITA_VAULT_GRANULE_H
#define GUARITA_VAULT_GRANULE_H

#include "vault/blob.h"
#include "vault/entry.h"

#define GRANULE_ROWS 65536u
#define GRANULE_WORDS_MAX (24u << 20)   /* bytes of all its words; a granule of very long lines ends early */
#define GRANULE_WORD_COUNT (1u << 17)   /* different words; likewise */
#define FACTS_MAX 64u

struct fact {
	uint16_t name;          /* in the table of names handed to granule_new() */
	struct str value;       /* a part of the line, or any other text */
};

struct granule;
/*
 * The names of facts must outlive it. hash_seed: random, handed in; it shows in no output. NULL without memory.
 */
struct granule *granule_new(uint64_t hash_seed, const struct str *names, size_t nnames);
void granule_free(struct granule *g);
void granule_reset(struct granule *g);
uint32_t granule_rows(const struct granule *g);
/* Entries have consecutive indexes. 0, -ENOMEM, -EINVAL (a bad fact), or -ENOSPC: encode first, then begin anew. */
int granule_add(struct granule *g, const struct vault_entry *e, const struct fact *facts, size_t nfacts) WARN_UNUSED;

/* What the segment says about a granule. */
struct granule_info {
	uint64_t first_index;
	uint32_t rows;
	uint64_t raw_bytes;                /* of all lines */
	int64_t min_ns, max_ns;            /* times received */
	uint64_t stored;                   /* bytes in the file */
	struct blob filter;                /* .stored 0: none */
	uint32_t filter_number;
	struct blob directory;
	uint8_t directory_digest[32];      /* SHA-256 of the stored directory: it names all the other blobs */
};

struct granule_encoder;                 /* scratch of one thread */
struct granule_encoder *granule_encoder_new(void);
void granule_encoder_free(struct granule_encoder *e);
/* Appends the granule's bytes to out and empties nothing. level: of zstd, for texts. 0 or a negative errno. */
int granule_encode(struct granule_encoder *e, struct granule *g, const struct blob_seal *seal, uint64_t salt, int level,
    struct buf *out, struct granule_info *ret) WARN_UNUSED;

#endif
