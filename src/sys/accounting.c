/* accounting: see accounting.h. */
#include "sys/accounting.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/when.h"
#include "sys/file.h"

/* The commands of everybody are nobody's business: readable by root alone. */
static int
make_file(const char *path)
{
	char dir[PATH_MAX];
	struct str parent = str_head(str_z(path), str_rfind(str_z(path), STR("/")));
	int fd, rc = 0;

	if (parent.n > 0 && parent.n < sizeof(dir)) {
		memcpy(dir, parent.p, parent.n);
		dir[parent.n] = '\0';
		rc = file_make_dirs(dir, 0755);
	}
	if (rc < 0)
		return rc;
	fd = file_open_append(path, 0600);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int
accounting_on(const char *path)
{
	int rc = make_file(path);

	if (rc < 0)
		return rc;
	return acct(path) < 0 ? -errno : 0;
}

int
accounting_off(void)
{
	return acct(NULL) < 0 ? -errno : 0;
}

static int
numbered(char dst[PATH_MAX], const char *path, unsigned n)
{
	return snprintf(dst, PATH_MAX, "%s.%u", path, n) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The last one goes: it is written over. */
static int
shift(const char *path, unsigned keep)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (unsigned n = keep; n > 1; n--) {
		if (numbered(from, path, n - 1) < 0 || numbered(to, path, n) < 0)
			return -ENAMETOOLONG;
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	if (numbered(to, path, 1) < 0)
		return -ENAMETOOLONG;
	return rename(path, to) < 0 && errno != ENOENT ? -errno : 0;
}

int
accounting_rotate(const char *path, unsigned keep)
{
	int rc = shift(path, keep);

	return rc < 0 ? rc : accounting_on(path);
}

bool
accounting_is_due(const char *path, uint64_t bytes, int64_t age_us, int64_t now_us)
{
	struct statx st;

	if (statx(AT_FDCWD, path, 0, STATX_SIZE | STATX_BTIME, &st) < 0 || st.stx_size == 0)
		return false;
	if (bytes > 0 && st.stx_size >= bytes)
		return true;
	return age_us > 0 && st.stx_mask & STATX_BTIME && now_us - st.stx_btime.tv_sec * WHEN_SECOND >= age_us;
}
