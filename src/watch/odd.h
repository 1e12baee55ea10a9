/*
 * odd: input that no honest client sends, whatever the program: long runs of control bytes in any spelling, and
 * binary junk. Looks at bytes only; it knows no program.
 */
#ifndef GUARITA_WATCH_ODD_H
#define GUARITA_WATCH_ODD_H

#include "watch/ruleset.h"

enum odd_what { ODD_NOTHING, ODD_RUN, ODD_LETTERS, ODD_JUNK };

struct odd {
	enum odd_what what;
	size_t run;                /* bytes of the line */
	struct str unit;           /* what is repeated, as spelt in the line */
};

/* One pass; the common line costs a comparison per dozen bytes. */
struct odd odd_look(struct str text);
/* Judges the record's message: kind exploit.overflow with a reason, unless it is known as an exploit already. */
void odd_record(const struct ruleset *rs, struct record *r);

#endif
