/* integrity_show: one finding for a person or a program. */
#ifndef GUARITA_CONSOLE_ACCOUNTS_INTEGRITY_SHOW_H
#define GUARITA_CONSOLE_ACCOUNTS_INTEGRITY_SHOW_H

#include "console/accounts/show.h"
#include "watch/accounts/integrity.h"

/* path: of the file it was found in; NULL: none in particular. */
void integrity_show(struct account_show *s, const char *path, const struct integrity_finding *f);

#endif
