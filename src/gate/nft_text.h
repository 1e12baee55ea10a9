/*
 * nft_text: a policy in the language of nft, as one transaction that replaces our rules and nothing
 * else. No word of the operator but names of interfaces reaches the text, and those are checked.
 */
#ifndef GUARITA_GATE_NFT_TEXT_H
#define GUARITA_GATE_NFT_TEXT_H

#include "gate/policy.h"

#define NFT_TABLE "guarita"
#define NFT_TEXT_MAX (256u << 20)

/* What a rule matches and does, without counter. */
void nft_text_body(const struct policy *p, const struct policy_rule *r, struct buf *out);
/* The name of a rule's counter: "c0123456789abcdef". dst of 18 bytes. */
void nft_counter_name(const struct policy_rule *r, char dst[18]);
/*
 * The whole transaction: table, sets, chains emptied and filled, counters. What exists keeps its
 * content: sets their elements, counters their values. `stale` are names of counters of an earlier
 * policy that are to go.
 */
void nft_text(const struct policy *p, const struct str *stale, size_t nstale, struct buf *out);

#endif
