/*
 * integrity_memory: what an account file looked like when it was seen last, small enough to be kept
 * for every file (8 bytes for each 64 records), and the comparison with what it looks like now. A
 * log only grows: whatever was there must be there still. Knows bytes and numbers, no files: where
 * the memory is kept, and whether it is sealed, is the caller's.
 */
#ifndef GUARITA_WATCH_ACCOUNTS_INTEGRITY_MEMORY_H
#define GUARITA_WATCH_ACCOUNTS_INTEGRITY_MEMORY_H

#include "base/buf.h"
#include "watch/accounts/integrity.h"

#define INTEGRITY_BLOCK 64u            /* records under one hash */
#define INTEGRITY_BLOCKS_MAX (1u << 22)
#define INTEGRITY_TEXT_MAX (256u << 20)

struct integrity_block {
	uint64_t hash;
	int64_t first_us;              /* time of its first record, 0 when it has none */
	uint64_t index;                /* of a table: the uid whose entry it is */
};

struct integrity_memory {
	char *path;
	uint64_t dev, ino;
	uint64_t bytes;                /* of the file, with a part of a record at its end */
	uint64_t records;
	uint32_t record_size;
	int64_t last_us;               /* time of the last record */
	struct integrity_block *blocks;
	size_t nblocks;                /* the last one may be of fewer records */
	uint64_t seed;
	/* of the one being built */
	uint64_t running;
	size_t size;
	bool old_matched;
	size_t changed;                /* the block that did not match */
	bool table;                    /* entries by uid, that may change, but never go back in time */
	size_t at;                     /* in the blocks of the old one */
};

void integrity_memory_begin(struct integrity_memory *m, uint32_t record_size, uint64_t seed);
void integrity_memory_free(struct integrity_memory *m);
/*
 * The next record of the file. old (or NULL): what is remembered of it; differences are told as they
 * are met. 0 or -ENOMEM.
 */
int integrity_memory_record(struct integrity_memory *m, const struct integrity_memory *old, struct str record,
    int64_t time_us, const struct integrity_calls *calls) WARN_UNUSED;
/* The same for the next entry of a table, in the order of uids; user: whose it is. */
int integrity_memory_entry(struct integrity_memory *m, struct integrity_memory *old, uint64_t uid, struct str record,
    int64_t time_us, struct str user, const struct integrity_calls *calls) WARN_UNUSED;
/* After the last record: what is missing at the end. */
void integrity_memory_end(struct integrity_memory *m, struct integrity_memory *old,
    const struct integrity_calls *calls);
/* Do these first records (of a file with records of that size) begin the log that is remembered? */
bool integrity_memory_head_fits(const struct integrity_memory *old, uint32_t record_size, struct str head);

/*
 * As text: one file after the other. The last line is a hash of all before it, so that a torn or
 * edited memory is refused (-EBADMSG) instead of raising alarms.
 */
void integrity_memory_start(struct buf *out, uint64_t seed);
void integrity_memory_write(const struct integrity_memory *m, struct buf *out);
void integrity_memory_seal(struct buf *out, uint64_t seed);
/* Takes the text apart; *ret is an array of n, freed with integrity_memory_free() each and free(). */
int integrity_memory_read(struct str text, struct integrity_memory **ret, size_t *ret_n, uint64_t *ret_seed) WARN_UNUSED;

#endif
