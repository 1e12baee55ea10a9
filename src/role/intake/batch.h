/*
 * batch: lines on their way to a reader, packed into one message (records), with what the reader must know of their
 * sources. intaked fills batches from what it receives, vaultd from its log.
 */
#ifndef GUARITA_ROLE_INTAKE_BATCH_H
#define GUARITA_ROLE_INTAKE_BATCH_H

#include "msg/chan.h"
#include "msg/entry.h"
#include "role/intake/spool.h"

#define RECORDS_HEAD (MSG_HEAD + 8)    /* number, count, length of the entries */
/*
 * A packed struct follow_pos. Its first bytes, device and inode, alone mean that the file is gone.
 */
#define FEED_PLACE_BYTES 44
#define FEED_IDENT_BYTES 16

/* Where lines come from: a peer, a socket, a file. Owned by who made it. */
struct feed_source {
	uint32_t id;
	struct entry_source decl;      /* texts are ours */
	uint64_t declared;             /* segment, or link number for files, in which it was declared last */
	uint64_t lines, bytes, lost, cut;
	bool in_use;                   /* the caller's: by an open file */
};

struct batch {
	struct batch *next;            /* of a queue of file batches */
	uint64_t first_seq, last_seq;  /* of its lines; spooled only */
	uint64_t lines;
	uint32_t entries;
	struct spool_place at, end;    /* where it lies in the spool */
	struct enc enc;                /* over bytes behind the message's head */
	char bytes[RECORDS_HEAD + BATCH_MAX];
};

void batch_reset(struct batch *b);
struct batch *batch_new(void);                 /* NULL without memory */
void batch_pack(struct batch *b, const struct entry *e);
/* The declaration of a source, unless it was made in this epoch (segment, or link) already. */
void batch_declare(struct batch *b, struct feed_source *s, uint64_t epoch);
/* Room for a declaration, a line of n bytes, and a position behind it. */
bool batch_fits(const struct batch *b, const struct feed_source *s, size_t n);
/* The whole encoded message. */
struct str batch_records(struct batch *b);

#endif
