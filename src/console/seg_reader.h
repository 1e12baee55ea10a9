/* seg_reader: entries of one segment, one after the other, as the canonical records that were sealed. */
#ifndef GUARITA_CONSOLE_SEG_READER_H
#define GUARITA_CONSOLE_SEG_READER_H

#include "base/buf.h"
#include "vault/segment.h"

struct seg_reader {
	struct str map;
	struct segment segment;
	bool open;
	struct view *view;             /* of `granule`, while it is held */
	uint32_t granule;
	struct buf line;
	uint8_t record[VAULT_RECORD_MAX];
};

/* 0 or -errno; segment.fault may say more. Close in either case. */
int seg_reader_open(struct seg_reader *r, const char *path) WARN_UNUSED;
void seg_reader_close(struct seg_reader *r);
bool seg_reader_has(const struct seg_reader *r, uint64_t index);
/* The record of an entry the segment has; quick in order. It lives until the next call. -EBADMSG: damaged. */
int seg_reader_record(struct seg_reader *r, uint64_t index, struct str *ret) WARN_UNUSED;

#endif
