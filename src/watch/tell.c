/* tell: incidents as the caller sees them, and when he hears of them. */
#include <stdlib.h>

#include "watch/correlator.h"
#include "watch/say.h"

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

/* A record of a part that several incidents absorb goes to the nearest, of equals to the earliest. */
static bool
is_nearest(const struct correlator *c, uint32_t whole, const struct dossier *part, int64_t time_us)
{
	const struct dossier *w = dossier_at(c, whole);
	int64_t mine = distance(w, time_us);

	for (uint8_t i = 0; i < part->ninto; i++) {
		const struct dossier *other = dossier_at(c, part->into[i]);
		int64_t theirs = distance(other, time_us);

		if (part->into[i] == whole || theirs > mine)
			continue;
		if (theirs < mine || other->first_us < w->first_us ||
		    (other->first_us == w->first_us && other->rule < w->rule))
			return false;
	}
	return true;
}

static void
gather_held(struct correlator *c, uint32_t i, uint32_t whole, struct buf *out, uint64_t *cut, uint64_t *cut_count)
{
	const struct dossier *d = dossier_at(c, i);

	for (uint32_t k = 0; k < d->nheld; k++) {
		if (whole == POOL_NONE || is_nearest(c, whole, d, d->held[k].time_us))
			buf_add(out, str_of((const char *)&d->held[k], sizeof(d->held[k])));
	}
	*cut += d->cut;
	*cut_count += d->cut_count;
	for (uint32_t p = 0; p < d->nparts; p++)
		gather_held(c, d->parts[p], i, out, cut, cut_count);
}

static int
by_time(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	if (x->ref != y->ref)
		return x->ref < y->ref ? -1 : 1;
	return x->context - y->context;
}

/* Each record once, counted rather than context; its place is taken over by the proof that the caller sees. */
static void
count_once(struct held *held, size_t n, struct incident *ret)
{
	struct proof *proofs = (struct proof *)(void *)held;
	size_t kept = 0;

	_Static_assert(sizeof(struct proof) <= sizeof(struct held), "proofs are written over what was gathered");
	for (size_t i = 0; i < n; i++) {
		struct held h = held[i];

		if (kept > 0 && proofs[kept - 1].ref == h.ref && proofs[kept - 1].time_us == h.time_us)
			continue;
		if (!h.context) {
			ret->count += h.weight;
			ret->first_us = ret->first_us == WHEN_NONE ? h.time_us : ret->first_us;
			ret->last_us = h.time_us;
		}
		proofs[kept++] = (struct proof){ .ref = h.ref, .time_us = h.time_us, .context = h.context };
	}
	ret->proofs = proofs;
	ret->nproofs = kept;
}

static const struct fact *
fact_of(const struct correlator *c, uint32_t i, uint16_t field, const struct facts **ret)
{
	const struct dossier *d = dossier_at(c, i);
	const struct fact *fact = facts_find(&d->facts, field);

	*ret = &d->facts;
	for (uint32_t p = 0; (!fact || fact->n == 0) && p < d->nparts; p++)
		fact = fact_of(c, d->parts[p], field, ret);
	return fact && fact->n ? fact : NULL;
}

static struct str
only_value(const struct correlator *c, uint32_t i, uint16_t field)
{
	const struct facts *facts;
	const struct fact *fact = fact_of(c, i, field, &facts);

	return fact && fact->n == 1 ? facts_text(facts, fact, 0) : STR_NULL;
}

struct telling {
	const struct correlator *c;
	uint32_t dossier;
};

static bool
value(void *ctx, uint16_t field, struct buf *out)
{
	struct telling *t = ctx;
	const struct facts *facts;

	if (field == FIELD_src && !fact_of(t->c, t->dossier, field, &facts))
		field = FIELD_src_host;
	return fact_of(t->c, t->dossier, field, &facts) && facts_say(facts, field, out);
}

static void
show_facts(struct correlator *c, uint32_t i, struct incident *ret)
{
	struct telling t = { c, i };
	struct say_facts f = { .rule = rule_of(c, dossier_at(c, i)), .count = ret->count, .first_us = ret->first_us,
		.last_us = ret->last_us, .ctx = &t, .value = value };

	ret->src = only_value(c, i, FIELD_src);
	if (!ret->src.n)
		ret->src = only_value(c, i, FIELD_src_host);
	ret->user = only_value(c, i, FIELD_user);
	ret->host = only_value(c, i, FIELD_host);
	ret->program = only_value(c, i, FIELD_program);
	ret->service = only_value(c, i, FIELD_service);
	ret->dst = only_value(c, i, FIELD_dst);
	ret->dst_port = only_value(c, i, FIELD_dst_port);
	buf_reset(&c->why);
	say(&f, c->rs->fields, &c->why);
	ret->why = buf_ok(&c->why) ? buf_str(&c->why) : f.rule->title;
}

static enum severity
gravest(const struct correlator *c, uint32_t i)
{
	const struct dossier *d = dossier_at(c, i);
	enum severity severity = d->severity;

	for (uint32_t p = 0; p < d->nparts; p++) {
		enum severity part = gravest(c, d->parts[p]);

		severity = part > severity ? part : severity;
	}
	return severity;
}

static void
show(struct correlator *c, uint32_t i, bool open, struct incident *ret)
{
	const struct dossier *d = dossier_at(c, i);
	uint64_t cut_count = 0;
	size_t n;

	*ret = (struct incident){ .id = d->told_as, .rule = d->rule, .kind = kind_of(d),
		.severity = gravest(c, i), .open = open, .worsened = d->worsened, .first_us = WHEN_NONE };
	buf_reset(&c->proofs);
	gather_held(c, i, POOL_NONE, &c->proofs, &ret->proofs_cut, &cut_count);
	n = c->proofs.n / sizeof(struct held);
	if (d->nparts > 0)
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
	show_facts(c, i, ret);
}

static void
call(struct correlator *c, const struct incident *in, enum incident_change change)
{
	if (c->calls.on_incident)
		c->calls.on_incident(c->calls.ctx, in, change);
}

/* At the least that was told of its parts: their ids end in this one's. */
static bool
take_over_parts(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);
	bool took = false;

	for (uint32_t p = 0; p < d->nparts; p++) {
		struct dossier *part = dossier_at(c, d->parts[p]);

		took |= take_over_parts(c, d->parts[p]);
		if (!part->told_as)
			continue;
		if (!d->told_as) {
			d->told_as = part->told_as;
			d->told_severity = part->told_severity;
			part->told_as = 0;
			took = true;
		} else if (part->told_as != d->told_as)
			tell_merged(c, d->parts[p], d->told_as);
	}
	return took;
}

static uint64_t
quick_count(const struct correlator *c, uint32_t i)
{
	const struct dossier *d = dossier_at(c, i);
	uint64_t n = d->count;

	for (uint32_t p = 0; p < d->nparts; p++)
		n += quick_count(c, d->parts[p]);
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
	d->next_count = next_worse(rule, in->count);
	d->next_grew = in->count + in->count / 4 + 1;
}

static void
tell(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);
	bool was_told, took, graver;
	struct incident in;
	uint64_t count;

	d->touched = false;
	was_told = d->told_as != 0;
	took = take_over_parts(c, i);
	count = quick_count(c, i);
	graver = gravest(c, i) > (enum severity)d->told_severity;
	if (was_told && !took && !graver && count < d->next_count && count < d->next_grew)
		return;
	if (!was_told && !took) {
		d->told_as = ++c->next_id;
		c->stats.incidents++;
	}
	show(c, i, true, &in);
	if (!was_told && !took) {
		told(d, rule_of(c, d), &in);
		call(c, &in, INCIDENT_OPENED);
	} else if (took || graver || in.count >= d->next_count) {
		in.worsened = ++d->worsened;
		told(d, rule_of(c, d), &in);
		call(c, &in, INCIDENT_WORSE);
	} else {
		d->next_grew = in.count + in.count / 4 + 1;
		/* What parts share was counted twice by the quick look: it need not look again before that. */
		if (d->next_grew <= count)
			d->next_grew = count + count / 4 + 1;
		call(c, &in, INCIDENT_GREW);
	}
}

static void
tell_tops(struct correlator *c, uint32_t i)
{
	const struct dossier *d = dossier_at(c, i);

	if (d->ninto == 0)
		tell(c, i);
	for (uint8_t a = 0; a < d->ninto; a++)
		tell_tops(c, d->into[a]);
}

/* First all find each other, then each is told once at most: what is absorbed at birth is never heard of. */
void
tell_touched(struct correlator *c)
{
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

	(void)take_over_parts(c, i);
	if (!d->told_as) {
		d->told_as = ++c->next_id;
		c->stats.incidents++;
	}
	show(c, i, false, &in);
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
