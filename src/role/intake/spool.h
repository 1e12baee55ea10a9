/*
 * spool: received lines on the disk, so that nothing is lost while the reader is slow, restarted or
 * killed. A row of segments of packed entries (msg/entry.h), each beginning with what is needed to
 * read it alone. A place in it is {segment, offset}; numbers only grow, over restarts too.
 *
 * When the disk refuses, segments live in the memory of their caller only (`in_memory`): receiving
 * goes on.
 */
#ifndef GUARITA_ROLE_INTAKE_SPOOL_H
#define GUARITA_ROLE_INTAKE_SPOOL_H

#include "base/str.h"

#define SPOOL_SEGMENT_BYTES (16u << 20)

struct spool_place {
	uint64_t segment;
	uint64_t offset;
};

struct spool_segment {
	uint64_t number;
	uint64_t first_seq;        /* of the first line in it, or of the next one to come */
	uint64_t bytes;
	bool in_memory;
};

struct spool {
	char *dir;                 /* NULL: memory only */
	struct spool_segment *segments;
	size_t nsegments;          /* at least one; the last is written */
	uint64_t bytes;            /* on the disk, all segments */
	uint64_t next_seq;
	int fd;                    /* of the last segment */
	int read_fd;
	uint64_t read_segment;
	int error;                 /* errno of the last failure to write, 0 when all is well */
};

/* Opens, repairs a torn tail, begins a new segment. dir NULL: memory only. */
int spool_open(struct spool *s, const char *dir) WARN_UNUSED;
void spool_close(struct spool *s);
/*
 * Every entry of a spool that nobody has open, oldest first. What is torn is left out; nothing is
 * changed.
 */
struct entry;
int spool_scan(
    const char *dir, void (*each)(void *ctx, const struct entry *e), void *ctx) WARN_UNUSED;
/* Bytes are whole entries holding `lines` lines numbered from next_seq. Returns where they lie. */
struct spool_place spool_append(struct spool *s, struct str bytes, uint64_t lines);
/* Begins a new segment, so that everything in it is declared again. */
void spool_cut(struct spool *s);
/* True when the next append will begin a new segment; call spool_cut() first. */
bool spool_full_segment(const struct spool *s);
/* Numbers go on behind seq: another store already knows those up to it. */
void spool_skip_to(struct spool *s, uint64_t seq);
/* Everything up to seq is safe elsewhere: segments wholly below are deleted. */
void spool_forget(struct spool *s, uint64_t seq);
/* Start of the segment that holds seq, or of the oldest one behind it. */
struct spool_place spool_find(const struct spool *s, uint64_t seq);
/*
 * Reads whole entries at *place, at most size bytes and not past `until`; moves *place behind them,
 * over the end of a segment too. The count of bytes, 0 at the end of what is written, -ENODATA:
 * that part was in memory only and *place now stands at the next segment, or -EBADMSG.
 */
int64_t spool_read(
    struct spool *s, struct spool_place *place, struct spool_place until, void *dst, size_t size);
struct spool_place spool_end(const struct spool *s);

static inline bool
spool_place_eq(struct spool_place a, struct spool_place b)
{
	return a.segment == b.segment && a.offset == b.offset;
}

static inline bool
spool_place_before(struct spool_place a, struct spool_place b)
{
	return a.segment < b.segment || (a.segment == b.segment && a.offset < b.offset);
}

#endif
