/*
 * mould_plan: see mould_plan.h. A plan is made by going through finish.c's steps with what is known of all lines that
 * fit: each value is a run of certain bytes, so for most of them it is known how they are stored. Where it is not, the
 * way of the line that taught the mould is expected and asked for again. Must never expect what it does not ask for.
 */
#include "watch/mould_plan.h"

#include "watch/mould.h"
#include "watch/store.h"

enum plan_how {
	HOW_SURE,        /* always stored as it stands */
	HOW_TEXT,        /* unless it is "-" */
	HOW_STORED,      /* as store_target() says */
	HOW_MAPPED,      /* as store_mapped_target() says */
	HOW_TIME,        /* the time that stands in the line */
};

struct making {
	const struct ruleset *rs;
	const struct line *l;
	struct mould *m;
	struct plan *plan;
	struct str values[MOULD_PARTS_MAX];    /* of the text that taught */
	struct str known[PLAN_FIELDS_MAX];     /* by field: its text when it is the same in every line */
	uint8_t value_of[PLAN_FIELDS_MAX];     /* by field, or PLAN_NOWHERE: a constant */
};

/* The field of the plan with that key, or PLAN_NOWHERE. */
static uint8_t
find(const struct making *k, uint16_t key)
{
	for (uint8_t i = 0; i < k->plan->nfields; i++)
		if (k->plan->fields[i].key == key)
			return i;
	return PLAN_NOWHERE;
}

/* As record_set(): adds or replaces. PLAN_NOWHERE when there are too many. */
static uint8_t
set_field(struct making *k, uint16_t key, uint16_t flags, uint8_t value, struct str known)
{
	uint8_t at = find(k, key);

	if (at == PLAN_NOWHERE) {
		if (k->plan->nfields == PLAN_FIELDS_MAX)
			return PLAN_NOWHERE;
		at = k->plan->nfields++;
	}
	k->plan->fields[at] = (struct field){ .key = key, .flags = flags };
	k->known[at] = known;
	k->value_of[at] = value;
	return at;
}

static bool
add_slot(struct making *k, struct plan_slot slot)
{
	if (k->plan->nslots == PLAN_SLOTS_MAX)
		return false;
	k->plan->slots[k->plan->nslots++] = slot;
	return true;
}

/* Is the value stored in the same way whatever the run may hold? */
static bool
is_sure(const struct making *k, uint16_t key, uint8_t value)
{
	const struct mould_hole *v = &k->m->values[value];
	uint8_t run = k->m->parts[v->part].run;

	if (v->back != MOULD_RUN || v->empty)
		return false;
	switch (store_as(key)) {
	case STORE_TEXT:
		return run == RUN_SAME || run == RUN_QUAD || run == RUN_PORT || run == RUN_DIGITS || run == RUN_HEX;
	case STORE_ADDR:
	case STORE_HOST:
		return run == RUN_SAME || run == RUN_QUAD;
	case STORE_PORT:
		return run == RUN_SAME || run == RUN_PORT;
	case STORE_TIME:
		break;
	}
	return false;
}

/* A value under a key, stored as that of the line that taught; under which field it is. */
static bool
add_value(struct making *k, uint16_t key, uint8_t value, bool mapped, uint16_t *ret_target)
{
	bool sure = is_sure(k, key, value), same = sure && k->m->parts[k->m->values[value].part].run == RUN_SAME;
	struct str text = k->values[value];
	uint16_t target = mapped ? store_mapped_target(key, text) : store_target(key, text);
	struct plan_slot slot = { .key = key, .target = target, .value = value, .field = PLAN_NOWHERE };

	if (target == STORE_OTHERWISE)
		return false;
	slot.how = mapped ? HOW_MAPPED : HOW_STORED;
	if (sure)
		slot.how = HOW_SURE;
	else if (!mapped && store_as(key) == STORE_TEXT && target == key)
		slot.how = HOW_TEXT;
	*ret_target = target;
	if (target != FIELD_NONE) {
		slot.field = set_field(k, target, 0, value, same ? text : STR_NULL);
		return slot.field != PLAN_NOWHERE && add_slot(k, slot);
	}
	return sure || add_slot(k, slot);
}

/* In the order of the holes, as finish.c stores them. */
static bool
add_captures(struct making *k)
{
	const struct pattern *p = &k->l->pattern;
	uint16_t target;

	for (uint16_t hole = 0; hole < p->nholes; hole++) {
		uint8_t i = 0;

		while (i < k->m->nvalues && k->m->values[i].hole != hole)
			i++;
		if (i == k->m->nvalues)
			continue;
		if (p->holes[hole].type == HOLE_KV)
			return false;
		if (p->holes[hole].field != FIELD_time) {
			if (!add_value(k, p->holes[hole].field, i, false, &target))
				return false;
		} else if (k->m->parts[k->m->values[i].part].run != RUN_TIME ||
		    !add_slot(k, (struct plan_slot){ .value = i, .how = HOW_TIME, .field = PLAN_NOWHERE })) {
			return false;
		}
	}
	return true;
}

static bool
add_constants(struct making *k)
{
	struct plan *plan = k->plan;

	for (uint32_t i = 0; i < k->l->nconstants; i++) {
		const struct constant *c = &k->l->constants[i];
		uint8_t at = set_field(k, c->field, FIELD_CONST, PLAN_NOWHERE, c->text);

		if (at == PLAN_NOWHERE || c->text.n > PLAN_EXTRA_MAX - plan->nextra)
			return false;
		plan->fields[at].at = (struct slot){ .off = plan->nextra, .len = (uint32_t)c->text.n };
		memcpy(plan->extra + plan->nextra, c->text.p, c->text.n);
		plan->nextra = (uint8_t)(plan->nextra + c->text.n);
	}
	return true;
}

static bool
add_maps(struct making *k)
{
	for (uint32_t i = 0; i < k->l->nmaps; i++) {
		const struct mapping *map = &k->l->maps[i];
		uint16_t target = FIELD_NONE;

		/* What says nothing lets the next key speak. */
		for (uint32_t n = 0; n < map->nfrom && target == FIELD_NONE; n++) {
			uint8_t at = find(k, map->from[n]);

			if (at != PLAN_NOWHERE &&
			    (k->value_of[at] == PLAN_NOWHERE || !add_value(k, map->field, k->value_of[at], true, &target)))
				return false;
		}
	}
	return true;
}

enum answer { NO, YES, LIVE };         /* LIVE: it depends on the line */

static enum answer
ask(const struct making *k, const struct condition *c)
{
	uint8_t at = c->plain ? find(k, c->field) : PLAN_NOWHERE;

	if (!c->plain)
		return LIVE;
	if (at == PLAN_NOWHERE)
		return c->if_absent ? YES : NO;
	if (!k->known[at].p || c->other != FIELD_NONE)
		return LIVE;
	return condition_ask(c, k->known[at], NULL, NULL) ? YES : NO;
}

static enum answer
ask_all(const struct making *k, const struct condition *c, uint32_t n)
{
	enum answer all = YES;

	for (uint32_t i = 0; i < n && all != NO; i++) {
		enum answer one = ask(k, &c[i]);

		all = one == YES ? all : one;
	}
	return all;
}

/* A plan asks when the fields to be dropped are gone: does a question name one of those? */
static bool
asks_dropped(const struct making *k, const struct condition *c, uint32_t n)
{
	for (uint32_t i = 0; i < k->l->ndrops; i++) {
		if (find(k, k->l->drops[i]) == PLAN_NOWHERE)
			continue;
		for (uint32_t q = 0; q < n; q++)
			if (c[q].field == k->l->drops[i] || c[q].other == k->l->drops[i])
				return true;
	}
	return false;
}

static bool
is_hostile(const struct making *k, uint16_t kind)
{
	return k->l->verdict == VERDICT_OF_KIND ? kinds_row(k->rs->kinds, kind)->hostile : k->l->verdict == VERDICT_HOSTILE;
}

static bool
decide_kind(struct making *k)
{
	const struct line *l = k->l;
	struct plan *plan = k->plan;
	enum answer when = ask_all(k, l->when, l->nwhen), holds = NO;

	if (when == NO || asks_dropped(k, l->when, l->nwhen))
		return false;
	plan->asks = when == LIVE;
	plan->kind = l->kind;
	for (uint32_t i = 0; i < l->nrefines && holds != YES; i++) {
		const struct line_refine *refine = &l->refines[i];

		holds = ask_all(k, refine->when, refine->nwhen);
		if (holds == YES)
			plan->kind = refine->kind;
		if (holds != LIVE)
			continue;
		if (plan->nrefines == PLAN_REFINES_MAX || i > UINT8_MAX || asks_dropped(k, refine->when, refine->nwhen))
			return false;
		plan->refines[plan->nrefines++] = (uint8_t)i;
	}
	plan->hostile = is_hostile(k, plan->kind);
	return true;
}

static void
drop_field(struct plan *plan, uint8_t at)
{
	memmove(&plan->fields[at], &plan->fields[at + 1], (plan->nfields - at - 1u) * sizeof(plan->fields[0]));
	plan->nfields--;
	for (uint8_t i = 0; i < plan->nslots; i++) {
		struct plan_slot *slot = &plan->slots[i];

		if (slot->field == at)
			slot->field = PLAN_NOWHERE;
		else if (slot->field != PLAN_NOWHERE && slot->field > at)
			slot->field--;
	}
}

static void
drop_fields(struct making *k)
{
	for (uint32_t i = 0; i < k->l->ndrops; i++) {
		uint8_t at = find(k, k->l->drops[i]);

		if (at != PLAN_NOWHERE)
			drop_field(k->plan, at);
	}
	for (uint8_t i = 0; i < k->plan->nfields; i++) {
		uint16_t key = k->plan->fields[i].key;

		k->plan->keys_seen |= UINT64_C(1) << (key % 64);
		k->plan->hint[key % 64] = i;
	}
}

/* Of several values for one field the last stays; those before it are still asked about. */
static void
settle_slots(struct plan *plan)
{
	uint64_t taken = 0;

	for (uint8_t i = plan->nslots; i-- > 0;) {
		struct plan_slot *slot = &plan->slots[i];

		if (slot->field == PLAN_NOWHERE)
			continue;
		if ((taken >> slot->field & 1) || (plan->fields[slot->field].flags & FIELD_CONST))
			slot->field = PLAN_NOWHERE;
		else
			taken |= UINT64_C(1) << slot->field;
	}
}

void
plan_make(const struct ruleset *rs, struct mould *m, struct str text, const char **from, const char **to)
{
	struct making k = { .rs = rs, .l = m->line, .m = m, .plan = &m->plan };

	m->plan = (struct plan){ .made = false };
	for (uint8_t i = 0; i < m->nvalues; i++)
		k.values[i] = mould_value(&m->values[i], text, from, to);
	if (!add_captures(&k) || !add_constants(&k) || !add_maps(&k) || !decide_kind(&k))
		return;
	settle_slots(&m->plan);
	drop_fields(&k);
	m->plan.made = true;
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

/* Constants stand one behind the other in extra. False: there is no room. */
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
	for (uint8_t i = 0; i < plan->nfields; i++)
		if (r->fields[i].flags & FIELD_CONST)
			r->fields[i].at.off += from;
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
fill_fields(const struct mould *m, struct str text, struct slot base, const struct match *match, const char **from,
    const char **to, struct record *r)
{
	const struct plan *plan = &m->plan;
	const struct stamp *stamp = NULL;

	memcpy(r->fields, plan->fields, plan->nfields * sizeof(r->fields[0]));
	for (uint8_t i = 0; i < plan->nslots; i++) {
		const struct plan_slot *slot = &plan->slots[i];
		struct str value = mould_value(&m->values[slot->value], text, from, to);

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
    const struct match *match, const char **from, const char **to, struct record *r)
{
	const struct plan *plan = &m->plan;
	struct kept before;

	if (!plan->made || r->nfields)
		return PLAN_STANDS_BACK;
	keep_state(r, &before);
	if (!fill_fields(m, text, base, match, from, to, r))
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
