/*
 * accounting: the kernel's process accounting (acct(2)): switched on and off, and its file begun anew without losing a
 * record: the kernel goes on writing to the old one, under its new name, until it is given the next.
 */
#ifndef GUARITA_SYS_ACCOUNTING_H
#define GUARITA_SYS_ACCOUNTING_H

#include "base/str.h"

/* Makes the file, with its folder, where there is none: readable by root alone. 0 or -errno, -ENOSYS: not in this kernel. */
int accounting_on(const char *path) WARN_UNUSED;
int accounting_off(void) WARN_UNUSED;
/* PATH becomes PATH.1, and so on up to PATH.`keep`; accounting is on afterwards. 0 or -errno. */
int accounting_rotate(const char *path, unsigned keep) WARN_UNUSED;
/* Is it time: so many bytes, or begun so long ago? 0: that does not count. */
bool accounting_is_due(const char *path, uint64_t bytes, int64_t age_us, int64_t now_us);

#endif
