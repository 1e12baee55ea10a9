/*
 * vpn_radius: a call whose user others know: what they granted becomes a user and a profile of its own, and from there
 * on nothing differs from a secret of the configuration.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gate/l2tp/vpn_pool.h"

/* A pool is that of a profile, whose name the server sends (RFC 2869 section 5.18). */
static const struct vpn_profile *
named(const struct vpn_server *s, const char *name)
{
	for (uint32_t i = 0; i < s->nprofiles; i++)
		if (str_eq(s->profiles[i].name, str_z(name)))
			return &s->profiles[i];
	return &s->profile;
}

static void
fill_profile(const struct vpn_server *s, const struct radius_grant *g, struct vpn_profile *p)
{
	const struct vpn_profile *pool = named(s, g->pool);

	*p = s->profile;
	p->pool = pool->pool;
	p->npool = pool->npool;
	p->pool6 = pool->pool6;
	p->npool6 = pool->npool6;
	for (unsigned i = 0; i < 2; i++) {
		p->policy.dns[i] = g->dns[i] ? g->dns[i] : p->policy.dns[i];
		p->policy.wins[i] = g->wins[i] ? g->wins[i] : p->policy.wins[i];
		p->limits.rate[i] = g->limits.rate[i] ? g->limits.rate[i] : p->limits.rate[i];
	}
	p->limits.idle_us = g->limits.idle_us ? g->limits.idle_us : p->limits.idle_us;
	p->limits.session_us = g->limits.session_us ? g->limits.session_us : p->limits.session_us;
	p->policy.ipv6 |= g->prefix || g->ndelegated;
	if (g->must_encrypt)
		p->policy.encryption = PPP_ENCRYPT_REQUIRED;
	/* How often one may be connected the RADIUS server decides. */
	p->again = VPN_AGAIN_ALLOW;
}

static struct vpn_granted *
granted_new(const struct vpn_call *c, const struct radius_grant *g)
{
	struct vpn_granted *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	snprintf(n->name, sizeof(n->name), "%s", c->link.user ? c->link.user : "?");
	for (uint32_t i = 0; i < g->nroutes; i++)
		n->nets[i] = (struct vpn_net){ .net = g->routes[i].net, .bits = g->routes[i].bits };
	for (uint32_t i = 0; i < g->ndelegated; i++)
		n->nets6[i] = (struct net6){ .net = g->delegated[i].net, .bits = g->delegated[i].bits };
	fill_profile(c->vpn->server, g, &n->profile);
	if (g->list[0]) {
		memcpy(n->list, g->list, sizeof(n->list));
		n->profile.list = str_z(n->list);
	}
	n->user = (struct vpn_user){ .name = str_z(n->name), .address = g->address, .nets = n->nets, .nnets = g->nroutes,
		.nets6 = n->nets6, .nnets6 = g->ndelegated, .prefix = g->prefix, .tun = -1, .profile = &n->profile };
	n->interim_us = g->interim_us;
	memcpy(n->class, g->class, g->nclass);
	n->nclass = g->nclass;
	return n;
}

void
vpn_answer(struct vpn_call *c, int64_t now_us, const struct radius_grant *g)
{
	struct ppp_answer a = { .silent = g->verdict == RADIUS_SILENT, .has_keys = g->has_keys };

	c->vpn->now_us = now_us;
	/* Of MS-CHAPv2 the peer wants to see the proof: without it the grant is worth nothing. */
	bool good = g->verdict == RADIUS_GRANTED && (g->proven || c->link.demanded != PPP_AUTH_MSCHAP2);
	if (good && c->granted == NULL)
		c->granted = granted_new(c, g);
	a.good = good && c->granted;
	if (a.good) {
		a.owner = &c->granted->user;
		a.policy = &c->granted->profile.policy;
		memcpy(a.key_send, g->key_send, sizeof(a.key_send));
		memcpy(a.key_recv, g->key_recv, sizeof(a.key_recv));
		memcpy(a.proof, g->proof, sizeof(a.proof));
	}
	ppp_auth_answer(&c->link, now_us, &a);
	vpn_settle(c);
	wipe(&a, sizeof(a));
}

void
vpn_limit(struct vpn_call *c, int64_t now_us, const struct limits *l)
{
	struct limits now = c->limits ? c->limits->limits : (struct limits){ .idle_us = 0 };

	c->vpn->now_us = now_us;
	now.idle_us = l->idle_us ? l->idle_us : now.idle_us;
	now.session_us = l->session_us ? l->session_us : now.session_us;
	for (unsigned i = 0; i < 2; i++)
		now.rate[i] = l->rate[i] ? l->rate[i] : now.rate[i];
	if (c->limits)
		limits_change(c->limits, &now, now_us);
	else if ((c->limits = malloc(sizeof(*c->limits))) != NULL)
		limits_begin(c->limits, &now, now_us);
	vpn_settle(c);
}
