/*
 * schema_doc: what the rows of a schema say, as help, manual page, completion words, sample and
 * JSON schema. Writes to buffers only.
 */
#ifndef GUARITA_CONF_SCHEMA_DOC_H
#define GUARITA_CONF_SCHEMA_DOC_H

#include "conf/schema.h"

/*
 * The row that a path names: "site", "udp.buffer", "udp buffer", "respond.ban.scope"; NULL when
 * there is none.
 */
const struct schema_row *schema_find(const struct schema *s, struct str path);
/*
 * The statement's form: "udp ADDRESS:PORT { ... }", "throttle NUMBER per DURATION [by FIELD, ...]".
 */
void schema_usage(const struct schema_row *row, struct buf *out);
/* The example of a block up to its braces or its end: `udp :514`. */
struct str schema_example_head(const struct schema_row *row);
/* Help for one option or block. 0, or -ENOENT: then *out says so, with the nearest. */
int schema_explain(const struct schema *s, struct str path, struct buf *out) WARN_UNUSED;
/* The path of every option and block, one a line. */
void schema_words(const struct schema *s, struct buf *out);
/* Sections of mdoc(7), one per block, for the manual page. */
void schema_man(const struct schema *s, struct buf *out);
/* Every option at its default, commented out, with its help: a reference to copy from. */
void schema_sample(const struct schema *s, struct buf *out);
/* JSON Schema (draft 2020-12) of the configuration as an object. */
void schema_json(const struct schema *s, struct buf *out);

#endif
