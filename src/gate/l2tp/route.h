/*
 * route: which call an inner address belongs to: the longest prefix wins. One hash table for all lengths in use; with
 * hosts and a few branch networks that is two looks for a packet. A table is of one family: of IPv6 the first 64 bits
 * count, for what is behind them belongs to one link (RFC 4291 section 2.5.1).
 */
#ifndef GUARITA_GATE_L2TP_ROUTE_H
#define GUARITA_GATE_L2TP_ROUTE_H

#include "base/str.h"

struct l2tp_route {
	uint64_t net;                  /* from the top: of IPv4 the upper half */
	void *to;                      /* NULL: the cell is free */
	uint8_t bits;                  /* 0 to 64 */
};

struct l2tp_routes {
	struct l2tp_route *cells;
	uint32_t mask, count;
	uint32_t lengths[65];          /* how many there are of each */
	uint64_t present;              /* bit per length, without 0: /1 is bit 0 */
};

static inline uint64_t
route_v4(uint32_t address)
{
	return (uint64_t)address << 32;
}

/* 0, -EEXIST when another holds it, -ENOMEM. Host bits are cut. */
int l2tp_route_add(struct l2tp_routes *r, uint64_t net, uint8_t bits, void *to) WARN_UNUSED;
/* Only when it leads to `to`. */
void l2tp_route_remove(struct l2tp_routes *r, uint64_t net, uint8_t bits, const void *to);
void *l2tp_route_find(const struct l2tp_routes *r, uint64_t address);
void l2tp_routes_free(struct l2tp_routes *r);

#endif
