/*
 * eval: see eval.h. Each match stands beside the words of nft that gate/nft/text.c writes for it. Must never be kinder
 * or stricter than the kernel: where the two differ, a test fails.
 */
#include "gate/eval.h"

#include <netinet/in.h>

#define FIRST_PACKETS 12

/* The configuration's view of the world. */

static bool
is_broadcast_of(const struct cidr *c, const struct addr *a)
{
	struct addr last = c->net;

	for (unsigned bit = c->bits; bit < 128; bit++)
		last.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return addr_is_v4(a) && c->bits < 127 && memcmp(&last, a, sizeof(last)) == 0;
}

static bool
is_broadcast(const struct policy *p, const struct addr *a)
{
	static const struct addr everybody = { .b = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255 } };
	const struct conf_gate *g = &p->config->gate;

	for (uint32_t i = 0; i < g->ninterfaces; i++) {
		for (uint32_t k = 0; k < g->interfaces[i].addresses.n; k++) {
			if (is_broadcast_of(&g->interfaces[i].addresses.v[k], a))
				return true;
		}
	}
	return memcmp(a, &everybody, sizeof(everybody)) == 0;
}

static bool
is_loopback(const struct addr *a)
{
	static const struct addr one = { .b = { [15] = 1 } };

	return (addr_is_v4(a) && a->b[12] == 127) || memcmp(a, &one, sizeof(one)) == 0;
}

bool
eval_is_here(const struct policy *p, const struct eval_world *w, const struct addr *a)
{
	const struct conf_gate *g = &p->config->gate;

	if (w->is_here)
		return w->is_here(w->ctx, a);
	for (uint32_t i = 0; i < g->ninterfaces; i++) {
		for (uint32_t k = 0; k < g->interfaces[i].addresses.n; k++) {
			if (memcmp(&g->interfaces[i].addresses.v[k].net, a, sizeof(*a)) == 0)
				return true;
		}
	}
	return is_loopback(a);
}

static bool
is_zero(const struct addr *a)
{
	static const struct addr zero;
	static const struct addr zero4 = { .b = { [10] = 255, [11] = 255 } };

	return memcmp(a, &zero, sizeof(zero)) == 0 || memcmp(a, &zero4, sizeof(zero4)) == 0;
}

/* A network as it is written on an interface, with the bits of the host. */
static bool
on_link(const struct cidr *c, const struct addr *a)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (memcmp(c->net.b, a->b, whole) != 0)
		return false;
	return rest == 0 || ((c->net.b[whole] ^ a->b[whole]) & (uint8_t)(0xff00 >> rest)) == 0;
}

struct best {
	struct str interface;
	int bits;
	uint32_t metric;
};

static void
offer(struct best *b, struct str interface, int bits, uint32_t metric)
{
	if (bits > b->bits || (bits == b->bits && metric < b->metric))
		*b = (struct best){ .interface = interface, .bits = bits, .metric = metric };
}

static void
offer_links(const struct policy *p, const struct addr *a, struct best *b)
{
	const struct conf_gate *g = &p->config->gate;

	for (uint32_t i = 0; i < g->ninterfaces; i++) {
		const struct conf_interface *f = &g->interfaces[i];
		const struct addr *gateway = addr_is_v4(a) ? &f->gateway : &f->gateway6;

		for (uint32_t k = 0; k < f->addresses.n && f->names.n > 0; k++) {
			if (addr_is_v4(&f->addresses.v[k].net) == addr_is_v4(a) && on_link(&f->addresses.v[k], a))
				offer(b, f->names.v[0], f->addresses.v[k].bits, 0);
		}
		if (!is_zero(gateway) && f->names.n > 0)
			offer(b, f->names.v[0], addr_is_v4(a) ? 96 : 0, 0);
	}
}

/* The ends of a tunnel are on its link as soon as it is up. */
static void
offer_tunnels(const struct policy *p, const struct addr *a, struct best *b)
{
	const struct conf_gate *g = &p->config->gate;

	for (uint32_t i = 0; i < g->nbranches; i++) {
		const struct conf_branch *c = &g->branches[i];

		for (uint32_t k = 0; k < c->tunnel.n && c->interfaces.n > 0; k++) {
			if (cidr_has(&c->tunnel.v[k], a))
				offer(b, c->interfaces.v[0], c->tunnel.v[k].bits, 0);
		}
	}
}

struct str
eval_way_to(const struct policy *p, const struct eval_world *w, const struct addr *a)
{
	struct best b = { .bits = -1 };

	if (w->way_to)
		return w->way_to(w->ctx, a);
	if (eval_is_here(p, w, a))
		return STR("lo");
	offer_links(p, a, &b);
	offer_tunnels(p, a, &b);
	for (uint32_t i = 0; i < p->nroutes; i++) {
		const struct policy_route *r = &p->routes[i];
		struct best link = { .bits = -1 };

		if (addr_is_v4(&r->to.net) != addr_is_v4(a) || !cidr_has(&r->to, a))
			continue;
		if (r->interface.n == 0)
			offer_links(p, &r->via, &link);
		offer(&b, r->interface.n ? r->interface : link.interface, r->to.bits, r->metric);
	}
	return b.interface;
}

/* Matches. */

static bool
names_match(struct conf_strs names, struct str interface)
{
	for (uint32_t i = 0; i < names.n; i++) {
		if (policy_name_matches(names.v[i], interface))
			return true;
	}
	return names.n == 0;
}

static bool
nets_match(struct conf_cidrs nets, const struct addr *a)
{
	for (uint32_t i = 0; i < nets.n; i++) {
		if (cidr_has(&nets.v[i], a) && addr_is_v4(&nets.v[i].net) == addr_is_v4(a))
			return true;
	}
	return nets.n == 0;
}

static bool
ranges_match(struct policy_ranges ranges, uint16_t n)
{
	for (uint32_t i = 0; i < ranges.n; i++) {
		if (n >= ranges.v[i].from && n <= ranges.v[i].to)
			return true;
	}
	return ranges.n == 0;
}

static bool
has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static bool
set_has(const struct policy *p, const struct eval_world *w, int set, const struct addr *a,
    const struct eval_packet *packet, struct str interface)
{
	return w->has && w->has(w->ctx, &p->sets[set], a, packet, interface);
}

static bool
protocol_matches(const struct policy_rule *r, const struct eval_packet *packet, uint16_t dport)
{
	if (r->protocol != POLICY_ANY_PROTOCOL && r->protocol != packet->protocol)
		return false;
	if ((r->sports.n > 0 || r->dports.n > 0) && !has_ports(packet->protocol))
		return false;
	return ranges_match(r->sports, packet->sport) && ranges_match(r->dports, dport) &&
	    ranges_match(r->icmp, packet->icmp_type);
}

static bool
payload_matches(const struct policy_signature *s, const struct eval_packet *packet)
{
	if (!s)
		return true;
	if (s->protocol != packet->protocol || (s->udp_length && s->udp_length != packet->payload.n + 8))
		return false;
	for (uint8_t i = 0; i < s->nbytes; i++) {
		struct str at = str_from(packet->payload, s->bytes[i].at);

		if (!str_starts(at, str_of((const char *)s->bytes[i].v, s->bytes[i].n)))
			return false;
	}
	return true;
}

static bool
interfaces_match(const struct policy *p, const struct eval_world *w, const struct policy_rule *r,
    const struct eval_packet *packet, const struct eval_way *so_far)
{
	if (r->loopback && !str_eq(r->hook == POLICY_OUTPUT ? so_far->out : packet->in, STR("lo")))
		return false;
	if (r->in.n > 0 && (packet->in.n == 0 || !names_match(r->in, packet->in)))
		return false;
	if (r->out.n > 0 && (so_far->out.n == 0 || !names_match(r->out, so_far->out)))
		return false;
	return r->in_set == POLICY_NO_SET || set_has(p, w, r->in_set, &packet->src, packet, packet->in);
}

static bool
is_link_local(const struct addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* RFC 3704 section 2.2, strict: the way back leads by another interface, or there is none. */
static bool
is_spoofed(const struct policy *p, const struct eval_world *w, const struct eval_packet *packet)
{
	if (addr_is_v4(&packet->src) || is_zero(&packet->src) || is_link_local(&packet->src))
		return false;
	return !str_eq(eval_way_to(p, w, &packet->src), packet->in);
}

static bool
place_matches(const struct policy *p, const struct eval_world *w, const struct policy_rule *r,
    const struct eval_packet *packet, const struct eval_way *so_far)
{
	if (r->broadcast && !is_broadcast(p, &so_far->dst))
		return false;
	if (r->to_here && !eval_is_here(p, w, &so_far->dst))
		return false;
	if (r->for_others && eval_is_here(p, w, &so_far->src))
		return false;
	if (r->spoofed && !is_spoofed(p, w, packet))
		return false;
	if (r->translated && !packet->translated && memcmp(&packet->dst, &so_far->dst, sizeof(packet->dst)) == 0 &&
	    packet->dport == so_far->dport)
		return false;
	return !r->first_packets || (r->first_packets == packet->way && packet->count <= FIRST_PACKETS);
}

bool
eval_matches(const struct policy *p, const struct eval_world *w, const struct policy_rule *r,
    const struct eval_packet *packet, const struct eval_way *so_far)
{
	uint8_t family = addr_is_v4(&packet->src) ? 4 : 6;

	if ((r->family && r->family != family) || (r->states && !(r->states & (so_far->untracked ? POLICY_UNTRACKED : packet->state))))
		return false;
	if (!interfaces_match(p, w, r, packet, so_far) || !protocol_matches(r, packet, so_far->dport))
		return false;
	if (!nets_match(r->src, &so_far->src) || !nets_match(r->dst, &so_far->dst))
		return false;
	if (r->src_set != POLICY_NO_SET && !set_has(p, w, r->src_set, &so_far->src, packet, STR_NULL))
		return false;
	if (r->dst_set != POLICY_NO_SET && !set_has(p, w, r->dst_set, &so_far->dst, packet, STR_NULL))
		return false;
	if ((so_far->mark & r->mark_mask) != r->mark || (so_far->ct_mark & r->ct_mask) != r->ct_mark)
		return false;
	if ((r->rate && w->over_rate != r->over) || ((r->clamp || r->syn) && packet->state != POLICY_NEW))
		return false;
	return place_matches(p, w, r, packet, so_far) && payload_matches(r->payload, packet);
}

/* The way. */

static void
take_effects(const struct policy_rule *r, struct eval_way *way)
{
	way->mark = (way->mark & ~r->set_mark_mask) | r->set_mark;
	way->ct_mark = (way->ct_mark & ~r->set_ct_mask) | r->set_ct;
	way->untracked |= r->untrack;
	if (way->nsteps < EVAL_STEPS_MAX)
		way->steps[way->nsteps++] = (struct eval_step){ .rule = r, .hook = r->hook };
}

static const enum policy_verdict ends[POLICY_HOOKS] = {
	[POLICY_RAW_IN] = POLICY_ACCEPT, [POLICY_MARK_IN] = POLICY_ACCEPT, [POLICY_DNAT] = POLICY_ACCEPT,
	[POLICY_INPUT] = POLICY_DROP, [POLICY_FORWARD] = POLICY_DROP, [POLICY_OUTPUT] = POLICY_ACCEPT,
	[POLICY_RAW_OUT] = POLICY_ACCEPT, [POLICY_SNAT] = POLICY_ACCEPT, [POLICY_DNAT_OUT] = POLICY_ACCEPT,
};

/* The first rule of a hook that decides, or NULL. */
static const struct policy_rule *
decide(const struct policy *p, const struct eval_world *w, enum policy_hook hook, const struct eval_packet *packet,
    struct eval_way *way)
{
	for (uint32_t i = p->first[hook]; i < p->first[hook + 1]; i++) {
		const struct policy_rule *r = &p->rules[i];

		if (!eval_matches(p, w, r, packet, way))
			continue;
		take_effects(r, way);
		if (r->verdict != POLICY_GO_ON)
			return r;
	}
	return NULL;
}

/* False when it ends here. */
static bool
pass(const struct policy *p, const struct eval_world *w, enum policy_hook hook, const struct eval_packet *packet,
    struct eval_way *way)
{
	const struct policy_rule *r = decide(p, w, hook, packet, way);
	enum policy_verdict v = r ? r->verdict : ends[hook];

	way->hook = hook;
	way->by = r;
	if (v == POLICY_DROP || v == POLICY_REJECT || v == POLICY_SYNPROXY) {
		way->verdict = v == POLICY_REJECT ? v : POLICY_DROP;
		return false;
	}
	way->verdict = POLICY_ACCEPT;
	return true;
}

/* Only the first packet of a connection is asked; the others follow it. */
static void
translate(const struct policy *p, const struct eval_world *w, enum policy_hook hook, const struct eval_packet *packet,
    struct eval_way *way)
{
	const struct policy_rule *r = packet->state == POLICY_NEW && !way->untracked ? decide(p, w, hook, packet, way) : NULL;

	if (!r)
		return;
	if (r->verdict == POLICY_DNAT_TO) {
		way->dst = r->to;
		way->dport = r->to_port ? r->to_port : way->dport;
	} else if (r->verdict == POLICY_SNAT_TO) {
		way->src = r->to;
	} else if (r->verdict == POLICY_MASQUERADE) {
		way->masqueraded = r;
	}
}

static void
eval_sent(const struct policy *p, const struct eval_world *w, const struct eval_packet *packet, struct eval_way *way)
{
	way->out = eval_way_to(p, w, &way->dst);
	way->no_route = way->out.n == 0;
	if (!way->no_route && pass(p, w, POLICY_RAW_OUT, packet, way) && pass(p, w, POLICY_OUTPUT, packet, way))
		translate(p, w, POLICY_SNAT, packet, way);
}

static void
eval_arriving(const struct policy *p, const struct eval_world *w, const struct eval_packet *packet,
    struct eval_way *way)
{
	if (!pass(p, w, POLICY_RAW_IN, packet, way) || !pass(p, w, POLICY_MARK_IN, packet, way))
		return;
	translate(p, w, POLICY_DNAT, packet, way);
	if (eval_is_here(p, w, &way->dst) || is_broadcast(p, &way->dst)) {
		(void)pass(p, w, POLICY_INPUT, packet, way);
		return;
	}
	way->out = eval_way_to(p, w, &way->dst);
	way->no_route = way->out.n == 0;
	if (!way->no_route && pass(p, w, POLICY_FORWARD, packet, way))
		translate(p, w, POLICY_SNAT, packet, way);
}

void
eval(const struct policy *p, const struct eval_world *w, const struct eval_packet *packet, struct eval_way *ret)
{
	*ret = (struct eval_way){
		.verdict = POLICY_ACCEPT, .src = packet->src, .dst = packet->dst, .dport = packet->dport,
		.ct_mark = packet->ct_mark,
	};
	if (packet->in.n == 0)
		eval_sent(p, w, packet, ret);
	else
		eval_arriving(p, w, packet, ret);
}
