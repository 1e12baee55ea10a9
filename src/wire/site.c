/* site: encoder and decoder, from the rows. Must never accept a frame that is not exactly a row. */
#include "wire/site.h"

#include <assert.h>
#include <errno.h>

#define F_U8(n) enc_u8(e, f->n);
#define F_U16(n) enc_u16(e, f->n);
#define F_U32(n) enc_u32(e, f->n);
#define F_U64(n) enc_u64(e, f->n);
#define F_STR(n) enc_text32(e, f->n);
#define F_BYTES(n) enc_str32(e, f->n);
#define FRAME(name, number, fields, help) \
	static void \
	encode_##name(const struct site_##name *f, struct enc *e) \
	{ \
		fields \
	}
#include "wire/site.def"
#undef FRAME
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_STR
#undef F_BYTES

#define F_U8(n) f->n = cur_u8(c);
#define F_U16(n) f->n = cur_u16(c);
#define F_U32(n) f->n = cur_u32(c);
#define F_U64(n) f->n = cur_u64(c);
#define F_STR(n) f->n = cur_text32(c);
#define F_BYTES(n) f->n = cur_str32(c);
#define FRAME(name, number, fields, help) \
	static void \
	decode_##name(struct cur *c, struct site_##name *f) \
	{ \
		fields \
	}
#include "wire/site.def"
#undef FRAME

static void
encode_fields(const struct site_frame *f, struct enc *e)
{
	switch (f->type) {
#define FRAME(name, number, fields, help) \
	case SITE_##name: \
		encode_##name(&f->name, e); \
		return;
#include "wire/site.def"
#undef FRAME
	}
	assert(!"a frame of no row");
}

void
site_encode(const struct site_frame *f, struct buf *out)
{
	size_t at = out->n;

	if (!buf_reserve(out, SITE_FRAME_MAX))
		return;
	struct enc body = enc_of(out->p + at + 4, SITE_FRAME_MAX - 4);
	enc_u8(&body, (uint8_t)f->type);
	encode_fields(f, &body);
	struct enc head = enc_of(out->p + at, 4);
	enc_u32(&head, (uint32_t)body.n);
	if (enc_ok(&body))
		out->n = at + 4 + body.n;
	else
		out->failed = true;
}

static bool
decode_fields(struct cur *c, struct site_frame *f)
{
	switch (f->type) {
#define FRAME(name, number, fields, help) \
	case SITE_##name: \
		decode_##name(c, &f->name); \
		return cur_done(c);
#include "wire/site.def"
#undef FRAME
	}
	return false;
}

int
site_decode(struct str bytes, struct site_frame *ret, size_t *ret_used)
{
	struct cur head = cur_of(bytes);
	uint32_t length = cur_u32(&head);

	if (!cur_ok(&head))
		return 0;
	if (length == 0 || length > SITE_FRAME_MAX - 4)
		return -EBADMSG;
	if (head.n < length)
		return 0;
	struct cur c = cur_of(str_of((const char *)head.p, length));
	struct site_frame f = { .type = (enum site_type)cur_u8(&c) };
	if (!decode_fields(&c, &f))
		return -EBADMSG;
	*ret = f;
	*ret_used = 4 + (size_t)length;
	return 1;
}

void
site_entry_add(struct buf *out, const struct site_entry *e)
{
	size_t n = SITE_ENTRY_HEAD + e->record.n;

	if (!buf_reserve(out, n))
		return;
	struct enc x = enc_of(out->p + out->n, n);
	enc_u64(&x, e->index);
	enc_str32(&x, e->record);
	out->n += x.n;
}

int
site_entry_next(struct cur *c, struct site_entry *ret)
{
	if (c->n == 0 && cur_ok(c))
		return 0;
	struct site_entry e = { .index = cur_u64(c), .record = cur_str32(c) };
	if (!cur_ok(c))
		return -EBADMSG;
	*ret = e;
	return 1;
}
