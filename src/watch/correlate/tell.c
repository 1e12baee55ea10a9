/* tell: incidents as the caller sees them, and when he hears of them. */
#include <stdlib.h>

#include "watch/correlate/correlator.h"
#include "watch/correlate/say.h"

static const struct rule *
rule_of(const struct correlator *c, const struct dossier *d)
{
	return &c->rules->rules[d->rule];
}

/* Without memory of any record there is no kind to take. */
static uint16_t
kind_of(const struct dossier *d)
{
	return d->kind == KIND_NONE ? KIND_unknown : d->kind;
}

static int64_t
distance(const struct dossier *d, int64_t time_us)
{
	if (time_us < d->first_us)
		return d->first_us - time_us;
	return time_us > d->last_us ? time_us - d->last_us : 0;
}

/*
 * A record of a part that ended up in several incidents goes to the nearest, of equals to the earliest. Absorbing
 * nests, so a part is asked for the incidents at the top of all its ways up.
 */
static bool
is_nearest(const struct correlator *c, uint32_t top, const struct dossier *part, int64_t time_us)
{
	const struct dossier *t = dossier_at(c, top);
	int64_t mine = distance(t, time_us);

	for (uint8_t i = 0; i < part->ninto; i++) {
		uint32_t other = dossier_top(c, part->into[i]);
		const struct dossier *o = dossier_at(c, other);
		int64_t theirs = distance(o, time_us);

		if (other == top || theirs > mine)
			continue;
		if (theirs < mine || o->first_us < t->first_us || (o->first_us == t->first_us &&
		    o->rule < t->rule))
			return false;
	}
	return true;
}

static void
gather_held(struct correlator *c, uint64_t *cut, uint64_t *cut_count)
{
	uint32_t top = c->family[0];

	buf_reset(&c->proofs);
	for (uint32_t k = 0; k < c->nfamily; k++) {
		const struct dossier *d = dossier_at(c, c->family[k]);

		for (uint32_t i = 0; i < d->nheld; i++) {
			if (d->ninto < 2 || is_nearest(c, top, d, d->held[i].time_us))
				buf_add(&c->proofs, str_of((const char *)&d->held[i],
				    sizeof(d->held[i])));
		}
		/* What was cut is mostly the same in all of them. */
		*cut = d->cut > *cut ? d->cut : *cut;
		*cut_count = d->cut_count > *cut_count ? d->cut_count : *cut_count;
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->ref != y->ref)
		return x->ref < y->ref ? -1 : 1;
	return !!x->context - !!y->context;
}

/* Each record once, counted rather than context; its place is taken over by the proof that the caller sees. */
static void
count_once(struct held *held, size_t n, struct incident *ret)
{
	struct proof *proofs = (struct proof *)(void *)held;
	size_t kept = 0;

	_Static_assert(sizeof(struct proof) <= sizeof(struct held),
	    "proofs are written over what was gathered");
	for (size_t i = 0; i < n; i++) {
		struct held h = held[i];

		if (kept > 0 && proofs[kept - 1].ref == h.ref &&
		    proofs[kept - 1].time_us == h.time_us)
			continue;
		if (!h.context) {
			ret->count += h.weight;
			ret->first_us = ret->first_us == WHEN_NONE ? h.time_us : ret->first_us;
			ret->last_us = h.time_us;
		}
		proofs[kept++] = (struct proof){ .ref = h.ref, .time_us = h.time_us,
		    .context = h.context != 0 };
	}
	ret->proofs = proofs;
	ret->nproofs = kept;
}

/* Of the incident, or of the first of its parts that knows. */
static const struct fact *
fact_of(const struct correlator *c, uint16_t field, const struct facts **ret)
{
	for (uint32_t k = 0; k < c->nfamily; k++) {
		const struct facts *facts = &dossier_at(c, c->family[k])->facts;
		const struct fact *fact = facts_find(facts, field);

		if (fact && fact->n) {
			*ret = facts;
			return fact;
		}
	}
	return NULL;
}

static struct str
only_value(const struct correlator *c, uint16_t field)
{
	const struct facts *facts;
	const struct fact *fact = fact_of(c, field, &facts);

	return fact && fact->n == 1 ? facts_text(facts, fact, 0) : STR_NULL;
}

static bool
value(void *ctx, uint16_t field, struct buf *out)
{
	const struct correlator *c = ctx;
	const struct facts *facts;

	if (field == FIELD_src && !fact_of(c, field, &facts))
		field = FIELD_src_host;
	return fact_of(c, field, &facts) && facts_say(facts, field, out);
}

/* What was read without guessing is enough for the rule by itself. */
static bool
is_enough(const struct rule *rule, const struct dossier *d)
{
	if (d->guessed == 0)
		return true;
	switch (rule->shape) {
	case RULE_COUNT:
		return rule->distinct == FIELD_NONE && d->count >= d->guessed + rule->need;
	case RULE_EACH:
	case RULE_FIRST:
		return d->count > d->guessed;
	case RULE_SEQUENCE:
	case RULE_RARE:
	case RULE_SILENCE:
	case RULE_RISK:
		return false;
	}
	return false;
}

/* One of the family is, and it is about the same source: for what happened there somebody is known. */
static bool
is_sure(const struct correlator *c, struct str src)
{
	for (uint32_t k = 0; k < c->nfamily; k++) {
		const struct dossier *d = dossier_at(c, c->family[k]);
		const struct fact *fact = facts_find(&d->facts, FIELD_src);

		if (!is_enough(rule_of(c, d), d))
			continue;
		if (k == 0 || (fact && fact->n == 1 && src.n && str_eq(facts_text(&d->facts, fact, 0), src)))
			return true;
	}
	return false;
}

/* Which addresses did it, where one alone cannot be named: an account that many tried, or a person in two places. */
static void
show_sources(struct correlator *c, struct incident *ret)
{
	const struct facts *facts;
	const struct fact *fact = fact_of(c, FIELD_src, &facts);
	uint32_t n = fact && fact->n > 1 ? fact->n : 0, named = n < FACT_VALUES ? n : FACT_VALUES;

	buf_reset(&c->sources);
	for (uint32_t i = 0; i < named; i++) {
		buf_add(&c->sources, i ? STR(" ") : STR(""));
		buf_add(&c->sources, facts_text(facts, fact, i));
	}
	ret->sources = buf_str(&c->sources);
	ret->sources_more = n - named;
}

static void
show_facts(struct correlator *c, const struct rule *rule, struct incident *ret)
{
	struct say_facts f = { .rule = rule, .count = ret->count, .first_us = ret->first_us,
	    .last_us = ret->last_us, .since_us = c->started_us,
		.ctx = c, .value = value };

	ret->src = only_value(c, FIELD_src);
	if (!ret->src.n) {
		ret->src = only_value(c, FIELD_src_host);
		ret->src_is_name = ret->src.n > 0;
	}
	show_sources(c, ret);
	ret->sure = is_sure(c, ret->src);
	ret->user = only_value(c, FIELD_user);
	ret->host = only_value(c, FIELD_host);
	ret->program = only_value(c, FIELD_program);
	ret->service = only_value(c, FIELD_service);
	ret->dst = only_value(c, FIELD_dst);
	ret->dst_port = only_value(c, FIELD_dst_port);
	buf_reset(&c->why);
	say(&f, c->rs->fields, &c->why);
	ret->why = buf_ok(&c->why) ? buf_str(&c->why) : rule->title;
}

/* Of the family. */
static enum severity
gravest(const struct correlator *c)
{
	enum severity severity = SEVERITY_INFO;

	for (uint32_t k = 0; k < c->nfamily; k++) {
		enum severity one = dossier_at(c, c->family[k])->severity;

		severity = one > severity ? one : severity;
	}
	return severity;
}

/* The family must have been found. */
static void
show(struct correlator *c, uint32_t i, bool open, struct incident *ret)
{
	const struct dossier *d = dossier_at(c, i);
	uint64_t cut_count = 0;
	size_t n;

	*ret = (struct incident){ .id = d->told_as, .rule = d->rule, .kind = kind_of(d), .severity = gravest(c),
		.open = open, .worsened = d->worsened, .first_us = WHEN_NONE };
	gather_held(c, &ret->proofs_cut, &cut_count);
	n = c->proofs.n / sizeof(struct held);
	if (c->nfamily > 1)
		qsort(c->proofs.p, n, sizeof(struct held), by_time);
	count_once((struct held *)(void *)c->proofs.p, n, ret);
	if (ret->nproofs > INCIDENT_PROOF_MAX) {
		ret->proofs_cut += ret->nproofs - INCIDENT_PROOF_MAX;
		ret->nproofs = INCIDENT_PROOF_MAX;
	}
	ret->count += cut_count;
	if (ret->first_us == WHEN_NONE)
		ret->first_us = d->first_us;
	if (cut_count > 0 || ret->last_us < d->last_us)
		ret->last_us = d->last_us;
	show_facts(c, rule_of(c, d), ret);
}

static void
call(struct correlator *c, const struct incident *in, enum incident_change change)
{
	c->calls.on_incident(c->calls.ctx, in, change);
}

/* What was told of its parts goes on under one id: its own, else the lowest of theirs. */
static bool
take_over_parts(struct correlator *c)
{
	struct dossier *d = dossier_at(c, c->family[0]), *lowest = NULL;

	for (uint32_t k = 1; !d->told_as && k < c->nfamily; k++) {
		struct dossier *part = dossier_at(c, c->family[k]);

		if (part->told_as && (!lowest || part->told_as < lowest->told_as))
			lowest = part;
	}
	if (lowest) {
		d->told_as = lowest->told_as;
		d->told_severity = lowest->told_severity;
		lowest->told_as = 0;
	}
	for (uint32_t k = 1; k < c->nfamily; k++) {
		if (dossier_at(c, c->family[k])->told_as)
			tell_merged(c, c->family[k], d->told_as);
	}
	return lowest != NULL;
}

/* Never less than the count, and cheap: what parts share is counted twice. */
static uint64_t
quick_count(const struct correlator *c)
{
	uint64_t n = 0;

	for (uint32_t k = 0; k < c->nfamily; k++)
		n += dossier_at(c, c->family[k])->count;
	return n;
}

static uint64_t
next_worse(const struct rule *rule, uint64_t count)
{
	uint32_t i = 0;

	if (rule->nworse == 0)
		return count * 10;
	while (i < rule->nworse && rule->worse[i] <= count)
		i++;
	return i < rule->nworse ? rule->worse[i] : UINT64_MAX;
}

static void
told(struct dossier *d, const struct rule *rule, const struct incident *in)
{
	d->told_severity = (uint8_t)in->severity;
	d->told_unsure = !in->sure;
	d->next_count = next_worse(rule, in->count);
	d->next_grew = in->count + in->count / 4 + 1;
}

/* It gets the id under which it will be known from now on. */
static void
name(struct correlator *c, uint32_t i, struct incident *in, enum incident_change change)
{
	uint64_t known = c->calls.id_of ? c->calls.id_of(c->calls.ctx, in, change) : 0;

	in->id = dossier_at(c, i)->told_as = known ? known : ++c->next_id;
	c->stats.incidents++;
}

static void
tell(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);
	bool was_told = d->told_as != 0, took, graver, surer;
	struct incident in;
	uint64_t count;

	dossier_family(c, i);
	took = take_over_parts(c);
	count = quick_count(c);
	graver = gravest(c) > (enum severity)d->told_severity;
	surer = d->told_unsure && is_enough(rule_of(c, d), d);
	if (was_told && !graver && !surer && count < d->next_count && count < d->next_grew)
		return;
	show(c, i, true, &in);
	if (!was_told && !took) {
		name(c, i, &in, INCIDENT_OPENED);
		told(d, rule_of(c, d), &in);
		call(c, &in, INCIDENT_OPENED);
	} else if (took || graver || surer || in.count >= d->next_count) {
		in.worsened = ++d->worsened;
		told(d, rule_of(c, d), &in);
		call(c, &in, INCIDENT_WORSE);
	} else {
		call(c, &in, INCIDENT_GREW);
	}
	/* The quick look need not look again before there is a quarter more. */
	d->next_grew = count + count / 4 + 1;
	if (d->next_count > in.count && d->next_count <= count)
		d->next_grew = count + 1 + (d->next_count - in.count) / 4;
}

static void
tell_tops(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);

	if (d->told_round == c->round)
		return;
	d->told_round = c->round;
	if (d->ninto == 0)
		tell(c, i);
	for (uint8_t a = 0; a < d->ninto; a++)
		tell_tops(c, d->into[a]);
}

/* First all find each other, then each is told once at most: what is absorbed at birth is never heard of. */
void
tell_touched(struct correlator *c)
{
	c->round++;
	for (uint32_t k = 0; k < c->ntouched; k++)
		meetings_look(c, c->touched[k]);
	for (uint32_t k = 0; k < c->ntouched; k++) {
		dossier_at(c, c->touched[k])->touched = false;
		tell_tops(c, c->touched[k]);
	}
	c->ntouched = 0;
}

void
tell_closed(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);
	struct incident in;

	dossier_family(c, i);
	(void)take_over_parts(c);
	show(c, i, false, &in);
	if (!d->told_as)
		name(c, i, &in, INCIDENT_CLOSED);
	call(c, &in, INCIDENT_CLOSED);
}

void
tell_merged(struct correlator *c, uint32_t i, uint64_t into)
{
	struct dossier *d = dossier_at(c, i);
	struct incident in = { .id = d->told_as, .into = into, .rule = d->rule, .kind = kind_of(d),
		.severity = d->severity, .first_us = d->first_us, .last_us = d->last_us };

	d->told_as = 0;
	c->stats.incidents--;
	call(c, &in, INCIDENT_MERGED);
}
