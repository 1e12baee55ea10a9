/*
 * file: see file.h. Reads with pread(2) and never maps: what is mapped and then
 * truncated by someone else is a SIGBUS. Must never change a file.
 */
#include "console/accounts/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/when.h"
#include "console/accounts/utx.h"
#include "sys/file.h"
#include "wire/utx.h"

#define WINDOW_BYTES (1u << 20)
#define UNPACKED_MAX (UINT64_C(64) << 30)      /* a packed file of zeroes must not fill the disk */

/* What the name says of a file whose content says nothing: "btmp.1" and "btmp-20261101" are "btmp". */
static const struct name_row {
	const char *name;
	enum account_kind kind;
} names[] = {
	{ "utmp", ACCOUNT_LOGINS }, { "wtmp", ACCOUNT_LOGINS }, { "btmp", ACCOUNT_FAILURES },
	{ "lastlog", ACCOUNT_LASTLOG }, { "faillog", ACCOUNT_FAILLOG }, { "tallylog", ACCOUNT_FAILLOG },
	{ "utx.log", ACCOUNT_LOGINS }, { "pacct", ACCOUNT_PROCESSES }, { "acct", ACCOUNT_PROCESSES },
};

static struct str
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return str_z(slash ? slash + 1 : path);
}

static bool
named(const char *path, enum account_kind *ret)
{
	struct str base = base_name(path);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_starts(base, str_z(names[i].name)))
			continue;
		*ret = names[i].kind;
		return true;
	}
	return false;
}

/* The content of a packed file in a file without a name, to be read at any place. */
static int
unpacked(int packed, int *ret_fd)
{
	struct unpack *u = NULL;
	char *block = malloc(WINDOW_BYTES);
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), rc = block && fd >= 0 ? 0 : -errno;
	uint64_t total = 0;
	ssize_t n = 1;

	if (rc == 0)
		rc = unpack_open(packed, &u);
	else
		close(packed);
	while (rc == 0 && n > 0) {
		n = unpack_read(u, block, WINDOW_BYTES);
		if (n < 0 || (total += (uint64_t)n) > UNPACKED_MAX)
			rc = n < 0 ? (int)n : -EFBIG;
		else
			rc = file_write_all(fd, str_of(block, (size_t)n));
	}
	/* A damaged archive gives what could be read of it; the rest of a record is then a finding. */
	if (rc == -EBADMSG && total > 0)
		rc = 0;
	unpack_close(u);
	free(block);
	if (rc < 0)
		fd_close(&fd);
	*ret_fd = fd;
	return rc;
}

static bool
is_packed(struct str head)
{
	static const struct str magics[] = { STR_INIT("\x1f\x8b"), STR_INIT("\xfd" "7zXZ"), STR_INIT("\x28\xb5\x2f\xfd") };

	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (str_starts(head, magics[i]))
			return true;
	return false;
}

/* By name and by content: records so loose are found in anything. */
static int
expand_utx(struct account_file *f, const char *path)
{
	char head[4096];
	ssize_t n = str_starts(base_name(path), STR("utx.log")) ? file_read_at(f->fd, head, sizeof(head), 0) : 0;
	int fd, rc;

	if (n <= 0 || !utx_detect(str_of(head, (size_t)n)))
		return 0;
	rc = account_utx_expand(f->fd, &fd);
	if (rc < 0)
		return rc;
	close(f->fd);
	f->fd = fd;
	f->packed = true;
	return 0;
}

/* The first bytes that are not a hole, and where they lie. */
static struct str
first_data(const struct account_file *f, char *page, size_t size, uint64_t *ret_at)
{
	off_t at = lseek(f->fd, 0, SEEK_DATA);
	ssize_t n;

	*ret_at = at > 0 ? (uint64_t)at : 0;
	n = file_read_at(f->fd, page, size, *ret_at);
	return str_of(page, n > 0 ? (size_t)n : 0);
}

static void
set(struct account_file *f, enum account_kind kind, int layout, size_t record)
{
	f->kind = kind;
	f->layout = layout;
	f->record = record;
	f->count = f->bytes / record;
	f->rest = (size_t)(f->bytes % record);
}

/* Nothing but zeroes, or nothing at all: what its name says, in the layout of most machines. */
static int
recognise_blank(struct account_file *f, enum account_kind kind)
{
	static const int layouts[ACCOUNT_KINDS] = { UTMP_LINUX_LE, UTMP_LINUX_LE, LASTLOG_LE, FAILLOG64_LE, 0, 0 };
	static const size_t sizes[ACCOUNT_KINDS] = { 384, 384, 292, 32, PACCT_SIZE, 1 };

	set(f, kind, layouts[kind], sizes[kind]);
	return 0;
}

static int
recognise(struct account_file *f, struct str head, uint64_t at)
{
	enum account_kind kind = ACCOUNT_LOGINS;
	bool known = named(f->path, &kind);
	enum lastlog_layout table;
	enum utmp_layout layout;

	if (str_starts(head, STR("SQLite format 3\0"))) {
		set(f, ACCOUNT_SQLITE, 0, 1);
		return 0;
	}
	for (int fails = 0; fails < 2; fails++) {
		if (kind != (fails ? ACCOUNT_FAILLOG : ACCOUNT_LASTLOG) ||
		    lastlog_detect(head, at, fails, &table) < 0)
			continue;
		set(f, kind, (int)table, lastlog_size(table));
		return 0;
	}
	if (pacct_detect(head)) {
		set(f, ACCOUNT_PROCESSES, 0, PACCT_SIZE);
		return 0;
	}
	if (utmp_detect(head, f->bytes, &layout) == 0) {
		set(f, kind == ACCOUNT_FAILURES ? kind : ACCOUNT_LOGINS, (int)layout, utmp_size(layout));
		return 0;
	}
	for (size_t i = 0; i < head.n; i++)
		if (head.p[i] != '\0')
			return -ENOTSUP;
	return known ? recognise_blank(f, kind) : -ENOTSUP;
}

/* Forward readers get a window that begins at i, backward readers one that ends with it. */
static void
fill(struct account_file *f, uint64_t i)
{
	uint64_t room = WINDOW_BYTES / f->record, first = i;
	ssize_t n;

	if (i + 1 == f->first || (f->have == 0 && i + 1 == f->count))
		first = i + 1 > room ? i + 1 - room : 0;
	if (!f->window)
		f->window = malloc(WINDOW_BYTES);
	n = f->window ? file_read_at(f->fd, f->window, (size_t)room * f->record, first * f->record) : 0;
	f->first = first;
	f->have = n > 0 ? (uint64_t)n / f->record : 0;
}

struct str
account_at(struct account_file *f, uint64_t i)
{
	if (i < f->first || i >= f->first + f->have)
		fill(f, i);
	if (i < f->first || i >= f->first + f->have)
		return STR_NULL;
	return str_of(f->window + (i - f->first) * f->record, f->record);
}

/* Time of the first record that has one: files of one log do not overlap. */
static int64_t
begins(struct account_file *f)
{
	for (uint64_t i = 0; i < f->count && i < 1000; i++) {
		struct str bytes = account_at(f, i);
		struct pacct p;
		struct utmp u;

		if (f->kind == ACCOUNT_PROCESSES && bytes.n && pacct_read(bytes, &p) == 0 && p.begin)
			return p.begin * WHEN_SECOND;
		if ((f->kind == ACCOUNT_LOGINS || f->kind == ACCOUNT_FAILURES) && bytes.n) {
			utmp_read((enum utmp_layout)f->layout, bytes, &u);
			if (u.time_us > 0)
				return u.time_us;
		}
	}
	return f->mtime_us;
}

int
account_open(const char *path, struct account_file *ret)
{
	struct account_file f = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) };
	uint64_t at = 0;
	struct stat st;
	int rc = 0;

	if (f.fd < 0)
		return -errno;
	f.path = strdup(path);
	f.window = malloc(WINDOW_BYTES);
	if (!f.path || !f.window)
		rc = -ENOMEM;
	else if (fstat(f.fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	if (rc == 0) {
		struct str head = first_data(&f, f.window, WINDOW_BYTES, &at);

		f.mtime_us = st.st_mtim.tv_sec * WHEN_SECOND + st.st_mtim.tv_nsec / 1000;
		f.dev = st.st_dev;
		f.ino = st.st_ino;
		f.packed = is_packed(head);
		if (f.packed)
			rc = unpacked(f.fd, &f.fd);
		if (rc == 0)
			rc = expand_utx(&f, path);
		if (rc == 0 && fstat(f.fd, &st) < 0)
			rc = -errno;
		f.bytes = (uint64_t)st.st_size;
		if (rc == 0)
			rc = recognise(&f, first_data(&f, f.window, WINDOW_BYTES, &at), at);
	}
	if (rc == 0)
		f.begin_us = begins(&f);
	/* Hundreds of rotated files may be open at once: only those being read need a window. */
	free(f.window);
	f.window = NULL;
	f.have = 0;
	if (rc < 0) {
		account_close(&f);
		return rc;
	}
	*ret = f;
	return 0;
}

int
account_refresh(struct account_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return -errno;
	f->bytes = (uint64_t)st.st_size;
	f->count = f->bytes / f->record;
	f->rest = (size_t)(f->bytes % f->record);
	f->mtime_us = st.st_mtim.tv_sec * WHEN_SECOND + st.st_mtim.tv_nsec / 1000;
	f->have = 0;
	return 0;
}

void
account_close(struct account_file *f)
{
	fd_close(&f->fd);
	free(f->path);
	free(f->window);
	*f = (struct account_file){ .fd = -1 };
}

int
account_next_data(struct account_file *f, uint64_t *io_index)
{
	uint64_t at = *io_index * f->record;
	off_t data = lseek(f->fd, (off_t)at, SEEK_DATA);

	/* A file system that knows no holes answers with the place itself. */
	if (*io_index >= f->count || (data < 0 && errno == ENXIO))
		return -ENOENT;
	if (data > 0 && (uint64_t)data > at)
		*io_index = (uint64_t)data / f->record;
	return *io_index < f->count ? 0 : -ENOENT;
}

static int
newest_first(const void *a, const void *b)
{
	const struct account_file *x = a, *y = b;

	if (x->begin_us == y->begin_us)
		return strcmp(x->path, y->path);
	return x->begin_us > y->begin_us ? -1 : 1;
}

static void
problem(struct account_set *s, const char *path, int error)
{
	buf_add_escaped(&s->problems, str_z(path));
	buf_addf(&s->problems, ": %s\n", error == -ENOTSUP ? "not a file of this kind" : strerror(-error));
	s->nproblems++;
}

static bool
fits(const struct account_file *f, enum account_kind kind)
{
	/* Login and failure records look alike: the name decides only when nobody else did. */
	bool alike = f->kind <= ACCOUNT_FAILURES && kind <= ACCOUNT_FAILURES;

	return f->kind == kind || alike || f->kind == ACCOUNT_SQLITE;
}

static int
add(struct account_set *s, enum account_kind kind, const char *path, bool by_name)
{
	struct account_file f, *grown;
	int rc = account_open(path, &f);

	if (rc == 0 && !(by_name ? fits(&f, kind) : f.kind == kind)) {
		account_close(&f);
		rc = -ENOTSUP;
	}
	if (rc < 0) {
		if (by_name || (rc != -ENOTSUP && rc != -EISDIR))
			problem(s, path, rc);
		return rc == -ENOMEM ? rc : 0;
	}
	grown = reallocarray(s->files, s->n + 1, sizeof(f));
	if (!grown) {
		account_close(&f);
		return -ENOMEM;
	}
	s->files = grown;
	s->files[s->n++] = f;
	return 0;
}

int
account_set_open(struct account_set *s, enum account_kind kind, char *const *named_files, size_t n, const char *usual)
{
	glob_t g = { 0 };
	int rc = 0;

	*s = (struct account_set){ .problems = BUF_INIT(1u << 20) };
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add(s, kind, named_files[i], true);
	if (n == 0 && glob(usual, 0, NULL, &g) == 0) {
		for (size_t i = 0; rc == 0 && i < g.gl_pathc; i++)
			rc = add(s, kind, g.gl_pathv[i], false);
	}
	globfree(&g);
	if (s->n > 1)
		qsort(s->files, s->n, sizeof(*s->files), newest_first);
	return rc;
}

void
account_set_close(struct account_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		account_close(&s->files[i]);
	free(s->files);
	buf_free(&s->problems);
	*s = (struct account_set){ 0 };
}
