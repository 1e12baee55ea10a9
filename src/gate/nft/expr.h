/*
 * expr: the expressions that rules of nftables are made of, as the kernel takes them (linux/netfilter/nf_tables.h),
 * a function each. Registers: NFT_REG_1 and NFT_REG_2 of 16 bytes. Pure.
 */
#ifndef GUARITA_GATE_NFT_EXPR_H
#define GUARITA_GATE_NFT_EXPR_H

#include <linux/netfilter/nf_tables.h>

#include "base/buf.h"

/* Without attributes: notrack, masq. */
void expr_plain(struct buf *b, const char *name);
void expr_meta(struct buf *b, enum nft_meta_keys key);
void expr_meta_into(struct buf *b, enum nft_meta_keys key, uint32_t reg);
void expr_meta_set(struct buf *b, enum nft_meta_keys key);
/* way: IP_CT_DIR_*, or negative for keys that have none. */
void expr_ct(struct buf *b, enum nft_ct_keys key, int way);
void expr_ct_set(struct buf *b, enum nft_ct_keys key);
void expr_payload(struct buf *b, uint32_t reg, enum nft_payload_bases base, uint32_t at, uint32_t n);
void expr_fib(struct buf *b, enum nft_fib_result result, uint32_t flags);
void expr_cmp(struct buf *b, enum nft_cmp_ops op, const void *v, size_t n);
void expr_cmp32(struct buf *b, enum nft_cmp_ops op, uint32_t v);      /* in the machine's order */
/* REG_1 = REG_1 & mask ^ xor, n bytes each. */
void expr_bitwise(struct buf *b, const void *mask, const void *xor, size_t n);
void expr_mask32(struct buf *b, uint32_t mask, uint32_t xor);
/* REG_1 into the network's order; n: 2 or 8 bytes. */
void expr_hton(struct buf *b, uint32_t n);
/* id 0: a set with a name. */
void expr_lookup(struct buf *b, const char *set, uint32_t id, bool inverted);
void expr_value(struct buf *b, uint32_t reg, const void *v, size_t n);
void expr_verdict(struct buf *b, int code);
void expr_counter(struct buf *b, const char *name);
void expr_limit(struct buf *b, uint64_t rate, uint64_t unit_s, uint32_t burst, bool over);
/* An element of what REG_1 holds is renewed; timeout_ms 0: the set's own. rate 0: no limit goes with it. */
struct expr_renew {
	const char *set;
	uint64_t timeout_ms, rate, unit_s;
	bool over;
};
void expr_renew(struct buf *b, const struct expr_renew *r);
void expr_log(struct buf *b, const char *prefix, uint16_t group, uint32_t bytes);
void expr_reject(struct buf *b, enum nft_reject_types type, uint8_t code);
/* Address in REG_1, port in REG_2. */
void expr_nat(struct buf *b, enum nft_nat_types type, uint32_t family, bool port);
/* The segment size of a SYN becomes what fits the way. */
void expr_clamp(struct buf *b);
void expr_synproxy(struct buf *b, uint16_t segment, uint8_t window_scale);

#endif
