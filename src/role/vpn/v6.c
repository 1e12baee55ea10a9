/*
 * v6: IPv6 of the VPN's interfaces: networks of the configuration, addresses and routes. Must never stop a
 * tunnel for want of IPv6: a kernel without it is told of, and IPv4 goes on.
 */
#include <errno.h>

#include "role/vpn/l2tpd.h"
#include "sys/link.h"

struct net6 *
tunnelling_v6_nets(struct arena *a, const struct conf_cidrs *c, uint32_t *ret_n)
{
	struct net6 *v = ARENA_ARRAY(a, struct net6, c->n + 1);

	*ret_n = 0;
	for (uint32_t i = 0; v && i < c->n; i++)
		if (!addr_is_v4(&c->v[i].net))
			v[(*ret_n)++] = (struct net6){ .net = upper6(c->v[i].net.b), .bits = c->v[i].bits };
	return v;
}

void
tunnelling_v6_routes(struct tunnelling *t, const struct tunnel_end *e, const struct net6 *nets, uint32_t n, bool add)
{
	for (uint32_t i = 0; i < n; i++) {
		struct cidr net = { .net = address6(nets[i].net, 0), .bits = nets[i].bits };
		int r = link_route6(t->link_fd, e->tun.index, &net, add);
		char text[46];
		if (r == 0)
			continue;
		addr_show(&net.net, text);
		log_say(&t->role->log, LOG_LEVEL_ERROR, "no route to %s/%u through %s: %s", text, net.bits, e->tun.name,
		    strerror(-r));
	}
}

static void
set_address(struct tunnelling *t, const struct tunnel_end *e, struct addr a, bool add)
{
	int r = link_address6(t->link_fd, e->tun.index, &a, a.b[0] == 0xfe ? 64 : 128, add);
	char text[46];

	if (r == 0 || !add)
		return;
	addr_show(&a, text);
	log_say(&t->role->log, LOG_LEVEL_WARNING, "%s cannot have the address %s: %s", e->tun.name, text,
	    r == -EACCES || r == -EPERM ? "IPv6 is switched off there" : strerror(-r));
}

void
tunnelling_v6_open(struct tunnelling *t, const struct tunnel_end *e)
{
	const struct ppp_policy *p = &t->server.profile.policy;

	if (p->ipv6)
		set_address(t, e, address6(LINK_LOCAL6, p->local_id), true);
}

/* Two halves beat the default route. A tunnel that runs over IPv6 itself would then lead into itself. */
static void
turn_everything(struct tunnelling *t, const struct tunnel_end *e, const struct vpn_call *c, bool add)
{
	static const struct net6 halves[] = { { 0, 1 }, { UINT64_C(1) << 63, 1 } };

	if (c->prefix == 0 || !t->headquarters[c->dial - t->dials].default_route)
		return;
	if (addr_is_v4(&c->session->tunnel->peer.addr))
		tunnelling_v6_routes(t, e, halves, ARRAY_LEN(halves), add);
	else if (add)
		log_say(&t->role->log, LOG_LEVEL_WARNING, "%s: IPv6 keeps its way: the server itself is reached by it", e->tun.name);
}

void
tunnelling_v6_up(struct tunnelling *t, struct vpn_call *c, uint64_t was)
{
	struct tunnel_end *e = &t->ends[c->tun];

	if (c->dial == NULL)
		return;
	set_address(t, e, address6(LINK_LOCAL6, c->link.local_id), true);
	if (was)
		set_address(t, e, address6(was, c->link.local_id), false);
	if (c->prefix)
		set_address(t, e, address6(c->prefix, c->link.local_id), true);
	/* Routes may have gone while the interface was without an address. */
	tunnelling_v6_routes(t, e, e->nets6, e->nnets6, true);
	turn_everything(t, e, c, true);
}

void
tunnelling_v6_down(struct tunnelling *t, struct vpn_call *c)
{
	struct tunnel_end *e = &t->ends[c->tun];

	if (c->dial == NULL || e->call != c || c->link.local_id == 0)
		return;
	turn_everything(t, e, c, false);
	if (c->prefix)
		set_address(t, e, address6(c->prefix, c->link.local_id), false);
	set_address(t, e, address6(LINK_LOCAL6, c->link.local_id), false);
}
