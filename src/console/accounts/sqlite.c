/*
 * sqlite: two queries. Tables as wtmpdb 0.x (lib/wtmpdb.c) and lastlog2 of util-linux 2.40
 * make them. Must never write: the file is opened read-only, so a journal left by a crash is not
 * rolled back but refused by SQLite itself.
 */
#include "console/accounts/sqlite.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#define TYPE_BOOT 1                    /* BOOT_TIME of wtmpdb.h */

struct account_sqlite {
	sqlite3 *db;
	sqlite3_stmt *rows;
	bool lastlog;
};

static const char sessions[] = "SELECT User, TTY, RemoteHost, Service, Login, Logout, Type FROM wtmp"
			       " ORDER BY Login DESC, ID DESC";
/* lastlog2 calls its last column "Service" or "PAM_Service": it is not needed here. */
static const char entries[] = "SELECT Name, TTY, RemoteHost, NULL, Time, NULL, 0 FROM Lastlog2 ORDER BY Name";

int
account_sqlite_open(const char *path, bool lastlog, struct account_sqlite **ret)
{
	struct account_sqlite *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return -ENOMEM;
	q->lastlog = lastlog;
	rc = sqlite3_open_v2(path, &q->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(q->db, lastlog ? entries : sessions, -1, &q->rows, NULL);
	if (rc != SQLITE_OK) {
		account_sqlite_close(q);
		return rc == SQLITE_ERROR ? -ENOTSUP : rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
	}
	*ret = q;
	return 0;
}

static struct str
text(struct account_sqlite *q, int column)
{
	const void *p = sqlite3_column_text(q->rows, column);
	int n = sqlite3_column_bytes(q->rows, column);

	return p && n > 0 ? str_of(p, (size_t)n) : STR_NULL;
}

/* wtmpdb counts microseconds, lastlog2 seconds. */
static int64_t
moment(struct account_sqlite *q, int column)
{
	int64_t n = sqlite3_column_int64(q->rows, column);

	if (sqlite3_column_type(q->rows, column) == SQLITE_NULL || n <= 0 || n > INT64_C(253402300799) * WHEN_SECOND)
		return WHEN_NONE;
	return q->lastlog ? n * WHEN_SECOND : n;
}

int
account_sqlite_next(struct account_sqlite *q, struct account_row *ret)
{
	int rc = sqlite3_step(q->rows);

	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return rc == SQLITE_NOMEM ? -ENOMEM : -EIO;
	*ret = (struct account_row){
		.user = text(q, 0), .tty = text(q, 1), .host = text(q, 2), .service = text(q, 3),
		.begin_us = moment(q, 4), .end_us = moment(q, 5),
		.boot = sqlite3_column_int(q->rows, 6) == TYPE_BOOT,
	};
	return 1;
}

void
account_sqlite_close(struct account_sqlite *q)
{
	if (!q)
		return;
	sqlite3_finalize(q->rows);
	sqlite3_close(q->db);
	free(q);
}
