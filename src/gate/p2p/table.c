/* table: see table.h. Must never grow with what comes in. */
#include "gate/p2p/table.h"

#include <stdlib.h>

#include "base/hash.h"

#define FLOWS 65536            /* of 24 bytes; sampled connections live for a dozen packets */
#define HOSTS 4096

struct flow {
	uint64_t key;                  /* 0: free */
	struct p2p_flow state;
	bool known;
};

struct p2p_table {
	struct conf_cidrs own;
	uint64_t seed;
	struct p2p_scores *scores;
	struct flow flows[FLOWS];
};

struct p2p_table *
p2p_table_new(struct conf_cidrs own, uint64_t seed)
{
	struct p2p_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->own = own;
	t->seed = seed;
	t->scores = p2p_scores_new(HOSTS, seed);
	if (t->scores)
		return t;
	free(t);
	return NULL;
}

void
p2p_table_free(struct p2p_table *t)
{
	if (!t)
		return;
	p2p_scores_free(t->scores);
	free(t);
}

/*
 * Both ways must give the same key. The answer to a hidden client goes to the gateway's address, mostly with the client's
 * own port: so the client's address is left out.
 */
static struct flow *
flow_of(struct p2p_table *t, const struct packet *p, bool reply)
{
	const struct addr *server = reply ? &p->src : &p->dst;
	uint64_t key = hash_bytes(str_of((const char *)server->b, sizeof(server->b)), t->seed);
	struct flow *f;

	key = hash_mix(key, (uint64_t)(reply ? p->sport : p->dport) << 32 | (reply ? p->dport : p->sport));
	key = hash_mix(key, p->protocol) | 1;
	f = &t->flows[key >> 16 & (FLOWS - 1)];
	if (f->key != key)
		*f = (struct flow){ .key = key };
	return f;
}

static bool
is_own(const struct p2p_table *t, const struct addr *a)
{
	for (uint32_t i = 0; i < t->own.n; i++) {
		if (cidr_has(&t->own.v[i], a))
			return true;
	}
	return false;
}

/* The side of ours, and the first payload of whoever began. */
static void
score(struct p2p_table *t, const struct packet *p, enum p2p_class is, int64_t now_us, struct p2p_finding *ret)
{
	bool ours = is_own(t, &p->src);
	struct p2p_seen seen = { .now_us = now_us, .host = ours ? p->src : p->dst, .peer = ours ? p->dst : p->src,
		.proto = p->protocol == P2P_TCP ? P2P_TCP : P2P_UDP, .host_port = ours ? p->sport : p->dport,
		.peer_port = ours ? p->dport : p->sport, .payload = p->payload, .is = is };

	if (!is_own(t, &seen.host) || is_own(t, &seen.peer))
		return;
	ret->addr = seen.host;
	ret->host = p2p_scores_flow(t->scores, &seen);
}

struct p2p_finding
p2p_table_packet(struct p2p_table *t, const struct packet *p, bool reply, int64_t now_us)
{
	struct p2p_finding found = { .is = P2P_NONE };
	struct flow *f;

	if (!p->has_ports || p->fragment || p->payload.n == 0 || (p->protocol != P2P_TCP && p->protocol != P2P_UDP))
		return found;
	f = flow_of(t, p, reply);
	if (f->known)
		return found;
	bool first = f->state.packets == 0;
	found.is = p2p_look(&f->state, p->protocol == P2P_TCP ? P2P_TCP : P2P_UDP, reply, p->payload);
	f->known = found.is != P2P_NONE;
	if (first && !reply)
		score(t, p, found.is, now_us, &found);
	return found;
}
