/*
 * archive: plain files of received lines. Must never let a line feed inside a line forge another
 * line.
 */
#include "role/intake/archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/when.h"
#include "sys/file.h"

#define BUFFER_BYTES (256u << 10)
#define PREFIX "guarita-"

struct archive {
	char *dir;
	struct conf_archive conf;
	int fd;
	uint64_t written;          /* to the current file */
	uint64_t bytes, lost;
	bool unsynced;
	int error;
	int64_t next_clean_us;
	struct buf out;
};

static int
open_file(struct archive *a, int64_t now_us)
{
	char stamp[40], path[PATH_MAX];
	const char *end = a->conf.format == CONF_ARCHIVE_JSON ? "json" : "log";

	size_t n = when_show(now_us, 0, stamp);
	for (size_t i = 0; i < n; i++)
		if (stamp[i] == ':')
			stamp[i] = '-';
	if (snprintf(path, sizeof(path), "%s/" PREFIX "%s.%s", a->dir, stamp, end) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = file_open_append(path, 0640);
	if (fd < 0)
		return fd;
	fd_close(&a->fd);
	a->fd = fd;
	a->written = 0;
	return 0;
}

int
archive_open(const struct conf_archive *conf, int64_t now_us, struct archive **ret)
{
	struct archive *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	*a = (struct archive){ .conf = *conf, .fd = -1, .out = BUF_INIT(64u << 20), .dir = strdup(conf->path.p) };
	int r = a->dir ? file_make_dirs(a->dir, 0750) : -ENOMEM;
	if (r == 0)
		r = open_file(a, now_us);
	if (r == 0 && !buf_reserve(&a->out, BUFFER_BYTES + 65536))
		r = -ENOMEM;
	if (r < 0) {
		archive_close(a);
		return r;
	}
	*ret = a;
	return 0;
}

static void
write_out(struct archive *a)
{
	if (!buf_ok(&a->out) || a->out.n == 0) {
		buf_reset(&a->out);
		return;
	}
	int r = a->fd < 0 ? -EBADF : file_write_all(a->fd, buf_str(&a->out));
	a->error = r;
	if (r < 0)
		a->lost += a->out.n;
	else
		a->bytes += a->out.n;
	a->written += a->out.n;
	a->unsynced = true;
	buf_reset(&a->out);
}

void
archive_close(struct archive *a)
{
	if (!a)
		return;
	write_out(a);
	fd_close(&a->fd);
	buf_free(&a->out);
	free(a->dir);
	free(a);
}

static void
add_raw(struct buf *out, struct str line)
{
	for (;;) {
		size_t lf = str_find_byte(line, '\n');
		buf_add(out, str_head(line, lf));
		if (lf == line.n)
			break;
		/* As syslog daemons write it. */
		buf_add(out, STR("#012"));
		line = str_from(line, lf + 1);
	}
	buf_add_byte(out, '\n');
}

void
archive_line(struct archive *a, struct str source, int64_t received_us, struct str line)
{
	char stamp[40];

	if (a->conf.format == CONF_ARCHIVE_RAW) {
		add_raw(&a->out, line);
	} else {
		buf_addf(&a->out,
		    "{\"received\":\"%.*s\",\"source\":", (int)when_show(received_us, 0, stamp),
		    stamp);
		buf_add_json(&a->out, source);
		buf_add(&a->out, STR(",\"line\":"));
		buf_add_json(&a->out, line);
		buf_add(&a->out, STR("}\n"));
	}
	if (a->out.n >= BUFFER_BYTES)
		write_out(a);
}

/* Only files that we named ourselves, and never the one being written. */
static void
delete_old(struct archive *a, int64_t now_us)
{
	DIR *d = opendir(a->dir);
	struct stat st, current;

	if (!d || fstat(a->fd, &current) < 0) {
		if (d)
			closedir(d);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (!str_starts(str_z(e->d_name), STR(PREFIX)) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		int64_t age = now_us - (int64_t)st.st_mtim.tv_sec * WHEN_SECOND;
		if (st.st_ino != current.st_ino && age > a->conf.keep_us)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}

int
archive_flush(struct archive *a, int64_t now_us)
{
	write_out(a);
	if (a->conf.rotate && a->written >= a->conf.rotate) {
		int r = open_file(a, now_us);
		if (r < 0)
			a->error = r;
	}
	if (a->conf.keep_us && now_us >= a->next_clean_us) {
		a->next_clean_us = now_us + WHEN_HOUR;
		delete_old(a, now_us);
	}
	return a->error;
}

int
archive_take_unsynced(struct archive *a)
{
	if (!a->unsynced || a->fd < 0)
		return -1;
	a->unsynced = false;
	return dup(a->fd);
}

uint64_t
archive_bytes(const struct archive *a)
{
	return a->bytes;
}

uint64_t
archive_lost(const struct archive *a)
{
	return a->lost;
}
