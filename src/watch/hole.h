/*
 * hole: the types of holes in patterns. Each knows how to take its text from a place forward, and from a place
 * backward; both are bounded and never look at anything twice that grows with the line.
 */
#ifndef GUARITA_WATCH_HOLE_H
#define GUARITA_WATCH_HOLE_H

#include "base/str.h"

enum hole_type {
	HOLE_IP,
	HOLE_ADDR,
	HOLE_HOST,
	HOLE_PORT,
	HOLE_INT,
	HOLE_NUM,
	HOLE_HEX,
	HOLE_WORD,
	HOLE_QUOTED,
	HOLE_TIME,
	HOLE_MAC,
	HOLE_TEXT,       /* the rest are wildcards: STEP_SKIP or STEP_PIVOT */
	HOLE_REST,
	HOLE_KV,
	HOLE_USER,
	HOLE_TEXT_UNTRUSTED,
	HOLE_TYPES,
};

#define HOLE_MISS SIZE_MAX
#define HOLE_HOST_MAX 255
#define HOLE_TIME_MAX 64

struct step;

/* The type of that name, HOLE_TYPES when there is none. */
enum hole_type hole_type_of(struct str name);
const char *hole_type_name(enum hole_type t);
bool hole_is_wild(enum hole_type t);
/* How much a hole of this type says about a text, 0 (nothing) to 7. */
unsigned hole_weight(enum hole_type t);

/*
 * Takes from text[pos] on; `next` is the step that follows, or NULL at the end of the pattern. Returns the place
 * behind what was taken, or HOLE_MISS; *ret_value is the value (without quotes, brackets, trailing dot).
 */
size_t hole_forward(enum hole_type t, struct str text, size_t pos, const struct step *next, struct str *ret_value,
    uint64_t *steps);
/* Could a hole of this type begin with c? A quick no. */
bool hole_may_begin(enum hole_type t, char c);

/* What several holes at one place have in common; zeroed by the caller when the place is new. */
struct hole_memo {
	size_t word_end;           /* where the run of non-blanks ends; 0: not looked at yet */
	size_t host_end;
	size_t int_end;            /* HOLE_MISS included; 0: not looked at yet */
};
/* hole_forward() without the value, for walking many holes at one place. */
size_t hole_peek(enum hole_type t, struct str text, size_t pos, const struct step *next, struct hole_memo *memo);

/* Takes what ends before text[end], not reaching below `low`; `prev` is the step before. Returns where it begins. */
size_t hole_backward(enum hole_type t, struct str text, size_t low, size_t end, const struct step *prev,
    struct str *ret_value, uint64_t *steps);

#endif
