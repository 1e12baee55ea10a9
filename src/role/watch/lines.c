/*
 * lines: from packed entries to records handed to the engine. Must never hand in a line
 * twice, nor let one source's text pass under another's name.
 */
#include <errno.h>
#include <stdlib.h>

#include "event/repeat.h"
#include "role/watch/watchd.h"
#include "sys/follow.h"
#include "sys/clock.h"

#define FILE_BIT (1u << 31)
#define WIRES_MAX 20001
#define SNIFF_LINES 32
#define JUMP_US WHEN_HOUR                      /* backwards, or ahead of the arrival: the clock was moved */
#define LIVE_US WHEN_DAY                       /* lines not older than this are of a living log */
#define JUMP_PAUSE_US WHEN_MINUTE
/* A source that delivers old lines holds time back for the others, but not for ever. */
#define HOLD_ACTIVE_US (2 * WHEN_SECOND)
#define HOLD_MAX_US (10 * WHEN_MINUTE)

static struct wire_source *
wire(struct watching *w, uint32_t id)
{
	int files = (id & FILE_BIT) != 0;
	uint32_t i = id & ~FILE_BIT;

	if (i >= WIRES_MAX)
		return NULL;
	if (i >= w->nwires[files]) {
		uint32_t n = i + 64;
		void *p = reallocarray(w->wires[files], n, sizeof(**w->wires));
		if (!p)
			return NULL;
		w->wires[files] = p;
		for (uint32_t k = w->nwires[files]; k < n; k++)
			w->wires[files][k] = (struct wire_source){ .part = BUF_INIT(
								       RECORD_RAW_MAX) };
		w->nwires[files] = n;
	}
	return &w->wires[files][i];
}

void
watching_forget_wires(struct watching *w)
{
	for (int k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < w->nwires[k]; i++)
			buf_free(&w->wires[k][i].part);
		free(w->wires[k]);
		w->wires[k] = NULL;
		w->nwires[k] = 0;
	}
}

static void own_record(struct watching *w, const struct stream *about, uint64_t seq,
    int64_t received_us, int64_t from, int64_t to);

static bool
is_live(int64_t time_us, int64_t received_us)
{
	return time_us != WHEN_NONE && received_us - time_us < LIVE_US;
}

/* Only in living logs: an old log that is read in may hold anything. */
static void
notice_jump(struct watching *w, struct stream *st, const struct record *r, uint64_t seq)
{
	int64_t last = st->last_time_us;

	if (st->decl.kind != ENTRY_KIND_FILE || r->time_us == WHEN_NONE || last == WHEN_NONE ||
	    !is_live(last, r->received_us) || !is_live(r->time_us, r->received_us))
		return;
	bool back = r->time_us < last - JUMP_US;
	bool ahead = r->time_us > r->received_us + JUMP_US && last < r->received_us + JUMP_US;
	if ((back || ahead) && r->received_us - st->jump_told_us >= JUMP_PAUSE_US) {
		st->jump_told_us = r->received_us;
		own_record(w, st, seq, r->received_us, last, r->time_us);
	}
}

/* A source may say which program writes there, for lines that name none. */
static void
name_program(const struct stream *st, struct record *r)
{
	if (r->program.len || !st->decl.program.n)
		return;
	size_t at = r->extra->n;
	buf_add(r->extra, st->decl.program);
	if (buf_ok(r->extra))
		r->program = (struct slot){ .off = (uint32_t)(r->raw.n + at),
			.len = (uint32_t)st->decl.program.n };
}

static void
note_time(struct watching *w, struct stream *st, const struct record *r)
{
	int64_t mono = clock_mono_us();

	if (mono - st->active_mono_us > HOLD_ACTIVE_US)
		st->active_since_us = mono;
	st->active_mono_us = mono;
	st->last_received_us = r->received_us;
	if (r->time_us == WHEN_NONE)
		return;
	st->last_time_us = r->time_us;
	if (w->event_us == WHEN_NONE || r->time_us > w->event_us)
		w->event_us = r->time_us;
	w->event_mono_us = mono;
}

static void
handle(struct watching *w, uint32_t stream, uint64_t seq, int64_t received_us, struct str line)
{
	struct stream *st = w->streams.v[stream];
	struct record r;

	if (!st->lens && streams_lens(&w->streams, st, w->rules) < 0)
		return;
	record_begin(&r, line, &w->extra, received_us);
	r.source = stream;
	r.line = seq;
	r.ref = ref_of(stream, seq);
	lens_read(st->lens, &r);
	name_program(st, &r);
	(void)repeat_read(&r);
	decode_routed(w->rules, w->work, st->routed ? &st->route : NULL, &r);
	record_set_site(&r, st->decl.name, w->own_site);
	lens_time(st->lens, &r);
	quotes_add(w->quotes, r.ref, line);
	notice_jump(w, st, &r, seq);
	note_time(w, st, &r);
	st->lines++;
	st->undecoded += r.kind == KIND_unknown;
	w->lines++;
	w->undecoded += r.kind == KIND_unknown;
	w->decoded += r.kind != KIND_unknown;
	correlate(w->engine, &r);
}

/* What we noticed ourselves takes the way of every other line. */
static void
own_record(struct watching *w, const struct stream *about, uint64_t seq, int64_t received_us,
    int64_t from, int64_t to)
{
	struct buf line = BUF_INIT(32768);
	char host[256], at[40], a[40], b[40];

	buf_addf(&line,
	    "<45>1 %.*s %s guarita - - - log.time_jump file=", (int)when_show(received_us, 0, at),
	    at, host_name(host));
	buf_add_json(&line, about->decl.name);
	buf_addf(&line, " from=%.*s to=%.*s", (int)when_show(from, 0, a), a,
	    (int)when_show(to, 0, b), b);
	/* The record that is being handled owns `extra`; this one comes in between with its own. */
	struct buf extra = w->extra;
	w->extra = BUF_INIT(RECORD_EXTRA_MAX);
	if (buf_ok(&line))
		handle(w, w->own, seq, received_us, buf_str(&line));
	buf_free(&w->extra);
	w->extra = extra;
	buf_free(&line);
}

/* The first lines teach the lens its dialect before the first is read. */
static void
sniff(struct watching *w, struct stream *st, uint32_t id, struct cur ahead, struct str first)
{
	struct entry e;

	if (streams_lens(&w->streams, st, w->rules) < 0)
		return;
	lens_sniff(st->lens, first);
	for (int n = 1; n < SNIFF_LINES && entry_next(&ahead, &e) == 1;)
		if (e.source == id && !(e.flags & (ENTRY_SOURCE | ENTRY_POSITION | ENTRY_MORE))) {
			lens_sniff(st->lens, e.bytes);
			n++;
		}
}

static int
take_line(struct watching *w, const struct entry *e, struct wire_source *s, const struct cur *ahead)
{
	struct stream *st = w->streams.v[s->stream];
	struct str line = e->bytes;
	size_t max = w->role->config->limits.max_line;

	if (e->flags & ENTRY_MORE || s->part.n) {
		/* Past the limit the line is cut, and known to be. */
		size_t room = s->part.n < max ? max - s->part.n : 0;
		s->cut |= line.n > room;
		buf_add(&s->part, str_head(line, room));
		if (e->flags & ENTRY_MORE)
			return 0;
		line = buf_str(&s->part);
	}
	bool cut = s->cut || (e->flags & ENTRY_CUT);
	st->cut += cut;
	w->cut += cut;
	if (e->seq & FOLLOW_LINE_UNKNOWN)
		st->lines_unknown = true;
	if (!st->lens && !st->remembers)
		sniff(w, st, e->source, *ahead, line);
	handle(w, s->stream, e->seq, e->received_us, line);
	if (e->flags & ENTRY_SPOOLED)
		w->spooled = e->seq;
	buf_reset(&s->part);
	s->cut = false;
	return 0;
}

static int
take_entry(struct watching *w, const struct entry *e, const struct cur *ahead)
{
	struct wire_source *s = wire(w, e->source);
	struct entry_source decl;

	if (!s)
		return -EBADMSG;
	if (e->flags & ENTRY_SOURCE) {
		if (entry_source_read(e->bytes, &decl) < 0)
			return -EBADMSG;
		s->declared = streams_declare(&w->streams, &decl, &s->stream) == 0;
		buf_reset(&s->part);
		/* A source too many is counted, not believed to be another. */
		return 0;
	}
	if (!s->declared)
		return -EBADMSG;
	if (e->flags & ENTRY_POSITION) {
		int r = streams_place(&w->streams, s->stream, e->bytes);
		return r == -EBADMSG ? r : 0;
	}
	/* Sent again after a restart of the sender: known is known. */
	if (e->flags & ENTRY_SPOOLED && e->seq <= w->spooled)
		return 0;
	return take_line(w, e, s, ahead);
}

int
watching_records(struct watching *w, const struct msg_records *m)
{
	struct cur c = cur_of(m->entries);
	struct entry e;
	uint32_t n = 0;
	int r;

	while ((r = entry_next(&c, &e)) == 1) {
		r = take_entry(w, &e, &c);
		if (r < 0)
			return r;
		n++;
	}
	w->dirty++;
	return r < 0 || n != m->count ? -EBADMSG : 0;
}

/*
 * Time has come as far as the newest line, and goes on while nothing comes. A source that still
 * delivers old lines holds it back: its lines must not be late because another is quicker.
 */
void
watching_advance(struct watching *w, int64_t mono_us)
{
	int64_t now = w->event_us;

	if (now == WHEN_NONE)
		return;
	now += mono_us - w->event_mono_us;
	for (uint32_t i = 0; i < w->streams.n; i++) {
		const struct stream *st = w->streams.v[i];
		if (st->last_time_us != WHEN_NONE && st->active_mono_us &&
		    mono_us - st->active_mono_us < HOLD_ACTIVE_US &&
		    st->active_mono_us - st->active_since_us < HOLD_MAX_US &&
		    st->last_time_us < now)
			now = st->last_time_us;
	}
	if (w->advanced_us != WHEN_NONE && now <= w->advanced_us)
		return;
	w->advanced_us = now;
	/*
	 * No reason to save: what is told because of it is known from the journal, and time goes on
	 * by itself.
	 */
	correlate_advance(w->engine, now);
}
