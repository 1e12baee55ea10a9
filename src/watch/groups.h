/* groups: which lines belong to which program, and how to find a program's group. */
#ifndef GUARITA_WATCH_GROUPS_H
#define GUARITA_WATCH_GROUPS_H

#include "watch/engine.h"

/* Sorts all lines into groups and builds their indexes. 0, -ENOMEM. Literal sets come later: groups_literals(). */
int groups_build(struct load *l) WARN_UNUSED;
void groups_free(struct decoders *d);
/* The groups of a program as a log names it, best first; at most WORK_GROUPS_MAX. Returns how many. */
uint8_t groups_of_program(const struct decoders *d, struct str program, uint32_t *ret_groups);
/* The groups that the globs of `file` statements give a file of this name. */
void groups_of_file(const struct decoders *d, struct str path, struct decode_route *ret);

#endif
