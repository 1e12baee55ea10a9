/* config_file: a configuration from the disk, with everything it includes. The only place where conf meets files. */
#ifndef GUARITA_CONSOLE_CONFIG_FILE_H
#define GUARITA_CONSOLE_CONFIG_FILE_H

#include "conf/config.h"

/*
 * Reads and checks path. Faults are in d (with the text of every file, so that they can be shown); 0, -EINVAL, or the
 * negative errno of the first file. Includes are relative to the file that names them. All memory is the arena's. A
 * path that is a bundle is read as the configuration that it keeps.
 */
int config_file_load(struct arena *a, struct diags *d, const char *path, struct config **ret) WARN_UNUSED;
/*
 * The same, and all that was read as a bundle (conf/bundle.h) added to `out`. A path that is a bundle itself gives
 * its own bytes.
 */
int config_file_bundle(struct arena *a, struct diags *d, const char *path, struct config **ret,
    struct buf *out) WARN_UNUSED;
/* The same; sealed passwords are given to unseal, where there is one. */
int config_file_load_with(struct arena *a, struct diags *d, const char *path, conf_unseal_fn *unseal, void *unseal_ctx,
    struct config **ret) WARN_UNUSED;
/*
 * What config_file_load() gave, with its sealed passwords plain, for those who use them: it is read again with the key that
 * stands in its state-dir. 0 also where nothing is sealed; errors as above, and those of the key (sys/sitekey.h), about
 * which *ret_key says which file it is.
 */
int config_file_unseal(struct arena *a, struct diags *d, const char *path, struct config **config, struct str *ret_key) WARN_UNUSED;
/* SHA-256 of a bundle in 64 hexadecimal digits. */
void config_hash(struct str bundle, char dst[65]);

#endif
