/*
 * text: a policy in the language of nft, as one transaction that replaces our rules and nothing
 * else: what a rule says of itself to people, and what the messages of gate/nft/batch.h are held
 * against. No word of the operator but names of interfaces reaches the text, and those are checked.
 */
#ifndef GUARITA_GATE_NFT_TEXT_H
#define GUARITA_GATE_NFT_TEXT_H

#include "gate/policy/policy.h"

#define NFT_TABLE "guarita"
#define NFT_TEXT_MAX (256u << 20)

/* What a rule matches and does, without counter. */
void nft_text_body(const struct policy *p, const struct policy_rule *r, struct buf *out);
/* The name of a rule's counter: "c0123456789abcdef". dst of 18 bytes. */
void nft_counter_name(const struct policy_rule *r, char dst[18]);
/* The chain of each hook. */
struct nft_chain {
	const char *name, *type;       /* type NULL: no hook leads to it */
	uint32_t hook;                 /* NF_INET_* */
	int priority;
	bool drops;                    /* what no rule decided */
};
extern const struct nft_chain nft_chains[];
/* Networks inside others of the same list would overlap as intervals: they add nothing. */
bool nft_cidr_needless(struct conf_cidrs nets, uint32_t i);
/* Runs of ports that touch: the first port from `next` on that a range has, or 65536; and the end of the run that begins there. */
uint32_t nft_run_begin(struct policy_ranges ranges, uint32_t next);
uint32_t nft_run_end(struct policy_ranges ranges, uint32_t from);
/* What the kernel has of an earlier policy. */
struct nft_kept {
	const bool *counters;          /* per rule: its counter is there; NULL: none is */
	const struct str *stale;       /* names of counters that are to go */
	size_t nstale;
	bool no_synproxy;              /* the kernel cannot ask for cookies: what would be asked is dropped */
};

/*
 * The whole transaction: table, sets, chains emptied and filled, counters. What exists keeps its
 * content: sets their elements, counters their values. k NULL: nothing is there.
 */
void nft_text(const struct policy *p, const struct nft_kept *k, struct buf *out);

#endif
