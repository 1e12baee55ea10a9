/*
 * hole: the types of holes in patterns. Each knows how to take its text from a place forward, and from a place
 * backward; both are bounded and never look at anything twice that grows with the line.
 */
#ifndef GUARITA_WATCH_PATTERN_HOLE_H
#define GUARITA_WATCH_PATTERN_HOLE_H

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

/*
 * A hole as a run of bytes, for those who follow many holes at once: the phase behind byte c, from phase 0 before the
 * hole, or HOLE_RUN_DEAD. Takes whatever hole_forward() could take, and more.
 */
#define HOLE_RUN_DEAD 0
unsigned hole_run(enum hole_type t, unsigned phase, char c);
bool hole_run_may_end(unsigned phase);
bool hole_run_is_over(unsigned phase);         /* it must */
/* Bytes of one class are the same to hole_run(), whatever the type and phase. */
unsigned hole_run_class(char c);

/* Takes what ends before text[end], not reaching below `low`; `prev` is the step before. Returns where it begins. */
size_t hole_backward(enum hole_type t, struct str text, size_t low, size_t end, const struct step *prev,
    struct str *ret_value, uint64_t *steps);

#endif
