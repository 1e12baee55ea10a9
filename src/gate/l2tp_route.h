/*
 * l2tp_route: which call an inner IPv4 address belongs to: the longest prefix wins. One hash table for all lengths in use;
 * with hosts and a few branch networks that is two looks for a packet.
 */
#ifndef GUARITA_GATE_L2TP_ROUTE_H
#define GUARITA_GATE_L2TP_ROUTE_H

#include "base/str.h"

struct l2tp_route {
	uint32_t net;
	uint8_t bits;                  /* 0 to 32 */
	void *to;                      /* NULL: the cell is free */
};

struct l2tp_routes {
	struct l2tp_route *cells;
	uint32_t mask, count;
	uint32_t lengths[33];          /* how many there are of each */
	uint64_t present;              /* bit per length */
};

/* 0, -EEXIST when another holds it, -ENOMEM. Host bits are cut. */
int l2tp_route_add(struct l2tp_routes *r, uint32_t net, uint8_t bits, void *to) WARN_UNUSED;
/* Only when it leads to `to`. */
void l2tp_route_remove(struct l2tp_routes *r, uint32_t net, uint8_t bits, const void *to);
void *l2tp_route_find(const struct l2tp_routes *r, uint32_t address);
void l2tp_routes_free(struct l2tp_routes *r);

#endif
