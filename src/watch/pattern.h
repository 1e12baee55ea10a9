/*
 * pattern: a text pattern of rules/ as plans. `{a|b}` is expanded, so a plan is a plain sequence of steps that is
 * matched once from left to right up to the first untrusted hole, and from the right end back to it. Nothing here
 * backtracks over a wildcard, so a match is linear in the text; a budget of steps makes that a promise.
 */
#ifndef GUARITA_WATCH_PATTERN_H
#define GUARITA_WATCH_PATTERN_H

#include "watch/hole.h"
#include "watch/load.h"

#define PATTERN_PLANS_MAX 256      /* expansions of one pattern */
#define PATTERN_HOLES_MAX 60
#define PATTERN_STEPS_MAX 200      /* of one plan */

enum step_code {
	STEP_LIT,        /* these bytes, none of them a blank */
	STEP_BLANKS,     /* one or more blanks */
	STEP_HOLE,       /* a bounded typed hole */
	STEP_SKIP,       /* anything, as little as possible */
	STEP_PIVOT,      /* untrusted: what is left between both sides */
};

#define STEP_NOT_KEPT UINT8_MAX

struct step {
	uint8_t code;
	uint8_t type;        /* enum hole_type */
	uint8_t hole;        /* capture to fill, or STEP_NOT_KEPT */
	bool nocase;
	uint16_t len;        /* STEP_LIT */
	const char *lit;     /* lower case when nocase */
};

struct plan {
	const struct step *steps;
	uint16_t nsteps;
	uint16_t pivot;      /* index of STEP_PIVOT, or nsteps */
	uint16_t min_len;    /* no shorter text can match */
	uint16_t longest;    /* index of the longest literal, or nsteps */
	bool wild;           /* has a wildcard */
	uint32_t weight;     /* literal bytes first, then how exact the holes are: higher is tried first */
};

struct hole {
	uint16_t field;      /* FIELD_NONE: not kept */
	uint8_t type;
};

struct pattern {
	struct str source;
	const struct plan *plans;
	uint32_t nplans;
	const struct hole *holes;
	uint32_t nholes;
	bool nocase;
};

/* What one match captured. */
struct match {
	struct str at[PATTERN_HOLES_MAX];
	uint64_t have;           /* bit per capture */
	uint64_t steps;          /* work done since the caller zeroed it: the unit of the linear bound */
	size_t stopped_at;       /* after a miss: how far it came, and the step that failed */
	uint16_t stopped_step;
};

/* The work that one match may do on a text of n bytes. */
#define MATCH_STEPS_MAX(n) (64 * (uint64_t)(n) + 4096)

/* Compiles w's text into the arena of l; faults are reported at their column. 0 or -EINVAL. */
int pattern_compile(struct load *l, const struct conf_word *w, bool nocase, struct pattern *ret) WARN_UNUSED;
/* Blanks at both ends of the text must be trimmed by the caller (pattern_trim). True when all of it matches. */
bool plan_match(const struct plan *p, struct str text, struct match *m);
/* The first plan of a pattern that matches, tried in order of weight; for `like` and `on FIELD`. */
const struct plan *pattern_match(const struct pattern *p, struct str text, struct match *m);
/* What a step wants, in words for explain: the literal itself, or "<ip>". */
void step_show(const struct step *s, struct buf *out);

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Without leading blanks, and without blanks, CR, LF and NUL at the end. */
static inline struct str
pattern_trim(struct str s)
{
	while (s.n && is_blank(s.p[0]))
		s = str_of(s.p + 1, s.n - 1);
	while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n' || !s.p[s.n - 1]))
		s.n--;
	return s;
}

#endif
