/*
 * cur and enc: read and write cursors over bytes with a sticky error. A read past the end gives
 * zero (or an empty slice) and marks the cursor; check cur_ok() once, before use of what was read.
 * Numbers are big-endian (network order) unless the name says le.
 */
#ifndef GUARITA_BASE_CUR_H
#define GUARITA_BASE_CUR_H

#include "base/str.h"

struct cur {
	const uint8_t *p;
	size_t n;        /* bytes left */
	bool failed;
};

static inline struct cur
cur_of(struct str s)
{
	return (struct cur){ .p = (const uint8_t *)s.p, .n = s.n };
}

static inline bool
cur_ok(const struct cur *c)
{
	return !c->failed;
}

/* True when everything was read and nothing failed: the exact-consumption rule. */
static inline bool
cur_done(const struct cur *c)
{
	return !c->failed && c->n == 0;
}

uint8_t cur_u8(struct cur *c);
uint16_t cur_u16(struct cur *c);
uint32_t cur_u32(struct cur *c);
uint64_t cur_u64(struct cur *c);
uint16_t cur_u16le(struct cur *c);
uint32_t cur_u32le(struct cur *c);
uint64_t cur_u64le(struct cur *c);
struct str cur_bytes(struct cur *c, size_t n);    /* points into the input */
struct str cur_str32(struct cur *c);              /* u32 length, then bytes */
/* The same of UTF-8 without a NUL, so that it can go anywhere text goes; anything else is an error. */
struct str cur_text32(struct cur *c);
void cur_fail(struct cur *c);

struct enc {
	uint8_t *p;
	size_t n;        /* bytes written */
	size_t size;
	bool failed;
};

static inline struct enc
enc_of(void *p, size_t size)
{
	return (struct enc){ .p = p, .size = size };
}

static inline bool
enc_ok(const struct enc *e)
{
	return !e->failed;
}

void enc_u8(struct enc *e, uint8_t v);
void enc_u16(struct enc *e, uint16_t v);
void enc_u32(struct enc *e, uint32_t v);
void enc_u64(struct enc *e, uint64_t v);
void enc_bytes(struct enc *e, struct str s);
void enc_str32(struct enc *e, struct str s);
void enc_text32(struct enc *e, struct str s);       /* the caller knows that it is text */

#endif
