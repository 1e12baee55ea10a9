/*
 * lint: see lint.h. What is open is not read off the words but asked of the evaluator, so that no order of rules can
 * deceive it. Must never make an error of what is only unwise.
 */
#include "gate/lint.h"

#include <netinet/in.h>

#include "gate/eval.h"

#define SHADOW_RULES_MAX 4000          /* pairs are compared: beyond this it would take seconds */

static const struct lint_row rows[LINT_CODES] = {
	[LINT_PUBLIC_INSIDE] = { "a network that belongs to somebody else is used inside",
		"private ones are 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 (RFC 1918)" },
	[LINT_TELNET] = { "telnet carries passwords in the clear", "use ssh, and leave telnet out" },
	[LINT_SMUX] = { "SMUX is a relic that nobody speaks any more", "leave it out; snmp is udp/161" },
	[LINT_GRE] = { "GRE is let in", "L2TP does not use it; only the broken PPTP does" },
	[LINT_MANAGEMENT_OPEN] = { "management is open to everybody outside",
		"allow it from inside, through the tunnel, or from named addresses only" },
	[LINT_RESOLVER_OPEN] = { "names are answered to everybody outside: an open resolver is a weapon",
		"allow dns from inside only" },
	[LINT_PROXY_OPEN] = { "the proxy is open to everybody outside", "allow it from inside only" },
	[LINT_FILES_OPEN] = { "Windows file sharing is open to everybody outside", "deny netbios there" },
	[LINT_HIDES_SOURCES] = { "who comes from there is hidden: servers and the watch see the gateway's address instead",
		"give the hosts a route back instead, and leave this masquerade out" },
	[LINT_SHADOWED] = { "this rule is never reached", "put it before the other, or leave one of them out" },
	[LINT_OVERLAP] = { "two sites use the same addresses", "renumber one of them; a packet can go one way only" },
	[LINT_ONE_FAMILY] = { "this says all of IPv4, and nothing of IPv6", "write `any`, which is both" },
	[LINT_MARK_TOO_LATE] = { "connections that live already pass before this mark is looked at",
		"refuse it before anything is accepted; for file sharing that is what `p2p block` does" },
	[LINT_MARK_IN_OUTPUT] = { "what this machine sends never had this mark: it is set where packets arrive",
		"match the packet itself instead" },
	[LINT_L2TP_BARE] = { "tunnels are let in without IPsec: MPPE alone keeps nobody out",
		"say: ipsec require { secret \"long and strange\"; }, or allow ipsec to what does it instead" },
	[LINT_UNKNOWN_ALLOWED] = { "what no rule speaks of is let in from outside", "let `unknown` be drop there" },
	[LINT_NO_SUCH_INTERFACE] = { "no `interface` or `branch` names this interface", "name it, or correct the word" },
};

const struct lint_row *
lint_row(enum lint_code code)
{
	return &rows[code];
}

struct linter {
	const struct policy *p;
	struct diags *d;
	size_t found;
};

static void
find(struct linter *l, struct conf_pos where, enum lint_code code, const char *about)
{
	if (where.line == 0)
		return;
	diag_warn(l->d, where, 1, rows[code].remedy, "G%03d: %s%s%s", code, rows[code].title, *about ? ": " : "", about);
	l->found++;
}

/* Open doors, asked of the evaluator: a stranger's first packet to this machine. */

static const struct addr stranger = { .b = { [10] = 255, [11] = 255, 192, 0, 2, 201 } };
static const struct addr machine = { .b = { [10] = 255, [11] = 255, 198, 18, 0, 1 } };

static bool
is_here(void *ctx, const struct addr *a)
{
	const struct eval_world plain = { 0 };

	return memcmp(a, &machine, sizeof(machine)) == 0 || eval_is_here(ctx, &plain, a);
}

/* The rule that lets it in; NULL: it is refused. */
static const struct policy_rule *
lets_in(const struct policy *p, struct str interface, uint8_t protocol, uint16_t port)
{
	const struct eval_world w = { .ctx = (void *)(uintptr_t)p, .is_here = is_here };
	const struct eval_packet packet = { .in = interface, .src = stranger, .dst = machine, .protocol = protocol,
		.sport = 40000, .dport = port, .state = POLICY_NEW, .way = POLICY_ORIGINAL, .count = 1 };
	struct eval_way way;

	eval(p, &w, &packet, &way);
	return way.verdict == POLICY_ACCEPT && way.hook == POLICY_INPUT ? way.by : NULL;
}

static const struct door {
	enum lint_code code;
	uint8_t protocol;
	uint16_t port;
	const char *name;
} doors[] = {
	{ LINT_MANAGEMENT_OPEN, IPPROTO_TCP, 22, "ssh" },
	{ LINT_MANAGEMENT_OPEN, IPPROTO_TCP, 23, "telnet" },
	{ LINT_MANAGEMENT_OPEN, IPPROTO_TCP, 8291, "winbox" },
	{ LINT_MANAGEMENT_OPEN, IPPROTO_UDP, 161, "snmp" },
	{ LINT_RESOLVER_OPEN, IPPROTO_UDP, 53, "" },
	{ LINT_PROXY_OPEN, IPPROTO_TCP, 3128, "" },
	{ LINT_FILES_OPEN, IPPROTO_TCP, 445, "" },
	{ LINT_GRE, IPPROTO_GRE, 0, "" },
};

/* A server of ours says itself whether it wants IPsec; one behind us or beside us is known by the door to IKE alone. */
static bool
protected_by(const struct policy *p, struct str interface)
{
	const struct conf_vpn *v = &p->config->vpn;

	if (v->server)
		return v->ipsec && v->ipsec->mode == CONF_IPSEC_REQUIRE;
	return lets_in(p, interface, IPPROTO_UDP, 500) != NULL;
}

static void
look_at_doors(struct linter *l, struct str interface)
{
	const struct policy_rule *bare = lets_in(l->p, interface, IPPROTO_UDP, 1701);

	for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
		const struct policy_rule *r = lets_in(l->p, interface, doors[i].protocol, doors[i].port);

		if (r)
			find(l, r->where, doors[i].code, doors[i].name);
	}
	/* That IKE may come in protects nothing as long as nothing here speaks it and asks for it. */
	if (bare && !protected_by(l->p, interface))
		find(l, bare->where, LINT_L2TP_BARE, "");
}

static void
look_at_zones(struct linter *l)
{
	for (uint32_t i = 0; i < l->p->nzones; i++) {
		const struct policy_zone *z = &l->p->zones[i];

		if (!z->outside)
			continue;
		if (z->conf && z->conf->unknown == CONF_UNKNOWN_ALLOW)
			find(l, z->conf->where, LINT_UNKNOWN_ALLOWED, "");
		else if (z->interfaces.n > 0)
			look_at_doors(l, z->interfaces.v[0]);
	}
}

/* Services that should not be let in from anywhere. */

static bool
lets_port(const struct policy_rule *r, uint16_t port)
{
	for (uint32_t i = 0; i < r->dports.n; i++) {
		/* Wide ranges do not mean it. */
		if (r->dports.v[i].from <= port && port <= r->dports.v[i].to && r->dports.v[i].to - r->dports.v[i].from < 1000)
			return true;
	}
	return false;
}

static void
look_at_services(struct linter *l, const struct policy_rule *r)
{
	if (r->verdict != POLICY_ACCEPT || r->protocol != IPPROTO_TCP)
		return;
	if (lets_port(r, 23))
		find(l, r->where, LINT_TELNET, "");
	if (r->hook == POLICY_INPUT && lets_port(r, 199))
		find(l, r->where, LINT_SMUX, "");
}

/* Marks. */

static void
look_at_marks(struct linter *l, const struct policy_rule *r)
{
	bool refuses = r->verdict == POLICY_DROP || r->verdict == POLICY_REJECT;

	if (!r->mark_mask || !r->where.line)
		return;
	if (r->hook == POLICY_OUTPUT)
		find(l, r->where, LINT_MARK_IN_OUTPUT, "");
	else if (refuses && (r->hook == POLICY_INPUT || r->hook == POLICY_FORWARD))
		find(l, r->where, LINT_MARK_TOO_LATE, "");
}

static bool
is_everything4(struct conf_cidrs nets)
{
	return nets.n == 1 && addr_is_v4(&nets.v[0].net) && nets.v[0].bits == 96;
}

static void
look_at_families(struct linter *l, const struct policy_rule *r)
{
	if ((r->verdict == POLICY_DROP || r->verdict == POLICY_REJECT) && (is_everything4(r->src) || is_everything4(r->dst)))
		find(l, r->where, LINT_ONE_FAMILY, "");
}

/* Names of interfaces that nothing else speaks of. */

static bool
names_interface(const struct policy *p, struct str name)
{
	const struct conf_gate *g = &p->config->gate;

	for (uint32_t i = 0; i < g->ninterfaces; i++) {
		for (uint32_t k = 0; k < g->interfaces[i].names.n; k++) {
			if (policy_name_matches(g->interfaces[i].names.v[k], name) || str_eq(g->interfaces[i].names.v[k], name))
				return true;
		}
	}
	for (uint32_t i = 0; i < g->nbranches; i++) {
		for (uint32_t k = 0; k < g->branches[i].interfaces.n; k++) {
			if (str_eq(g->branches[i].interfaces.v[k], name))
				return true;
		}
	}
	return false;
}

static void
look_at_names(struct linter *l)
{
	const struct conf_gate *g = &l->p->config->gate;

	for (uint32_t i = 0; i < g->nrules; i++) {
		const struct conf_strs both[] = { g->rules[i].in, g->rules[i].out };

		for (size_t b = 0; b < ARRAY_LEN(both); b++) {
			for (uint32_t k = 0; k < both[b].n; k++) {
				char name[32];
				struct str s = str_head(both[b].v[k], sizeof(name) - 1);

				memcpy(name, s.p, s.n);
				name[s.n] = '\0';
				if (str_find_byte(s, '*') == s.n && !names_interface(l->p, s))
					find(l, g->rules[i].where, LINT_NO_SUCH_INTERFACE, name);
			}
		}
	}
}

/* Masquerade towards the inside. */

static void
look_at_translation(struct linter *l, const struct policy_rule *r)
{
	bool hides = r->verdict == POLICY_MASQUERADE || r->verdict == POLICY_SNAT_TO;

	for (uint32_t i = 0; hides && i < r->out.n; i++) {
		const struct policy_zone *z = policy_zone_of(l->p, r->out.v[i]);

		if (!z || z->outside)
			continue;
		find(l, r->where, LINT_HIDES_SOURCES, "");
		return;
	}
}

/* Networks. */

static bool
is_private(const struct cidr *c)
{
	static const struct { uint8_t b[4]; uint8_t bits; } nets[] = {
		{ { 10, 0, 0, 0 }, 8 }, { { 172, 16, 0, 0 }, 12 }, { { 192, 168, 0, 0 }, 16 }, { { 100, 64, 0, 0 }, 10 },
		{ { 169, 254, 0, 0 }, 16 }, { { 192, 0, 2, 0 }, 24 }, { { 198, 51, 100, 0 }, 24 }, { { 203, 0, 113, 0 }, 24 },
		{ { 198, 18, 0, 0 }, 15 },
	};

	for (size_t i = 0; i < ARRAY_LEN(nets); i++) {
		struct cidr n = { .net.b = { [10] = 255, [11] = 255 }, .bits = (uint8_t)(nets[i].bits + 96) };

		memcpy(n.net.b + 12, nets[i].b, 4);
		if (c->bits >= n.bits && cidr_has(&n, &c->net))
			return true;
	}
	/* IPv6 inside is public by its nature. */
	return !addr_is_v4(&c->net);
}

static void
look_at_private(struct linter *l, struct conf_cidrs nets, struct conf_pos where)
{
	for (uint32_t i = 0; i < nets.n; i++) {
		char text[46];

		text[addr_show(&nets.v[i].net, text)] = '\0';
		if (!is_private(&nets.v[i]))
			find(l, where, LINT_PUBLIC_INSIDE, text);
	}
}

static bool
overlap(struct conf_cidrs a, struct conf_cidrs b)
{
	for (uint32_t i = 0; i < a.n; i++) {
		for (uint32_t k = 0; k < b.n; k++) {
			struct cidr x = a.v[i], y = b.v[k];

			/* Of interfaces, the address stands for its network: the wider one must be asked. */
			if (addr_is_v4(&x.net) == addr_is_v4(&y.net) && (x.bits <= y.bits ? cidr_has(&x, &y.net) : cidr_has(&y, &x.net)))
				return true;
		}
	}
	return false;
}

/* An interface's address with the bits of its host, as the network. */
static struct cidr
network_of(struct cidr c)
{
	for (unsigned bit = c.bits; bit < 128; bit++)
		c.net.b[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return c;
}

static bool
overlaps_interface(const struct conf_branch *b, const struct conf_interface *f)
{
	for (uint32_t k = 0; k < f->addresses.n; k++) {
		struct cidr net = network_of(f->addresses.v[k]);

		if (overlap(b->networks, (struct conf_cidrs){ .v = &net, .n = 1 }))
			return true;
	}
	return false;
}

static void
look_at_networks(struct linter *l)
{
	const struct conf_gate *g = &l->p->config->gate;

	for (uint32_t i = 0; i < g->nbranches; i++) {
		const struct conf_branch *b = &g->branches[i];

		look_at_private(l, b->networks, b->where);
		look_at_private(l, b->tunnel, b->where);
		for (uint32_t k = 0; k < i; k++) {
			if (overlap(b->networks, g->branches[k].networks))
				find(l, b->where, LINT_OVERLAP, "");
		}
		for (uint32_t k = 0; k < g->ninterfaces; k++) {
			if (overlaps_interface(b, &g->interfaces[k]))
				find(l, b->where, LINT_OVERLAP, "");
		}
	}
	for (uint32_t i = 0; i < g->ninterfaces; i++) {
		const struct conf_interface *f = &g->interfaces[i];
		const struct policy_zone *z = f->names.n > 0 ? policy_zone_of(l->p, f->names.v[0]) : NULL;

		if (z && !z->outside)
			look_at_private(l, f->addresses, f->where);
	}
}

/* Rules that an earlier one leaves nothing for. */

static bool
strs_cover(struct conf_strs a, struct conf_strs b)
{
	for (uint32_t k = 0; a.n > 0 && k < b.n; k++) {
		bool hit = false;

		for (uint32_t i = 0; i < a.n; i++)
			hit |= str_eq(a.v[i], b.v[k]) || policy_name_matches(a.v[i], b.v[k]);
		if (!hit)
			return false;
	}
	return a.n == 0 || b.n > 0;
}

static bool
cidrs_cover(struct conf_cidrs a, struct conf_cidrs b)
{
	for (uint32_t k = 0; a.n > 0 && k < b.n; k++) {
		bool hit = false;

		for (uint32_t i = 0; i < a.n; i++)
			hit |= a.v[i].bits <= b.v[k].bits && cidr_has(&a.v[i], &b.v[k].net);
		if (!hit)
			return false;
	}
	return a.n == 0 || b.n > 0;
}

static bool
ranges_cover(struct policy_ranges a, struct policy_ranges b)
{
	for (uint32_t k = 0; a.n > 0 && k < b.n; k++) {
		bool hit = false;

		for (uint32_t i = 0; i < a.n; i++)
			hit |= a.v[i].from <= b.v[k].from && b.v[k].to <= a.v[i].to;
		if (!hit)
			return false;
	}
	return a.n == 0 || b.n > 0;
}

/* Nothing in it that could let a packet by which the other takes. */
static bool
is_plain(const struct policy_rule *r)
{
	return r->in_set == POLICY_NO_SET && r->src_set == POLICY_NO_SET && r->dst_set == POLICY_NO_SET && !r->loopback &&
	    !r->broadcast && !r->spoofed && !r->translated && !r->to_here && !r->first_packets && !r->mark_mask &&
	    !r->ct_mask && !r->payload && !r->rate;
}

static bool
covers(const struct policy_rule *a, const struct policy_rule *b)
{
	if (a->verdict == POLICY_GO_ON || !is_plain(a) || (a->family && a->family != b->family))
		return false;
	if (a->protocol != POLICY_ANY_PROTOCOL && a->protocol != b->protocol)
		return false;
	if (a->states && (!b->states || (b->states & ~a->states)))
		return false;
	return strs_cover(a->in, b->in) && strs_cover(a->out, b->out) && cidrs_cover(a->src, b->src) &&
	    cidrs_cover(a->dst, b->dst) && ranges_cover(a->sports, b->sports) && ranges_cover(a->dports, b->dports) &&
	    ranges_cover(a->icmp, b->icmp);
}

static bool
is_written(const struct policy_rule *r)
{
	return r->where.line > 0 && !r->why;
}

static void
look_for_shadows(struct linter *l, enum policy_hook hook)
{
	const struct policy *p = l->p;

	if (p->first[hook + 1] - p->first[hook] > SHADOW_RULES_MAX)
		return;
	for (uint32_t i = p->first[hook]; i < p->first[hook + 1]; i++) {
		const struct policy_rule *r = &p->rules[i];

		for (uint32_t k = p->first[hook]; is_written(r) && k < i; k++) {
			struct buf about = BUF_INIT(4096);

			if (!is_written(&p->rules[k]) || !covers(&p->rules[k], r) || p->rules[k].where.line == r->where.line)
				continue;
			policy_say_origin(&p->rules[k], &about);
			find(l, r->where, LINT_SHADOWED, buf_cstr(&about));
			buf_free(&about);
			break;
		}
	}
}

size_t
lint(const struct policy *p, struct diags *d)
{
	struct linter l = { .p = p, .d = d };

	for (uint32_t i = 0; i < p->nrules; i++) {
		look_at_services(&l, &p->rules[i]);
		look_at_marks(&l, &p->rules[i]);
		look_at_families(&l, &p->rules[i]);
		look_at_translation(&l, &p->rules[i]);
	}
	look_at_zones(&l);
	look_at_names(&l);
	look_at_networks(&l);
	for (int hook = 0; hook < POLICY_HOOKS; hook++)
		look_for_shadows(&l, (enum policy_hook)hook);
	return l.found;
}
