/*
 * score: hosts that behave like encrypted peers. A peer whose protocol cannot be read still has to find
 * others: many distant hosts at unprivileged ports within seconds, from one port over UDP, with payloads that look
 * like noise from the first byte. One sign alone is nothing; together they are a score from 0 to 100. The score
 * never drops anything by itself: a role marks, slows down or only tells.
 */
#ifndef GUARITA_GATE_P2P_SCORE_H
#define GUARITA_GATE_P2P_SCORE_H

#include "base/text.h"
#include "gate/p2p/p2p.h"

#define P2P_SUSPECT 60         /* mark and slow down from here on */
#define P2P_TELL_US (2 * 60 * INT64_C(1000000))        /* how often a suspect is told of again */
#define P2P_CALM 30            /* and no longer below this: between the two nothing changes */

struct p2p_scores;

/* At most so many hosts are watched; the longest silent one makes room. seed: drawn by the role. */
struct p2p_scores *p2p_scores_new(uint32_t max_hosts, uint64_t seed);
void p2p_scores_free(struct p2p_scores *t);

/* A new flow of a host of ours, with its first payload when there was one. */
struct p2p_seen {
	int64_t now_us;
	struct addr host, peer;
	enum p2p_proto proto;
	uint16_t host_port, peer_port;
	struct str payload;            /* of the side that began; may be empty */
	enum p2p_class is;             /* as p2p_look() found */
};

struct p2p_host_state {
	unsigned score;                /* 0 to 100 */
	bool suspect;                  /* with the slack between P2P_SUSPECT and P2P_CALM */
	bool changed;                  /* suspect is not what it was before this flow */
	bool still;                    /* suspect, and that was not told for P2P_TELL_US */
	unsigned peers;                /* distinct ones at high ports, estimated */
	unsigned noise, flows;         /* flows that began with noise, of all counted */
};

struct p2p_host_state p2p_scores_flow(struct p2p_scores *t, const struct p2p_seen *seen);
uint64_t p2p_scores_forgotten(const struct p2p_scores *t);    /* hosts that made room for others */
/* True when the bytes look like keys or ciphertext with no head in the clear. At least 32 bytes are needed. */
bool p2p_noise(struct str payload);

#endif
