/*
 * state_load: saved state back into a correlator that has seen nothing yet. The bytes are foreign: every number is
 * held against its bounds before it is used, and what does not fit refuses the whole.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "watch/correlate/key.h"
#include "watch/correlate/rename.h"
#include "watch/correlate/state.h"

static bool
get(struct str *in, void *to, size_t n)
{
	if (in->n < n)
		return false;
	memcpy(to, in->p, n);
	*in = str_from(*in, n);
	return true;
}

/* Where the numbers of the saved rule set are found in this one. */
struct maps {
	struct correlator *c;
	struct state_head h;
	struct str in;
	struct renames names;
	uint32_t *rules, *joins, *keys;
	uint32_t *tracks, *dossiers;       /* old index to new, DROPPED */
	uint32_t tracks_size, dossiers_size;
};

static uint32_t
find_hash(const struct maps *m, uint64_t hash, bool join)
{
	const struct rules *rules = m->c->rules;
	uint32_t n = join ? rules->njoins : rules->nrules;

	for (uint32_t i = 0; i < n; i++) {
		if ((join ? rules->joins[i].text_hash : rules->rules[i].text_hash) == hash)
			return i;
	}
	return DROPPED;
}

/* Rules mostly stand where they stood. */
static bool
map_hashes(struct maps *m, uint32_t *map, uint32_t n, bool join)
{
	const struct rules *rules = m->c->rules;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t hash;

		if (!get(&m->in, &hash, sizeof(hash)))
			return false;
		if (!join && i < rules->nrules && rules->rules[i].text_hash == hash)
			map[i] = i;
		else
			map[i] = find_hash(m, hash, join);
	}
	return true;
}

static bool
map_keys(struct maps *m)
{
	const struct rules *rules = m->c->rules;

	for (uint32_t i = 0; i < m->h.nkeys; i++) {
		struct key_spec key;

		if (!get(&m->in, &key, sizeof(key)))
			return false;
		m->keys[i] = DROPPED;
		if (key.n > RULE_KEY_PARTS_MAX)
			continue;
		for (uint8_t p = 0; p < key.n; p++)
			key.part[p].field = rename_field(&m->names, key.part[p].field);
		for (uint32_t k = 0; k < rules->nkeys; k++) {
			if (key_spec_equal(&rules->keys[k], &key))
				m->keys[i] = k;
		}
	}
	return true;
}

static uint32_t *
new_map(uint32_t n)
{
	uint32_t *map = malloc(((size_t)n + 1) * sizeof(*map));

	if (map)
		memset(map, 0xff, ((size_t)n + 1) * sizeof(*map));
	return map;
}

/* Far enough from the ends of the scale that sums of windows do not leave it. */
static bool
good_time(int64_t us)
{
	return us >= WHEN_NONE / 2 && us <= INT64_MAX / 4;
}

static bool
good_events(const struct event *events, uint32_t n, const struct rule *rule, uint32_t next_recall)
{
	for (uint32_t i = 0; i < n; i++) {
		if (events[i].recall >= next_recall || events[i].step >= RULE_STEPS_MAX ||
		    (rule->nsteps && events[i].step >= rule->nsteps) ||
		    !good_time(events[i].time_us) ||
		    (i > 0 && events[i].time_us < events[i - 1].time_us))
			return false;
	}
	return true;
}

static bool
load_events(struct maps *m, struct track *t, const struct track *saved, bool dropped)
{
	struct str bytes = str_head(m->in, saved->n * sizeof(struct event));

	if (saved->size == 0) {
		if (saved->n > 1)
			return false;
		if (!dropped) {
			t->n = saved->n;
			t->at.one = saved->at.one;
		}
		return true;
	}
	if (saved->n > EVENTS_MAX * 2 || saved->size > EVENTS_MAX * 2 || saved->n > saved->size ||
	    bytes.n != saved->n * sizeof(struct event))
		return false;
	m->in = str_from(m->in, bytes.n);
	if (dropped)
		return true;
	t->at.many = malloc(saved->size * sizeof(struct event));
	if (!t->at.many)
		return false;
	memcpy(t->at.many, bytes.p, bytes.n);
	t->n = saved->n;
	t->size = saved->size;
	return true;
}

/* Parts of a risk name kinds and rules by number; those that are gone go. */
static void
map_parts(const struct maps *m, struct track *t)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		struct event e = track_events(t)[i];
		uint32_t rule = e.distinct - RISK_PART_OF_RULE;

		if (e.distinct >= RISK_PART_OF_RULE) {
			if (rule >= m->h.nrules || m->rules[rule] == DROPPED)
				continue;
			e.distinct = RISK_PART_OF_RULE + m->rules[rule];
		} else {
			uint16_t kind = rename_kind(&m->names, (uint16_t)(e.distinct - 1u));

			if (kind == RENAME_GONE)
				continue;
			e.distinct = 1u + kind;
		}
		track_events(t)[kept++] = e;
	}
	t->n = (uint16_t)kept;
}

static bool
load_track(struct maps *m)
{
	struct correlator *c = m->c;
	uint32_t old, i = TRACK_NONE, rule;
	struct track saved, *t = NULL;

	if (!get(&m->in, &old, sizeof(old)) || !get(&m->in, &saved, sizeof(saved)) ||
	    old >= m->tracks_size ||
	    saved.rule >= m->h.nrules || saved.role > TRACK_SAME)
		return false;
	rule = m->rules[saved.rule];
	if (rule != DROPPED && c->tracks.pool.count < c->tracks.pool.max)
		i = tracks_take(&c->tracks, saved.hash, (uint16_t)rule, saved.role, WHEN_NONE);
	if (i != TRACK_NONE) {
		t = track_at(&c->tracks, i);
		if (t->n)
			return false;      /* the same key twice */
		t->touched = saved.touched;
		t->late_s = saved.late_s;
		t->lacks = saved.lacks;
		m->tracks[old] = i;
	}
	if (!load_events(m, t, &saved, i == TRACK_NONE))
		return false;
	if (t && c->rules->rules[rule].shape == RULE_RISK)
		map_parts(m, t);
	return !t || good_events(track_events(t), t->n, &c->rules->rules[rule], c->recall.next);
}

static bool
load_tracks(struct maps *m)
{
	for (uint32_t i = 0; i < m->h.ntracks; i++) {
		if (!load_track(m))
			return false;
	}
	for (uint32_t i = 0; i < m->c->tracks.pool.size; i++) {
		struct track *t;

		if (!pool_used(&m->c->tracks.pool, i))
			continue;
		t = track_at(&m->c->tracks, i);
		for (uint32_t k = 0; t->role == TRACK_CONTEXT && k < t->n; k++) {
			struct event *e = &track_events(t)[k];

			if (e->flags & EVENT_INCLUDED)
				e->weight = e->weight < m->tracks_size ? m->tracks[e->weight] :
				    TRACK_NONE;
		}
	}
	return true;
}

static bool
load_lists(struct maps *m, struct dossier *d, const struct dossier *saved)
{
	if (saved->nheld > INCIDENT_PROOF_MAX || saved->nparts > DOSSIERS_MAX ||
	    saved->ninto > DOSSIER_INTO_MAX)
		return false;
	d->held = malloc((saved->nheld + 1) * sizeof(*d->held));
	d->parts = malloc((saved->nparts + 1) * sizeof(*d->parts));
	if (!d->held || !d->parts || !get(&m->in, d->held, saved->nheld * sizeof(*d->held)) ||
	    !get(&m->in, d->parts, saved->nparts * sizeof(*d->parts)))
		return false;
	for (uint32_t i = 0; i < saved->nheld; i++) {
		if (!good_time(d->held[i].time_us) || (i > 0 &&
		    d->held[i].time_us < d->held[i - 1].time_us))
			return false;
	}
	d->nheld = saved->nheld;
	d->held_size = saved->nheld + 1;
	d->nparts = saved->nparts;
	d->parts_size = saved->nparts + 1;
	return true;
}

static bool
load_meetings(struct maps *m, uint32_t i)
{
	uint32_t key;
	uint64_t hash;

	for (;;) {
		if (!get(&m->in, &key, sizeof(key)))
			return false;
		if (key == DROPPED)
			return true;
		if (key >= m->h.nkeys || !get(&m->in, &hash, sizeof(hash)))
			return false;
		if (i != DROPPED && m->keys[key] != DROPPED)
			meeting_put(m->c, i, (uint16_t)m->keys[key], hash);
	}
}

static void
free_lists(struct dossier *d)
{
	facts_free(&d->facts);
	free(d->held);
	free(d->parts);
}

/* Takes it over when its rule and its track are there still. */
static uint32_t
place_dossier(struct maps *m, const struct dossier *d)
{
	uint32_t i = pool_take(&m->c->dossiers);
	struct track *t;

	if (i == POOL_NONE)
		return DROPPED;
	t = track_at(&m->c->tracks, d->home);
	*dossier_at(m->c, i) = *d;
	dossier_at(m->c, i)->sibling = t->dossier;
	t->dossier = i;
	return i;
}

static bool
load_dossier(struct maps *m)
{
	struct dossier saved, d;
	uint32_t old, i = DROPPED;
	bool lives;

	if (!get(&m->in, &old, sizeof(old)) || !get(&m->in, &saved, sizeof(saved)) ||
	    old >= m->dossiers_size ||
	    saved.rule >= m->h.nrules || saved.severity > SEVERITY_CRITICAL ||
	    saved.told_severity > SEVERITY_CRITICAL)
		return false;
	if (!good_time(saved.first_us) || !good_time(saved.last_us) ||
	    (saved.late_us != WHEN_NONE && !good_time(saved.late_us)))
		return false;
	d = saved;
	d.held = NULL;
	d.parts = NULL;
	d.nheld = d.nparts = d.held_size = d.parts_size = 0;
	d.facts = (struct facts){ 0 };
	d.meets = POOL_NONE;
	d.touched = false;
	d.family = d.told_round = 0;
	d.apart = true;
	d.home = saved.home < m->tracks_size ? m->tracks[saved.home] : DROPPED;
	lives = m->rules[saved.rule] != DROPPED && d.home != DROPPED;
	d.rule = lives ? (uint16_t)m->rules[saved.rule] : 0;
	d.kind = rename_kind(&m->names, saved.kind);
	if (m->c->rules->nrules == 0 || !load_lists(m, &d, &saved) ||
	    !facts_load(&d.facts, &m->c->rules->rules[d.rule], &m->names, &m->in)) {
		free_lists(&d);
		return false;
	}
	if (lives)
		i = m->dossiers[old] = place_dossier(m, &d);
	if (i == DROPPED)
		free_lists(&d);
	else
		m->c->held += d.nheld;
	return load_meetings(m, i);
}

static uint32_t
map_list(const struct maps *m, uint32_t *list, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t to = list[i] < m->dossiers_size ? m->dossiers[list[i]] : DROPPED;

		if (to != DROPPED)
			list[kept++] = to;
	}
	return kept;
}

static bool
lists(const uint32_t *list, uint32_t n, uint32_t value)
{
	for (uint32_t i = 0; i < n; i++) {
		if (list[i] == value)
			return true;
	}
	return false;
}

static bool
absorbs(const struct correlator *c, uint16_t whole, uint16_t part)
{
	const struct rule *w = &c->rules->rules[whole];

	for (uint32_t i = 0; i < w->nmeets; i++) {
		if (w->meets[i].absorbs && w->meets[i].other == part)
			return true;
	}
	return false;
}

/* Both sides of every relation, between rules that have it. */
static bool
check_relations(const struct correlator *c, uint32_t i)
{
	const struct dossier *d = dossier_at(c, i);

	for (uint32_t p = 0; p < d->nparts; p++) {
		const struct dossier *part = dossier_at(c, d->parts[p]);

		if (!lists(part->into, part->ninto, i) || !absorbs(c, d->rule, part->rule))
			return false;
	}
	for (uint8_t a = 0; a < d->ninto; a++) {
		const struct dossier *whole = dossier_at(c, d->into[a]);

		if (!lists(whole->parts, whole->nparts, i))
			return false;
	}
	return true;
}

static bool
load_dossiers(struct maps *m)
{
	struct correlator *c = m->c;

	for (uint32_t i = 0; i < m->h.ndossiers; i++) {
		if (!load_dossier(m))
			return false;
	}
	for (uint32_t i = 0; i < c->dossiers.size; i++) {
		struct dossier *d = dossier_at(c, i);

		if (!pool_used(&c->dossiers, i))
			continue;
		d->nparts = map_list(m, d->parts, d->nparts);
		d->ninto = (uint8_t)map_list(m, d->into, d->ninto);
	}
	for (uint32_t i = 0; i < c->dossiers.size; i++) {
		if (!pool_used(&c->dossiers, i))
			continue;
		if (!check_relations(c, i))
			return false;
	}
	for (uint32_t i = 0; i < c->dossiers.size; i++) {
		if (pool_used(&c->dossiers, i))
			dossier_due(c, i);
	}
	return true;
}

static bool
load_sessions(struct maps *m)
{
	for (uint32_t i = 0; i < m->h.nsessions; i++) {
		struct session s;
		struct str text;

		if (!get(&m->in, &s, sizeof(s)) || s.join >= m->h.njoins || s.len > m->in.n ||
		    !good_time(s.opened_us) || (s.late_us != WHEN_NONE && !good_time(s.late_us)) ||
		    (s.ended_us != WHEN_NONE && !good_time(s.ended_us)))
			return false;
		text = str_head(m->in, s.len);
		m->in = str_from(m->in, s.len);
		s.join = (uint16_t)m->joins[s.join];
		s.orphans = s.orphans < m->c->recall.next ? s.orphans : RECALL_NONE;
		if (s.join != (uint16_t)DROPPED && !session_restore(m->c, &s, text, &m->names))
			return false;
	}
	return true;
}

static bool
load_passed(struct maps *m)
{
	if (!get(&m->in, m->c->passed, sizeof(m->c->passed)))
		return false;
	m->c->npassed = m->h.npassed;
	for (uint32_t i = 0; i < PASSED; i++) {
		const struct passed *p = &m->c->passed[i];

		if (p->recall >= m->c->recall.next || !good_time(p->time_us))
			return false;
	}
	return true;
}

static bool
load_keepsakes(struct maps *m)
{
	struct correlator *c = m->c;

	if (m->h.nkeepsakes == 0)
		return true;
	c->keepsakes = calloc(KEEPSAKES, sizeof(*c->keepsakes));
	for (uint32_t i = 0; c->keepsakes && i < m->h.nkeepsakes; i++) {
		struct keepsake k, *place;

		if (!get(&m->in, &k, sizeof(k)) || k.len > m->in.n)
			return false;
		place = &c->keepsakes[k.track >> (64 - KEEPSAKE_BITS)];
		if (place->bytes)
			return false;      /* two in one place */
		k.bytes = malloc(k.len + 1u);
		if (!k.bytes)
			return false;
		(void)get(&m->in, k.bytes, k.len);
		recall_rename_bytes(k.bytes, k.len, &m->names);
		*place = k;
	}
	return c->keepsakes != NULL;
}

/* Tracks that wait for time: silence, and sequences that wait for what must not come. */
static void
put_dues(struct correlator *c)
{
	for (uint32_t i = 0; i < c->tracks.pool.size; i++) {
		struct track *t = track_at(&c->tracks, i);
		const struct rule *rule = &c->rules->rules[t->rule];

		if (!pool_used(&c->tracks.pool, i) || t->role != TRACK_RULE)
			continue;
		for (uint32_t k = 0; k < t->n; k++) {
			const struct event *e = &track_events(t)[k];
			bool silent = rule->shape == RULE_SILENCE && !(e->flags & EVENT_INCLUDED);

			if (silent || (e->flags & EVENT_PENDING))
				shape_put_due(c, i, e->time_us + rule->within_us);
		}
	}
}

static bool
maps_begin(struct maps *m)
{
	m->rules = new_map(m->h.nrules);
	m->joins = new_map(m->h.njoins);
	m->keys = new_map(m->h.nkeys);
	m->tracks_size = m->h.keys_max;
	m->dossiers_size = DOSSIERS_MAX;
	m->tracks = new_map(m->tracks_size);
	m->dossiers = new_map(m->dossiers_size);
	return renames_load(&m->names, m->c->rs, &m->in) && m->rules && m->joins && m->keys && m->tracks && m->dossiers &&
	    map_hashes(m, m->rules, m->h.nrules, false) && map_hashes(m, m->joins, m->h.njoins,
	    true) && map_keys(m);
}

static void
maps_end(struct maps *m)
{
	renames_free(&m->names);
	free(m->rules);
	free(m->joins);
	free(m->keys);
	free(m->tracks);
	free(m->dossiers);
}

static void
take_head(struct correlator *c, const struct state_head *h)
{
	c->seed = h->seed;
	c->next_serial = h->next_serial;
	c->next_id = h->next_id;
	c->tracks.evicted = h->evicted;
	c->watermark_us = h->watermark_us;
	c->now_us = h->now_us;
	c->started_us = h->started_us;
	c->last_time_us = h->last_time_us;
	c->stats = h->stats;
}

static bool
good_head(const struct state_head *h)
{
	const int64_t times[] = { h->watermark_us, h->now_us, h->started_us, h->last_time_us };

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		if (times[i] != WHEN_NONE && !good_time(times[i]))
			return false;
	}
	return h->keys_max <= KEYS_MOST && h->nrules <= RULES_MAX && h->njoins <= JOINS_MAX &&
	    h->nkeys <= UINT16_MAX;
}

static bool
load_all(struct maps *m)
{
	if (!good_head(&m->h) || !maps_begin(m))
		return false;
	if (recall_load(&m->c->recall, &m->in) < 0)
		return false;
	recall_rename(&m->c->recall, &m->names);
	if (!load_tracks(m) || !load_dossiers(m) ||
	    !load_sessions(m) ||
	    !load_passed(m) || !load_keepsakes(m) || m->in.n > 0)
		return false;
	put_dues(m->c);
	return true;
}

int
correlate_load(struct correlator *c, struct str state)
{
	struct maps m = { .c = c, .in = state };
	int rc = 0;

	assert(c->tracks.pool.count == 0 && c->dossiers.count == 0);
	if (!get(&m.in, &m.h, sizeof(m.h)) || m.h.magic != STATE_MAGIC)
		return -EINVAL;
	if (m.h.version != STATE_VERSION || m.h.sizes != SIZES)
		return -ESTALE;
	if (m.h.payload != state_hash(&m.h, m.in))
		return -EINVAL;
	take_head(c, &m.h);
	if (!load_all(&m)) {
		correlator_empty(c);
		rc = -EINVAL;
	}
	maps_end(&m);
	return rc;
}
