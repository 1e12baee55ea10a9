/* route: open addressing, linear steps, holes closed at once. */
#include "gate/l2tp/route.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

static uint64_t
cut(uint64_t net, uint8_t bits)
{
	return bits == 0 ? 0 : net & UINT64_MAX << (64 - bits);
}

static uint32_t
home(const struct l2tp_routes *r, uint64_t net, uint8_t bits)
{
	uint64_t h = ((net >> 32) + (uint32_t)net * UINT64_C(0xff51afd7) + ((uint64_t)bits << 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(h >> 32) & r->mask;
}

static struct l2tp_route *
cell_of(const struct l2tp_routes *r, uint64_t net, uint8_t bits)
{
	for (uint32_t i = home(r, net, bits);; i = (i + 1) & r->mask) {
		struct l2tp_route *c = &r->cells[i];
		if (c->to == NULL || (c->net == net && c->bits == bits))
			return c;
	}
}

static bool
grow(struct l2tp_routes *r)
{
	struct l2tp_routes bigger = { .mask = r->mask ? r->mask * 2 + 1 : 63 };

	bigger.cells = calloc((size_t)bigger.mask + 1, sizeof(*bigger.cells));
	if (bigger.cells == NULL)
		return false;
	for (uint32_t i = 0; r->cells && i <= r->mask; i++)
		if (r->cells[i].to)
			*cell_of(&bigger, r->cells[i].net, r->cells[i].bits) = r->cells[i];
	free(r->cells);
	r->cells = bigger.cells;
	r->mask = bigger.mask;
	return true;
}

int
l2tp_route_add(struct l2tp_routes *r, uint64_t net, uint8_t bits, void *to)
{
	assert(bits <= 64 && to);
	net = cut(net, bits);
	if ((r->cells == NULL || r->count >= r->mask / 2) && !grow(r))
		return -ENOMEM;
	struct l2tp_route *c = cell_of(r, net, bits);
	if (c->to)
		return c->to == to ? 0 : -EEXIST;
	*c = (struct l2tp_route){ .net = net, .bits = bits, .to = to };
	r->count++;
	r->lengths[bits]++;
	if (bits)
		r->present |= UINT64_C(1) << (bits - 1);
	return 0;
}

void
l2tp_route_remove(struct l2tp_routes *r, uint64_t net, uint8_t bits, const void *to)
{
	net = cut(net, bits);
	struct l2tp_route *c = r->cells ? cell_of(r, net, bits) : NULL;

	if (c == NULL || c->to == NULL || c->to != to)
		return;
	c->to = NULL;
	r->count--;
	if (--r->lengths[bits] == 0 && bits)
		r->present &= ~(UINT64_C(1) << (bits - 1));
	/* Those behind the hole that would not be found any more move up. */
	for (uint32_t i = ((uint32_t)(c - r->cells) + 1) & r->mask; r->cells[i].to; i = (i + 1) & r->mask) {
		struct l2tp_route moved = r->cells[i];
		r->cells[i].to = NULL;
		*cell_of(r, moved.net, moved.bits) = moved;
	}
}

void *
l2tp_route_find(const struct l2tp_routes *r, uint64_t address)
{
	for (uint64_t left = r->present; left;) {
		uint8_t bits = (uint8_t)(64 - __builtin_clzll(left));
		const struct l2tp_route *c = cell_of(r, cut(address, bits), bits);
		if (c->to)
			return c->to;
		left &= ~(UINT64_C(1) << (bits - 1));
	}
	return r->lengths[0] ? cell_of(r, 0, 0)->to : NULL;
}

void
l2tp_routes_free(struct l2tp_routes *r)
{
	free(r->cells);
	*r = (struct l2tp_routes){ .cells = NULL };
}
