/*
 * sqlite: the login records of new distributions, which are SQLite files: wtmpdb (sessions
 * with both their ends) and lastlog2. Read-only; a file of another shape is refused.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_SQLITE_H
#define GUARITA_CONSOLE_ACCOUNTS_SQLITE_H

#include "watch/accounts/pair.h"

struct account_sqlite;

/* One row; texts are good until the next. */
struct account_row {
	struct str user, tty, host, service;
	int64_t begin_us, end_us;  /* WHEN_NONE when absent */
	bool boot;
};

/* Sessions newest first, or entries of lastlog2 by name. -ENOTSUP: other tables; -EIO: damaged. */
int account_sqlite_open(const char *path, bool lastlog, struct account_sqlite **ret) WARN_UNUSED;
/* 1: *ret is the next, 0: no more, -EIO: damaged. */
int account_sqlite_next(struct account_sqlite *q, struct account_row *ret) WARN_UNUSED;
void account_sqlite_close(struct account_sqlite *q);

#endif
