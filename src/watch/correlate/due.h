/* due: what must be looked at when event time has come so far: a heap of times. Entries may be stale; who asks checks. */
#ifndef GUARITA_WATCH_CORRELATE_DUE_H
#define GUARITA_WATCH_CORRELATE_DUE_H

#include "base/str.h"

enum due_what { DUE_DOSSIER, DUE_TRACK };

struct due {
	int64_t at_us;
	uint64_t serial;           /* of the incident, or the hash of the track: tells a stale entry */
	uint32_t index;
	enum due_what what;
};

struct dues {
	struct due *heap;
	uint32_t n, size;
};

void dues_free(struct dues *d);
bool dues_put(struct dues *d, const struct due *e);      /* false: no memory */
/* Takes the earliest that lies before `until_us`. */
bool dues_pop(struct dues *d, int64_t until_us, struct due *ret);

#endif
