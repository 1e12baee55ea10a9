/*
 * automaton: finds the patterns whose beginning a text may have, one table look-up a byte. The states are the sets of
 * all places where the ways of a group can stand together; they are made when a text first asks for them and kept, so
 * that lines of a known shape cost the same however many patterns there are. Holes are taken for runs of the bytes
 * they may hold: what is proposed is more than what matches, never less. Belongs to one thread.
 */
#ifndef GUARITA_WATCH_PATTERN_AUTOMATON_H
#define GUARITA_WATCH_PATTERN_AUTOMATON_H

#include "watch/pattern/index.h"

struct automaton;                      /* of one index; made at its first use */

/* What all automata of a thread may grow by: strange texts must not make it spend its time on new states. */
struct automata_budget {
	uint32_t credit;               /* states that may still be made */
	uint64_t built, emptied;       /* states made since the start; how often a full automaton began anew */
};
#define AUTOMATA_CREDIT_MAX 40000u
#define AUTOMATA_CREDIT_A_LINE 4u

/* NULL without memory. x must outlive it. */
struct automaton *automaton_new(const struct index *x);
void automaton_free(struct automaton *a);
/* Proposes the ways that begin as the text does; counts its work in m->steps. */
void automaton_walk(struct automaton *a, struct automata_budget *b, struct str text, struct candidates *c,
    struct match *m);

#endif
