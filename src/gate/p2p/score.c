/*
 * score: counting over two half windows per host: the present one and the one before, so that what is older
 * than a minute is forgotten without a list of flows. Must never keep a payload, nor take traffic to a service's
 * own port for a peer's.
 */
#include "gate/p2p/score.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/pool.h"
#include "base/when.h"

#define HALF_US (30 * WHEN_SECOND)
#define BITS 256               /* linear counting: good to about 500 peers, more than any decision needs */
#define NO_HOST UINT32_MAX

struct half {
	uint64_t peers[BITS / 64];     /* distinct peers at high ports */
	uint16_t flows, high, noise, known;
	uint16_t same_port;            /* UDP flows from the port most used */
	uint16_t port;
};

struct host {
	struct addr addr;
	int64_t half_at_us;            /* beginning of the present half */
	int64_t seen_us, told_us;
	struct half now, before;
	uint32_t next;                 /* in its bucket */
	uint32_t newer, older;         /* in order of last flow */
	bool suspect;
};

struct p2p_scores {
	struct pool hosts;
	uint32_t *buckets, mask;
	uint32_t newest, oldest;
	uint64_t seed, forgotten;
};

struct p2p_scores *
p2p_scores_new(uint32_t max_hosts, uint64_t seed)
{
	struct p2p_scores *t = calloc(1, sizeof(*t));
	uint32_t size = 16;

	while (size < max_hosts && size < 1u << 24)
		size *= 2;
	if (!t)
		return NULL;
	t->buckets = malloc(size * sizeof(t->buckets[0]));
	if (!t->buckets) {
		free(t);
		return NULL;
	}
	for (uint32_t i = 0; i < size; i++)
		t->buckets[i] = NO_HOST;
	t->mask = size - 1;
	t->newest = t->oldest = NO_HOST;
	t->seed = seed;
	pool_init(&t->hosts, sizeof(struct host), max_hosts);
	return t;
}

void
p2p_scores_free(struct p2p_scores *t)
{
	if (!t)
		return;
	pool_free(&t->hosts);
	free(t->buckets);
	free(t);
}

uint64_t
p2p_scores_forgotten(const struct p2p_scores *t)
{
	return t->forgotten;
}

/* Hosts: a hash table, and a list from the newest to the oldest. */

static struct host *
at(const struct p2p_scores *t, uint32_t i)
{
	return pool_at(&t->hosts, i);
}

static uint64_t
addr_hash(const struct p2p_scores *t, const struct addr *a)
{
	return hash_bytes(str_of((const char *)a->b, sizeof(a->b)), t->seed);
}

static uint32_t *
bucket_of(const struct p2p_scores *t, const struct addr *a)
{
	return &t->buckets[addr_hash(t, a) & t->mask];
}

static void
take_out(struct p2p_scores *t, uint32_t i)
{
	struct host *h = at(t, i);

	*(h->newer == NO_HOST ? &t->newest : &at(t, h->newer)->older) = h->older;
	*(h->older == NO_HOST ? &t->oldest : &at(t, h->older)->newer) = h->newer;
}

static void
put_first(struct p2p_scores *t, uint32_t i)
{
	struct host *h = at(t, i);

	h->newer = NO_HOST;
	h->older = t->newest;
	*(t->newest == NO_HOST ? &t->oldest : &at(t, t->newest)->newer) = i;
	t->newest = i;
}

static void
forget_oldest(struct p2p_scores *t)
{
	uint32_t i = t->oldest;
	uint32_t *link = bucket_of(t, &at(t, i)->addr);

	while (*link != i)
		link = &at(t, *link)->next;
	*link = at(t, i)->next;
	take_out(t, i);
	pool_give(&t->hosts, i);
	t->forgotten++;
}

static struct host *
host_of(struct p2p_scores *t, const struct p2p_seen *seen)
{
	uint32_t *bucket = bucket_of(t, &seen->host), i = *bucket;

	while (i != NO_HOST && memcmp(&at(t, i)->addr, &seen->host, sizeof(seen->host)) != 0)
		i = at(t, i)->next;
	if (i != NO_HOST) {
		take_out(t, i);
	} else {
		if (t->hosts.count == t->hosts.max)
			forget_oldest(t);
		i = pool_take(&t->hosts);
		if (i == POOL_NONE)
			return NULL;
		bucket = bucket_of(t, &seen->host);
		*at(t, i) = (struct host){ .addr = seen->host, .half_at_us = seen->now_us, .next = *bucket };
		*bucket = i;
	}
	put_first(t, i);
	return at(t, i);
}

/* Counting. */

static void
turn(struct host *h, int64_t now_us)
{
	int64_t age = now_us - h->half_at_us;

	if (age < HALF_US)
		return;
	h->before = age < 2 * HALF_US ? h->now : (struct half){ 0 };
	h->now = (struct half){ 0 };
	h->half_at_us = now_us;
}

static unsigned
distinct(const struct half *a, const struct half *b)
{
	uint64_t set = 0, term, estimate;

	for (size_t i = 0; i < BITS / 64; i++)
		set += (unsigned)__builtin_popcountll(a->peers[i] | b->peers[i]);
	/* Linear counting: -m ln(1 - set/m) as the first terms of its series, good while 3/4 are free. */
	estimate = term = set;
	for (unsigned k = 2; k <= 6; k++) {
		term = term * set / BITS;
		estimate += term / k;
	}
	return (unsigned)estimate;
}

static void
count(struct p2p_scores *t, struct half *n, const struct p2p_seen *seen)
{
	bool high = seen->peer_port >= 1024 && seen->host_port >= 1024;
	uint64_t bit = addr_hash(t, &seen->peer) >> 32;

	if (n->flows == UINT16_MAX)
		return;
	n->flows++;
	n->known += seen->is != P2P_NONE;
	if (!high)
		return;
	n->high++;
	n->peers[bit % BITS / 64] |= UINT64_C(1) << bit % 64;
	n->noise += p2p_noise(seen->payload);
	if (seen->proto != P2P_UDP)
		return;
	if (n->same_port == 0 || n->port == seen->host_port) {
		n->port = seen->host_port;
		n->same_port++;
	} else {
		/* Majority by Boyer and Moore: another port takes over when the first was not the most used. */
		n->same_port--;
	}
}

/* Part of the whole in hundredths. */
static unsigned
share(unsigned part, unsigned whole)
{
	return whole ? part * 100 / whole : 0;
}

/*
 * Forty for the number of strangers at high ports (from 10, full at 40), thirty for noise in most of the flows,
 * twenty for one UDP port that talks to all of them, ten for having almost no other traffic. Without noise it is a
 * server of some kind and never suspect. A host that was seen to speak a known peer protocol needs no more proof.
 */
static unsigned
score_of(const struct host *h, struct p2p_host_state *st)
{
	const struct half *a = &h->now, *b = &h->before;
	unsigned high = a->high + b->high, same = a->same_port + b->same_port, score = 0;
	bool noisy;

	st->flows = (unsigned)a->flows + b->flows;
	st->noise = (unsigned)a->noise + b->noise;
	st->peers = distinct(a, b);
	if (a->known + b->known >= 3)
		return 100;
	if (st->peers >= 10)
		score += st->peers >= 40 ? 40 : 10 + (st->peers - 10);
	noisy = st->noise >= 8 && share(st->noise, high) >= 50;
	if (noisy)
		score += 30 * share(st->noise, high) / 100;
	if (same >= 8)
		score += 20 * share(same, high) / 100;
	if (st->flows >= 10 && share(high, st->flows) >= 80)
		score += 10;
	return noisy || score < P2P_SUSPECT ? score : P2P_SUSPECT - 1;
}

struct p2p_host_state
p2p_scores_flow(struct p2p_scores *t, const struct p2p_seen *seen)
{
	struct p2p_host_state st = { 0 };
	struct host *h = host_of(t, seen);
	bool was;

	if (!h)
		return st;
	turn(h, seen->now_us);
	h->seen_us = seen->now_us;
	count(t, &h->now, seen);
	st.score = score_of(h, &st);
	was = h->suspect;
	h->suspect = was ? st.score >= P2P_CALM : st.score >= P2P_SUSPECT;
	st.suspect = h->suspect;
	st.changed = was != h->suspect;
	st.still = was && h->suspect && seen->now_us - h->told_us >= P2P_TELL_US;
	if (st.changed || st.still)
		h->told_us = seen->now_us;
	return st;
}

/* Beginnings of protocols that encrypt, but say first who they are. */
static const struct {
	uint8_t mask[2], want[2];
} heads[] = {
	{ { 0xff, 0xff }, { 0x16, 0x03 } },    /* TLS */
	{ { 0xff, 0xff }, { 0x16, 0xfe } },    /* DTLS */
	{ { 0xfe, 0xff }, { 0x00, 0x01 } },    /* STUN */
	{ { 0xef, 0x00 }, { 0x80, 0x00 } },    /* RTP version 2, no contributing sources */
	{ { 0xff, 0x00 }, { 0x38, 0x00 } },    /* OpenVPN */
};

bool
p2p_noise(struct str s)
{
	uint64_t seen[4] = { 0 };
	unsigned ones = 0, distinct_bytes = 0;
	size_t n = s.n < 64 ? s.n : 64;

	if (n < 32)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		if (((uint8_t)s.p[0] & heads[i].mask[0]) == heads[i].want[0] &&
		    ((uint8_t)s.p[1] & heads[i].mask[1]) == heads[i].want[1])
			return false;
	}
	/* QUIC, long head (RFC 9000, 17.2): a version follows whose first two bytes are zero, or version 2's. */
	if ((s.p[0] & 0xc0) == 0xc0 && ((s.p[1] == 0 && s.p[2] == 0) || memcmp(s.p + 1, "\x6b\x33\x43\xcf", 4) == 0))
		return false;
	/* WireGuard: type and three zero bytes. */
	if ((uint8_t)s.p[0] <= 4 && s.p[1] == 0 && s.p[2] == 0 && s.p[3] == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t b = (uint8_t)s.p[i];

		seen[b / 64] |= UINT64_C(1) << b % 64;
		ones += (unsigned)__builtin_popcount(b);
	}
	for (size_t i = 0; i < 4; i++)
		distinct_bytes += (unsigned)__builtin_popcountll(seen[i]);
	/*
	 * Of 64 random bytes 56.6 are distinct (of 32: 30.2), with a deviation of 2.4; of 512 bits half are ones,
	 * with a deviation of 11. Text and structures are far below on the first count.
	 */
	return distinct_bytes * 100 >= n * 78 && ones * 100 >= n * 8 * 42 && ones * 100 <= n * 8 * 58;
}
