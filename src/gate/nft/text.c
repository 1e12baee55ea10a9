/* text: see text.h. */
#include "gate/nft/text.h"

#include <netinet/in.h>
#include <linux/netfilter.h>
#include <stdio.h>

#include "base/when.h"

#define CLASSIFY_PACKETS 12

const struct nft_chain nft_chains[POLICY_HOOKS] = {
	[POLICY_RAW_IN] = { "g_raw", "filter", NF_INET_PRE_ROUTING, -300, false },
	[POLICY_MARK_IN] = { "g_mark", "filter", NF_INET_PRE_ROUTING, -150, false },
	[POLICY_DNAT] = { "g_dstnat", "nat", NF_INET_PRE_ROUTING, -100, false },
	[POLICY_INPUT] = { "g_input", "filter", NF_INET_LOCAL_IN, 0, true },
	[POLICY_FORWARD] = { "g_forward", "filter", NF_INET_FORWARD, 0, true },
	[POLICY_OUTPUT] = { "g_output", "filter", NF_INET_LOCAL_OUT, 0, false },
	[POLICY_RAW_OUT] = { "g_rawout", "filter", NF_INET_LOCAL_OUT, -300, false },
	[POLICY_SNAT] = { "g_srcnat", "nat", NF_INET_POST_ROUTING, 100, false },
	[POLICY_DNAT_OUT] = { "g_dstnatout", "nat", NF_INET_LOCAL_OUT, -100, false },
};

static const char *const hook_words[] = {
	[NF_INET_PRE_ROUTING] = "prerouting", [NF_INET_LOCAL_IN] = "input", [NF_INET_FORWARD] = "forward",
	[NF_INET_LOCAL_OUT] = "output", [NF_INET_POST_ROUTING] = "postrouting",
};

static const struct {
	const char *type, *flags;
} set_types[] = {
	[POLICY_SET_ADDR4] = { "ipv4_addr", "timeout" },
	[POLICY_SET_ADDR6] = { "ipv6_addr", "timeout" },
	[POLICY_SET_NET4] = { "ipv4_addr", "interval,timeout" },
	[POLICY_SET_NET6] = { "ipv6_addr", "interval,timeout" },
	[POLICY_SET_PORT4] = { "ipv4_addr . inet_proto . inet_service", "timeout" },
	[POLICY_SET_PORT6] = { "ipv6_addr . inet_proto . inet_service", "timeout" },
	[POLICY_SET_IFACE] = { "ifname", "timeout" },
};

void
nft_counter_name(const struct policy_rule *r, char dst[18])
{
	snprintf(dst, 18, "c%016llx", (unsigned long long)r->id);
}

static void
text_interfaces(const char *key, struct conf_strs names, struct buf *out)
{
	if (names.n == 0)
		return;
	buf_add(out, str_z(key));
	buf_add(out, names.n > 1 ? STR(" { \"") : STR(" \""));
	for (uint32_t i = 0; i < names.n; i++) {
		buf_add(out, i ? STR("\", \"") : STR(""));
		buf_add(out, names.v[i]);
	}
	buf_add(out, names.n > 1 ? STR("\" } ") : STR("\" "));
}

static void
text_cidr(const struct cidr *c, struct buf *out)
{
	char text[46];
	bool v4 = addr_is_v4(&c->net);
	unsigned bits = v4 ? c->bits - 96u : c->bits;

	buf_add(out, str_of(text, addr_show(&c->net, text)));
	if (bits != (v4 ? 32u : 128u)) {
		buf_add_byte(out, '/');
		buf_add_u64(out, bits);
	}
}

static bool
cidr_inside(const struct cidr *outer, const struct cidr *inner)
{
	return outer->bits <= inner->bits && cidr_has(outer, &inner->net);
}

/* Networks inside others of the same list would overlap as intervals: they add nothing. */
bool
nft_cidr_needless(struct conf_cidrs nets, uint32_t i)
{
	for (uint32_t k = 0; k < nets.n; k++)
		if (k != i && cidr_inside(&nets.v[k], &nets.v[i]) &&
		    (nets.v[k].bits != nets.v[i].bits || k < i))
			return true;
	return false;
}

static void
text_nets(const char *key, uint8_t family, struct conf_cidrs nets, struct buf *out)
{
	bool first = true;

	if (nets.n == 0)
		return;
	buf_add(out, family == 6 ? STR("ip6 ") : STR("ip "));
	buf_add(out, str_z(key));
	buf_add(out, STR(" { "));
	for (uint32_t i = 0; i < nets.n; i++) {
		if (nft_cidr_needless(nets, i))
			continue;
		buf_add(out, first ? STR("") : STR(", "));
		text_cidr(&nets.v[i], out);
		first = false;
	}
	buf_add(out, STR(" } "));
}

/* The end of the run of ports that begins at `from`. */
uint32_t
nft_run_end(struct policy_ranges ranges, uint32_t from)
{
	uint32_t to = from;

	for (uint32_t i = 0; i < ranges.n; i++) {
		if (ranges.v[i].from > to + 1 || ranges.v[i].to <= to)
			continue;
		to = ranges.v[i].to;
		i = UINT32_MAX;        /* what was passed over may join it now */
	}
	return to;
}

/* The first port from `next` on that a range has, or 65536. */
uint32_t
nft_run_begin(struct policy_ranges ranges, uint32_t next)
{
	uint32_t from = 65536;

	for (uint32_t i = 0; i < ranges.n; i++)
		if (ranges.v[i].to >= next && ranges.v[i].from < from)
			from = ranges.v[i].from > next ? ranges.v[i].from : next;
	return from;
}

/* Likewise ports: ranges that touch are joined. */
static void
text_ranges(const char *of, const char *key, struct policy_ranges ranges, struct buf *out)
{
	if (ranges.n == 0)
		return;
	struct str before = STR(" { ");
	buf_add(out, str_z(of));
	buf_add(out, str_z(key));
	for (uint32_t from = 0, to; (from = nft_run_begin(ranges, from)) <= 65535; from = to + 1) {
		to = nft_run_end(ranges, from);
		buf_add(out, before);
		buf_add_u64(out, from);
		if (from != to) {
			buf_add_byte(out, '-');
			buf_add_u64(out, to);
		}
		before = STR(", ");
	}
	buf_add(out, STR(" } "));
}

static void
text_set(const struct policy *p, const struct policy_rule *r, int set, const char *way,
    struct buf *out)
{
	if (set == POLICY_NO_SET)
		return;
	enum policy_set_kind kind = p->sets[set].kind;
	buf_addf(out, "%s %s ", r->family == 6 ? "ip6" : "ip", way);
	if (kind == POLICY_SET_PORT4 || kind == POLICY_SET_PORT6)
		buf_add(out, STR(". meta l4proto . th dport "));
	buf_addf(out, "@%s ", p->sets[set].nft);
}

/* Families and protocols of which nothing further is said. */
static void
text_family(const struct policy_rule *r, struct buf *out)
{
	bool told = r->src.n || r->dst.n || r->src_set != POLICY_NO_SET ||
	    r->dst_set != POLICY_NO_SET;

	if (r->family && !told)
		buf_addf(out, "meta nfproto ipv%d ", r->family);
}

static void
text_protocol(const struct policy_rule *r, struct buf *out)
{
	const char *name = r->protocol == IPPROTO_TCP ? "tcp" : r->protocol == IPPROTO_UDP ? "udp" :
	    r->protocol == IPPROTO_SCTP ? "sctp" : "th";

	if (r->protocol == POLICY_ANY_PROTOCOL && r->sports.n)
		buf_add(out, STR("meta l4proto { tcp, udp, sctp } "));
	if (r->protocol != POLICY_ANY_PROTOCOL) {
		buf_add(out, STR("meta l4proto "));
		buf_add_u64(out, (uint64_t)r->protocol);
		buf_add_byte(out, ' ');
	}
	text_ranges(name, " sport", r->sports, out);
	text_ranges(name, " dport", r->dports, out);
	text_ranges(r->protocol == IPPROTO_ICMP ? "icmp" : "icmpv6", " type", r->icmp, out);
}

static void
text_payload(const struct policy_signature *s, struct buf *out)
{
	if (!s)
		return;
	if (s->udp_length)
		buf_addf(out, "udp length %u ", s->udp_length);
	for (uint8_t i = 0; i < s->nbytes; i++) {
		const struct policy_bytes *b = &s->bytes[i];
		buf_addf(out, "@ih,%u,%u 0x", b->at * 8u, b->n * 8u);
		for (uint8_t k = 0; k < b->n; k++)
			buf_addf(out, "%02x", b->v[k]);
		buf_add_byte(out, ' ');
	}
}

static void
text_states(unsigned states, struct buf *out)
{
	static const char *const names[] = { "new", "established", "related", "invalid", "untracked" };
	const char *between = "";

	if (!states)
		return;
	buf_add(out, STR("ct state "));
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (!(states & (1u << i)))
			continue;
		buf_addf(out, "%s%s", between, names[i]);
		between = ",";
	}
	buf_add_byte(out, ' ');
}

static void
text_place(const struct policy_rule *r, struct buf *out)
{
	if (r->broadcast)
		buf_add(out, STR("fib daddr type broadcast "));
	if (r->to_here)
		buf_add(out, STR("fib daddr type local "));
	if (r->for_others)
		buf_add(out, STR("fib saddr type != local "));
	/* A host that has no address yet asks from none; link-local ones are everywhere. */
	if (r->spoofed)
		buf_add(out, STR("ip6 saddr != { ::, fe80::/10 } fib saddr . iif oif missing "));
	if (r->translated)
		buf_add(out, STR("ct status dnat "));
	if (r->first_packets)
		buf_addf(out, "ct direction %s ct %s packets <= %d ",
		    r->first_packets == POLICY_REPLY ? "reply" : "original",
		    r->first_packets == POLICY_REPLY ? "reply" : "original", CLASSIFY_PACKETS);
}

/* nft counts by the second, minute, hour or day. */
static void
text_rate(const struct policy *p, const struct policy_rule *r, struct buf *out)
{
	const char *unit = r->rate_per_us >= WHEN_DAY ? "day" : r->rate_per_us >= WHEN_HOUR ? "hour" :
	    r->rate_per_us >= WHEN_MINUTE ? "minute" : "second";

	if (r->meter != POLICY_NO_SET)
		buf_addf(out, "update @%s { %s %s ", p->sets[r->meter].nft, r->family == 6 ? "ip6" : "ip",
		    r->syn && r->family == 6 ? "saddr and ffff:ffff:ffff:ffff::" :
		    r->syn || r->src_set != POLICY_NO_SET ? "saddr" : "daddr");
	if (r->rate)
		buf_addf(out, "limit rate %s%lld/%s burst %lld packets ", r->over ? "over " : "", (long long)r->rate, unit,
		    (long long)r->rate);
	if (r->meter != POLICY_NO_SET)
		buf_add(out, STR("} "));
}

static void
text_matches(const struct policy *p, const struct policy_rule *r, struct buf *out)
{
	if (r->loopback)
		buf_addf(out, "%s \"lo\" ", r->hook == POLICY_OUTPUT ? "oifname" : "iifname");
	text_interfaces("iifname", r->in, out);
	if (r->in_set != POLICY_NO_SET)
		buf_addf(out, "iifname @%s ", p->sets[r->in_set].nft);
	text_interfaces("oifname", r->out, out);
	text_family(r, out);
	text_nets("saddr", r->family, r->src, out);
	text_nets("daddr", r->family, r->dst, out);
	text_protocol(r, out);
	text_set(p, r, r->src_set, "saddr", out);
	text_set(p, r, r->dst_set, "daddr", out);
	text_states(r->states, out);
	text_place(r, out);
	if (r->mark_mask)
		buf_addf(out, "meta mark and 0x%08x == 0x%08x ", r->mark_mask, r->mark);
	if (r->ct_mask)
		buf_addf(out, "ct mark and 0x%08x == 0x%08x ", r->ct_mask, r->ct_mark);
	text_payload(r->payload, out);
	if (r->clamp)
		buf_add(out, STR("tcp flags and (syn | rst) == syn "));
	if (r->syn)
		buf_add(out, STR("tcp flags and (fin | syn | rst | ack) == syn "));
	text_rate(p, r, out);
}

static void
text_target(const struct policy_rule *r, struct buf *out)
{
	bool v4 = addr_is_v4(&r->to);
	char text[46];

	buf_addf(out, "%s %s to ", r->verdict == POLICY_DNAT_TO ? "dnat" : "snat", v4 ? "ip" : "ip6");
	size_t n = addr_show(&r->to, text);
	buf_addf(out, r->to_port && !v4 ? "[%.*s]" : "%.*s", (int)n, text);
	if (r->to_port)
		buf_addf(out, ":%u", r->to_port);
}

static void
text_verdict(const struct policy_rule *r, bool cookies, struct buf *out)
{
	switch (r->verdict) {
	case POLICY_GO_ON:
		break;
	case POLICY_ACCEPT:
		buf_add(out, STR("accept"));
		break;
	case POLICY_DROP:
		buf_add(out, STR("drop"));
		break;
	case POLICY_REJECT:
		buf_add(out, r->protocol == IPPROTO_TCP ? STR("reject with tcp reset") :
		    STR("reject with icmpx admin-prohibited"));
		break;
	case POLICY_MASQUERADE:
		buf_add(out, STR("masquerade"));
		break;
	case POLICY_SYNPROXY:
		if (cookies)
			buf_addf(out, "synproxy mss %u wscale %u timestamp sack-perm", r->segment, r->window_scale);
		else
			buf_add(out, STR("drop"));
		break;
	case POLICY_SNAT_TO:
	case POLICY_DNAT_TO:
		text_target(r, out);
		break;
	}
}

static void
text_effects(const struct policy *p, const struct policy_rule *r, bool cookies, struct buf *out)
{
	if (r->set_mark_mask)
		buf_addf(out, "meta mark set meta mark and 0x%08x or 0x%08x ", ~r->set_mark_mask,
		    r->set_mark);
	if (r->set_ct_mask)
		buf_addf(out, "ct mark set ct mark and 0x%08x or 0x%08x ", ~r->set_ct_mask, r->set_ct);
	if (r->add_src != POLICY_NO_SET) {
		buf_addf(out, "update @%s { %s saddr", p->sets[r->add_src].nft,
		    r->family == 6 ? "ip6" : "ip");
		if (r->add_us)
			buf_addf(out, " timeout %llds", (long long)(r->add_us / WHEN_SECOND));
		buf_add(out, STR(" } "));
	}
	if (r->clamp)
		buf_add(out, STR("tcp option maxseg size set rt mtu "));
	if (r->untrack)
		buf_add(out, cookies ? STR("notrack ") : STR("drop "));
}

void
nft_text_body(const struct policy *p, const struct policy_rule *r, struct buf *out)
{
	text_matches(p, r, out);
	text_effects(p, r, true, out);
	if (r->log)
		buf_add(out, STR("log "));
	if (r->sample)
		buf_add(out, STR("sample "));
	text_verdict(r, true, out);
}

/* The prefix names the rule: what was logged leads back to its line. */
static void
text_log(const struct policy_rule *r, struct buf *out)
{
	if (r->log)
		buf_addf(out, "log prefix \"g:%016llx %s\" group %d snaplen %d queue-threshold 1 ",
		    (unsigned long long)r->id, r->word, POLICY_LOG_GROUP, POLICY_LOG_BYTES);
	if (r->sample)
		buf_addf(out, "log prefix \"%s\" group %d snaplen %d queue-threshold 1 ",
		    r->first_packets == POLICY_REPLY ? "r" : "o", POLICY_SAMPLE_GROUP, POLICY_SAMPLE_BYTES);
}

static void
text_rule(const struct policy *p, const struct policy_rule *r, bool cookies, struct buf *out)
{
	char counter[18];

	nft_counter_name(r, counter);
	text_matches(p, r, out);
	buf_addf(out, "counter name \"%s\" ", counter);
	text_effects(p, r, cookies, out);
	text_log(r, out);
	text_verdict(r, cookies, out);
	buf_add_byte(out, '\n');
}

static void
text_sets(const struct policy *p, struct buf *out)
{
	for (uint32_t i = 0; i < p->nsets; i++) {
		const struct policy_set *s = &p->sets[i];
		buf_addf(out, "add set inet " NFT_TABLE " %s { type %s; flags %s%s;", s->nft,
		    set_types[s->kind].type, s->learns ? "dynamic," : "", set_types[s->kind].flags);
		if (s->learns)
			buf_add(out, STR(" size 65535;"));
		if (s->timeout_us)
			buf_addf(out, " timeout %llds;", (long long)(s->timeout_us / WHEN_SECOND));
		buf_add(out, STR(" }\n"));
	}
}

static bool
kept(const struct nft_kept *k, uint32_t rule)
{
	return k && k->counters && k->counters[rule];
}

static void
text_chain(const struct policy *p, enum policy_hook h, bool cookies, struct buf *out)
{
	buf_addf(out, "chain %s {\n", nft_chains[h].name);
	for (uint32_t i = p->first[h]; i < p->first[h + 1]; i++)
		text_rule(p, &p->rules[i], cookies, out);
	buf_add(out, STR("}\n"));
}

/* One block for all rules: nft takes a third longer for as many commands. */
void
nft_text(const struct policy *p, const struct nft_kept *k, struct buf *out)
{
	char counter[18];

	buf_add(out, STR("add table inet " NFT_TABLE "\n"));
	text_sets(p, out);
	for (int h = 0; h < POLICY_HOOKS; h++)
		buf_addf(out, "add chain inet " NFT_TABLE " %s { type %s hook %s priority %d; policy %s; }\n"
		    "flush chain inet " NFT_TABLE " %s\n", nft_chains[h].name, nft_chains[h].type,
		    hook_words[nft_chains[h].hook], nft_chains[h].priority, nft_chains[h].drops ? "drop" : "accept", nft_chains[h].name);
	buf_add(out, STR("table inet " NFT_TABLE " {\n"));
	for (uint32_t i = 0; i < p->nrules; i++) {
		nft_counter_name(&p->rules[i], counter);
		if (!kept(k, i))
			buf_addf(out, "counter %s { }\n", counter);
	}
	for (int h = 0; h < POLICY_HOOKS; h++)
		text_chain(p, (enum policy_hook)h, !k || !k->no_synproxy, out);
	buf_add(out, STR("}\n"));
	for (size_t i = 0; k && i < k->nstale; i++)
		buf_addf(out, "delete counter inet " NFT_TABLE " %.*s\n", STR_FMT(k->stale[i]));
}
