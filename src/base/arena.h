/*
 * arena: memory by lifetime. Everything allocated from one dies with it; there is no free of a
 * single piece. Allocation fails (NULL) past the maximum; arena_reset() keeps the first block for
 * the next round.
 */
#ifndef GUARITA_BASE_ARENA_H
#define GUARITA_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used;       /* bytes handed out */
	size_t max;        /* 0: 1 GiB */
};

void *arena_alloc(struct arena *a, size_t n);                  /* zeroed, aligned to 16; NULL when full */
void *arena_array(struct arena *a, size_t count, size_t size); /* overflow-checked */
char *arena_strdup(struct arena *a, struct str s);             /* NUL-terminated copy */
struct str arena_str(struct arena *a, struct str s);           /* copy; {NULL,0} when full */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), (count), sizeof(type)))

#endif
