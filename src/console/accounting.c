/*
 * accounting: `guarita accounting on|off|rotate`: switches the kernel's process accounting, and
 * begins a new file without losing a record: the kernel goes on writing to the old one, under its
 * new name, until it is given the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/command.h"
#include "console/i18n.h"
#include "console/term.h"
#include "sys/file.h"

#define USUAL "/var/log/account/pacct"
#define KEPT 30                        /* files, as /etc/logrotate.d/acct of Debian keeps them */

static const char *
path_of(const struct options *o)
{
	return o->nargs > 0 ? o->args[0] : USUAL;
}

static int
failed(const char *path, int error)
{
	complain("guarita accounting: %s: %s\n", path, strerror(error));
	if (error == ENOSYS)
		complain(_("This kernel was built without process accounting (CONFIG_BSD_PROCESS_ACCT).\n"));
	else if (error == EPERM)
		complain(_("Only root may switch it.\n"));
	return EXIT_FAILED;
}

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
command_accounting_on(const struct options *o)
{
	const char *path = path_of(o);
	int rc = make_file(path);

	if (rc < 0)
		return failed(path, -rc);
	if (acct(path) < 0)
		return failed(path, errno);
	printf(_("Every command that ends is recorded in %s now; it is to be rotated with `guarita accounting rotate`.\n"), path);
	return EXIT_CLEAN;
}

int
command_accounting_off(const struct options *o)
{
	if (acct(NULL) < 0)
		return failed("off", errno);
	printf(_("Commands are not recorded any more.\n"));
	return EXIT_CLEAN;
}

static void
numbered(char dst[PATH_MAX], const char *path, int n)
{
	snprintf(dst, PATH_MAX, "%s.%d", path, n);
}

/* PATH.29 becomes PATH.30, which goes; ... PATH becomes PATH.1. */
static int
shift(const char *path)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (int n = KEPT - 1; n >= 1; n--) {
		numbered(from, path, n);
		numbered(to, path, n + 1);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	numbered(to, path, 1);
	return rename(path, to) < 0 && errno != ENOENT ? -errno : 0;
}

int
command_accounting_rotate(const struct options *o)
{
	const char *path = path_of(o);
	struct stat st;
	int rc;

	/* Whether accounting is on cannot be asked; who rotates wants it on. */
	if (stat(path, &st) < 0)
		return failed(path, errno);
	rc = shift(path);
	if (rc == 0)
		rc = make_file(path);
	if (rc == 0 && acct(path) < 0)
		rc = -errno;
	if (rc < 0)
		return failed(path, -rc);
	printf(_("%s begins anew; %d files are kept.\n"), path, KEPT);
	return EXIT_CLEAN;
}
