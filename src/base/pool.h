/*
 * pool: equal-sized cells with a cap, for sessions and keys. Cells are found again by index, so
 * state can be saved.
 */
#ifndef GUARITA_BASE_POOL_H
#define GUARITA_BASE_POOL_H

#include "base/str.h"

#define POOL_NONE UINT32_MAX

struct pool {
	uint8_t *cells;
	uint32_t *next_free;   /* per cell: the next free one, or POOL_USED */
	size_t cell_size;
	uint32_t count;        /* in use */
	uint32_t size;         /* allocated */
	uint32_t max;
	uint32_t free_head;
};

void pool_init(struct pool *p, size_t cell_size, uint32_t max);
void pool_free(struct pool *p);
uint32_t pool_take(struct pool *p);            /* index of a zeroed cell, or POOL_NONE when full */
uint32_t pool_take_raw(struct pool *p);        /* the same, for who fills all of it: it holds anything */
void pool_give(struct pool *p, uint32_t i);
bool pool_used(const struct pool *p, uint32_t i);

static inline void *
pool_at(const struct pool *p, uint32_t i)
{
	return p->cells + (size_t)i * p->cell_size;
}

#endif
