/*
 * diag: what is wrong in a text, where, and what to do. Diagnostics are collected, never printed here: a whole file
 * is checked and every fault is shown.
 */
#ifndef GUARITA_CONF_DIAG_H
#define GUARITA_CONF_DIAG_H

#include "base/arena.h"
#include "base/buf.h"

struct conf_pos {
	uint16_t file;         /* index in the diag's file table */
	uint32_t line, col;    /* from 1; col counts bytes */
};

enum diag_level { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_level level;
	struct conf_pos pos;
	uint32_t span;         /* bytes under the caret, at least 1 */
	struct str message;    /* what happened */
	struct str hint;       /* what to do; may be empty */
};

#define DIAG_MAX 1000          /* further ones are only counted */

struct diags;
struct diags *diags_new(void);
void diags_free(struct diags *d);
/* Registers a text so that its lines can be shown; the text must outlive d. Returns its index. */
uint16_t diags_file(struct diags *d, struct str name, struct str text);
struct str diags_file_name(const struct diags *d, uint16_t file);
void diag_error(struct diags *d, struct conf_pos pos, uint32_t span, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));    /* hint may be NULL */
void diag_warn(struct diags *d, struct conf_pos pos, uint32_t span, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
size_t diags_errors(const struct diags *d);
size_t diags_count(const struct diags *d);
const struct diag *diags_at(const struct diags *d, size_t i);
/* "file:line:col: error: message", the line, a caret, the hint; all of them, sorted by place. */
void diags_show(const struct diags *d, struct buf *out);

#endif
