/*
 * store: a vault's directory as a reader sees it: segments (DIR/seg), and behind them the tail that is still in the log
 * (DIR/wal) and in no segment. Only reads; may be used while the vault is written.
 */
#ifndef GUARITA_CONSOLE_VAULT_STORE_H
#define GUARITA_CONSOLE_VAULT_STORE_H

#include "base/buf.h"
#include "console/vault/gone_list.h"
#include "vault/entry.h"
#include "vault/segment.h"

struct store_frame {            /* a piece of the tail: lines of one frame of the log */
	uint64_t first;         /* index of its first line */
	uint32_t count;
	struct str lines;
	void *own;              /* where lines are, when the frame was encrypted; NULL: in a map */
};

struct store_map {
	struct str bytes;
	bool log;               /* of the log: goes with the tail */
};

struct store {
	char *dir;
	struct segment *segments;       /* by rising index */
	size_t nsegments, segments_size;
	uint8_t (*keys)[BLOB_KEY_BYTES];
	size_t nkeys;
	struct store_map *maps;         /* of segments and of the log */
	size_t nmaps, maps_size;
	struct store_frame *frames;
	size_t nframes, frames_size;
	struct gone_list gone;          /* segments of which no line is left */
	uint64_t next;                  /* index behind the last line known */
	struct buf problems;            /* lines: what could not be read, and why */
	size_t nproblems;
};

/* 0; -ENOENT (no vault there), -ENOMEM, -errno. What cannot be read of a vault is in problems. */
int store_open(struct store *s, const char *dir) WARN_UNUSED;
void store_close(struct store *s);
/* Looks for frames that were written since. 0 or -errno. */
int store_refresh(struct store *s) WARN_UNUSED;
/* Lets go of the tail, when it was shown and only what comes after it is wanted. */
void store_forget_tail(struct store *s);
uint64_t store_lines(const struct store *s);

/* Entries of a frame, in order: at most max; the count. */
size_t store_entries(const struct store_frame *f, struct vault_entry *ret, size_t max);
__attribute__((format(printf, 2, 3))) void store_problem(struct store *s, const char *fmt, ...);

#endif
