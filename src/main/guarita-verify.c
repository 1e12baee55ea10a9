/*
 * guarita-verify: checks the proof of one line, alone: no library but C's own, no vault, no network, one file that can
 * be read in an hour. It shares no code with the rest of Guarita on purpose: it is a second opinion. The formats are in
 * guarita-vault(7). Must never say PROVED of anything it did not check.
 *
 *   guarita-verify PROOF IDENTITY          exit code 0: proved, 3: not proved, 2: cannot say
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX 1000000
#define PATH_STEPS 64
#define EPOCH_TYPE "\xffguarita-epoch-v1"
#define EPOCH_TYPE_BYTES 17

__extension__ typedef unsigned __int128 wide;

static void
not_proved(const char *why)
{
	printf("NOT PROVED: %s.\n", why);
	exit(3);
}

/* SHA-256 and SHA-512 (FIPS 180-4): the constants are computed as the standard defines them. */

struct sha {
	uint64_t k[80], h[8];
	unsigned bits, rounds;
	unsigned char turn[12];        /* the twelve rotations and shifts */
};

static uint64_t
turned(const struct sha *s, uint64_t x, unsigned n)
{
	uint64_t mask = s->bits == 64 ? UINT64_MAX : UINT32_MAX;

	return (x >> n | x << (s->bits - n)) & mask;
}

/* The first `bits` bits of the fraction of the root of p: the largest m with m^power <= p * 2^(bits * power). */
static uint64_t
fraction_of_root(unsigned p, unsigned power, unsigned bits)
{
	uint64_t whole = 1, f = 0;

	while ((power == 2 ? (whole + 1) * (whole + 1) : (whole + 1) * (whole + 1) * (whole + 1)) <= p)
		whole++;
	for (unsigned bit = bits; bit-- > 0;) {
		/* (whole + f / 2^bits)^power against p, in pieces of 32 bits, 7 of them, most significant last. */
		uint64_t try = f | UINT64_C(1) << bit, m[3] = { 0 }, r[8] = { 1 }, t[8];
		m[0] = bits == 64 ? (uint32_t)try : try & UINT32_MAX;
		m[1] = bits == 64 ? try >> 32 : whole;
		m[2] = bits == 64 ? whole : 0;
		for (unsigned e = 0; e < power; e++) {
			memset(t, 0, sizeof(t));
			for (unsigned i = 0; i < 8; i++) {
				uint64_t carry = 0;
				for (unsigned j = 0; j < 3 && i + j < 8; j++) {
					wide v = (wide)r[i] * m[j] + t[i + j] + carry;
					t[i + j] = (uint32_t)v;
					carry = (uint64_t)(v >> 32);
				}
				if (i + 3 < 8)
					t[i + 3] += carry;
			}
			for (unsigned i = 0; i + 1 < 8; i++) {
				t[i + 1] += t[i] >> 32;
				t[i] = (uint32_t)t[i];
			}
			memcpy(r, t, sizeof(r));
		}
		/* The whole part begins at bit bits * power. */
		uint64_t at = (uint64_t)bits * power / 32, above = r[at] | (at + 1 < 8 ? r[at + 1] << 32 : 0);
		if (above < p)
			f = try;
	}
	return f;
}

static struct sha
sha_of(unsigned bits)
{
	static const unsigned char turns[2][12] = {
		{ 7, 18, 3, 17, 19, 10, 6, 11, 25, 2, 13, 22 }, { 1, 8, 7, 19, 61, 6, 14, 18, 41, 28, 34, 39 },
	};
	struct sha s = { .bits = bits, .rounds = bits == 64 ? 80 : 64 };
	unsigned n = 0;

	memcpy(s.turn, turns[bits == 64], sizeof(s.turn));
	for (unsigned p = 2; n < s.rounds; p++) {
		bool prime = true;
		for (unsigned q = 2; q * q <= p; q++)
			prime &= p % q != 0;
		if (!prime)
			continue;
		if (n < 8)
			s.h[n] = fraction_of_root(p, 2, bits);
		s.k[n++] = fraction_of_root(p, 3, bits);
	}
	return s;
}

static void
sha_block(const struct sha *s, uint64_t h[8], const unsigned char *p)
{
	uint64_t w[80], a[8], mask = s->bits == 64 ? UINT64_MAX : UINT32_MAX;
	const unsigned char *t = s->turn;

	for (unsigned i = 0; i < 16; i++) {
		w[i] = 0;
		for (unsigned k = 0; k < s->bits / 8; k++)
			w[i] = w[i] << 8 | *p++;
	}
	for (unsigned i = 16; i < s->rounds; i++) {
		uint64_t x = w[i - 15], y = w[i - 2];
		w[i] = (w[i - 16] + (turned(s, x, t[0]) ^ turned(s, x, t[1]) ^ x >> t[2]) + w[i - 7] +
		    (turned(s, y, t[3]) ^ turned(s, y, t[4]) ^ y >> t[5])) & mask;
	}
	memcpy(a, h, sizeof(a));
	for (unsigned i = 0; i < s->rounds; i++) {
		uint64_t e = a[4], t1 = a[7] + (turned(s, e, t[6]) ^ turned(s, e, t[7]) ^ turned(s, e, t[8])) +
		    ((e & a[5]) ^ (~e & a[6])) + s->k[i] + w[i];
		uint64_t b = a[0], t2 = (turned(s, b, t[9]) ^ turned(s, b, t[10]) ^ turned(s, b, t[11])) +
		    ((b & a[1]) ^ (b & a[2]) ^ (a[1] & a[2]));
		memmove(a + 1, a, 7 * sizeof(a[0]));
		a[4] = (a[4] + t1) & mask;
		a[0] = (t1 + t2) & mask;
	}
	for (unsigned i = 0; i < 8; i++)
		h[i] = (h[i] + a[i]) & mask;
}

static void
sha(const struct sha *s, const unsigned char *bytes, size_t n, unsigned char *out)
{
	size_t block = s->bits * 2, at = 0, tail;
	unsigned char last[256] = { 0 };
	uint64_t h[8];

	memcpy(h, s->h, sizeof(h));
	for (; n - at >= block; at += block)
		sha_block(s, h, bytes + at);
	memcpy(last, bytes + at, n - at);
	last[n - at] = 0x80;
	tail = n - at + 1 + block / 8 <= block ? block : 2 * block;
	for (unsigned i = 0; i < 8; i++)
		last[tail - 1 - i] = (unsigned char)((uint64_t)n * 8 >> 8 * i);
	for (at = 0; at < tail; at += block)
		sha_block(s, h, last + at);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; k < s->bits / 8; k++)
			*out++ = (unsigned char)(h[i] >> (s->bits - 8 - 8 * k));
}

/* Numbers modulo 2^255 - 19: five pieces of 51 bits. */

typedef struct { uint64_t v[5]; } field;

#define LIMB ((UINT64_C(1) << 51) - 1)

static field
carried(field a)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++) {
			a.v[i + 1] += a.v[i] >> 51;
			a.v[i] &= LIMB;
		}
		a.v[0] += 19 * (a.v[4] >> 51);
		a.v[4] &= LIMB;
	}
	return a;
}

static field
plus(field a, field b)
{
	for (int i = 0; i < 5; i++)
		a.v[i] += b.v[i];
	return carried(a);
}

static field
minus(field a, field b)
{
	/* Twice the prime first, so that nothing goes below zero. */
	for (int i = 0; i < 5; i++)
		a.v[i] += 2 * LIMB - (i ? 0 : 36) - b.v[i];
	return carried(a);
}

static field
times(field a, field b)
{
	wide t[5] = { 0 };
	field r;

	for (int i = 0; i < 5; i++)
		for (int j = 0; j < 5; j++)
			t[(i + j) % 5] += (wide)a.v[i] * b.v[j] * (i + j >= 5 ? 19 : 1);
	for (int i = 0; i < 4; i++) {
		t[i + 1] += t[i] >> 51;
		t[i] &= LIMB;
	}
	for (int i = 0; i < 5; i++)
		r.v[i] = (uint64_t)(i == 4 ? t[4] & LIMB : t[i]);
	wide over = (t[4] >> 51) * 19 + r.v[0];
	r.v[0] = (uint64_t)(over & LIMB);
	r.v[1] += (uint64_t)(over >> 51);
	return carried(r);
}

static void
to_bytes(field a, unsigned char out[32])
{
	field b = carried(a);
	uint64_t over = (b.v[0] + 19) >> 51;

	/* Is it the prime or more? Then without it. */
	for (int i = 1; i < 5; i++)
		over = (b.v[i] + over) >> 51;
	b.v[0] += 19 * over;
	for (int i = 0; i < 4; i++) {
		b.v[i + 1] += b.v[i] >> 51;
		b.v[i] &= LIMB;
	}
	b.v[4] &= LIMB;
	for (int bit = 0; bit < 256; bit += 8) {
		unsigned x = 0;
		for (int k = 0; k < 8 && bit + k < 255; k++)
			x |= (unsigned)(b.v[(bit + k) / 51] >> (bit + k) % 51 & 1) << k;
		out[bit / 8] = (unsigned char)x;
	}
}

static field
from_bytes(const unsigned char in[32])
{
	field a = { { 0 } };

	for (int bit = 0; bit < 255; bit++)
		a.v[bit / 51] |= (uint64_t)(in[bit / 8] >> bit % 8 & 1) << bit % 51;
	return a;
}

static bool
equal(field a, field b)
{
	unsigned char x[32], y[32];

	to_bytes(a, x);
	to_bytes(b, y);
	return memcmp(x, y, 32) == 0;
}

/* a^(2^255 - 19 - less), and likewise for 2^252 - 3: exponents of ones but for the lowest byte. */
static field
power(field a, unsigned char lowest, int bits)
{
	field r = { { 1 } };

	for (int bit = bits - 1; bit >= 0; bit--) {
		r = times(r, r);
		if (bit >= 8 || lowest >> bit & 1)
			r = times(r, a);
	}
	return r;
}

static field
inverse(field a)
{
	return power(a, 0xeb, 255);
}

static field
small(uint64_t n)
{
	return (field){ { n } };
}

/* Points of the curve -x^2 + y^2 = 1 + d x^2 y^2: (X : Y : Z : T), x = X/Z, y = Y/Z, xy = T/Z (RFC 8032 section 5.1.4). */

struct point {
	field x, y, z, t;
};

static field
curve_d(void)
{
	return minus(small(0), times(small(121665), inverse(small(121666))));
}

static struct point
sum(struct point p, struct point q, field d)
{
	field a = times(minus(p.y, p.x), minus(q.y, q.x)), b = times(plus(p.y, p.x), plus(q.y, q.x));
	field c = times(times(p.t, q.t), plus(d, d)), z = times(p.z, plus(q.z, q.z));
	field e = minus(b, a), f = minus(z, c), g = plus(z, c), h = plus(b, a);

	return (struct point){ times(e, f), times(g, h), times(f, g), times(e, h) };
}

static struct point
multiple(const unsigned char k[32], struct point p, field d)
{
	struct point r = { small(0), small(1), small(1), small(0) };

	for (int bit = 255; bit >= 0; bit--) {
		r = sum(r, r, d);
		if (k[bit / 8] >> bit % 8 & 1)
			r = sum(r, p, d);
	}
	return r;
}

/* RFC 8032 section 5.1.3. */
static bool
point_of(const unsigned char in[32], field d, struct point *ret)
{
	field y = from_bytes(in), u = minus(times(y, y), small(1)), v = plus(times(d, times(y, y)), small(1));
	field x2 = times(u, inverse(v)), x = times(power(x2, 0xfd, 252), x2);
	field root_of_minus_one = power(small(2), 0xfb, 253);
	unsigned char check[32];

	to_bytes(y, check);
	check[31] |= in[31] & 0x80;
	if (memcmp(check, in, 32) != 0)
		return false;
	if (!equal(times(x, x), x2))
		x = times(x, root_of_minus_one);
	if (!equal(times(x, x), x2))
		return false;
	to_bytes(x, check);
	if (equal(x, small(0)) && in[31] >> 7)
		return false;
	if ((check[0] & 1) != in[31] >> 7)
		x = minus(small(0), x);
	*ret = (struct point){ x, y, small(1), times(x, y) };
	return true;
}

static const unsigned char order[32] = {
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
};

static bool
below_order(const unsigned char s[32])
{
	for (int i = 31; i >= 0; i--)
		if (s[i] != order[i])
			return s[i] < order[i];
	return false;
}

/* 64 bytes modulo the order: bit by bit, twice and subtract. */
static void
reduce(const unsigned char in[64], unsigned char out[32])
{
	memset(out, 0, 32);
	for (int bit = 511; bit >= 0; bit--) {
		unsigned carry = in[bit / 8] >> bit % 8 & 1;
		for (int i = 0; i < 32; i++) {
			unsigned v = 2u * out[i] + carry;
			out[i] = (unsigned char)v;
			carry = v >> 8;
		}
		if (below_order(out))
			continue;
		int borrow = 0;
		for (int i = 0; i < 32; i++) {
			int v = out[i] - order[i] - borrow;
			borrow = v < 0;
			out[i] = (unsigned char)v;
		}
	}
}

/* RFC 8032 section 5.1.7: S times the base is R plus k times the key; R is compared as bytes. */
static bool
signed_by(const unsigned char key[32], const unsigned char *message, size_t n, const unsigned char sig[64])
{
	static const unsigned char base_bytes[32] = { 0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		0x66, 0x66, 0x66 };
	static unsigned char all[64 + FILE_MAX];
	struct sha sha512 = sha_of(64);
	unsigned char hash[64], k[32], got[32];
	struct point a, base;
	field d = curve_d();

	if (n > FILE_MAX || !below_order(sig + 32) || !point_of(key, d, &a) || !point_of(base_bytes, d, &base))
		return false;
	memcpy(all, sig, 32);
	memcpy(all + 32, key, 32);
	memcpy(all + 64, message, n);
	sha(&sha512, all, 64 + n, hash);
	reduce(hash, k);
	a.x = minus(small(0), a.x);
	a.t = minus(small(0), a.t);
	struct point r = sum(multiple(sig + 32, base, d), multiple(k, a, d), d);
	field z = inverse(r.z), x = times(r.x, z);
	unsigned char odd[32];
	to_bytes(times(r.y, z), got);
	to_bytes(x, odd);
	got[31] |= (unsigned char)((odd[0] & 1) << 7);
	return memcmp(got, sig, 32) == 0;
}

/* Texts. */

struct text {
	const char *p;
	size_t n;
};

static struct text
text_of(const char *z)
{
	return (struct text){ z, strlen(z) };
}

static bool
same(struct text a, struct text b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static bool
begins(struct text t, const char *with)
{
	return t.n >= strlen(with) && memcmp(t.p, with, strlen(with)) == 0;
}

/* Cuts the next line, without its end. */
static struct text
next_line(struct text *rest)
{
	const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	struct text line = { rest->p, end ? (size_t)(end - rest->p) : 0 };

	if (!end)
		not_proved("a line has no end");
	rest->n -= line.n + 1;
	rest->p = end + 1;
	return line;
}

static struct text
behind(struct text line, const char *word)
{
	if (!begins(line, word))
		not_proved("a word is missing that must be there");
	return (struct text){ line.p + strlen(word), line.n - strlen(word) };
}

static int
digit_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Strict: one text for each string of bytes. */
static size_t
base64(struct text t, unsigned char *out, size_t size)
{
	size_t pad = t.n && t.p[t.n - 1] == '=' ? t.n > 1 && t.p[t.n - 2] == '=' ? 2 : 1 : 0, n = t.n / 4 * 3 - pad;

	if (t.n == 0 || t.n % 4 || n > size)
		not_proved("a word is not base64");
	for (size_t i = 0; i < t.n; i += 4) {
		uint32_t v = 0;
		size_t missing = i + 4 == t.n ? pad : 0;
		for (size_t k = 0; k < 4; k++) {
			int d = k < 4 - missing ? digit_of(t.p[i + k]) : 0;
			if (d < 0)
				not_proved("a word is not base64");
			v = v << 6 | (uint32_t)d;
		}
		if (v & ((1u << 8 * missing) - 1))
			not_proved("a word is not base64");
		for (size_t k = 0; k < 3 - missing; k++)
			out[i / 4 * 3 + k] = (unsigned char)(v >> (16 - 8 * k));
	}
	return n;
}

static uint64_t
number(struct text t)
{
	uint64_t v = 0;

	if (t.n == 0 || t.n > 19 || (t.n > 1 && t.p[0] == '0'))
		not_proved("a number cannot be read");
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			not_proved("a number cannot be read");
		v = v * 10 + (uint64_t)(t.p[i] - '0');
	}
	return v;
}

static uint64_t
big_endian(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* The tree (RFC 6962 section 2.1; the walk is that of RFC 9162 section 2.1.3.2). */

static void
join(const struct sha *s, const unsigned char *left, const unsigned char *right, unsigned char out[32])
{
	unsigned char both[65] = { 1 };

	memcpy(both + 1, left, 32);
	memcpy(both + 33, right, 32);
	sha(s, both, sizeof(both), out);
}

static void
leaf(const struct sha *s, const unsigned char *bytes, size_t n, unsigned char out[32])
{
	static unsigned char with_zero[1 + FILE_MAX];

	with_zero[0] = 0;
	memcpy(with_zero + 1, bytes, n);
	sha(s, with_zero, 1 + n, out);
}

/* The root to which the path leads from this leaf. */
static void
follow(const struct sha *s, unsigned char node[32], uint64_t index, uint64_t size, const unsigned char (*path)[32], size_t n)
{
	uint64_t fn = index, sn = size - 1;

	if (index >= size)
		not_proved("the number is behind the end of the log");
	for (size_t i = 0; i < n; i++) {
		if (sn == 0)
			not_proved("a path is too long");
		if (fn & 1 || fn == sn) {
			join(s, path[i], node, node);
			for (; !(fn & 1) && fn; fn >>= 1)
				sn >>= 1;
		} else {
			join(s, node, path[i], node);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (sn)
		not_proved("a path is too short");
}

/* Keys and notes. */

struct key {
	struct text name, id;
	unsigned char bytes[64];
	size_t n;
};

/* "NAME+ID+BASE64": the id must be the first four bytes of SHA-256(name, newline, key). */
static struct key
key_of(const struct sha *s, struct text t)
{
	const char *plus = memchr(t.p, '+', t.n);
	struct key k = { .name = { t.p, plus ? (size_t)(plus - t.p) : 0 } };
	unsigned char named[512], hash[32];
	char id[9];

	if (!plus || t.n < k.name.n + 11 || plus[9] != '+' || k.name.n > 255)
		not_proved("a key of the identity cannot be read");
	k.id = (struct text){ plus + 1, 8 };
	k.n = base64((struct text){ plus + 10, t.n - k.name.n - 10 }, k.bytes, sizeof(k.bytes));
	memcpy(named, k.name.p, k.name.n);
	named[k.name.n] = '\n';
	memcpy(named + k.name.n + 1, k.bytes, k.n);
	sha(s, named, k.name.n + 1 + k.n, hash);
	snprintf(id, sizeof(id), "%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3]);
	if (!same(k.id, text_of(id)))
		not_proved("a key's number is not its own");
	return k;
}

/* The signature of this key among the lines. */
static size_t
signature(struct text lines, const struct key *k, unsigned char *out, size_t size)
{
	static unsigned char bytes[8192];
	char id[9];

	while (lines.n) {
		struct text line = behind(next_line(&lines), "\xe2\x80\x94 ");
		const char *blank = memchr(line.p, ' ', line.n);
		if (!blank)
			not_proved("a signature cannot be read");
		struct text name = { line.p, (size_t)(blank - line.p) };
		size_t n = base64((struct text){ blank + 1, line.n - name.n - 1 }, bytes, sizeof(bytes));
		if (n < 4)
			not_proved("a signature cannot be read");
		snprintf(id, sizeof(id), "%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
		if (!same(name, k->name) || !same(k->id, text_of(id)))
			continue;
		if (n - 4 > size)
			not_proved("a signature is too long");
		memcpy(out, bytes + 4, n - 4);
		return n - 4;
	}
	not_proved("a signature is missing");
	return 0;
}

/* u32 epoch, u64 time, key 32, signature 64, path 32 each (guarita-vault(7)). */
static void
check_epoch(const struct sha *s, struct text text, struct text sigs, const struct key *identity, uint64_t *epoch,
    uint64_t *time_s)
{
	unsigned char sig[108 + 32 * PATH_STEPS], node[32];
	static char message[FILE_MAX + 128];
	size_t n = signature(sigs, identity, sig, sizeof(sig)), steps = n < 108 ? 0 : (n - 108) / 32;

	if (n < 108 || (n - 108) % 32 || steps > 32)
		not_proved("the epoch's signature cannot be read");
	*epoch = big_endian(sig, 4);
	*time_s = big_endian(sig + 4, 8);
	leaf(s, sig + 12, 32, node);
	follow(s, node, *epoch, UINT64_C(1) << steps, (const unsigned char(*)[32])(sig + 108), steps);
	if (memcmp(node, identity->bytes + EPOCH_TYPE_BYTES, 32) != 0)
		not_proved("the epoch's key is not one of this vault");
	int head = snprintf(message, sizeof(message), "guarita-epoch-v1\nepoch %" PRIu64 "\ntime %" PRIu64 "\n", *epoch, *time_s);
	memcpy(message + head, text.p, text.n);
	if (!signed_by(sig + 12, (const unsigned char *)message, (size_t)head + text.n, sig + 44))
		not_proved("the epoch's signature is false");
}

/* u64 time, signature 64, over a head and the text (C2SP tlog-cosignature). */
static void
check_witness(const struct sha *s, struct text text, struct text sigs, const char *vkey)
{
	static char message[FILE_MAX + 128];
	unsigned char sig[72];
	struct key k = key_of(s, text_of(vkey));

	if (k.n != 33 || k.bytes[0] != 4)
		not_proved("what was given is not the key of a witness");
	if (signature(sigs, &k, sig, sizeof(sig)) != sizeof(sig))
		not_proved("a witness's signature cannot be read");
	int head = snprintf(message, sizeof(message), "cosignature/v1\ntime %" PRIu64 "\n", big_endian(sig, 8));
	memcpy(message + head, text.p, text.n);
	if (!signed_by(k.bytes + 1, (const unsigned char *)message, (size_t)head + text.n, sig + 8))
		not_proved("a witness's signature is false");
}

struct claim {
	unsigned char line[65535];     /* nonce and record */
	size_t n;
	uint64_t index;
	unsigned char path[PATH_STEPS][32];
	size_t steps;
	struct text note;
};

static void
read_proof(struct text rest, struct claim *c)
{
	struct text line;

	if (!same(next_line(&rest), text_of("c2sp.org/tlog-proof@v1")))
		not_proved("it is not the proof of a line");
	c->n = base64(behind(next_line(&rest), "extra "), c->line, sizeof(c->line));
	c->index = number(behind(next_line(&rest), "index "));
	while ((line = next_line(&rest)).n) {
		if (c->steps == PATH_STEPS || base64(line, c->path[c->steps++], 32) != 32)
			not_proved("a hash of the path cannot be read");
	}
	c->note = rest;
}

/* The text, up to and with the newline before the last empty line; and the lines of signatures. */
static void
split_note(struct text note, struct text *text, struct text *sigs)
{
	for (size_t i = note.n; i-- > 1;)
		if (note.p[i] == '\n' && note.p[i - 1] == '\n') {
			*text = (struct text){ note.p, i };
			*sigs = (struct text){ note.p + i + 1, note.n - i - 1 };
			return;
		}
	not_proved("the checkpoint is not a signed note");
}

static void
show(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 0x20 && p[i] < 0x7f)
			putchar(p[i]);
		else
			printf("\\x%02x", p[i]);
	putchar('\n');
}

/* nonce 16, u8 version, u8 transport, u8 flags, u16 source, i64 time (ns), source, line. */
static void
show_record(const struct claim *c, struct text origin, uint64_t size, uint64_t epoch, uint64_t time_s)
{
	const unsigned char *r = c->line + 16;
	size_t n = c->n < 29 ? 0 : c->n - 16, source = n ? (size_t)big_endian(r + 3, 2) : 0;

	if (n < 13 || r[0] != 1 || 13 + source > n)
		not_proved("its record cannot be read");
	printf("PROVED: this line was received, stands in the log, and was not changed since:\n");
	show(r + 13 + source, n - 13 - source);
	printf("from ");
	show(r + 13, source);
	printf("received at %" PRIu64 ".%09" PRIu64 " (seconds since 1970)\n", big_endian(r + 5, 8) / 1000000000,
	    big_endian(r + 5, 8) % 1000000000);
	printf("entry %" PRIu64 " of %" PRIu64 " in %.*s, signed at %" PRIu64 " with the key of epoch %" PRIu64 "\n", c->index,
	    size, (int)origin.n, origin.p, time_s, epoch);
}

static struct text
read_file(const char *path, char *p)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(p, 1, FILE_MAX + 1, f) : 0;

	if (!f || ferror(f) || n > FILE_MAX) {
		fprintf(stderr, "guarita-verify: %s cannot be read\n", path);
		exit(2);
	}
	fclose(f);
	return (struct text){ p, n };
}

int
main(int argc, char **argv)
{
	static struct claim claim;
	static char files[2][FILE_MAX + 1];
	struct sha sha256 = sha_of(32);
	unsigned char sig[64], root[32], node[32];
	uint64_t epoch, time_s;
	struct text text, sigs;

	if (argc < 3) {
		fprintf(stderr, "usage: guarita-verify PROOF IDENTITY [KEY OF A WITNESS]...\n");
		return 2;
	}
	struct text proof = read_file(argv[1], files[0]), who = read_file(argv[2], files[1]);
	if (!same(next_line(&who), text_of("guarita-vault 1")))
		not_proved("the second file is not the identity of a vault");
	struct text origin = behind(next_line(&who), "origin ");
	struct key log = key_of(&sha256, behind(next_line(&who), "key "));
	struct key epochs = key_of(&sha256, behind(next_line(&who), "epochs "));
	if (!same(log.name, origin) || !same(epochs.name, origin) || log.n != 33 || log.bytes[0] != 1 ||
	    epochs.n != EPOCH_TYPE_BYTES + 32 || memcmp(epochs.bytes, EPOCH_TYPE, EPOCH_TYPE_BYTES) != 0)
		not_proved("the identity's keys are not of one vault");

	read_proof(proof, &claim);
	split_note(claim.note, &text, &sigs);
	struct text rest = text;
	if (!same(next_line(&rest), origin))
		not_proved("it is of another log");
	uint64_t size = number(next_line(&rest));
	if (base64(next_line(&rest), root, sizeof(root)) != 32)
		not_proved("the checkpoint has no root");
	if (signature(sigs, &log, sig, sizeof(sig)) != 64 ||
	    !signed_by(log.bytes + 1, (const unsigned char *)text.p, text.n, sig))
		not_proved("the log's signature is false");
	check_epoch(&sha256, text, sigs, &epochs, &epoch, &time_s);
	for (int i = 3; i < argc; i++)
		check_witness(&sha256, text, sigs, argv[i]);
	leaf(&sha256, claim.line, claim.n, node);
	follow(&sha256, node, claim.index, size, (const unsigned char(*)[32])claim.path, claim.steps);
	if (memcmp(node, root, 32) != 0)
		not_proved("the line, its place or its path was changed");
	show_record(&claim, origin, size, epoch, time_s);
	if (argc > 3)
		printf("cosigned by %s\n", argc == 4 ? "the witness that was named" : "all witnesses that were named");
	return 0;
}
