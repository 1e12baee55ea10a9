/*
 * effects: what a change of the configuration does to packets: rules and routes that come and go, connections that would be cut, and whether the one
 * who asks for it can still get in.
 */
#ifndef GUARITA_CONSOLE_GATE_EFFECTS_H
#define GUARITA_CONSOLE_GATE_EFFECTS_H

#include "console/gate/candidate.h"
#include "console/operator.h"
#include "gate/policy/policy.h"

/* Both configurations as what they do, worked out once; they live as long as the candidate. */
struct effects {
	const struct operator *who;
	struct policy *old, *new;      /* NULL: no gate */
};

/* 0, or -EINVAL when the new one has no meaning as a whole (that was printed). */
int effects_open(struct effects *e, struct candidate *c, const struct operator *who) WARN_UNUSED;
/* Prints them. */
void effects_show(const struct options *o, const struct effects *e);
/* False, after saying why, when the new configuration would drop his connection or a new one from the same place. */
bool effects_operator_stays(const struct effects *e);

#endif
