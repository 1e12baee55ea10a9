/*
 * built_in: what goes without saying: bans first, answers pass, what the network cannot do
 * without is never dropped, and at the end of each zone stands a refusal. The order is the point:
 * what cuts live connections stands before what lets them live.
 */
#include <netinet/in.h>

#include "base/when.h"
#include "gate/policy/build.h"

#define PING_RATE 50
#define SAMPLE_RATE 5000
#define SLOW_RATE 100                  /* packets a second of each suspect, each way: a megabit of long ones */

static const struct conf_pos built_in;

static struct policy_rule
built(const struct building *b, enum policy_hook hook, enum policy_verdict v, const char *word,
    const char *why)
{
	struct policy_rule r = rule_blank(b, built_in, word);

	r.hook = hook;
	r.verdict = v;
	r.why = why;
	return r;
}

/* To and from the banned nothing passes, connections that live included. */
static void
build_bans(struct building *b)
{
	for (int i = 0; i < POLICY_OWN_SETS; i++) {
		bool port = i >= POLICY_BANPORT4;
		struct policy_rule r = built(b, POLICY_RAW_IN, POLICY_DROP, "ban",
		    port ? "from a banned address to that service" : "from a banned address");
		r.family = b->p->sets[i].kind % 2 == POLICY_SET_ADDR4 % 2 ? 4 : 6;
		r.src_set = i;
		rule_add(b, &r);
		if (port)
			continue;
		r.src_set = POLICY_NO_SET;
		r.dst_set = i;
		r.why = "to a banned address";
		rule_add(b, &r);
		r.hook = POLICY_RAW_OUT;
		rule_add(b, &r);
	}
}

static void
add_icmp(struct building *b, uint8_t family, uint8_t from, uint8_t to, const char *why)
{
	struct policy_rule r = built(b, POLICY_INPUT, POLICY_ACCEPT, "icmp", why);
	struct policy_range *range = ARENA_NEW(b->a, struct policy_range);

	if (!range) {
		b->full = true;
		return;
	}
	*range = (struct policy_range){ .from = from, .to = to };
	r.family = family;
	r.protocol = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	r.icmp = (struct policy_ranges){ .v = range, .n = 1 };
	rule_add(b, &r);
}

/*
 * RFC 4890 section 4.4; RFC 1812 section 4.3 for IPv4. What is for others belongs to a connection
 * of theirs and passes as its answer.
 */
static void
build_icmp(struct building *b)
{
	add_icmp(b, 4, 3, 3, "unreachable, and how long packets may be");
	add_icmp(b, 4, 11, 12, "time exceeded, parameter problem");
	add_icmp(b, 6, 1, 4, "unreachable, too big, time exceeded, parameter problem");
	add_icmp(b, 6, 130, 132, "who listens to multicast");
	add_icmp(b, 6, 133, 136, "neighbours and routers");
	add_icmp(b, 6, 143, 143, "who listens to multicast, version 2");
}

/* The log is limited, the refusal is not: two rules. */
static void
refuse_told(struct building *b, struct policy_rule r, bool log)
{
	struct policy_rule told = r;

	if (log && b->g->gateway.log && r.verdict != POLICY_ACCEPT) {
		told.verdict = POLICY_GO_ON;
		told.log = true;
		told.rate = b->g->gateway.log_rate;
		told.rate_per_us = 1000000;
		rule_add(b, &told);
	}
	rule_add(b, &r);
}

/*
 * Before what lets live ones pass: a flood of pings with one id is one connection, and would be an
 * established one after the first.
 */
static void
build_ping(struct building *b)
{
	for (int six = 0; b->g->gateway.ping && six < 2; six++) {
		struct policy_rule r = built(b, POLICY_INPUT, POLICY_ACCEPT, "ping", "within reason");
		struct policy_range *type = ARENA_NEW(b->a, struct policy_range);
		if (!type) {
			b->full = true;
			return;
		}
		type->from = type->to = six ? 128 : 8;
		r.family = six ? 6 : 4;
		r.protocol = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		r.icmp = (struct policy_ranges){ .v = type, .n = 1 };
		r.rate = PING_RATE;
		r.rate_per_us = 1000000;
		rule_add(b, &r);
		r.rate = 0;
		r.verdict = POLICY_DROP;
		r.why = "more than is reasonable";
		refuse_told(b, r, true);
	}
}

/* A ping to a whole network, whose answers would all go to a forged sender. */
static void
build_smurf(struct building *b)
{
	struct policy_rule r = built(b, POLICY_INPUT, POLICY_DROP, "smurf",
	    "ping to a broadcast address");
	struct policy_range *type = ARENA_NEW(b->a, struct policy_range);

	if (!type) {
		b->full = true;
		return;
	}
	*type = (struct policy_range){ .from = 8, .to = 8 };
	r.family = 4;
	r.protocol = IPPROTO_ICMP;
	r.icmp = (struct policy_ranges){ .v = type, .n = 1 };
	r.broadcast = true;
	refuse_told(b, r, true);
}

/* One rule a zone, so that each counts for itself. */
static void
build_established(struct building *b)
{
	static const enum policy_hook in[] = { POLICY_INPUT, POLICY_FORWARD };

	for (size_t h = 0; h < ARRAY_LEN(in); h++) {
		for (uint32_t i = 0; i < b->p->nzones; i++) {
			struct policy_rule r = built(b, in[h], POLICY_ACCEPT, "zone",
			    "answers, and what belongs to them");
			r.name = b->p->zones[i].name;
			r.in = b->p->zones[i].interfaces;
			r.states = POLICY_ESTABLISHED | POLICY_RELATED;
			rule_add(b, &r);
		}
		struct policy_rule r = built(b, in[h], POLICY_DROP, "invalid",
		    "belongs to no connection and begins none");
		r.states = POLICY_INVALID | POLICY_UNTRACKED;
		b->invalid_at[in[h]] = b->hooks[in[h]].n;
		rule_add(b, &r);
	}
}

/* IPv6 has no rp_filter; there every packet is looked at. */
static void
build_spoofed(struct building *b)
{
	struct policy_rule r = built(b, POLICY_MARK_IN, POLICY_DROP, "anti-spoofing",
	    "the answer would not go back by the same interface");

	if (b->g->gateway.anti_spoofing != CONF_SPOOF_STRICT)
		return;
	r.family = 6;
	r.spoofed = true;
	rule_add(b, &r);
}

static void
build_clamp(struct building *b)
{
	struct policy_rule r = built(b, POLICY_FORWARD, POLICY_GO_ON, "mss",
	    "TCP is told how long segments may be on the way");

	r.protocol = IPPROTO_TCP;
	r.clamp = true;
	rule_add(b, &r);
}

static bool
p2p_blocked(const struct building *b)
{
	return b->g->p2p && b->g->p2p->mode == CONF_P2P_BLOCK;
}

static void
add_p2p_drop(struct building *b, enum policy_hook hook)
{
	struct policy_rule r = rule_blank(b, b->g->p2p->where, "p2p");

	r.hook = hook;
	r.verdict = POLICY_DROP;
	r.ct_mark = POLICY_P2P_MARK;
	r.ct_mask = POLICY_P2P_MASK;
	r.why = "file sharing";
	rule_add(b, &r);
}

static void
add_signatures(struct building *b, enum policy_hook hook)
{
	for (size_t i = 0; i < policy_nsignatures; i++) {
		struct policy_rule r = rule_blank(b, b->g->p2p->where, "p2p");
		r.hook = hook;
		r.why = policy_signatures[i].name;
		r.protocol = policy_signatures[i].protocol;
		r.payload = &policy_signatures[i];
		r.ct_mask = POLICY_P2P_MASK;
		r.log = true;
		r.set_ct = POLICY_P2P_MARK;
		r.set_ct_mask = POLICY_P2P_MASK;
		/* Nothing ends it here, so each connection is told once, and all of them at a rate: DHT alone makes hundreds. */
		if (b->g->p2p->mode == CONF_P2P_OBSERVE) {
			r.set_ct = POLICY_P2P_TOLD;
			r.rate = b->g->gateway.log_rate;
			r.rate_per_us = WHEN_SECOND;
		}
		rule_add(b, &r);
	}
}

/* What a suspect says to others from a high port to a high port, and what they say to it. */
static void
add_encrypted(struct building *b)
{
	static const struct policy_range high = { .from = 1024, .to = 65535 };
	struct policy_ranges ports = { .v = ARENA_NEW(b->a, struct policy_range), .n = 1 };
	struct policy_rule r = rule_blank(b, b->g->p2p->where, "p2p");

	if (!ports.v) {
		b->full = true;
		return;
	}
	*ports.v = high;
	r.hook = POLICY_FORWARD;
	r.verdict = POLICY_DROP;
	r.sports = r.dports = ports;
	r.why = "behaves like a peer that encrypts";
	if (b->g->p2p->encrypted == CONF_P2P_SLOW) {
		r.rate = SLOW_RATE;
		r.rate_per_us = WHEN_SECOND;
		r.over = true;
	}
	for (int i = 0; i < 4; i++) {
		int six = i / 2, set = b->p->suspects[six];
		r.family = six ? 6 : 4;
		r.src_set = i % 2 ? POLICY_NO_SET : set;
		r.dst_set = i % 2 ? set : POLICY_NO_SET;
		/* The sets that count stand behind those of the suspects, in the same order. */
		r.meter = r.over ? set + 2 : POLICY_NO_SET;
		rule_add(b, &r);
	}
}

static void
add_exempt(struct building *b, const struct side *s)
{
	struct policy_rule r = rule_blank(b, b->g->p2p->where, "p2p");
	struct side any = { .gateway = false }, nets = *s;

	r.hook = POLICY_MARK_IN;
	r.verdict = POLICY_ACCEPT;
	r.why = "exempt";
	rule_spread(b, &r, s, &any, NULL);
	nets.interfaces = (struct conf_strs){ .n = 0 };
	if (nets.nets[0].n || nets.nets[1].n)
		rule_spread(b, &r, &any, &nets, NULL);
}

void
build_p2p(struct building *b)
{
	const struct conf_p2p *c = b->g->p2p;
	struct policy_rule r;
	struct sides exempt;

	if (!c || !sides_resolve(b, c->exempt, c->where, &exempt))
		return;
	for (uint32_t i = 0; c->exempt.n && i < exempt.n; i++)
		add_exempt(b, &exempt.v[i]);
	add_signatures(b, POLICY_MARK_IN);
	r = rule_blank(b, c->where, "p2p");
	r.hook = POLICY_MARK_IN;
	r.sample = true;
	r.ct_mask = c->mode == CONF_P2P_OBSERVE ? 0 : POLICY_P2P_MASK;
	/* Connections older than the accounting count none: the rate bounds what they cost. */
	r.rate = SAMPLE_RATE;
	r.rate_per_us = 1000000;
	r.why = "first packets are looked at";
	for (r.first_packets = POLICY_ORIGINAL; r.first_packets <= POLICY_REPLY; r.first_packets++)
		rule_add(b, &r);
}

void
build_before(struct building *b)
{
	struct policy_rule r;

	build_bans(b);
	build_spoofed(b);
	r = built(b, POLICY_INPUT, POLICY_ACCEPT, "loopback", "this machine speaks to itself");
	r.loopback = true;
	rule_add(b, &r);
	r.hook = POLICY_OUTPUT;
	rule_add(b, &r);
	if (b->g->p2p)
		add_signatures(b, POLICY_OUTPUT);
	if (b->g->p2p && b->g->p2p->encrypted != CONF_P2P_TELL)
		add_encrypted(b);
	if (p2p_blocked(b)) {
		add_p2p_drop(b, POLICY_INPUT);
		add_p2p_drop(b, POLICY_FORWARD);
		add_p2p_drop(b, POLICY_OUTPUT);
	}
	build_clamp(b);
	build_smurf(b);
	build_ping(b);
	build_established(b);
	build_icmp(b);
}

static const enum policy_verdict unknown_verdicts[] = {
	[CONF_UNKNOWN_DROP] = POLICY_DROP, [CONF_UNKNOWN_REJECT] = POLICY_REJECT,
	[CONF_UNKNOWN_ALLOW] = POLICY_ACCEPT,
};

void
build_after(struct building *b)
{
	static const enum policy_hook in[] = { POLICY_INPUT, POLICY_FORWARD };
	enum policy_verdict unzoned = unknown_verdicts[b->g->gateway.unzoned];

	for (size_t h = 0; h < ARRAY_LEN(in); h++) {
		for (uint32_t i = 0; i < b->p->nzones; i++) {
			const struct policy_zone *z = &b->p->zones[i];
			struct policy_rule r = rule_blank(b, z->conf ? z->conf->where : built_in, "zone");
			r.hook = in[h];
			r.name = z->name;
			r.in = z->interfaces;
			r.verdict = unknown_verdicts[z->conf ? z->conf->unknown : CONF_UNKNOWN_DROP];
			r.why = "what no rule speaks of";
			refuse_told(b, r, !z->conf || z->conf->log);
		}
		refuse_told(b, built(b, in[h], unzoned, "unzoned",
		    "came in by an interface that the configuration does not name"), true);
	}
	struct policy_rule r = built(b, POLICY_OUTPUT, POLICY_ACCEPT, "gateway",
	    "what this machine itself sends");
	rule_add(b, &r);
}

/*
 * BEP 3 (handshake), BEP 5 (DHT), BEP 15 (UDP trackers); eDonkey and Kad as aMule sends them;
 * Gnutella 0.6.
 */
const struct policy_signature policy_signatures[] = {
	{ "BitTorrent handshake", IPPROTO_TCP, 0, 1,
		{ { 0, 16, { 0x13, 'B', 'i', 't', 'T', 'o', 'r', 'r', 'e', 'n', 't', ' ', 'p', 'r', 'o', 't' } } } },
	{ "BitTorrent DHT query", IPPROTO_UDP, 0, 1,
		{ { 0, 12, { 'd', '1', ':', 'a', 'd', '2', ':', 'i', 'd', '2', '0', ':' } } } },
	{ "BitTorrent DHT answer", IPPROTO_UDP, 0, 1,
		{ { 0, 12, { 'd', '1', ':', 'r', 'd', '2', ':', 'i', 'd', '2', '0', ':' } } } },
	{ "BitTorrent tracker", IPPROTO_UDP, 24, 1,
		{ { 0, 12, { 0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0 } } } },
	{ "eDonkey hello", IPPROTO_TCP, 0, 2,
		{ { 0, 1, { 0xe3 } }, { 3, 4, { 0, 0, 0x01, 0x10 } } } },
	{ "Kad request", IPPROTO_UDP, 43, 1, { { 0, 3, { 0xe4, 0x21, 0x02 } } } },
	{ "Kad request", IPPROTO_UDP, 43, 1, { { 0, 3, { 0xe4, 0x21, 0x04 } } } },
	{ "Kad request", IPPROTO_UDP, 43, 1, { { 0, 3, { 0xe4, 0x21, 0x0b } } } },
	{ "Gnutella connect", IPPROTO_TCP, 0, 1,
		{ { 0, 16, { 'G', 'N', 'U', 'T', 'E', 'L', 'L', 'A', ' ', 'C', 'O', 'N', 'N', 'E', 'C', 'T' } } } },
	{ "Gnutella answer", IPPROTO_TCP, 0, 1,
		{ { 0, 12, { 'G', 'N', 'U', 'T', 'E', 'L', 'L', 'A', '/', '0', '.', '6' } } } },
};
const size_t policy_nsignatures = ARRAY_LEN(policy_signatures);
