/* file: whole files in and out. Must never leave a half-written file under its final name. */
#include "sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

ssize_t
file_read_at(int fd, void *dst, size_t n, uint64_t offset)
{
	size_t have = 0;

	while (have < n) {
		ssize_t r = pread(fd, (char *)dst + have, n - have, (off_t)(offset + have));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return (ssize_t)have;
}

static int
read_to_end(int fd, struct buf *b)
{
	for (;;) {
		if (b->n == b->max) {
			char c;
			return read(fd, &c, 1) > 0 ? -EFBIG : 0;
		}
		size_t want = b->max - b->n < 65536 ? b->max - b->n : 65536;
		if (!buf_reserve(b, want))
			return -ENOMEM;
		ssize_t r = read(fd, b->p + b->n, want);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : 0;
		b->n += (size_t)r;
	}
}

int
file_read(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int r = read_to_end(fd, b);
	close(fd);
	return r;
}

int
file_read_own(const char *path, struct buf *b)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		r = -EPERM;
	if (r == 0)
		r = read_to_end(fd, b);
	close(fd);
	return r;
}

int
file_write_all(int fd, struct str bytes)
{
	while (bytes.n) {
		ssize_t r = write(fd, bytes.p, bytes.n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		bytes = str_from(bytes, (size_t)r);
	}
	return 0;
}

int
file_open_append(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);

	return fd < 0 ? -errno : fd;
}

static int
sync_parent(const char *path)
{
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	int fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int
file_replace(const char *path, struct str bytes, mode_t mode, bool sync)
{
	char temp[PATH_MAX];

	if (snprintf(temp, sizeof(temp), "%s.new", path) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	/* A name prepared by somebody else must not lead us to write into a file of his choice. */
	unlink(temp);
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	int r = file_write_all(fd, bytes);
	if (r == 0 && sync && fdatasync(fd) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temp);
		return r;
	}
	return sync ? sync_parent(path) : 0;
}

int
file_map(const char *path, struct str *ret)
{
	struct stat st;
	int r = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (st.st_size == 0)
		*ret = STR_NULL;
	else {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			r = -errno;
		else
			*ret = str_of(p, (size_t)st.st_size);
	}
	close(fd);
	return r;
}

void
file_unmap(struct str map)
{
	if (map.n)
		munmap((void *)(uintptr_t)map.p, map.n);
}

int
file_path(char *dst, size_t size, const char *dir, const char *name)
{
	return snprintf(dst, size, "%s/%s", dir, name) >= (int)size ? -ENAMETOOLONG : 0;
}

int
file_make_dirs(const char *path, mode_t mode)
{
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	for (char *p = dir + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(dir, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(dir, mode) < 0 && errno != EEXIST ? -errno : 0;
}

static int
number_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
add_number(uint64_t **v, size_t *n, uint64_t number)
{
	void *p = reallocarray(*v, *n + 1, sizeof(**v));

	if (!p)
		return -ENOMEM;
	*v = p;
	(*v)[(*n)++] = number;
	return 0;
}

int
file_numbers(const char *dir, struct str suffix, uint64_t **ret, size_t *ret_n)
{
	uint64_t *v = NULL, number;
	struct dirent *e;
	size_t n = 0;
	int r = 0;
	DIR *d = opendir(dir);

	if (!d)
		return -errno;
	while (r == 0 && (e = readdir(d))) {
		struct str name = str_z(e->d_name);
		if (name.n == 20 + suffix.n && str_ends(name, suffix) && text_u64(str_head(name, 20), &number) == 0)
			r = add_number(&v, &n, number);
	}
	closedir(d);
	if (r < 0) {
		free(v);
		return r;
	}
	if (n)
		qsort(v, n, sizeof(*v), number_cmp);
	*ret = v;
	*ret_n = n;
	return 0;
}
