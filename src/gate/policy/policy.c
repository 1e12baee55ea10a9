/*
 * policy: the order in which a policy is built, and its finish: rules hook by hook, each with an
 * identity that lasts as long as it says the same.
 */
#include "gate/policy/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/when.h"
#include "gate/nft/text.h"
#include "gate/policy/build.h"

static const char *const hook_names[] = {
	[POLICY_RAW_IN] = "raw", [POLICY_MARK_IN] = "prerouting", [POLICY_DNAT] = "dstnat",
	[POLICY_INPUT] = "input", [POLICY_FORWARD] = "forward", [POLICY_OUTPUT] = "output",
	[POLICY_RAW_OUT] = "raw-out", [POLICY_SNAT] = "srcnat", [POLICY_DNAT_OUT] = "dstnat-out",
};
static const char *const verdict_names[] = {
	[POLICY_GO_ON] = "count", [POLICY_ACCEPT] = "allow", [POLICY_DROP] = "drop",
	[POLICY_REJECT] = "reject", [POLICY_MASQUERADE] = "masquerade",
	[POLICY_SNAT_TO] = "source becomes", [POLICY_DNAT_TO] = "leads to", [POLICY_SYNPROXY] = "ask for a cookie",
};

const char *
policy_hook_name(enum policy_hook h)
{
	return h < ARRAY_LEN(hook_names) ? hook_names[h] : "?";
}

const char *
policy_verdict_name(enum policy_verdict v)
{
	return v < ARRAY_LEN(verdict_names) ? verdict_names[v] : "?";
}

struct policy_rule
rule_blank(const struct building *b, struct conf_pos where, const char *word)
{
	return (struct policy_rule){
		.protocol = POLICY_ANY_PROTOCOL, .in_set = POLICY_NO_SET, .src_set = POLICY_NO_SET,
		.dst_set = POLICY_NO_SET, .add_src = POLICY_NO_SET, .meter = POLICY_NO_SET, .where = where, .word = word,
		.file = where.line ? diags_file_name(b->d, where.file) : STR_NULL,
	};
}

void
rule_add(struct building *b, const struct policy_rule *r)
{
	struct rule_list *l = &b->hooks[r->hook];

	if (l->n == l->size) {
		uint32_t size = l->size ? l->size * 2 : 64;
		void *v = size <= POLICY_RULES_MAX ? reallocarray(l->v, size, sizeof(*l->v)) : NULL;
		if (!v) {
			b->full = true;
			return;
		}
		l->v = v;
		l->size = size;
	}
	l->v[l->n++] = *r;
}

void
rule_insert(struct building *b, uint32_t at, const struct policy_rule *r)
{
	struct rule_list *l = &b->hooks[r->hook];
	struct policy_rule copy = *r;  /* which may be one of the list */

	rule_add(b, &copy);
	if (b->full)
		return;
	memmove(l->v + at + 1, l->v + at, (l->n - 1 - at) * sizeof(*l->v));
	l->v[at] = copy;
}

/* One protocol of the parts: its ports or types. Every port: no range at all. */
static void
take_ranges(struct building *b, struct policy_rule *r, const struct service_parts *parts)
{
	bool icmp = r->protocol == IPPROTO_ICMP || r->protocol == IPPROTO_ICMPV6;
	struct policy_ranges *to = icmp ? &r->icmp : &r->dports;

	to->v = ARENA_ARRAY(b->a, struct policy_range, parts->n);
	to->n = 0;
	b->full |= !to->v;
	for (uint32_t i = 0; to->v && i < parts->n; i++) {
		if (parts->v[i].protocol != r->protocol)
			continue;
		if (parts->v[i].range.from == 0 && parts->v[i].range.to == 65535) {
			to->n = 0;
			return;
		}
		to->v[to->n++] = parts->v[i].range;
	}
}

static void
spread_protocols(struct building *b, const struct policy_rule *like,
    const struct service_parts *parts)
{
	bool done[256] = { false };

	if (!parts || parts->n == 0) {
		rule_add(b, like);
		return;
	}
	for (uint32_t i = 0; i < parts->n; i++) {
		struct policy_rule r = *like;
		uint8_t only = parts->v[i].protocol == IPPROTO_ICMP ? 4 :
		    parts->v[i].protocol == IPPROTO_ICMPV6 ? 6 : 0;
		r.protocol = parts->v[i].protocol;
		if (done[r.protocol] || (only && r.family && r.family != only))
			continue;
		done[r.protocol] = true;
		r.family = only ? only : r.family;
		take_ranges(b, &r, parts);
		rule_add(b, &r);
	}
}

static bool
side_has_nets(const struct side *s)
{
	return s->nets[0].n || s->nets[1].n;
}

void
rule_spread(struct building *b, const struct policy_rule *like, const struct side *from,
    const struct side *to, const struct service_parts *parts)
{
	struct policy_rule r = *like;

	if (from->interfaces.n)
		r.in = from->interfaces;
	if (to->interfaces.n)
		r.out = to->interfaces;
	if (!side_has_nets(from) && !side_has_nets(to)) {
		spread_protocols(b, &r, parts);
		return;
	}
	for (int six = 0; six < 2; six++) {
		if ((side_has_nets(from) && !from->nets[six].n) ||
		    (side_has_nets(to) && !to->nets[six].n) ||
		    (like->family && like->family != (six ? 6 : 4)))
			continue;
		r.family = six ? 6 : 4;
		r.src = from->nets[six];
		r.dst = to->nets[six];
		spread_protocols(b, &r, parts);
	}
}

/* Sets. */

int
set_named(const struct policy *p, struct str name, enum policy_set_kind kind)
{
	for (uint32_t i = 0; i < p->nsets; i++)
		if (p->sets[i].kind == kind && str_eq(p->sets[i].name, name))
			return (int)i;
	return POLICY_NO_SET;
}

int
set_add(struct building *b, struct str name, enum policy_set_kind kind, const char *nft)
{
	struct policy_set *s = &b->p->sets[b->p->nsets];

	*s = (struct policy_set){ .name = name, .kind = kind };
	snprintf(s->nft, sizeof(s->nft), "%s", nft);
	return (int)b->p->nsets++;
}

static const struct {
	const char *nft;
	enum policy_set_kind kind;
} own_sets[POLICY_OWN_SETS] = {
	[POLICY_BAN4] = { "ban4", POLICY_SET_ADDR4 },
	[POLICY_BAN6] = { "ban6", POLICY_SET_ADDR6 },
	[POLICY_BANNET4] = { "bannet4", POLICY_SET_NET4 },
	[POLICY_BANNET6] = { "bannet6", POLICY_SET_NET6 },
	[POLICY_BANPORT4] = { "banport4", POLICY_SET_PORT4 },
	[POLICY_BANPORT6] = { "banport6", POLICY_SET_PORT6 },
};

/* The operator's name stays out of the kernel's: its words and ours are different languages. */
static void
add_list(struct building *b, const struct conf_list *l)
{
	uint64_t h = hash_bytes(l->name, 0);
	char nft[24];

	if (set_named(b->p, l->name, POLICY_SET_ADDR4) != POLICY_NO_SET) {
		build_fault(b, l->where, l->name, NULL, "the list `%.*s` is there already",
		    STR_FMT(l->name));
		return;
	}
	for (int six = 0; six < 2; six++) {
		snprintf(nft, sizeof(nft), "l%012llx_%c", (unsigned long long)h & 0xffffffffffff,
		    six ? '6' : '4');
		int i = set_add(b, l->name, six ? POLICY_SET_ADDR6 : POLICY_SET_ADDR4, nft);
		b->p->sets[i].learns = true;
		b->p->sets[i].timeout_us = l->timeout_us;
	}
}

/* Whom peekd suspects; where they are slowed, what each of them sends is counted. */
static void
add_suspects(struct building *b)
{
	static const struct { const char *name, *nft[2]; } both[] = {
		{ POLICY_SUSPECTS, { "p2p4", "p2p6" } }, { "p2p-slowed", { "p2pslow4", "p2pslow6" } },
	};
	size_t n = b->g->p2p->encrypted == CONF_P2P_SLOW ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		for (int six = 0; six < 2; six++) {
			int s = set_add(b, str_z(both[i].name), six ? POLICY_SET_ADDR6 : POLICY_SET_ADDR4, both[i].nft[six]);
			b->p->sets[s].learns = i > 0;
			b->p->sets[s].timeout_us = i > 0 ? WHEN_MINUTE : 10 * WHEN_MINUTE;
			if (i == 0)
				b->p->suspects[six] = s;
		}
	}
}

static void
build_sets(struct building *b)
{
	b->p->sets = ARENA_ARRAY(b->a, struct policy_set,
	    POLICY_OWN_SETS + 2 * (size_t)b->g->nlists + b->g->nfallbacks + 4 + 2);
	if (!b->p->sets) {
		b->full = true;
		return;
	}
	for (int i = 0; i < POLICY_OWN_SETS; i++)
		set_add(b, STR("banned"), own_sets[i].kind, own_sets[i].nft);
	if (b->g->p2p)
		add_suspects(b);
	for (uint32_t i = 0; i < b->g->nlists; i++)
		add_list(b, &b->g->lists[i]);
}

/* Routes. */

static void
add_route(struct building *b, const struct policy_route *r)
{
	if (b->p->nroutes < POLICY_RULES_MAX)
		b->p->routes[b->p->nroutes++] = *r;
}

static bool
addr_given(const struct addr *a)
{
	static const struct addr none;

	return memcmp(a, &none, sizeof(none)) != 0;
}

static void
add_default(struct building *b, const struct conf_interface *i, const struct addr *via)
{
	struct policy_route r = { .via = *via, .interface = i->names.v[0], .where = i->where,
		.file = diags_file_name(b->d, i->where.file), .word = "gateway" };

	if (!addr_given(via))
		return;
	if (addr_is_v4(via)) {
		r.to.net.b[10] = r.to.net.b[11] = 0xff;
		r.to.bits = 96;
	}
	add_route(b, &r);
}

static void
add_branch_routes(struct building *b, const struct conf_branch *s)
{
	for (uint32_t i = 0; i < s->networks.n; i++) {
		struct policy_route r = { .to = s->networks.v[i], .where = s->where, .word = "branch",
			.file = diags_file_name(b->d, s->where.file) };
		if (addr_given(&s->via) && addr_is_v4(&s->via) == addr_is_v4(&r.to.net))
			r.via = s->via;
		if (s->interfaces.n == 1 && str_find_byte(s->interfaces.v[0], '*') ==
		    s->interfaces.v[0].n)
			r.interface = s->interfaces.v[0];
		if (r.interface.n || addr_given(&r.via))
			add_route(b, &r);
	}
}

static void
build_routes(struct building *b)
{
	const struct conf_gate *g = b->g;
	size_t most = 2 * (size_t)g->ninterfaces + g->nroutes;

	for (uint32_t i = 0; i < g->nbranches; i++)
		most += g->branches[i].networks.n;
	b->p->routes = ARENA_ARRAY(b->a, struct policy_route, most ? most : 1);
	if (!b->p->routes) {
		b->full = true;
		return;
	}
	for (uint32_t i = 0; i < g->ninterfaces; i++) {
		add_default(b, &g->interfaces[i], &g->interfaces[i].gateway);
		add_default(b, &g->interfaces[i], &g->interfaces[i].gateway6);
	}
	for (uint32_t i = 0; i < g->nroutes; i++) {
		const struct conf_route *c = &g->routes[i];
		struct policy_route r = { .to = c->to.v[0], .via = c->via, .interface = c->interface,
			.metric = (uint32_t)c->metric, .where = c->where, .word = "route",
			.file = diags_file_name(b->d, c->where.file) };
		if (!addr_given(&c->via) && !c->interface.n)
			build_fault(b, c->where, STR("route"), "example: route 10.20.0.0/16 via 192.168.0.1;",
			    "the route says neither `via` whom nor `through` what");
		else if (addr_given(&c->via) && addr_is_v4(&c->via) != addr_is_v4(&c->to.v[0].net))
			build_fault(b, c->where, STR("via"), NULL,
			    "an IPv4 network needs an IPv4 router, an IPv6 network an IPv6 one");
		add_route(b, &r);
	}
	for (uint32_t i = 0; i < g->nbranches; i++)
		add_branch_routes(b, &g->branches[i]);
}

uint32_t
mark_number(struct building *b, struct str name)
{
	struct policy *p = b->p;

	for (uint32_t i = 0; i < p->nmarks; i++)
		if (str_eq(p->marks[i], name))
			return i + 1;
	if (p->nmarks == POLICY_MARKS_MAX)
		return 0;
	p->marks[p->nmarks++] = name;
	return p->nmarks;
}

/*
 * Rules of the same text are told apart by how many came before, so that each keeps its counter
 * when others come and go.
 */
static int
give_ids(struct building *b)
{
	struct policy *p = b->p;
	struct buf text = BUF_INIT(1 << 20);
	struct strmap seen = { 0 };
	int r = 0;

	for (uint32_t i = 0; i < p->nrules && r == 0; i++) {
		uint32_t again = 0;
		buf_reset(&text);
		nft_text_body(p, &p->rules[i], &text);
		uint64_t h = hash_mix(hash_bytes(buf_str(&text), 0), p->rules[i].hook);
		do {
			p->rules[i].id = hash_mix(h, again++);
		} while (strmap_get(&seen, str_of((char *)&p->rules[i].id, 8)) != STRMAP_NONE);
		r = buf_ok(&text) ? strmap_put(&seen, str_of((char *)&p->rules[i].id, 8), i) : -ENOMEM;
	}
	strmap_free(&seen);
	buf_free(&text);
	return r;
}

static int
finish(struct building *b)
{
	struct policy *p = b->p;
	size_t n = 0;

	for (int h = 0; h < POLICY_HOOKS; h++)
		n += b->hooks[h].n;
	p->rules = ARENA_ARRAY(b->a, struct policy_rule, n ? n : 1);
	if (!p->rules)
		return -ENOMEM;
	for (int h = 0; h < POLICY_HOOKS; h++) {
		p->first[h] = p->nrules;
		if (b->hooks[h].n)
			memcpy(p->rules + p->nrules, b->hooks[h].v,
			    b->hooks[h].n * sizeof(*p->rules));
		p->nrules += b->hooks[h].n;
	}
	p->first[POLICY_HOOKS] = p->nrules;
	return give_ids(b);
}

static int
build(struct building *b)
{
	size_t before = diags_errors(b->d);

	build_zones(b);
	build_check_names(b);
	build_sets(b);
	if (!b->full) {
		build_before(b);
		build_written(b);
		build_nat(b);
		build_branches(b);
		build_vpn(b);
		build_fallbacks(b);
		build_p2p(b);
		build_after(b);
		build_syn(b);
		build_routes(b);
	}
	if (b->full) {
		diag_error(b->d, (struct conf_pos){ .line = 1, .col = 1 }, 1, NULL,
		    "more rules than the gate can hold");
		return -ENOMEM;
	}
	return diags_errors(b->d) != before ? -EINVAL : finish(b);
}

/* The lists of the hooks grow out of the arena: only what they end as stays. */
int
policy_build(struct arena *a, const struct config *c, struct diags *d, struct policy **ret)
{
	struct building b = { .a = a, .c = c, .g = &c->gate, .d = d, .p = ARENA_NEW(a, struct policy) };
	int r;

	if (!b.p)
		return -ENOMEM;
	b.p->config = c;
	b.p->suspects[0] = b.p->suspects[1] = POLICY_NO_SET;
	r = build(&b);
	for (int h = 0; h < POLICY_HOOKS; h++)
		free(b.hooks[h].v);
	if (r == 0)
		*ret = b.p;
	return r;
}
