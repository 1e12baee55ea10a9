/*
 * effects: what a change of the configuration does to packets: rules and routes that come and go, connections that would be cut, and whether the one
 * who asks for it can still get in.
 */
#ifndef GUARITA_CONSOLE_GATE_EFFECTS_H
#define GUARITA_CONSOLE_GATE_EFFECTS_H

#include "console/gate/candidate.h"
#include "console/operator.h"

/* Prints them; 0, or -EINVAL when the new configuration has no meaning as a whole (that was printed). */
int effects_show(const struct options *o, struct candidate *c, const struct operator *who) WARN_UNUSED;
/* False, after saying why, when the new configuration would drop his connection or a new one from the same place. */
bool effects_operator_stays(struct candidate *c, const struct operator *who);

#endif
