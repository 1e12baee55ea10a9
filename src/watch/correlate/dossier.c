/*
 * dossier: incidents that are not closed: what they hold, how two become one, and when they end. It never decides
 * whether a record belongs to one: shape.c does.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "watch/correlate/picture.h"


static const struct rule *
rule_of(const struct correlator *c, const struct dossier *d)
{
	return &c->rules->rules[d->rule];
}

void
dossier_touch(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);

	if (d->touched)
		return;
	if (c->ntouched == TOUCHED_MAX)
		tell_touched(c);
	d = dossier_at(c, i);
	d->touched = true;
	c->touched[c->ntouched++] = i;
}

static bool
held_before(const struct held *a, int64_t time_us, uint64_t ref)
{
	return a->time_us != time_us ? a->time_us < time_us : a->ref < ref;
}

static bool
held_room(struct dossier *d)
{
	uint32_t size = d->held_size ? d->held_size * 2 : 4;
	struct held *held;

	if (d->nheld < d->held_size)
		return true;
	held = realloc(d->held, size * sizeof(*held));
	if (!held)
		return false;
	d->held = held;
	d->held_size = size;
	return true;
}

/* What does not fit is counted; of too many the earliest stay, in whatever order they came. */
static void
cut(struct correlator *c, struct dossier *d, const struct held *h)
{
	c->stats.proofs_cut++;
	d->cut++;
	if (!h->context)
		d->cut_count += h->weight;
}

/* False when it was there already. */
static bool
hold(struct correlator *c, struct dossier *d, const struct held *h)
{
	uint32_t at = d->nheld;

	while (at > 0 && !held_before(&d->held[at - 1], h->time_us, h->ref))
		at--;
	if (at < d->nheld && d->held[at].ref == h->ref && d->held[at].time_us == h->time_us) {
		bool counted_now = d->held[at].context && !h->context;

		d->held[at].context = d->held[at].context && h->context;
		return counted_now;
	}
	if (d->nheld == INCIDENT_PROOF_MAX || (c->held >= HELD_MAX && d->nheld >= HELD_LEAST)) {
		if (at == d->nheld) {
			cut(c, d, h);
			return true;
		}
		cut(c, d, &d->held[--d->nheld]);
		c->held--;
	}
	if (!held_room(d)) {
		cut(c, d, h);
		return true;
	}
	memmove(&d->held[at + 1], &d->held[at], (d->nheld - at) * sizeof(*d->held));
	d->held[at] = *h;
	d->nheld++;
	c->held++;
	return true;
}

static void
unlink_home(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);
	uint32_t *at = &track_at(&c->tracks, d->home)->dossier;

	while (*at != i)
		at = &dossier_at(c, *at)->sibling;
	*at = d->sibling;
}

static void
list_drop(uint32_t *list, uint32_t *n, uint32_t value)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < *n; i++) {
		if (list[i] != value)
			list[kept++] = list[i];
	}
	*n = kept;
}

static void
into_drop(struct dossier *part, uint32_t into)
{
	uint32_t n = part->ninto;

	list_drop(part->into, &n, into);
	part->ninto = (uint8_t)n;
}

void
dossier_family(struct correlator *c, uint32_t top)
{
	c->family_epoch++;
	c->family[0] = top;
	c->nfamily = 1;
	dossier_at(c, top)->family = c->family_epoch;
	for (uint32_t k = 0; k < c->nfamily; k++) {
		const struct dossier *d = dossier_at(c, c->family[k]);

		for (uint32_t p = 0; p < d->nparts && c->nfamily < FAMILY_MAX; p++) {
			struct dossier *part = dossier_at(c, d->parts[p]);

			if (part->family == c->family_epoch)
				continue;
			part->family = c->family_epoch;
			c->family[c->nfamily++] = d->parts[p];
		}
	}
}

/* It ends when the last of its family ends. */
static int64_t
due_of(struct correlator *c, uint32_t i)
{
	int64_t due = WHEN_NONE;

	dossier_family(c, i);
	for (uint32_t k = 0; k < c->nfamily; k++) {
		const struct dossier *d = dossier_at(c, c->family[k]);
		int64_t last = d->last_us > d->late_us ? d->last_us : d->late_us;
		int64_t end = last + rule_of(c, d)->same_us + rule_of(c, d)->linger_us;

		due = end > due ? end : due;
	}
	return due;
}

static void
put_due(struct correlator *c, uint32_t i, int64_t at_us)
{
	struct due due = { .at_us = at_us, .serial = dossier_at(c, i)->serial, .index = i,
	    .what = DUE_DOSSIER };

	/* Without memory it is closed at the end only. */
	(void)dues_put(&c->dues, &due);
}

/* A part that is part of nothing any more ends by itself. */
static void
leave(struct correlator *c, uint32_t part, uint32_t whole)
{
	into_drop(dossier_at(c, part), whole);
	if (dossier_at(c, part)->ninto == 0)
		put_due(c, part, due_of(c, part));
}

void
dossier_free(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);

	for (uint8_t a = 0; a < d->ninto; a++) {
		struct dossier *whole = dossier_at(c, d->into[a]);

		list_drop(whole->parts, &whole->nparts, i);
	}
	for (uint32_t p = 0; p < d->nparts; p++)
		leave(c, d->parts[p], i);
	if (d->touched)
		list_drop(c->touched, &c->ntouched, i);
	meetings_drop(c, i);
	unlink_home(c, i);
	facts_free(&d->facts);
	c->held -= d->nheld;
	free(d->held);
	free(d->parts);
	pool_give(&c->dossiers, i);
}

void
dossier_due(struct correlator *c, uint32_t i)
{
	put_due(c, i, due_of(c, i));
}

/* Frees it, and what is part of nothing else. */
static void
end_dossier(struct correlator *c, uint32_t i)
{
	struct dossier *d = dossier_at(c, i);

	while (d->nparts > 0) {
		uint32_t p = d->parts[--d->nparts];

		into_drop(dossier_at(c, p), i);
		if (dossier_at(c, p)->ninto == 0)
			end_dossier(c, p);
	}
	dossier_free(c, i);
}

static void
close_dossier(struct correlator *c, uint32_t i)
{
	tell_closed(c, i);
	end_dossier(c, i);
}

void
dossier_close_due(struct correlator *c, const struct due *due)
{
	int64_t at;

	if (!pool_used(&c->dossiers, due->index) || dossier_at(c,
	    due->index)->serial != due->serial)
		return;
	/* A part ends with what it is part of. */
	if (dossier_at(c, due->index)->ninto > 0)
		return;
	at = due_of(c, due->index);
	if (at >= c->watermark_us)
		put_due(c, due->index, at);
	else
		close_dossier(c, due->index);
}

static int
by_first(const void *a, const void *b)
{
	const struct dossier *const *x = a, *const *y = b;

	if ((*x)->first_us != (*y)->first_us)
		return (*x)->first_us < (*y)->first_us ? -1 : 1;
	return (*x)->serial < (*y)->serial ? -1 : 1;
}

/* In order of time, the absorbed ones with those that hold them. */
void
dossiers_finish(struct correlator *c)
{
	struct dossier **all = calloc(c->dossiers.count + 1, sizeof(*all));
	size_t n = 0;

	for (uint32_t i = 0; all && i < c->dossiers.size; i++) {
		if (pool_used(&c->dossiers, i) && dossier_at(c, i)->ninto == 0)
			all[n++] = dossier_at(c, i);
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), by_first);
	for (size_t k = 0; k < n; k++)
		close_dossier(c, (uint32_t)(((uint8_t *)all[k] - c->dossiers.cells) / sizeof(struct dossier)));
	free(all);
}

/* When too many are open, the one that would end first ends now. */
static void
make_room(struct correlator *c)
{
	struct due due;

	while (c->dossiers.count >= DOSSIERS_MAX && dues_pop(&c->dues, INT64_MAX, &due)) {
		uint32_t top;

		if (due.what != DUE_DOSSIER || !pool_used(&c->dossiers, due.index) ||
		    dossier_at(c, due.index)->serial != due.serial)
			continue;
		top = dossier_top(c, due.index);
		c->stats.keys_evicted++;
		close_dossier(c, top);
	}
}

uint32_t
dossier_top(const struct correlator *c, uint32_t i)
{
	while (dossier_at(c, i)->ninto > 0)
		i = dossier_at(c, i)->into[0];
	return i;
}

static uint32_t
open_dossier(struct correlator *c, const struct rule *rule, uint32_t home, const struct event *e)
{
	struct track *t;
	struct dossier *d;
	uint32_t i;

	make_room(c);
	i = pool_take(&c->dossiers);
	if (i == POOL_NONE)
		return POOL_NONE;
	d = dossier_at(c, i);
	*d = (struct dossier){ .serial = ++c->next_serial, .first_us = e->time_us, .last_us = e->time_us,
	    .late_us = WHEN_NONE,
		.rule = (uint16_t)rule->index, .severity = (uint8_t)rule->severity,
		    .kind = rule->open, .home = home,
		.meets = POOL_NONE };
	if (!facts_begin(&d->facts, rule)) {
		pool_give(&c->dossiers, i);
		return POOL_NONE;
	}
	t = track_at(&c->tracks, home);
	d->sibling = t->dossier;
	t->dossier = i;
	put_due(c, i, e->time_us + rule->same_us + rule->linger_us);
	return i;
}

uint32_t
dossier_near(const struct correlator *c, uint32_t home, int64_t time_us, int64_t gap)
{
	uint32_t i = track_at(&c->tracks, home)->dossier;

	while (i != POOL_NONE) {
		const struct dossier *d = dossier_at(c, i);

		if (time_us >= d->first_us && time_us - d->last_us <= gap)
			return i;
		i = d->sibling;
	}
	return POOL_NONE;
}

/* Within the gap on either side. */
static uint32_t
find_beside(const struct correlator *c, uint32_t home, int64_t time_us, int64_t gap,
    uint32_t except)
{
	uint32_t i = track_at(&c->tracks, home)->dossier;

	while (i != POOL_NONE) {
		const struct dossier *d = dossier_at(c, i);

		if (i != except && time_us >= d->first_us - gap && time_us <= d->last_us + gap)
			return i;
		i = d->sibling;
	}
	return POOL_NONE;
}

static void
replace(uint32_t *list, uint32_t n, uint32_t old, uint32_t new)
{
	for (uint32_t i = 0; i < n; i++) {
		if (list[i] == old)
			list[i] = new;
	}
}

static void
merge_relations(struct correlator *c, uint32_t to, uint32_t from)
{
	struct dossier *a = dossier_at(c, to), *b = dossier_at(c, from);

	for (uint32_t m = b->meets; m != POOL_NONE;) {
		struct meeting *node = pool_at(&c->meetings, m);
		uint32_t next = node->mine;

		node->dossier = to;
		node->mine = a->meets;
		a->meets = m;
		m = next;
	}
	b->meets = POOL_NONE;
	/* meetings_look() finds what the other was linked to; only the told id must live on. */
	for (uint32_t p = 0; p < b->nparts; p++)
		leave(c, b->parts[p], from);
	b->nparts = 0;
	for (uint8_t i = 0; i < b->ninto; i++) {
		struct dossier *whole = dossier_at(c, b->into[i]);

		/* Both may have been parts of it: listed twice it would be ended twice. */
		list_drop(whole->parts, &whole->nparts, to);
		replace(whole->parts, whole->nparts, from, to);
		into_drop(a, b->into[i]);
		if (a->ninto < DOSSIER_INTO_MAX)
			a->into[a->ninto++] = b->into[i];
		else
			list_drop(whole->parts, &whole->nparts, to);
	}
	b->ninto = 0;
}

/* Two incidents of one key turn out to be one: `from` ends in `to`. */
static void
merge(struct correlator *c, uint32_t to, uint32_t from)
{
	struct dossier *a = dossier_at(c, to), *b = dossier_at(c, from);

	for (uint32_t i = 0; i < b->nheld; i++) {
		if (hold(c, a, &b->held[i]) && !b->held[i].context)
			a->count += b->held[i].weight;
	}
	/* Too many rather than too few: what both hold is taken for two guesses. */
	a->guessed += b->guessed;
	a->count += b->cut_count;
	a->cut += b->cut;
	a->cut_count += b->cut_count;
	a->first_us = b->first_us < a->first_us ? b->first_us : a->first_us;
	a->last_us = b->last_us > a->last_us ? b->last_us : a->last_us;
	a->late_us = b->late_us > a->late_us ? b->late_us : a->late_us;
	a->severity = b->severity > a->severity ? b->severity : a->severity;
	a->kind = graver_kind(c, a->kind, b->kind);
	raise_by_count(a, rule_of(c, a));
	facts_merge(&a->facts, &b->facts);
	merge_relations(c, to, from);
	if (a->told_as && b->told_as)
		tell_merged(c, from, a->told_as);
	else if (b->told_as) {
		a->told_as = b->told_as;
		a->told_severity = b->told_severity;
		a->next_count = b->next_count;
		a->next_grew = b->next_grew;
	}
	dossier_free(c, from);
}

static void
mark(const struct correlator *c, const struct rule *rule, const struct event *e)
{
	if (rule->mark_none || rule->shape == RULE_RISK || !c->calls.on_mark)
		return;
	if (rule->mark != KIND_NONE || !(e->flags & EVENT_HOSTILE))
		c->calls.on_mark(c->calls.ctx, e->ref, rule->mark);
}

void
dossier_include(struct correlator *c, const struct rule *rule, uint32_t home, const struct event *e,
    const struct record *r)
{
	struct held h = { .time_us = e->time_us, .ref = e->ref, .weight = e->weight,
	    .guess = (e->flags & EVENT_GUESS) != 0 };
	uint32_t i = find_beside(c, home, e->time_us, rule->same_us, POOL_NONE), other;
	struct dossier *d;
	bool opened = i == POOL_NONE;

	if (opened)
		i = open_dossier(c, rule, home, e);
	if (i == POOL_NONE || !hold(c, dossier_at(c, i), &h))
		return;
	d = dossier_at(c, i);
	d->count += e->weight;
	d->guessed += h.guess ? e->weight : 0;
	d->first_us = e->time_us < d->first_us ? e->time_us : d->first_us;
	d->last_us = e->time_us > d->last_us ? e->time_us : d->last_us;
	if (e->time_us < c->watermark_us)
		d->late_us = c->watermark_us;
	dossier_learn_event(c, i, rule, e, r);
	raise_by_count(dossier_at(c, i), rule);
	mark(c, rule, e);
	for (;;) {
		d = dossier_at(c, i);
		other = find_beside(c, home, d->first_us, rule->same_us, i);
		if (other == POOL_NONE)
			other = find_beside(c, home, d->last_us, rule->same_us, i);
		if (other == POOL_NONE)
			break;
		merge(c, i, other);
	}
	dossier_touch(c, i);
	if (opened && c->rules->nrisk > 0 && rule->shape != RULE_RISK)
		shape_risk(c, rule, e, r);
}

bool
dossier_holds(const struct correlator *c, uint32_t i, int64_t time_us, uint64_t ref)
{
	const struct dossier *d = dossier_at(c, i);
	uint32_t low = 0, high = d->nheld;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (held_before(&d->held[mid], time_us, ref))
			low = mid + 1;
		else
			high = mid;
	}
	return low < d->nheld && d->held[low].ref == ref && d->held[low].time_us == time_us;
}

void
dossier_context(struct correlator *c, uint32_t i, const struct event *e)
{
	struct held h = { .time_us = e->time_us, .ref = e->ref, .weight = e->weight,
	    .context = true };

	if (hold(c, dossier_at(c, i), &h))
		dossier_touch(c, i);
}

static bool
let_go(struct correlator *c, uint32_t i, int64_t time_us, uint64_t ref)
{
	struct dossier *d = dossier_at(c, i);
	uint32_t at = 0, counted = 0;

	while (at < d->nheld && (d->held[at].ref != ref || d->held[at].time_us != time_us))
		at++;
	if (at == d->nheld)
		return false;
	if (!d->held[at].context) {
		d->count -= d->held[at].weight;
		d->guessed -= d->held[at].guess && d->guessed >= d->held[at].weight ? d->held[at].weight : 0;
	}
	memmove(&d->held[at], &d->held[at + 1], (d->nheld - at - 1) * sizeof(*d->held));
	d->nheld--;
	c->held--;
	for (uint32_t k = 0; k < d->nheld; k++) {
		if (d->held[k].context)
			continue;
		if (counted++ == 0)
			d->first_us = d->held[k].time_us;
		d->last_us = d->held[k].time_us;
	}
	dossier_touch(c, i);
	return counted == 0;
}

void
dossier_drop(struct correlator *c, uint32_t home, int64_t time_us, uint64_t ref)
{
	uint32_t i = track_at(&c->tracks, home)->dossier;

	for (; i != POOL_NONE; i = dossier_at(c, i)->sibling)
		(void)let_go(c, i, time_us, ref);
}

void
dossier_retract(struct correlator *c, uint32_t home, int64_t time_us, uint64_t ref, uint64_t into)
{
	uint32_t i = track_at(&c->tracks, home)->dossier, next;

	for (; i != POOL_NONE; i = next) {
		next = dossier_at(c, i)->sibling;
		if (!let_go(c, i, time_us, ref))
			continue;
		/* Its whole content went elsewhere: what was told of it goes on there. */
		if (dossier_at(c, i)->told_as)
			tell_merged(c, i, into);
		dossier_free(c, i);
	}
}
