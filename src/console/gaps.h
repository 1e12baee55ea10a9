/*
 * gaps: a file that spoke often, fell silent, and spoke again. It proves no intrusion, and is what is left when somebody
 * cut lines out. Never keeps more than a row a file.
 */
#ifndef GUARITA_CONSOLE_GAPS_H
#define GUARITA_CONSOLE_GAPS_H

#include "event/record.h"

struct gap {
	uint64_t ref;              /* of the line behind it */
	int64_t from_us, to_us;
};

struct gap_row {
	int64_t last_us;
	int64_t second_us;         /* the longest silence but one: what is usual here */
	uint64_t records;
	struct gap longest;
};

struct gaps {
	struct gap_row *rows;      /* by source */
	uint32_t n;
};

int gaps_begin(struct gaps *g, uint32_t sources) WARN_UNUSED;
void gaps_free(struct gaps *g);
/* The next record of its source, in the order of time. */
void gaps_note(struct gaps *g, const struct record *r);
/* A silence that is long beside all others of a file that speaks often; NULL when there is none. */
const struct gap *gaps_silence(const struct gaps *g, uint32_t source);

#endif
