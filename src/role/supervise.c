/* supervise: back-off and parking. Must never start what only burns the machine. */
#include "role/supervise.h"

int64_t
supervise_died(struct supervise *s, int64_t started_us, int64_t now_us)
{
	if (now_us - started_us >= SUPERVISE_CALM_US)
		s->delay_us = 0;
	s->delay_us = s->delay_us ? s->delay_us * 2 : SUPERVISE_FIRST_US;
	if (s->delay_us > SUPERVISE_MAX_US)
		s->delay_us = SUPERVISE_MAX_US;
	s->crashed_us[s->next] = now_us;
	s->next = (s->next + 1) % SUPERVISE_CRASHES;
	s->n += s->n < SUPERVISE_CRASHES;
	s->crashes++;
	/* In a full ring the next to be overwritten is the oldest. */
	if (s->n == SUPERVISE_CRASHES && now_us - s->crashed_us[s->next] <= SUPERVISE_WITHIN_US)
		return -1;
	return s->delay_us;
}

void
supervise_forgive(struct supervise *s)
{
	*s = (struct supervise){ .crashes = s->crashes };
}
