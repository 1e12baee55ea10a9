/* keep: what is shown of retention. */
#ifndef GUARITA_CONSOLE_VAULT_KEEP_H
#define GUARITA_CONSOLE_VAULT_KEEP_H

#include "conf/config.h"
#include "console/vault/dir.h"

/* c: what the configuration says, or NULL when it says nothing or is not known. */
void vault_keep_show(struct vault_dir *d, const struct conf_retention *c, int64_t now_us);

#endif
