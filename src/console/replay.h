/*
 * replay: many inputs as one stream of decoded records in event time. Each input is read once, line by line, with a
 * bounded buffer; small inputs that are out of order in themselves are put in order first.
 */
#ifndef GUARITA_CONSOLE_REPLAY_H
#define GUARITA_CONSOLE_REPLAY_H

#include "console/engine.h"
#include "event/lens.h"

struct lane;                       /* one input; its index is record.source */

struct replay {
	struct engine *engine;
	struct zone_book *zones;
	struct lane *lanes;
	uint32_t nlanes;
	uint32_t *heap;            /* lanes by time of their next record; heap[0] is the earliest */
	uint32_t nheap;
	bool started;
	bool in_file_order;        /* inputs one after the other, lines as they stand: for decode */
	int64_t now_us;            /* received time given to every record; also the anchor of input without mtime */
	struct buf problems;       /* "path: reason" lines of what could not be read */
	size_t nproblems;
	uint64_t bytes_total;
};

/* What was found in one input. */
struct lane_count {
	const char *path;
	uint64_t lines, decoded, undecoded, cut;
	int error;
};

int replay_open(struct replay *r, struct engine *e, const struct path_list *paths, bool in_file_order,
    int64_t now_us) WARN_UNUSED;
void replay_close(struct replay *r);
/* The next record, good until the next call; NULL at the end. record.ref names the line for replay_place(). */
struct record *replay_next(struct replay *r);
uint64_t replay_taken(const struct replay *r);
void replay_count(const struct replay *r, uint32_t lane, struct lane_count *ret);
/* File and line of a record. */
struct str replay_place(const struct replay *r, uint64_t ref, uint64_t *ret_line);
/*
 * Reads the texts of some lines again: refs must be sorted. Calls back in that order; lines that cannot be read again
 * are left out. Use only after replay_next() has returned NULL.
 */
void replay_quote(struct replay *r, const uint64_t *refs, size_t n,
    void (*on_line)(void *ctx, uint64_t ref, struct str line), void *ctx);

#endif
