/* samples: the messages that decoders carry, decoded by the whole engine and compared with what they promise. */
#ifndef GUARITA_WATCH_SAMPLES_H
#define GUARITA_WATCH_SAMPLES_H

#include "watch/ruleset.h"

/* Faults into d, at the sample. Returns how many failed; *ret_run of how many. */
size_t decoders_test(const struct ruleset *rs, struct diags *d, size_t *ret_run);
/* Warns of every `line` that no sample reaches; for authors. Returns how many. */
size_t decoders_unproved(const struct ruleset *rs, struct diags *d);

#endif
