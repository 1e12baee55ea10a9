/*
 * rename: kinds and fields are numbers in saved state, and another rule set numbers them otherwise. What each number
 * of the saved state is called today.
 */
#ifndef GUARITA_WATCH_CORRELATE_RENAME_H
#define GUARITA_WATCH_CORRELATE_RENAME_H

#include "watch/ruleset.h"

#define RENAME_GONE UINT16_MAX     /* no such name today */

struct renames {
	uint16_t *kinds, *fields;
	uint32_t nkinds, nfields;
	bool same;                 /* each is as it was: nothing to do */
};

void renames_save(const struct ruleset *rs, struct buf *out);
/* Reads what was saved from the front of *in; false when it is not that, or without memory. Freed by renames_free(). */
bool renames_load(struct renames *n, const struct ruleset *rs, struct str *in);
void renames_free(struct renames *n);

static inline uint16_t
rename_kind(const struct renames *n, uint16_t kind)
{
	return kind < n->nkinds ? n->kinds[kind] : RENAME_GONE;
}

static inline uint16_t
rename_field(const struct renames *n, uint16_t field)
{
	return field < n->nfields ? n->fields[field] : RENAME_GONE;
}

#endif
