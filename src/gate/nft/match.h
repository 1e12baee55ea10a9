/* match: what a rule matches, as expressions; the sets without names that lists need come before it. Pure. */
#ifndef GUARITA_GATE_NFT_MATCH_H
#define GUARITA_GATE_NFT_MATCH_H

#include "gate/policy/policy.h"

struct nft_writer {
	const struct policy *p;
	struct buf *out;               /* whole messages */
	struct buf expr;               /* of the rule that is being written */
	uint32_t seq;                  /* of the next message */
	uint32_t sets;                 /* without names, so far: their numbers within the transaction */
	bool family_known;             /* of the rule: asked already */
	bool cookies;                  /* the kernel can ask for them */
};

/* A message of nftables begins; for netlink_end(). */
size_t nft_begin(struct nft_writer *w, int type, uint16_t flags);
void nft_matches(struct nft_writer *w, const struct policy_rule *r);
/* Loads the sender (or the receiver) into the first register. */
void nft_load_address(struct nft_writer *w, uint8_t family, bool sender);
/* How nft calls the types of keys, and how long they are. */
uint32_t nft_key_type(enum policy_set_kind kind, uint32_t *ret_bytes);
/* The seconds of the unit that a rate is told in. */
uint64_t nft_rate_unit(const struct policy_rule *r);
/* What nft notes of a set, so that it shows its elements as they were written. */
void nft_note_order(struct buf *b, uint32_t type);

#endif
