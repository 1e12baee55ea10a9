/*
 * lastlog: `guarita lastlog`: when and whence each account came last. Knows the accounts of the
 * system; entries of uids that no account has are shown too: lastlog(8) hides them.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "console/accounts/show.h"
#include "console/accounts/sqlite.h"
#include "console/i18n.h"
#include "console/term.h"

struct table {
	struct account_show show;
	const struct options *o;
};

static bool
wanted(const struct options *o, struct str user)
{
	for (int i = 0; i < o->nargs; i++)
		if (str_eq(str_z(o->args[i]), user))
			return true;
	return o->nargs == 0;
}

static void
show_entry(struct table *t, struct str user, int64_t uid, const struct lastlog *e)
{
	struct account_show *s = &t->show;
	int64_t us = e->time_s * WHEN_SECOND;

	if (!wanted(t->o, user) || (t->o->since_us != WHEN_NONE && (e->time_s == 0 || us < t->o->since_us)))
		return;
	if (t->o->json) {
		buf_addf(&s->out, "{\"what\":\"%s\"", e->time_s ? "last" : "never");
		account_json_text(s, "user", user);
		if (uid >= 0)
			account_json_number(s, "uid", uid);
		account_json_text(s, "tty", e->line);
		account_json_text(s, "host", e->host);
		if (e->host_full)
			buf_add(&s->out, STR(",\"host_cut\":true"));
		account_json_time(s, "begin", e->time_s ? us : WHEN_NONE);
		buf_add(&s->out, STR("}\n"));
		account_show_flush(s);
		return;
	}
	account_show_cell(s, user, 17);
	if (e->time_s) {
		account_show_cell(s, e->line, 13);
		account_show_cell(s, e->host, 25);
		account_show_time(s, us);
	} else {
		buf_add(&s->out, str_z(_("never logged in")));
	}
	buf_add_byte(&s->out, '\n');
	account_show_flush(s);
}

static int
show_account(struct table *t, struct account_file *f, const struct passwd *pw)
{
	struct lastlog e = { 0 };
	struct str bytes = STR_NULL;

	if (pw->pw_uid < f->count)
		bytes = account_at(f, pw->pw_uid);
	if (bytes.n)
		lastlog_read((enum lastlog_layout)f->layout, bytes, &e);
	if (t->o->all || t->o->nargs > 0 || e.time_s != 0)
		show_entry(t, str_z(pw->pw_name), pw->pw_uid, &e);
	return t->show.failed ? -EPIPE : 0;
}

/* Entries whose uid nobody has: an account that was removed, or one that was never meant to be seen. */
static int
show_orphans(struct table *t, struct account_file *f)
{
	for (uint64_t i = 0; account_next_data(f, &i) == 0; i++) {
		struct str bytes = account_at(f, i);
		struct lastlog e;
		char name[32];

		if (bytes.n == 0)
			break;
		lastlog_read((enum lastlog_layout)f->layout, bytes, &e);
		if (e.time_s == 0 || i > UINT32_MAX || getpwuid((uid_t)i))
			continue;
		show_entry(t, str_of(name, (size_t)snprintf(name, sizeof(name), "uid=%llu", (unsigned long long)i)),
		    (int64_t)i, &e);
	}
	return t->show.failed ? -EPIPE : 0;
}

static int
show_table(struct table *t, struct account_file *f)
{
	struct passwd *pw;
	int rc = 0;

	setpwent();
	while (rc == 0 && (pw = getpwent()))
		rc = show_account(t, f, pw);
	endpwent();
	return rc == 0 ? show_orphans(t, f) : rc;
}

static int
show_sqlite(struct table *t, const char *path)
{
	struct account_sqlite *q;
	struct account_row row;
	int rc = account_sqlite_open(path, true, &q);

	if (rc < 0)
		return rc;
	while ((rc = account_sqlite_next(q, &row)) > 0 && !t->show.failed) {
		struct lastlog e = { .line = row.tty, .host = row.host };

		e.time_s = row.begin_us == WHEN_NONE ? 0 : row.begin_us / WHEN_SECOND;
		show_entry(t, row.user, -1, &e);
	}
	account_sqlite_close(q);
	return rc;
}

int
command_lastlog(const struct options *o)
{
	struct table t = { .o = o };
	struct account_set set;
	int rc = account_set_open(&set, ACCOUNT_LASTLOG, o->files, (size_t)o->nfiles, "/var/log/lastlog");

	if (rc == 0 && set.n == 0 && o->nfiles == 0) {
		account_set_close(&set);
		rc = account_set_open(&set, ACCOUNT_SQLITE, NULL, 0, "/var/lib/lastlog/lastlog2.db");
	}
	account_show_begin(&t.show, o);
	if (rc == 0 && account_show_problems(&set, "lastlog"))
		rc = -ENOENT;
	for (size_t i = 0; rc == 0 && i < set.n; i++) {
		bool database = set.files[i].kind == ACCOUNT_SQLITE;

		rc = database ? show_sqlite(&t, set.files[i].path) : show_table(&t, &set.files[i]);
		if (rc < 0)
			complain("%s: %s\n", set.files[i].path, strerror(-rc));
	}
	if (account_show_end(&t.show) < 0)
		rc = -EPIPE;
	account_set_close(&set);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}
