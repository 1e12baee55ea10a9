/*
 * buf: bytes that grow to a stated maximum. Errors are sticky: after the first write that does not
 * fit (or the first failed allocation) every write does nothing and buf_ok() is false; one check at
 * the end is enough.
 */
#ifndef GUARITA_BASE_BUF_H
#define GUARITA_BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t n;      /* bytes in use */
	size_t size;   /* bytes allocated */
	size_t max;    /* never grows past this */
	bool failed;
};

#define BUF_INIT(limit) ((struct buf){ .max = (limit) })

void buf_free(struct buf *b);                  /* accepts a zeroed one */
void buf_wipe(struct buf *b);                  /* the same, of secrets: nothing of them is left in memory */
void buf_reset(struct buf *b);                 /* empties, keeps the memory, clears the error */
bool buf_reserve(struct buf *b, size_t more);  /* room for `more` bytes; false sets the sticky error */
void buf_add(struct buf *b, struct str s);
void buf_add_byte(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t v);   /* in decimal, a tenth of the time of buf_addf() */
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Text made safe for a terminal: control bytes, ESC, DEL and bad UTF-8 become \xHH. */
void buf_add_escaped(struct buf *b, struct str s);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_add_json(struct buf *b, struct str s);
const char *buf_cstr(struct buf *b);           /* NUL-terminated view, "" after an error */

static inline struct str
buf_str(const struct buf *b)
{
	return str_of(b->p, b->n);
}

static inline bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}

#endif
