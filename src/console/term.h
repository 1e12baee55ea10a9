/*
 * term: what the screen can do, and text that fits it. Colour never carries meaning alone; foreign bytes are always
 * escaped, so that nothing in a log can steer a terminal.
 */
#ifndef GUARITA_CONSOLE_TERM_H
#define GUARITA_CONSOLE_TERM_H

#include <stdio.h>

#include "base/buf.h"

/* All of s, also when it is empty and points nowhere; false when the stream did not take it. */
static inline bool
out_write(FILE *file, struct str s)
{
	return s.n == 0 || fwrite(s.p, 1, s.n, file) == s.n;
}

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_RED, INK_YELLOW, INK_GREEN, INK_CYAN };

struct term {
	FILE *file;
	bool tty;
	bool colour;
	bool utf8;
	unsigned columns;
};

/* plain: no colour, no bars, no progress, whatever the screen could do. */
void term_init(struct term *t, FILE *file, bool plain);
void term_ink(const struct term *t, struct buf *out, enum ink ink, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Foreign text, escaped, cut to `columns` with an ellipsis. Returns the columns used. */
size_t term_text(const struct term *t, struct buf *out, struct str text, size_t columns);
/* Like term_text, then blanks up to the width. */
void term_cell(const struct term *t, struct buf *out, struct str text, size_t columns);
/* A bar of at most `columns`: value of max. */
void term_bar(const struct term *t, struct buf *out, uint64_t value, uint64_t max, size_t columns);
/* Own text wrapped at the width, each line indented. */
void term_wrap(const struct term *t, struct buf *out, struct str text, unsigned indent);
/* 1234567 as "1,234,567". */
const char *term_count(uint64_t n, char dst[32]);
void term_flush(const struct term *t, struct buf *out);
/* To standard error. What was filled in may be foreign: everything but line ends is escaped. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line on standard error that is rewritten: nothing at all unless it is a terminal. */
struct progress {
	bool on;
	int64_t started_us, shown_us;
	uint64_t total;        /* 0: unknown */
	unsigned columns;
	bool utf8;
};
void progress_begin(struct progress *p, uint64_t total, int64_t now_us, bool plain);
void progress_step(struct progress *p, uint64_t done, uint64_t lines, uint64_t incidents, int64_t now_us);
void progress_end(struct progress *p);

#endif
