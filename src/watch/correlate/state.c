/*
 * state: all that a correlator knows as bytes, and back. The bytes are for the same program on the same kind of
 * machine: structures as they lie, checked by a hash and by bounds. State of a rule is taken over only by a rule with
 * the same text. Whatever is wrong with the bytes, the correlator is left usable: as it was new, or as they say.
 */
#include "watch/correlate/state.h"

#include <errno.h>

#include "base/hash.h"
#include "watch/correlate/rename.h"

static void
put(struct buf *out, const void *p, size_t n)
{
	buf_add(out, str_of(p, n));
}

uint64_t
state_hash(const struct state_head *h, struct str body)
{
	struct state_head zeroed = *h;

	zeroed.payload = 0;
	return hash_mix(hash_bytes(str_of((const char *)&zeroed, sizeof(zeroed)), STATE_HASH_SEED),
	    hash_bytes(body, STATE_HASH_SEED));
}

static void
save_rules(const struct correlator *c, struct buf *out)
{
	for (uint32_t i = 0; i < c->rules->nrules; i++)
		put(out, &c->rules->rules[i].text_hash, sizeof(uint64_t));
	for (uint32_t i = 0; i < c->rules->njoins; i++)
		put(out, &c->rules->joins[i].text_hash, sizeof(uint64_t));
	put(out, c->rules->keys, c->rules->nkeys * sizeof(struct key_spec));
}

/* Queue by queue, the oldest first, so that ages come back as they were. */
static void
save_tracks(const struct correlator *c, struct buf *out)
{
	for (int q = 0; q < TRACK_CLASSES; q++) {
		for (uint32_t i = c->tracks.first[q]; i != TRACK_NONE; i = track_at(&c->tracks,
		    i)->next) {
			struct track *t = track_at(&c->tracks, i);

			put(out, &i, sizeof(i));
			put(out, t, sizeof(*t));
			if (t->size)
				put(out, t->at.many, t->n * sizeof(struct event));
		}
	}
}

static void
save_dossiers(const struct correlator *c, struct buf *out)
{
	for (uint32_t i = 0; i < c->dossiers.size; i++) {
		const struct dossier *d;
		uint32_t end = DROPPED;

		if (!pool_used(&c->dossiers, i))
			continue;
		d = dossier_at(c, i);
		put(out, &i, sizeof(i));
		put(out, d, sizeof(*d));
		put(out, d->held, d->nheld * sizeof(*d->held));
		put(out, d->parts, d->nparts * sizeof(*d->parts));
		facts_save(&d->facts, out);
		for (uint32_t m = d->meets; m != POOL_NONE;) {
			const struct meeting *node = pool_at(&c->meetings, m);
			uint32_t key = node->key;

			put(out, &key, sizeof(key));
			put(out, &node->hash, sizeof(node->hash));
			m = node->mine;
		}
		put(out, &end, sizeof(end));
	}
}

static void
save_rest(const struct correlator *c, struct buf *out)
{
	for (int q = SESSION_LIVE; q <= SESSION_BRIEF; q++) {
		for (uint32_t i = c->sessions.first[q]; i != POOL_NONE;) {
			const struct session *s = pool_at(&c->sessions.pool, i);

			put(out, s, sizeof(*s));
			put(out, s->text, s->len);
			i = s->after;
		}
	}
	put(out, c->passed, sizeof(c->passed));
	for (uint32_t i = 0; c->keepsakes && i < KEEPSAKES; i++) {
		if (!c->keepsakes[i].bytes)
			continue;
		put(out, &c->keepsakes[i], sizeof(c->keepsakes[i]));
		put(out, c->keepsakes[i].bytes, c->keepsakes[i].len);
	}
}

static uint32_t
keepsakes_known(const struct correlator *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; c->keepsakes && i < KEEPSAKES; i++)
		n += c->keepsakes[i].bytes != NULL;
	return n;
}

int
correlate_save(const struct correlator *c, struct buf *out)
{
	struct state_head h = { .magic = STATE_MAGIC, .version = STATE_VERSION, .sizes = SIZES,
		.seed = c->seed, .next_serial = c->next_serial, .next_id = c->next_id,
		    .evicted = c->tracks.evicted,
		.lateness_us = c->lateness_us, .watermark_us = c->watermark_us, .now_us = c->now_us,
		.started_us = c->started_us, .last_time_us = c->last_time_us,
		    .nrules = c->rules->nrules,
		.njoins = c->rules->njoins, .nkeys = c->rules->nkeys,
		    .ntracks = c->tracks.pool.count,
		.ndossiers = c->dossiers.count, .nsessions = c->sessions.pool.count,
		    .npassed = c->npassed,
		.nkeepsakes = keepsakes_known(c), .keys_max = c->tracks.pool.max,
		    .stats = c->stats };
	size_t from = out->n, body;

	put(out, &h, sizeof(h));
	renames_save(c->rs, out);
	save_rules(c, out);
	recall_save(&c->recall, out);
	save_tracks(c, out);
	save_dossiers(c, out);
	save_rest(c, out);
	if (!buf_ok(out))
		return -ENOMEM;
	body = from + sizeof(h);
	h.payload = state_hash(&h, str_of(out->p + body, out->n - body));
	memcpy(out->p + from, &h, sizeof(h));
	return 0;
}

