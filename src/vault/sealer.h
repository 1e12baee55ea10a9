/*
 * sealer: the one that grows the log. Entries go in; frames come out, ready to be written, and the state of the keys
 * that must be durable behind each. Its caller keeps the order: frame, sync, keys, sync, and only then tells anyone.
 */
#ifndef GUARITA_VAULT_SEALER_H
#define GUARITA_VAULT_SEALER_H

#include "vault/frame.h"
#include "vault/nonce.h"

#define SEALER_FRAME_BYTES (1u << 20)  /* a frame takes no further entry behind so many bytes */

struct sealer_opts {
	void *ctx;
	/*
	 * A seed for the nonces of block `block`: drawn, and durable before it is handed out. 0 or -errno; -ENODATA: parts
	 * of the block were forgotten, and each nonce of the rest is asked for.
	 */
	int (*seed)(void *ctx, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES]);
	int (*nonce)(void *ctx, uint64_t index, uint8_t ret[VAULT_NONCE_BYTES]);       /* may be NULL when none is forgotten */
	tree_node_fn *on_node;         /* may be NULL */
	uint8_t boot[FRAME_BOOT_BYTES];
};

struct sealer {
	struct sealer_opts opts;
	struct tree tree;
	struct keys keys;              /* of the next frame */
	struct frame_cipher *cipher;   /* of the file that is written, the caller's; NULL: frames stay in the clear */
	struct nonce_walk walk;
	bool walking;                  /* walk stands at tree.size */
	struct buf out;                /* the frame being made */
	struct frame frame;
	bool open;                     /* begun and not finished */
};

/* The tree as far as it is sealed and the keys that go with it; both are taken over. */
void sealer_open(struct sealer *s, const struct sealer_opts *o, const struct tree *t, const struct keys *k);
void sealer_close(struct sealer *s);   /* wipes */

void sealer_begin(struct sealer *s, enum frame_kind kind);
/* Index of the entry, or -errno of the seed. The entry's own index is not looked at. */
int64_t sealer_add(struct sealer *s, const struct vault_entry *e) WARN_UNUSED;
static inline bool
sealer_full(const struct sealer *s)
{
	return s->out.n >= SEALER_FRAME_BYTES;
}
/*
 * The frame's bytes, to be written: they are the caller's, who frees them. The side of a START frame gets the tree's
 * edge before it. Afterwards s->keys is the state to be written behind the frame. -ENOMEM when a buffer could not grow,
 * -EIO of the cipher: nothing is sealed then, and the log must be opened anew.
 */
int sealer_finish(struct sealer *s, struct str side, int64_t wall_us, uint64_t boot_us, struct buf *ret_bytes) WARN_UNUSED;

#endif
