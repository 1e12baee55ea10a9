/* keep: what is shown of retention. */
#ifndef GUARITA_CONSOLE_VAULT_KEEP_H
#define GUARITA_CONSOLE_VAULT_KEEP_H

#include "conf/config.h"
#include "console/vault/dir.h"

struct vault_kept {
	uint64_t packed_bytes, log_bytes;
	uint64_t gone_lines;           /* with their whole segments */
	uint64_t to_erase;             /* lines that were ordered to be erased and are not yet */
};
void vault_keep_count(struct vault_dir *d, struct vault_kept *ret);
/* c: what the configuration says, or NULL when it says nothing or is not known. */
void vault_keep_show(struct vault_dir *d, const struct conf_retention *c, int64_t now_us);

#endif
