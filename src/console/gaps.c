/* gaps: see gaps.h. */
#include "console/gaps.h"

#include <errno.h>
#include <stdlib.h>

#include "base/when.h"

#define SILENCE_US (6 * WHEN_HOUR)
#define UNUSUAL 8                      /* times as long as any other silence of the file */
#define RECORDS_LEAST 100u             /* of fewer nobody knows what is usual */

int
gaps_begin(struct gaps *g, uint32_t sources)
{
	*g = (struct gaps){ .rows = calloc(sources + 1u, sizeof(*g->rows)), .n = sources };
	for (uint32_t i = 0; g->rows && i < sources; i++)
		g->rows[i].last_us = WHEN_NONE;
	return g->rows ? 0 : -ENOMEM;
}

void
gaps_free(struct gaps *g)
{
	free(g->rows);
	*g = (struct gaps){ 0 };
}

static void
note_silence(struct gap_row *row, const struct record *r)
{
	int64_t longest = row->longest.to_us - row->longest.from_us, now = r->time_us - row->last_us;

	if (now <= longest) {
		row->second_us = now > row->second_us ? now : row->second_us;
		return;
	}
	row->second_us = longest;
	row->longest = (struct gap){ .ref = r->ref, .from_us = row->last_us, .to_us = r->time_us };
}

void
gaps_note(struct gaps *g, const struct record *r)
{
	struct gap_row *row = r->source < g->n ? &g->rows[r->source] : NULL;

	if (!row || r->time_us == WHEN_NONE)
		return;
	row->records++;
	if (row->last_us != WHEN_NONE && r->time_us > row->last_us)
		note_silence(row, r);
	if (row->last_us == WHEN_NONE || r->time_us > row->last_us)
		row->last_us = r->time_us;
}

const struct gap *
gaps_silence(const struct gaps *g, uint32_t source)
{
	const struct gap_row *row = source < g->n ? &g->rows[source] : NULL;
	int64_t longest = row ? row->longest.to_us - row->longest.from_us : 0;

	if (!row || row->records < RECORDS_LEAST || longest < SILENCE_US || longest / UNUSUAL < row->second_us)
		return NULL;
	return &row->longest;
}
