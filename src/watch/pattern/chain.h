/*
 * chain: stretches of text that an automaton has passed before. Most bytes of a line are those of its neighbours:
 * behind a hole a state leads through the same bytes to the same states again. Comparing eight bytes at a time costs
 * less than looking each of them up, and the rows of the states between are not touched. A chain says where known
 * states lead, nothing new: it is right for as long as the states are.
 */
#ifndef GUARITA_WATCH_PATTERN_CHAIN_H
#define GUARITA_WATCH_PATTERN_CHAIN_H

#include "base/str.h"

#define CHAIN_LEAST 4u
#define CHAIN_MAX 120u

struct chains {
	uint8_t *pool;                 /* by place: length, the states, the bytes */
	uint32_t n, size;              /* place 0 is nobody's */
};

struct chain_draft {
	uint16_t states[CHAIN_MAX];
	char bytes[CHAIN_MAX];
	uint32_t n;
};

/* The place of a chain, or 0 without memory. */
uint32_t chain_keep(struct chains *c, const struct chain_draft *d);
/* How many bytes of text the chain at this place shares, and the state behind them (untouched when none). */
size_t chain_follow(const struct chains *c, uint32_t place, struct str text, uint16_t *ret_state);
void chains_empty(struct chains *c);
void chains_free(struct chains *c);

#endif
