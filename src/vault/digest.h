/*
 * digest: SHA-256 as the vault uses it (RFC 6962 section 2.1): a value of 32 bytes, computed over a
 * few pieces in one call.
 */
#ifndef GUARITA_VAULT_DIGEST_H
#define GUARITA_VAULT_DIGEST_H

#include "base/str.h"

#define DIGEST_BYTES 32

struct digest {
	uint8_t b[DIGEST_BYTES];
};

/* SHA-256 of the pieces one after the other. */
struct digest digest_of(const struct str *pieces, size_t n);
/* HMAC-SHA-256 (RFC 2104) of the pieces one after the other. */
struct digest digest_mac(struct str key, const struct str *pieces, size_t n);

static inline struct str
digest_str(const struct digest *d)
{
	return str_of((const char *)d->b, DIGEST_BYTES);
}

static inline bool
digest_eq(const struct digest *a, const struct digest *b)
{
	return memcmp(a->b, b->b, DIGEST_BYTES) == 0;
}

#endif
