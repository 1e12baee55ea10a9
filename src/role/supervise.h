/*
 * supervise: when a role that died is started again, and when it is given up. Pure: times are
 * handed in.
 */
#ifndef GUARITA_ROLE_SUPERVISE_H
#define GUARITA_ROLE_SUPERVISE_H

#include "base/when.h"

#define SUPERVISE_CRASHES 5                            /* so many ... */
#define SUPERVISE_WITHIN_US (60 * WHEN_SECOND)         /* ... in this time: parked */
#define SUPERVISE_FIRST_US WHEN_SECOND
#define SUPERVISE_MAX_US (30 * WHEN_SECOND)
#define SUPERVISE_CALM_US (60 * WHEN_SECOND)           /* having run for so long, a crash is a first one again */

struct supervise {
	int64_t crashed_us[SUPERVISE_CRASHES];         /* a ring, the newest before next */
	unsigned next, n;
	int64_t delay_us;
	uint64_t crashes;                              /* ever */
};

/* A role that was started at started_us died. How long to wait, or -1: parked. */
int64_t supervise_died(struct supervise *s, int64_t started_us, int64_t now_us);
/* The operator changed something: what was, is forgiven. */
void supervise_forgive(struct supervise *s);

#endif
