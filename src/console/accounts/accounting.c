/* accounting: `guarita accounting on|off|rotate`: switches the kernel's process accounting, and begins a new file. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "console/command.h"
#include "console/i18n.h"
#include "console/term.h"
#include "sys/accounting.h"

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

int
command_accounting_on(const struct options *o)
{
	const char *path = path_of(o);
	int rc = accounting_on(path);

	if (rc < 0)
		return failed(path, -rc);
	printf(_("Every command that ends is recorded in %s now; it is to be rotated with `guarita accounting rotate`.\n"), path);
	return EXIT_CLEAN;
}

int
command_accounting_off(const struct options *o)
{
	int rc = accounting_off();

	if (rc < 0)
		return failed("off", -rc);
	printf(_("Commands are not recorded any more.\n"));
	return EXIT_CLEAN;
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
	rc = accounting_rotate(path, KEPT);
	if (rc < 0)
		return failed(path, -rc);
	printf(_("%s begins anew; %d files are kept.\n"), path, KEPT);
	return EXIT_CLEAN;
}
