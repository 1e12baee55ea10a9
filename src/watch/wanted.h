/*
 * wanted: which rules may want a record, by more than its kind. Where many rules of a kind ask one field for a value
 * (`where service is ssh`), only those that ask for the record's value are walked: 4,000 rules cost what 40 do. Built
 * once in the rule set's arena, immutable after. Must never leave a want out whose conditions could hold, and gives
 * them in the order of the rules, so that nothing else changes.
 */
#ifndef GUARITA_WATCH_WANTED_H
#define GUARITA_WATCH_WANTED_H

#include "base/arena.h"
#include "watch/rule.h"

/* The wants of one kind parted by the value of one field. Rows count from the kind's first want, ascending. */
struct want_gate {
	uint16_t field;
	uint32_t mask;
	struct want_value *values;         /* open addressing by hash_nocase(); no text where nothing is */
	uint32_t *rows;                    /* nrest that ask the field for no value, then those of each value */
	uint32_t nrest;
};

struct want_value {
	struct str value;
	uint32_t first, n;                 /* of rows */
};

/* What is left to be walked for one record. */
struct wanted {
	const struct want *wants;
	const uint32_t *rest, *rest_end, *own, *own_end;   /* NULL, NULL: all wants up to end */
	const struct want *end;
};

/* Sets kind->gate, or leaves it NULL when there is little to gain. -ENOMEM. */
int wanted_index(struct arena *a, const struct rules *rules, struct kind_wants *kind) WARN_UNUSED;

void wanted_pass_gate(const struct want_gate *g, const struct record *r, struct wanted *w);
const struct want *wanted_gated(struct wanted *w);

static inline struct wanted
wanted_by(const struct rules *rules, const struct kind_wants *kind, const struct record *r)
{
	struct wanted w = { .wants = &rules->wants[kind->first], .end = &rules->wants[kind->first + kind->n] };

	if (kind->gate)
		wanted_pass_gate(kind->gate, r, &w);
	return w;
}

/* The next of them; NULL at the end. */
static inline const struct want *
wanted_next(struct wanted *w)
{
	if (w->rest)
		return wanted_gated(w);
	return w->wants < w->end ? w->wants++ : NULL;
}

#endif
