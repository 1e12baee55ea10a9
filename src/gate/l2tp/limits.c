/*
 * limits: a bucket each way, and two clocks. Must never let more pass over a second than was allowed, and the bucket's
 * depth besides.
 */
#include "gate/l2tp/limits.h"

/* A quarter of a second at full rate may come at once: TCP sends in bursts and would else never reach the rate. */
#define DEPTH_US 250000
#define DEPTH_LEAST 30000              /* bytes: twenty packets */
#define MICRO INT64_C(1000000)
/* Idleness is seen by the count of packets, which is looked at so often in the allowed time. */
#define LOOKS 8

static int64_t
depth(uint64_t rate)
{
	int64_t bytes = (int64_t)(rate * DEPTH_US / (uint64_t)MICRO);

	return (bytes > DEPTH_LEAST ? bytes : DEPTH_LEAST) * MICRO;
}

void
limits_begin(struct limits_state *s, const struct limits *l, int64_t now_us)
{
	*s = (struct limits_state){ .limits = *l, .up_us = now_us, .active_us = now_us, .looked_us = now_us,
		.filled_us = { now_us, now_us }, .room = { depth(l->rate[LIMITS_IN]), depth(l->rate[LIMITS_OUT]) } };
}

void
limits_change(struct limits_state *s, const struct limits *l, int64_t now_us)
{
	s->limits = *l;
	for (unsigned way = 0; way < 2; way++) {
		s->filled_us[way] = now_us;
		if (s->room[way] > depth(l->rate[way]))
			s->room[way] = depth(l->rate[way]);
	}
}

bool
limits_pass(struct limits_state *s, unsigned way, size_t n, int64_t now_us)
{
	int64_t rate = (int64_t)s->limits.rate[way], most = depth((uint64_t)rate);
	int64_t since = now_us - s->filled_us[way], need = (int64_t)n * MICRO;

	if (rate == 0)
		return true;
	/* After a long silence the bucket is full; the product of both could be too large for a number. */
	s->room[way] = since >= most / rate ? most : s->room[way] + since * rate;
	if (s->room[way] > most)
		s->room[way] = most;
	s->filled_us[way] = now_us;
	if (s->room[way] < need) {
		s->dropped[way]++;
		return false;
	}
	s->room[way] -= need;
	return true;
}

enum limits_over
limits_look(struct limits_state *s, uint64_t packets, int64_t now_us)
{
	const struct limits *l = &s->limits;

	s->looked_us = now_us;
	if (packets != s->packets) {
		s->packets = packets;
		s->active_us = now_us;
	}
	if (l->session_us && now_us - s->up_us >= l->session_us)
		return LIMITS_SESSION;
	return l->idle_us && now_us - s->active_us >= l->idle_us ? LIMITS_IDLE : LIMITS_GOOD;
}

int64_t
limits_due(const struct limits_state *s)
{
	const struct limits *l = &s->limits;
	int64_t over = l->session_us ? s->up_us + l->session_us : INT64_MAX;

	if (l->idle_us && s->looked_us + l->idle_us / LOOKS < over)
		over = s->looked_us + l->idle_us / LOOKS;
	return over;
}
