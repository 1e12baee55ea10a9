/*
 * track: what one rule remembers of one key: its events of the last window in event time, sorted, so that a late
 * record finds its place. One table for all rules: open addressing over small cells, a fixed number at most. A key
 * with one event costs one cell (64 bytes), its slot in the table (8, a quarter of them empty) and nothing else.
 */
#ifndef GUARITA_WATCH_CORRELATE_TRACK_H
#define GUARITA_WATCH_CORRELATE_TRACK_H

#include "base/pool.h"
#include "base/str.h"
#include "base/when.h"

#define TRACK_NONE POOL_NONE
#define TRACK_CLASSES 6          /* queues by how long a track is kept */
#define EVENTS_MAX 4096u         /* of one track; what a rule needs is less, see shape.c */

enum {
	EVENT_INCLUDED = 1 << 0,       /* belongs to an incident */
	EVENT_HOSTILE = 1 << 1,        /* the record was hostile already */
	EVENT_PENDING = 1 << 2,        /* end of a sequence that waits for `then not` */
	EVENT_GUESS = 1 << 3,          /* only a generic decoder could read the record */
};

struct event {
	int64_t time_us;
	uint64_t ref;
	uint32_t weight;               /* events it stands for; included, in a context: track of the incident */
	uint32_t distinct;             /* hash of the distinct field; part of a risk */
	uint32_t recall;
	uint8_t step;
	uint8_t flags;
	uint16_t spare;
};

enum track_role { TRACK_RULE, TRACK_CONTEXT, TRACK_SAME };

struct track {
	uint64_t hash;                 /* of rule, role and key */
	uint32_t next;                 /* in its queue */
	uint32_t dossier;              /* first of the incidents of this key that are not closed */
	uint16_t rule;
	uint8_t role : 2;
	uint8_t queue : 3;
	uint8_t touched : 1;           /* since it was queued */
	uint16_t n, size;              /* events; size 0: the one in place */
	uint32_t late_s;               /* how far time was when an event came late, see track_late(); 0: none did */
	uint32_t lacks;                /* so much more must come in order before the last window can fulfil the rule */
	union {
		struct event one;
		struct event *many;
	} at;
};

struct track_slot {
	uint32_t tag;                  /* low half of the hash: says where it belongs, too */
	uint32_t track;                /* index + 1; 0: free */
};

struct tracks {
	struct pool pool;
	struct track_slot *slots;
	uint32_t mask;
	uint32_t first[TRACK_CLASSES], last[TRACK_CLASSES], count[TRACK_CLASSES];
	uint64_t evicted;
	int64_t (*keep_us)(const void *ctx, const struct track *t);   /* after its last event; INT64_MAX: always */
	const void *ctx;
};

int tracks_init(struct tracks *ts, uint32_t max) WARN_UNUSED;
void tracks_free(struct tracks *ts);
uint32_t tracks_find(const struct tracks *ts, uint64_t hash);
/* Finds or makes it; when all cells are taken the oldest of the fullest queue goes. TRACK_NONE: no memory. */
uint32_t tracks_take(struct tracks *ts, uint64_t hash, uint16_t rule, uint8_t role, int64_t watermark_us);
/* Asks for the slot of a hash; then for the track that it names. */
void tracks_prefetch(const struct tracks *ts, uint64_t hash);
void tracks_prefetch_cell(const struct tracks *ts, uint64_t hash);
/* Frees tracks whose time has passed, at most `most` of each queue. */
void tracks_expire(struct tracks *ts, int64_t watermark_us, uint32_t most);
uint8_t track_class(int64_t keep_us);

static inline struct track *
track_at(const struct tracks *ts, uint32_t i)
{
	return pool_at(&ts->pool, i);
}

static inline struct event *
track_events(struct track *t)
{
	return t->size ? t->at.many : &t->at.one;
}

/*
 * An event came that nothing waits for any more: the clock of its source is wrong, or old lines are sent. It is
 * counted by its own time like any other, but what it meets must be there still: from then on the age of the track
 * counts from how far time was when it came.
 */
static inline void
track_late(struct track *t, int64_t watermark_us)
{
	int64_t s = watermark_us / WHEN_SECOND + 1;

	t->late_s = s < 1 ? 1 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

/* The time by which the track is as young as if an event of then were in it; WHEN_NONE when none came late. */
static inline int64_t
track_late_us(const struct track *t)
{
	return t->late_s ? (int64_t)t->late_s * WHEN_SECOND : WHEN_NONE;
}

/* Puts it where it belongs by time, ref and value. -EEXIST when it is there already, -ENOSPC, -ENOMEM. */
int track_insert(struct track *t, const struct event *e, uint32_t *ret_at) WARN_UNUSED;
void track_remove(struct track *t, uint32_t at, uint32_t n);
void track_clear(struct track *t);

#endif
