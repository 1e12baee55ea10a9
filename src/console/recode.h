/*
 * recode: a file written in UTF-16, as Windows does, read as UTF-8. Lines keep their numbers. Must
 * never lose a character, nor change one that is text.
 */
#ifndef GUARITA_CONSOLE_RECODE_H
#define GUARITA_CONSOLE_RECODE_H

#include <sys/types.h>

#include "base/utf16.h"
#include "console/unpack.h"

struct recode;

int recode_new(enum utf16 order, struct recode **ret) WARN_UNUSED;
void recode_free(struct recode *r);
void recode_rewind(struct recode *r);         /* the file begins anew */
/* As unpack_read(). */
ssize_t recode_read(struct recode *r, struct unpack *from, char *dst, size_t size) WARN_UNUSED;

#endif
