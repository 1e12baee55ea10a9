/*
 * plan: a line filled into the plan of its mould. Must ask for everything that the plan expects of a value before
 * anything of the record is changed.
 */
#include "watch/mould/plan.h"

#include "watch/mould/mould.h"
#include "watch/store.h"

static inline const char *
place_of(struct plan_edge edge, struct str text, const char **to)
{
	return (edge.run ? to[edge.run - 1] : text.p) + edge.off;
}

static inline struct str
value_of(const struct plan_slot *slot, struct str text, const char **to)
{
	const char *begin = place_of(slot->begin, text, to);
	struct str value = str_of(begin, (size_t)(place_of(slot->end, text, to) - begin));

	return slot->wild ? match_wild_value(value) : value;
}

/* Does the value go where the plan has it? */
static inline bool
goes_there(const struct plan_slot *slot, struct str value, const struct match *match)
{
	uint16_t target;

	switch ((enum plan_how)slot->how) {
	case HOW_SURE:
		return true;
	case HOW_TEXT:
		return value.n != 1 || value.p[0] != '-';
	case HOW_TIME:
		return match_stamp(match, value.p) != NULL;
	case HOW_STORED:
	case HOW_MAPPED:
		break;
	}
	target = slot->how == HOW_MAPPED ? store_mapped_target(slot->key, value) : store_target(slot->key, value);
	return target == slot->target;
}

/* The texts of the plan stand one behind the other in extra. False: there is no room. */
static bool
add_extra(const struct plan *plan, struct record *r)
{
	uint32_t from;

	if (plan->nextra == 0)
		return true;
	if (!r->extra || r->extra->n + plan->nextra > RECORD_EXTRA_MAX || r->extra->n + plan->nextra > r->extra->max)
		return false;
	from = (uint32_t)(r->raw.n + r->extra->n);
	buf_add(r->extra, str_of(plan->extra, plan->nextra));
	for (uint32_t left = plan->in_extra; left; left &= left - 1)
		r->fields[__builtin_ctz(left)].at.off += from;
	return buf_ok(r->extra);
}

static void
set_kind(const struct ruleset *rs, const struct line *l, const struct plan *plan, struct record *r)
{
	r->kind = plan->kind;
	r->hostile = plan->hostile;
	for (uint8_t i = 0; i < plan->nrefines; i++) {
		const struct line_refine *refine = &l->refines[plan->refines[i]];

		if (!conditions_hold(refine->when, refine->nwhen, rs, r, NULL))
			continue;
		r->kind = refine->kind;
		r->hostile = l->verdict == VERDICT_OF_KIND ? kinds_row(rs->kinds, r->kind)->hostile : plan->hostile;
		return;
	}
}

/* Fields beyond r->nfields are nobody's: they may be filled before it is known that the plan holds. */
static bool
fill_fields(const struct plan *plan, struct str text, struct slot base, const struct match *match, const char **to,
    struct record *r)
{
	const struct stamp *stamp = NULL;

	memcpy(r->fields, plan->fields, plan->nfields * sizeof(r->fields[0]));
	for (uint8_t i = 0; i < plan->nslots; i++) {
		const struct plan_slot *slot = &plan->slots[i];
		struct str value = value_of(slot, text, to);

		if (!goes_there(slot, value, match))
			return false;
		if (slot->field != PLAN_NOWHERE)
			r->fields[slot->field].at = slot_part(base, (size_t)(value.p - text.p), value.n);
		else if (slot->how == HOW_TIME)
			stamp = match_stamp(match, value.p);
	}
	if (!add_extra(plan, r))
		return false;
	if (stamp)
		r->stamp = *stamp;
	return true;
}

enum plan_answer
plan_finish(const struct ruleset *rs, const struct mould *m, struct str text, struct slot base,
    const struct match *match, const char **to, struct record *r)
{
	const struct plan *plan = &m->plan;
	struct kept before;

	if (!plan->made || r->nfields)
		return PLAN_STANDS_BACK;
	keep_state(r, &before);
	if (!fill_fields(plan, text, base, match, to, r))
		return PLAN_STANDS_BACK;
	r->nfields = plan->nfields;
	r->keys_seen |= plan->keys_seen;
	memcpy(r->hint, plan->hint, sizeof(r->hint));
	if (plan->asks && !conditions_hold(m->line->when, m->line->nwhen, rs, r, NULL)) {
		restore_state(r, &before);
		return PLAN_REFUSED;
	}
	set_kind(rs, m->line, plan, r);
	r->decoder = m->line->decoder;
	r->sure = !m->line->guess;
	return PLAN_DONE;
}
