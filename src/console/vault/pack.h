/*
 * pack: files of the log that are complete, turned into searchable segments. Whoever packs needs no key of the vault: lines are
 * decoded here, where nothing can be sealed. A segment is put in its place only when every line in it reads back byte
 * for byte; the log's files are left alone.
 */
#ifndef GUARITA_CONSOLE_VAULT_PACK_H
#define GUARITA_CONSOLE_VAULT_PACK_H

#include "base/str.h"

struct keyring;
struct ruleset;
struct decode_work;

struct pack_opts {
	const char *vault;             /* its directory */
	const struct ruleset *rules;
	struct decode_work *work;
	uint64_t rows_min;             /* fewer lines than so many wait for more */
	uint64_t seed;                 /* random */
	const struct keyring *ring;    /* what vaultd told us: the key of the log */
	bool encrypt;                  /* with a key of its own, left beside the segment for vaultd to take in */
};

struct pack_report {
	uint64_t segments, lines, raw_bytes, stored_bytes;
	char why[8192];                /* after a failure */
};

/* 1 when pack_next() or repack_next() would find work, 0 when not, or -errno. Needs no rules. */
int pack_waits(const struct pack_opts *o, struct pack_report *ret) WARN_UNUSED;
/* At most one segment; ret->segments tells whether there was one. 0 or -errno. */
int pack_next(const struct pack_opts *o, struct pack_report *ret) WARN_UNUSED;
/* At most one segment written anew without lines that are to go (NUMBER.again), where vaultd left work. 0 or -errno. */
int repack_next(const struct pack_opts *o, struct pack_report *ret) WARN_UNUSED;
/* 1 when there is such work in the vault, 0 when not, or -errno. */
int repack_waits(const char *vault) WARN_UNUSED;
/* vaultd wants lines before this index packed, however few they are; 0: it does not. */
#define PACK_WANTED "seg/pack-now"
uint64_t pack_wanted(const char *vault);

#endif
