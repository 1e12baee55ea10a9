/* track: see track.h. */
#include "watch/correlate/track.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/when.h"

#define SLOTS_LEAST 1024u
#define SECOND_CHANCES 16

_Static_assert(sizeof(struct event) == 32, "events are small");
_Static_assert(sizeof(struct track) == 64, "a track is one line of the cache");

int
tracks_init(struct tracks *ts, uint32_t max)
{
	pool_init(&ts->pool, sizeof(struct track), max);
	ts->slots = calloc(SLOTS_LEAST, sizeof(*ts->slots));
	ts->mask = SLOTS_LEAST - 1;
	for (int q = 0; q < TRACK_CLASSES; q++)
		ts->first[q] = ts->last[q] = TRACK_NONE;
	return ts->slots ? 0 : -ENOMEM;
}

void
tracks_free(struct tracks *ts)
{
	for (uint32_t i = 0; i < ts->pool.size; i++) {
		if (pool_used(&ts->pool, i))
			track_clear(track_at(ts, i));
	}
	pool_free(&ts->pool);
	free(ts->slots);
	ts->slots = NULL;
}

uint8_t
track_class(int64_t keep_us)
{
	static const int64_t least[] = { 3 * WHEN_MINUTE, 20 * WHEN_MINUTE, 3 * WHEN_HOUR,
	    2 * WHEN_DAY, 60 * WHEN_DAY };
	uint8_t q = 0;

	while (q < ARRAY_LEN(least) && keep_us > least[q])
		q++;
	return q;
}

void
tracks_prefetch(const struct tracks *ts, uint64_t hash)
{
	__builtin_prefetch(&ts->slots[hash & ts->mask]);
}

void
tracks_prefetch_cell(const struct tracks *ts, uint64_t hash)
{
	const struct track_slot *slot = &ts->slots[hash & ts->mask];

	if (slot->track)
		__builtin_prefetch(track_at(ts, slot->track - 1));
}

uint32_t
tracks_find(const struct tracks *ts, uint64_t hash)
{
	uint32_t tag = (uint32_t)hash;

	for (uint32_t at = (uint32_t)hash & ts->mask; ts->slots[at].track; at = (at + 1) & ts->mask) {
		if (ts->slots[at].tag == tag && track_at(ts, ts->slots[at].track - 1)->hash == hash)
			return ts->slots[at].track - 1;
	}
	return TRACK_NONE;
}

static void
slot_put(struct track_slot *slots, uint32_t mask, uint32_t hash, uint32_t track)
{
	uint32_t at = hash & mask;

	while (slots[at].track)
		at = (at + 1) & mask;
	slots[at] = (struct track_slot){ .tag = hash, .track = track + 1 };
}

static bool
slots_grow(struct tracks *ts)
{
	uint32_t size = (ts->mask + 1) * 2;
	struct track_slot *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return false;
	for (uint32_t i = 0; i <= ts->mask; i++) {
		uint32_t track = ts->slots[i].track;

		if (track)
			slot_put(slots, size - 1, ts->slots[i].tag, track - 1);
	}
	free(ts->slots);
	ts->slots = slots;
	ts->mask = size - 1;
	return true;
}

/* Open addressing without tombstones: what follows moves up. */
static void
slot_drop(struct tracks *ts, uint32_t track)
{
	uint32_t hole = (uint32_t)track_at(ts, track)->hash & ts->mask, at;

	while (ts->slots[hole].track != track + 1)
		hole = (hole + 1) & ts->mask;
	for (at = (hole + 1) & ts->mask; ts->slots[at].track; at = (at + 1) & ts->mask) {
		uint32_t home = ts->slots[at].tag & ts->mask;

		if (((at - home) & ts->mask) >= ((at - hole) & ts->mask)) {
			ts->slots[hole] = ts->slots[at];
			hole = at;
		}
	}
	ts->slots[hole] = (struct track_slot){ 0 };
}

static void
queue_put(struct tracks *ts, uint32_t track)
{
	struct track *t = track_at(ts, track);

	t->next = TRACK_NONE;
	t->touched = false;
	if (ts->last[t->queue] == TRACK_NONE)
		ts->first[t->queue] = track;
	else
		track_at(ts, ts->last[t->queue])->next = track;
	ts->last[t->queue] = track;
	ts->count[t->queue]++;
}

static uint32_t
queue_pop(struct tracks *ts, uint8_t q)
{
	uint32_t track = ts->first[q];

	ts->first[q] = track_at(ts, track)->next;
	if (ts->first[q] == TRACK_NONE)
		ts->last[q] = TRACK_NONE;
	ts->count[q]--;
	return track;
}

static void
give(struct tracks *ts, uint32_t track)
{
	slot_drop(ts, track);
	track_clear(track_at(ts, track));
	pool_give(&ts->pool, track);
}

static bool
has_expired(const struct tracks *ts, struct track *t, int64_t watermark_us)
{
	int64_t keep = ts->keep_us(ts->ctx, t);

	if (t->dossier != POOL_NONE || keep == INT64_MAX || watermark_us == WHEN_NONE)
		return false;
	if (t->late_s && track_late_us(t) >= watermark_us - keep)
		return false;
	return t->n == 0 || track_events(t)[t->n - 1].time_us < watermark_us - keep;
}

/* Looks at the heads only: a queue is in order of age, give or take what was touched since. */
static void
expire_queue(struct tracks *ts, uint8_t q, int64_t watermark_us, uint32_t most)
{
	while (most-- > 0 && ts->first[q] != TRACK_NONE) {
		struct track *t = track_at(ts, ts->first[q]);

		if (has_expired(ts, t, watermark_us))
			give(ts, queue_pop(ts, q));
		else if (t->touched)
			queue_put(ts, queue_pop(ts, q));
		else
			return;
	}
}

void
tracks_expire(struct tracks *ts, int64_t watermark_us, uint32_t most)
{
	for (uint8_t q = 0; q < TRACK_CLASSES; q++)
		expire_queue(ts, q, watermark_us, most);
}

/* The oldest of the fullest queue; those of open incidents and those touched since get another turn. */
static void
evict(struct tracks *ts)
{
	uint8_t q = 0;
	int chances = SECOND_CHANCES;

	for (uint8_t i = 1; i < TRACK_CLASSES; i++) {
		if (ts->count[i] > ts->count[q])
			q = i;
	}
	for (uint32_t turns = ts->count[q]; turns > 0; turns--) {
		struct track *t = track_at(ts, ts->first[q]);

		if (t->dossier == POOL_NONE && (!t->touched || chances-- <= 0)) {
			give(ts, queue_pop(ts, q));
			ts->evicted++;
			return;
		}
		queue_put(ts, queue_pop(ts, q));
	}
}

static uint32_t
add(struct tracks *ts, uint64_t hash, uint16_t rule, uint8_t role, int64_t watermark_us)
{
	struct track *t;
	uint32_t i;

	if (ts->pool.count / 3 * 4 > ts->mask - 4 && !slots_grow(ts))
		return TRACK_NONE;
	if (ts->pool.count == ts->pool.max)
		evict(ts);
	i = pool_take_raw(&ts->pool);
	if (i == POOL_NONE)
		return TRACK_NONE;
	t = track_at(ts, i);
	*t = (struct track){ .hash = hash, .dossier = POOL_NONE, .rule = rule, .role = role };
	t->queue = track_class(ts->keep_us(ts->ctx, t));
	slot_put(ts->slots, ts->mask, (uint32_t)hash, i);
	expire_queue(ts, t->queue, watermark_us, 2);
	queue_put(ts, i);
	return i;
}

uint32_t
tracks_take(struct tracks *ts, uint64_t hash, uint16_t rule, uint8_t role, int64_t watermark_us)
{
	uint32_t i = tracks_find(ts, hash);

	if (i == TRACK_NONE)
		return add(ts, hash, rule, role, watermark_us);
	track_at(ts, i)->touched = true;
	return i;
}

static bool
before(const struct event *a, const struct event *b)
{
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us;
	return a->ref != b->ref ? a->ref < b->ref : a->distinct < b->distinct;
}

static int
make_room(struct track *t)
{
	/* By half: most of the memory of rules that count lies here, and doubling would leave a quarter of it unused. */
	uint32_t size = t->size ? t->size + t->size / 2u : 2;
	struct event *many;

	if (size > EVENTS_MAX * 2)
		return -ENOSPC;
	many = realloc(t->size ? t->at.many : NULL, size * sizeof(*many));
	if (!many)
		return -ENOMEM;
	if (!t->size)
		many[0] = t->at.one;
	t->at.many = many;
	t->size = (uint16_t)size;
	return 0;
}

int
track_insert(struct track *t, const struct event *e, uint32_t *ret_at)
{
	struct event *events = track_events(t);
	uint32_t at = t->n;

	while (at > 0 && before(e, &events[at - 1]))
		at--;
	if (at > 0 && !before(&events[at - 1], e))
		return -EEXIST;
	if (t->n >= (t->size ? t->size : 1)) {
		int rc = make_room(t);

		if (rc < 0)
			return rc;
		events = track_events(t);
	}
	if (at < t->n)
		memmove(&events[at + 1], &events[at], (t->n - at) * sizeof(*events));
	events[at] = *e;
	t->n++;
	*ret_at = at;
	return 0;
}

void
track_remove(struct track *t, uint32_t at, uint32_t n)
{
	struct event *events = track_events(t);

	assert(at + n <= t->n);
	memmove(&events[at], &events[at + n], (t->n - at - n) * sizeof(*events));
	t->n = (uint16_t)(t->n - n);
}

void
track_clear(struct track *t)
{
	if (t->size)
		free(t->at.many);
	t->n = t->size = 0;
}
