/*
 * line: a record of an account file as a line of text, so that it takes the same way as
 * every other line: decoded by rules/10-accounts.rules, counted by the same rules, archived,
 * quoted. Foreign texts stand in quotes with escapes: a user name cannot forge what stands around
 * it. Everything the record says is in the line; padding and unused bytes are not.
 */
#ifndef GUARITA_WATCH_ACCOUNTS_LINE_H
#define GUARITA_WATCH_ACCOUNTS_LINE_H

#include "base/buf.h"
#include "wire/lastlog.h"
#include "wire/pacct.h"
#include "wire/utmp.h"

struct account_lines;              /* of one log: remembers who is on which terminal */

struct account_lines_opts {
	struct str host;           /* the machine whose log it is; empty: unknown */
	/* The account of a uid on that machine; empty: unknown. NULL: none is known. */
	struct str (*user_of)(void *ctx, uint32_t uid);
	void *ctx;
};

/* Texts of the options must outlive it. */
int account_lines_new(const struct account_lines_opts *o, struct account_lines **ret) WARN_UNUSED;
void account_lines_free(struct account_lines *l);
/*
 * Each appends one line without newline, or nothing when the record says nothing (a terminal that
 * waits, a run level). number is that of the record in its file, from 1.
 */
void account_line_login(struct account_lines *l, const struct utmp *u, uint64_t number, struct buf *out);
void account_line_failure(struct account_lines *l, const struct utmp *u, struct buf *out);
void account_line_last(struct account_lines *l, uint32_t uid, const struct lastlog *e, struct buf *out);
void account_line_fails(struct account_lines *l, uint32_t uid, const struct lastlog *e, struct buf *out);
void account_line_command(struct account_lines *l, const struct pacct *p, struct buf *out);

#endif
