/*
 * seg_reader: records of a segment by index, as they were sealed: byte for byte what the log had. Used by whoever
 * compares: the one who packs, the one who lets the log go, the one who verifies.
 */
#ifndef GUARITA_CONSOLE_VAULT_SEG_READER_H
#define GUARITA_CONSOLE_VAULT_SEG_READER_H

#include "console/vault/keyring.h"
#include "vault/segment.h"

struct seg_reader {
	struct str map;
	struct segment segment;
	uint8_t key[BLOB_KEY_BYTES];
	bool open;
	struct view *view;             /* of `granule`, while it is held */
	uint32_t granule;
	struct buf line;
	uint8_t record[VAULT_RECORD_MAX];
};

/*
 * A segment of a vault, with its key where there is one that may be read: without it lines give -EACCES. 0 or -errno;
 * segment.fault may say more. ring: as for keyring_master(). Close in either case.
 */
int seg_reader_open(struct seg_reader *r, const struct keyring *ring, const char *vault, uint64_t number) WARN_UNUSED;
/* A segment in any file; key NULL: it is not encrypted. */
int seg_reader_open_file(struct seg_reader *r, const char *path, const uint8_t *key) WARN_UNUSED;
void seg_reader_close(struct seg_reader *r);
void seg_reader_free(struct seg_reader *r);    /* one from calloc(): closed and freed; NULL is none */
bool seg_reader_has(const struct seg_reader *r, uint64_t index);
/* An entry the segment has, erased ones too; quick in order. It lives until the next call. -EBADMSG: damaged. */
int seg_reader_entry(struct seg_reader *r, uint64_t index, struct vault_entry *ret) WARN_UNUSED;
/* Its record; -ENODATA: it was erased. */
int seg_reader_record(struct seg_reader *r, uint64_t index, struct str *ret) WARN_UNUSED;

#endif
