/*
 * utx: utx.log of FreeBSD as a file of fixed records (UTMP_LINUX64_LE), so that everything else need not know
 * that its records differ in length.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_UTX_H
#define GUARITA_CONSOLE_ACCOUNTS_UTX_H

#include "base/str.h"

/*
 * A file without a name that holds the records of fd. A logout is given the terminal of its login, a boot its name; a
 * piece that is no record becomes one of zeroes. 0 or -errno.
 */
int account_utx_expand(int fd, int *ret_fd) WARN_UNUSED;

#endif
