/*
 * lens_state: what a lens and a zone book have learned, as bytes and back, so that a reader that starts again reads the
 * same times in the same lines. The bytes are foreign: counts and times are held against their bounds.
 */
#include <errno.h>
#include <stdlib.h>

#include "event/lens_private.h"

enum { LEARNED_COLUMNS = 1 << 0, LEARNED_YEAR = 1 << 1, LEARNED_SPOKEN = 1 << 2 };

static bool
is_time(int64_t us)
{
	return us == WHEN_NONE || (us > -(INT64_C(1) << 60) && us < INT64_C(1) << 60);
}

void
lens_save(const struct lens *l, struct enc *e)
{
	enc_u8(e, (uint8_t)((l->columns ? LEARNED_COLUMNS : 0) | (l->year_sure ? LEARNED_YEAR : 0) |
	    (l->spoken ? LEARNED_SPOKEN : 0)));
	enc_u64(e, (uint64_t)l->last_us);
	enc_u64(e, (uint64_t)l->first_us);
	enc_u64(e, (uint64_t)l->sniffed_us);
}

int
lens_load(struct lens *l, struct cur *in)
{
	uint8_t learned = cur_u8(in);
	int64_t last = (int64_t)cur_u64(in), first = (int64_t)cur_u64(in), sniffed = (int64_t)cur_u64(in);

	if (!cur_ok(in) || !is_time(last) || !is_time(first) || !is_time(sniffed))
		return -EBADMSG;
	l->columns = (learned & LEARNED_COLUMNS) != 0;
	l->year_sure = (learned & LEARNED_YEAR) != 0;
	l->spoken = (learned & LEARNED_SPOKEN) != 0;
	l->last_us = last;
	l->first_us = first;
	l->sniffed_us = sniffed;
	return 0;
}

static void
save_place(const struct zone_place *p, struct buf *out)
{
	uint8_t bytes[9 + ZONE_SPANS * 18];
	struct enc e = enc_of(bytes, sizeof(bytes));

	enc_u64(&e, p->hash);
	enc_u8(&e, p->count);
	for (uint8_t i = 0; i < p->count; i++) {
		enc_u64(&e, (uint64_t)p->spans[i].first_us);
		enc_u64(&e, (uint64_t)p->spans[i].last_us);
		enc_u16(&e, (uint16_t)p->spans[i].offset_min);
	}
	buf_add(out, str_of((const char *)bytes, e.n));
}

void
zone_book_save(const struct zone_book *z, struct buf *out)
{
	uint8_t bytes[4];
	struct enc e = enc_of(bytes, sizeof(bytes));

	enc_u32(&e, (uint32_t)z->count);
	buf_add(out, str_of((const char *)bytes, e.n));
	for (size_t i = 0; i < z->count; i++)
		save_place(z->places[i], out);
}

static int
load_span(struct zone_place *p, struct cur *in)
{
	struct zone_span s = { .first_us = (int64_t)cur_u64(in) };

	s.last_us = (int64_t)cur_u64(in);
	s.offset_min = (int16_t)cur_u16(in);
	if (!cur_ok(in) || !is_time(s.first_us) || !is_time(s.last_us) || s.first_us > s.last_us ||
	    s.offset_min < -ZONES_APART / WHEN_MINUTE || s.offset_min > ZONES_APART / WHEN_MINUTE)
		return -EBADMSG;
	p->spans[p->count++] = s;
	return 0;
}

int
zone_book_load(struct zone_book *z, struct cur *in)
{
	uint32_t n = cur_u32(in);
	int r = cur_ok(in) && n <= ZONE_PLACES_MAX ? 0 : -EBADMSG;

	for (uint32_t i = 0; i < n && r == 0; i++) {
		uint64_t hash = cur_u64(in);
		uint8_t count = cur_u8(in);
		struct zone_place *p = cur_ok(in) && count <= ZONE_SPANS ? zone_place_by_hash(z, hash) : NULL;

		if (!p || p->count > 0)
			return -EBADMSG;
		for (uint8_t k = 0; k < count && r == 0; k++)
			r = load_span(p, in);
	}
	return r;
}
