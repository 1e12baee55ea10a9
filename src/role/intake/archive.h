/*
 * archive: received lines in plain files that people and other tools read: raw lines, or JSON. New
 * file by size, old ones deleted by age. Not evidence; not what is read again after a restart
 * (role/intake/spool.h is).
 */
#ifndef GUARITA_ROLE_INTAKE_ARCHIVE_H
#define GUARITA_ROLE_INTAKE_ARCHIVE_H

#include "conf/config.h"

struct archive;

int archive_open(const struct conf_archive *conf, int64_t now_us, struct archive **ret) WARN_UNUSED;
void archive_close(struct archive *a);                  /* writes what waits; accepts NULL */
void archive_line(struct archive *a, struct str source, int64_t received_us, struct str line);
/* Writes what waits; new file and deletion when due. 0 or -errno of the last failure. */
int archive_flush(struct archive *a, int64_t now_us);
/*
 * A descriptor of what was written since the last call, to be synced and closed on another thread;
 * -1: nothing.
 */
int archive_take_unsynced(struct archive *a);
uint64_t archive_bytes(const struct archive *a);
uint64_t archive_lost(const struct archive *a);         /* bytes that could not be written */

#endif
