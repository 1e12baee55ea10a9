/*
 * account_tail: one account file as it grows: its new records as lines, and what is wrong with it
 * as findings. Knows rotation by rename and by truncation, tables that change in place, and records
 * that were rewritten after they had been read. Asked now and then; never waits.
 */
#ifndef GUARITA_ROLE_INTAKE_ACCOUNT_TAIL_H
#define GUARITA_ROLE_INTAKE_ACCOUNT_TAIL_H

#include "console/accounts/seal.h"
#include "watch/accounts/line.h"
#include "watch/accounts/integrity.h"

enum account_tail_event { ACCOUNT_TAIL_REPLACED, ACCOUNT_TAIL_SHRUNK, ACCOUNT_TAIL_UNREADABLE };

struct account_tail_calls {
	void *ctx;
	void (*line)(void *ctx, struct str line);
	/* Something is wrong with the records: LIKELY or CERTAIN only. */
	void (*found)(void *ctx, const char *path, const struct integrity_finding *f);
	/* was and now are offsets; for UNREADABLE now is the errno. */
	void (*event)(void *ctx, const char *path, enum account_tail_event e, uint64_t was, uint64_t now);
	bool (*pause)(void *ctx);      /* enough for now: the reader is behind */
	/* What the file looks like now, for whoever seals it; NULL: nobody does. */
	void (*seen)(void *ctx, const char *path, const struct account_seal *s);
};

/* Where reading stands, to be kept over restarts. */
struct account_pos {
	uint64_t dev, ino, offset;
};

struct account_tail;

int account_tail_new(const char *path, const struct account_lines_opts *o, const struct account_tail_calls *calls,
    struct account_tail **ret) WARN_UNUSED;
void account_tail_free(struct account_tail *t);
/*
 * Begins behind `pos`, if the file is still the same (or was renamed to PATH.1); without one (NULL) at its
 * end, or with from_start at its beginning. What lies before is read in silence, so that logouts know their logins.
 */
void account_tail_begin(struct account_tail *t, const struct account_pos *pos, bool from_start);
/* Reads what is new. */
void account_tail_poll(struct account_tail *t);
/* Tells what was taken and not yet told as seen. */
void account_tail_end(struct account_tail *t);
struct account_pos account_tail_pos(const struct account_tail *t);
const char *account_tail_path(const struct account_tail *t);

#endif
