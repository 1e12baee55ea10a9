/*
 * words: allow, deny, reject, rule, masquerade, forward, branch and fallback as rules. Must
 * never widen what was written: what cannot be expressed is a fault.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "base/when.h"
#include "gate/policy/build.h"

static const char *const words[] = {
	[CONF_ALLOW] = "allow", [CONF_DENY] = "deny", [CONF_REJECT] = "reject", [CONF_COUNT] = "count",
};
static const enum policy_verdict verdicts[] = {
	[CONF_ALLOW] = POLICY_ACCEPT, [CONF_DENY] = POLICY_DROP, [CONF_REJECT] = POLICY_REJECT,
	[CONF_COUNT] = POLICY_GO_ON,
};
static const enum policy_hook hooks[] = {
	[CONF_CHAIN_PREROUTING] = POLICY_MARK_IN, [CONF_CHAIN_INPUT] = POLICY_INPUT,
	[CONF_CHAIN_FORWARD] = POLICY_FORWARD, [CONF_CHAIN_OUTPUT] = POLICY_OUTPUT,
};
static const unsigned states[] = {
	[CONF_STATE_ANY] = 0, [CONF_STATE_NEW] = POLICY_NEW,
	[CONF_STATE_ESTABLISHED] = POLICY_ESTABLISHED | POLICY_RELATED,
	[CONF_STATE_INVALID] = POLICY_INVALID,
};

static bool
take_source_ports(struct building *b, const struct conf_gate_rule *c, struct policy_rule *r)
{
	r->sports.v = ARENA_ARRAY(b->a, struct policy_range, c->source_ports.n ? c->source_ports.n : 1);
	if (!r->sports.v)
		return false;
	for (uint32_t i = 0; i < c->source_ports.n; i++) {
		if (service_range(c->source_ports.v[i], &r->sports.v[i]) < 0) {
			build_fault(b, c->where, c->source_ports.v[i], "example: source-port 1024-65535;",
			    "`%.*s` is neither a port nor a range of ports",
			    STR_FMT(c->source_ports.v[i]));
			return false;
		}
	}
	r->sports.n = c->source_ports.n;
	return true;
}

static bool
take_marks(struct building *b, const struct conf_gate_rule *c, struct policy_rule *r)
{
	if (str_eq(c->mark, STR("p2p"))) {
		r->ct_mark = POLICY_P2P_MARK;
		r->ct_mask = POLICY_P2P_MASK;
	} else if (c->mark.n) {
		r->mark = mark_number(b, c->mark);
		r->mark_mask = POLICY_NAMED_MASK;
	}
	if (str_eq(c->set_mark, STR("p2p"))) {
		r->set_ct = POLICY_P2P_MARK;
		r->set_ct_mask = POLICY_P2P_MASK;
	} else if (c->set_mark.n) {
		r->set_mark = mark_number(b, c->set_mark);
		r->set_mark_mask = POLICY_NAMED_MASK;
	}
	if ((r->mark_mask && !r->mark) || (r->set_mark_mask && !r->set_mark)) {
		build_fault(b, c->where, c->mark, NULL, "more than %d marks", POLICY_MARKS_MAX);
		return false;
	}
	return true;
}

static bool
list_known(struct building *b, const struct conf_gate_rule *c, struct str name)
{
	if (set_named(b->p, name, POLICY_SET_ADDR4) != POLICY_NO_SET)
		return true;
	build_fault(b, c->where, name, "declare it: list knockers { timeout 10m; }",
	    "there is no list `%.*s`", STR_FMT(name));
	return false;
}

/* What does not depend on the ends of the rule. */
static bool
take_plain(struct building *b, const struct conf_gate_rule *c, struct policy_rule *r)
{
	r->verdict = verdicts[c->action];
	r->states = states[c->state];
	r->log = c->log;
	r->comment = c->comment;
	if (c->limit && c->limit->per_us != WHEN_SECOND && c->limit->per_us != WHEN_MINUTE &&
	    c->limit->per_us != WHEN_HOUR && c->limit->per_us != WHEN_DAY) {
		build_fault(b, c->where, STR("limit"), "example: limit 10 per 1m;",
		    "a limit is per 1s, 1m, 1h or 1d");
		return false;
	}
	if (c->limit) {
		r->rate = c->limit->count;
		r->rate_per_us = c->limit->per_us;
	}
	if (c->set_mark.n && c->action != CONF_COUNT) {
		build_fault(b, c->where, STR("set-mark"), "example: rule prerouting count { set-mark voice; }",
		    "only a rule that counts can set a mark");
		return false;
	}
	return take_source_ports(b, c, r) && take_marks(b, c, r) &&
	    (!c->list.n || list_known(b, c, c->list)) &&
	    (!c->remember || list_known(b, c, c->remember->list));
}

/* Both families of a list, and what is always in it: a rule each. */
static void
spread_lists(struct building *b, const struct conf_gate_rule *c, struct policy_rule *r,
    const struct side *from, const struct side *to, const struct service_parts *parts)
{
	struct str name = c->list.n ? c->list : c->remember ? c->remember->list : STR_NULL;

	if (!name.n) {
		rule_spread(b, r, from, to, parts);
		return;
	}
	for (int six = 0; six < 2; six++) {
		struct policy_rule one = *r;
		one.family = six ? 6 : 4;
		if (c->list.n)
			one.src_set = set_named(b->p, c->list,
			    six ? POLICY_SET_ADDR6 : POLICY_SET_ADDR4);
		if (c->remember) {
			one.add_src = set_named(b->p, c->remember->list,
			    six ? POLICY_SET_ADDR6 : POLICY_SET_ADDR4);
			one.add_us = c->remember->for_us;
		}
		rule_spread(b, &one, from, to, parts);
	}
	for (uint32_t i = 0; c->list.n && i < b->g->nlists; i++) {
		struct sides always;
		struct conf_strs none = { .n = 0 };
		if (!str_eq(b->g->lists[i].name, c->list) || !b->g->lists[i].nets.n ||
		    from->nets[0].n || from->nets[1].n || !sides_resolve(b, none, c->where, &always))
			continue;
		struct side with = *from;
		for (uint32_t k = 0; k < b->g->lists[i].nets.n; k++) {
			const struct cidr *net = &b->g->lists[i].nets.v[k];
			int six = !addr_is_v4(&net->net);
			with.nets[six] = cidrs_join(b, with.nets[six],
			    (struct conf_cidrs){ .v = &b->g->lists[i].nets.v[k], .n = 1 });
		}
		rule_spread(b, r, &with, to, parts);
	}
}

/* The hook that two ends mean; false after a fault. */
static bool
choose_hook(struct building *b, const struct conf_gate_rule *c, const struct side *from,
    const struct side *to, struct policy_rule *r)
{
	if (c->chain != CONF_CHAIN_AUTO) {
		r->hook = hooks[c->chain];
		return true;
	}
	if (from->gateway && to->gateway) {
		build_fault(b, c->where, STR("gateway"), NULL,
		    "what the gateway says to itself is not filtered");
		return false;
	}
	r->hook = from->gateway ? POLICY_OUTPUT : to->gateway ? POLICY_INPUT : POLICY_FORWARD;
	return true;
}

/* Interfaces that the hook cannot know, or that are said twice. */
static bool
check_interfaces(struct building *b, const struct conf_gate_rule *c, const struct policy_rule *r,
    const struct side *from, const struct side *to)
{
	bool out_known = r->hook == POLICY_FORWARD || r->hook == POLICY_OUTPUT;
	bool in_known = r->hook != POLICY_OUTPUT;

	if ((!in_known && (c->in.n || from->interfaces.n)) ||
	    (!out_known && (c->out.n || to->interfaces.n))) {
		build_fault(b, c->where, c->out.n && !out_known ? STR("out") : STR("in"),
		    "use addresses, or another chain",
		    "in %s the interface that a packet %s by is not known",
		    policy_hook_name(r->hook), in_known ? "leaves" : "came in");
		return false;
	}
	if ((c->in.n && from->interfaces.n) || (c->out.n && to->interfaces.n)) {
		build_fault(b, c->where, c->in.n ? STR("in") : STR("out"), "say one of them",
		    "the rule names both a zone and an interface for the same end");
		return false;
	}
	return true;
}

static void
build_rule(struct building *b, const struct conf_gate_rule *c)
{
	struct policy_rule like = rule_blank(b, c->where, words[c->action]);
	struct sides from, to;
	struct service_parts *parts = ARENA_NEW(b->a, struct service_parts);

	if (c->disabled)
		return;
	if (!parts) {
		b->full = true;
		return;
	}
	if (!take_plain(b, c, &like) || !sides_resolve(b, c->from, c->where, &from) ||
	    !sides_resolve(b, c->to, c->where, &to) ||
	    !services_resolve(b, c->services, c->where, parts))
		return;
	like.in = c->in;
	like.out = c->out;
	for (uint32_t i = 0; i < from.n; i++) {
		for (uint32_t k = 0; k < to.n; k++) {
			struct policy_rule r = like;
			if (!choose_hook(b, c, &from.v[i], &to.v[k], &r) ||
			    !check_interfaces(b, c, &r, &from.v[i], &to.v[k]))
				return;
			spread_lists(b, c, &r, &from.v[i], &to.v[k], parts);
		}
	}
}

void
build_written(struct building *b)
{
	for (uint32_t i = 0; i < b->g->nrules; i++)
		build_rule(b, &b->g->rules[i]);
}

/* Translation of addresses. */

static bool
addr_given(const struct addr *a)
{
	static const struct addr none;

	return memcmp(a, &none, sizeof(none)) != 0;
}

static void
build_masquerade(struct building *b, const struct conf_masquerade *c)
{
	struct policy_rule r = rule_blank(b, c->where, "masquerade");
	struct sides from, to;

	if (c->disabled || !sides_resolve(b, c->from, c->where, &from) ||
	    !sides_resolve(b, c->to, c->where, &to))
		return;
	r.hook = POLICY_SNAT;
	r.verdict = addr_given(&c->address) ? POLICY_SNAT_TO : POLICY_MASQUERADE;
	r.to = c->address;
	r.comment = c->comment;
	/* IPv6 needs no translation, and loses by it; who wants it says the address. */
	r.family = r.verdict == POLICY_SNAT_TO && !addr_is_v4(&c->address) ? 6 : 4;
	for (uint32_t i = 0; i < from.n; i++) {
		for (uint32_t k = 0; k < to.n; k++) {
			if (from.v[i].gateway || to.v[k].gateway) {
				build_fault(b, c->where, STR("gateway"), NULL,
				    "the gateway's own packets have its address already");
				return;
			}
			rule_spread(b, &r, &from.v[i], &to.v[k], NULL);
		}
	}
}

/* The translation, and the leave to pass that it implies. */
static void
build_forward(struct building *b, const struct conf_forward *c)
{
	struct policy_rule dnat = rule_blank(b, c->where, "forward"), pass = dnat;
	struct service_parts *parts = ARENA_NEW(b->a, struct service_parts);
	struct sides from;
	struct side host = { .gateway = false }, here = host;
	int six = !addr_is_v4(&c->to);

	if (c->disabled || !parts || !sides_resolve(b, c->from, c->where, &from) ||
	    !services_resolve(b, c->services, c->where, parts))
		return;
	struct cidr *to = ARENA_NEW(b->a, struct cidr);
	if (!to) {
		b->full = true;
		return;
	}
	for (uint32_t i = 0; c->port && i < parts->n; i++) {
		if (parts->v[i].protocol == IPPROTO_TCP || parts->v[i].protocol == IPPROTO_UDP)
			continue;
		build_fault(b, c->where, STR("port"), NULL, "only TCP and UDP have ports");
		return;
	}
	*to = (struct cidr){ .net = c->to, .bits = 128 };
	host.nets[six] = (struct conf_cidrs){ .v = to, .n = 1 };
	dnat.hook = POLICY_DNAT;
	dnat.verdict = POLICY_DNAT_TO;
	dnat.family = six ? 6 : 4;
	dnat.to = c->to;
	dnat.to_port = (uint16_t)c->port;
	dnat.comment = pass.comment = c->comment;
	dnat.log = c->log;
	dnat.to_here = true;
	pass.hook = POLICY_FORWARD;
	pass.verdict = POLICY_ACCEPT;
	pass.translated = true;
	pass.why = "what is forwarded may pass";
	for (uint32_t i = 0; i < from.n; i++) {
		rule_spread(b, &dnat, &from.v[i], &here, parts);
		rule_spread(b, &pass, &from.v[i], &host, NULL);
	}
}

void
build_nat(struct building *b)
{
	for (uint32_t i = 0; i < b->g->nforwards; i++)
		build_forward(b, &b->g->forwards[i]);
	for (uint32_t i = 0; i < b->g->nmasquerades; i++)
		build_masquerade(b, &b->g->masquerades[i]);
}

/* Branches. */

static void
build_branch(struct building *b, const struct conf_branch *c)
{
	struct policy_rule r = rule_blank(b, c->where, "branch");
	struct service_parts *parts = ARENA_NEW(b->a, struct service_parts);
	struct side there = { .interfaces = c->interfaces }, here = { .interfaces = zones_inner(b) },
	    gateway = { .gateway = true };

	if (!parts || !services_resolve(b, c->services, c->where, parts))
		return;
	struct conf_cidrs all = cidrs_join(b, c->networks, c->tunnel);
	for (uint32_t i = 0; i < all.n; i++) {
		int six = !addr_is_v4(&all.v[i].net);
		there.nets[six] = cidrs_join(b, there.nets[six],
		    (struct conf_cidrs){ .v = &all.v[i], .n = 1 });
	}
	r.name = c->name;
	r.verdict = POLICY_ACCEPT;
	r.hook = POLICY_INPUT;
	r.why = "the branch reaches the gateway";
	rule_spread(b, &r, &there, &gateway, parts);
	if (!here.interfaces.n)
		return;
	r.hook = POLICY_FORWARD;
	r.why = "from the branch to what is inside";
	rule_spread(b, &r, &there, &here, parts);
	r.why = "from what is inside to the branch";
	rule_spread(b, &r, &here, &there, parts);
}

void
build_branches(struct building *b)
{
	for (uint32_t i = 0; i < b->g->nbranches; i++)
		build_branch(b, &b->g->branches[i]);
}

/* A RADIUS server that may end sessions is let in where it says so: from its own address only. */
static void
build_radius_changes(struct building *b, const struct conf_vpn_radius *v)
{
	static const struct service_parts changes = { .n = 1, .v = { { .protocol = IPPROTO_UDP, .range = { 3799, 3799 } } } };
	struct policy_rule r = rule_blank(b, v->where, "radius");
	struct side from = { .gateway = false }, gateway = { .gateway = true };
	struct cidr *host = ARENA_NEW(b->a, struct cidr);

	if (!host) {
		b->full = true;
		return;
	}
	*host = (struct cidr){ .net = v->address, .bits = 128 };
	from.nets[addr_is_v4(&v->address) ? 0 : 1] = (struct conf_cidrs){ .v = host, .n = 1 };
	r.verdict = POLICY_ACCEPT;
	r.hook = POLICY_INPUT;
	r.why = "it may end sessions of the VPN";
	rule_spread(b, &r, &from, &gateway, &changes);
}

/* Who may not reach the VPN's port could not dial in: what the server's words imply. */
void
build_vpn(struct building *b)
{
	const struct conf_vpn_server *v = b->c->vpn.server;
	struct side any = { .gateway = false }, gateway = { .gateway = true };
	struct service_parts parts = { .n = 1 };

	if (!v)
		return;
	struct policy_rule r = rule_blank(b, v->where, "l2tp");
	parts.v[0] = (struct service_part){ .protocol = IPPROTO_UDP, .range = { v->listen.port, v->listen.port } };
	if (!v->listen.any && addr_is_v4(&v->listen.addr)) {
		struct cidr *to = ARENA_NEW(b->a, struct cidr);
		if (!to) {
			b->full = true;
			return;
		}
		*to = (struct cidr){ .net = v->listen.addr, .bits = 128 };
		gateway.nets[0] = (struct conf_cidrs){ .v = to, .n = 1 };
	}
	r.verdict = POLICY_ACCEPT;
	r.hook = POLICY_INPUT;
	r.why = "the VPN is dialled";
	rule_spread(b, &r, &any, &gateway, &parts);
	for (uint32_t i = 0; i < b->c->vpn.nradius; i++)
		if (b->c->vpn.radius[i].changes)
			build_radius_changes(b, &b->c->vpn.radius[i]);
	if (!b->c->vpn.ipsec)
		return;
	static const struct service_parts ipsec = { .n = 3, .v = {
		{ .protocol = IPPROTO_UDP, .range = { 500, 500 } }, { .protocol = IPPROTO_UDP, .range = { 4500, 4500 } },
		{ .protocol = IPPROTO_ESP },
	} };
	struct policy_rule i = rule_blank(b, b->c->vpn.ipsec->where, "ipsec");
	i.verdict = POLICY_ACCEPT;
	i.hook = POLICY_INPUT;
	i.why = "the VPN's protection is agreed upon";
	rule_spread(b, &i, &any, &gateway, &ipsec);
}

/* The way round a proxy. */

/* It becomes a line of a request: nothing may end that line early. */
static bool
fallback_url_good(struct building *b, const struct conf_fallback *c)
{
	bool good = c->url.n == 0 || str_starts(c->url, STR("http://"));

	for (size_t i = 0; i < c->url.n; i++)
		good &= c->url.p[i] > ' ' && c->url.p[i] < 0x7f;
	if (!good)
		build_fault(b, c->where, c->url, "example: url \"http://example.com/\";",
		    "the url begins with http:// and has neither blanks nor letters beyond ASCII");
	return good;
}

static bool
fallback_sides(struct building *b, const struct conf_fallback *c, struct side *from, struct side *to)
{
	struct sides f, t;

	if (!sides_resolve(b, c->from, c->where, &f) || !sides_resolve(b, c->to, c->where, &t))
		return false;
	if (f.n != 1 || t.n != 1 || !f.v[0].interfaces.n || !t.v[0].interfaces.n) {
		build_fault(b, c->where, STR("fallback"), "example: fallback lan to internet around 10.1.1.3:3128;",
		    "both ends of a fallback are zones");
		return false;
	}
	for (uint32_t i = 0; i < f.v[0].interfaces.n; i++) {
		struct str name = f.v[0].interfaces.v[i];
		if (name.p[name.n - 1] == '*') {
			build_fault(b, c->where, STR("fallback"), "name the interfaces one by one",
			    "`%.*s` is no single interface", STR_FMT(name));
			return false;
		}
	}
	*from = f.v[0];
	*to = t.v[0];
	return fallback_url_good(b, c);
}

void
build_fallbacks(struct building *b)
{
	struct policy *p = b->p;

	p->fallbacks = ARENA_ARRAY(b->a, struct policy_fallback, b->g->nfallbacks + 1u);
	if (!p->fallbacks) {
		b->full = true;
		return;
	}
	for (uint32_t i = 0; i < b->g->nfallbacks; i++) {
		const struct conf_fallback *c = &b->g->fallbacks[i];
		struct policy_rule r = rule_blank(b, c->where, "fallback");
		struct side from, to, anywhere = { .gateway = false };
		char nft[24];
		if (!fallback_sides(b, c, &from, &to))
			continue;
		snprintf(nft, sizeof(nft), "fallback%u", i);
		int set = set_add(b, STR("fallback"), POLICY_SET_IFACE, nft);
		p->fallbacks[p->nfallbacks++] = (struct policy_fallback){
			.conf = c, .set = set, .interfaces = from.interfaces };
		r.in_set = set;
		r.hook = POLICY_FORWARD;
		r.verdict = POLICY_ACCEPT;
		r.why = "open only while the proxy cannot serve";
		rule_spread(b, &r, &anywhere, &to, NULL);
		r.hook = POLICY_SNAT;
		r.verdict = POLICY_MASQUERADE;
		r.family = 4;
		rule_spread(b, &r, &anywhere, &to, NULL);
	}
}
