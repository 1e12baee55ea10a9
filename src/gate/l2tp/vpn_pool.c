/* vpn_pool: addresses for those who dial in. Must never give one address to two. */
#include "gate/l2tp/vpn_pool.h"

#include "base/hash.h"

const struct vpn_profile *
vpn_profile_of(const struct vpn_call *c)
{
	return c->user && c->user->profile ? c->user->profile : &c->vpn->server->profile;
}

/* Whether nobody has it; then it is the call's. */
static bool
take(struct vpn_call *c, uint32_t address)
{
	if (address == vpn_profile_of(c)->policy.local || l2tp_route_find(&c->vpn->taken, route_v4(address)))
		return false;
	if (l2tp_route_add(&c->vpn->taken, route_v4(address), 32, c) < 0)
		return false;
	c->address = address;
	return true;
}

/* The first and the last address of a network are not for hosts. */
static uint32_t
usable(const struct vpn_net *n)
{
	uint64_t all = UINT64_C(1) << (32 - n->bits);

	return n->bits >= 31 ? (uint32_t)all : all > UINT32_MAX ? UINT32_MAX : (uint32_t)(all - 2);
}

/* The search begins at a place that follows from the name: who comes back gets, as a rule, what he had. */
static uint32_t
from_pool(struct vpn_call *c)
{
	const struct vpn_profile *s = vpn_profile_of(c);
	uint64_t total = 0;

	for (uint32_t i = 0; i < s->npool; i++)
		total += usable(&s->pool[i]);
	uint64_t at = total ? hash_bytes(vpn_call_name(c), 0) % total : 0;
	for (uint64_t tried = 0; tried < total; tried++, at = at + 1 == total ? 0 : at + 1) {
		uint64_t left = at;
		uint32_t i = 0;
		while (left >= usable(&s->pool[i]))
			left -= usable(&s->pool[i++]);
		if (take(c, s->pool[i].net + (uint32_t)left + (s->pool[i].bits < 31)))
			return c->address;
	}
	return 0;
}

uint32_t
vpn_pool_address(struct vpn_call *c)
{
	if (c->address)
		return c->address;
	if (c->user && c->user->address && take(c, c->user->address))
		return c->address;
	/* A second one of the same user cannot have the address that is his. */
	if (c->user && c->user->address && vpn_profile_of(c)->again != VPN_AGAIN_ALLOW)
		return 0;
	return from_pool(c);
}

void
vpn_pool_release(struct vpn_call *c)
{
	if (c->address && c->dial == NULL)
		l2tp_route_remove(&c->vpn->taken, route_v4(c->address), 32, c);
}
