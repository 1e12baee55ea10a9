/*
 * found: the incidents of a run, kept as they stand when each is closed, and the overlay that correlation lays over
 * records already read: new kinds and joined fields by line.
 */
#ifndef GUARITA_CONSOLE_FOUND_H
#define GUARITA_CONSOLE_FOUND_H

#include "base/arena.h"
#include "base/hash.h"
#include "watch/correlate/correlate.h"


struct found {
	struct arena arena;
	const struct packed **rows;        /* incidents: found_get() */
	size_t n, size;
	struct found_view *view;           /* one of them as others know it */
	uint64_t opened;           /* so far, for progress */
	uint64_t lost;             /* that did not fit in memory */
	/* overlay: open addressing by ref */
	struct found_mark *marks;
	size_t nmarks, marks_size;
	bool keep_marks;
};

struct found_mark {
	uint64_t ref;              /* 0: free cell */
	uint16_t kind;             /* KIND_NONE: as decoded */
	bool hostile;
	uint16_t njoined;
	struct found_join *joined;
};

struct found_join {
	uint16_t key;
	struct str text;
};

/*
 * The i-th, after found_sort(): good until the next is asked for; its texts live as long as f. Its proofs have no
 * times, for no report tells them.
 */
const struct incident *found_get(const struct found *f, size_t i);
void found_calls(struct found *f, struct correlate_calls *ret);
/* Remembers the joined fields of a record that correlate() has seen. */
void found_joined(struct found *f, const struct record *r);
const struct found_mark *found_mark(const struct found *f, uint64_t ref);
/* By severity, the gravest first, then by time. -ENOMEM. */
int found_sort(struct found *f) WARN_UNUSED;
void found_free(struct found *f);

#endif
