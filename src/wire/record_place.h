/*
 * record_place: where a field stands in a record of fixed layout, and how it is read: what the account files of all
 * systems share. Private to this folder. Must never read beyond the record.
 */
#ifndef GUARITA_WIRE_RECORD_PLACE_H
#define GUARITA_WIRE_RECORD_PLACE_H

#include <assert.h>

#include "base/cur.h"

struct place {
	uint16_t off, len;         /* len 0: the layout has no such field */
};

static inline struct str
place_bytes(struct str record, struct place p)
{
	assert((size_t)p.off + p.len <= record.n);
	return str_of(record.p + p.off, p.len);
}

/* Signed, as all of them are; zero where the layout has no such field. */
static inline int64_t
place_number(bool big, struct str record, struct place p)
{
	struct cur c = cur_of(place_bytes(record, p));

	switch (p.len) {
	case 2:
		return (int16_t)(big ? cur_u16(&c) : cur_u16le(&c));
	case 4:
		return (int32_t)(big ? cur_u32(&c) : cur_u32le(&c));
	case 8:
		return (int64_t)(big ? cur_u64(&c) : cur_u64le(&c));
	}
	return 0;
}

static inline bool
all_zero(struct str s)
{
	return s.n == 0 || (s.p[0] == '\0' && memcmp(s.p, s.p + 1, s.n - 1) == 0);
}

/* Up to the first zero byte; *io_dirty when something else than zeros stands behind it. */
static inline struct str
place_text(struct str record, struct place p, bool *io_dirty)
{
	struct str whole = place_bytes(record, p), text = str_head(whole, str_find_byte(whole, '\0'));

	*io_dirty |= !all_zero(str_from(whole, text.n));
	return text;
}

#endif
