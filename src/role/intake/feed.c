/*
 * feed: batches from intaked to watchd. Must never hand a line on that was not written first, nor
 * send it twice.
 */
#include <errno.h>
#include <stdlib.h>

#include "role/intake/feed_private.h"
#include "sys/clock.h"

int
feed_new(const struct feed_opts *o, struct feed **ret)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->archive = o->archive;
	f->file_last = &f->file_first;
	int r = spool_open(&f->spool, o->spool_dir);
	f->filling = batch_new();
	f->reading = batch_new();
	if (r == 0 && (!f->filling || !f->reading))
		r = -ENOMEM;
	for (size_t i = 0; i < RING_SLOTS && r == 0; i++) {
		f->ring[i] = batch_new();
		if (!f->ring[i])
			r = -ENOMEM;
	}
	if (r < 0) {
		feed_free(f);
		return r;
	}
	f->segment = spool_end(&f->spool).segment;
	f->sent = spool_end(&f->spool);
	*ret = f;
	return 0;
}

static void
free_queue(struct feed *f)
{
	while (f->file_first) {
		struct batch *b = f->file_first;
		f->file_first = b->next;
		free(b);
	}
	f->file_last = &f->file_first;
}

void
feed_free(struct feed *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nsources; i++) {
		free((void *)(uintptr_t)f->sources[i]->decl.name.p);
		free(f->sources[i]);
	}
	free(f->sources);
	for (size_t i = 0; i < RING_SLOTS; i++)
		free(f->ring[i]);
	free_queue(f);
	free(f->filling);
	free(f->spare);
	free(f->reading);
	spool_close(&f->spool);
	free(f);
}

/* The batch that lies at the place up to which was sent, if the ring still holds it. */
static struct batch *
ring_at(struct feed *f, struct spool_place at)
{
	uint64_t first = f->sealed > RING_SLOTS - 1 ? f->sealed - (RING_SLOTS - 1) : 0;

	for (uint64_t i = first; i < f->sealed; i++) {
		struct batch *b = f->ring[i % RING_SLOTS];
		/* The end of one segment is the start of the next. */
		if (spool_place_eq(b->at, at) || (i > 0 && b->at.segment > at.segment &&
		    spool_place_eq(f->ring[(i - 1) % RING_SLOTS]->end, at)))
			return b;
	}
	return NULL;
}

static struct batch *
ring_oldest(struct feed *f)
{
	uint64_t first = f->sealed > RING_SLOTS - 1 ? f->sealed - (RING_SLOTS - 1) : 0;

	return first < f->sealed ? f->ring[first % RING_SLOTS] : NULL;
}

/* Leaves only what the reader does not know yet: the declarations, and the lines behind skip_to. */
static void
drop_known(struct feed *f, struct batch *b)
{
	struct cur c = cur_of(str_of((char *)b->enc.p, b->enc.n));
	struct entry e;
	uint32_t entries = 0;
	size_t kept = 0;

	while (entry_next(&c, &e) == 1) {
		size_t n = ENTRY_HEAD + e.bytes.n;
		if (!(e.flags & ENTRY_SOURCE) && e.seq <= f->skip_to)
			continue;
		if (!(e.flags & ENTRY_SOURCE))
			b->last_seq = e.seq;
		memmove(b->enc.p + kept, e.bytes.p - ENTRY_HEAD, n);
		kept += n;
		entries++;
	}
	b->enc.n = kept;
	b->entries = entries;
}

/* The part that was only in memory, and is not there any more. */
static void
skip_lost(struct feed *f)
{
	struct batch *b = ring_oldest(f);
	uint64_t next = b ? b->first_seq : f->spool.next_seq;

	f->sent = b ? b->at : spool_end(&f->spool);
	if (next > f->sent_seq + 1)
		f->lost_ring += next - f->sent_seq - 1;
}

static struct batch *
read_back(struct feed *f)
{
	struct batch *b = f->reading, *oldest = ring_oldest(f);

	while (b->entries == 0) {
		struct spool_place until = oldest ? oldest->at : spool_end(&f->spool);
		batch_reset(b);
		b->last_seq = f->sent_seq;
		int64_t n = spool_read(&f->spool, &f->sent, until, b->enc.p, BATCH_MAX);
		if (n == 0)
			return NULL;
		if (n < 0) {
			skip_lost(f);
			return NULL;
		}
		b->enc.n = (size_t)n;
		drop_known(f, b);
	}
	return b;
}

static int
send_batch(struct feed *f, struct batch *b)
{
	int r = chan_try(f->chan, MSG_records, batch_records(b));

	if (r == 0)
		f->credit--;
	else
		f->no_room = r == -EAGAIN;
	/* Any other failure shows at the reading side of the channel, which ends the link. */
	return r;
}

static void
send_files(struct feed *f)
{
	while (f->file_first && f->credit && !f->no_room) {
		struct batch *b = f->file_first;
		if (send_batch(f, b) < 0)
			return;
		f->file_first = b->next;
		if (!f->file_first)
			f->file_last = &f->file_first;
		if (f->spare) {
			free(b);
		} else {
			batch_reset(b);
			f->spare = b;
		}
	}
}

static void
send_spooled(struct feed *f)
{
	while (f->credit && !f->no_room) {
		struct batch *b = f->reading->entries ? NULL : ring_at(f, f->sent);
		bool from_ring = b != NULL;
		if (!from_ring)
			b = read_back(f);
		if (!b && ring_at(f, f->sent))
			continue;
		if (!b)
			f->unread = 0;
		if (!b || send_batch(f, b) < 0)
			return;
		f->unread -= f->unread < b->enc.n ? f->unread : b->enc.n;
		f->sent_seq = b->last_seq;
		if (from_ring)
			f->sent = b->end;
		else
			batch_reset(b);
	}
}

static void
send_all(struct feed *f)
{
	if (!f->chan || chan_state(f->chan) == MSG_STARTING)
		return;
	send_files(f);
	send_spooled(f);
}

static struct batch *
filling(struct feed *f)
{
	return f->ring[f->sealed % RING_SLOTS];
}

static void
next_slot(struct feed *f)
{
	f->sealed++;
	batch_reset(filling(f));
}

/*
 * Writes the filling batch to the spool and goes on to the next slot. A new segment begins only
 * between lines, so that each can be read alone.
 */
static void
seal(struct feed *f, bool between_lines)
{
	struct batch *b = filling(f);

	if (b->entries == 0)
		return;
	b->first_seq = f->spool.next_seq - b->lines;
	b->last_seq = f->spool.next_seq - 1;
	f->spool.next_seq -= b->lines;
	b->at = spool_append(&f->spool, str_of((char *)b->enc.p, b->enc.n), b->lines);
	b->end = (struct spool_place){ .segment = b->at.segment,
		.offset = b->at.offset + b->enc.n };
	f->unread += b->enc.n;
	next_slot(f);
	if (between_lines && spool_full_segment(&f->spool))
		spool_cut(&f->spool);
	/* Also after a failure to write, which begins a new segment by itself. */
	f->segment = spool_end(&f->spool).segment;
}

static bool
spool_is_full(const struct feed *f)
{
	return f->spool.bytes >= FEED_SPOOL_MAX;
}

void
feed_line(struct feed *f, struct feed_source *s, int64_t received_us, struct str line, bool cut)
{
	feed_count(f, s, line, cut);
	if (f->archive)
		archive_line(f->archive, s->decl.name, received_us, line);
	if (spool_is_full(f)) {
		s->lost++;
		f->lost_full++;
		return;
	}
	uint64_t seq = f->spool.next_seq;
	bool first = true;
	for (bool more = true; more; first = false) {
		struct str part = str_head(line, ENTRY_BYTES_MAX);
		if (!batch_fits(filling(f), s, part.n)) {
			seal(f, first);
			send_all(f);
		}
		struct batch *b = filling(f);
		batch_declare(b, s, f->segment);
		line = str_from(line, part.n);
		more = line.n > 0;
		struct entry e = {
			.source = s->id,
			.seq = seq,
			.received_us = received_us,
			.bytes = part,
			.flags = (uint16_t)(ENTRY_SPOOLED | (more ? ENTRY_MORE : 0) |
			    (cut ? ENTRY_CUT : 0)),
		};
		batch_pack(b, &e);
		if (!more) {
			b->lines++;
			f->spool.next_seq++;
		}
	}
}

void
feed_flush(struct feed *f)
{
	seal(f, true);
	if (f->archive)
		(void)!archive_flush(f->archive, clock_wall_us());
	if (f->filling->entries)
		feed_queue_filling(f);
	send_all(f);
}

bool
feed_slow(const struct feed *f)
{
	return f->spool.dir &&
	    (f->unread >= FEED_SLOW_BYTES || f->spool.bytes >= FEED_SPOOL_MAX / 2);
}

bool
feed_files_wanted(const struct feed *f)
{
	return f->chan && chan_state(f->chan) == MSG_OPEN && !f->file_first && f->credit > 0;
}

void
feed_attach(struct feed *f, struct chan *c, uint64_t seen, uint32_t credit)
{
	f->chan = c;
	f->link++;
	f->credit = credit;
	f->no_room = false;
	f->skip_to = f->sent_seq = seen;
	free_queue(f);
	batch_reset(f->filling);
	batch_reset(f->reading);
	seal(f, true);
	if (seen + 1 >= f->spool.next_seq) {
		/*
		 * It knows all there is: what comes begins a segment of its own, with its
		 * declarations.
		 */
		if (seen + 1 > f->spool.next_seq)
			spool_skip_to(&f->spool, seen);
		else
			spool_cut(&f->spool);
		f->segment = spool_end(&f->spool).segment;
		f->sent = spool_end(&f->spool);
		f->unread = 0;
	} else {
		f->sent = spool_find(&f->spool, seen + 1);
		f->unread = f->spool.bytes;
	}
	send_all(f);
}

void
feed_detach(struct feed *f)
{
	f->chan = NULL;
	f->credit = 0;
	free_queue(f);
	batch_reset(f->filling);
}

void
feed_credit(struct feed *f, uint32_t batches)
{
	f->credit += batches;
	send_all(f);
}

void
feed_room(struct feed *f)
{
	f->no_room = false;
	send_all(f);
}

void
feed_saved(struct feed *f, uint64_t seq)
{
	spool_forget(&f->spool, seq);
}

void
feed_stats(const struct feed *f, struct feed_stats *ret)
{
	*ret = (struct feed_stats){
		.lines = f->lines,
		.spooled_bytes = f->spool.bytes,
		.unread_bytes = f->unread,
		.lost_ring = f->lost_ring,
		.lost_full = f->lost_full,
		.next_seq = f->spool.next_seq,
		.credit = f->credit,
		.attached = f->chan != NULL,
		.spool_error = f->spool.error,
	};
}
