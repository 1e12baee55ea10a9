/*
 * landlock: which paths a role may touch, by the raw system calls, as the C library has none. Must
 * never allow more than the list says: rights this kernel does not know are left out, never
 * guessed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/sandbox.h"

/* Rights newer than the oldest kernel headers that we build with. */
#define RIGHT_REFER (1ull << 13)       /* ABI 2 */
#define RIGHT_TRUNCATE (1ull << 14)    /* ABI 3 */
#define RIGHT_IOCTL_DEV (1ull << 15)   /* ABI 5 */

#define RIGHTS_FILE_READ LANDLOCK_ACCESS_FS_READ_FILE
#define RIGHTS_DIR_READ (RIGHTS_FILE_READ | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_FILE_WRITE (RIGHTS_FILE_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)
#define RIGHTS_DIR_WRITE \
	(RIGHTS_DIR_READ | RIGHTS_FILE_WRITE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
	LANDLOCK_ACCESS_FS_MAKE_FIFO | RIGHT_REFER)

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Everything that this kernel can refuse. */
static uint64_t
handled(int abi)
{
	uint64_t all = (1ull << 13) - 1;

	if (abi >= 2)
		all |= RIGHT_REFER;
	if (abi >= 3)
		all |= RIGHT_TRUNCATE;
	if (abi >= 5)
		all |= RIGHT_IOCTL_DEV;
	return all;
}

static int
allow(int ruleset, const struct sandbox_path *p, uint64_t known)
{
	struct stat st;
	int fd = open(p->path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (fstat(fd, &st) < 0) {
		close(fd);
		return -EIO;
	}
	bool dir = S_ISDIR(st.st_mode);
	uint64_t rights = p->write ? dir ? RIGHTS_DIR_WRITE : RIGHTS_FILE_WRITE
	    : dir                  ? RIGHTS_DIR_READ
				   : RIGHTS_FILE_READ;
	struct landlock_path_beneath_attr a = { .allowed_access = rights & known, .parent_fd = fd };
	int r = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0
	    ? -errno
	    : 0;
	close(fd);
	return r;
}

int
landlock_enter(const struct sandbox_path *paths, size_t n)
{
	int abi = landlock_abi();

	if (abi == 0)
		return -ENOSYS;
	struct landlock_ruleset_attr a = { .handled_access_fs = handled(abi) };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &a, sizeof(a.handled_access_fs), 0);
	if (fd < 0)
		return -errno;
	int r = 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = allow(fd, &paths[i], a.handled_access_fs);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}
