/*
 * site: the frames of site.def as structs, and their encoding. Pure: bytes in, bytes out. What a
 * frame means, and whether this peer may say it, is the business of others.
 */
#ifndef GUARITA_WIRE_SITE_H
#define GUARITA_WIRE_SITE_H

#include "base/buf.h"
#include "base/cur.h"

#define SITE_VERSION 1
#define SITE_FRAME_MAX (256u << 10)    /* with its head */
#define SITE_HEAD 5
#define SITE_ENTRY_HEAD 12
#define SITE_LINES_MAX (60u << 10)     /* of records that are put into one frame, unless one is larger */

#define FRAME(name, number, fields, help) SITE_##name = (number),
enum site_type {
#include "wire/site.def"
};
#undef FRAME

#define F_U8(n) uint8_t n;
#define F_U16(n) uint16_t n;
#define F_U32(n) uint32_t n;
#define F_U64(n) uint64_t n;
#define F_STR(n) struct str n;
#define F_BYTES(n) struct str n;
#define FRAME(name, number, fields, help) struct site_##name { fields };
#include "wire/site.def"
#undef FRAME

struct site_frame {
	enum site_type type;
#define FRAME(name, number, fields, help) struct site_##name name;
	union {
#include "wire/site.def"
	};
#undef FRAME
};
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_STR
#undef F_BYTES

/* Appends the whole frame; a buf that fails (or a frame too long) is left failed. Texts must be UTF-8. */
void site_encode(const struct site_frame *f, struct buf *out);
/*
 * Takes the first frame: 1 and how many bytes it had, 0 when more are needed, -EBADMSG when it is
 * none. Slices point into the bytes.
 */
int site_decode(struct str bytes, struct site_frame *ret, size_t *ret_used) WARN_UNUSED;

struct site_entry {
	uint64_t index;
	struct str record;
};

void site_entry_add(struct buf *out, const struct site_entry *e);
/* The next of lines.entries: 1, 0 at the end, -EBADMSG. */
int site_entry_next(struct cur *c, struct site_entry *ret) WARN_UNUSED;

#endif
