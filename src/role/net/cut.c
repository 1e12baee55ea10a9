/*
 * cut: after new rules came into force, connections that they would not have let begin are
 * forgotten: as established ones they would live on for ever. So are those of the banned. Must never
 * cut one that the rules allow.
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

/*
 * Of the banned nothing passes from the moment the set has them: the rules for them stand before connections are looked up, both ways.
 * To forget their connections takes a walk through the kernel's whole table, 5 to 10 ms in which no other ban could be
 * taken: one walk is for all bans of two seconds.
 */
#define CUT_AFTER_MS 2000
#define NETS_MAX 256

struct netd_cuts {
	struct timer *timer;
	struct cidr nets[NETS_MAX];
	size_t n;
};

static void
on_cut(void *ctx)
{
	struct netd *n = ctx;
	uint32_t cut = 0;
	int r = conntrack_cut_nets(n->ct, n->cuts->nets, n->cuts->n, &cut);

	if (r < 0)
		(void)!netd_fault(n, r, "connections of the banned are not forgotten, but nothing of them passes");
	n->cut += cut;
	n->cuts->n = 0;
}

int
netd_cuts_begin(struct netd *n)
{
	n->cuts = calloc(1, sizeof(*n->cuts));
	return n->cuts ? timer_open(n->role->loop, on_cut, n, &n->cuts->timer) : -ENOMEM;
}

void
netd_cut_later(struct netd *n, const struct cidr *net)
{
	struct netd_cuts *x = n->cuts;

	if (x->n == NETS_MAX) {
		timer_stop(x->timer);
		on_cut(n);
	}
	x->nets[x->n++] = *net;
	if (!timer_active(x->timer))
		timer_start(x->timer, CUT_AFTER_MS, 0);
}

void
netd_cuts_end(struct netd *n)
{
	if (!n->cuts)
		return;
	timer_close(n->cuts->timer);
	free(n->cuts);
	n->cuts = NULL;
}
