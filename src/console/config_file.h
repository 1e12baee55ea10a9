/* config_file: a configuration from the disk, with everything it includes. The only place where conf meets files. */
#ifndef GUARITA_CONSOLE_CONFIG_FILE_H
#define GUARITA_CONSOLE_CONFIG_FILE_H

#include "conf/config.h"

/*
 * Reads and checks path. Faults are in d (with the text of every file, so that they can be shown); 0, -EINVAL, or the
 * negative errno of the first file. Includes are relative to the file that names them. All memory is the arena's.
 */
int config_file_load(struct arena *a, struct diags *d, const char *path, struct config **ret) WARN_UNUSED;

#endif
