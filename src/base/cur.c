/*
 * cur and enc: bytes in and out with a sticky error. Never touches a byte outside the slice it was
 * given.
 */
#include "base/cur.h"

#include <assert.h>

#include "base/text.h"

void
cur_fail(struct cur *c)
{
	c->n = 0;
	c->failed = true;
}

/* The next n bytes, or NULL and the cursor marked. */
static const uint8_t *
cur_take(struct cur *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->failed || n > c->n) {
		cur_fail(c);
		return NULL;
	}
	if (n == 0)
		return p;
	c->p += n;
	c->n -= n;
	return p;
}

static uint64_t
cur_big(struct cur *c, size_t n)
{
	const uint8_t *p = cur_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static uint64_t
cur_little(struct cur *c, size_t n)
{
	const uint8_t *p = cur_take(c, n);
	uint64_t v = 0;

	for (size_t i = n; p && i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

uint8_t
cur_u8(struct cur *c)
{
	return (uint8_t)cur_big(c, 1);
}

uint16_t
cur_u16(struct cur *c)
{
	return (uint16_t)cur_big(c, 2);
}

uint32_t
cur_u32(struct cur *c)
{
	return (uint32_t)cur_big(c, 4);
}

uint64_t
cur_u64(struct cur *c)
{
	return cur_big(c, 8);
}

uint16_t
cur_u16le(struct cur *c)
{
	return (uint16_t)cur_little(c, 2);
}

uint32_t
cur_u32le(struct cur *c)
{
	return (uint32_t)cur_little(c, 4);
}

uint64_t
cur_u64le(struct cur *c)
{
	return cur_little(c, 8);
}

struct str
cur_bytes(struct cur *c, size_t n)
{
	const uint8_t *p = cur_take(c, n);

	return p ? str_of((const char *)p, n) : STR_NULL;
}

struct str
cur_str32(struct cur *c)
{
	uint32_t n = cur_u32(c);

	return cur_bytes(c, n);
}

static bool
is_text(struct str s)
{
	while (s.n) {
		size_t n = utf8_len(s);
		if (n == 0 || s.p[0] == '\0')
			return false;
		s = str_from(s, n);
	}
	return true;
}

struct str
cur_text32(struct cur *c)
{
	struct str s = cur_str32(c);

	if (!is_text(s))
		cur_fail(c);
	return s;
}

/* Room for n more bytes, or NULL and the encoder marked. */
static uint8_t *
enc_take(struct enc *e, size_t n)
{
	uint8_t *p;

	if (e->failed || n > e->size - e->n) {
		e->failed = true;
		return NULL;
	}
	p = e->p + e->n;
	e->n += n;
	return p;
}

static void
enc_big(struct enc *e, uint64_t v, size_t n)
{
	uint8_t *p = enc_take(e, n);

	for (size_t i = 0; p && i < n; i++)
		p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

void
enc_u8(struct enc *e, uint8_t v)
{
	enc_big(e, v, 1);
}

void
enc_u16(struct enc *e, uint16_t v)
{
	enc_big(e, v, 2);
}

void
enc_u32(struct enc *e, uint32_t v)
{
	enc_big(e, v, 4);
}

void
enc_u64(struct enc *e, uint64_t v)
{
	enc_big(e, v, 8);
}

void
enc_bytes(struct enc *e, struct str s)
{
	uint8_t *p;

	if (s.n == 0)
		return;
	p = enc_take(e, s.n);
	if (p)
		memcpy(p, s.p, s.n);
}

void
enc_str32(struct enc *e, struct str s)
{
	if (s.n > UINT32_MAX)
		e->failed = true;
	enc_u32(e, (uint32_t)s.n);
	enc_bytes(e, s);
}

void
enc_text32(struct enc *e, struct str s)
{
	assert(is_text(s));
	enc_str32(e, s);
}
