/*
 * file: whole files in and out. What is written by file_replace() is either wholly there or not at
 * all; what is appended lands at the end whatever others do. All descriptors are close-on-exec.
 */
#ifndef GUARITA_SYS_FILE_H
#define GUARITA_SYS_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/*
 * Reads a whole file into b (which keeps its maximum). 0, -errno, or -EFBIG when it is longer than
 * b->max.
 */
int file_read(const char *path, struct buf *b) WARN_UNUSED;
/* The same of a file that nobody but us could have written; -EPERM of any other. */
int file_read_own(const char *path, struct buf *b) WARN_UNUSED;
/*
 * Writes beside the file, then renames over it. With sync the bytes are on the disk before the name
 * changes.
 */
int file_replace(const char *path, struct str bytes, mode_t mode, bool sync) WARN_UNUSED;
/*
 * Opens for appending, creating it; the descriptor or -errno. Symbolic links are not followed at
 * the last name.
 */
int file_open_append(const char *path, mode_t mode) WARN_UNUSED;
/* All of the bytes, or -errno. */
int file_write_all(int fd, struct str bytes) WARN_UNUSED;
/* Fills up to n bytes from offset; the count read (short only at the end of the file) or -errno. */
ssize_t file_read_at(int fd, void *dst, size_t n, uint64_t offset) WARN_UNUSED;
/* Read-only view of a file, empty for an empty one. */
int file_map(const char *path, struct str *ret) WARN_UNUSED;
void file_unmap(struct str map);
/* Creates a directory and its parents; existing ones are left as they are. */
int file_make_dirs(const char *path, mode_t mode) WARN_UNUSED;
/* Numbers of the files named by 20 digits and the suffix, rising; free() them. */
int file_numbers(const char *dir, struct str suffix, uint64_t **ret, size_t *ret_n) WARN_UNUSED;
/* "dir/name" in dst; -ENAMETOOLONG. */
int file_path(char *dst, size_t size, const char *dir, const char *name) WARN_UNUSED;
void fd_close(int *fd);         /* closes when >= 0 and sets it to -1 */

#endif
