/*
 * pool: equal cells by index. Growing moves the cells: a pointer from pool_at() is good until the
 * next pool_take().
 */
#include "base/pool.h"

#include <assert.h>
#include <stdlib.h>

#define POOL_USED (UINT32_MAX - 1)
#define POOL_FIRST 64

void
pool_init(struct pool *p, size_t cell_size, uint32_t max)
{
	assert(cell_size > 0 && max < POOL_USED);
	*p = (struct pool){ .cell_size = cell_size, .max = max, .free_head = POOL_NONE };
}

void
pool_free(struct pool *p)
{
	free(p->cells);
	free(p->next_free);
	pool_init(p, p->cell_size ? p->cell_size : 1, p->max);
}

static bool
pool_grow(struct pool *p)
{
	uint32_t size = p->size ? p->size : POOL_FIRST / 2;
	uint8_t *cells;
	uint32_t *next_free;

	size = size > p->max / 2 ? p->max : size * 2;
	if (size <= p->size)
		return false;
	cells = reallocarray(p->cells, size, p->cell_size);
	if (!cells)
		return false;
	p->cells = cells;
	next_free = reallocarray(p->next_free, size, sizeof(*next_free));
	if (!next_free)
		return false;
	p->next_free = next_free;
	for (uint32_t i = size; i-- > p->size;) {
		next_free[i] = p->free_head;
		p->free_head = i;
	}
	p->size = size;
	return true;
}

uint32_t
pool_take_raw(struct pool *p)
{
	uint32_t i;

	if (p->free_head == POOL_NONE && !pool_grow(p))
		return POOL_NONE;
	i = p->free_head;
	p->free_head = p->next_free[i];
	p->next_free[i] = POOL_USED;
	p->count++;
	return i;
}

uint32_t
pool_take(struct pool *p)
{
	uint32_t i = pool_take_raw(p);

	if (i != POOL_NONE)
		memset(pool_at(p, i), 0, p->cell_size);
	return i;
}

void
pool_give(struct pool *p, uint32_t i)
{
	assert(pool_used(p, i));
	p->next_free[i] = p->free_head;
	p->free_head = i;
	p->count--;
}

bool
pool_used(const struct pool *p, uint32_t i)
{
	return i < p->size && p->next_free[i] == POOL_USED;
}
