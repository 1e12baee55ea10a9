/* match: see match.h. In the order and spelling of gate/nft/text.c, which the kernel's listing proves. */
#include "gate/nft/match.h"

#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "base/when.h"
#include "gate/nft/expr.h"
#include "gate/nft/text.h"
#include "wire/netlink.h"

#define CLASSIFY_PACKETS 12
#define ELEMENTS_BYTES 32768           /* of one message: a nest holds 64 KiB */
#define NAME_BYTES 16                  /* IFNAMSIZ */

/* Types of nft's language (its datatype.h): the kernel keeps the number and does not look at it. */
enum {
	TYPE_IPV4 = 7, TYPE_IPV6 = 8, TYPE_PROTOCOL = 12, TYPE_SERVICE = 13, TYPE_ICMP = 14, TYPE_ICMPV6 = 29,
	TYPE_NAME = 41, TYPE_BITS = 6,
};

uint32_t
nft_key_type(enum policy_set_kind kind, uint32_t *ret_bytes)
{
	static const struct { uint32_t type, bytes; } types[] = {
		[POLICY_SET_ADDR4] = { TYPE_IPV4, 4 }, [POLICY_SET_ADDR6] = { TYPE_IPV6, 16 },
		[POLICY_SET_NET4] = { TYPE_IPV4, 4 }, [POLICY_SET_NET6] = { TYPE_IPV6, 16 },
		[POLICY_SET_PORT4] = { TYPE_IPV4 << 2 * TYPE_BITS | TYPE_PROTOCOL << TYPE_BITS | TYPE_SERVICE, 12 },
		[POLICY_SET_PORT6] = { TYPE_IPV6 << 2 * TYPE_BITS | TYPE_PROTOCOL << TYPE_BITS | TYPE_SERVICE, 24 },
		[POLICY_SET_IFACE] = { TYPE_NAME, NAME_BYTES },
	};

	*ret_bytes = types[kind].bytes;
	return types[kind].type;
}

void
nft_note_order(struct buf *b, uint32_t type)
{
	/* Its own notes: kind 0, four bytes, the order of a key's bytes: 1 as the machine's, 2 as the network's. */
	struct { uint8_t kind, n; uint8_t order[4]; } note = { 0, 4, { 0 } };
	uint32_t order = type == TYPE_NAME ? 1 : 2;

	memcpy(note.order, &order, sizeof(order));
	if (type < 1u << TYPE_BITS)
		netlink_put(b, NFTA_SET_USERDATA, &note, sizeof(note));
}

size_t
nft_begin(struct nft_writer *w, int type, uint16_t flags)
{
	struct netlink_head h = { .type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), .flags = flags, .seq = w->seq++,
		.family = NFPROTO_INET };

	return netlink_begin(w->out, &h);
}

/* Sets without names. */

struct range {
	uint8_t from[16], to[16];      /* `to` is the first behind; open: none is */
	bool open;
};

#define RANGES_MAX 65536

struct ranges {
	struct range *v;
	size_t n;
	uint32_t bytes, type;
	bool wide;                     /* one at least is more than one value */
};

static int
by_from(const void *a, const void *b)
{
	return memcmp(((const struct range *)a)->from, ((const struct range *)b)->from, sizeof(((const struct range *)a)->from));
}

/* One added at the last of n bytes; true when it went over the end. */
static bool
add_one(uint8_t *v, uint32_t n)
{
	while (n-- > 0)
		if (++v[n])
			return false;
	return true;
}

static void
put_element(struct buf *b, const uint8_t *key, uint32_t n, bool end)
{
	size_t one = netlink_nest(b, NFTA_LIST_ELEM);

	if (end)
		netlink_put_be32(b, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	size_t data = netlink_nest(b, NFTA_SET_ELEM_KEY);
	netlink_put(b, NFTA_DATA_VALUE, key, n);
	netlink_nest_end(b, data);
	netlink_nest_end(b, one);
}

static void
put_elements(struct nft_writer *w, const struct ranges *l, const char *set, uint32_t id)
{
	static const uint8_t zero[16];

	for (size_t i = 0; i < l->n;) {
		size_t at = nft_begin(w, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
		netlink_put_text(w->out, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
		netlink_put_text(w->out, NFTA_SET_ELEM_LIST_SET, set);
		netlink_put_be32(w->out, NFTA_SET_ELEM_LIST_SET_ID, id);
		size_t list = netlink_nest(w->out, NFTA_SET_ELEM_LIST_ELEMENTS);
		if (i == 0 && l->wide && memcmp(l->v[0].from, zero, l->bytes) != 0)
			put_element(w->out, zero, l->bytes, true);
		for (; i < l->n && w->out->n - list < ELEMENTS_BYTES; i++) {
			put_element(w->out, l->v[i].from, l->bytes, false);
			if (l->wide && !l->v[i].open)
				put_element(w->out, l->v[i].to, l->bytes, true);
		}
		netlink_nest_end(w->out, list);
		netlink_end(w->out, at);
	}
}

static void
extend(struct range *r, const struct range *by)
{
	memcpy(r->to, by->to, sizeof(r->to));
	r->open = by->open;
}

/* In order, and those that touch or lie in each other as one: the kernel takes no others. Single values stay single. */
static void
join(struct ranges *l)
{
	size_t n = 0;

	qsort(l->v, l->n, sizeof(*l->v), by_from);
	for (size_t i = 0; i < l->n; i++) {
		struct range *last = n ? &l->v[n - 1] : NULL;
		int behind = !last ? 1 : last->open ? -1 : memcmp(l->v[i].from, last->to, l->bytes);
		if (behind > 0 || (behind == 0 && !l->wide))
			l->v[n++] = l->v[i];
		else if (!last->open && (l->v[i].open || memcmp(l->v[i].to, last->to, l->bytes) > 0))
			extend(last, &l->v[i]);
	}
	l->n = n;
}

static void
look_up_ranges(struct nft_writer *w, struct ranges *l, bool inverted)
{
	static const char name[] = "__set%d";
	uint32_t id = ++w->sets;

	join(l);
	size_t at = nft_begin(w, NFT_MSG_NEWSET, NLM_F_CREATE);
	netlink_put_text(w->out, NFTA_SET_TABLE, NFT_TABLE);
	netlink_put_text(w->out, NFTA_SET_NAME, name);
	netlink_put_be32(w->out, NFTA_SET_ID, id);
	netlink_put_be32(w->out, NFTA_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | (l->wide ? NFT_SET_INTERVAL : 0));
	netlink_put_be32(w->out, NFTA_SET_KEY_TYPE, l->type);
	netlink_put_be32(w->out, NFTA_SET_KEY_LEN, l->bytes);
	size_t desc = netlink_nest(w->out, NFTA_SET_DESC);
	netlink_put_be32(w->out, NFTA_SET_DESC_SIZE, (uint32_t)(l->wide ? 2 * l->n + 1 : l->n));
	netlink_nest_end(w->out, desc);
	nft_note_order(w->out, l->type);
	netlink_end(w->out, at);
	put_elements(w, l, name, id);
	expr_lookup(&w->expr, name, id, inverted);
}

/* Room for n; false: no memory, and the writer's output is spoilt. */
static bool
ranges_open(struct nft_writer *w, struct ranges *l, size_t n, uint32_t type, uint32_t bytes)
{
	*l = (struct ranges){ .v = n <= RANGES_MAX ? calloc(n ? n : 1, sizeof(*l->v)) : NULL, .type = type, .bytes = bytes };
	if (!l->v)
		w->out->failed = true;
	return l->v;
}

/* Interfaces. */

static bool
is_pattern(struct str name)
{
	return name.n > 0 && name.p[name.n - 1] == '*';
}

/* "ppp*": from "ppp" on, up to "ppq". */
static void
add_name(struct ranges *l, struct str name)
{
	struct range *r = &l->v[l->n++];
	bool pattern = is_pattern(name);
	struct str head = str_head(name, name.n - pattern < NAME_BYTES ? name.n - pattern : NAME_BYTES - 1);

	memcpy(r->from, head.p, head.n);
	memcpy(r->to, r->from, sizeof(r->to));
	r->open = add_one(r->to, pattern ? (uint32_t)head.n : NAME_BYTES);
	l->wide |= pattern;
}

static void
match_name(struct nft_writer *w, struct str name)
{
	char bytes[NAME_BYTES] = "";
	size_t n = is_pattern(name) ? name.n - 1 : name.n;

	memcpy(bytes, name.p, n < NAME_BYTES ? n : NAME_BYTES - 1);
	expr_cmp(&w->expr, NFT_CMP_EQ, bytes, is_pattern(name) ? n : NAME_BYTES);
}

static void
match_interfaces(struct nft_writer *w, enum nft_meta_keys key, struct conf_strs names)
{
	struct ranges l;

	if (names.n == 0)
		return;
	expr_meta(&w->expr, key);
	if (names.n == 1) {
		match_name(w, names.v[0]);
		return;
	}
	if (!ranges_open(w, &l, names.n, TYPE_NAME, NAME_BYTES))
		return;
	for (uint32_t i = 0; i < names.n; i++)
		add_name(&l, names.v[i]);
	look_up_ranges(w, &l, false);
	free(l.v);
}

/* Addresses. */

static void
match_family(struct nft_writer *w, uint8_t family)
{
	uint8_t v = family == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	if (w->family_known)
		return;
	w->family_known = true;
	expr_meta(&w->expr, NFT_META_NFPROTO);
	expr_cmp(&w->expr, NFT_CMP_EQ, &v, 1);
}

static void
load_part(struct nft_writer *w, uint8_t family, bool sender, uint32_t bytes)
{
	uint32_t at = family == 6 ? sender ? 8 : 24 : sender ? 12 : 16;

	match_family(w, family);
	expr_payload(&w->expr, NFT_REG_1, NFT_PAYLOAD_NETWORK_HEADER, at, bytes);
}

void
nft_load_address(struct nft_writer *w, uint8_t family, bool sender)
{
	load_part(w, family, sender, family == 6 ? 16 : 4);
}

/* Whole bytes are loaded as they are; else the rest is masked away. */
static void
match_net(struct nft_writer *w, uint8_t family, bool sender, const struct cidr *c)
{
	static const uint8_t zero[16];
	uint32_t bytes = family == 6 ? 16 : 4, bits = family == 6 ? c->bits : c->bits - 96u;
	const uint8_t *net = c->net.b + 16 - bytes;
	uint8_t mask[16] = { 0 };

	if (bits > 0 && bits % 8 == 0) {
		load_part(w, family, sender, bits / 8);
		expr_cmp(&w->expr, NFT_CMP_EQ, net, bits / 8);
	} else {
		for (uint32_t i = 0; i < bits; i++)
			mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
		load_part(w, family, sender, bytes);
		expr_bitwise(&w->expr, mask, zero, bytes);
		expr_cmp(&w->expr, NFT_CMP_EQ, net, bytes);
	}
}

static void
add_net(struct ranges *l, const struct cidr *c)
{
	struct range *r = &l->v[l->n++];
	unsigned full = l->bytes * 8, bits = l->bytes == 4 ? c->bits - 96u : c->bits;

	memcpy(r->from, c->net.b + 16 - l->bytes, l->bytes);
	memcpy(r->to, r->from, l->bytes);
	r->open = true;
	for (unsigned i = bits; i-- > 0 && r->open;) {
		uint8_t bit = (uint8_t)(0x80u >> i % 8);
		r->open = r->to[i / 8] & bit;
		r->to[i / 8] ^= bit;
	}
	l->wide |= bits != full;
}

static void
match_nets(struct nft_writer *w, uint8_t family, bool sender, struct conf_cidrs nets)
{
	struct ranges l;

	if (nets.n == 0 || !ranges_open(w, &l, nets.n, family == 6 ? TYPE_IPV6 : TYPE_IPV4, family == 6 ? 16 : 4))
		return;
	const struct cidr *last = NULL;
	for (uint32_t i = 0; i < nets.n; i++) {
		if (nft_cidr_needless(nets, i))
			continue;
		add_net(&l, last = &nets.v[i]);
	}
	if (l.n == 1) {
		match_net(w, family, sender, last);
	} else {
		nft_load_address(w, family, sender);
		look_up_ranges(w, &l, false);
	}
	free(l.v);
}

/* Protocols and ports. */

static void
put_number(uint8_t *v, uint32_t bytes, uint32_t n)
{
	for (uint32_t i = 0; i < bytes; i++)
		v[i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
}

static void
match_range(struct nft_writer *w, uint32_t bytes, uint32_t from, uint32_t to)
{
	uint8_t v[2];

	put_number(v, bytes, from);
	expr_cmp(&w->expr, from == to ? NFT_CMP_EQ : NFT_CMP_GTE, v, bytes);
	if (from == to)
		return;
	put_number(v, bytes, to);
	expr_cmp(&w->expr, NFT_CMP_LTE, v, bytes);
}

static void
match_ranges(struct nft_writer *w, uint32_t at, uint32_t type, uint32_t bytes, struct policy_ranges ranges)
{
	uint32_t limit = bytes == 1 ? 255 : 65535, to = 0, n = 0, first = 0;
	struct ranges l;

	if (ranges.n == 0 || !ranges_open(w, &l, ranges.n, type, bytes))
		return;
	expr_payload(&w->expr, NFT_REG_1, NFT_PAYLOAD_TRANSPORT_HEADER, at, bytes);
	for (uint32_t from = 0; (from = nft_run_begin(ranges, from)) <= limit; from = to + 1) {
		struct range *r = &l.v[l.n++];
		to = nft_run_end(ranges, from);
		first = n++ == 0 ? from : first;
		put_number(r->from, bytes, from);
		put_number(r->to, bytes, to + 1);
		r->open = to >= limit;
		l.wide |= from != to;
	}
	if (l.n == 1)
		match_range(w, bytes, first, to > limit ? limit : to);
	else
		look_up_ranges(w, &l, false);
	free(l.v);
}

static void
match_protocol(struct nft_writer *w, const struct policy_rule *r)
{
	static const uint8_t with_ports[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	uint8_t protocol = (uint8_t)r->protocol;
	struct ranges l;

	if (r->protocol != POLICY_ANY_PROTOCOL) {
		expr_meta(&w->expr, NFT_META_L4PROTO);
		expr_cmp(&w->expr, NFT_CMP_EQ, &protocol, 1);
	} else if (r->sports.n && ranges_open(w, &l, ARRAY_LEN(with_ports), TYPE_PROTOCOL, 1)) {
		for (size_t i = 0; i < ARRAY_LEN(with_ports); i++)
			l.v[l.n++].from[0] = with_ports[i];
		for (size_t i = 0; i < l.n; i++)
			l.v[i].to[0] = (uint8_t)(l.v[i].from[0] + 1);
		expr_meta(&w->expr, NFT_META_L4PROTO);
		look_up_ranges(w, &l, false);
		free(l.v);
	}
	match_ranges(w, 0, TYPE_SERVICE, 2, r->sports);
	match_ranges(w, 2, TYPE_SERVICE, 2, r->dports);
	match_ranges(w, 0, r->protocol == IPPROTO_ICMP ? TYPE_ICMP : TYPE_ICMPV6, 1, r->icmp);
}

/* Sets with names. */
static void
match_set(struct nft_writer *w, const struct policy_rule *r, int set, bool sender)
{
	if (set == POLICY_NO_SET)
		return;
	enum policy_set_kind kind = w->p->sets[set].kind;
	nft_load_address(w, r->family, sender);
	if (kind == POLICY_SET_PORT4 || kind == POLICY_SET_PORT6) {
		/* Behind the address, four bytes each: registers of four bytes are counted from NFT_REG32_00. */
		uint32_t next = NFT_REG32_00 + (kind == POLICY_SET_PORT4 ? 1 : 4);
		expr_meta_into(&w->expr, NFT_META_L4PROTO, next);
		expr_payload(&w->expr, next + 1, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	}
	expr_lookup(&w->expr, w->p->sets[set].nft, 0, false);
}

/* The rest. */

static void
match_states(struct nft_writer *w, unsigned states)
{
	static const uint32_t bits[] = { 8, 2, 4, 1, 64 };     /* NF_CT_STATE_BIT, in the order of enum policy_state */
	uint32_t mask = 0;

	for (unsigned i = 0; i < ARRAY_LEN(bits); i++)
		mask |= states & 1u << i ? bits[i] : 0;
	if (!mask)
		return;
	expr_ct(&w->expr, NFT_CT_STATE, -1);
	expr_mask32(&w->expr, mask, 0);
	expr_cmp32(&w->expr, NFT_CMP_NEQ, 0);
}

static void
match_fib(struct nft_writer *w, uint32_t flags, enum nft_cmp_ops op, uint32_t type)
{
	expr_fib(&w->expr, NFT_FIB_RESULT_ADDRTYPE, flags);
	expr_cmp32(&w->expr, op, type);
}

static void
match_spoofed(struct nft_writer *w)
{
	static const uint8_t link_local[] = { 0xfe, 0x80 }, behind[] = { 0xfe, 0xc0 };
	struct ranges l;

	if (!ranges_open(w, &l, 2, TYPE_IPV6, 16))
		return;
	l.n = 2;
	l.wide = true;
	l.v[0].to[15] = 1;
	memcpy(l.v[1].from, link_local, sizeof(link_local));
	memcpy(l.v[1].to, behind, sizeof(behind));
	nft_load_address(w, 6, true);
	look_up_ranges(w, &l, true);
	free(l.v);
	expr_fib(&w->expr, NFT_FIB_RESULT_OIF, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT);
	expr_cmp32(&w->expr, NFT_CMP_EQ, 0);
}

static void
match_first_packets(struct nft_writer *w, enum policy_way way)
{
	uint8_t direction = way == POLICY_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL, most[8] = { [7] = CLASSIFY_PACKETS };

	expr_ct(&w->expr, NFT_CT_DIRECTION, -1);
	expr_cmp(&w->expr, NFT_CMP_EQ, &direction, 1);
	expr_ct(&w->expr, NFT_CT_PKTS, direction);
	expr_hton(&w->expr, 8);
	expr_cmp(&w->expr, NFT_CMP_LTE, most, sizeof(most));
}

static void
match_place(struct nft_writer *w, const struct policy_rule *r)
{
	if (r->broadcast)
		match_fib(w, NFTA_FIB_F_DADDR, NFT_CMP_EQ, RTN_BROADCAST);
	if (r->to_here)
		match_fib(w, NFTA_FIB_F_DADDR, NFT_CMP_EQ, RTN_LOCAL);
	if (r->for_others)
		match_fib(w, NFTA_FIB_F_SADDR, NFT_CMP_NEQ, RTN_LOCAL);
	if (r->spoofed)
		match_spoofed(w);
	if (r->translated) {
		expr_ct(&w->expr, NFT_CT_STATUS, -1);
		expr_mask32(&w->expr, IPS_DST_NAT, 0);
		expr_cmp32(&w->expr, NFT_CMP_NEQ, 0);
	}
	if (r->first_packets)
		match_first_packets(w, r->first_packets);
}

static void
match_marks(struct nft_writer *w, const struct policy_rule *r)
{
	if (r->mark_mask) {
		expr_meta(&w->expr, NFT_META_MARK);
		expr_mask32(&w->expr, r->mark_mask, 0);
		expr_cmp32(&w->expr, NFT_CMP_EQ, r->mark);
	}
	if (r->ct_mask) {
		expr_ct(&w->expr, NFT_CT_MARK, -1);
		expr_mask32(&w->expr, r->ct_mask, 0);
		expr_cmp32(&w->expr, NFT_CMP_EQ, r->ct_mark);
	}
}

static void
match_payload(struct nft_writer *w, const struct policy_signature *s)
{
	uint8_t length[2];

	if (!s)
		return;
	if (s->udp_length) {
		put_number(length, sizeof(length), s->udp_length);
		expr_payload(&w->expr, NFT_REG_1, NFT_PAYLOAD_TRANSPORT_HEADER, 4, sizeof(length));
		expr_cmp(&w->expr, NFT_CMP_EQ, length, sizeof(length));
	}
	for (uint8_t i = 0; i < s->nbytes; i++) {
		expr_payload(&w->expr, NFT_REG_1, NFT_PAYLOAD_INNER_HEADER, s->bytes[i].at, s->bytes[i].n);
		expr_cmp(&w->expr, NFT_CMP_EQ, s->bytes[i].v, s->bytes[i].n);
	}
}

static void
match_tcp_flags(struct nft_writer *w, uint8_t mask)
{
	static const uint8_t zero, syn = 0x02;

	expr_payload(&w->expr, NFT_REG_1, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	expr_bitwise(&w->expr, &mask, &zero, 1);
	expr_cmp(&w->expr, NFT_CMP_EQ, &syn, 1);
}

uint64_t
nft_rate_unit(const struct policy_rule *r)
{
	return (uint64_t)(r->rate_per_us >= WHEN_DAY ? WHEN_DAY : r->rate_per_us >= WHEN_HOUR ? WHEN_HOUR :
	    r->rate_per_us >= WHEN_MINUTE ? WHEN_MINUTE : WHEN_SECOND) / WHEN_SECOND;
}

/* A sender of IPv6 has its network to choose addresses from. */
static void
match_rate(struct nft_writer *w, const struct policy_rule *r)
{
	static const uint8_t network[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, zero[16];

	if (r->meter == POLICY_NO_SET) {
		if (r->rate)
			expr_limit(&w->expr, (uint64_t)r->rate, nft_rate_unit(r), (uint32_t)r->rate, r->over);
		return;
	}
	nft_load_address(w, r->family, r->syn || r->src_set != POLICY_NO_SET);
	if (r->syn && r->family == 6)
		expr_bitwise(&w->expr, network, zero, sizeof(network));
	struct expr_renew renew = {
		.set = w->p->sets[r->meter].nft, .rate = (uint64_t)r->rate, .unit_s = nft_rate_unit(r), .over = r->over,
	};
	expr_renew(&w->expr, &renew);
}

void
nft_matches(struct nft_writer *w, const struct policy_rule *r)
{
	struct str lo = STR("lo");

	if (r->loopback) {
		expr_meta(&w->expr, r->hook == POLICY_OUTPUT ? NFT_META_OIFNAME : NFT_META_IIFNAME);
		match_name(w, lo);
	}
	match_interfaces(w, NFT_META_IIFNAME, r->in);
	if (r->in_set != POLICY_NO_SET) {
		expr_meta(&w->expr, NFT_META_IIFNAME);
		expr_lookup(&w->expr, w->p->sets[r->in_set].nft, 0, false);
	}
	match_interfaces(w, NFT_META_OIFNAME, r->out);
	if (r->family && !(r->src.n || r->dst.n || r->src_set != POLICY_NO_SET || r->dst_set != POLICY_NO_SET))
		match_family(w, r->family);
	match_nets(w, r->family, true, r->src);
	match_nets(w, r->family, false, r->dst);
	match_protocol(w, r);
	match_set(w, r, r->src_set, true);
	match_set(w, r, r->dst_set, false);
	match_states(w, r->states);
	match_place(w, r);
	match_marks(w, r);
	match_payload(w, r->payload);
	if (r->clamp)
		match_tcp_flags(w, 0x06);
	if (r->syn)
		match_tcp_flags(w, 0x17);
	match_rate(w, r);
}
