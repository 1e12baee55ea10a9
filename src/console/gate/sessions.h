/*
 * sessions: live connections of the kernel that a policy would not let begin: `plan` shows them before, netd cuts them after.
 */
#ifndef GUARITA_CONSOLE_GATE_SESSIONS_H
#define GUARITA_CONSOLE_GATE_SESSIONS_H

#include "gate/eval.h"
#include "sys/conntrack.h"
#include "sys/nft.h"
#include "sys/rtnet.h"

struct sessions_kernel {
	struct rtnet *net;
	struct nft *nft;
	struct conntrack *ct;
};

/*
 * Calls fn for each, with the way its first packet would go now; addresses, routes and sets are those of the kernel. fn must not
 * talk to k->ct. *ret_seen: all that were looked at. 0 or -errno.
 */
int sessions_forbidden(const struct sessions_kernel *k, const struct policy *p,
    void (*fn)(void *ctx, const struct conntrack_flow *f, const struct eval_way *way), void *ctx,
    uint64_t *ret_seen) WARN_UNUSED;

#endif
