/*
 * cut: after new rules came into force, connections that they would not have let begin are
 * forgotten: as established ones they would live on for ever. Must never cut one that the rules
 * allow.
 */
#include <errno.h>
#include <stdlib.h>

#include "console/gate/sessions.h"
#include "role/net/netd.h"

#define CUT_MAX 65536

struct cutting {
	struct conntrack_flow *v;
	size_t n;
	bool full;
};

/* Collected first: the socket that tells of them is the one that cuts. */
static void
on_forbidden(void *ctx, const struct conntrack_flow *f, const struct eval_way *way)
{
	struct cutting *x = ctx;

	(void)way;
	if (x->n == CUT_MAX)
		return;
	void *grown = (x->n & (x->n - 1)) == 0 ? reallocarray(x->v, x->n ? x->n * 2 : 1, sizeof(*f)) : x->v;
	if (!grown) {
		x->full = true;
		return;
	}
	x->v = grown;
	x->v[x->n++] = *f;
}

void
netd_cut_forbidden(struct netd *n)
{
	struct sessions_kernel k = { .net = n->net, .nft = n->nft, .ct = n->ct };
	struct cutting x = { .n = 0 };
	uint64_t seen;
	uint32_t cut = 0;
	int r = sessions_forbidden(&k, n->policy, on_forbidden, &x, &seen);

	if (r == 0 && x.full)
		r = -ENOMEM;
	for (size_t i = 0; i < x.n && r == 0; i++) {
		r = conntrack_cut(n->ct, &x.v[i]);
		cut += r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	if (r < 0)
		(void)!netd_fault(n, r, "cannot look for connections that the new rules forbid");
	else if (cut)
		log_say(n->log, LOG_LEVEL_INFO, "%u connections that the new rules forbid were cut", cut);
	n->cut += cut;
	free(x.v);
}
