/*
 * meet: where incidents of two rules find each other because one rule absorbs the other: a table from the values of
 * the fields that both count by to the incidents there.
 */
#include <stdlib.h>

#include "watch/correlate/correlator.h"
#include "watch/correlate/key.h"

static uint32_t *
bucket(const struct correlator *c, uint64_t hash)
{
	return &c->meeting_buckets[hash & (MEETING_BUCKETS - 1)];
}

void
meeting_put(struct correlator *c, uint32_t dossier, uint16_t key, uint64_t hash)
{
	uint32_t i = pool_take(&c->meetings), *head = bucket(c, hash);
	struct dossier *d = dossier_at(c, dossier);
	struct meeting *m;

	if (i == POOL_NONE)
		return;
	m = pool_at(&c->meetings, i);
	*m = (struct meeting){ .hash = hash, .dossier = dossier, .key = key, .next = *head, .mine = d->meets };
	*head = i;
	d->meets = i;
	c->meeting_generations[hash & (MEETING_BUCKETS - 1)]++;
}

static bool
has_key(const struct correlator *c, uint32_t dossier, uint16_t key)
{
	for (uint32_t i = dossier_at(c, dossier)->meets; i != POOL_NONE;) {
		const struct meeting *m = pool_at(&c->meetings, i);

		if (m->key == key)
			return true;
		i = m->mine;
	}
	return false;
}

void
meetings_add(struct correlator *c, uint32_t dossier, const struct record *r)
{
	const struct rule *rule = &c->rules->rules[dossier_at(c, dossier)->rule];

	for (uint32_t k = 0; k < rule->nmeets; k++) {
		uint16_t key = rule->meets[k].key;
		uint64_t hash = has_key(c, dossier, key) ? 0 : key_hash(&c->rules->keys[key], r,
		    c->seed);

		if (hash)
			meeting_put(c, dossier, key, hash);
	}
}

void
meetings_drop(struct correlator *c, uint32_t dossier)
{
	struct dossier *d = dossier_at(c, dossier);

	while (d->meets != POOL_NONE) {
		uint32_t i = d->meets, *at;
		struct meeting *m = pool_at(&c->meetings, i);

		d->meets = m->mine;
		at = bucket(c, m->hash);
		while (*at != i)
			at = &((struct meeting *)pool_at(&c->meetings, *at))->next;
		*at = m->next;
		pool_give(&c->meetings, i);
	}
}

/* The graver one is open, or was still, when the lesser one happened; or the lesser was not over when it began. */
static bool
near(const struct correlator *c, const struct dossier *whole, const struct dossier *part)
{
	return part->first_us <= whole->last_us + c->rules->rules[whole->rule].quiet_us &&
	    whole->first_us <= part->last_us + c->rules->rules[part->rule].quiet_us;
}

/* False when they may yet come near each other. */
static bool
absorb(struct correlator *c, uint32_t whole, uint32_t part)
{
	struct dossier *w = dossier_at(c, whole), *p = dossier_at(c, part);

	for (uint8_t i = 0; i < p->ninto; i++) {
		if (p->into[i] == whole)
			return true;
	}
	if (p->ninto == DOSSIER_INTO_MAX)
		return true;
	if (!near(c, w, p))
		return false;
	if (w->nparts == w->parts_size) {
		uint32_t size = w->parts_size ? w->parts_size * 2 : 4;
		uint32_t *grown = realloc(w->parts, size * sizeof(*grown));

		if (!grown)
			return true;
		w->parts = grown;
		w->parts_size = size;
	}
	w->parts[w->nparts++] = part;
	p->into[p->ninto++] = whole;
	return true;
}

static bool
meet(struct correlator *c, uint32_t mine, uint32_t other, uint16_t key)
{
	const struct rule *rule = &c->rules->rules[dossier_at(c, mine)->rule];
	uint16_t theirs = dossier_at(c, other)->rule;

	for (uint32_t k = 0; k < rule->nmeets; k++) {
		if (rule->meets[k].other == theirs && rule->meets[k].key == key)
			return rule->meets[k].absorbs ? absorb(c, mine, other) : absorb(c, other,
			    mine);
	}
	return true;
}

/* Nothing to see again when no one new came there and all were near each other the last time. */
void
meetings_look(struct correlator *c, uint32_t dossier)
{
	struct dossier *d = dossier_at(c, dossier);
	bool again = d->apart;

	d->apart = false;
	for (uint32_t i = d->meets; i != POOL_NONE;) {
		struct meeting *m = pool_at(&c->meetings, i);
		uint32_t generation = c->meeting_generations[m->hash & (MEETING_BUCKETS - 1)];

		i = m->mine;
		if (m->seen == generation && !again)
			continue;
		m->seen = generation;
		for (uint32_t o = *bucket(c, m->hash); o != POOL_NONE;) {
			const struct meeting *other = pool_at(&c->meetings, o);

			if (other->hash == m->hash && other->key == m->key &&
			    other->dossier != dossier &&
			    !meet(c, dossier, other->dossier, m->key))
				d->apart = true;
			o = other->next;
		}
	}
}
