/*
 * rules: the policy into the kernel, in one transaction. Counters and sets of before are kept.
 * Must never leave the kernel with half a policy; what the kernel refuses is told at the line of
 * the configuration that it comes from.
 */
#include <errno.h>

#include "base/hash.h"
#include "gate/nft/batch.h"
#include "role/net/netd.h"
#include "sys/clock.h"

struct stale {
	struct arena *arena;
	struct strmap wanted;
	struct str *v;
	size_t n, size;
	bool *counters;                /* per rule of the policy: its counter is there already */
	uint32_t nkept;
};

static void
on_counter(void *ctx, const struct nft_count *c)
{
	struct stale *s = ctx;
	struct str name = str_z(c->name);

	uint32_t rule = strmap_get(&s->wanted, name);
	if (rule != STRMAP_NONE) {
		s->counters[rule] = true;
		s->nkept++;
		return;
	}
	if (s->n == s->size) {
		size_t size = s->size ? s->size * 2 : 256;
		struct str *v = ARENA_ARRAY(s->arena, struct str, size);
		if (!v)
			return;
		if (s->n)
			memcpy(v, s->v, s->n * sizeof(*v));
		s->v = v;
		s->size = size;
	}
	s->v[s->n++] = arena_str(s->arena, name);
}

/* Counters of an earlier policy: those that go on, and those that this one does not have. */
static int
find_stale(struct netd *n, struct stale *s)
{
	int r = 0;

	s->counters = ARENA_ARRAY(s->arena, bool, n->policy->nrules + 1u);
	if (!s->counters)
		return -ENOMEM;
	for (uint32_t i = 0; i < n->policy->nrules && r == 0; i++) {
		char name[18];
		nft_counter_name(&n->policy->rules[i], name);
		struct str copy = arena_str(s->arena, str_z(name));
		r = copy.p ? strmap_put(&s->wanted, copy, i) : -ENOMEM;
	}
	if (r == 0)
		r = nft_counters(n->nft, on_counter, s);
	return r == -ENOENT ? 0 : r;
}

/* The rule whose message was refused, or one of the sets it needs; NULL: what comes before all rules. */
static const struct policy_rule *
rule_of(const struct netd *n, const uint32_t *seqs, uint32_t seq)
{
	const struct policy *p = n->policy;

	for (uint32_t i = 0; i < p->nrules; i++)
		if (seq <= seqs[i])
			/* Before the first, which needs no set, stand tables, sets, chains and counters. */
			return i > 0 || seq == seqs[0] ? &p->rules[i] : NULL;
	return NULL;
}

static void
tell_refusal(const struct netd *n, const struct policy_rule *r, int error)
{
	struct buf origin = BUF_INIT(4096);

	if (r)
		policy_say_origin(r, &origin);
	log_say(n->log, LOG_LEVEL_ERROR, "the kernel does not take the rules%s%s: %s; nothing was changed",
	    r ? ": " : "", r ? buf_cstr(&origin) : "", strerror(-error));
	buf_free(&origin);
}

static bool
has_synproxy(const struct netd *n)
{
	int r = nft_has_synproxy(n->nft);

	if (r < 0)
		log_say(n->log, LOG_LEVEL_WARNING, "the kernel cannot answer floods of SYNs with cookies (%s; module nft_synproxy): "
		    "beyond gateway { syn-total } they are dropped", strerror(-r));
	return r == 0;
}

/* Into the kernel, or with check_only past its eyes. */
static int
commit(struct netd *n, struct stale *stale, bool check_only)
{
	struct buf messages = BUF_INIT(NFT_BATCH_MAX);
	struct nft_kept kept = { .counters = stale->counters, .stale = stale->v, .nstale = stale->n,
		.no_synproxy = n->policy->synproxy && !has_synproxy(n) };
	uint32_t *seqs = ARENA_ARRAY(stale->arena, uint32_t, n->policy->nrules + 1u), first = nft_next(n->nft), refused = 0;
	int64_t last = seqs ? nft_batch(n->policy, &kept, first, &messages, seqs) : -ENOMEM;
	int r = last < 0 ? (int)last : 0;

	if (r == 0)
		r = nft_commit(n->nft, buf_str(&messages), (uint32_t)last, check_only, &refused);
	if (r < 0 && refused)
		tell_refusal(n, rule_of(n, seqs, refused), r);
	else if (r < 0)
		(void)!netd_fault(n, r, "cannot hand the rules to the kernel");
	buf_free(&messages);
	return r;
}

int
netd_rules_apply(struct netd *n, bool check_only)
{
	struct arena names = { .max = 64u << 20 };
	struct stale stale = { .arena = &names };
	int64_t began = clock_mono_us();
	int r = find_stale(n, &stale);

	if (r == 0)
		r = commit(n, &stale, check_only);
	n->changed = r == 0 && stale.nkept && (stale.n || stale.nkept < n->policy->nrules);
	n->rules_us = clock_mono_us() - began;
	strmap_free(&stale.wanted);
	arena_free(&names);
	return r;
}
