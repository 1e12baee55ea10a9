/* vpn6: prefixes, routers and routes of IPv6. Must never give one prefix to two. */
#include "gate/l2tp/vpn6.h"

#include "base/hash.h"
#include "gate/l2tp/vpn_pool.h"

#define AGAIN_US INT64_C(1800000000)   /* a fifth of the lifetime: four advertisements may be lost */
#define SOLICIT_US 4000000             /* RFC 4861 section 10 */
#define TRIES_PER_POOL 4096            /* a pool that is so full is as good as used up */

/* Both ends of the packet are whole: it is IPv6. */
static bool
is_v6(struct str packet)
{
	return packet.n >= 40 && (uint8_t)packet.p[0] >> 4 == 6;
}

static uint64_t
upper_at(struct str packet, size_t at)
{
	return upper6((const uint8_t *)packet.p + at);
}

static bool
is_link_local(uint64_t upper)
{
	return upper >> 54 == LINK_LOCAL6 >> 54;
}

/* Prefixes. */

static bool
take(struct vpn_call *c, uint64_t prefix)
{
	if (prefix == 0 || l2tp_route_find(&c->vpn->taken6, prefix) || l2tp_route_add(&c->vpn->taken6, prefix, 64, c) < 0)
		return false;
	c->prefix = prefix;
	return true;
}

/* As with IPv4 addresses: the search begins where the name says. */
static void
take_from(struct vpn_call *c, const struct net6 *pool)
{
	uint64_t last = pool->bits < 64 ? UINT64_MAX >> pool->bits : 0;
	uint64_t at = last ? hash_bytes(vpn_call_name(c), 0) % last : 0;

	for (uint64_t i = 0; i <= last && i < TRIES_PER_POOL && !c->prefix; i++, at = at == last ? 0 : at + 1)
		(void)take(c, pool->net | at);
}

static void
give_prefix(struct vpn_call *c)
{
	const struct vpn_profile *p = vpn_profile_of(c);

	if (c->prefix || (c->user && c->user->prefix && take(c, c->user->prefix)))
		return;
	for (uint32_t i = 0; i < p->npool6 && !c->prefix; i++)
		take_from(c, &p->pool6[i]);
}

static void
route(struct vpn_call *c, bool add)
{
	struct l2tp_routes *r = &c->vpn->routes6;
	uint32_t n = c->user && !c->dial ? c->user->nnets6 : 0;
	struct net6 own = { .net = c->prefix, .bits = 64 };

	/* What another holds it keeps, as with IPv4. */
	for (uint32_t i = 0; i <= n; i++) {
		const struct net6 *net = i < n ? &c->user->nets6[i] : &own;
		if (i == n && (c->dial || !c->prefix))
			break;
		if (add)
			(void)!l2tp_route_add(r, net->net, net->bits, c);
		else
			l2tp_route_remove(r, net->net, net->bits, c);
	}
}

/* Routers. */

static void
send_packet(struct vpn_call *c, const uint8_t *packet, size_t n)
{
	uint8_t out[VPN_OVERHEAD + RA_MAX];
	size_t head = n ? vpn_head(c, 6, out) : 0;

	if (head == 0)
		return;
	memcpy(out + head, packet, n);
	vpn_finish(c, out, head, head + n);
	c->vpn->hooks->send(c->vpn->ctx, &c->session->tunnel->peer, str_of((const char *)out, head + n));
}

static void
advertise(struct vpn_call *c)
{
	const struct vpn_profile *p = vpn_profile_of(c);
	const struct vpn_server *s = c->vpn->server;
	struct ra ra = { .prefix = c->prefix, .mtu = p->policy.mru, .ndns = p->ndns6, .routes = s->push6, .nroutes = s->npush6 };
	uint8_t packet[RA_MAX];

	memcpy(ra.dns, p->dns6, sizeof(ra.dns));
	send_packet(c, packet, ra_write(&ra, c->link.local_id, packet));
	c->router_us = c->vpn->now_us + AGAIN_US;
}

static void
solicit(struct vpn_call *c)
{
	uint8_t packet[RA_MAX];

	send_packet(c, packet, rs_write(c->link.local_id, packet));
	/* A headquarters without a prefix for us stays silent: three questions are enough. */
	c->router_us = c->vpn->now_us - c->up_us < 3 * SOLICIT_US ? c->vpn->now_us + SOLICIT_US : DUE_NEVER;
}

static void
learn(struct vpn_call *c, const struct ra *ra)
{
	uint64_t was = c->prefix;

	c->router_us = DUE_NEVER;
	if (ra->prefix == 0 || ra->prefix == was)
		return;
	c->prefix = ra->prefix;
	if (c->vpn->hooks->up6)
		c->vpn->hooks->up6(c->vpn->ctx, c, was);
}

void
vpn6_up(struct vpn_call *c)
{
	if (!c->dial)
		give_prefix(c);
	route(c, true);
	if (c->vpn->hooks->up6)
		c->vpn->hooks->up6(c->vpn->ctx, c, 0);
	if (c->dial)
		solicit(c);
	else if (c->prefix)
		advertise(c);
}

void
vpn6_down(struct vpn_call *c)
{
	route(c, false);
	if (c->prefix && !c->dial)
		l2tp_route_remove(&c->vpn->taken6, c->prefix, 64, c);
}

void
vpn6_tick(struct vpn_call *c)
{
	if (!c->link.network6_up)
		c->router_us = DUE_NEVER;
	else if (c->dial)
		solicit(c);
	else
		advertise(c);
}

bool
vpn6_take(struct vpn_call *c, struct str packet)
{
	struct ra ra;

	if (c->dial) {
		if (ra_read(packet, &ra) < 0)
			return false;
		learn(c, &ra);
		return true;
	}
	if (rs_is(packet)) {
		if (c->prefix)
			advertise(c);
		return true;
	}
	/* Who listens to which group, who is whose neighbour: that concerns a link that nobody shares. */
	return is_v6(packet) && is_link_local(upper_at(packet, 8)) && (uint8_t)packet.p[24] == 0xff;
}

/* Packets. */

bool
vpn6_may_send(const struct vpn_call *c, struct str packet)
{
	if (!is_v6(packet))
		return false;
	/* On an interface of its own the link is one more neighbour of the matriz. */
	if (is_link_local(upper_at(packet, 8)))
		return c->user && c->user->tun >= 0;
	return l2tp_route_find(&c->vpn->routes6, upper_at(packet, 8)) == c;
}

struct vpn_call *
vpn6_find(const struct l2tp_vpn *v, struct str packet)
{
	return is_v6(packet) ? l2tp_route_find(&v->routes6, upper_at(packet, 24)) : NULL;
}
