/* unpack: reads a file that may be packed with gzip, xz or zstd, recognised by its first bytes, as one stream of bytes. */
#ifndef GUARITA_CONSOLE_UNPACK_H
#define GUARITA_CONSOLE_UNPACK_H

#include <sys/types.h>

#include "base/str.h"

struct unpack;

/* Takes ownership of fd, also when it fails. 0 or a negative errno. */
int unpack_open(int fd, struct unpack **ret) WARN_UNUSED;
void unpack_close(struct unpack *u);
/* Bytes read into dst (0: end), or a negative errno; -EBADMSG: the archive is damaged, what came before it stands. */
ssize_t unpack_read(struct unpack *u, char *dst, size_t size) WARN_UNUSED;
/* Bytes taken from the file so far, for progress. */
uint64_t unpack_taken(const struct unpack *u);
const char *unpack_format(const struct unpack *u);   /* "plain" "gzip" "xz" "zstd" */

#endif
