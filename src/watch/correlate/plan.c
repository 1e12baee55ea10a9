/* plan: see plan.h. */
#include "watch/correlate/plan.h"

#include <errno.h>

#include "watch/correlate/key.h"

static uint16_t
part_index(struct rules *rules, struct key_part part)
{
	uint32_t i = 0;

	while (i < rules->nparts && (rules->parts[i].field != part.field || rules->parts[i].net != part.net))
		i++;
	if (i == rules->nparts)
		rules->parts[rules->nparts++] = part;
	return (uint16_t)i;
}

/* The head of a line may stand for these, or another field: see key_value(). */
static bool
has_stand_in(uint16_t field)
{
	return field == FIELD_host || field == FIELD_program || field == FIELD_pid || field == FIELD_message ||
	    field == FIELD_src || field == FIELD_dst;
}

static void
plan_key(struct rules *rules, const struct key_spec *spec, struct key_plan *plan)
{
	plan->n = spec->n;
	for (uint8_t i = 0; i < spec->n; i++) {
		plan->part[i] = part_index(rules, spec->part[i]);
		if (!key_part_needed(spec, i))
			plan->optional |= (uint8_t)(1u << i);
		else if (!has_stand_in(spec->part[i].field))
			plan->needs |= UINT64_C(1) << (spec->part[i].field % 64);
	}
}

static bool
key_has_pid(const struct key_spec *key)
{
	for (uint8_t i = 0; i < key->n; i++) {
		if (key->part[i].field == FIELD_pid)
			return true;
	}
	return false;
}

static int64_t
keep_us(const struct rule *rule)
{
	if (rule->shape == RULE_EACH)
		return 0;
	if (rule->shape == RULE_FIRST || rule->shape == RULE_SILENCE)
		return INT64_MAX;
	return rule->nsteps && rule->steps[rule->nsteps - 1].absent ? rule->within_us * 2 : rule->within_us;
}

int
plan_keys(struct arena *a, struct rules *rules)
{
	uint64_t *carried = ARENA_ARRAY(a, uint64_t, FIELD_MAX / 64);

	rules->parts = ARENA_ARRAY(a, struct key_part,
	    (size_t)rules->nkeys * RULE_KEY_PARTS_MAX + rules->nrules + 1);
	rules->plans = ARENA_ARRAY(a, struct key_plan, rules->nkeys + 1);
	if (!carried || !rules->parts || !rules->plans)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->nkeys; i++)
		plan_key(rules, &rules->keys[i], &rules->plans[i]);
	for (uint32_t i = 0; i < rules->nrules; i++) {
		struct rule *rule = &rules->rules[i];

		rule->keep_us = keep_us(rule);
		if (rule->distinct != FIELD_NONE)
			rule->distinct_part = part_index(rules, (struct key_part){ .field = rule->distinct,
			    .net = rule->distinct_net });
	}
	rules->lacking = rules->njoins ? rules->joins[0].carry[0] : FIELD_NONE;
	for (uint32_t j = 0; j < rules->njoins; j++) {
		struct join *join = &rules->joins[j];

		if (join->carry[0] != rules->lacking)
			rules->lacking = FIELD_NONE;
		join->by_pid = key_has_pid(&rules->keys[join->key]);
		for (uint8_t f = 0; f < join->ncarry; f++)
			carried[join->carry[f] >> 6] |= UINT64_C(1) << (join->carry[f] & 63);
	}
	rules->carried = carried;
	return 0;
}

static void
keep_field(uint64_t *bits, uint16_t field)
{
	if (field < FIELD_MAX)
		bits[field >> 6] |= UINT64_C(1) << (field & 63);
}

static void
keep_key(const struct rules *rules, uint64_t *bits, uint16_t key)
{
	for (uint8_t i = 0; key < rules->nkeys && i < rules->keys[key].n; i++)
		keep_field(bits, rules->keys[key].part[i].field);
}

static void
keep_conditions(uint64_t *bits, const struct condition *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		keep_field(bits, c[i].field);
		keep_field(bits, c[i].other);
	}
}

/* The stand-ins of key_value() are among the fields that all incidents tell, but for this one. */
static void
keep_rule(const struct rules *rules, uint64_t *bits, const struct rule *r)
{
	keep_field(bits, FIELD_dst_host);
	keep_field(bits, r->distinct);
	keep_key(rules, bits, r->key);
	keep_key(rules, bits, r->same);
	keep_key(rules, bits, r->context);
	for (uint8_t i = 0; i < r->nfacts; i++)
		keep_field(bits, r->facts[i]);
	keep_conditions(bits, r->where, r->nwhere);
	keep_conditions(bits, r->context_where, r->ncontext_where);
	for (uint8_t i = 0; i < r->nsteps; i++)
		keep_conditions(bits, r->steps[i].where, r->steps[i].nwhere);
	for (uint32_t i = 0; i < r->nseverities; i++)
		keep_conditions(bits, r->severities[i].when, r->severities[i].nwhen);
}

int
plan_keep(struct arena *a, const struct rules *rules, struct kind_wants *kind)
{
	uint64_t *bits = kind->n ? ARENA_ARRAY(a, uint64_t, rules->nfields / 64u + 1) : NULL;

	if (kind->n == 0)
		return 0;
	if (!bits)
		return -ENOMEM;
	for (uint32_t i = 0; i < kind->n; i++)
		keep_rule(rules, bits, &rules->rules[rules->wants[kind->first + i].rule]);
	for (uint32_t i = 0; i < rules->nrisk; i++)
		keep_rule(rules, bits, &rules->rules[rules->risk_rules[i]]);
	for (uint32_t j = 0; j < rules->njoins; j++) {
		keep_key(rules, bits, rules->joins[j].key);
		for (uint8_t f = 0; f < rules->joins[j].ncarry; f++)
			keep_field(bits, rules->joins[j].carry[f]);
	}
	kind->keep = bits;
	return 0;
}

static bool
asks_carried(const struct rules *rules, const struct condition *c)
{
	return plan_is_carried(rules, c->field) || plan_is_carried(rules, c->other);
}

/* How much there is to be read for an answer. */
static unsigned
effort(const struct condition *c)
{
	switch (c->op) {
	case CONDITION_EXISTS:
	case CONDITION_ABSENT:
		return 0;
	case CONDITION_IS:
	case CONDITION_NOT:
		return 1;
	case CONDITION_HAS:
	case CONDITION_LACKS:
		return 3;
	case CONDITION_LIKE:
		return 4;
	case CONDITION_STARTS:
	case CONDITION_ENDS:
	case CONDITION_IN:
	case CONDITION_OUTSIDE:
	case CONDITION_ABOVE:
	case CONDITION_BELOW:
	case CONDITION_BETWEEN:
	case CONDITION_SAME:
	case CONDITION_DIFFERS:
	case CONDITION_HOLDS:
	case CONDITION_EXTERNAL:
		return 2;
	}
	return 2;
}

static bool
sooner(const struct rules *rules, const struct condition *a, const struct condition *b)
{
	bool later_a = asks_carried(rules, a), later_b = asks_carried(rules, b);

	return later_a != later_b ? later_b : effort(a) < effort(b);
}

static void
take_asks(const struct rules *rules, struct want *w, const struct condition **asks,
    const struct condition *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint16_t at = w->nasks++;

		for (; at > 0 && sooner(rules, &v[i], asks[at - 1]); at--)
			asks[at] = asks[at - 1];
		asks[at] = &v[i];
		w->nearly += !asks_carried(rules, &v[i]);
	}
}

int
plan_wants(struct arena *a, const struct rules *rules, struct want *wants, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct rule *rule = &rules->rules[wants[i].rule];
		const struct rule_step *step = &rule->steps[wants[i].step];
		bool context = wants[i].role == WANT_CONTEXT;
		uint32_t most = context ? rule->ncontext_where : step->nwhere + rule->nwhere;
		const struct condition **asks = most ? ARENA_ARRAY(a, const struct condition *, most) : NULL;

		if (most > UINT16_MAX || (most && !asks))
			return -ENOMEM;
		wants[i].asks = asks;
		if (context) {
			take_asks(rules, &wants[i], asks, rule->context_where, rule->ncontext_where);
		} else {
			take_asks(rules, &wants[i], asks, step->where, step->nwhere);
			take_asks(rules, &wants[i], asks, rule->where, rule->nwhere);
		}
	}
	return 0;
}
