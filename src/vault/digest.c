/*
 * digest: SHA-256 through libcrypto. Must never keep a context between calls.
 *
 * The low-level calls, not EVP: a record is about 200 bytes, and EVP's set-up costs as much as hashing
 * it (bench/vault-digest prints both). They are marked deprecated from 3.0 on and kept for 1.1's sake.
 */
#define OPENSSL_API_COMPAT 0x10100000L

#include "vault/digest.h"

#include <openssl/sha.h>

#define MAC_BLOCK 64

static void
add(SHA256_CTX *c, const struct str *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].n)
			SHA256_Update(c, pieces[i].p, pieces[i].n);
}

struct digest
digest_of(const struct str *pieces, size_t n)
{
	struct digest d;
	SHA256_CTX c;

	SHA256_Init(&c);
	add(&c, pieces, n);
	SHA256_Final(d.b, &c);
	return d;
}

static void
begin_mac(SHA256_CTX *c, const uint8_t key[MAC_BLOCK], uint8_t pad)
{
	uint8_t block[MAC_BLOCK];

	for (size_t i = 0; i < MAC_BLOCK; i++)
		block[i] = key[i] ^ pad;
	SHA256_Init(c);
	SHA256_Update(c, block, sizeof(block));
	explicit_bzero(block, sizeof(block));
}

struct digest
digest_mac(struct str key, const struct str *pieces, size_t n)
{
	uint8_t block[MAC_BLOCK] = { 0 };
	struct digest d;
	SHA256_CTX c;

	if (key.n > MAC_BLOCK) {
		d = digest_of(&key, 1);
		memcpy(block, d.b, DIGEST_BYTES);
	} else if (key.n) {
		memcpy(block, key.p, key.n);
	}
	begin_mac(&c, block, 0x36);
	add(&c, pieces, n);
	SHA256_Final(d.b, &c);
	begin_mac(&c, block, 0x5c);
	SHA256_Update(&c, d.b, DIGEST_BYTES);
	SHA256_Final(d.b, &c);
	explicit_bzero(block, sizeof(block));
	explicit_bzero(&c, sizeof(c));
	return d;
}
