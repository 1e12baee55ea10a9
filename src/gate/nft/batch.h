/*
 * batch: a policy as messages of the kernel's netlink: the same transaction that gate/nft/text.h writes in the
 * language of nft, without the parser of that language, which took more time than the kernel. The two are held against
 * each other by a test that lists what the kernel made of either. Pure.
 */
#ifndef GUARITA_GATE_NFT_BATCH_H
#define GUARITA_GATE_NFT_BATCH_H

#include "gate/nft/text.h"

#define NFT_BATCH_MAX (256u << 20)

/*
 * Appends messages, numbered from first on, without the frame of the batch. rule_seq, of as many places as the policy has
 * rules, gets the number of each rule's own message: those between two rules' belong to the later one. The number of the
 * last message, which asks for an answer, or -ENOMEM.
 */
int64_t nft_batch(const struct policy *p, const struct nft_kept *k, uint32_t first, struct buf *out,
    uint32_t *rule_seq) WARN_UNUSED;

#endif
