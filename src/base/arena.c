/*
 * arena: blocks in a chain, given back all at once. Never hands out more than its maximum, never
 * unzeroed memory.
 */
#include "base/arena.h"

#include <stdlib.h>

#define ARENA_BLOCK ((size_t)64 << 10)
#define ARENA_MAX ((size_t)1 << 30)
#define ARENA_ALIGN 16

struct arena_block {
	struct arena_block *next;
	size_t n, size;
	_Alignas(ARENA_ALIGN) uint8_t bytes[];
};

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *b = malloc(sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = NULL;
	b->n = 0;
	b->size = size;
	return b;
}

/*
 * A block with n free bytes. A large piece gets a block of its own behind the head, so that the
 * head goes on being filled.
 */
static struct arena_block *
arena_room(struct arena *a, size_t n)
{
	struct arena_block *b;

	if (a->head && a->head->size - a->head->n >= n)
		return a->head;
	b = block_new(n > ARENA_BLOCK / 4 ? n : ARENA_BLOCK);
	if (!b)
		return NULL;
	if (a->head && b->size != ARENA_BLOCK) {
		b->next = a->head->next;
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	size_t max = a->max ? a->max : ARENA_MAX;
	struct arena_block *b;
	void *p;

	if (n > max)
		return NULL;
	n = n ? (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1) : ARENA_ALIGN;
	if (a->used > max || n > max - a->used)
		return NULL;
	b = arena_room(a, n);
	if (!b)
		return NULL;
	p = b->bytes + b->n;
	b->n += n;
	a->used += n;
	return memset(p, 0, n);
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	return arena_alloc(a, n);
}

char *
arena_strdup(struct arena *a, struct str s)
{
	char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (p && s.n)
		memcpy(p, s.p, s.n);
	return p;
}

struct str
arena_str(struct arena *a, struct str s)
{
	char *p = arena_strdup(a, s);

	return p ? str_of(p, s.n) : STR_NULL;
}

void
arena_reset(struct arena *a)
{
	struct arena_block *b = a->head;

	a->used = 0;
	if (!b)
		return;
	while (b->next) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
	b->n = 0;
	a->head = b;
}

void
arena_free(struct arena *a)
{
	arena_reset(a);
	free(a->head);
	a->head = NULL;
}
