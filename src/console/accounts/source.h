/*
 * source: an account file as lines, for everything that reads lines: one line per record
 * that says something, numbered by record.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_SOURCE_H
#define GUARITA_CONSOLE_ACCOUNTS_SOURCE_H

#include "base/buf.h"

struct account_source;

/* -ENOTSUP: no account file. */
int account_source_open(const char *path, struct account_source **ret) WARN_UNUSED;
void account_source_close(struct account_source *s);     /* accepts NULL */
/* From the first record again. */
int account_source_rewind(struct account_source *s) WARN_UNUSED;
/* The line is good until the next call. *ret_number: of its record, from 1. */
bool account_source_next(struct account_source *s, struct str *ret_line, uint64_t *ret_number);
uint64_t account_source_taken(const struct account_source *s);   /* bytes read */

#endif
