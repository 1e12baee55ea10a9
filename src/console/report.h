/* report: what a scan found, for a person (report_show) or for a program (report_json). */
#ifndef GUARITA_CONSOLE_REPORT_H
#define GUARITA_CONSOLE_REPORT_H

#include "console/found.h"
#include "console/gaps.h"
#include "console/replay.h"
#include "console/term.h"

struct summary {
	uint64_t records, decoded, undecoded, lost, unreadable;
	int64_t first_us, last_us;     /* WHEN_NONE when no record had a time */
	double seconds;
	struct correlate_stats stats;
	struct gaps gaps;              /* by file */
};

/* The incidents must be sorted. all: every proof line instead of the first few. */
void report_show(const struct term *t, struct replay *r, struct found *f, const struct summary *s, bool all);
/* One object a line, the summary last; see guarita(1). */
void report_json(FILE *file, struct replay *r, const struct found *f, const struct summary *s);

#endif
