/*
 * oracle: one random policy, random packets, and what our evaluator says of each. Prints lines for test_oracle.py:
 *
 *   config TEXT (escaped)    route TO VIA|- IFACE    rules BYTES, then so many bytes of nft text
 *   packet IFACE|- HEX VERDICT OUT|- SRC|masq DST    (VERDICT: pass, here, none)
 *
 * The same number gives the same lines on every machine.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/base/prng.h"
#include "gate/nft/text.h"
#include "packet.h"

#define STATEMENTS_MAX 24
#define CONFIG_MAX (1u << 16)
#define PACKETS_MAX 5000

static const char base[] =
    "gateway { ping no; }\n"
    "interface wan { zone internet; address 203.0.113.10/24, 2001:db8:ffff::10/64; gateway 203.0.113.1; "
    "gateway6 2001:db8:ffff::1; }\n"
    "interface lan { address 192.168.0.222/24, 2001:db8:10::222/64; }\n"
    "interface dmz { address 10.1.1.1/24, 2001:db8:11::1/64; }\n"
    "branch filial30 192.168.30.0/24 { tunnel 172.31.30.0/30; interface vpn0; }\n"
    "network servers 192.168.0.8/29, 10.1.1.0/28, 2001:db8:10::/126;\n"
    "list bad { always 192.168.0.13, 198.51.100.12; }\n"
    "service odd udp/7000-7100, tcp/7000, udp/7050-7200;\n";

static const char *const interfaces[] = { "wan", "lan", "dmz", "vpn0" };
static const char *const hosts[][8] = {
	{ "198.51.100.10", "198.51.100.11", "198.51.100.12", "8.8.8.8", "203.0.113.7", "2001:db8:aaaa::10",
	    "2001:db8:aaaa::11", "2001:db8:ffff::7" },
	{ "192.168.0.10", "192.168.0.11", "192.168.0.12", "192.168.0.13", "192.168.0.200", "2001:db8:10::1",
	    "2001:db8:10::2", "2001:db8:10::99" },
	{ "10.1.1.3", "10.1.1.10", "10.1.1.100", "10.1.1.101", "10.1.1.102", "2001:db8:11::2", "2001:db8:11::3",
	    "2001:db8:11::4" },
	{ "192.168.30.10", "192.168.30.11", "192.168.30.12", "192.168.30.13", "172.31.30.2", "192.168.30.14",
	    "192.168.30.15", "192.168.30.16" },
};
static const char *const ours[] = { "203.0.113.10", "192.168.0.222", "10.1.1.1", "2001:db8:ffff::10",
	"2001:db8:10::222", "2001:db8:11::1", "192.168.0.255", "10.1.1.255" };
static const char *const ends[] = { "lan", "internet", "dmz", "vpn", "any", "servers", "filial30", "192.168.0.0/28",
	"10.1.1.10", "198.51.100.8/30", "gateway", "lan, dmz", "2001:db8:10::/64", "0.0.0.0/0", "2001:db8:aaaa::/48",
	"dmz, 8.8.8.8" };
static const char *const services[] = { "", "ssh", "netbios", "tcp/1-1000", "udp/53", "icmp/8", "ping", "tcp", "udp",
	"dns", "odd", "tcp/80, tcp/443, udp/443", "icmp", "rpc", "mail, ssh", "gre", "icmp6/128" };
static const uint16_t ports[] = { 22, 53, 80, 139, 443, 445, 500, 999, 1000, 1001, 7000, 7050, 7150, 7201, 25, 137, 49152 };

static const char *
pick(uint64_t *seed, const char *const *from, size_t n)
{
	return from[prng_below(seed, n)];
}

#define PICK(seed, array) pick((seed), (array), ARRAY_LEN(array))

/* Statements. */

static void
options(uint64_t *seed, struct buf *out)
{
	static const char *const more[] = { "source-port 1024-40000;", "state new;", "log;", "source-list bad;",
		"state established;", "state invalid;", "comment \"a } b\";", "source-port 20000-30000, 50000;", "disabled;" };

	if (prng_below(seed, 4) > 0) {
		buf_add(out, STR(";\n"));
		return;
	}
	buf_addf(out, " { %s }\n", PICK(seed, more));
}

static void
simple_rule(uint64_t *seed, struct buf *out)
{
	static const char *const actions[] = { "allow", "deny", "reject", "allow" };

	buf_addf(out, "%s %s to %s", PICK(seed, actions), PICK(seed, ends), PICK(seed, ends));
	buf_addf(out, " %s", PICK(seed, services));
	options(seed, out);
}

static void
full_rule(uint64_t *seed, struct buf *out)
{
	static const char *const heads[] = { "input allow", "input deny", "forward allow", "forward deny", "forward reject",
		"forward count", "output deny", "prerouting deny", "prerouting count", "input count" };
	static const char *const words[] = { "mark voice;", "set-mark voice;", "in lan;", "in wan, dmz;", "out wan;",
		"out vpn*;", "state new;", "source-list bad;", "from servers;", "to 10.1.1.0/24;", "to lan;", "service ssh;",
		"service udp;", "source-port 1-30000;", "from 198.51.100.0/24;", "service tcp/1-500, udp/1-500;" };
	uint64_t n = prng_below(seed, 4);

	buf_addf(out, "rule %s { ", PICK(seed, heads));
	for (uint64_t i = 0; i < n; i++)
		buf_addf(out, "%s ", PICK(seed, words));
	buf_add(out, STR("}\n"));
}

static void
translation(uint64_t *seed, struct buf *out)
{
	static const char *const rows[] = {
		"masquerade lan to internet;\n", "masquerade dmz, vpn to internet;\n",
		"masquerade 192.168.30.0/24 to lan { as 192.168.0.222; }\n", "masquerade internet to dmz;\n",
		"forward tcp/8080 from internet to 192.168.0.10 port 80;\n", "forward http from any to 10.1.1.3;\n",
		"forward udp/53 from lan to 10.1.1.100;\n", "forward tcp/1000-1001 from internet to 192.168.30.11;\n",
	};

	buf_add(out, str_z(PICK(seed, rows)));
}

static void
setting(uint64_t *seed, struct buf *out)
{
	static const char *const rows[] = {
		"p2p block;\n", "p2p mark;\n", "p2p block { exempt servers; }\n", "p2p observe;\n",
		"zone internet { unknown reject; }\n", "zone lan { unknown allow; }\n", "zone dmz { unknown reject; log no; }\n",
		"zone vpn { unknown allow; }\n", "zone dmz { outside; }\n",
	};

	buf_add(out, str_z(PICK(seed, rows)));
}

struct made {
	struct arena arena;
	struct diags *d;
	struct config *config;
	struct policy *policy;
};

static bool
make(struct made *m, struct str text)
{
	*m = (struct made){ .d = diags_new() };
	return m->d && config_load(&m->arena, m->d, STR("oracle.conf"), text, NULL, &m->config) == 0 &&
	    policy_build(&m->arena, m->config, m->d, &m->policy) == 0;
}

static void
unmake(struct made *m)
{
	diags_free(m->d);
	arena_free(&m->arena);
}

/* A statement that contradicts the others is left out: the operator would have been told. */
static void
add_statement(uint64_t *seed, struct buf *text)
{
	void (*const kinds[])(uint64_t *seed, struct buf *out) = { simple_rule, simple_rule, simple_rule, full_rule, full_rule,
		translation, setting };
	size_t before = text->n;
	struct made m;

	kinds[prng_below(seed, ARRAY_LEN(kinds))](seed, text);
	if (!make(&m, buf_str(text)))
		text->n = before;
	unmake(&m);
}

/* Packets. */

static struct addr
address(const char *text)
{
	struct addr a;

	if (addr_parse(str_z(text), &a) < 0)
		abort();
	return a;
}

static struct addr
any_host(uint64_t *seed, size_t *ret_side)
{
	*ret_side = prng_below(seed, ARRAY_LEN(hosts));
	return address(PICK(seed, hosts[*ret_side]));
}

/* What a payload signature looks for, or plain text. */
static size_t
payload(uint64_t *seed, uint8_t protocol, char dst[256])
{
	size_t n = 24 + prng_below(seed, 60);

	memset(dst, 'x', 256);
	if (prng_below(seed, 8) == 0) {
		const struct policy_signature *s = &policy_signatures[prng_below(seed, policy_nsignatures)];

		/* There must be room for the tail. */
		if (s->udp_length >= 8 + 3 * TAIL && s->protocol == protocol)
			n = s->udp_length - 8u;
		for (uint8_t i = 0; i < s->nbytes; i++)
			memcpy(dst + s->bytes[i].at, s->bytes[i].v, s->bytes[i].n);
	}
	return n;
}

struct shot {
	struct eval_packet packet;
	uint8_t flags;
	char payload[256];
};

enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_ACK = 16 };

static void
random_shot(uint64_t *seed, uint64_t id, struct shot *s)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_ICMP };
	struct eval_packet *p = &s->packet;
	size_t from, to;

	*s = (struct shot){ .flags = FLAG_SYN };
	*p = (struct eval_packet){ .state = POLICY_NEW, .way = POLICY_ORIGINAL, .count = 1,
		.protocol = protocols[prng_below(seed, ARRAY_LEN(protocols))] };
	do {
		p->src = any_host(seed, &from);
		p->dst = prng_below(seed, 3) == 0 ? address(PICK(seed, ours)) : any_host(seed, &to);
	} while (addr_is_v4(&p->src) != addr_is_v4(&p->dst) || memcmp(&p->src, &p->dst, sizeof(p->src)) == 0);
	/* Now and then by an interface where it does not belong. */
	p->in = str_z(interfaces[prng_below(seed, 10) == 0 ? prng_below(seed, 4) : from]);
	p->sport = (uint16_t)(1024 + id % 60000);
	p->dport = ports[prng_below(seed, ARRAY_LEN(ports))];
	if (p->protocol == IPPROTO_ICMP) {
		p->protocol = addr_is_v4(&p->src) ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		p->icmp_type = addr_is_v4(&p->src) ? 8 : 128;
	}
	if (p->protocol == IPPROTO_TCP && prng_below(seed, 20) == 0) {
		s->flags = FLAG_SYN | FLAG_FIN;
		p->state = POLICY_INVALID;
	}
	size_t n = payload(seed, p->protocol, s->payload);
	p->payload = str_of(s->payload, n);
	/* The id is written over the end of what was chosen: so must the evaluator see it. */
	memcpy(s->payload + n - TAIL, &id, TAIL);
}

static bool
list_has(void *ctx, const struct policy_set *set, const struct addr *a, const struct eval_packet *p, struct str interface)
{
	const struct conf_gate *g = ctx;

	for (uint32_t i = 0; i < g->nlists; i++) {
		if (!str_eq(g->lists[i].name, set->name))
			continue;
		for (uint32_t k = 0; k < g->lists[i].nets.n; k++) {
			if (cidr_has(&g->lists[i].nets.v[k], a))
				return true;
		}
	}
	return false;
}

static void
print_shot(const struct shot *s, uint64_t id, const struct eval_way *way)
{
	struct buf out = BUF_INIT(1 << 16);
	bool passed = way->verdict == POLICY_ACCEPT && !way->no_route;
	char src[46], dst[46];
	size_t nsrc = addr_show(&way->src, src), ndst = addr_show(&way->dst, dst);

	buf_addf(&out, "packet %.*s ", STR_FMT(s->packet.in));
	packet_bytes(&s->packet, s->flags, id, &out);
	buf_addf(&out, " %s %.*s ", !passed ? "none" : way->out.n ? "pass" : "here", STR_FMT(way->out.n ? way->out : STR("-")));
	if (way->masqueraded)
		buf_add(&out, STR("masq"));
	else
		buf_add(&out, str_of(src, nsrc));
	buf_addf(&out, " %.*s\n", (int)ndst, dst);
	fwrite(out.p, 1, out.n, stdout);
	buf_free(&out);
}

/* The answer to a packet that passed untranslated. */
static void
answer_of(const struct shot *s, const struct eval_way *way, uint64_t id, struct shot *ret)
{
	struct eval_packet *p = &ret->packet;

	*ret = *s;
	p->in = way->out;
	p->src = s->packet.dst;
	p->dst = s->packet.src;
	p->state = POLICY_ESTABLISHED;
	p->way = POLICY_REPLY;
	p->ct_mark = way->ct_mark;
	if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP) {
		p->sport = s->packet.dport;
		p->dport = s->packet.sport;
	} else {
		p->icmp_type = addr_is_v4(&p->src) ? 0 : 129;
	}
	ret->flags = FLAG_SYN | FLAG_ACK;
	p->payload.p = ret->payload;
	memcpy(ret->payload + p->payload.n - TAIL, &id, TAIL);
}

static void
print_packets(uint64_t *seed, uint64_t number, uint64_t count, const struct made *m)
{
	const struct eval_world w = { .ctx = &m->config->gate, .has = list_has };

	for (uint64_t i = 0; i < count; i++) {
		uint64_t id = number * PACKETS_MAX * 2 + 2 * i;
		struct shot s, answer;
		struct eval_way way;

		random_shot(seed, id / 2, &s);
		memcpy(s.payload + s.packet.payload.n - TAIL, &id, TAIL);
		eval(m->policy, &w, &s.packet, &way);
		print_shot(&s, id, &way);
		if (way.verdict != POLICY_ACCEPT || way.no_route || way.out.n == 0 || s.packet.state != POLICY_NEW ||
		    way.masqueraded || memcmp(&way.src, &s.packet.src, sizeof(way.src)) != 0 ||
		    memcmp(&way.dst, &s.packet.dst, sizeof(way.dst)) != 0 || way.dport != s.packet.dport)
			continue;
		answer_of(&s, &way, id + 1, &answer);
		eval(m->policy, &w, &answer.packet, &way);
		print_shot(&answer, id + 1, &way);
	}
}

static void
print_elements(const struct made *m)
{
	const struct conf_gate *g = &m->config->gate;

	for (uint32_t i = 0; i < m->policy->nsets; i++) {
		const struct policy_set *set = &m->policy->sets[i];

		for (uint32_t l = 0; l < g->nlists; l++) {
			if (!str_eq(g->lists[l].name, set->name) || (set->kind != POLICY_SET_ADDR4 && set->kind != POLICY_SET_NET4))
				continue;
			for (uint32_t k = 0; k < g->lists[l].nets.n; k++) {
				char text[46];
				size_t n = addr_show(&g->lists[l].nets.v[k].net, text);

				printf("element %s %.*s\n", set->nft, (int)n, text);
			}
		}
	}
}

static void
print_routes(const struct policy *p)
{
	for (uint32_t i = 0; i < p->nroutes; i++) {
		const struct policy_route *r = &p->routes[i];
		bool v4 = addr_is_v4(&r->to.net);
		char text[46];
		size_t n = addr_show(&r->to.net, text);

		if (r->interface.n > 0)
			printf("route %.*s/%u %.*s\n", (int)n, text, v4 ? r->to.bits - 96u : r->to.bits, STR_FMT(r->interface));
	}
}

int
main(int argc, char **argv)
{
	struct buf text = BUF_INIT(CONFIG_MAX), rules = BUF_INIT(NFT_TEXT_MAX);
	uint64_t number, count, seed;
	struct made m;

	if (argc != 3 || text_u64(str_z(argv[1]), &number) < 0 || text_u64(str_z(argv[2]), &count) < 0 ||
	    count > PACKETS_MAX) {
		fprintf(stderr, "usage: oracle NUMBER PACKETS\n");
		return 2;
	}
	seed = number * 1000003 + 17;
	buf_add(&text, str_z(base));
	for (uint64_t n = 1 + prng_below(&seed, STATEMENTS_MAX); n > 0; n--)
		add_statement(&seed, &text);
	if (!make(&m, buf_str(&text))) {
		fprintf(stderr, "oracle: its own configuration is refused\n");
		return 1;
	}
	nft_text(m.policy, NULL, &rules);
	printf("config %zu\n%s", text.n, buf_cstr(&text));
	printf("rules %zu\n%s", rules.n, buf_cstr(&rules));
	print_elements(&m);
	print_routes(m.policy);
	print_packets(&seed, number, count, &m);
	unmake(&m);
	buf_free(&text);
	buf_free(&rules);
	return 0;
}
