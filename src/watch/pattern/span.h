/*
 * span: how far a run of bytes of one kind goes, sixteen bytes at a time; byte by byte where there is no SSE2. Never reads
 * a byte outside the text.
 */
#ifndef GUARITA_WATCH_PATTERN_SPAN_H
#define GUARITA_WATCH_PATTERN_SPAN_H

#include "base/str.h"

enum span {
	SPAN_DIGITS,
	SPAN_HEX,
	SPAN_NAME,       /* letters, digits and . - _ */
	SPAN_VISIBLE,    /* printable ASCII but blanks, and but `stop` */
};

bool span_has(enum span kind, char stop, char c);
/* The first byte of text at or behind p that the run may not hold, or the end of the text. */
const char *span_end(enum span kind, char stop, struct str text, const char *p);

#endif
