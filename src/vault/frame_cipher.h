/*
 * frame_cipher: lines and side of a frame, encrypted under the key of their file of the log: AES-256 in counter mode (NIST
 * SP 800-38A, 6.5). Two keys follow from the file's: HMAC-SHA-256 over "lines" and over "side".
 *
 * A frame's first counter block is the first half of its seal. The seal is a MAC of everything the frame says (through
 * root, digest of the side, number, times), so a frame that is written a second time behind a torn one has another unless
 * it is the same byte for byte: no stretch of the key stream meets two texts (the idea of RFC 5297, with the MAC that is
 * there anyway). The seal is over what was received, not over what is stored, for it has to hold when the file is gone;
 * what is stored needs no MAC of its own: nobody believes a line before its leaf led to the root under the seal.
 */
#ifndef GUARITA_VAULT_FRAME_CIPHER_H
#define GUARITA_VAULT_FRAME_CIPHER_H

#include "base/buf.h"
#include "vault/digest.h"

#define LOG_KEY_BYTES 32

struct frame_cipher;

/* NULL: no memory, or the library failed. */
struct frame_cipher *frame_cipher_new(const uint8_t key[LOG_KEY_BYTES]);
void frame_cipher_free(struct frame_cipher *c);        /* wipes; NULL is none */

/* Encrypts in place, or decrypts: that is the same. 0 or -EIO: the library failed. */
int frame_cipher_apply(struct frame_cipher *c, const struct digest *seal, void *bytes, size_t n) WARN_UNUSED;
/* The same into a room of the cipher's, which lives until the next call. -ENOMEM too. */
int frame_cipher_open(struct frame_cipher *c, const struct digest *seal, struct str bytes, struct str *ret) WARN_UNUSED;
/* What stands in the head for the side: a plain digest would let names in it be guessed. */
struct digest frame_cipher_side(const struct frame_cipher *c, struct str side);

#endif
