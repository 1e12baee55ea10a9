/*
 * sessions: see sessions.h. Must never call a connection forbidden that the rules allow; what cannot be judged lives.
 */
#include "console/gate/sessions.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/hash.h"

struct looking {
	const struct sessions_kernel *kernel;
	const struct policy *policy;
	struct arena arena;
	struct strmap elements;        /* set and key of what the kernel holds */
	int set;                       /* being listed */
	struct rtnet_link *links;
	struct rtnet_addr *addrs;
	struct rtnet_route *routes;
	size_t nlinks, naddrs, nroutes;
	void (*fn)(void *ctx, const struct conntrack_flow *f, const struct eval_way *way);
	void *ctx;
	uint64_t *seen;
	bool full;
};

/* Appends one of `size` bytes to an array that grows at powers of two. */
static void
keep(struct looking *x, void **v, size_t *n, const void *one, size_t size)
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
	struct looking *x = ctx;
	void *v = x->links;

	keep(x, &v, &x->nlinks, l, sizeof(*l));
	x->links = v;
}

static void
on_addr(void *ctx, const struct rtnet_addr *a)
{
	struct looking *x = ctx;
	void *v = x->addrs;

	keep(x, &v, &x->naddrs, a, sizeof(*a));
	x->addrs = v;
}

static void
on_route(void *ctx, const struct rtnet_route *r)
{
	struct looking *x = ctx;
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
	struct looking *x = ctx;
	char key[48];
	struct str copy = arena_str(&x->arena, str_of(key, element_key(x->set, e->key, e->n, key)));

	if (!copy.p || strmap_put(&x->elements, copy, 1) < 0)
		x->full = true;
}

/* The world as the kernel has it. */

static bool
is_here(void *ctx, const struct addr *a)
{
	const struct looking *x = ctx;

	for (size_t i = 0; i < x->naddrs; i++)
		if (memcmp(&x->addrs[i].at.net, a, sizeof(*a)) == 0)
			return true;
	return false;
}

static struct str
way_to(void *ctx, const struct addr *a)
{
	const struct looking *x = ctx;
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
	const struct looking *x = ctx;
	int i = (int)(set - x->policy->sets);
	struct nft_element e = set->kind == POLICY_SET_IFACE ? nft_key_name(interface) : nft_key_addr(a);
	char key[48];

	(void)p;
	/* What is banned was cut when it was banned. */
	return i >= POLICY_OWN_SETS &&
	    strmap_get(&x->elements, str_of(key, element_key(i, e.key, e.n, key))) != STRMAP_NONE;
}

/* The packet that began it, as far as it can still be known. */
static bool
first_packet(const struct looking *x, const struct conntrack_flow *f, struct eval_packet *p)
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
	struct looking *x = ctx;
	struct eval_world world = { .ctx = x, .is_here = is_here, .way_to = way_to, .has = has };
	struct eval_packet p;
	struct eval_way way;

	++*x->seen;
	if (!first_packet(x, f, &p))
		return;
	eval(x->policy, &world, &p, &way);
	if (way.verdict != POLICY_ACCEPT && !way.no_route)
		x->fn(x->ctx, f, &way);
}

/* The world first, then the connections. A set that is not in the kernel yet is empty. */
static int
look(struct looking *x)
{
	const struct sessions_kernel *k = x->kernel;
	int r = rtnet_links(k->net, on_link, x);

	if (r == 0)
		r = rtnet_addrs(k->net, on_addr, x);
	if (r == 0)
		r = rtnet_routes(k->net, on_route, x);
	for (x->set = POLICY_OWN_SETS; r == 0 && x->set < (int)x->policy->nsets; x->set++) {
		r = nft_list(k->nft, x->policy->sets[x->set].nft, on_element, x);
		r = r == -ENOENT ? 0 : r;
	}
	if (r == 0 && x->full)
		r = -ENOMEM;
	/* Both families in one walk: it is the kernel's whole table that costs, 262,144 chains where it is of its usual size. */
	return r == 0 ? conntrack_each(k->ct, AF_UNSPEC, on_flow, x) : r;
}

int
sessions_forbidden(const struct sessions_kernel *k, const struct policy *p,
    void (*fn)(void *ctx, const struct conntrack_flow *f, const struct eval_way *way), void *ctx, uint64_t *ret_seen)
{
	uint64_t seen = 0;
	struct looking x = { .kernel = k, .policy = p, .arena.max = 64u << 20, .fn = fn, .ctx = ctx, .seen = &seen };
	int r = look(&x);

	strmap_free(&x.elements);
	arena_free(&x.arena);
	free(x.links);
	free(x.addrs);
	free(x.routes);
	if (r == 0)
		*ret_seen = seen;
	return r;
}
