/*
 * plan_make: a plan is made by going through finish.c's steps with what is known of all lines that fit: each value
 * is a run of certain bytes, or fixed, so for most of them it is known how they are stored. Where it is not, the way of
 * the line that taught the mould is expected, and asked for again in every line. Must never expect what is not asked for.
 */
#include "watch/forms.h"
#include "watch/mould/mould.h"
#include "watch/store.h"
#include "wire/kv.h"

#define VALUES_MAX 64

struct value {
	struct str text;               /* in the line that taught */
	struct plan_slot at;           /* begin, end, wild */
	uint8_t run;                   /* what it is made of: RUN_SAME: it is fixed; RUN_NONE: more than a run */
};

struct making {
	const struct ruleset *rs;
	const struct line *l;
	const struct mould *m;
	struct plan *plan;
	struct str text;
	const char **from, **to;
	struct value values[VALUES_MAX];
	uint8_t nvalues;
	struct str known[PLAN_FIELDS_MAX];     /* by field: its text when it is the same in every line */
	uint8_t value_of[PLAN_FIELDS_MAX];     /* by field, or PLAN_NOWHERE: a text of the plan */
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
	k->plan->in_extra &= ~(1u << at);
	k->known[at] = known;
	k->value_of[at] = value;
	return at;
}

/* A text of the plan's own, as record_set_text() would copy it. */
static bool
set_text(struct making *k, uint16_t key, struct str text, uint16_t flags)
{
	struct plan *plan = k->plan;
	char *copy = plan->extra + plan->nextra;
	uint8_t at;

	if (text.n > PLAN_EXTRA_MAX - plan->nextra)
		return false;
	memcpy(copy, text.p, text.n);
	at = set_field(k, key, flags, PLAN_NOWHERE, str_of(copy, text.n));
	if (at == PLAN_NOWHERE)
		return false;
	plan->fields[at].at = (struct slot){ .off = plan->nextra, .len = (uint32_t)text.n };
	plan->in_extra |= 1u << at;
	plan->nextra = (uint8_t)(plan->nextra + text.n);
	return true;
}

/* Is the value stored in the same way whatever the run may hold? */
static bool
is_sure(uint16_t key, uint8_t run)
{
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
	const struct value *v = &k->values[value];
	bool sure = is_sure(key, v->run);
	struct plan_slot slot = v->at;

	slot.key = key;
	slot.target = mapped ? store_mapped_target(key, v->text) : store_target(key, v->text);
	slot.field = PLAN_NOWHERE;
	slot.how = mapped ? HOW_MAPPED : HOW_STORED;
	if (sure)
		slot.how = HOW_SURE;
	else if (!mapped && store_as(key) == STORE_TEXT && slot.target == key)
		slot.how = HOW_TEXT;
	*ret_target = slot.target;
	if (slot.target != FIELD_NONE && slot.target != STORE_OTHERWISE)
		slot.field = set_field(k, slot.target, 0, value, v->run == RUN_SAME ? v->text : STR_NULL);
	if (slot.target == STORE_OTHERWISE || (slot.target != FIELD_NONE && slot.field == PLAN_NOWHERE) ||
	    k->plan->nslots == PLAN_SLOTS_MAX)
		return false;
	k->plan->slots[k->plan->nslots++] = slot;
	return true;
}

/* A place in the text by the run that ends before it; false when it lies within a run. */
static bool
edge_of(const struct making *k, const char *place, bool ends, struct plan_edge *ret)
{
	uint8_t run = 0;

	while (run < k->m->nparts && (k->to[run] < place || (k->to[run] == place && (ends || k->from[run] < place))))
		run++;
	if (run < k->m->nparts && k->from[run] < place)
		return false;
	*ret = (struct plan_edge){ .run = run, .off = (int16_t)(place - (run ? k->to[run - 1] : k->text.p)) };
	return true;
}

/* A stretch of the text as a value: false when a run lies across one of its ends. */
static bool
value_at(const struct making *k, struct str text, struct value *ret)
{
	struct value v = { .text = text, .run = RUN_NONE };

	if (!edge_of(k, text.p, false, &v.at.begin) || !edge_of(k, text.p + text.n, true, &v.at.end))
		return false;
	if (v.at.begin.run == v.at.end.run)
		v.run = RUN_SAME;
	else if (v.at.begin.run + 1 == v.at.end.run && v.at.end.off == 0 && k->from[v.at.begin.run] == text.p)
		v.run = k->m->parts[v.at.begin.run].run;
	*ret = v;
	return true;
}

/* What a hole of the pattern took. */
static struct value
value_of_hole(const struct making *k, const struct mould_hole *hole)
{
	const struct mould_part *part = &k->m->parts[hole->part];
	bool back = hole->back != MOULD_RUN;
	struct value v = { .text = mould_value(hole, k->text, k->from, k->to), .run = back || hole->empty ? RUN_NONE : part->run };

	v.at.wild = hole->wild;
	v.at.begin = (struct plan_edge){ .run = hole->part, .off = (int16_t)(part->len - (back ? hole->back : 0)) };
	v.at.end = (struct plan_edge){ .run = back ? k->m->nparts : (uint8_t)(hole->part + 1) };
	if (hole->empty)
		v.at.begin = v.at.end;
	return v;
}

static bool
keep_value(struct making *k, struct value v, uint8_t *ret)
{
	if (k->nvalues == VALUES_MAX)
		return false;
	*ret = k->nvalues;
	k->values[k->nvalues++] = v;
	return true;
}

/* Signs that may end a value, begin one or stand around it: what they mean depends on what is near them. */
static bool
is_tricky(char c)
{
	return c == '"' || c == '\'' || c == ',' || c == ';' || c == '(' || c == ')' || c == '\\';
}

/* Bytes that end no key and no value: then pairs are the same in every line, if no run is part of a key. */
static bool
is_simple(uint8_t run)
{
	return run == RUN_NONE || run == RUN_DIGITS || run == RUN_PORT || run == RUN_HEX || run == RUN_HOST || run == RUN_NAME ||
	    run == RUN_QUAD;
}

static bool
pairs_are_certain(const struct making *k, struct str pairs)
{
	for (uint8_t i = 0; i < k->m->nparts; i++)
		if (k->to[i] > pairs.p && k->from[i] < pairs.p + pairs.n && !is_simple(k->m->parts[i].run))
			return false;
	for (size_t i = 0; i < pairs.n; i++)
		if (is_tricky(pairs.p[i]))
			return false;
	return true;
}

/* Bare words in a row, as forms_pairs() puts them together. */
static bool
add_word(const struct making *k, struct str word, struct buf *words)
{
	struct value v;

	if (word.n == 0)
		return true;
	if (words->n)
		buf_add_byte(words, ' ');
	buf_add(words, word);
	return value_at(k, word, &v) && v.run == RUN_SAME && buf_ok(words);
}

static bool
add_pair(struct making *k, const struct kv *kv)
{
	uint16_t field = forms_field(k->rs, kv->key), target;
	struct value key, v;
	uint8_t value;

	if (!value_at(k, kv->key, &key) || key.run != RUN_SAME || !value_at(k, kv->value, &v))
		return false;
	if (field == FIELD_NONE || forms_is_unread(k->l, field))
		return true;
	return keep_value(k, v, &value) && add_value(k, field, value, true, &target);
}

/* The pairs that a hole took, under the writer's keys. */
static bool
add_pairs(struct making *k, struct str pairs)
{
	struct buf words = BUF_INIT(PLAN_EXTRA_MAX);
	struct str rest = pairs;
	bool done = pairs_are_certain(k, pairs);
	struct kv kv;

	while (done && kv_next(&rest, &kv))
		done = kv.key.n ? add_pair(k, &kv) : add_word(k, kv.value, &words);
	if (done && words.n)
		done = set_text(k, FIELD_flags, buf_str(&words), 0);
	buf_free(&words);
	return done;
}

static bool
add_capture(struct making *k, const struct hole *h, struct value v)
{
	uint16_t target;
	uint8_t value;

	if (h->type == HOLE_KV)
		return add_pairs(k, v.text);
	if (h->field == FIELD_time) {
		v.at.how = HOW_TIME;
		v.at.field = PLAN_NOWHERE;
		if (v.run != RUN_TIME || k->plan->nslots == PLAN_SLOTS_MAX)
			return false;
		k->plan->slots[k->plan->nslots++] = v.at;
		return true;
	}
	return keep_value(k, v, &value) && add_value(k, h->field, value, false, &target);
}

/* In the order of the holes, as finish.c stores them. */
static bool
add_captures(struct making *k)
{
	const struct pattern *p = &k->l->pattern;
	bool done = true;

	for (uint16_t hole = 0; hole < p->nholes && done; hole++)
		for (uint8_t i = 0; i < k->m->nvalues && done; i++)
			if (k->m->values[i].hole == hole)
				done = add_capture(k, &p->holes[hole], value_of_hole(k, &k->m->values[i]));
	return done;
}

static bool
add_constants(struct making *k)
{
	bool done = true;

	for (uint32_t i = 0; i < k->l->nconstants && done; i++)
		done = set_text(k, k->l->constants[i].field, k->l->constants[i].text, FIELD_CONST);
	return done;
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
	plan->in_extra = (plan->in_extra & ((1u << at) - 1)) | (plan->in_extra >> at >> 1 << at);
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
		if (((taken | plan->in_extra) >> slot->field & 1))
			slot->field = PLAN_NOWHERE;
		else
			taken |= UINT64_C(1) << slot->field;
	}
}

void
plan_make(const struct ruleset *rs, struct mould *m, struct str text, const char **from, const char **to)
{
	struct making k = { .rs = rs, .l = m->line, .m = m, .plan = &m->plan, .text = text, .from = from, .to = to };

	m->plan = (struct plan){ .made = false };
	if (!add_captures(&k) || !add_constants(&k) || !add_maps(&k) || !decide_kind(&k))
		return;
	settle_slots(&m->plan);
	drop_fields(&k);
	m->plan.made = true;
}
