/*
 * framing: messages out of a stream of bytes, over any splitting into chunks: RFC 6587 octet
 * counting (3.4.1) and trailers (3.4.2: LF, or NUL), and entries of the journal's export format.
 * Memory is bounded by `max`; what is longer is cut there, its rest skipped and counted. A stream
 * that loses its counts is found again at a line feed, and the loss is counted: it is never out of
 * step in silence.
 */
#ifndef GUARITA_WIRE_FRAMING_H
#define GUARITA_WIRE_FRAMING_H

#include "base/buf.h"

enum framing_mode {
	/*
	 * Octet counting when the stream begins like "123 <"; NUL when its first message ends in a
	 * NUL before '<' or '{'; else LF. Decided once: later bytes cannot change it.
	 */
	FRAMING_AUTO,
	FRAMING_OCTET,
	FRAMING_LF,
	FRAMING_NUL,
	FRAMING_JOURNAL,
};

#define FRAMING_DIGITS_MAX 9

struct framing {
	enum framing_mode mode;
	size_t max;
	uint64_t frames;
	uint64_t cut;     /* frames that were too long */
	uint64_t skipped; /* bytes of them that were dropped */
	uint64_t broken;  /* times the count was no count */
	/* private */
	uint8_t state;
	uint8_t nhead;
	char head[FRAMING_DIGITS_MAX + 3];
	uint64_t left;
	size_t scan;
	struct buf buf;
};

/* The frame is valid during the call only. `cut`: its end is missing. */
typedef void framing_each(void *ctx, struct str frame, bool cut);

void framing_init(struct framing *f, enum framing_mode mode, size_t max);
void framing_free(struct framing *f);
/* 0, or -ENOMEM: the frame at hand was lost (counted in broken), the stream goes on. */
int framing_feed(struct framing *f, struct str chunk, framing_each *each, void *ctx) WARN_UNUSED;
/*
 * The stream ended: what was not ended by its sender comes now, marked as cut where its count says
 * more.
 */
void framing_finish(struct framing *f, framing_each *each, void *ctx);

#endif
