/* source: lines out of files. A line is everything up to \n; the last one needs none. */
#include "console/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/when.h"
#include "console/accounts/source.h"
#include "event/record.h"
#include "sys/file.h"

#define BUF_SMALL (16u << 10)
#define BUF_LARGE (256u << 10)
#define TEXT_PROBE 4096u          /* so many first bytes tell text from other files */
#define TEXT_LEAST 32u            /* bytes of text among them, where the rest is NUL */
#define WALK_DEPTH_MAX 16

/*
 * Standard input is read more than once (decode, the quotes of a report): unless it is a file it is copied into one
 * that has no name, which takes its place.
 */
static int
spool_stdin(void)
{
	char block[65536];
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), rc = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (rc == 0 && (n = read(STDIN_FILENO, block, sizeof(block))) != 0) {
		if (n < 0)
			rc = errno == EINTR ? 0 : -errno;
		else
			rc = file_write_all(fd, str_of(block, (size_t)n));
	}
	if (rc == 0 && dup2(fd, STDIN_FILENO) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int
open_path(const char *path)
{
	struct stat st;
	int fd, rc;

	if (strcmp(path, "-") == 0) {
		if (fstat(STDIN_FILENO, &st) < 0)
			return -errno;
		if (!S_ISREG(st.st_mode) && (rc = spool_stdin()) < 0)
			return rc;
		path = "/proc/self/fd/0";         /* opened anew: from its beginning, with its own position */
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* Reads more into buf; false at the end of input or on error. */
static bool
refill(struct source *s)
{
	ssize_t n;

	if (!s->unpack)
		return false;
	if (s->start > 0) {
		memmove(s->buf, s->buf + s->start, s->end - s->start);
		s->end -= s->start;
		s->start = 0;
	}
	if (s->end == s->size && s->size < RECORD_RAW_MAX) {
		size_t size = s->size * 2 < RECORD_RAW_MAX ? s->size * 2 : RECORD_RAW_MAX;
		char *p = realloc(s->buf, size);
		if (!p) {
			s->error = -ENOMEM;
			return false;
		}
		s->buf = p;
		s->size = size;
	}
	if (s->end == s->size)
		return true;
	n = s->recode ? recode_read(s->recode, s->unpack, s->buf + s->end, s->size - s->end)
	              : unpack_read(s->unpack, s->buf + s->end, s->size - s->end);
	if (n > 0) {
		s->end += (size_t)n;
		return true;
	}
	s->error = (int)n;
	s->bytes_total = s->bytes_total ? s->bytes_total : unpack_taken(s->unpack);
	unpack_close(s->unpack);
	s->unpack = NULL;
	return false;
}

static int
begin(struct source *s, int fd)
{
	int rc = unpack_open(fd, &s->unpack);

	if (rc < 0)
		return rc;
	s->start = s->end = 0;
	s->line = s->cut = 0;
	s->error = 0;
	s->skip_rest = false;
	if (s->recode)
		recode_rewind(s->recode);
	refill(s);
	return s->error;
}

static struct str
probe(const struct source *s)
{
	return str_of(s->buf, s->end < TEXT_PROBE ? s->end : TEXT_PROBE);
}

/* From its first byte on as UTF-8. */
static int
begin_recoded(struct source *s, enum utf16 order)
{
	int rc = recode_new(order, &s->recode);

	return rc < 0 ? rc : source_rewind(s);
}

/*
 * A log whose host lost power holds a run of NUL bytes where the disk had room and nothing was written yet. It is text
 * all the same when the rest is: hardly a control byte, and lines that end.
 */
static bool
is_padded_text(struct str probe)
{
	size_t controls = 0, nuls = 0, ends = 0;

	for (size_t i = 0; i < probe.n; i++) {
		unsigned char c = (unsigned char)probe.p[i];

		nuls += c == 0;
		ends += c == '\n';
		controls += c && c < 32 && !strchr("\t\n\r\f\x1b", c);
	}
	return ends > 0 && controls * 50 <= probe.n - nuls && probe.n - nuls >= TEXT_LEAST;
}

/* What the first bytes say: text in one form or another, an account file, or nothing that we read. */
static int
know(struct source *s)
{
	enum utf16 order = utf16_find(probe(s));

	if (order != UTF16_NOT)
		return begin_recoded(s, order);
	if (!memchr(s->buf, 0, probe(s).n))
		return 0;
	int rc = account_source_open(strcmp(s->path, "-") == 0 ? "/proc/self/fd/0" : s->path, &s->account);
	return rc == -ENOTSUP && is_padded_text(probe(s)) ? 0 : rc;
}

int
source_open(struct source *s, const char *path, bool small)
{
	struct stat st;
	int fd, rc;

	*s = (struct source){ .size = small ? BUF_SMALL : BUF_LARGE, .mtime_us = WHEN_NONE };
	fd = open_path(path);
	if (fd < 0)
		return fd;
	s->path = strdup(path);
	s->buf = malloc(s->size);
	if (!s->path || !s->buf || fstat(fd, &st) < 0) {
		close(fd);
		source_close(s);
		return -ENOMEM;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		source_close(s);
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	}
	s->bytes_total = (uint64_t)st.st_size;
	s->mtime_us = st.st_mtim.tv_sec * WHEN_SECOND + st.st_mtim.tv_nsec / 1000;
	rc = begin(s, fd);
	if (rc == 0)
		rc = know(s);
	if (rc < 0)
		source_close(s);
	return rc;
}

int
source_rewind(struct source *s)
{
	int fd;

	if (s->account)
		return account_source_rewind(s->account);
	fd = open_path(s->path);
	if (fd < 0)
		return fd;
	unpack_close(s->unpack);
	s->unpack = NULL;
	return begin(s, fd);
}

/* The line that ends at `nl` (exclusive) in buf. */
static bool
take(struct source *s, size_t nl, size_t next, struct str *ret_line)
{
	*ret_line = str_of(s->buf + s->start, nl - s->start);
	s->start = next;
	s->line++;
	return true;
}

bool
source_next(struct source *s, struct str *ret_line)
{
	size_t seen = 0;

	if (s->account)
		return account_source_next(s->account, ret_line, &s->line);
	for (;;) {
		const char *nl = memchr(s->buf + s->start + seen, '\n', s->end - s->start - seen);

		if (nl && s->skip_rest) {
			s->start = (size_t)(nl - s->buf) + 1;
			s->skip_rest = false;
			seen = 0;
			continue;
		}
		if (nl)
			return take(s, (size_t)(nl - s->buf), (size_t)(nl - s->buf) + 1, ret_line);
		if (s->skip_rest)
			s->start = s->end;
		seen = s->end - s->start;
		if (seen == RECORD_RAW_MAX) {
			s->cut++;
			s->skip_rest = true;
			return take(s, s->end, s->end, ret_line);
		}
		if (!refill(s)) {
			if (s->end == s->start)
				return false;
			return take(s, s->end, s->end, ret_line);
		}
	}
}

uint64_t
source_taken(const struct source *s)
{
	if (s->account)
		return account_source_taken(s->account);
	return s->unpack ? unpack_taken(s->unpack) : s->bytes_total;
}

void
source_close(struct source *s)
{
	account_source_close(s->account);
	unpack_close(s->unpack);
	recode_free(s->recode);
	free(s->buf);
	free(s->path);
	*s = (struct source){ 0 };
}

static void
problem(struct path_list *l, const char *path, int error)
{
	buf_add_escaped(&l->problems, str_z(path));
	buf_addf(&l->problems, ": %s\n", strerror(-error));
	l->nproblems++;
}

static int
push(struct path_list *l, const char *path)
{
	char **grown, *copy;

	if ((l->n & (l->n - 1)) == 0) {
		grown = realloc(l->paths, (l->n ? l->n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->paths = grown;
	}
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	l->paths[l->n++] = copy;
	return 0;
}

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int
walk(struct path_list *l, const char *path, int depth)
{
	struct dirent **names;
	struct stat st;
	int n, rc = 0;

	if (strcmp(path, "-") == 0)
		return push(l, path);
	if (stat(path, &st) < 0) {
		problem(l, path, -errno);
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return push(l, path);
	if (depth == WALK_DEPTH_MAX) {
		problem(l, path, -ELOOP);
		return 0;
	}
	n = scandir(path, &names, visible, alphasort);
	if (n < 0) {
		problem(l, path, -errno);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		char *sub = NULL;

		if (rc == 0 && asprintf(&sub, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
		    names[i]->d_name) < 0)
			rc = -ENOMEM;
		if (rc == 0)
			rc = walk(l, sub, depth + 1);
		free(sub);
		free(names[i]);
	}
	free(names);
	return rc;
}

int
path_list_add(struct path_list *l, const char *path)
{
	if (l->problems.max == 0)
		l->problems.max = 1u << 20;
	return walk(l, path, 0);
}

void
path_list_free(struct path_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->paths[i]);
	free(l->paths);
	buf_free(&l->problems);
	*l = (struct path_list){ 0 };
}
