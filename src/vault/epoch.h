/*
 * epoch: signatures that a thief of today's keys cannot put under yesterday. The public keys of all epochs are made when
 * the vault is made, and hang from one tree (RFC 6962 hashing, leaf = public key); its root is the vault's identity,
 * 32 bytes for ever. The secret of an epoch is wiped when the epoch ends. A signature says which epoch it is of, and
 * brings the path from that epoch's public key to the identity, so that nothing else is needed to check it.
 *
 * In a note: a line of type 0xff "guarita-epoch-v1", key material the identity; the signature is
 *   u32 epoch, u64 time (s), public key 32, Ed25519 64, path 32 each
 * over "guarita-epoch-v1\nepoch N\ntime T\n" and the text.
 */
#ifndef GUARITA_VAULT_EPOCH_H
#define GUARITA_VAULT_EPOCH_H

#include "vault/note.h"
#include "vault/tree.h"

#define EPOCH_HEIGHT_MAX 20

/* All public keys, as leaves and the nodes above them: level 0 first, the root last. */
struct epoch_tree {
	unsigned height;
	struct str nodes;              /* (2 << height) - 1 digests */
};

struct epoch_key {
	struct str name;               /* the log's origin */
	struct digest identity;
};

struct epoch_mark {
	uint32_t epoch;
	uint64_t time_s;
};

static inline size_t
epoch_tree_bytes(unsigned height)
{
	return ((UINT64_C(2) << height) - 1) * DIGEST_BYTES;
}

/* Fills dst (epoch_tree_bytes) from S(0): one key generation for each of 2^height epochs. 0 or -EIO. */
int epoch_tree_make(const struct digest *sign, unsigned height, uint8_t *dst) WARN_UNUSED;
/* From the bytes of a file; -EBADMSG when the size fits no height. What it says is checked with each signature made. */
int epoch_tree_open(struct str bytes, struct epoch_tree *ret) WARN_UNUSED;
struct digest epoch_identity(const struct epoch_tree *t);

/* "name+id+base64", as vkeys are written. */
void epoch_key_show(const struct epoch_key *k, struct buf *out);
int epoch_key_read(struct str text, struct epoch_key *ret) WARN_UNUSED;
/* Adds the line of epoch mark.epoch. 0, -EIO, or -EDOM: this seed is not that epoch's, or there is no such epoch. */
int epoch_sign(struct buf *out, struct str text, struct str name, const struct epoch_tree *t,
    const uint8_t seed[SIGN_SEED_BYTES], struct epoch_mark mark) WARN_UNUSED;
/* The next of the file of closing notes, "epoch N BYTES\n" and the note; false when it is not epoch `want`, whole. */
bool epoch_closing(struct str *rest, uint64_t want, struct str *ret_note);
/* As note_check(). */
int epoch_check(const struct note *n, const struct epoch_key *k, struct epoch_mark *ret) WARN_UNUSED;
/*
 * The identity that signed under this name, for those who know none yet: they must compare it with what they were told.
 * As note_check(). ret_key->name points into the note.
 */
int epoch_find(const struct note *n, struct str name, struct epoch_key *ret_key, struct epoch_mark *ret) WARN_UNUSED;

#endif
