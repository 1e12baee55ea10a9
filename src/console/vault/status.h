/* status: who a vault is and how it stands, for people or as one JSON object. */
#ifndef GUARITA_CONSOLE_VAULT_STATUS_H
#define GUARITA_CONSOLE_VAULT_STATUS_H

#include "console/command.h"
#include "console/vault/dir.h"

/* 0 or -errno with d->why: also when the newest checkpoint does not hold. */
int vault_status(const struct options *o, struct vault_dir *d) WARN_UNUSED;
/* Sixteen groups of four digits, and a newline: to be read aloud over the telephone. */
void vault_show_fingerprint(const struct digest *d);

#endif
