/*
 * places: where the ways of a group can stand together behind some bytes of a text, and where the next byte takes
 * them. Sets are in order, each place once, so that equal sets are equal bytes. Knows nothing of states.
 */
#ifndef GUARITA_WATCH_PATTERN_PLACES_H
#define GUARITA_WATCH_PATTERN_PLACES_H

#include <stdlib.h>

#include "watch/pattern/index.h"

typedef uint64_t place;

struct places_set {
	place *v;
	uint32_t n, size;
	uint32_t *arrived;             /* ranks that are to be proposed: their ways are done, or cannot fail any more */
	uint32_t narrived, arrived_size;
	bool failed;                   /* no memory: the set is not whole */
};

/* Before the first byte. The set is emptied first, as in all that follows. */
void places_begin(const struct index *x, struct places_set *s);
/* The set behind byte c, from n places. Returns whether nothing more can be learnt from the text. */
bool places_advance(const struct index *x, const place *from, uint32_t n, char c, struct places_set *s);
/* Of the whole pattern that way `rank` belongs to, and no other; then over a byte, without concluding anything. */
void places_of_one(const struct index *x, uint32_t rank, struct places_set *s);
void places_step(const struct index *x, const place *from, uint32_t n, char c, struct places_set *s);
/* Only `arrived`: the ways that may end where the text does. */
void places_at_end(const struct index *x, const place *v, uint32_t n, struct places_set *s);
/* Are all of up to `most` patterns, each with one rank left? Then they can be proposed as they are: ret_ranks. */
bool places_few(const struct index *x, const struct places_set *s, uint32_t most, uint32_t *ret_ranks, uint32_t *ret_n);
void places_free(struct places_set *s);

/* Makes room for one more of `each` bytes in *v; false without memory. */
static inline bool
places_room(void *v, uint32_t n, uint32_t *size, size_t each)
{
	void **at = v;
	uint32_t more = *size ? *size * 2 : 64;
	void *p;

	if (n < *size)
		return true;
	p = reallocarray(*at, more, each);
	if (!p)
		return false;
	*at = p;
	*size = more;
	return true;
}

#endif
