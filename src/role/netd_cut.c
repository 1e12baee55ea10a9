/*
 * netd_cut: after new rules came into force, connections that they would not have let begin are
 * forgotten: as established ones they would live on for ever. Must never cut one that the rules
 * allow; what cannot be judged lives.
 */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/hash.h"
#include "gate/eval.h"
#include "role/netd.h"

#define CUT_MAX 65536

struct cutting {
	struct netd *n;
	struct arena arena;
	struct strmap elements;        /* set and key of what the kernel holds */
	int set;                       /* being listed */
	struct rtnet_link *links;
	struct rtnet_addr *addrs;
	struct rtnet_route *routes;
	struct conntrack_flow *forbidden;
	size_t nlinks, naddrs, nroutes, nforbidden;
	bool full;
};

/* Appends one of `size` bytes to an array that grows at powers of two. */
static void
keep(struct cutting *x, void **v, size_t *n, const void *one, size_t size)
{
	void *grown = (*n & (*n - 1)) == 0 ? reallocarray(*v, *n ? *n * 2 : 1, size) : *v;

	if (!grown) {
		x->full = true;
		return;
	}
	*v = grown;
	memcpy((char *)grown + *n * size, one, size);
	++*n;
}

static void
on_link(void *ctx, const struct rtnet_link *l)
{
	struct cutting *x = ctx;
	void *v = x->links;

	keep(x, &v, &x->nlinks, l, sizeof(*l));
	x->links = v;
}

static void
on_addr(void *ctx, const struct rtnet_addr *a)
{
	struct cutting *x = ctx;
	void *v = x->addrs;

	keep(x, &v, &x->naddrs, a, sizeof(*a));
	x->addrs = v;
}

static void
on_route(void *ctx, const struct rtnet_route *r)
{
	struct cutting *x = ctx;
	void *v = x->routes;

	if (r->type != RTN_UNICAST || r->dead)
		return;
	keep(x, &v, &x->nroutes, r, sizeof(*r));
	x->routes = v;
}

static size_t
element_key(int set, const uint8_t *key, size_t n, char dst[48])
{
	dst[0] = (char)set;
	dst[1] = (char)(set >> 8);
	memcpy(dst + 2, key, n);
	return n + 2;
}

static void
on_element(void *ctx, const struct nft_element *e)
{
	struct cutting *x = ctx;
	char key[48];
	struct str copy = arena_str(&x->arena, str_of(key, element_key(x->set, e->key, e->n, key)));

	if (!copy.p || strmap_put(&x->elements, copy, 1) < 0)
		x->full = true;
}

/* The world as the kernel has it. */

static bool
is_here(void *ctx, const struct addr *a)
{
	const struct cutting *x = ctx;

	for (size_t i = 0; i < x->naddrs; i++)
		if (memcmp(&x->addrs[i].at.net, a, sizeof(*a)) == 0)
			return true;
	return false;
}

static struct str
way_to(void *ctx, const struct addr *a)
{
	const struct cutting *x = ctx;
	const struct rtnet_route *best = NULL;

	for (size_t i = 0; i < x->nroutes; i++) {
		const struct rtnet_route *r = &x->routes[i];
		if (addr_is_v4(&r->to.net) == addr_is_v4(a) && cidr_has(&r->to, a) && (!best ||
		    r->to.bits > best->to.bits ||
		    (r->to.bits == best->to.bits && r->metric < best->metric)))
			best = r;
	}
	for (size_t i = 0; best && i < x->nlinks; i++)
		if (x->links[i].index == best->index)
			return str_z(x->links[i].name);
	return STR_NULL;
}

static bool
has(void *ctx, const struct policy_set *set, const struct addr *a, const struct eval_packet *p,
    struct str interface)
{
	const struct cutting *x = ctx;
	int i = (int)(set - x->n->policy->sets);
	struct nft_element e = set->kind == POLICY_SET_IFACE ? nft_key_name(interface) : nft_key_addr(a);
	char key[48];

	(void)p;
	/* What is banned was cut when it was banned. */
	return i >= POLICY_OWN_SETS &&
	    strmap_get(&x->elements, str_of(key, element_key(i, e.key, e.n, key))) != STRMAP_NONE;
}

/* The packet that began it, as far as it can still be known. */
static bool
first_packet(const struct cutting *x, const struct conntrack_flow *f, struct eval_packet *p)
{
	bool icmp = f->orig.protocol == IPPROTO_ICMP || f->orig.protocol == IPPROTO_ICMPV6;

	*p = (struct eval_packet){ .src = f->orig.src, .dst = f->orig.dst, .protocol = f->orig.protocol,
		.sport = f->orig.sport, .dport = f->orig.dport, .state = POLICY_NEW, .way = POLICY_ORIGINAL,
		.count = 1, .ct_mark = f->mark, .translated = f->status & IPS_DST_NAT };
	if (icmp)
		p->icmp_type = (uint8_t)(f->orig.dport >> 8);
	/* Belongs to another connection: the rules speak of that one. */
	if (f->status & IPS_EXPECTED)
		return false;
	if (is_here((void *)(uintptr_t)x, &p->src))
		return !is_here((void *)(uintptr_t)x, &p->dst);
	p->in = way_to((void *)(uintptr_t)x, &p->src);
	return p->in.n > 0;
}

static void
on_flow(void *ctx, const struct conntrack_flow *f)
{
	struct cutting *x = ctx;
	struct eval_world world = { .ctx = x, .is_here = is_here, .way_to = way_to, .has = has };
	struct eval_packet p;
	struct eval_way way;
	void *v = x->forbidden;

	if (x->nforbidden == CUT_MAX || !first_packet(x, f, &p))
		return;
	eval(x->n->policy, &world, &p, &way);
	if (way.verdict == POLICY_ACCEPT || way.no_route)
		return;
	keep(x, &v, &x->nforbidden, f, sizeof(*f));
	x->forbidden = v;
}

static int
look(struct cutting *x)
{
	struct netd *n = x->n;
	int r = rtnet_links(n->net, on_link, x);

	if (r == 0)
		r = rtnet_addrs(n->net, on_addr, x);
	if (r == 0)
		r = rtnet_routes(n->net, on_route, x);
	for (x->set = POLICY_OWN_SETS; r == 0 && x->set < (int)n->policy->nsets; x->set++)
		r = nft_list(n->nft, n->policy->sets[x->set].nft, on_element, x);
	if (r == 0 && x->full)
		r = -ENOMEM;
	if (r == 0)
		r = conntrack_each(n->ct, AF_INET, on_flow, x);
	return r == 0 ? conntrack_each(n->ct, AF_INET6, on_flow, x) : r;
}

void
netd_cut_forbidden(struct netd *n)
{
	struct cutting x = { .n = n, .arena.max = 64u << 20 };
	uint32_t cut = 0;
	int r = look(&x);

	for (size_t i = 0; i < x.nforbidden && r == 0; i++) {
		r = conntrack_cut(n->ct, &x.forbidden[i]);
		cut += r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	if (r < 0)
		(void)!netd_fault(n, r, "cannot look for connections that the new rules forbid");
	else if (cut)
		log_say(n->log, LOG_LEVEL_INFO, "%u connections that the new rules forbid were cut", cut);
	n->cut += cut;
	strmap_free(&x.elements);
	arena_free(&x.arena);
	free(x.links);
	free(x.addrs);
	free(x.routes);
	free(x.forbidden);
}
