/* due: a binary heap with back pointers. */
#include "gate/l2tp/due.h"

#include <errno.h>
#include <stdlib.h>

static void
place(struct due_heap *h, uint32_t i, struct due_node *node)
{
	h->v[i] = node;
	node->at = i + 1;
}

static void
rise(struct due_heap *h, uint32_t i, struct due_node *node)
{
	while (i > 0 && h->v[(i - 1) / 2]->due_us > node->due_us) {
		place(h, i, h->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(h, i, node);
}

static void
sink(struct due_heap *h, uint32_t i, struct due_node *node)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child + 1 < h->n && h->v[child + 1]->due_us < h->v[child]->due_us)
			child++;
		if (child >= h->n || h->v[child]->due_us >= node->due_us)
			break;
		place(h, i, h->v[child]);
		i = child;
	}
	place(h, i, node);
}

static bool
grow(struct due_heap *h)
{
	uint32_t size = h->size ? h->size * 2 : 64;
	struct due_node **v = reallocarray(h->v, size, sizeof(struct due_node *));

	if (v == NULL)
		return false;
	h->v = v;
	h->size = size;
	return true;
}

int
due_set(struct due_heap *h, struct due_node *node, int64_t due_us)
{
	if (due_us == DUE_NEVER) {
		due_remove(h, node);
		return 0;
	}
	int64_t was = node->due_us;
	if (node->at == 0) {
		if (h->n == h->size && !grow(h))
			return -ENOMEM;
		node->due_us = due_us;
		rise(h, h->n++, node);
	} else if (due_us != was) {
		node->due_us = due_us;
		if (due_us < was)
			rise(h, node->at - 1, node);
		else
			sink(h, node->at - 1, node);
	}
	return 0;
}

void
due_remove(struct due_heap *h, struct due_node *node)
{
	if (node->at == 0)
		return;
	uint32_t i = node->at - 1;
	struct due_node *last = h->v[--h->n];
	node->at = 0;
	node->due_us = DUE_NEVER;
	if (last == node)
		return;
	if (i > 0 && h->v[(i - 1) / 2]->due_us > last->due_us)
		rise(h, i, last);
	else
		sink(h, i, last);
}

struct due_node *
due_first(const struct due_heap *h)
{
	return h->n ? h->v[0] : NULL;
}

void
due_free(struct due_heap *h)
{
	free(h->v);
	*h = (struct due_heap){ .v = NULL };
}
