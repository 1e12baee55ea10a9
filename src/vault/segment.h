/*
 * segment: an immutable file of granules. Whatever a reader trusts is named by a hash: the trailer by its digest names
 * the meta, the meta names each granule's directory and filter, the directory every blob. That digest is what the log's
 * tree keeps (CVE-2023-31437: an index outside the seal is a place to hide entries).
 *
 * File: 16 bytes of magic; granules; meta; trailer: u32le length of the meta, u32le 0, SHA-256 of the meta, 8 bytes of
 * magic. With a key everything but meta and trailer is encrypted; to destroy the key is to destroy the lines.
 */
#ifndef GUARITA_VAULT_SEGMENT_H
#define GUARITA_VAULT_SEGMENT_H

#include "vault/granule.h"
#include "vault/view.h"

#define SEGMENT_ROWS (1u << 18)         /* what a writer should put in one file */
#define SEGMENT_LEVEL 3                 /* of zstd, for texts */

struct segment_opts {
	uint64_t hash_seed;             /* random, shows nowhere */
	uint64_t salt;                  /* random, kept in the file: keys of words differ from segment to segment */
	const uint8_t *key;             /* BLOB_KEY_BYTES, of this segment alone; NULL: not encrypted. Must outlive the writer */
	const struct str *names;        /* names of facts; must outlive the writer */
	size_t nnames;
	int level;                      /* 0: SEGMENT_LEVEL */
};

struct segment_writer;
struct segment_writer *segment_writer_new(const struct segment_opts *o);
void segment_writer_free(struct segment_writer *w);
/*
 * Adds the next entry (consecutive indexes, else -EINVAL). Finished bytes are appended to out as they come: write them
 * to the file in order and empty it whenever you like.
 */
int segment_add(struct segment_writer *w, const struct vault_entry *e, const struct fact *facts, size_t nfacts,
    struct buf *out) WARN_UNUSED;
uint64_t segment_rows(const struct segment_writer *w);
/* The last bytes, and the digest that names the whole file. The writer is then ready for the next segment. */
int segment_finish(struct segment_writer *w, uint64_t next_salt, struct buf *out, struct digest *ret) WARN_UNUSED;

struct segment_granule {
	struct granule_info info;
	uint64_t off;                   /* in the file */
	struct str filter;              /* once checked */
	void *filter_owned;
	bool filter_checked;
	struct view *view;              /* while it is held */
	uint64_t used;                  /* when last, in the holder's count */
};

struct segment {
	struct str bytes;
	struct blob_seal seal;
	bool encrypted;
	uint64_t salt;
	uint64_t first_index, rows, raw_bytes;
	int64_t min_ns, max_ns;
	struct digest digest;
	struct segment_granule *granules;
	uint32_t ngranules;
	char fault[160];                /* what was wrong, after -EBADMSG */
};

/*
 * bytes (a mapped file) and key must outlive the segment. 0, -EBADMSG (not a segment, or damaged: see fault), -ENOMEM.
 * Without the key of an encrypted one only the meta can be read: its lines give -EACCES.
 */
int segment_open(struct segment *s, struct str bytes, const uint8_t *key) WARN_UNUSED;
void segment_close(struct segment *s);
/* The view of a granule, opened when it is not. */
int segment_view(struct segment *s, uint32_t granule, struct view **ret) WARN_UNUSED;
void segment_drop_view(struct segment *s, uint32_t granule);
/* Its filter, checked; STR_NULL when it has none. */
int segment_filter(struct segment *s, uint32_t granule, struct str *ret) WARN_UNUSED;
/* Reads every blob there is: 0, or the first fault. */
int segment_check(struct segment *s) WARN_UNUSED;

#endif
