/* diff: what changed between two texts, line by line. Pure. */
#ifndef GUARITA_CONSOLE_GATE_DIFF_H
#define GUARITA_CONSOLE_GATE_DIFF_H

#include "base/str.h"

enum diff_is { DIFF_SAME, DIFF_GONE, DIFF_NEW };

typedef void diff_fn(void *ctx, enum diff_is is, struct str line);

/*
 * Calls take() for each line in order; the changes are as few as possible (Myers 1986) while there are not more than
 * some thousand of them, else what differs is told as gone and new as a whole. 0 or -ENOMEM.
 */
int diff_lines(struct str old, struct str new, diff_fn *take, void *ctx) WARN_UNUSED;

#endif
