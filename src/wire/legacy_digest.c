/*
 * legacy_digest: MD4, MD5 and SHA-1. The three differ in their step and in the order of bytes; buffering and padding are
 * one. Must never keep a byte of what it hashed after the end.
 */
#include "wire/legacy.h"

typedef void block_fn(uint32_t h[5], const uint8_t *p);

void
wipe(void *p, size_t n)
{
	volatile uint8_t *v = p;

	while (n-- > 0)
		*v++ = 0;
}

bool
same_secret(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint8_t odd = 0;

	for (size_t i = 0; i < n; i++)
		odd |= a[i] ^ b[i];
	return odd == 0;
}

static uint32_t
rol(uint32_t v, unsigned by)
{
	return v << by | v >> (32 - by);
}

static uint32_t
load_le(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t
load_be(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void
begin(struct digest *d, uint32_t fifth)
{
	*d = (struct digest){ .h = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, fifth } };
}

static void
add(struct digest *d, struct str s, block_fn *block)
{
	size_t at = d->n % 64;

	d->n += s.n;
	while (s.n > 0) {
		size_t take = 64 - at < s.n ? 64 - at : s.n;
		if (take == 64) {
			block(d->h, (const uint8_t *)s.p);
		} else {
			memcpy(d->block + at, s.p, take);
			if (at + take == 64)
				block(d->h, d->block);
		}
		at = (at + take) % 64;
		s = str_from(s, take);
	}
}

/* One bit, zeros, and the length in bits: RFC 1320 section 3.1 and 3.2; SHA-1 writes it the other way round. */
static void
pad(struct digest *d, block_fn *block, bool big)
{
	uint64_t bits = d->n * 8;
	size_t at = d->n % 64;

	d->block[at++] = 0x80;
	if (at > 56) {
		memset(d->block + at, 0, 64 - at);
		block(d->h, d->block);
		at = 0;
	}
	memset(d->block + at, 0, 56 - at);
	for (unsigned i = 0; i < 8; i++)
		d->block[56 + i] = (uint8_t)(bits >> 8 * (big ? 7 - i : i));
	block(d->h, d->block);
}

static void
finish(struct digest *d, unsigned words, bool big, uint8_t *ret)
{
	for (unsigned i = 0; i < words * 4; i++)
		ret[i] = (uint8_t)(d->h[i / 4] >> 8 * (big ? 3 - i % 4 : i % 4));
	wipe(d, sizeof(*d));
}

static void
md4_block(uint32_t h[5], const uint8_t *p)
{
	static const uint8_t order[3][16] = {
		{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
		{ 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15 },
		{ 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15 },
	};
	static const uint8_t turn[3][4] = { { 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 } };
	static const uint32_t extra[3] = { 0, 0x5a827999, 0x6ed9eba1 };
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3];

	for (unsigned i = 0; i < 48; i++) {
		unsigned round = i / 16;
		uint32_t f = round == 0 ? (b & c) | (~b & d)
		    : round == 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
		uint32_t t = rol(a + f + load_le(p + 4 * order[round][i % 16]) + extra[round],
		    turn[round][i % 4]);
		a = d;
		d = c;
		c = b;
		b = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
}

/* The integer part of 2^32 * |sin(i + 1)|: RFC 1321 section 3.4. */
static const uint32_t sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static uint32_t
md5_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
	switch (round) {
	case 0: return (b & c) | (~b & d);
	case 1: return (b & d) | (c & ~d);
	case 2: return b ^ c ^ d;
	default: return c ^ (b | ~d);
	}
}

static void
md5_block(uint32_t h[5], const uint8_t *p)
{
	static const uint8_t turn[4][4] = {
		{ 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 },
	};
	static const uint8_t step[4] = { 1, 5, 3, 7 }, first[4] = { 0, 1, 5, 0 };
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3];

	for (unsigned i = 0; i < 64; i++) {
		unsigned round = i / 16, word = (first[round] + step[round] * i) % 16;
		uint32_t t = b + rol(a + md5_mix(round, b, c, d) + load_le(p + 4 * word) + sines[i],
		    turn[round][i % 4]);
		a = d;
		d = c;
		c = b;
		b = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
}

#define SHA1_STEP(f, k, w) do { \
	uint32_t t_ = rol(a, 5) + (f) + e + (k) + (w); \
	e = d; d = c; c = rol(b, 30); b = a; a = t_; \
} while (0)
#define SHA1_NEXT(i) (w[(i) & 15] = rol(w[((i) + 13) & 15] ^ w[((i) + 8) & 15] ^ w[((i) + 2) & 15] ^ w[(i) & 15], 1))

/* RFC 3174 section 6.2: the schedule is held in a ring of 16 words. Four rounds apart: MPPE pays for this per packet. */
static void
sha1_block(uint32_t h[5], const uint8_t *p)
{
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], w[16];

	for (unsigned i = 0; i < 16; i++) {
		w[i] = load_be(p + 4 * i);
		SHA1_STEP(d ^ (b & (c ^ d)), 0x5a827999, w[i]);
	}
	for (unsigned i = 16; i < 20; i++)
		SHA1_STEP(d ^ (b & (c ^ d)), 0x5a827999, SHA1_NEXT(i));
	for (unsigned i = 20; i < 40; i++)
		SHA1_STEP(b ^ c ^ d, 0x6ed9eba1, SHA1_NEXT(i));
	for (unsigned i = 40; i < 60; i++)
		SHA1_STEP((b & c) | (d & (b | c)), 0x8f1bbcdc, SHA1_NEXT(i));
	for (unsigned i = 60; i < 80; i++)
		SHA1_STEP(b ^ c ^ d, 0xca62c1d6, SHA1_NEXT(i));
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void
md4_begin(struct digest *d)
{
	begin(d, 0);
}

void
md4_add(struct digest *d, struct str s)
{
	add(d, s, md4_block);
}

void
md4_end(struct digest *d, uint8_t ret[MD4_SIZE])
{
	pad(d, md4_block, false);
	finish(d, 4, false, ret);
}

void
md5_begin(struct digest *d)
{
	begin(d, 0);
}

void
md5_add(struct digest *d, struct str s)
{
	add(d, s, md5_block);
}

void
md5_end(struct digest *d, uint8_t ret[MD5_SIZE])
{
	pad(d, md5_block, false);
	finish(d, 4, false, ret);
}

void
sha1_begin(struct digest *d)
{
	begin(d, 0xc3d2e1f0);
}

void
sha1_add(struct digest *d, struct str s)
{
	add(d, s, sha1_block);
}

void
sha1_end(struct digest *d, uint8_t ret[SHA1_SIZE])
{
	pad(d, sha1_block, true);
	finish(d, 5, true, ret);
}

void
hmac_md5(struct str key, struct str text, uint8_t ret[MD5_SIZE])
{
	uint8_t pads[64] = { 0 }, inner[MD5_SIZE];
	struct digest d;

	md5_begin(&d);
	if (key.n > 64) {
		md5_add(&d, key);
		md5_end(&d, pads);
		md5_begin(&d);
	} else if (key.n > 0) {
		memcpy(pads, key.p, key.n);
	}
	for (unsigned i = 0; i < 64; i++)
		pads[i] ^= 0x36;
	md5_add(&d, str_of((const char *)pads, 64));
	md5_add(&d, text);
	md5_end(&d, inner);
	for (unsigned i = 0; i < 64; i++)
		pads[i] ^= 0x36 ^ 0x5c;
	md5_begin(&d);
	md5_add(&d, str_of((const char *)pads, 64));
	md5_add(&d, str_of((const char *)inner, MD5_SIZE));
	md5_end(&d, ret);
	wipe(pads, sizeof(pads));
}
