/*
 * dir: a vault read from its directory: entries by index, leaves, nodes of the tree, notes. Reads only; what is
 * read is foreign until it is checked against a signed root.
 */
#ifndef GUARITA_CONSOLE_VAULT_DIR_H
#define GUARITA_CONSOLE_VAULT_DIR_H

#include <limits.h>

#include "base/buf.h"
#include "console/vault/gone_list.h"
#include "console/vault/nonce_file.h"
#include "console/vault/seg_reader.h"
#include "vault/frame.h"
#include "vault/identity.h"
#include "vault/nonce.h"
#include "vault/prove.h"

#define VAULT_TREE_LEVELS 4            /* files of nodes: levels 8, 16, 24, 32 */

/* Stands in one file of the log, at the next record. */
struct vault_at {
	struct str map;
	uint64_t first;                /* its name */
	uint64_t offset;               /* of the next frame */
	struct frame frame;
	struct cur lines;
	uint64_t next;                 /* index of the next in lines */
	bool open;
	struct frame_cipher *cipher;   /* of this file, where it is encrypted */
};

struct vault_dir {
	char path[PATH_MAX];
	struct buf identity_text;
	struct identity identity;
	uint64_t *files;               /* of the log */
	size_t nfiles;
	struct vault_at at;
	uint64_t *segments;            /* what the log's files gave way to */
	size_t nsegments;
	struct seg_reader reader;      /* of one of them */
	struct str nonces;             /* the file of seeds, mapped; empty when it may not be read */
	struct nonce_room room;
	struct nonce_store store;
	struct gone_list gone;         /* segments of which no line is left */
	bool encrypted;                /* segments have keys */
	const struct keyring *ring;    /* keys we were told: set behind vault_dir_open(); NULL: they are looked for */
	const struct conf_retention *retention;        /* as the configuration says, when it was asked */
	struct str nodes[VAULT_TREE_LEVELS];
	char why[PATH_MAX + 256];      /* after a failure: a sentence for people */
};

/* 0 or -errno; then d->why says what is wrong. Close in either case. */
int vault_dir_open(struct vault_dir *d, const char *path) WARN_UNUSED;
void vault_dir_close(struct vault_dir *d);
/* A text file of the vault: "checkpoint", "epochs". */
int vault_dir_read(struct vault_dir *d, const char *name, struct buf *out) WARN_UNUSED;

/*
 * The record of an entry, valid until the next call; quick when indexes come in order. -ENOENT: there is no such entry;
 * -ENODATA: it was deleted, and d->why says when, by whom and why.
 */
int vault_dir_record(struct vault_dir *d, uint64_t index, struct str *ret) WARN_UNUSED;
/* Of an entry that was deleted: the number of the record that ordered it. -EINVAL: it was not. */
int vault_dir_gone(struct vault_dir *d, uint64_t index, uint64_t *ret_record) WARN_UNUSED;
/* Opens d->segments[i] in d->reader. */
int vault_dir_enter_segment(struct vault_dir *d, size_t i) WARN_UNUSED;
int vault_dir_nonce(struct vault_dir *d, uint64_t index, uint8_t ret[VAULT_NONCE_BYTES]) WARN_UNUSED;
/* Nodes for tree_prove_*(). */
struct tree_source vault_dir_source(struct vault_dir *d);
/*
 * The note under which an entry is proved: the one that witnesses signed; or the closing note of its epoch, whose key is
 * wiped; or, while that lasts, the newest checkpoint. -ENOENT: none covers it yet.
 */
int vault_dir_note(struct vault_dir *d, uint64_t index, struct buf *out, uint64_t *ret_size) WARN_UNUSED;

/* Proofs, complete and checked. -errno with d->why. */
int vault_dir_prove(struct vault_dir *d, uint64_t index, struct buf *out) WARN_UNUSED;
int vault_dir_prove_range(struct vault_dir *d, uint64_t first, uint64_t end, struct buf *out) WARN_UNUSED;

#endif
