/* window: see window.h. */
#include "watch/correlate/window.h"

#define DISTINCT_SET 2048u         /* of values; rule_parse.c allows no more than half of it to be asked for */

/* Different values so far, in a set as small as the rule allows. */
struct values {
	uint32_t set[DISTINCT_SET];
	uint32_t mask, n;
};

static void
values_begin(struct values *v, uint32_t need)
{
	uint32_t size = 16;

	while (size < need * 2 && size < DISTINCT_SET)
		size *= 2;
	memset(v->set, 0, size * sizeof(*v->set));
	v->mask = size - 1;
	v->n = 0;
}

static void
values_add(struct values *v, uint32_t value)
{
	uint32_t at = value & v->mask;

	while (v->set[at] && v->set[at] != value)
		at = (at + 1) & v->mask;
	if (!v->set[at] && v->n < v->mask) {
		v->set[at] = value;
		v->n++;
	}
}

/* What the events lo..hi amount to, as far as `need`. */
static uint64_t
measure(const struct rule *rule, const struct event *events, uint32_t lo, uint32_t hi)
{
	struct values v;
	uint64_t sum = 0;

	if (rule->distinct == FIELD_NONE) {
		for (uint32_t i = hi + 1; i-- > lo && sum < rule->need;)
			sum += events[i].weight;
		return sum;
	}
	values_begin(&v, rule->need);
	for (uint32_t i = hi + 1; i-- > lo && v.n < rule->need;)
		values_add(&v, events[i].distinct);
	return v.n;
}

static uint32_t
window_start(const struct event *events, uint32_t at, int64_t within_us)
{
	uint32_t lo = at;

	while (lo > 0 && events[at].time_us - events[lo - 1].time_us <= within_us)
		lo--;
	return lo;
}

static uint32_t
window_end(const struct event *events, uint32_t n, uint32_t from, uint32_t at, int64_t within_us)
{
	while (at + 1 < n && events[at + 1].time_us - events[from].time_us <= within_us)
		at++;
	return at;
}

bool
window_count(const struct rule *rule, const struct event *events, uint32_t n, uint32_t at,
    uint32_t *ret_lo,
    uint32_t *ret_hi)
{
	uint32_t lo = window_start(events, at, rule->within_us), hi = at, from = n, to = 0;

	for (uint32_t i = lo; i <= at; i++) {
		hi = window_end(events, n, i, hi, rule->within_us);
		if (measure(rule, events, i, hi) >= rule->need) {
			from = i < from ? i : from;
			to = hi;
		}
		if (hi == at && at + 1 == n)
			break;
	}
	if (from == n)
		return false;
	*ret_lo = from;
	*ret_hi = to;
	return true;
}

uint64_t
window_have(const struct rule *rule, const struct event *events, uint32_t n)
{
	return n == 0 ? 0 : measure(rule, events, window_start(events, n - 1, rule->within_us),
	    n - 1);
}

uint8_t
sequence_last(const struct rule *rule)
{
	return (uint8_t)(rule->nsteps - 1 - rule->steps[rule->nsteps - 1].absent);
}

bool
window_sequence(const struct rule *rule, const struct event *events, uint32_t n, uint32_t end,
    uint32_t *ret_lo,
    int64_t after_us[RULE_STEPS_MAX])
{
	uint32_t lo = window_start(events, end, rule->within_us);
	uint8_t last = sequence_last(rule);
	int64_t after = events[lo].time_us;

	for (uint8_t s = 0; s <= last; s++) {
		uint64_t sum = 0;

		after_us[s] = after;
		for (uint32_t i = lo; i < n && events[i].time_us <= events[end].time_us; i++) {
			if (events[i].step != s || events[i].time_us < after_us[s])
				continue;
			sum += events[i].weight;
			if (sum >= rule->steps[s].need) {
				after = events[i].time_us;
				break;
			}
		}
		if (sum < rule->steps[s].need)
			return false;
	}
	*ret_lo = lo;
	return true;
}

void
window_keep_front(const struct rule *rule, struct track *t, int64_t gap)
{
	struct event *events = track_events(t);
	struct values v;
	uint64_t sum = 0;
	uint32_t kept = 0;

	values_begin(&v, rule->need);
	for (uint32_t i = 0; i < t->n; i++) {
		struct event e = events[i];

		if (i > 0 && kept > 0 && e.time_us - events[kept - 1].time_us > gap) {
			values_begin(&v, rule->need);
			sum = 0;
		}
		if ((e.flags & EVENT_INCLUDED) && sum >= rule->need)
			continue;
		if (rule->distinct == FIELD_NONE) {
			sum += e.weight;
		} else {
			values_add(&v, e.distinct);
			sum = v.n;
		}
		events[kept++] = e;
	}
	t->n = (uint16_t)kept;
}
