/*
 * feed_file: lines and positions of followed files. Must never put a line in one batch and the
 * position behind it in another: what is known of a batch is known of all of it.
 */
#include <assert.h>
#include <errno.h>

#include "role/intake/feed_private.h"

void
feed_place_pack(const struct follow_pos *pos, uint8_t dst[FEED_PLACE_BYTES])
{
	struct enc e = enc_of(dst, FEED_PLACE_BYTES);

	enc_u64(&e, pos->dev);
	enc_u64(&e, pos->ino);
	enc_u64(&e, pos->offset);
	enc_u64(&e, pos->line);
	enc_u64(&e, pos->head_hash);
	enc_u32(&e, pos->head_len);
	assert(enc_ok(&e) && e.n == FEED_PLACE_BYTES);
}

int
feed_place_read(struct str bytes, struct follow_pos *ret)
{
	struct cur c = cur_of(bytes);
	struct follow_pos p = {
		.dev = cur_u64(&c), .ino = cur_u64(&c), .offset = cur_u64(&c), .line = cur_u64(&c),
		.head_hash = cur_u64(&c), .head_len = cur_u32(&c),
	};

	if (!cur_done(&c) || p.head_len > FOLLOW_HEAD_MAX)
		return -EBADMSG;
	*ret = p;
	return 0;
}

void
feed_queue_filling(struct feed *f)
{
	*f->file_last = f->filling;
	f->file_last = &f->filling->next;
	f->filling = f->spare ? f->spare : batch_new();
	f->spare = NULL;
	/* Without 64 KiB nothing goes on here; started again, nothing is lost. */
	assert(f->filling);
}

static void
pack_position(struct batch *b, const struct feed_source *s, const struct follow_pos *pos, bool gone)
{
	uint8_t place[FEED_PLACE_BYTES];

	feed_place_pack(pos, place);
	struct entry e = {
		.source = s->id, .seq = pos->line, .flags = ENTRY_POSITION,
		.bytes = str_of((char *)place, gone ? FEED_IDENT_BYTES : FEED_PLACE_BYTES),
	};
	batch_pack(b, &e);
}

/*
 * A full batch ends with the position behind its lines: with it what it holds is either all known
 * or all unknown.
 */
static void
queue_with_position(struct feed *f, const struct feed_source *s, const struct follow_pos *pos)
{
	pack_position(f->filling, s, pos, false);
	feed_queue_filling(f);
}

void
feed_file_line(struct feed *f, struct feed_source *s, int64_t received_us, uint64_t number,
    struct str line, bool more, const struct follow_pos *before)
{
	if (!more)
		feed_count(f, s, line, false);
	do {
		struct str part = str_head(line, ENTRY_BYTES_MAX);
		if (!batch_fits(f->filling, s, part.n))
			queue_with_position(f, s, before);
		batch_declare(f->filling, s, f->link);
		line = str_from(line, part.n);
		struct entry e = {
			.source = s->id, .seq = number, .received_us = received_us, .bytes = part,
			.flags = more || line.n ? ENTRY_MORE : 0,
		};
		batch_pack(f->filling, &e);
	} while (line.n);
}

static void
tell_position(struct feed *f, struct feed_source *s, const struct follow_pos *pos, bool gone)
{
	if (!batch_fits(f->filling, s, 0))
		feed_queue_filling(f);
	batch_declare(f->filling, s, f->link);
	pack_position(f->filling, s, pos, gone);
}

void
feed_file_position(struct feed *f, struct feed_source *s, const struct follow_pos *pos)
{
	tell_position(f, s, pos, false);
}

void
feed_file_gone(struct feed *f, struct feed_source *s, const struct follow_pos *pos)
{
	tell_position(f, s, pos, true);
}
