/* sign: Ed25519 (RFC 8032). A secret is its 32-byte seed; callers wipe it when they are done. */
#ifndef GUARITA_VAULT_SIGN_H
#define GUARITA_VAULT_SIGN_H

#include "base/str.h"

#define SIGN_SEED_BYTES 32
#define SIGN_PUBLIC_BYTES 32
#define SIGN_BYTES 64

/* 0, or -EIO: the library refuses to work. */
int sign_public(const uint8_t seed[SIGN_SEED_BYTES], uint8_t ret_public[SIGN_PUBLIC_BYTES]) WARN_UNUSED;
int sign_make(const uint8_t seed[SIGN_SEED_BYTES], struct str message, uint8_t ret_sig[SIGN_BYTES]) WARN_UNUSED;
/* 0, or -EBADMSG when it is not this key's signature of this message. */
int sign_check(const uint8_t public[SIGN_PUBLIC_BYTES], struct str message, const uint8_t sig[SIGN_BYTES]) WARN_UNUSED;

#endif
