/*
 * setup: from the configuration to the gate's structs, and to interfaces with addresses and routes. What is
 * fixed is made before rights are given up and stays while nobody is connected, so that rules and routes can name it.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate/l2tp/words.h"
#include "role/vpn/l2tpd.h"
#include "sys/clock.h"
#include "sys/link.h"

#define STARTING_MAX 2000
#define PER_SOURCE_MAX 500
#define OUR_ID 1                       /* fe80::1 is the matriz in every tunnel */

/* Those of IPv4. */
static struct vpn_net *
nets_of(struct arena *a, const struct conf_cidrs *c, uint32_t *ret_n)
{
	struct vpn_net *v = ARENA_ARRAY(a, struct vpn_net, c->n + 1);

	*ret_n = 0;
	for (uint32_t i = 0; v && i < c->n; i++)
		if (addr_is_v4(&c->v[i].net))
			v[(*ret_n)++] = (struct vpn_net){ .net = l2tp_words_v4(&c->v[i].net), .bits = (uint8_t)(c->v[i].bits - 96) };
	return v;
}

static struct str
our_name(struct tunnelling *t)
{
	char name[256];

	return arena_str(&t->role->file.arena, str_z(host_name(name)));
}

/* A new interface at the end of the list: its number, or -errno. */
static int
add_end(struct tunnelling *t, struct str name, uint16_t mtu)
{
	struct tunnel_end *e = &t->ends[t->nends];

	*e = (struct tunnel_end){ .owner = t, .mtu = mtu };
	int r = tun_open(name, &e->tun);
	if (r == 0)
		r = link_up(t->link_fd, e->tun.index, mtu);
	if (r < 0) {
		log_say(&t->role->log, LOG_LEVEL_ERROR, "cannot make the interface %.*s: %s%s", STR_FMT(name), strerror(-r),
		    r == -EPERM ? "; it takes root, or CAP_NET_ADMIN" : r == -EBUSY ? "; another program has it" : "");
		tun_close(&e->tun);
		return r;
	}
	return (int)t->nends++;
}

static void
add_routes(struct tunnelling *t, const struct tunnel_end *e, const struct vpn_net *nets, uint32_t n, bool add)
{
	for (uint32_t i = 0; i < n; i++) {
		int r = link_route(t->link_fd, e->tun.index, nets[i].net, nets[i].bits, add);
		if (r < 0) {
			struct buf shown = BUF_INIT(64);
			tunnelling_show_v4(nets[i].net, &shown);
			log_say(&t->role->log, LOG_LEVEL_ERROR, "no route to %s/%u through %s: %s", buf_cstr(&shown), nets[i].bits,
			    e->tun.name, strerror(-r));
			buf_free(&shown);
		}
	}
}

/* The server. */

/* Two of each family. */
static void
fill_servers(const struct conf_vpn_terms *c, struct vpn_profile *ret)
{
	unsigned n = 0;

	memset(ret->policy.dns, 0, sizeof(ret->policy.dns));
	memset(ret->policy.wins, 0, sizeof(ret->policy.wins));
	ret->ndns6 = 0;
	for (uint32_t i = 0; i < c->dns.n; i++) {
		if (addr_is_v4(&c->dns.v[i].net) && n < 2)
			ret->policy.dns[n++] = l2tp_words_v4(&c->dns.v[i].net);
		else if (!addr_is_v4(&c->dns.v[i].net) && ret->ndns6 < RA_SERVERS)
			ret->dns6[ret->ndns6++] = c->dns.v[i].net;
	}
	for (uint32_t i = 0; i < c->wins.n && i < 2; i++)
		ret->policy.wins[i] = l2tp_words_v4(&c->wins.v[i].net);
}

/* The layers of secret (NULL: none), profile and server as one; -ENOMEM. */
static int
fill_profile(struct tunnelling *t, const struct conf_vpn_secret *s, struct vpn_profile *ret)
{
	static const enum vpn_again again[] = { VPN_AGAIN_REPLACE, VPN_AGAIN_REPLACE, VPN_AGAIN_REFUSE, VPN_AGAIN_ALLOW };
	struct conf_vpn_terms c;
	enum conf_vpn_encryption encryption;
	struct ppp_policy *p = &ret->policy;

	config_vpn_terms(&t->role->config->vpn, s, &c, &encryption);
	*p = t->server.profile.policy;
	p->encryption = (enum ppp_encryption)encryption;
	fill_servers(&c, ret);
	ret->list = c.list;
	ret->pool = nets_of(&t->role->file.arena, &c.pool, &ret->npool);
	ret->pool6 = tunnelling_v6_nets(&t->role->file.arena, &c.pool, &ret->npool6);
	ret->again = again[c.again];
	ret->limits = (struct limits){ .idle_us = c.idle_us, .session_us = c.session_us,
		.rate = { [LIMITS_IN] = (uint64_t)c.upload * 125, [LIMITS_OUT] = (uint64_t)c.download * 125 } };
	return ret->pool && ret->pool6 ? 0 : -ENOMEM;
}

static bool
says_nothing(const struct conf_vpn_secret *s)
{
	static const struct conf_vpn_terms nothing;
	const struct conf_vpn_terms *t = &s->terms;

	return s->encryption == CONF_VPN_SAME && !t->list.n && !t->pool.n && !t->dns.n && !t->wins.n && t->idle_us == nothing.idle_us &&
	    t->session_us == 0 && t->download == 0 && t->upload == 0 && t->again == CONF_VPN_AGAIN_SAME;
}

/* One for all who have nothing of their own to say. */
static int
profile_of(struct tunnelling *t, const struct conf_vpn_secret *s, const struct vpn_profile **ret)
{
	const struct conf_vpn *v = &t->role->config->vpn;
	const struct conf_vpn_profile *shared = config_vpn_profile(v, s->profile);
	struct vpn_profile *own;
	int r = 0;

	if (says_nothing(s)) {
		*ret = shared ? &t->profiles[shared - v->profiles] : NULL;
		return 0;
	}
	own = ARENA_NEW(&t->role->file.arena, struct vpn_profile);
	if (own == NULL || (r = fill_profile(t, s, own)) < 0)
		return own ? r : -ENOMEM;
	*ret = own;
	return 0;
}

static int
add_user(struct tunnelling *t, const struct conf_vpn_secret *s, struct vpn_user *u)
{
	*u = (struct vpn_user){ .name = s->name, .password = s->password, .address = l2tp_words_v4(&s->address), .tun = -1,
		.prefix = s->prefix.n ? upper6(s->prefix.v[0].net.b) : 0 };
	u->nets = nets_of(&t->role->file.arena, &s->networks, &u->nnets);
	u->nets6 = tunnelling_v6_nets(&t->role->file.arena, &s->networks, &u->nnets6);
	int r = u->nets && u->nets6 ? profile_of(t, s, &u->profile) : -ENOMEM;
	if (r < 0)
		return r;
	if (s->interface.n > 0) {
		u->tun = add_end(t, s->interface, t->server.profile.policy.mru);
		if (u->tun < 0)
			return u->tun;
		t->ends[u->tun].user = u;
	}
	struct tunnel_end *e = &t->ends[u->tun >= 0 ? u->tun : t->server.tun];
	struct vpn_net host = { .net = u->address, .bits = 32 };
	if (u->tun >= 0) {
		(void)!link_address(t->link_fd, e->tun.index, t->server.profile.policy.local, 0, 32, true);
		tunnelling_v6_open(t, e);
	}
	if (u->address)
		add_routes(t, e, &host, 1, true);
	add_routes(t, e, u->nets, u->nnets, true);
	if (u->prefix)
		tunnelling_v6_routes(t, e, &(struct net6){ .net = u->prefix, .bits = 64 }, 1, true);
	tunnelling_v6_routes(t, e, u->nets6, u->nnets6, true);
	return 0;
}

static int
fill_server(struct tunnelling *t, const struct conf_vpn_server *c)
{
	struct ppp_policy *p = &t->server.profile.policy;

	*p = (struct ppp_policy){ .server = true, .auth = l2tp_words_methods(&c->authentication), .weak_keys = c->weak_keys,
		.mru = (uint16_t)c->mtu, .mrru = (uint16_t)c->mrru, .local = l2tp_words_v4(&c->address), .echo_us = c->keepalive_us,
		.echo_tries = L2TP_WORDS_ECHOES, .name = our_name(t),
		.ipv6 = config_vpn_has_v6(&t->role->config->vpn), .local_id = OUR_ID };
	t->server.terms = (struct l2tp_terms){ .host_name = p->name, .secret = c->tunnel_secret, .hello_us = c->hello_us,
		.max_tunnels = (unsigned)c->max_sessions + STARTING_MAX, .max_starting = STARTING_MAX,
		.max_per_source = PER_SOURCE_MAX, .server = true, .hide = c->hide };
	t->server.max_sessions = (uint32_t)c->max_sessions;
	t->server.users = t->users;
	return fill_profile(t, NULL, &t->server.profile);
}

static int
fill_profiles(struct tunnelling *t)
{
	const struct conf_vpn *v = &t->role->config->vpn;
	int r = 0;

	t->profiles = ARENA_ARRAY(&t->role->file.arena, struct vpn_profile, v->nprofiles + 1);
	if (t->profiles == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < v->nprofiles; i++) {
		const struct conf_vpn_secret who = { .profile = v->profiles[i].name };
		r = fill_profile(t, &who, &t->profiles[i]);
		t->profiles[i].name = v->profiles[i].name;
	}
	t->server.profiles = t->profiles;
	t->server.nprofiles = v->nprofiles;
	return r;
}

/* Whoever gets an address of a pool is reached through the shared interface. */
static void
add_pool(struct tunnelling *t, const struct vpn_profile *p)
{
	const struct tunnel_end *e = &t->ends[t->server.tun];

	add_routes(t, e, p->pool, p->npool, true);
	tunnelling_v6_routes(t, e, p->pool6, p->npool6, true);
}

static void
add_pools(struct tunnelling *t)
{
	const struct conf_vpn *v = &t->role->config->vpn;

	add_pool(t, &t->server.profile);
	for (uint32_t i = 0; i < v->nprofiles; i++)
		if (v->profiles[i].terms.pool.n)
			add_pool(t, &t->profiles[i]);
	for (uint32_t i = 0; i < v->nsecrets; i++)
		if (v->secrets[i].terms.pool.n)
			add_pool(t, t->users[i].profile);
}

static int
setup_server(struct tunnelling *t)
{
	const struct conf_vpn *v = &t->role->config->vpn;
	const struct conf_vpn_server *c = v->server;
	const struct ppp_policy *p = &t->server.profile.policy;
	int r = fill_server(t, c);

	if (r == 0)
		r = fill_profiles(t);
	t->inform = (struct inform){ .server = p->local, .dns = { p->dns[0], p->dns[1] } };
	t->inform.nets = nets_of(&t->role->file.arena, &c->push, &t->inform.nnets);
	t->server.push6 = tunnelling_v6_nets(&t->role->file.arena, &c->push, &t->server.npush6);
	if (r == 0 && !(t->inform.nets && t->server.push6))
		r = -ENOMEM;
	if (r == 0)
		r = t->server.tun = add_end(t, c->interface, p->mru);
	if (r < 0)
		return r;
	const struct tunnel_end *e = &t->ends[t->server.tun];
	r = link_address(t->link_fd, e->tun.index, p->local, 0, 32, true);
	if (r < 0)
		log_say(&t->role->log, LOG_LEVEL_ERROR, "%s cannot have its address: %s", e->tun.name, strerror(-r));
	tunnelling_v6_open(t, e);
	for (uint32_t i = 0; r == 0 && i < v->nsecrets; i++) {
		r = add_user(t, &v->secrets[i], &t->users[i]);
		t->server.nusers++;
	}
	if (r == 0)
		add_pools(t);
	return r;
}

/* The dials. */

static int
setup_dial(struct tunnelling *t, const struct conf_vpn_headquarters *c, struct vpn_dial *d)
{
	l2tp_words_dial(c, our_name(t), d);
	d->tun = add_end(t, c->interface, (uint16_t)c->mtu);
	if (d->tun < 0)
		return d->tun;
	struct tunnel_end *e = &t->ends[d->tun];
	e->dial = d;
	e->nets = nets_of(&t->role->file.arena, &c->networks, &e->nnets);
	e->nets6 = tunnelling_v6_nets(&t->role->file.arena, &c->networks, &e->nnets6);
	if (e->nets == NULL || e->nets6 == NULL)
		return -ENOMEM;
	add_routes(t, e, e->nets, e->nnets, true);
	tunnelling_v6_routes(t, e, e->nets6, e->nnets6, true);
	return 0;
}

int
tunnelling_setup(struct tunnelling *t)
{
	const struct conf_vpn *v = &t->role->config->vpn;
	int r = 0;

	t->ends = calloc(1 + v->nsecrets + v->nheadquarters, sizeof(*t->ends));
	t->users = calloc(v->nsecrets + 1, sizeof(*t->users));
	t->seen = calloc(v->nsecrets + 1, sizeof(*t->seen));
	t->dials = calloc(v->nheadquarters + 1, sizeof(*t->dials));
	t->headquarters = v->headquarters;
	t->link_fd = link_open();
	if (!t->ends || !t->users || !t->seen || !t->dials || t->link_fd < 0)
		return t->link_fd < 0 ? t->link_fd : -ENOMEM;
	if (v->server)
		r = setup_server(t);
	for (uint32_t i = 0; r == 0 && i < v->nheadquarters; i++)
		r = setup_dial(t, &v->headquarters[i], &t->dials[i]);
	return r;
}

void
tunnelling_teardown(struct tunnelling *t)
{
	for (uint32_t i = 0; i < t->nends; i++) {
		tun_close(&t->ends[i].tun);
		free(t->ends[i].held);
	}
	if (t->link_fd > 0)
		close(t->link_fd);
	free(t->ends);
	free(t->users);
	free(t->seen);
	free(t->dials);
}

/* While a headquarters is connected. */

/* Two halves beat the default route and leave it where it is; the server keeps the way it has now. */
static void
turn_everything(struct tunnelling *t, struct tunnel_end *e, const struct vpn_call *c, bool add)
{
	static const struct vpn_net halves[] = { { 0, 1 }, { 0x80000000, 1 } };

	/* Reached by IPv6 the server cannot be lost. */
	if (!addr_is_v4(&c->session->tunnel->peer.addr)) {
		add_routes(t, e, halves, ARRAY_LEN(halves), add);
		return;
	}
	if (add) {
		e->pinned_host = l2tp_words_v4(&c->session->tunnel->peer.addr);
		if (link_route_get(t->link_fd, e->pinned_host, &e->pinned_index, &e->pinned_gateway) < 0)
			e->pinned_index = 0;
	}
	if (e->pinned_index == 0 && !add)
		return;
	if (e->pinned_index == 0) {
		log_say(&t->role->log, LOG_LEVEL_WARNING, "%s: no way to the server is known, default-route is left out",
		    e->tun.name);
		return;
	}
	if (link_route_pin(t->link_fd, e->pinned_index, e->pinned_host, e->pinned_gateway, add) == 0)
		add_routes(t, e, halves, ARRAY_LEN(halves), add);
	if (!add)
		e->pinned_index = 0;
}

/* Routes of whom the configuration does not know come and go with him. */
static void
route_granted(struct tunnelling *t, const struct tunnel_end *e, const struct vpn_call *c, bool add)
{
	struct vpn_net host = { .net = c->address, .bits = 32 };

	if (c->granted == NULL)
		return;
	if (c->granted->user.address)
		add_routes(t, e, &host, 1, add);
	add_routes(t, e, c->granted->user.nets, c->granted->user.nnets, add);
	tunnelling_v6_routes(t, e, c->granted->user.nets6, c->granted->user.nnets6, add);
	if (c->granted->user.prefix)
		tunnelling_v6_routes(t, e, &(struct net6){ .net = c->granted->user.prefix, .bits = 64 }, 1, add);
}

void
tunnelling_call_up(struct tunnelling *t, struct vpn_call *c)
{
	struct tunnel_end *e = &t->ends[c->tun];
	const struct conf_vpn_headquarters *h = c->dial ? &t->headquarters[c->dial - t->dials] : NULL;

	route_granted(t, e, c, true);
	if (c->dial || e->user)
		e->call = c;
	if (h == NULL)
		return;
	int r = link_address(t->link_fd, e->tun.index, c->link.local, c->link.remote, 32, true);
	if (r < 0)
		log_say(&t->role->log, LOG_LEVEL_ERROR, "%s cannot have its address: %s", e->tun.name, strerror(-r));
	/* Routes may have gone while the interface was without an address. */
	add_routes(t, e, e->nets, e->nnets, true);
	if (h->default_route)
		turn_everything(t, e, c, true);
}

void
tunnelling_call_down(struct tunnelling *t, struct vpn_call *c)
{
	struct tunnel_end *e = &t->ends[c->tun];

	if (c->up)
		route_granted(t, e, c, false);
	tunnelling_v6_down(t, c);
	if (e->call != c)
		return;
	e->call = NULL;
	if (c->dial == NULL || !c->up)
		return;
	if (t->headquarters[c->dial - t->dials].default_route)
		turn_everything(t, e, c, false);
	(void)!link_address(t->link_fd, e->tun.index, c->link.local, c->link.remote, 32, false);
	/*
	 * With its last address the kernel takes an interface's routes away. Those of the headquarters stay: what is meant for
	 * it must not leave by the default route, in plain text, and may ask for the line.
	 */
	if (!t->stopping)
		add_routes(t, e, e->nets, e->nnets, true);
}
