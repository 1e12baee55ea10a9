/* base64: RFC 4648 section 4, with padding, one form for each string of bytes. */
#ifndef GUARITA_BASE_BASE64_H
#define GUARITA_BASE_BASE64_H

#include "base/buf.h"

void base64_add(struct buf *out, struct str bytes);
/*
 * Decodes the whole text: 0, or -EINVAL when it is not the one form that base64_add() writes, or -ENOSPC. The count of
 * bytes is in *ret_n.
 */
int base64_read(struct str text, void *dst, size_t size, size_t *ret_n) WARN_UNUSED;
/* Likewise, and exactly so many bytes. */
int base64_read_exact(struct str text, void *dst, size_t n) WARN_UNUSED;

#endif
