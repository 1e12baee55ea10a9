/*
 * audit: `guarita audit`: are this machine's logs owned and protected as they should be, and is it
 * fit to be a loghost? Shows; with --fix it shows what it does and does it. Must never follow a
 * link while it changes something.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/accounts/show.h"
#include "console/accounts/audit_host.h"
#include "console/i18n.h"
#include "console/term.h"
#include "watch/accounts/audit.h"

#define SYSTEM_UID_MAX 999u            /* login.defs(5): ordinary accounts begin at 1000 */

struct audit {
	const struct options *o;
	struct account_show show;
	const char *root;              /* "" for this machine; else a tree that is mounted somewhere */
	uint64_t looked, faults, fixed, failed;
};

static void
told(struct audit *a, const char *subject, struct str path, struct str what, struct str remedy, struct str why)
{
	struct buf *out = &a->show.out;

	a->faults++;
	if (a->o->json) {
		buf_addf(out, "{\"type\":\"fault\",\"subject\":\"%s\"", subject);
		account_json_text(&a->show, "path", path);
		account_json_text(&a->show, "what", what);
		account_json_text(&a->show, "remedy", remedy);
		account_json_text(&a->show, "why", why);
		buf_add(out, STR("}\n"));
	} else {
		buf_add_escaped(out, path.n ? path : str_z(subject));
		buf_add(out, STR(": "));
		buf_add_escaped(out, what);
		if (why.n > 0) {
			buf_add(out, STR("\n    "));
			buf_add_escaped(out, why);
		}
		if (remedy.n > 0) {
			buf_add(out, STR("\n    "));
			buf_add_escaped(out, remedy);
		}
		buf_add_byte(out, '\n');
	}
	account_show_flush(&a->show);
}

/* A directory above the file in which somebody besides root may rename. The sticky bit forbids that. */
static bool
loose_above(const struct audit *a, const char *path)
{
	struct str s = str_z(path);
	char dir[4096];

	for (;;) {
		struct stat st;

		s.n = str_rfind(s, STR("/"));
		if (s.n <= strlen(a->root) || s.n >= sizeof(dir))
			return false;
		memcpy(dir, s.p, s.n);
		dir[s.n] = '\0';
		if (stat(dir, &st) < 0)
			return false;
		if (st.st_uid > SYSTEM_UID_MAX && st.st_uid != 0)
			return true;
		if (st.st_mode & S_IWOTH && !(st.st_mode & S_ISVTX))
			return true;
	}
}

static struct str
group_name(gid_t gid, char dst[64])
{
	struct group *g = getgrgid(gid);

	return str_of(dst, (size_t)snprintf(dst, 64, g ? "%.60s" : "%.0s%u", g ? g->gr_name : "", (unsigned)gid));
}

/* The group that the row names first, if this system has it. */
static bool
right_group(const struct audit_row *row, gid_t *ret)
{
	struct str rest = str_z(row->groups), word;

	while (str_word(&rest, &word)) {
		char name[64];
		struct group *g;

		snprintf(name, sizeof(name), "%.*s", STR_FMT(word));
		g = getgrnam(name);
		if (!g)
			continue;
		*ret = g->gr_gid;
		return true;
	}
	return false;
}

/* What would put it right, as commands that anybody can check and run. */
struct repair {
	bool chmod, chown, chgrp;
	unsigned mode;
	gid_t gid;
};

static struct repair
repair_of(const struct audit_row *row, unsigned faults, unsigned mode)
{
	struct repair r = { .mode = audit_mode(row, mode) };

	r.chmod = faults & (AUDIT_WORLD_WRITABLE | AUDIT_TOO_OPEN) && r.mode != mode;
	r.chown = faults & AUDIT_OWNER;
	r.chgrp = faults & AUDIT_GROUP && row && right_group(row, &r.gid);
	return r;
}

static void
show_repair(const struct repair *r, const char *path, struct buf *out)
{
	const char *between = "";
	char group[64];

	if (r->chown) {
		buf_addf(out, "chown root %s", path);
		between = "; ";
	}
	if (r->chgrp) {
		buf_addf(out, "%schgrp %.*s %s", between, STR_FMT(group_name(r->gid, group)), path);
		between = "; ";
	}
	if (r->chmod)
		buf_addf(out, "%schmod %04o %s", between, r->mode, path);
}

/* By descriptor, never by name: between the look and the deed the name may have been given to something else. */
static int
do_repair(const struct repair *r, const char *path, const struct stat *seen)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), rc = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_ino != seen->st_ino || st.st_dev != seen->st_dev)
		rc = -ESTALE;
	else if (r->chown && fchown(fd, 0, (gid_t)-1) < 0)
		rc = -errno;
	else if (r->chgrp && fchown(fd, (uid_t)-1, r->gid) < 0)
		rc = -errno;
	else if (r->chmod && fchmod(fd, r->mode) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static void
judge(struct audit *a, const struct audit_row *row, const char *path)
{
	struct buf what = BUF_INIT(4096), remedy = BUF_INIT(16384), why = BUF_INIT(4096);
	struct audit_facts f = { .path = str_z(path) };
	struct repair r;
	char group[64];
	struct stat st;
	unsigned faults;

	if (lstat(path, &st) < 0)
		return;
	f.mode = st.st_mode & 07777;
	f.is_link = S_ISLNK(st.st_mode);
	f.is_directory = S_ISDIR(st.st_mode);
	f.links = st.st_nlink;
	f.root_owner = st.st_uid == 0;
	f.system_owner = st.st_uid <= SYSTEM_UID_MAX;
	f.group = group_name(st.st_gid, group);
	f.directory_loose = loose_above(a, path);
	a->looked++;
	faults = audit_judge(row, &f);
	for (unsigned bit = 1; bit <= AUDIT_DIRECTORY; bit <<= 1)
		if (faults & bit)
			buf_addf(&what, "%s%s", what.n ? "; " : "", _(audit_say((enum audit_fault)bit)));
	if (faults) {
		r = repair_of(row, faults, f.mode);
		buf_addf(&what, " (%04o, %s%.*s)", f.mode, f.root_owner ? "root:" : "", STR_FMT(f.group));
		show_repair(&r, path, &remedy);
		if (row)
			buf_addf(&why, _("%s; the article of 1999 says %s"), row->why, row->article);
		if (a->o->fix && remedy.n > 0) {
			int rc = do_repair(&r, path, &st);

			a->fixed += rc == 0;
			a->failed += rc < 0;
			buf_addf(&remedy, rc == 0 ? _(" - done") : _(" - failed: %s"), rc == 0 ? "" : strerror(-rc));
		}
		told(a, f.is_directory ? "directory" : "file", f.path, buf_str(&what), buf_str(&remedy), buf_str(&why));
	}
	buf_free(&what);
	buf_free(&remedy);
	buf_free(&why);
}

static const struct audit_row *
row_of(const struct audit *a, const char *path)
{
	const struct audit_row *rows;
	size_t n = audit_rows(&rows);
	const char *inside = path + strlen(a->root);
	struct stat st;
	bool directory = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);

	for (size_t i = 0; i < n; i++)
		if (rows[i].directory == directory && fnmatch(rows[i].pattern, inside, FNM_PATHNAME) == 0)
			return &rows[i];
	return NULL;
}

/* What the table names outside of /var/log, and then everything below it. */
static void
judge_named(struct audit *a)
{
	const struct audit_row *rows;
	size_t n = audit_rows(&rows);

	for (size_t i = 0; i < n; i++) {
		char pattern[4096];
		glob_t g = { 0 };

		if (strncmp(rows[i].pattern, "/var/log/", 9) == 0 ||
		    snprintf(pattern, sizeof(pattern), "%s%s", a->root, rows[i].pattern) >= (int)sizeof(pattern))
			continue;
		if (glob(pattern, 0, NULL, &g) == 0)
			for (size_t k = 0; k < g.gl_pathc; k++)
				judge(a, &rows[i], g.gl_pathv[k]);
		globfree(&g);
	}
}

static void
judge_below(struct audit *a, const char *dir, int depth)
{
	char pattern[4096];
	glob_t g = { 0 };

	if (depth == 8 || snprintf(pattern, sizeof(pattern), "%s/*", dir) >= (int)sizeof(pattern))
		return;
	if (glob(pattern, GLOB_PERIOD, NULL, &g) == 0) {
		for (size_t k = 0; k < g.gl_pathc; k++) {
			const char *path = g.gl_pathv[k];
			struct str base = str_from(str_z(path), str_rfind(str_z(path), STR("/")) + 1);
			struct stat st;

			if (str_eq(base, STR(".")) || str_eq(base, STR("..")))
				continue;
			judge(a, row_of(a, path), path);
			if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
				judge_below(a, path, depth + 1);
		}
	}
	globfree(&g);
}

/* Files that a system that keeps its logins has; without them nothing is written, and nobody says so. */
static const struct wanted {
	const char *path, *instead, *what, *mode;
} wanted[] = {
	{ "/var/log/wtmp", "/var/lib/wtmpdb/wtmp.db", N_("missing: logins and logouts are not kept"), "0664" },
	{ "/var/log/btmp", NULL, N_("missing: failed logins are not kept"), "0660" },
	{ "/var/log/lastlog", "/var/lib/lastlog/lastlog2.db", N_("missing: the last login of accounts is not kept"), "0664" },
};

static void
look_for_missing(struct audit *a)
{
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const struct wanted *w = &wanted[i];
		struct buf remedy = BUF_INIT(1024);
		char path[4096], instead[4096];
		struct stat st;
		int fd;

		snprintf(path, sizeof(path), "%s%s", a->root, w->path);
		snprintf(instead, sizeof(instead), "%s%s", a->root, w->instead ? w->instead : "/nowhere");
		if (lstat(path, &st) == 0 || lstat(instead, &st) == 0)
			continue;
		buf_addf(&remedy, "install -m %s -o root -g %s /dev/null %s", w->mode, getgrnam("utmp") ? "utmp" : "root", path);
		if (a->o->fix) {
			struct group *g = getgrnam("utmp");

			fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
			if (fd >= 0 && fchown(fd, 0, g ? g->gr_gid : 0) == 0 &&
			    fchmod(fd, (mode_t)strtoul(w->mode, NULL, 8)) == 0) {
				a->fixed++;
				buf_add(&remedy, str_z(_(" - done")));
			} else {
				a->failed++;
				buf_addf(&remedy, _(" - failed: %s"), strerror(errno));
			}
			if (fd >= 0)
				close(fd);
		}
		told(a, "file", str_z(path), str_z(_(w->what)), buf_str(&remedy), STR_NULL);
		buf_free(&remedy);
	}
}

static void
host_fault(void *ctx, const char *subject, struct str what, struct str remedy)
{
	told(ctx, subject, STR_NULL, what, remedy, STR_NULL);
}

static void
summary(struct audit *a)
{
	struct buf *out = &a->show.out;

	if (a->o->json) {
		buf_addf(out, "{\"type\":\"summary\",\"looked\":%llu,\"faults\":%llu,\"fixed\":%llu,\"failed\":%llu}\n",
		    (unsigned long long)a->looked, (unsigned long long)a->faults, (unsigned long long)a->fixed,
		    (unsigned long long)a->failed);
		return;
	}
	buf_addf(out, _("%llu files and directories looked at, %llu to be put right"), (unsigned long long)a->looked,
	    (unsigned long long)a->faults);
	if (a->o->fix)
		buf_addf(out, _(", %llu done, %llu failed"), (unsigned long long)a->fixed, (unsigned long long)a->failed);
	buf_add_byte(out, '\n');
}

int
command_audit(const struct options *o)
{
	struct audit a = { .o = o, .root = o->nargs > 0 ? o->args[0] : "" };
	struct audit_host_calls host = { &a, host_fault };
	char logs[4096];

	if (strcmp(a.root, "/") == 0)
		a.root = "";
	account_show_begin(&a.show, o);
	judge_named(&a);
	if (snprintf(logs, sizeof(logs), "%s/var/log", a.root) < (int)sizeof(logs))
		judge_below(&a, logs, 0);
	look_for_missing(&a);
	if (a.root[0] == '\0')
		audit_host(&host);
	summary(&a);
	if (account_show_end(&a.show) < 0 || a.failed > 0)
		return EXIT_FAILED;
	return a.faults > a.fixed ? EXIT_INCIDENTS : EXIT_CLEAN;
}
