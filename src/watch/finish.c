/*
 * finish: from a match to a finished record: captures, constants, maps, then the conditions that may still refuse
 * the line, then its kind. A refused line leaves the record as it was.
 */
#include "watch/engine.h"
#include "watch/forms.h"
#include "watch/store.h"

static void
store_captures(const struct ruleset *rs, struct decode_work *w, const struct line *l, struct str text,
    struct slot base, struct record *r)
{
	const struct match *m = &w->match;

	for (uint64_t left = m->have; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		const struct hole *h = &l->pattern.holes[i];
		struct slot at = slot_part(base, (size_t)(m->at[i].p - text.p), m->at[i].n);

		if (h->type == HOLE_KV)
			forms_pairs(rs, w->forms, l, r, at);
		else if (h->field == FIELD_time && match_stamp(m, m->at[i].p))
			r->stamp = *match_stamp(m, m->at[i].p);
		else
			store_slot(r, h->field, at);
	}
}

static void
store_constants(const struct line *l, struct record *r)
{
	for (uint32_t i = 0; i < l->nconstants; i++)
		record_set_text(r, l->constants[i].field, l->constants[i].text, FIELD_CONST);
}

static void
store_maps(const struct line *l, struct record *r)
{
	for (uint32_t i = 0; i < l->nmaps; i++) {
		const struct mapping *map = &l->maps[i];

		for (uint32_t k = 0; k < map->nfrom; k++) {
			const struct field *f = record_field(r, map->from[k]);

			if (f && store_mapped(r, map->field, f->at))
				break;
		}
	}
}

static void
set_kind(const struct ruleset *rs, const struct line *l, struct record *r)
{
	r->kind = l->kind;
	for (uint32_t i = 0; i < l->nrefines; i++) {
		if (!conditions_hold(l->refines[i].when, l->refines[i].nwhen, rs, r, NULL))
			continue;
		r->kind = l->refines[i].kind;
		break;
	}
	r->hostile = l->verdict == VERDICT_OF_KIND ? kinds_row(rs->kinds, r->kind)->hostile :
	    l->verdict == VERDICT_HOSTILE;
}

bool
finish_line(const struct ruleset *rs, const struct line *l, struct record *r)
{
	store_constants(l, r);
	store_maps(l, r);
	if (l->nwhen && !conditions_hold(l->when, l->nwhen, rs, r, NULL))
		return false;
	set_kind(rs, l, r);
	for (uint32_t i = 0; i < l->ndrops; i++)
		record_drop(r, l->drops[i]);
	r->decoder = l->decoder;
	r->sure = !l->guess;
	return true;
}

void
keep_state(const struct record *r, struct kept *ret)
{
	*ret = (struct kept){ .nfields = r->nfields, .keys_seen = r->keys_seen, .stamp = r->stamp,
	    .extra = r->extra ? r->extra->n : 0 };
}

void
restore_state(struct record *r, const struct kept *k)
{
	r->nfields = k->nfields;
	r->keys_seen = k->keys_seen;
	r->stamp = k->stamp;
	if (r->extra)
		r->extra->n = k->extra;
}

bool
finish_match(const struct ruleset *rs, struct decode_work *w, const struct line *l, struct str text,
    struct slot base, struct record *r)
{
	struct kept before;

	keep_state(r, &before);
	store_captures(rs, w, l, text, base, r);
	if (finish_line(rs, l, r))
		return true;
	restore_state(r, &before);
	return false;
}
