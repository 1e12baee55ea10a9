/*
 * feed: the way of received lines from intaked to watchd. Received lines go to the spool and the
 * archive first, then on in batches, as far as the reader gave credit: from a ring in memory while
 * it keeps up, from the spool when it fell behind or was restarted. Lines of followed files are not
 * spooled: their file is their spool.
 *
 * Every line that is lost is counted at its source.
 */
#ifndef GUARITA_ROLE_INTAKE_FEED_H
#define GUARITA_ROLE_INTAKE_FEED_H

#include "msg/chan.h"
#include "msg/entry.h"
#include "role/intake/archive.h"
#include "role/intake/batch.h"
#include "role/intake/spool.h"
#include "sys/follow.h"

#define FEED_SPOOL_MAX (UINT64_C(1) << 30)     /* on the disk; then datagrams are lost and counted */
#define FEED_SLOW_BYTES (UINT64_C(64) << 20)   /* unread; then streams are not read */

struct feed;

struct feed_opts {
	const char *spool_dir;         /* NULL: none, lines only go to the archive */
	struct archive *archive;       /* may be NULL */
};

int feed_new(const struct feed_opts *o, struct feed **ret) WARN_UNUSED;
void feed_free(struct feed *f);

/* NULL without memory or past FEED_SOURCES_MAX. Texts are copied. */
#define FEED_SOURCES_MAX 20000
struct feed_source *feed_source_new(struct feed *f, const struct entry_source *decl);
size_t feed_sources(const struct feed *f);
struct feed_source *feed_source_at(const struct feed *f, size_t i);

/* A received line. Call feed_flush() when nothing more waits. */
void feed_line(
    struct feed *f, struct feed_source *s, int64_t received_us, struct str line, bool cut);
/* Writes and sends what waits. */
void feed_flush(struct feed *f);
/* So much is unread that streams should wait. */
bool feed_slow(const struct feed *f);

/*
 * A line of a followed file, whose number it is; `more`: it goes on. pos: where reading stands
 * before this line.
 */
void feed_file_line(struct feed *f, struct feed_source *s, int64_t received_us, uint64_t number,
    struct str line, bool more, const struct follow_pos *before);
/* Reading stands here now; lines before it were all handed in. */
void feed_file_position(struct feed *f, struct feed_source *s, const struct follow_pos *pos);
/* The file was read to its end and closed: its position need not be kept. */
void feed_file_gone(struct feed *f, struct feed_source *s, const struct follow_pos *pos);
/* May more of the files be read? False without a reader, or while batches wait for credit. */
bool feed_files_wanted(const struct feed *f);
/* The declaration changed (feed_source.decl): it is sent again before the next line. */
void feed_redeclare(struct feed_source *s);

/* A reader: it already has everything up to `seen` of the spool. */
void feed_attach(struct feed *f, struct chan *c, uint64_t seen, uint32_t credit);
void feed_detach(struct feed *f);
void feed_credit(struct feed *f, uint32_t batches);
void feed_room(struct feed *f);                /* the channel has room again */
void feed_saved(struct feed *f, uint64_t seq); /* the reader keeps everything up to here by itself */

struct feed_stats {
	uint64_t lines, spooled_bytes, unread_bytes, lost_ring, lost_full, next_seq;
	uint32_t credit;
	bool attached;
	int spool_error;
};
void feed_stats(const struct feed *f, struct feed_stats *ret);

void feed_place_pack(const struct follow_pos *pos, uint8_t dst[FEED_PLACE_BYTES]);
int feed_place_read(struct str bytes, struct follow_pos *ret) WARN_UNUSED;

#endif
