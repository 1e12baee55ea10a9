/*
 * last: `guarita last`: who was logged in, newest first, as last(1) and lastb(1) answer it, over any
 * number of rotated and packed files. Must never cut a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "console/accounts/show.h"
#include "console/accounts/sqlite.h"
#include "console/i18n.h"
#include "console/term.h"
#include "watch/accounts/pair.h"

struct listing {
	struct account_show show;
	const struct options *o;
	const char *path;
	uint64_t record;               /* number of the record being shown, from 1 */
	uint64_t shown;
	int64_t boot_us;               /* when this machine came up */
	int64_t begins_us;             /* of the oldest record seen */
};

static bool
file_uid(const char *path, uint64_t *ret)
{
	char text[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return n > 0 && text_u64(str_trim(str_of(text, (size_t)n)), ret) == 0;
}

/*
 * The user of an open session is still there when its process is of that login (audit's loginuid),
 * or, without such, when the terminal is his: the tests of last(1).
 */
static bool
present(void *ctx, const struct utmp *u)
{
	const struct listing *l = ctx;
	char name[64], path[64];
	struct passwd *pw;
	struct stat st;
	uint64_t uid;

	if (u->time_us / WHEN_SECOND < l->boot_us / WHEN_SECOND)
		return false;
	snprintf(name, sizeof(name), "%.*s", STR_FMT(u->user));
	pw = getpwnam(name);
	if (!pw)
		return false;
	snprintf(path, sizeof(path), "/proc/%lld/loginuid", (long long)u->pid);
	if (access(path, R_OK) == 0)
		return file_uid(path, &uid) && uid == pw->pw_uid;
	if (str_find(u->line, STR("..")) < u->line.n)
		return false;
	snprintf(path, sizeof(path), "/dev/%.*s", STR_FMT(u->line));
	return stat(path, &st) == 0 && st.st_uid == pw->pw_uid;
}

static int64_t
boot_time(int64_t now_us)
{
	struct timespec up;

	return clock_gettime(CLOCK_BOOTTIME, &up) == 0 ? now_us - up.tv_sec * WHEN_SECOND - up.tv_nsec / 1000 : 0;
}

static bool
wanted(const struct options *o, const struct account_session *s, struct str addr)
{
	const struct utmp *u = &s->login;

	if ((o->since_us != WHEN_NONE && s->begin_us < o->since_us) || (o->until_us != WHEN_NONE && s->begin_us >= o->until_us))
		return false;
	for (int i = 0; i < o->nargs; i++) {
		struct str word = str_z(o->args[i]);
		bool number = word.n > 0 && word.n < 5 && str_starts(u->line, STR("tty")) &&
		    str_eq(str_from(u->line, 3), word);

		if (str_eq(word, u->user) || str_eq(word, u->line) || str_eq_nocase(word, u->host) || str_eq(word, addr) ||
		    number)
			return true;
	}
	return o->nargs == 0;
}

static struct str
line_word(const struct account_session *s, char dst[32])
{
	switch (s->what) {
	case ACCOUNT_BOOT:
		return STR("system boot");
	case ACCOUNT_DOWN:
		return STR("system down");
	case ACCOUNT_RUN_LEVEL:
		return str_of(dst, (size_t)snprintf(dst, 32, "(to lvl %c)", (int)(s->login.pid & 0x7f) < ' ' ? '?' :
		    (int)(s->login.pid & 0x7f)));
	case ACCOUNT_CLOCK:
		return s->login.type == UTMP_NEW_TIME ? STR("new time") : STR("old time");
	case ACCOUNT_SESSION:
	case ACCOUNT_FAILURE:
		break;
	}
	return s->login.line;
}

static const char *
end_word(const struct account_session *s)
{
	bool session = s->what == ACCOUNT_SESSION;

	switch (s->how) {
	case ACCOUNT_END_STILL:
		return session ? _("still logged in") : _("still running");
	case ACCOUNT_END_GONE:
		return _("gone - no logout");
	case ACCOUNT_END_DOWN:
		return _("down");
	case ACCOUNT_END_CRASH:
		return _("crash");
	case ACCOUNT_END_LOGOUT:
	case ACCOUNT_END_NONE:
	case ACCOUNT_ENDS:
		break;
	}
	return NULL;
}

static void
show_row(struct listing *l, const struct account_session *s, struct str host)
{
	struct account_show *show = &l->show;
	const char *word = end_word(s);
	char level[32];

	account_show_cell(show, s->login.user, 13);
	account_show_cell(show, line_word(s, level), 13);
	account_show_cell(show, host, s->login.host_full ? 0 : 25);
	if (s->login.host_full)
		buf_add(&show->out, STR("(cut) "));
	account_show_time(show, s->begin_us);
	if (word)
		buf_addf(&show->out, "  %s", word);
	else if (s->how == ACCOUNT_END_LOGOUT) {
		buf_add(&show->out, STR("  "));
		account_show_time(show, s->end_us);
	}
	if (s->end_us != WHEN_NONE) {
		buf_add(&show->out, STR("  ("));
		account_show_span(show, s->end_us - s->begin_us);
		buf_add_byte(&show->out, ')');
	}
	buf_add_byte(&show->out, '\n');
}

static void
show_json(struct listing *l, const struct account_session *s, struct str addr)
{
	static const char *const what[] = { "session", "boot", "down", "run-level", "clock", "failure" };
	struct account_show *show = &l->show;

	buf_addf(&show->out, "{\"what\":\"%s\"", what[s->what]);
	if (s->what == ACCOUNT_CLOCK)
		account_json_text(show, "clock", line_word(s, NULL));
	account_json_text(show, "user", s->login.user);
	account_json_text(show, "tty", s->login.line);
	account_json_text(show, "host", s->login.host);
	account_json_text(show, "addr", addr);
	if (s->login.host_full)
		buf_add(&show->out, STR(",\"host_cut\":true"));
	account_json_time(show, "begin", s->begin_us);
	account_json_time(show, "end", s->end_us);
	account_json_text(show, "how", str_z(account_end_name(s->how)));
	if (s->end_us != WHEN_NONE)
		account_json_number(show, "seconds", (s->end_us - s->begin_us) / WHEN_SECOND);
	if (s->login.pid != 0)
		account_json_number(show, "pid", s->login.pid);
	account_json_text(show, "file", str_z(l->path));
	if (l->record > 0)
		account_json_number(show, "record", (int64_t)l->record);
	buf_add(&show->out, STR("}\n"));
}

static void
show_session(struct listing *l, const struct account_session *s)
{
	char text[46];
	struct str addr = s->login.has_addr ? str_of(text, addr_show(&s->login.addr, text)) : STR_NULL;

	if (!wanted(l->o, s, addr))
		return;
	l->shown++;
	if (l->o->json)
		show_json(l, s, addr);
	else
		show_row(l, s, s->login.host.n ? s->login.host : addr);
	account_show_flush(&l->show);
}

static int
list_records(struct listing *l, struct account_pair *pair, struct account_file *f)
{
	for (uint64_t i = f->count; i-- > 0 && !l->show.failed;) {
		struct str bytes = account_at(f, i);
		struct account_session s;
		struct utmp u;
		int rc;

		if (bytes.n == 0)
			break;
		utmp_read((enum utmp_layout)f->layout, bytes, &u);
		if (u.time_us > 0)
			l->begins_us = u.time_us;
		rc = account_pair_earlier(pair, &u, &s);
		if (rc < 0)
			return rc;
		l->record = i + 1;
		if (rc > 0)
			show_session(l, &s);
	}
	return 0;
}

/* wtmpdb has paired its sessions itself; one that is open and older than the last boot has crashed. */
static int
list_sqlite(struct listing *l, const char *path)
{
	struct account_sqlite *q;
	struct account_row row;
	int64_t boot = WHEN_NONE;
	int rc = account_sqlite_open(path, false, &q);

	if (rc < 0)
		return rc;
	l->record = 0;
	while ((rc = account_sqlite_next(q, &row)) > 0 && !l->show.failed) {
		struct account_session s = {
			.what = row.boot ? ACCOUNT_BOOT : ACCOUNT_SESSION,
			.login = { .user = row.user, .line = row.boot ? STR("~") : row.tty, .host = row.host },
			.begin_us = row.begin_us, .end_us = row.end_us,
		};

		s.how = row.end_us != WHEN_NONE ? ACCOUNT_END_LOGOUT : ACCOUNT_END_STILL;
		if (row.end_us == WHEN_NONE && boot != WHEN_NONE) {
			s.how = ACCOUNT_END_CRASH;
			s.end_us = boot;
		}
		if (row.boot)
			boot = row.begin_us;
		if (row.begin_us == WHEN_NONE)
			continue;
		l->begins_us = row.begin_us;
		show_session(l, &s);
	}
	account_sqlite_close(q);
	return rc;
}

static void
show_begin(struct listing *l, const struct account_set *set)
{
	if (l->o->json || set->n == 0)
		return;
	buf_add_byte(&l->show.out, '\n');
	buf_add_escaped(&l->show.out, str_z(set->files[set->n - 1].path));
	if (l->begins_us == WHEN_NONE) {
		buf_add(&l->show.out, str_z(_(" is empty\n")));
		return;
	}
	buf_add(&l->show.out, str_z(_(" begins ")));
	account_show_time(&l->show, l->begins_us);
	buf_add_byte(&l->show.out, '\n');
}

static int
list(const struct options *o, struct account_set *set)
{
	struct listing l = { .o = o, .boot_us = boot_time(o->now_us), .begins_us = WHEN_NONE };
	struct account_pair_opts opts = { .now_us = o->now_us, .failures = o->bad, .system = o->all, .present = present,
		.ctx = &l };
	struct account_pair *pair = NULL;
	int rc = account_pair_new(&opts, &pair), end;

	account_show_begin(&l.show, o);
	for (size_t i = 0; rc == 0 && i < set->n; i++) {
		struct account_file *f = &set->files[i];

		l.path = f->path;
		rc = f->kind == ACCOUNT_SQLITE ? list_sqlite(&l, f->path) : list_records(&l, pair, f);
		if (rc < 0)
			complain("%s: %s\n", f->path, rc == -ENOTSUP ? _("no login records in this database") : strerror(-rc));
	}
	show_begin(&l, set);
	end = account_show_end(&l.show);
	account_pair_free(pair);
	return rc < 0 ? rc : end;
}

int
command_last(const struct options *o)
{
	const char *usual = o->bad ? "/var/log/btmp*" : "/var/log/wtmp*";
	struct account_set set;
	int rc = account_set_open(&set, o->bad ? ACCOUNT_FAILURES : ACCOUNT_LOGINS, o->files, (size_t)o->nfiles, usual);

	/* New distributions keep it elsewhere, and in another form. */
	if (rc == 0 && set.n == 0 && o->nfiles == 0 && !o->bad) {
		account_set_close(&set);
		rc = account_set_open(&set, ACCOUNT_SQLITE, NULL, 0, "/var/lib/wtmpdb/wtmp.db");
	}
	if (rc == 0 && account_show_problems(&set, "last"))
		rc = -ENOENT;
	if (rc == 0)
		rc = list(o, &set);
	if (rc == 0 && set.nproblems > 0)
		rc = -EIO;
	account_set_close(&set);
	return rc < 0 ? EXIT_FAILED : EXIT_CLEAN;
}
