/*
 * entry: what a `records` message and the spool hold: lines, where they came from, and how far a source was read. One
 * packing for both, so that a batch is built once and written, sent and read again as it is.
 *
 *   u32 source, u64 seq, i64 received_us, u16 flags, u32 length, bytes
 */
#ifndef GUARITA_MSG_ENTRY_H
#define GUARITA_MSG_ENTRY_H

#include "base/cur.h"

#define ENTRY_HEAD 26
/* What fits in one message beside the message's own fields; longer lines travel in parts. */
#define ENTRY_BYTES_MAX 60000
#define BATCH_MAX 65000            /* entries of one message */

enum {
	ENTRY_SOURCE = 1 << 0,     /* declares a source: bytes are a struct entry_source; seq is unused */
	ENTRY_POSITION = 1 << 1,   /* how far a file was read: bytes are opaque to all but intaked */
	ENTRY_MORE = 1 << 2,       /* the line goes on in the next entry of this source */
	ENTRY_SPOOLED = 1 << 3,    /* seq is the number in the spool, else the line in the file */
	ENTRY_CUT = 1 << 4,        /* the line was longer than allowed; the rest was dropped and counted */
};

#define ENTRY_FLAGS_KNOWN 31

struct entry {
	uint32_t source;
	uint64_t seq;
	int64_t received_us;
	uint16_t flags;
	struct str bytes;
};

enum entry_kind { ENTRY_KIND_FILE, ENTRY_KIND_NET, ENTRY_KIND_OWN };

struct entry_source {
	enum entry_kind kind;
	struct str name;           /* path, or "udp 192.0.2.1" */
	struct str program, host;  /* for lines that name none; may be empty */
	bool envelope;             /* received as syslog: a head is expected */
	bool zoned;                /* its zone was said by the operator: */
	int16_t zone_min;          /* minutes east of UTC of stamps that do not say theirs */
	int64_t anchor_us;         /* newest plausible time of what is read first, WHEN_NONE when unknown */
};

/* Packs with its error sticky in e. */
void entry_pack(struct enc *e, const struct entry *in);
void entry_pack_source(struct enc *e, const struct entry_source *in);
/* Takes the next one: 1, 0 at the end, -EBADMSG. Slices point into the input. */
int entry_next(struct cur *c, struct entry *ret) WARN_UNUSED;
int entry_source_read(struct str bytes, struct entry_source *ret) WARN_UNUSED;

#endif
