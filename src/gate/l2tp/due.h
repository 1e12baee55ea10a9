/*
 * due: what is due next, of many: a heap of nodes that live inside their owners. Changing a time, taking out and
 * asking for the first cost a logarithm at most; 60,000 sessions have a node each.
 */
#ifndef GUARITA_GATE_L2TP_DUE_H
#define GUARITA_GATE_L2TP_DUE_H

#include "base/str.h"

#define DUE_NEVER INT64_MAX

struct due_node {
	int64_t due_us;
	uint32_t at;                   /* index + 1 in the heap; 0: not in it */
	uint8_t kind;                  /* the owner's */
};

struct due_heap {
	struct due_node **v;
	uint32_t n, size;
};

/* 0, or -ENOMEM (only when the node was not in the heap). DUE_NEVER takes it out. */
int due_set(struct due_heap *h, struct due_node *node, int64_t due_us) WARN_UNUSED;
void due_remove(struct due_heap *h, struct due_node *node);
struct due_node *due_first(const struct due_heap *h);  /* NULL: nothing is due */
void due_free(struct due_heap *h);

#endif
