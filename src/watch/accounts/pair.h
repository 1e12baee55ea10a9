/*
 * pair: login records to sessions, read from the newest to the oldest, as last(1) does: one
 * pass, memory only for the terminals in use. A session ends with the next record of its terminal,
 * with the system going down, or with the next boot when nothing said why (a crash).
 */
#ifndef GUARITA_WATCH_ACCOUNTS_PAIR_H
#define GUARITA_WATCH_ACCOUNTS_PAIR_H

#include "wire/utmp.h"

enum account_end {
	ACCOUNT_END_LOGOUT,        /* end_us is when */
	ACCOUNT_END_DOWN,          /* the system was shut down; end_us is when */
	ACCOUNT_END_CRASH,         /* the system came up again without having gone down; end_us: that boot */
	ACCOUNT_END_STILL,         /* goes on */
	ACCOUNT_END_GONE,          /* no logout, and nobody there any more */
	ACCOUNT_END_NONE,          /* a moment, not a span: a failed login, a change of the clock */
	ACCOUNT_ENDS,
};

enum account_what {
	ACCOUNT_SESSION,
	ACCOUNT_BOOT,
	ACCOUNT_DOWN,
	ACCOUNT_RUN_LEVEL,
	ACCOUNT_CLOCK,
	ACCOUNT_FAILURE,
};

struct account_session {
	enum account_what what;
	enum account_end how;
	struct utmp login;         /* its texts are the caller's record */
	int64_t begin_us, end_us;  /* end_us is WHEN_NONE for STILL, GONE and NONE */
};

struct account_pair_opts {
	int64_t now_us;
	bool failures;             /* btmp: every record is a moment */
	bool system;               /* run levels, shutdowns and changes of the clock too */
	/* Is the user of this login still there? NULL: nobody knows, so yes. */
	bool (*present)(void *ctx, const struct utmp *login);
	void *ctx;
	uint64_t hash_seed;
};

struct account_pair;

int account_pair_new(const struct account_pair_opts *o, struct account_pair **ret) WARN_UNUSED;
void account_pair_free(struct account_pair *p);
/*
 * The record before all that were handed in so far. 1: *ret is something to show, 0: nothing, or
 * -ENOMEM.
 */
int account_pair_earlier(struct account_pair *p, const struct utmp *u, struct account_session *ret) WARN_UNUSED;
const char *account_end_name(enum account_end e);        /* "logout" "down" "crash" "still" "gone" "none" */

#endif
