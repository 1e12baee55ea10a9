/* feed_private: what the files of feed share. */
#ifndef GUARITA_ROLE_INTAKE_FEED_PRIVATE_H
#define GUARITA_ROLE_INTAKE_FEED_PRIVATE_H

#include "role/intake/feed.h"

#define RING_SLOTS 64                  /* batches kept in memory: 4 MiB */
#define FILE_ID (1u << 31)             /* ids of files: never in the spool */

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

void feed_count(struct feed *f, struct feed_source *s, struct str line, bool cut);
/* The batch of file lines is full, or nothing more comes now: it waits to be sent. */
void feed_queue_filling(struct feed *f);

#endif
