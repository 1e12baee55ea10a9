/*
 * pack_out: a segment on its way to a file under another name: its writer, its key, and what the lines in it mean. Used by who packs
 * the log and by who writes a segment anew. Must never give the file its name: that is for whoever has read it back.
 */
#ifndef GUARITA_CONSOLE_VAULT_PACK_OUT_H
#define GUARITA_CONSOLE_VAULT_PACK_OUT_H

#include "console/vault/pack.h"
#include "vault/segment.h"

struct pack_out {
	const struct pack_opts *o;
	struct pack_report *r;         /* lines and stored bytes are counted there */
	struct meaning *meaning;
	struct segment_writer *writer;
	struct buf bytes;
	uint8_t key[BLOB_KEY_BYTES];
	bool encrypted;
	int fd;
};

/* 0 or -errno; pack_out_close() in either case, which wipes the key and leaves the file. */
int pack_out_open(struct pack_out *p, const struct pack_opts *o, struct pack_report *r, const char *path, bool encrypted) WARN_UNUSED;
void pack_out_close(struct pack_out *p);
/* The next line, with what it means; one that was erased means nothing. */
int pack_out_add(struct pack_out *p, const struct vault_entry *e) WARN_UNUSED;
/* The end of the file, on the disk. */
int pack_out_finish(struct pack_out *p) WARN_UNUSED;
/* The key, where there is one, beside the segment for vaultd to take in: on the disk before the segment has its name. */
int pack_out_leave_key(const struct pack_out *p, uint64_t first, const char *more) WARN_UNUSED;

#endif
