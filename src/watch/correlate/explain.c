/* explain: which rules would count a record, and how near each is. Only looks. */
#include <errno.h>

#include "watch/correlate/correlator.h"
#include "watch/correlate/key.h"
#include "watch/correlate/window.h"

static const char *
why_not(const struct correlator *c, const struct rule *rule, const struct rule_step *step,
    const struct record *r)
{
	if (!conditions_hold(step->where, step->nwhere, c->rs, r, &c->env) ||
	    !conditions_hold(rule->where, rule->nwhere, c->rs, r, &c->env))
		return "its conditions do not hold";
	if (key_hash(&c->rules->keys[rule->key], r, c->seed) == 0)
		return "the record lacks a field that the rule counts by";
	if (rule->distinct != FIELD_NONE && key_value(rule->distinct, r).n == 0)
		return "the record lacks the field whose values are counted";
	return NULL;
}

static uint32_t
need_of(const struct rule *rule)
{
	if (rule->shape == RULE_SEQUENCE)
		return rule->nsteps;
	return rule->shape == RULE_COUNT || rule->shape == RULE_RARE || rule->shape == RULE_RISK ?
	    rule->need : 1;
}

/* Steps of a sequence that were seen in the window. */
static uint64_t
steps_seen(const struct rule *rule, const struct event *events, uint32_t n)
{
	uint64_t seen = 0;

	for (uint8_t s = 0; s < rule->nsteps; s++) {
		uint32_t i = 0;

		while (i < n && events[i].step != s)
			i++;
		seen += i < n;
	}
	return seen;
}

static uint64_t
have_of(const struct correlator *c, const struct rule *rule, const struct record *r)
{
	uint64_t key = key_hash(&c->rules->keys[rule->key], r, c->seed);
	uint32_t i = tracks_find(&c->tracks, track_hash(key, rule, TRACK_RULE));
	struct track *t;

	if (i == TRACK_NONE)
		return 0;
	t = track_at(&c->tracks, i);
	if (t->dossier != POOL_NONE)
		return dossier_at(c, t->dossier)->count;
	if (rule->shape == RULE_SEQUENCE)
		return steps_seen(rule, track_events(t), t->n);
	return rule->shape == RULE_COUNT ? window_have(rule, track_events(t), t->n) : t->n;
}

void
correlate_explain(struct correlator *c, const struct record *r,
    void (*on_rule)(void *ctx, uint32_t rule, uint64_t have, uint64_t need, const char *why_not),
    void *ctx)
{
	const struct kind_wants *kind = &c->rules->kinds[r->kind];

	for (uint32_t i = 0; i < kind->n; i++) {
		const struct want *w = &c->rules->wants[kind->first + i];
		const struct rule *rule = &c->rules->rules[w->rule];
		const char *why;

		if (w->role != WANT_STEP)
			continue;
		why = why_not(c, rule, &rule->steps[w->step], r);
		on_rule(ctx, w->rule, why ? 0 : have_of(c, rule, r), need_of(rule), why);
	}
}
