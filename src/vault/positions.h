/*
 * positions: a regular expression as the places where one byte of it stands (Glushkov's construction). From it comes what
 * PCRE2 cannot tell: what may follow a beginning, what must have come before an end, and what all texts of a kind (five
 * digits, an address) can do to both. So a search can ask the columns of a segment instead of every line.
 *
 * It may take more texts for matches than PCRE2 does (assertions count as nothing), never fewer; `exact` says that it
 * takes the same. What it cannot express (back references, looking around) is refused, and PCRE2 reads the lines.
 */
#ifndef GUARITA_VAULT_POSITIONS_H
#define GUARITA_VAULT_POSITIONS_H

#include "base/arena.h"
#include "base/str.h"

#define POSITIONS_MAX 256u

/* A set of positions, or of bytes. */
struct posset {
	uint64_t w[4];
};

struct positions {
	struct posset at[256];                    /* per byte: the positions it can stand at */
	struct posset follow[POSITIONS_MAX];      /* what may stand behind each, and before each */
	struct posset before[POSITIONS_MAX];
	struct posset first, last;
	uint32_t n;
	bool nullable;                            /* every text matches */
	bool exact;
};

/* 0; -ENOTSUP for what it cannot express, also for what has too many positions. pattern: one that PCRE2 has accepted. */
int positions_parse(struct positions *p, struct str pattern, bool minds_case) WARN_UNUSED;

/* Positions after one more byte, which is one of `at` (p->at[c], or those of several bytes); a match may begin with it. */
struct posset positions_step(const struct positions *p, struct posset s, const struct posset *at);
/* Positions from which one byte of `at` leads into `s` or to the end of a match. */
struct posset positions_back(const struct positions *p, struct posset s, const struct posset *at);
/* The positions of all bytes in a set of bytes. */
struct posset positions_of(const struct positions *p, const struct posset *bytes);

static inline bool
posset_meets(const struct posset *a, const struct posset *b)
{
	return ((a->w[0] & b->w[0]) | (a->w[1] & b->w[1]) | (a->w[2] & b->w[2]) | (a->w[3] & b->w[3])) != 0;
}

static inline bool
posset_empty(const struct posset *a)
{
	return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

static inline void
posset_join(struct posset *a, const struct posset *b)
{
	for (int i = 0; i < 4; i++)
		a->w[i] |= b->w[i];
}

static inline bool
posset_has(const struct posset *a, unsigned i)
{
	return a->w[i / 64] >> i % 64 & 1;
}

static inline void
posset_add(struct posset *a, unsigned i)
{
	a->w[i / 64] |= UINT64_C(1) << i % 64;
}

/* positions_run.c: the same as a machine with states, which are made when they are first needed. */
struct runner;
struct runner *runner_new(const struct positions *p);      /* NULL without memory; p must outlive it */
void runner_free(struct runner *r);
/* Reads text from the positions `from` on. True as soon as a match is whole; else *ret_to says what was begun. */
bool runner_run(struct runner *r, const struct posset *from, struct str text, struct posset *ret_to);

#endif
