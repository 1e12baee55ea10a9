/* feed: batches from intaked to watchd. Must never hand a line on that was not written first, nor send it twice. */
#include "role/feed.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sys/clock.h"

#define RING_SLOTS 64                  /* batches kept in memory: 4 MiB */
#define RECORDS_HEAD (MSG_HEAD + 8)    /* number, count, length of the entries */
#define FILE_ID (1u << 31)             /* ids of files: never in the spool */

struct batch {
	struct batch *next;            /* of a queue of file batches */
	uint64_t first_seq, last_seq;  /* of its lines; spooled only */
	uint64_t lines;
	uint32_t entries;
	struct spool_place at, end;    /* where it lies in the spool */
	struct enc enc;                /* over bytes behind the message's head */
	char bytes[RECORDS_HEAD + BATCH_MAX];
};

struct feed {
	struct archive *archive;
	struct spool spool;
	struct feed_source **sources;
	size_t nsources;
	uint32_t next_id;

	struct batch *ring[RING_SLOTS];
	uint64_t sealed;               /* batches sealed so far; ring[sealed % RING_SLOTS] is being filled */
	uint64_t segment;              /* in which the filling batch will lie */

	struct batch *file_first, **file_last, *filling, *spare;

	struct chan *chan;
	uint64_t link;                 /* number of the link, for declarations of files */
	uint32_t credit;
	bool no_room;
	struct spool_place sent;       /* everything before it was sent */
	uint64_t sent_seq;             /* the last line sent */
	uint64_t skip_to;              /* lines up to this are known to the reader */
	struct batch *reading;         /* batch read back from the spool, waiting to be sent when entries != 0 */

	uint64_t lines, lost_ring, lost_full, unread;
};

static void
batch_reset(struct batch *b)
{
	b->next = NULL;
	b->entries = 0;
	b->lines = 0;
	b->enc = enc_of(b->bytes + RECORDS_HEAD, BATCH_MAX);
}

static struct batch *
batch_new(void)
{
	struct batch *b = malloc(sizeof(*b));

	if (b)
		batch_reset(b);
	return b;
}

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

/* One allocation for the three texts. */
static bool
copy_texts(struct entry_source *d)
{
	size_t n = d->name.n + d->program.n + d->host.n;
	char *p = malloc(n + 1);

	if (!p)
		return false;
	memcpy(p, d->name.p, d->name.n);
	if (d->program.n)
		memcpy(p + d->name.n, d->program.p, d->program.n);
	if (d->host.n)
		memcpy(p + d->name.n + d->program.n, d->host.p, d->host.n);
	p[n] = '\0';
	d->name = str_of(p, d->name.n);
	d->program = str_of(p + d->name.n, d->program.n);
	d->host = str_of(p + d->name.n + d->program.n, d->host.n);
	return true;
}

struct feed_source *
feed_source_new(struct feed *f, const struct entry_source *decl)
{
	if (f->nsources >= FEED_SOURCES_MAX)
		return NULL;
	void *p = reallocarray(f->sources, f->nsources + 1, sizeof(*f->sources));
	if (!p)
		return NULL;
	f->sources = p;
	struct feed_source *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->decl = *decl;
	if (!copy_texts(&s->decl)) {
		free(s);
		return NULL;
	}
	s->id = ++f->next_id | (decl->kind == ENTRY_KIND_FILE ? FILE_ID : 0);
	f->sources[f->nsources++] = s;
	return s;
}

size_t
feed_sources(const struct feed *f)
{
	return f->nsources;
}

struct feed_source *
feed_source_at(const struct feed *f, size_t i)
{
	return f->sources[i];
}

void
feed_redeclare(struct feed_source *s)
{
	s->declared = 0;
}

static void
pack(struct batch *b, const struct entry *e)
{
	entry_pack(&b->enc, e);
	b->entries++;
}

static void
declare(struct batch *b, struct feed_source *s, uint64_t epoch)
{
	uint8_t bytes[8192];
	struct enc e = enc_of(bytes, sizeof(bytes));

	if (s->declared == epoch)
		return;
	entry_pack_source(&e, &s->decl);
	struct entry d = { .source = s->id, .flags = ENTRY_SOURCE, .bytes = str_of((char *)bytes, e.n) };
	pack(b, &d);
	s->declared = epoch;
}

/* Room for a declaration, a line, and a position behind it. */
static bool
fits(const struct batch *b, const struct feed_source *s, size_t n)
{
	size_t decl = ENTRY_HEAD + 22 + s->decl.name.n + s->decl.program.n + s->decl.host.n;

	return b->enc.size - b->enc.n >= decl + ENTRY_HEAD + n + ENTRY_HEAD + FEED_PLACE_BYTES;
}

static struct str
records(struct batch *b)
{
	struct enc e = enc_of(b->bytes, RECORDS_HEAD);

	enc_u16(&e, MSG_records);
	enc_u32(&e, b->entries);
	enc_u32(&e, (uint32_t)b->enc.n);
	assert(enc_ok(&e) && e.n == RECORDS_HEAD && enc_ok(&b->enc));
	return str_of(b->bytes, RECORDS_HEAD + b->enc.n);
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
	int r = chan_try(f->chan, MSG_records, records(b));

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
 * Writes the filling batch to the spool and goes on to the next slot. A new segment begins only between lines, so
 * that each can be read alone.
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
	b->end = (struct spool_place){ .segment = b->at.segment, .offset = b->at.offset + b->enc.n };
	f->unread += b->enc.n;
	next_slot(f);
	if (between_lines && spool_full_segment(&f->spool))
		spool_cut(&f->spool);
	/* Also after a failure to write, which begins a new segment by itself. */
	f->segment = spool_end(&f->spool).segment;
}

static void
count(struct feed *f, struct feed_source *s, struct str line, bool cut)
{
	s->lines++;
	s->bytes += line.n;
	s->cut += cut;
	f->lines++;
}

static bool
spool_is_full(const struct feed *f)
{
	return f->spool.bytes >= FEED_SPOOL_MAX;
}

void
feed_line(struct feed *f, struct feed_source *s, int64_t received_us, struct str line, bool cut)
{
	count(f, s, line, cut);
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
		if (!fits(filling(f), s, part.n)) {
			seal(f, first);
			send_all(f);
		}
		struct batch *b = filling(f);
		declare(b, s, f->segment);
		line = str_from(line, part.n);
		more = line.n > 0;
		struct entry e = {
			.source = s->id, .seq = seq, .received_us = received_us, .bytes = part,
			.flags = (uint16_t)(ENTRY_SPOOLED | (more ? ENTRY_MORE : 0) | (cut ? ENTRY_CUT : 0)),
		};
		pack(b, &e);
		if (!more) {
			b->lines++;
			f->spool.next_seq++;
		}
	}
}

static void
queue_filling(struct feed *f)
{
	*f->file_last = f->filling;
	f->file_last = &f->filling->next;
	f->filling = f->spare ? f->spare : batch_new();
	f->spare = NULL;
	/* Without 64 KiB nothing goes on here; started again, nothing is lost. */
	assert(f->filling);
}

void
feed_flush(struct feed *f)
{
	seal(f, true);
	if (f->archive)
		(void)!archive_flush(f->archive, clock_wall_us());
	if (f->filling->entries)
		queue_filling(f);
	send_all(f);
}

bool
feed_slow(const struct feed *f)
{
	return f->spool.dir && (f->unread >= FEED_SLOW_BYTES || f->spool.bytes >= FEED_SPOOL_MAX / 2);
}

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

static void
pack_position(struct batch *b, const struct feed_source *s, const struct follow_pos *pos, bool gone)
{
	uint8_t place[FEED_PLACE_BYTES];

	feed_place_pack(pos, place);
	struct entry e = {
		.source = s->id, .seq = pos->line, .flags = ENTRY_POSITION,
		.bytes = str_of((char *)place, gone ? FEED_IDENT_BYTES : FEED_PLACE_BYTES),
	};
	pack(b, &e);
}

/* A full batch ends with the position behind its lines: with it what it holds is either all known or all unknown. */
static void
queue_with_position(struct feed *f, const struct feed_source *s, const struct follow_pos *pos)
{
	pack_position(f->filling, s, pos, false);
	queue_filling(f);
}

void
feed_file_line(struct feed *f, struct feed_source *s, int64_t received_us, uint64_t number, struct str line, bool more,
    const struct follow_pos *before)
{
	if (!more)
		count(f, s, line, false);
	do {
		struct str part = str_head(line, ENTRY_BYTES_MAX);
		if (!fits(f->filling, s, part.n))
			queue_with_position(f, s, before);
		declare(f->filling, s, f->link);
		line = str_from(line, part.n);
		struct entry e = {
			.source = s->id, .seq = number, .received_us = received_us, .bytes = part,
			.flags = more || line.n ? ENTRY_MORE : 0,
		};
		pack(f->filling, &e);
	} while (line.n);
}

static void
tell_position(struct feed *f, struct feed_source *s, const struct follow_pos *pos, bool gone)
{
	if (!fits(f->filling, s, 0))
		queue_filling(f);
	declare(f->filling, s, f->link);
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
		/* It knows all there is: what comes begins a segment of its own, with its declarations. */
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
		.lines = f->lines, .spooled_bytes = f->spool.bytes, .unread_bytes = f->unread, .lost_ring = f->lost_ring,
		.lost_full = f->lost_full, .next_seq = f->spool.next_seq, .credit = f->credit, .attached = f->chan != NULL,
		.spool_error = f->spool.error,
	};
}
