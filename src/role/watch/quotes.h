/*
 * quotes: the newest lines in memory, so that an incident can show the lines that prove it. A ring:
 * older ones fall out, and are then shown by file and line only.
 */
#ifndef GUARITA_ROLE_WATCH_QUOTES_H
#define GUARITA_ROLE_WATCH_QUOTES_H

#include "base/buf.h"
#include "base/cur.h"

struct quotes;

struct quotes *quotes_new(size_t bytes);       /* NULL without memory */
void quotes_free(struct quotes *q);
/* Keeps the first bytes of a line under its reference. */
#define QUOTE_BYTES_MAX 512
void quotes_add(struct quotes *q, uint64_t ref, struct str line);
/* Saves those that were marked since the last time, and back. */
void quotes_mark(void *quotes, uint64_t ref);
void quotes_save(struct quotes *q, struct buf *out);
bool quotes_load(struct quotes *q, struct cur *in) WARN_UNUSED;
bool quotes_get(const struct quotes *q, uint64_t ref, struct str *ret);

#endif
