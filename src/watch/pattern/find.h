/* find: a short literal in a text, fast; the innermost work of wildcards. */
#ifndef GUARITA_WATCH_PATTERN_FIND_H
#define GUARITA_WATCH_PATTERN_FIND_H

#include "base/str.h"

/* First index of the literal, or text.n. The literal is not empty; in lower case when nocase. */
size_t find_literal(struct str text, struct str lit, bool nocase);

#endif
