/* source: see source.h. One row of functions per kind of file; none changes anything. */
#include "console/accounts/source.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/accounts/file.h"
#include "console/accounts/sqlite.h"
#include "watch/accounts/line.h"

struct account_source {
	struct account_file file;
	struct account_lines *lines;
	struct account_sqlite *rows;
	struct account_row row;
	bool row_ends;                 /* the row's logout is the next line */
	uint64_t at;                   /* records, or lines of a database, so far */
	struct buf line;
	char name[64];
};

/* Numbers of accounts mean something on their own machine only. */
static struct str
user_of(void *ctx, uint32_t uid)
{
	struct account_source *s = ctx;
	struct passwd *pw = getpwuid(uid);

	return pw ? str_of(s->name, (size_t)snprintf(s->name, sizeof(s->name), "%s", pw->pw_name)) : STR_NULL;
}

static int
begin(struct account_source *s)
{
	struct account_lines_opts o = { .ctx = s };
	int rc;

	if (str_starts(str_z(s->file.path), STR("/var/")))
		o.user_of = user_of;
	account_lines_free(s->lines);
	account_sqlite_close(s->rows);
	s->lines = NULL;
	s->rows = NULL;
	s->at = 0;
	s->row_ends = false;
	rc = account_lines_new(&o, &s->lines);
	if (rc == 0 && s->file.kind == ACCOUNT_SQLITE)
		rc = account_sqlite_open(s->file.path, false, &s->rows);
	return rc;
}

int
account_source_open(const char *path, struct account_source **ret)
{
	struct account_source *s = calloc(1, sizeof(*s));
	int rc = s ? account_open(path, &s->file) : -ENOMEM;

	if (rc == 0) {
		s->line = BUF_INIT(64u << 10);
		rc = begin(s);
	}
	if (rc < 0) {
		account_source_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void
account_source_close(struct account_source *s)
{
	if (!s)
		return;
	account_lines_free(s->lines);
	account_sqlite_close(s->rows);
	if (s->file.path)
		account_close(&s->file);
	buf_free(&s->line);
	free(s);
}

int
account_source_rewind(struct account_source *s)
{
	return begin(s);
}

static void
line_of(struct account_source *s, struct str record, uint64_t number)
{
	struct lastlog e;
	struct pacct p;
	struct utmp u;

	switch (s->file.kind) {
	case ACCOUNT_LOGINS:
	case ACCOUNT_FAILURES:
		utmp_read((enum utmp_layout)s->file.layout, record, &u);
		if (s->file.kind == ACCOUNT_FAILURES)
			account_line_failure(s->lines, &u, &s->line);
		else
			account_line_login(s->lines, &u, number, &s->line);
		break;
	case ACCOUNT_LASTLOG:
	case ACCOUNT_FAILLOG:
		lastlog_read((enum lastlog_layout)s->file.layout, record, &e);
		if (e.blank || number > UINT32_MAX)
			break;
		if (s->file.kind == ACCOUNT_LASTLOG)
			account_line_last(s->lines, (uint32_t)(number - 1), &e, &s->line);
		else
			account_line_fails(s->lines, (uint32_t)(number - 1), &e, &s->line);
		break;
	case ACCOUNT_PROCESSES:
		if (pacct_read(record, &p) == 0)
			account_line_command(s->lines, &p, &s->line);
		break;
	case ACCOUNT_SQLITE:
	case ACCOUNT_KINDS:
		break;
	}
}

/* A session of wtmpdb is two lines: when it began and when it ended. */
static bool
next_row(struct account_source *s)
{
	struct utmp u = { 0 };

	if (!s->row_ends && account_sqlite_next(s->rows, &s->row) <= 0)
		return false;
	u.line = s->row.boot ? STR("~") : s->row.tty;
	u.user = s->row.user;
	u.host = s->row.host;
	u.time_us = s->row_ends ? s->row.end_us : s->row.begin_us;
	u.type = s->row.boot ? (s->row_ends ? UTMP_SHUTDOWN : UTMP_BOOT) : s->row_ends ? UTMP_DEAD : UTMP_USER;
	s->row_ends = !s->row_ends && s->row.end_us != WHEN_NONE;
	account_line_login(s->lines, &u, ++s->at, &s->line);
	return true;
}

bool
account_source_next(struct account_source *s, struct str *ret_line, uint64_t *ret_number)
{
	buf_reset(&s->line);
	while (s->line.n == 0) {
		struct str record;

		if (s->rows) {
			if (!next_row(s))
				return false;
			continue;
		}
		if (account_next_data(&s->file, &s->at) < 0)
			return false;
		record = account_at(&s->file, s->at);
		if (record.n == 0)
			return false;
		line_of(s, record, ++s->at);
	}
	*ret_line = buf_str(&s->line);
	*ret_number = s->at;
	return true;
}

uint64_t
account_source_taken(const struct account_source *s)
{
	return s->at * s->file.record;
}
