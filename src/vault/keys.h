/*
 * keys: the secrets that evolve. Two chains that only go forward:
 *
 *   A(0) -> A(1) -> ...   one per epoch; from A(e) come F(e,0) -> F(e,1) -> ... one per frame of the log
 *   S(0) -> S(1) -> ...   one per epoch; from S(e) comes the Ed25519 key of that epoch
 *
 * Each step is one-way (HMAC-SHA-256), and what was stepped over is wiped: who breaks in now cannot seal anew what was
 * sealed before. A(0) is shown once, when a vault is made, for an auditor who keeps it elsewhere: with it every
 * frame's seal can be checked, without it none of an earlier time.
 */
#ifndef GUARITA_VAULT_KEYS_H
#define GUARITA_VAULT_KEYS_H

#include "vault/digest.h"
#include "vault/sign.h"

#define KEYS_SLOT_BYTES 512            /* one sector: written whole or not at all */
#define KEYS_FILE_BYTES (2 * KEYS_SLOT_BYTES)

struct keys {
	uint64_t turn;                 /* counts writings of the file */
	uint64_t epoch;
	uint64_t frame;                /* number of the frame to be sealed next */
	uint64_t size;                 /* of the tree after the frame before it ... */
	struct digest root;            /* ... its root ... */
	struct digest last;            /* ... and that frame's digest (frame_digest); zero before the first */
	struct digest next_epoch;      /* A(epoch + 1) */
	struct digest frame_key;       /* F */
	struct digest sign;            /* S(epoch) */
};

void keys_begin(struct keys *k, const struct digest *auditor, const struct digest *sign);
/* The key that seals the frame `frame`: pieces one after the other. */
struct digest keys_seal(const struct keys *k, const struct str *pieces, size_t n);
/* A frame was sealed, and this is how the log stands now. The key that sealed it is gone. */
void keys_step(struct keys *k, const struct digest *last, uint64_t size, const struct digest *root);
/* The epoch is over; its keys are gone. */
void keys_next_epoch(struct keys *k);
void keys_sign_seed(const struct keys *k, uint8_t ret_seed[SIGN_SEED_BYTES]);
/* S of a later epoch, for making all public keys at once. */
struct digest keys_sign_after(const struct digest *sign);
void keys_seed_of(const struct digest *sign, uint8_t ret_seed[SIGN_SEED_BYTES]);
void keys_wipe(struct keys *k);

/*
 * The key file has two slots, written in turn, so that a torn write leaves the one before. keys_pack() gives one slot
 * and where it goes; keys_load() takes the file: 0, or -EBADMSG when no slot is whole.
 */
void keys_pack(const struct keys *k, uint8_t dst[KEYS_SLOT_BYTES]);
static inline uint64_t
keys_slot_offset(const struct keys *k)
{
	return (k->turn & 1) * KEYS_SLOT_BYTES;
}
int keys_load(struct str file, struct keys *ret) WARN_UNUSED;

#endif
