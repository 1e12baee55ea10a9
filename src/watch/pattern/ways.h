/*
 * ways: the different beginnings that a pattern with forks may have, for the index. A pattern gives a bounded number
 * of ways: where it would give more, ways are cut short, which only makes the index propose it more often.
 */
#ifndef GUARITA_WATCH_PATTERN_WAYS_H
#define GUARITA_WATCH_PATTERN_WAYS_H

#include "watch/pattern/pattern.h"

#define WAYS_TREE_MAX 32               /* per pattern */
#define WAYS_SEARCH_MAX 256
#define WAY_LITERAL 64u                /* weight of one byte of a literal; holes weigh less together */

struct way {
	const struct pattern *pattern;
	uint32_t item;
	uint32_t weight;               /* literal bytes first, then how exact the holes are */
	const struct step **steps;     /* up to the first wildcard, the end, or where it was cut; none: a search */
	uint16_t n;
	bool whole;                    /* goes to the end of the pattern */
	const struct step *behind;     /* the step after the last; NULL at the end */
	const struct step *needle;     /* when n is 0: a literal that every match of this way holds, or NULL */
	const struct step *lead;       /* when n is 0: the literal behind the leading wildcard, or NULL: anything */
};

struct ways {
	struct way *v;
	uint32_t n, size;
};

int ways_add(struct ways *w, const struct pattern *p, uint32_t item) WARN_UNUSED;
/* Heaviest first, then in order of adding. */
void ways_sort(struct ways *w);
void ways_free(struct ways *w);
/* Several ways of one pattern in one place are one proposal: is that of ways[rank] among those of ranks[0..n)? */
bool ways_propose(const struct way *ways, const uint32_t *ranks, uint32_t n, uint32_t rank);

#endif
