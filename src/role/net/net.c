/*
 * net: switches, links, addresses and routes. Only what the configuration names is made, only
 * what carries our protocol number is taken away. Interfaces that are not there yet get what is
 * theirs when they come.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/net/netd.h"
#include "sys/file.h"

struct kernel {                        /* what is there now */
	struct rtnet_link *links;
	struct rtnet_addr *addrs;
	struct rtnet_route *routes;
	size_t nlinks, naddrs, nroutes;
	bool full;
};

/* Grown at powers of two. */
static void *
room(void *v, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? reallocarray(v, n ? n * 2 : 1, size) : v;
}

static void
on_link(void *ctx, const struct rtnet_link *l)
{
	struct kernel *k = ctx;
	void *v = room(k->links, k->nlinks, sizeof(*l));

	k->full |= !v;
	if (v) {
		k->links = v;
		k->links[k->nlinks++] = *l;
	}
}

static void
on_addr(void *ctx, const struct rtnet_addr *a)
{
	struct kernel *k = ctx;
	void *v = room(k->addrs, k->naddrs, sizeof(*a));

	k->full |= !v;
	if (v) {
		k->addrs = v;
		k->addrs[k->naddrs++] = *a;
	}
}

static void
on_route(void *ctx, const struct rtnet_route *r)
{
	struct kernel *k = ctx;
	void *v = room(k->routes, k->nroutes, sizeof(*r));

	k->full |= !v;
	if (v) {
		k->routes = v;
		k->routes[k->nroutes++] = *r;
	}
}

static void
kernel_free(struct kernel *k)
{
	free(k->links);
	free(k->addrs);
	free(k->routes);
}

static int
kernel_read(struct netd *n, struct kernel *k)
{
	int r = rtnet_links(n->net, on_link, k);

	if (r == 0)
		r = rtnet_addrs(n->net, on_addr, k);
	if (r == 0)
		r = rtnet_routes(n->net, on_route, k);
	return r == 0 && k->full ? -ENOMEM : r;
}

static const struct rtnet_link *
link_named(const struct kernel *k, struct str name)
{
	for (size_t i = 0; i < k->nlinks; i++)
		if (str_eq(str_z(k->links[i].name), name))
			return &k->links[i];
	return NULL;
}

static const struct rtnet_link *
link_of(const struct kernel *k, uint32_t index)
{
	for (size_t i = 0; i < k->nlinks; i++)
		if (k->links[i].index == index)
			return &k->links[i];
	return NULL;
}

/* Switches. */

static int
set_switch(const struct netd *n, const char *name, const char *value)
{
	struct buf now = BUF_INIT(256);
	char path[256];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	int r = file_read(path, &now);
	if (r == 0 && !str_eq(str_trim(buf_str(&now)), str_z(value))) {
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		r = fd < 0 ? -errno : file_write_all(fd, str_z(value));
		fd_close(&fd);
	}
	buf_free(&now);
	if (r < 0)
		log_say(n->log, LOG_LEVEL_WARNING, "cannot set %s to %s: %s", path, value, strerror(-r));
	return r;
}

static void
set_switches(const struct netd *n)
{
	static const char *const filters[] = {
		[CONF_SPOOF_STRICT] = "1", [CONF_SPOOF_LOOSE] = "2", [CONF_SPOOF_OFF] = "0",
	};
	const struct conf_gateway *g = &n->config->gate.gateway;
	const struct { const char *name, *value; } switches[] = {
		{ "ipv4/ip_forward", g->forward4 ? "1" : "0" },
		{ "ipv6/conf/all/forwarding", g->forward6 ? "1" : "0" },
		{ "ipv4/conf/all/rp_filter", filters[g->anti_spoofing] },
		{ "ipv4/conf/default/rp_filter", filters[g->anti_spoofing] },
		/* A new address must not take those beside it away when the old one goes. */
		{ "ipv4/conf/all/promote_secondaries", "1" },
		{ "ipv4/conf/all/accept_redirects", "0" },
		{ "ipv4/conf/all/accept_source_route", "0" },
		{ "ipv4/icmp_echo_ignore_broadcasts", "1" },
		{ "ipv4/tcp_syncookies", "1" },
	};

	/* What comes back with a cookie belongs to no connection yet, and must not be taken for one that began earlier. */
	if (n->policy->synproxy)
		(void)!set_switch(n, "netfilter/nf_conntrack_tcp_loose", "0");
	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		(void)!set_switch(n, switches[i].name, switches[i].value);
	/* The first packets of a connection are told by its counters. */
	if (n->config->gate.p2p)
		(void)!set_switch(n, "netfilter/nf_conntrack_acct", "1");
}

/* rp_filter is the stricter of all and the interface's own: ours must not be made stricter. */
static void
set_link_switches(const struct netd *n, const struct rtnet_link *l)
{
	char name[64];

	if (n->config->gate.gateway.anti_spoofing == CONF_SPOOF_STRICT || strchr(l->name, '/'))
		return;
	snprintf(name, sizeof(name), "ipv4/conf/%s/rp_filter", l->name);
	(void)!set_switch(n, name,
	    n->config->gate.gateway.anti_spoofing == CONF_SPOOF_LOOSE ? "2" : "0");
}

/* Links and addresses. */

static bool
same_cidr(const struct cidr *a, const struct cidr *b)
{
	return a->bits == b->bits && memcmp(&a->net, &b->net, sizeof(a->net)) == 0;
}

static bool
has_addr(const struct kernel *k, uint32_t index, const struct cidr *at)
{
	for (size_t i = 0; i < k->naddrs; i++)
		if (k->addrs[i].index == index && same_cidr(&k->addrs[i].at, at))
			return true;
	return false;
}

static bool
addr_wanted(const struct netd *n, const struct kernel *k, const struct rtnet_addr *a)
{
	const struct conf_gate *g = &n->config->gate;
	const struct rtnet_link *l = link_of(k, a->index);

	for (uint32_t i = 0; l && i < g->ninterfaces; i++) {
		if (!str_eq(g->interfaces[i].names.v[0], str_z(l->name)))
			continue;
		for (uint32_t m = 0; m < g->interfaces[i].addresses.n; m++)
			if (same_cidr(&g->interfaces[i].addresses.v[m], &a->at))
				return true;
	}
	return false;
}

static void
apply_interface(struct netd *n, const struct kernel *k, const struct conf_interface *c)
{
	const struct rtnet_link *l = link_named(k, c->names.v[0]);
	int r = 0;

	if (!l)
		return;
	set_link_switches(n, l);
	bool wants = c->off || c->addresses.n || c->mtu;
	if (wants && (l->up == c->off || (c->mtu && l->mtu != (uint32_t)c->mtu)))
		r = rtnet_link_set(n->net, l->index, !c->off, (uint32_t)c->mtu);
	if (r < 0)
		log_say(n->log, LOG_LEVEL_ERROR, "interface %s: cannot be set %s: %s", l->name,
		    c->off ? "down" : "up", strerror(-r));
	for (uint32_t i = 0; i < c->addresses.n; i++) {
		if (has_addr(k, l->index, &c->addresses.v[i]))
			continue;
		r = rtnet_addr_add(n->net, l->index, &c->addresses.v[i]);
		if (r < 0 && r != -EEXIST)
			log_say(n->log, LOG_LEVEL_ERROR, "interface %s: cannot take its address: %s",
			    l->name, strerror(-r));
	}
}

static void
drop_stale_addrs(struct netd *n, const struct kernel *k, bool all)
{
	for (size_t i = 0; i < k->naddrs; i++) {
		const struct rtnet_addr *a = &k->addrs[i];
		if (a->protocol != RTNET_PROTOCOL || (!all && addr_wanted(n, k, a)))
			continue;
		int r = rtnet_addr_del(n->net, a->index, &a->at);
		if (r < 0 && r != -EADDRNOTAVAIL)
			(void)!netd_fault(n, r, "cannot take back an address");
	}
}

/* Routes. */

static bool
same_way(const struct rtnet_route *a, const struct rtnet_route *b)
{
	return same_cidr(&a->to, &b->to) && memcmp(&a->via, &b->via, sizeof(a->via)) == 0 &&
	    (a->index == b->index || !a->index || !b->index);
}

/* IPv6 gives 1024 to a route that has no metric. */
static bool
same_metric(const struct rtnet_route *a, const struct rtnet_route *b)
{
	uint32_t own = addr_is_v4(&a->to.net) ? 0 : 1024;

	return (a->metric ? a->metric : own) == (b->metric ? b->metric : own);
}

/* False when its interface is not there. */
static bool
route_of(const struct kernel *k, const struct policy_route *p, struct rtnet_route *ret)
{
	const struct rtnet_link *l = p->interface.n ? link_named(k, p->interface) : NULL;

	*ret = (struct rtnet_route){ .to = p->to, .via = p->via, .metric = p->metric,
		.index = l ? l->index : 0, .type = RTN_UNICAST, .protocol = RTNET_PROTOCOL };
	return !p->interface.n || l;
}

static void
tell_route(struct netd *n, uint32_t i, int error)
{
	const struct policy_route *p = &n->policy->routes[i];
	char net[52];

	if (n->route_told[i] == (error < 0))
		return;
	n->route_told[i] = error < 0;
	ban_show_net(&p->to, net);
	if (error < 0)
		log_say(n->log, LOG_LEVEL_WARNING, "%.*s:%u: the route to %s is not in force: %s",
		    STR_FMT(p->file), p->where.line, net, error == -ENETUNREACH || error == -EHOSTUNREACH ?
		    "its router is on no network of ours (yet)" : strerror(-error));
	else
		log_say(n->log, LOG_LEVEL_INFO, "%.*s:%u: the route to %s is in force", STR_FMT(p->file),
		    p->where.line, net);
}

static void
apply_route(struct netd *n, const struct kernel *k, uint32_t i)
{
	struct rtnet_route want;
	const struct rtnet_route *rival = NULL;

	if (!route_of(k, &n->policy->routes[i], &want))
		return;
	for (size_t m = 0; m < k->nroutes; m++) {
		if (!same_cidr(&k->routes[m].to, &want.to) || !same_metric(&k->routes[m], &want))
			continue;
		if (same_way(&k->routes[m], &want)) {
			tell_route(n, i, 0);
			return;
		}
		rival = &k->routes[m];
	}
	int r = rtnet_route_add(n->net, &want, rival != NULL);
	if (r == 0 && rival && rival->protocol != RTNET_PROTOCOL)
		log_say(n->log, LOG_LEVEL_WARNING, "%.*s:%u: this route takes the place of one that was "
		    "there before Guarita", STR_FMT(n->policy->routes[i].file),
		    n->policy->routes[i].where.line);
	tell_route(n, i, r);
}

static bool
route_wanted(const struct netd *n, const struct kernel *k, const struct rtnet_route *r)
{
	for (uint32_t i = 0; i < n->policy->nroutes; i++) {
		struct rtnet_route want;
		if (route_of(k, &n->policy->routes[i], &want) && same_way(r, &want) &&
		    same_metric(r, &want))
			return true;
	}
	return false;
}

static void
drop_stale_routes(struct netd *n, const struct kernel *k, bool all)
{
	for (size_t i = 0; i < k->nroutes; i++) {
		const struct rtnet_route *r = &k->routes[i];
		if (r->protocol != RTNET_PROTOCOL || (!all && route_wanted(n, k, r)))
			continue;
		int e = rtnet_route_del(n->net, r);
		if (e < 0 && e != -ESRCH)
			(void)!netd_fault(n, e, "cannot take back a route");
	}
}

int
netd_net_apply(struct netd *n)
{
	struct kernel k = { .nlinks = 0 }, after = k;
	const struct conf_gate *g = &n->config->gate;

	set_switches(n);
	int r = kernel_read(n, &k);
	for (uint32_t i = 0; r == 0 && i < g->ninterfaces; i++)
		apply_interface(n, &k, &g->interfaces[i]);
	/* Links that were set up bring routes of their own. */
	if (r == 0)
		r = kernel_read(n, &after);
	for (uint32_t i = 0; r == 0 && i < n->policy->nroutes; i++)
		apply_route(n, &after, i);
	if (r == 0) {
		drop_stale_routes(n, &after, false);
		drop_stale_addrs(n, &after, false);
	}
	kernel_free(&k);
	kernel_free(&after);
	return r < 0 ? netd_fault(n, r, "cannot read the kernel's network configuration") : 0;
}

int
netd_release(struct netd *n)
{
	struct kernel k = { .nlinks = 0 };
	int r = nft_drop_table(n->nft);

	if (r == -ENOENT)
		r = 0;
	if (r < 0)
		(void)!netd_fault(n, r, "cannot remove the rules");
	int e = kernel_read(n, &k);
	if (e == 0) {
		drop_stale_routes(n, &k, true);
		drop_stale_addrs(n, &k, true);
	}
	kernel_free(&k);
	return r < 0 ? r : e;
}
