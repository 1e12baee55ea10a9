/*
 * wanted: a kind's wants parted by the value that they ask one field for. The field is the one that most of them ask.
 */
#include "watch/wanted.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"

#define WORTH 4                    /* fewer than this are walked sooner than looked up */

static const struct condition *
asks_field(const struct condition *v, uint32_t n, uint16_t field)
{
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].about == CONDITION_FIELD && v[i].op == CONDITION_IS && v[i].field == field &&
		    v[i].nvalues > 0)
			return &v[i];
	}
	return NULL;
}

/* The condition that must hold for this want and names values of the field; NULL when there is none. */
static const struct condition *
gate_of(const struct rules *rules, const struct want *w, uint16_t field)
{
	const struct rule *rule = &rules->rules[w->rule];
	const struct rule_step *step = &rule->steps[w->step];
	const struct condition *c;

	if (w->role != WANT_STEP)
		return asks_field(rule->context_where, rule->ncontext_where, field);
	c = asks_field(step->where, step->nwhere, field);
	return c ? c : asks_field(rule->where, rule->nwhere, field);
}

static uint32_t
count_gated(const struct rules *rules, const struct kind_wants *kind, uint16_t field, uint32_t *ret_values)
{
	uint32_t n = 0, values = 0;

	for (uint32_t i = 0; i < kind->n; i++) {
		const struct condition *c = gate_of(rules, &rules->wants[kind->first + i], field);

		n += c != NULL;
		values += c ? c->nvalues : 0;
	}
	*ret_values = values;
	return n;
}

static void
note_fields(const struct condition *v, uint32_t n, uint32_t *counts)
{
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].about == CONDITION_FIELD && v[i].op == CONDITION_IS && v[i].field < FIELD_MAX)
			counts[v[i].field]++;
	}
}

/* The pid of a line's head is no text: conditions make one of it, a look-up would find none. */
static uint16_t
best_field(const struct rules *rules, const struct kind_wants *kind, uint32_t *counts)
{
	uint16_t best = FIELD_NONE;

	for (uint32_t i = 0; i < kind->n; i++) {
		const struct want *w = &rules->wants[kind->first + i];
		const struct rule *rule = &rules->rules[w->rule];

		if (w->role != WANT_STEP) {
			note_fields(rule->context_where, rule->ncontext_where, counts);
			continue;
		}
		note_fields(rule->steps[w->step].where, rule->steps[w->step].nwhere, counts);
		note_fields(rule->where, rule->nwhere, counts);
	}
	counts[FIELD_pid] = 0;
	for (uint16_t f = 0; f < FIELD_MAX; f++) {
		if (counts[f] >= WORTH && (best == FIELD_NONE || counts[f] > counts[best]))
			best = f;
	}
	return best;
}

static struct want_value *
place_of(const struct want_gate *g, struct str value)
{
	uint32_t at = (uint32_t)hash_nocase(value, 0) & g->mask;

	while (g->values[at].value.p && !str_eq_nocase(g->values[at].value, value))
		at = (at + 1) & g->mask;
	return &g->values[at];
}

/* Counts what each value has; without a gate those wants are the rest, and are rows at once. */
static void
count_values(const struct rules *rules, const struct kind_wants *kind, struct want_gate *g)
{
	for (uint32_t i = 0; i < kind->n; i++) {
		const struct condition *c = gate_of(rules, &rules->wants[kind->first + i], g->field);

		if (!c)
			g->rows[g->nrest++] = i;
		for (uint32_t k = 0; c && k < c->nvalues; k++) {
			struct want_value *v = place_of(g, c->values[k]);

			v->value = c->values[k];
			v->n++;
		}
	}
}

static void
fill_rows(const struct rules *rules, const struct kind_wants *kind, struct want_gate *g)
{
	uint32_t at = g->nrest;

	for (uint32_t i = 0; i <= g->mask; i++) {
		g->values[i].first = at;
		at += g->values[i].n;
		g->values[i].n = 0;
	}
	for (uint32_t i = 0; i < kind->n; i++) {
		const struct condition *c = gate_of(rules, &rules->wants[kind->first + i], g->field);

		for (uint32_t k = 0; c && k < c->nvalues; k++) {
			struct want_value *v = place_of(g, c->values[k]);

			/* `is ssh, SSH`: one want is walked once. */
			if (v->n == 0 || g->rows[v->first + v->n - 1] != i)
				g->rows[v->first + v->n++] = i;
		}
	}
}

int
wanted_index(struct arena *a, const struct rules *rules, struct kind_wants *kind)
{
	uint32_t counts[FIELD_MAX] = { 0 }, size = 8, nvalues;
	uint16_t field = kind->n >= WORTH ? best_field(rules, kind, counts) : FIELD_NONE;
	struct want_gate *g;

	if (field == FIELD_NONE || count_gated(rules, kind, field, &nvalues) < WORTH)
		return 0;
	while (size < nvalues * 2)
		size *= 2;
	g = ARENA_ARRAY(a, struct want_gate, 1);
	if (!g)
		return -ENOMEM;
	g->field = field;
	g->mask = size - 1;
	g->values = ARENA_ARRAY(a, struct want_value, size);
	g->rows = ARENA_ARRAY(a, uint32_t, kind->n + (size_t)nvalues);
	if (!g->values || !g->rows)
		return -ENOMEM;
	count_values(rules, kind, g);
	fill_rows(rules, kind, g);
	kind->gate = g;
	return 0;
}

void
wanted_pass_gate(const struct want_gate *g, const struct record *r, struct wanted *w)
{
	struct str value = record_fact(r, g->field);

	w->rest = g->rows;
	w->rest_end = g->rows + g->nrest;
	if (value.p) {
		const struct want_value *own = place_of(g, value);

		w->own = g->rows + own->first;
		w->own_end = w->own + own->n;
	}
}

const struct want *
wanted_gated(struct wanted *w)
{
	bool own = w->own < w->own_end && (w->rest == w->rest_end || *w->own < *w->rest);

	if (!own && w->rest == w->rest_end)
		return NULL;
	return &w->wants[own ? *w->own++ : *w->rest++];
}
