/* statements: the top-level statements of rules/ that make decoders. Faults go to the load's diagnostics. */
#ifndef GUARITA_WATCH_STATEMENTS_H
#define GUARITA_WATCH_STATEMENTS_H

#include "watch/load.h"

/* decoder NAME { ... } */
void decoder_take(struct load *l, const struct conf_stmt *s);
/* After the last of them. -ENOMEM. */
int statements_settle(struct load *l) WARN_UNUSED;

#endif
