/*
 * legacy: the broken algorithms that L2TP and PPP are built on: MD4 (RFC 1320), MD5 (RFC 1321), SHA-1 (RFC 3174), DES
 * (FIPS 46-3, one block), RC4. Our own because distributions take them out of their libraries, and these protocols cannot
 * do without. Never to be used for anything that we design ourselves.
 */
#ifndef GUARITA_WIRE_LEGACY_H
#define GUARITA_WIRE_LEGACY_H

#include "base/str.h"

#define MD4_SIZE 16
#define MD5_SIZE 16
#define SHA1_SIZE 20

/* One hash at work: all three share block size and padding. */
struct digest {
	uint32_t h[5];
	uint64_t n;                    /* bytes taken */
	uint8_t block[64];
};

void md4_begin(struct digest *d);
void md4_add(struct digest *d, struct str s);
void md4_end(struct digest *d, uint8_t ret[MD4_SIZE]);         /* wipes d */

void md5_begin(struct digest *d);
void md5_add(struct digest *d, struct str s);
void md5_end(struct digest *d, uint8_t ret[MD5_SIZE]);

void sha1_begin(struct digest *d);
void sha1_add(struct digest *d, struct str s);
void sha1_end(struct digest *d, uint8_t ret[SHA1_SIZE]);

/* HMAC-MD5 (RFC 2104), for RADIUS. */
void hmac_md5(struct str key, struct str text, uint8_t ret[MD5_SIZE]);

/* Encrypts one block with 56 key bits in 7 bytes, parity not included: the form of RFC 2759 section 8.6. */
void des_encrypt7(const uint8_t key[7], const uint8_t in[8], uint8_t ret[8]);

struct rc4 {
	uint8_t s[256];
	uint8_t i, j;
};

void rc4_key(struct rc4 *r, const uint8_t *key, size_t n);     /* n of 1 to 256 */
/* Two at once, with keys of one length: little slower than one. */
void rc4_key_two(struct rc4 *r, const uint8_t *key, struct rc4 *other, const uint8_t *other_key, size_t n);
void rc4_crypt(struct rc4 *r, const uint8_t *in, uint8_t *out, size_t n);   /* in and out may be the same */

/* Overwrites in a way that the compiler keeps. */
void wipe(void *p, size_t n);
/* Takes the same time wherever they differ. */
bool same_secret(const uint8_t *a, const uint8_t *b, size_t n);

#endif
