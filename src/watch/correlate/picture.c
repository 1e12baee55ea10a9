/* picture: what an incident learns of its records: how grave it is, of which kind, and who and what was seen. */
#include "watch/correlate/picture.h"

#define FACTS_UNTIL 1024u          /* records of one incident that are looked at */

/* Of equally grave kinds the first in the table: which came first is not asked. */
uint16_t
graver_kind(const struct correlator *c, uint16_t a, uint16_t b)
{
	enum severity x, y;

	if (a == KIND_NONE || b == KIND_NONE)
		return a == KIND_NONE ? b : a;
	x = kinds_row(c->rs->kinds, a)->severity;
	y = kinds_row(c->rs->kinds, b)->severity;
	if (x != y)
		return x > y ? a : b;
	return a < b ? a : b;
}

void
raise_by_count(struct dossier *d, const struct rule *rule)
{
	for (uint32_t i = 0; i < rule->nseverities; i++) {
		const struct rule_severity *s = &rule->severities[i];

		if (s->at && d->count >= s->at && s->severity > (enum severity)d->severity)
			d->severity = (uint8_t)s->severity;
	}
}

static enum severity
severity_of(const struct correlator *c, const struct rule *rule, const struct record *r)
{
	for (uint32_t i = 0; i < rule->nseverities; i++) {
		if (!rule->severities[i].at && conditions_hold(rule->severities[i].when,
		    rule->severities[i].nwhen, c->rs, r, &c->env))
			return rule->severities[i].severity;
	}
	if (rule->open_record && !rule->severe)
		return kinds_row(c->rs->kinds, r->kind)->severity;
	return rule->severity;
}

/* What one record adds to the picture. */
static void
add_record(struct correlator *c, struct dossier *d, const struct rule *rule, const struct record *r)
{
	enum severity severity = severity_of(c, rule, r);

	if (!d->rated || severity > (enum severity)d->severity)
		d->severity = (uint8_t)severity;
	d->rated = true;
	if (rule->open_record)
		d->kind = graver_kind(c, d->kind, r->kind);
	/* What is part of another is told by that one. */
	if (d->ninto == 0)
		facts_add(&d->facts, r, c->seed);
}

void
dossier_learn_event(struct correlator *c, uint32_t i, const struct rule *rule,
    const struct event *e, const struct record *r)
{
	struct dossier *d = dossier_at(c, i);
	struct record copy;

	if (d->count > FACTS_UNTIL && d->meets != POOL_NONE)
		return;
	if (!r) {
		if (!recall_get(&c->recall, e->recall, &copy) || copy.ref != e->ref)
			return;
		r = &copy;
	}
	add_record(c, d, rule, r);
	if (d->meets == POOL_NONE && rule->nmeets > 0)
		meetings_add(c, i, r);
}

void
dossier_learn(struct correlator *c, uint32_t i, const struct record *r)
{
	struct dossier *d = dossier_at(c, i);

	add_record(c, d, &c->rules->rules[d->rule], r);
	dossier_touch(c, i);
}
