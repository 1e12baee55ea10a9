/*
 * nft_trace: what the kernel tells of packets that a rule chose for it (`meta nftrace`): each rule of any table that they met,
 * and where a chain ended.
 */
#ifndef GUARITA_SYS_NFT_TRACE_H
#define GUARITA_SYS_NFT_TRACE_H

#include "base/str.h"

enum nft_trace_kind { NFT_TRACE_RULE, NFT_TRACE_POLICY, NFT_TRACE_RETURN };
enum nft_trace_verdict { NFT_TRACE_GO_ON, NFT_TRACE_ACCEPT, NFT_TRACE_DROP, NFT_TRACE_JUMP };

struct nft_trace {
	uint32_t packet;               /* the same for one packet on all its way */
	enum nft_trace_kind kind;
	enum nft_trace_verdict verdict;
	struct str table, chain;
	uint64_t handle;               /* of the rule */
	uint32_t in, out;              /* indices of interfaces; 0: none */
	uint32_t mark;
	struct str network, transport; /* beginnings of the heads; empty but in the first word of each chain */
};

/* The descriptor, or -errno. */
int nft_trace_open(void) WARN_UNUSED;
/* Reads what waits, one buffer at most: how many, 0 when nothing waits, -ENOBUFS when some were lost, or -errno. */
int nft_trace_read(int fd, void *buffer, size_t size, void (*fn)(void *ctx, const struct nft_trace *t),
    void *ctx) WARN_UNUSED;

#endif
