/*
 * zone: what stamps with an offset teach about their neighbours without one. Summer time is seen,
 * not computed: each place remembers over which stretch of time an offset was used. Never asks the
 * system for its zone.
 */
#include <stdlib.h>

#include "event/lens_private.h"

#define SPAN_REACH (200 * WHEN_DAY) /* a zone's summer and winter are shorter */

struct zone_book *
zone_book_new(int default_offset_min)
{
	struct zone_book *z = calloc(1, sizeof(*z));
	if (z)
		z->default_offset_min = (int16_t)default_offset_min;
	return z;
}

void
zone_book_free(struct zone_book *z)
{
	for (size_t i = 0; z && i < z->count; i++)
		free(z->places[i]);
	free(z);
}

static uint64_t
hash_of(struct str s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h ? h : 1;
}

struct zone_place *
zone_place_by_hash(struct zone_book *z, uint64_t hash)
{
	for (size_t i = 0; i < z->count; i++)
		if (z->places[i]->hash == hash)
			return z->places[i];
	struct zone_place *p = z->count < ZONE_PLACES_MAX ? calloc(1, sizeof(*p)) : NULL;
	if (!p)
		return NULL;
	p->hash = hash;
	z->places[z->count++] = p;
	return p;
}

struct zone_place *
zone_place_of(struct zone_book *z, struct str place)
{
	size_t slash = str_rfind(place, STR("/"));

	return zone_place_by_hash(z, hash_of(slash < place.n ? str_head(place, slash) : place));
}

static int64_t
distance(const struct zone_span *s, int64_t t)
{
	if (t < s->first_us)
		return s->first_us - t;
	return t > s->last_us ? t - s->last_us : 0;
}

static const struct zone_span *
nearest(const struct zone_place *p, int64_t t)
{
	const struct zone_span *best = NULL;
	for (size_t i = 0; i < p->count; i++)
		if (!best || distance(&p->spans[i], t) < distance(best, t))
			best = &p->spans[i];
	return best;
}

void
zone_learn(struct zone_place *p, int64_t t, int16_t offset_min)
{
	struct zone_span *near = p ? (struct zone_span *)(uintptr_t)nearest(p, t) : NULL;
	if (!p)
		return;
	if (near && near->offset_min == offset_min && distance(near, t) < SPAN_REACH) {
		p->lessons += t < near->first_us || t > near->last_us;
		if (t < near->first_us)
			near->first_us = t;
		if (t > near->last_us)
			near->last_us = t;
		return;
	}
	/* A stray offset inside a long span (one line of another host) does not split it. */
	if (near && distance(near, t) == 0)
		return;
	if (p->count == ZONE_SPANS)
		return;
	p->spans[p->count++] = (struct zone_span){
		.first_us = t, .last_us = t, .offset_min = offset_min
	};
	p->lessons++;
}

int16_t
zone_offset(
    const struct zone_book *z, const struct zone_place *p, int64_t local_us, bool *ret_known)
{
	const struct zone_span *s = p ? nearest(p, local_us) : NULL;
	*ret_known = s;
	return s ? s->offset_min : z->default_offset_min;
}
