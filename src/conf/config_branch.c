/*
 * config_branch: what one word implies at either end. At the matriz a branch with a `secret` is also who dials in; at a
 * filial a headquarters is also a branch, with its route and what may pass; with a `key` each is a peer too. Must never take the
 * place of what is written.
 */
#include <errno.h>
#include <stdio.h>

#include "conf/config_in.h"

#define NAME_MAX_LINK 15               /* letters of an interface */

/* The interface of a branch: the one that is written, else vpn-NAME. */
static int
give_interface(struct arena *a, struct conf_branch *b)
{
	char name[NAME_MAX_LINK + 1];

	if (b->interfaces.n > 0)
		return 0;
	int n = snprintf(name, sizeof(name), "vpn-%.*s", STR_FMT(b->name));
	b->interfaces.v = ARENA_NEW(a, struct str);
	if (b->interfaces.v == NULL)
		return -ENOMEM;
	b->interfaces.v[0] = arena_str(a, str_of(name, (size_t)(n > NAME_MAX_LINK ? NAME_MAX_LINK : n)));
	b->interfaces.n = 1;
	return b->interfaces.v[0].p ? 0 : -ENOMEM;
}

static bool
is_pattern(struct str name)
{
	return str_find_byte(name, '*') < name.n;
}

static int
imply_secret(struct arena *a, struct conf_branch *b, struct conf_vpn_secret *ret)
{
	int r = give_interface(a, b);
	struct conf_vpn_secret s = { .where = b->where, .name = b->name, .password = b->secret,
		.networks = b->networks };

	if (r < 0)
		return r;
	if (!is_pattern(b->interfaces.v[0]))
		s.interface = b->interfaces.v[0];
	if (b->tunnel.n == 1 && b->tunnel.v[0].bits == 128 && addr_is_v4(&b->tunnel.v[0].net))
		s.address = b->tunnel.v[0].net;
	*ret = s;
	return 0;
}

static int
imply_secrets(struct arena *a, struct config *c)
{
	struct conf_vpn *v = &c->vpn;
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->gate.nbranches; i++)
		n += c->gate.branches[i].secret.n > 0;
	if (n == 0)
		return 0;
	struct conf_vpn_secret *all = ARENA_ARRAY(a, struct conf_vpn_secret, (size_t)v->nsecrets + n);
	if (all == NULL)
		return -ENOMEM;
	if (v->nsecrets > 0)
		memcpy(all, v->secrets, v->nsecrets * sizeof(*all));
	v->secrets = all;
	for (uint32_t i = 0; i < c->gate.nbranches; i++) {
		if (c->gate.branches[i].secret.n == 0)
			continue;
		int r = imply_secret(a, &c->gate.branches[i], &all[v->nsecrets]);
		if (r < 0)
			return r;
		v->nsecrets++;
		v->nimplied++;
	}
	return 0;
}

static bool
leads_through(const struct conf_branch *b, struct str interface)
{
	for (uint32_t i = 0; i < b->interfaces.n; i++)
		if (str_eq(b->interfaces.v[i], interface))
			return true;
	return false;
}

static bool
is_written(const struct conf_gate *g, const struct conf_vpn_headquarters *h)
{
	for (uint32_t i = 0; i < g->nbranches - g->nimplied; i++)
		if (leads_through(&g->branches[i], h->interface) || str_eq(g->branches[i].name, h->interface))
			return true;
	return h->networks.n == 0;
}

static int
imply_branches(struct arena *a, struct config *c)
{
	struct conf_gate *g = &c->gate;

	if (!conf_has_gate(g) || c->vpn.nheadquarters == 0)
		return 0;
	struct conf_branch *all = ARENA_ARRAY(a, struct conf_branch, (size_t)g->nbranches + c->vpn.nheadquarters);
	if (all == NULL)
		return -ENOMEM;
	if (g->nbranches > 0)
		memcpy(all, g->branches, g->nbranches * sizeof(*all));
	g->branches = all;
	for (uint32_t i = 0; i < c->vpn.nheadquarters; i++) {
		const struct conf_vpn_headquarters *h = &c->vpn.headquarters[i];
		struct str *name = ARENA_NEW(a, struct str);
		if (name == NULL)
			return -ENOMEM;
		if (is_written(g, h))
			continue;
		*name = h->interface;
		all[g->nbranches++] = (struct conf_branch){ .where = h->where, .name = h->interface,
			.networks = h->networks, .interfaces = { .v = name, .n = 1 } };
		g->nimplied++;
	}
	return 0;
}

/* Where the VPN of a headquarters is, without the port of the VPN. */
static struct str
host_of(struct str host)
{
	size_t colon = str_rfind(host, STR(":"));

	return str_find_byte(host, ':') == colon ? str_head(host, colon) : host;
}

static void
add_peer(struct conf_sites *s, struct conf_pos where, struct str name, struct str key, struct str at)
{
	/* Who is written as a peer as well is meant by that. */
	for (uint32_t i = 0; i < s->npeers; i++)
		if (str_eq(s->peers[i].name, name) && str_eq(s->peers[i].key, key))
			return;
	struct conf_peer *p = &s->peers[s->npeers++];
	schema_defaults(&peer_schema, p);
	p->where = where;
	p->name = name;
	p->key = key;
	p->at = at;
}

static int
imply_peers(struct arena *a, struct config *c)
{
	uint32_t branches = c->gate.nbranches - c->gate.nimplied, n = branches + c->vpn.nheadquarters;
	struct conf_peer *all = ARENA_ARRAY(a, struct conf_peer, (size_t)c->sites.npeers + n + 1);

	if (all == NULL)
		return -ENOMEM;
	if (c->sites.npeers > 0)
		memcpy(all, c->sites.peers, c->sites.npeers * sizeof(*all));
	c->sites.peers = all;
	for (uint32_t i = 0; i < branches; i++)
		if (c->gate.branches[i].key.n)
			add_peer(&c->sites, c->gate.branches[i].where, c->gate.branches[i].name, c->gate.branches[i].key, STR_NULL);
	for (uint32_t i = 0; i < c->vpn.nheadquarters; i++) {
		const struct conf_vpn_headquarters *h = &c->vpn.headquarters[i];
		if (h->key.n)
			add_peer(&c->sites, h->where, h->interface, h->key, h->at.n ? h->at : host_of(h->host));
	}
	return 0;
}

int
config_imply(struct arena *a, struct config *c)
{
	int r = imply_secrets(a, c);

	if (r == 0)
		r = imply_branches(a, c);
	return r < 0 ? r : imply_peers(a, c);
}
