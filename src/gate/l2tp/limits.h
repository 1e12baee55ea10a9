/*
 * limits: how long one connection may last, how long it may be idle, and how much may pass in a second, each way. Pure:
 * the time is handed in.
 */
#ifndef GUARITA_GATE_L2TP_LIMITS_H
#define GUARITA_GATE_L2TP_LIMITS_H

#include "base/str.h"

enum { LIMITS_IN, LIMITS_OUT };        /* from the peer; to it */
enum limits_over { LIMITS_GOOD, LIMITS_IDLE, LIMITS_SESSION };

/* What the configuration says. */
struct limits {
	int64_t idle_us, session_us;   /* 0: none */
	uint64_t rate[2];              /* bytes a second; 0: all there is */
};

/* What became of one connection. */
struct limits_state {
	struct limits limits;
	int64_t up_us, active_us, looked_us;
	uint64_t packets;              /* both ways, when it was last looked at */
	int64_t room[2];               /* bytes that may pass at once, times a million */
	int64_t filled_us[2];
	uint64_t dropped[2];
};

static inline bool
limits_any(const struct limits *l)
{
	return l->idle_us || l->session_us || l->rate[LIMITS_IN] || l->rate[LIMITS_OUT];
}

void limits_begin(struct limits_state *s, const struct limits *l, int64_t now_us);
/* Other limits for a connection that stands; what it has used stays used. */
void limits_change(struct limits_state *s, const struct limits *l, int64_t now_us);
/* Whether n bytes may pass now; what may not is counted. */
bool limits_pass(struct limits_state *s, unsigned way, size_t n, int64_t now_us);
/* packets: all of them so far, both ways. */
enum limits_over limits_look(struct limits_state *s, uint64_t packets, int64_t now_us);
int64_t limits_due(const struct limits_state *s);      /* look again then; INT64_MAX: never */

#endif
