/*
 * recover: from what a restart finds to a verdict. Frames and keys are written in turn, each made durable before the
 * other, so an honest crash leaves one of two states: the keys stand behind the last whole frame, or one before it.
 * Everything else was done by someone, or by a failing disk, and is called so.
 */
#ifndef GUARITA_VAULT_RECOVER_H
#define GUARITA_VAULT_RECOVER_H

#include "vault/frame.h"
#include "vault/nonce.h"

/* One file of the log, read frame by frame with the tree computed again. */
struct wal_reader {
	struct str bytes;
	uint64_t offset;               /* of the next frame */
	struct tree tree;              /* after the frames read so far */
	uint64_t next_number, epoch;
	struct digest last;            /* of the last frame, frame_digest() */
	bool started;
	struct nonce_store *nonces;
	struct frame_cipher *cipher;   /* of the file, the caller's; NULL: it is not encrypted */
	tree_node_fn *on_node;         /* told of nodes that become complete; may be NULL */
	void *ctx;
};

enum wal_fault {
	WAL_WHOLE,
	WAL_TORN,                      /* bytes that are no whole frame */
	WAL_OUT_OF_ORDER,              /* number, index, epoch, a second beginning, or another frame before it */
	WAL_ALTERED,                   /* lines that do not give the root */
};

void wal_open(struct wal_reader *w, struct str bytes, struct frame_cipher *cipher, struct nonce_store *nonces);
/* The next frame, its lines hashed: 1, 0 at the end, or -EBADMSG with *ret_fault. Any other error is the nonces' or the cipher's. */
int wal_next(struct wal_reader *w, struct frame *ret, enum wal_fault *ret_fault) WARN_UNUSED;

enum recover_verdict {
	RECOVER_CLEAN,                 /* stopped in an orderly way */
	RECOVER_CRASH,                 /* stopped in the middle: what was acknowledged is there */
	RECOVER_TAMPERED,              /* neither: lines or keys were changed, cut or set back, or the disk failed */
};

struct recover {
	enum recover_verdict verdict;
	const char *why;               /* a sentence's end, in English: "3 frames that were durable are missing" */
	bool adopt;                    /* the last frame is whole but the keys do not know it yet: keys_step() */
	struct digest last_digest;
	uint64_t good_bytes;           /* of the file: what is behind was never acknowledged, and is cut off */
	uint64_t torn_bytes;
	struct frame last;             /* the last whole frame; kind 0: none */
	struct tree tree;
};

struct recover_calls {
	void *ctx;
	void (*on_frame)(void *ctx, const struct frame *f);    /* every whole frame; may be NULL */
	tree_node_fn *on_node;                                 /* may be NULL */
};

/* Reads the newest file to its end and judges. calls may be NULL. 0, or an error of the nonces or the cipher. */
int recover(struct str newest, struct frame_cipher *cipher, const struct keys *k, struct nonce_store *nonces,
    const struct recover_calls *calls, struct recover *ret) WARN_UNUSED;

#endif
