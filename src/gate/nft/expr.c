/* expr: see expr.h. Each beside what `nft --debug=netlink` shows of the words that gate/nft/text.c writes. */
#include "gate/nft/expr.h"

#include <linux/netfilter/nf_synproxy.h>

#include "wire/netlink.h"

#define TCP_OPTION_SEGMENT 2           /* RFC 9293 section 3.2: kind; its value stands behind kind and length */
#define TCP_OPTION_VALUE 2

struct expr {
	size_t one, data;
};

static struct expr
begin(struct buf *b, const char *name)
{
	struct expr e = { .one = netlink_nest(b, NFTA_LIST_ELEM) };

	netlink_put_text(b, NFTA_EXPR_NAME, name);
	e.data = netlink_nest(b, NFTA_EXPR_DATA);
	return e;
}

static void
end(struct buf *b, struct expr e)
{
	netlink_nest_end(b, e.data);
	netlink_nest_end(b, e.one);
}

static void
put_data(struct buf *b, uint16_t attribute, const void *v, size_t n)
{
	size_t at = netlink_nest(b, attribute);

	netlink_put(b, NFTA_DATA_VALUE, v, n);
	netlink_nest_end(b, at);
}

void
expr_plain(struct buf *b, const char *name)
{
	end(b, begin(b, name));
}

void
expr_meta_into(struct buf *b, enum nft_meta_keys key, uint32_t reg)
{
	struct expr e = begin(b, "meta");

	netlink_put_be32(b, NFTA_META_KEY, key);
	netlink_put_be32(b, NFTA_META_DREG, reg);
	end(b, e);
}

void
expr_meta(struct buf *b, enum nft_meta_keys key)
{
	expr_meta_into(b, key, NFT_REG_1);
}

void
expr_meta_set(struct buf *b, enum nft_meta_keys key)
{
	struct expr e = begin(b, "meta");

	netlink_put_be32(b, NFTA_META_KEY, key);
	netlink_put_be32(b, NFTA_META_SREG, NFT_REG_1);
	end(b, e);
}

void
expr_ct(struct buf *b, enum nft_ct_keys key, int way)
{
	struct expr e = begin(b, "ct");

	netlink_put_be32(b, NFTA_CT_KEY, key);
	netlink_put_be32(b, NFTA_CT_DREG, NFT_REG_1);
	if (way >= 0)
		netlink_put_u8(b, NFTA_CT_DIRECTION, (uint8_t)way);
	end(b, e);
}

void
expr_ct_set(struct buf *b, enum nft_ct_keys key)
{
	struct expr e = begin(b, "ct");

	netlink_put_be32(b, NFTA_CT_KEY, key);
	netlink_put_be32(b, NFTA_CT_SREG, NFT_REG_1);
	end(b, e);
}

void
expr_payload(struct buf *b, uint32_t reg, enum nft_payload_bases base, uint32_t at, uint32_t n)
{
	struct expr e = begin(b, "payload");

	netlink_put_be32(b, NFTA_PAYLOAD_DREG, reg);
	netlink_put_be32(b, NFTA_PAYLOAD_BASE, base);
	netlink_put_be32(b, NFTA_PAYLOAD_OFFSET, at);
	netlink_put_be32(b, NFTA_PAYLOAD_LEN, n);
	end(b, e);
}

void
expr_fib(struct buf *b, enum nft_fib_result result, uint32_t flags)
{
	struct expr e = begin(b, "fib");

	netlink_put_be32(b, NFTA_FIB_DREG, NFT_REG_1);
	netlink_put_be32(b, NFTA_FIB_RESULT, result);
	netlink_put_be32(b, NFTA_FIB_FLAGS, flags);
	end(b, e);
}

void
expr_cmp(struct buf *b, enum nft_cmp_ops op, const void *v, size_t n)
{
	struct expr e = begin(b, "cmp");

	netlink_put_be32(b, NFTA_CMP_SREG, NFT_REG_1);
	netlink_put_be32(b, NFTA_CMP_OP, op);
	put_data(b, NFTA_CMP_DATA, v, n);
	end(b, e);
}

void
expr_cmp32(struct buf *b, enum nft_cmp_ops op, uint32_t v)
{
	expr_cmp(b, op, &v, sizeof(v));
}

void
expr_bitwise(struct buf *b, const void *mask, const void *xor, size_t n)
{
	struct expr e = begin(b, "bitwise");

	netlink_put_be32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	netlink_put_be32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	netlink_put_be32(b, NFTA_BITWISE_LEN, (uint32_t)n);
	put_data(b, NFTA_BITWISE_MASK, mask, n);
	put_data(b, NFTA_BITWISE_XOR, xor, n);
	end(b, e);
}

void
expr_mask32(struct buf *b, uint32_t mask, uint32_t xor)
{
	expr_bitwise(b, &mask, &xor, sizeof(mask));
}

void
expr_hton(struct buf *b, uint32_t n)
{
	struct expr e = begin(b, "byteorder");

	netlink_put_be32(b, NFTA_BYTEORDER_SREG, NFT_REG_1);
	netlink_put_be32(b, NFTA_BYTEORDER_DREG, NFT_REG_1);
	netlink_put_be32(b, NFTA_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	netlink_put_be32(b, NFTA_BYTEORDER_LEN, n);
	netlink_put_be32(b, NFTA_BYTEORDER_SIZE, n);
	end(b, e);
}

void
expr_lookup(struct buf *b, const char *set, uint32_t id, bool inverted)
{
	struct expr e = begin(b, "lookup");

	netlink_put_text(b, NFTA_LOOKUP_SET, set);
	netlink_put_be32(b, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (id)
		netlink_put_be32(b, NFTA_LOOKUP_SET_ID, id);
	if (inverted)
		netlink_put_be32(b, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	end(b, e);
}

void
expr_value(struct buf *b, uint32_t reg, const void *v, size_t n)
{
	struct expr e = begin(b, "immediate");

	netlink_put_be32(b, NFTA_IMMEDIATE_DREG, reg);
	put_data(b, NFTA_IMMEDIATE_DATA, v, n);
	end(b, e);
}

void
expr_verdict(struct buf *b, int code)
{
	struct expr e = begin(b, "immediate");

	netlink_put_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	size_t data = netlink_nest(b, NFTA_IMMEDIATE_DATA), verdict = netlink_nest(b, NFTA_DATA_VERDICT);
	netlink_put_be32(b, NFTA_VERDICT_CODE, (uint32_t)code);
	netlink_nest_end(b, verdict);
	netlink_nest_end(b, data);
	end(b, e);
}

void
expr_counter(struct buf *b, const char *name)
{
	struct expr e = begin(b, "objref");

	netlink_put_be32(b, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	netlink_put_text(b, NFTA_OBJREF_IMM_NAME, name);
	end(b, e);
}

static void
put_limit(struct buf *b, uint64_t rate, uint64_t unit_s, uint32_t burst, bool over)
{
	netlink_put_be64(b, NFTA_LIMIT_RATE, rate);
	netlink_put_be64(b, NFTA_LIMIT_UNIT, unit_s);
	netlink_put_be32(b, NFTA_LIMIT_BURST, burst);
	netlink_put_be32(b, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	netlink_put_be32(b, NFTA_LIMIT_FLAGS, over ? NFT_LIMIT_F_INV : 0);
}

void
expr_limit(struct buf *b, uint64_t rate, uint64_t unit_s, uint32_t burst, bool over)
{
	struct expr e = begin(b, "limit");

	put_limit(b, rate, unit_s, burst, over);
	end(b, e);
}

void
expr_renew(struct buf *b, const struct expr_renew *r)
{
	struct expr e = begin(b, "dynset");

	netlink_put_be32(b, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	netlink_put_text(b, NFTA_DYNSET_SET_NAME, r->set);
	netlink_put_be32(b, NFTA_DYNSET_SREG_KEY, NFT_REG_1);
	if (r->timeout_ms)
		netlink_put_be64(b, NFTA_DYNSET_TIMEOUT, r->timeout_ms);
	if (r->rate) {
		size_t one = netlink_nest(b, NFTA_DYNSET_EXPR);
		netlink_put_text(b, NFTA_EXPR_NAME, "limit");
		size_t data = netlink_nest(b, NFTA_EXPR_DATA);
		put_limit(b, r->rate, r->unit_s, (uint32_t)r->rate, r->over);
		netlink_nest_end(b, data);
		netlink_nest_end(b, one);
	}
	end(b, e);
}

void
expr_log(struct buf *b, const char *prefix, uint16_t group, uint32_t bytes)
{
	struct expr e = begin(b, "log");

	netlink_put_be16(b, NFTA_LOG_GROUP, group);
	netlink_put_text(b, NFTA_LOG_PREFIX, prefix);
	netlink_put_be32(b, NFTA_LOG_SNAPLEN, bytes);
	netlink_put_be16(b, NFTA_LOG_QTHRESHOLD, 1);
	end(b, e);
}

void
expr_reject(struct buf *b, enum nft_reject_types type, uint8_t code)
{
	struct expr e = begin(b, "reject");

	netlink_put_be32(b, NFTA_REJECT_TYPE, type);
	netlink_put_u8(b, NFTA_REJECT_ICMP_CODE, code);
	end(b, e);
}

void
expr_nat(struct buf *b, enum nft_nat_types type, uint32_t family, bool port)
{
	struct expr e = begin(b, "nat");

	netlink_put_be32(b, NFTA_NAT_TYPE, type);
	netlink_put_be32(b, NFTA_NAT_FAMILY, family);
	netlink_put_be32(b, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	if (port)
		netlink_put_be32(b, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
	end(b, e);
}

void
expr_clamp(struct buf *b)
{
	struct expr e = begin(b, "rt");

	netlink_put_be32(b, NFTA_RT_KEY, NFT_RT_TCPMSS);
	netlink_put_be32(b, NFTA_RT_DREG, NFT_REG_1);
	end(b, e);
	expr_hton(b, 2);
	e = begin(b, "exthdr");
	netlink_put_be32(b, NFTA_EXTHDR_SREG, NFT_REG_1);
	netlink_put_u8(b, NFTA_EXTHDR_TYPE, TCP_OPTION_SEGMENT);
	netlink_put_be32(b, NFTA_EXTHDR_OFFSET, TCP_OPTION_VALUE);
	netlink_put_be32(b, NFTA_EXTHDR_LEN, 2);
	netlink_put_be32(b, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	end(b, e);
}

void
expr_synproxy(struct buf *b, uint16_t segment, uint8_t window_scale)
{
	struct expr e = begin(b, "synproxy");

	netlink_put_be16(b, NFTA_SYNPROXY_MSS, segment);
	netlink_put_u8(b, NFTA_SYNPROXY_WSCALE, window_scale);
	netlink_put_be32(b, NFTA_SYNPROXY_FLAGS, NF_SYNPROXY_OPT_MSS | NF_SYNPROXY_OPT_WSCALE | NF_SYNPROXY_OPT_SACK_PERM |
	    NF_SYNPROXY_OPT_TIMESTAMP);
	end(b, e);
}
