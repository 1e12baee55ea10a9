/* schema_value: what the files that read and write single values share among themselves. */
#ifndef GUARITA_CONF_SCHEMA_VALUE_H
#define GUARITA_CONF_SCHEMA_VALUE_H

#include "conf/schema.h"

struct value_in {                 /* whose value is read, and where to */
	const struct schema_row *row;
	struct arena *arena;      /* NULL: the text lives for ever, as a default does */
	struct diags *d;
};

/* A fault at a word; the hint says what the row wants. */
void value_bad(const struct value_in *in, const struct conf_word *w, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As much of a word as a message shows. */
static inline struct str
shown(const struct conf_word *w)
{
	return str_head(w->text, 64);
}

/* Readers: false after a fault. Each writes the type of its kind to *out. */
bool value_read_path(const struct value_in *in, const struct conf_word *w, void *out);
bool value_read_address(const struct value_in *in, const struct conf_word *w, void *out);
bool value_read_cidr(const struct value_in *in, const struct conf_word *w, void *out);
bool value_read_prefix(const struct value_in *in, const struct conf_word *w, void *out);
bool value_read_endpoint(const struct value_in *in, const struct conf_word *w, void *out);
void value_write_string(const struct schema_row *row, const void *in, struct buf *out);
void value_write_address(const struct schema_row *row, const void *in, struct buf *out);
void value_write_cidr(const struct schema_row *row, const void *in, struct buf *out);
void value_write_endpoint(const struct schema_row *row, const void *in, struct buf *out);

#endif
