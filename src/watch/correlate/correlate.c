/* correlate: see correlate.h; how it works, correlator.h. This part takes records in and moves time on. */
#include "watch/correlate/correlate.h"

#include <errno.h>
#include <stdlib.h>

#include "watch/correlate/correlator.h"
#include "watch/correlate/key.h"

#define KEYS_LEAST 64u
#define LATENESS_DEFAULT (60 * WHEN_SECOND)
#define EXPIRE_AT_ONCE 64u
#define REPEAT_WITHIN WHEN_HOUR
#define TIME_MOST (INT64_C(1) << 59)   /* 18,000 years: windows may be added without leaving the scale */

/* Once in four thousand million records the numbers begin anew. */
void
correlator_begin_epochs(struct correlator *c)
{
	for (uint32_t i = 0; i < c->rules->nkeys; i++)
		c->key_memos[i].epoch = 0;
	for (uint32_t i = 0; i < c->rules->nparts; i++)
		c->part_memos[i].epoch = 0;
	c->epoch = 1;
}

uint64_t
correlator_part_anew(struct correlator *c, uint16_t part, const struct record *r)
{
	uint64_t hash = key_part_hash(&c->rules->parts[part], r, c->seed);

	c->part_memos[part] = (struct hash_memo){ hash, c->epoch };
	return hash;
}

uint64_t
correlator_key_anew(struct correlator *c, uint16_t key, const struct record *r)
{
	const struct key_plan *plan = &c->rules->plans[key];
	struct hash_memo *m = &c->key_memos[key];
	uint64_t parts[RULE_KEY_PARTS_MAX];

	*m = (struct hash_memo){ 0, c->epoch };
	if (plan->n == 1) {
		parts[0] = correlator_part(c, plan->part[0], r);
		m->hash = parts[0] ? key_join(parts, 1, c->seed) : 0;
		return m->hash;
	}
	/* What a record may lack mostly stands last: host and program are nearly always there. */
	for (uint8_t i = plan->n; i-- > 0;) {
		parts[i] = correlator_part(c, plan->part[i], r);
		if (parts[i] == 0 && !(plan->optional >> i & 1))
			return 0;
	}
	m->hash = key_join(parts, plan->n, c->seed);
	return m->hash;
}

/*
 * By rule, what of it this run decides. Names that no rule has are the caller's to tell of: rule_find(). Old logs teach
 * nothing: what must be learned first will not be told.
 */
static int
look_at_rules(struct correlator *c, const struct correlate_opts *o)
{
	c->off = calloc(c->rules->nrules + 1, sizeof(*c->off));
	c->most = calloc(c->rules->nrules + 1, sizeof(*c->most));
	if (!c->off || !c->most)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->rules->nrules; i++) {
		const struct rule *rule = &c->rules->rules[i];

		c->off[i] = c->batch && (rule->after_us > 0 || rule->shape == RULE_SILENCE);
		c->most[i] = shape_most(rule, c->lateness_us);
	}
	for (size_t i = 0; i < o->ndisabled; i++) {
		uint32_t rule = rule_find(c->rs, o->disabled[i]);

		if (rule != UINT32_MAX)
			c->off[rule] = true;
	}
	return 0;
}

static int
init(struct correlator *c, const struct correlate_opts *o)
{
	uint32_t keys = o->keys_max ? o->keys_max : KEYS_DEFAULT;

	c->lateness_us = o->lateness_us > 0 ? o->lateness_us : LATENESS_DEFAULT;
	c->env = (struct watch_env){ .own = o->own, .nown = o->nown,
	    .zone_offset_min = o->zone_offset_min };
	c->seed = o->hash_seed ? o->hash_seed : 1;
	c->batch = o->batch;
	c->watermark_us = c->now_us = c->started_us = c->last_time_us = WHEN_NONE;
	c->why = BUF_INIT(64u << 10);
	c->sources = BUF_INIT(64u << 10);
	c->proofs = BUF_INIT(64u << 20);
	c->tracks.keep_us = shape_keep_us;
	c->tracks.ctx = c->rules;
	pool_init(&c->dossiers, sizeof(struct dossier), DOSSIERS_MAX);
	pool_init(&c->meetings, sizeof(struct meeting), DOSSIERS_MAX * 8);
	c->meeting_buckets = malloc(MEETING_BUCKETS * sizeof(uint32_t));
	c->meeting_generations = calloc(MEETING_BUCKETS, sizeof(uint32_t));
	c->family = malloc(FAMILY_MAX * sizeof(uint32_t));
	c->key_memos = calloc(c->rules->nkeys + 1, sizeof(*c->key_memos));
	c->part_memos = calloc(c->rules->nparts + 1, sizeof(*c->part_memos));
	c->epoch = 1;
	if (!c->meeting_buckets || !c->meeting_generations || !c->family || !c->key_memos || !c->part_memos)
		return -ENOMEM;
	memset(c->meeting_buckets, 0xff, MEETING_BUCKETS * sizeof(uint32_t));
	if (look_at_rules(c, o) < 0)
		return -ENOMEM;
	if (tracks_init(&c->tracks, keys < KEYS_LEAST ? KEYS_LEAST : keys) < 0 ||
	    recall_init(&c->recall) < 0)
		return -ENOMEM;
	return sessions_init(&c->sessions);
}

static void
nobody_asks(void *ctx, const struct incident *i, enum incident_change change)
{
	(void)ctx;
	(void)i;
	(void)change;
}

int
correlator_new(const struct ruleset *rs, const struct correlate_opts *o,
    const struct correlate_calls *calls,
    struct correlator **ret)
{
	struct correlator *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->rs = rs;
	c->rules = rs->rules;
	c->calls = *calls;
	if (!c->calls.on_incident)
		c->calls.on_incident = nobody_asks;
	c->opts = *o;
	rc = init(c, o);
	if (rc < 0)
		correlator_free(c);
	else
		*ret = c;
	return rc;
}

static void
release(struct correlator *c)
{
	for (uint32_t i = 0; i < c->dossiers.size; i++) {
		if (!pool_used(&c->dossiers, i))
			continue;
		facts_free(&dossier_at(c, i)->facts);
		free(dossier_at(c, i)->held);
		free(dossier_at(c, i)->parts);
	}
	for (uint32_t i = 0; c->keepsakes && i < KEEPSAKES; i++)
		free(c->keepsakes[i].bytes);
	free(c->keepsakes);
	pool_free(&c->dossiers);
	pool_free(&c->meetings);
	free(c->meeting_buckets);
	free(c->meeting_generations);
	free(c->family);
	free(c->key_memos);
	free(c->part_memos);
	free(c->off);
	free(c->most);
	if (c->tracks.slots)
		tracks_free(&c->tracks);
	recall_free(&c->recall);
	if (c->sessions.buckets)
		sessions_free(&c->sessions);
	dues_free(&c->dues);
	buf_free(&c->why);
	buf_free(&c->sources);
	buf_free(&c->proofs);
}

void
correlator_free(struct correlator *c)
{
	if (c)
		release(c);
	free(c);
}

/* As it was when it was made; when memory is short even for that it is no longer used. */
void
correlator_empty(struct correlator *c)
{
	struct correlator fresh = { .rs = c->rs, .rules = c->rules, .calls = c->calls,
	    .opts = c->opts };

	release(c);
	*c = fresh;
	if (init(c, &c->opts) < 0)
		abort();
}

/* Eight bytes at either end tell hosts apart well enough, and cost nothing. */
static inline uint64_t
host_of(const struct record *r)
{
	struct str host = record_text(r, r->host);
	uint64_t head = 0, tail = 0;

	if (host.n >= 8) {
		memcpy(&head, host.p, 8);
		memcpy(&tail, host.p + host.n - 8, 8);
	} else if (host.n >= 4) {
		memcpy(&head, host.p, 4);
		memcpy(&tail, host.p + host.n - 4, 4);
	} else {
		for (size_t i = 0; i < host.n; i++)
			head = head << 8 | (uint8_t)host.p[i];
	}
	return (((uint64_t)r->source << 8) + host.n) ^ head * 0xff51afd7ed558ccdull ^ tail * 0xc4ceb9fe1a85ec53ull;
}

static inline void
pass(struct correlator *c, const struct record *r, int64_t time_us, uint32_t recall)
{
	c->passed[c->npassed++ & (PASSED - 1)] = (struct passed){ host_of(r), time_us, recall };
}

/* The last record of the mark's host before it. */
static const struct passed *
before_mark(const struct correlator *c, const struct record *mark, int64_t time_us)
{
	uint64_t host = host_of(mark);
	const struct passed *best = NULL;

	for (uint32_t i = 1; i <= PASSED && i <= c->npassed; i++) {
		const struct passed *p = &c->passed[(c->npassed - i) & (PASSED - 1)];

		if (p->host == host && p->time_us <= time_us && (!best ||
		    p->time_us > best->time_us))
			best = p;
	}
	return best;
}

/* "last message repeated N times": the record before it, N times more, at the time of the mark. */
static void
repeat(struct correlator *c, const struct record *mark, int64_t time_us)
{
	const struct passed *last = before_mark(c, mark, time_us);
	struct str n = record_value(mark, FIELD_repeat);
	struct record before;
	struct input in = { .r = &before, .time_us = time_us, .ref = mark->ref };
	uint64_t times;

	if (!last || last->recall == RECALL_NONE || time_us - last->time_us > REPEAT_WITHIN ||
	    text_u64(n, &times) < 0 || times == 0 || !recall_get(&c->recall, last->recall, &before))
		return;
	in.recall = last->recall;
	in.weight = times > REPEAT_MAX ? REPEAT_MAX : (uint32_t)times;
	before.ref = mark->ref;
	correlator_forget_keys(c);
	(void)count_record(c, &in, false);
}

static int64_t
time_of(struct correlator *c, const struct record *r)
{
	int64_t t = r->time_us;

	if (t == WHEN_NONE)
		t = c->last_time_us != WHEN_NONE ? c->last_time_us : r->received_us;
	if (t < -TIME_MOST || t > TIME_MOST)
		t = 0;
	c->last_time_us = t;
	if (c->started_us == WHEN_NONE || t < c->started_us)
		c->started_us = t;
	return t;
}

/* Wanted or not, it may open or end a session. Returns its copy, if some rule keeps one. */
static uint32_t
take(struct correlator *c, struct record *r, const struct kind_wants *kind, int64_t time_us)
{
	struct input in = { .r = r, .time_us = time_us, .ref = r->ref, .weight = weight_of(r) };
	bool join = c->sessions.pool.count > 0 && !kind->opens;

	correlator_forget_keys(c);
	if (join && !c->opts.join_wanted_only) {
		sessions_fill(c, r, time_us);
		join = false;
	}
	if (kind->n > 0 && count_record(c, &in, join) && c->rules->njoins > 0 && c->lateness_us > 0)
		sessions_wait(c, &in);
	if (kind->opens || kind->ends)
		sessions_take(c, r, time_us);
	return in.recall;
}

void
correlate(struct correlator *c, struct record *r)
{
	const struct kind_wants *kind = &c->rules->kinds[r->kind];
	int64_t time_us = time_of(c, r);
	uint32_t recall = RECALL_NONE;

	c->stats.records++;
	if (time_us < c->watermark_us)
		c->stats.late++;
	if (r->kind == KIND_syslog_repeat) {
		repeat(c, r, time_us);
	} else {
		if (kind->n > 0 || kind->opens || kind->ends || !c->opts.join_wanted_only)
			recall = take(c, r, kind, time_us);
		pass(c, r, time_us, recall);
	}
	if (c->ntouched > 0)
		tell_touched(c);
}

/* Time moves on from one due thing to the next, so that a leap gives what small steps would have given. */
void
correlate_advance(struct correlator *c, int64_t now_us)
{
	int64_t until = now_us - c->lateness_us;
	struct due due;

	if (now_us <= c->now_us)
		return;
	c->now_us = now_us;
	while (dues_pop(&c->dues, until, &due)) {
		if (due.at_us >= c->watermark_us)
			c->watermark_us = due.at_us + 1;
		if (due.what == DUE_TRACK)
			shape_due(c, &due);
		else
			dossier_close_due(c, &due);
		if (c->ntouched > 0)
			tell_touched(c);
	}
	c->watermark_us = until;
	tracks_expire(&c->tracks, c->watermark_us, EXPIRE_AT_ONCE);
	sessions_expire(c, EXPIRE_AT_ONCE);
}

/* What must not follow is judged by the time the input reached, what is open is closed. */
void
correlate_finish(struct correlator *c)
{
	if (c->last_time_us != WHEN_NONE && c->last_time_us > c->now_us)
		correlate_advance(c, c->last_time_us);
	if (c->ntouched > 0)
		tell_touched(c);
	dossiers_finish(c);
}

void
correlate_refs(const struct correlator *c, void (*each)(void *ctx, uint64_t ref), void *ctx)
{
	for (uint32_t i = 0; i < c->tracks.pool.size; i++) {
		struct track *t = track_at(&c->tracks, i);

		for (uint32_t k = 0; pool_used(&c->tracks.pool, i) && k < t->n; k++)
			each(ctx, track_events(t)[k].ref);
	}
	for (uint32_t i = 0; i < c->dossiers.size; i++) {
		const struct dossier *d = dossier_at(c, i);

		for (uint32_t k = 0; pool_used(&c->dossiers, i) && k < d->nheld; k++)
			each(ctx, d->held[k].ref);
	}
}

bool
correlate_is_open(const struct correlator *c, uint64_t id)
{
	for (uint32_t i = 0; i < c->dossiers.size; i++) {
		if (pool_used(&c->dossiers, i) && dossier_at(c, i)->told_as == id)
			return true;
	}
	return false;
}

void
correlate_ids_behind(struct correlator *c, uint64_t id)
{
	if (id > c->next_id)
		c->next_id = id;
}

void
correlate_stats(const struct correlator *c, struct correlate_stats *ret)
{
	*ret = c->stats;
	ret->keys = c->tracks.pool.count;
	ret->keys_evicted += c->tracks.evicted;
	ret->joins_evicted = c->sessions.evicted;
}

const char *
rule_name(const struct ruleset *rs, uint32_t rule)
{
	return rule < rs->rules->nrules ? rs->rules->rules[rule].name_z : "";
}

uint32_t
rule_find(const struct ruleset *rs, struct str name)
{
	for (uint32_t i = 0; i < rs->rules->nrules; i++) {
		if (str_eq(rs->rules->rules[i].name, name))
			return i;
	}
	return UINT32_MAX;
}

struct str
rule_attack(const struct ruleset *rs, uint32_t rule)
{
	const struct rule *r = rule < rs->rules->nrules ? &rs->rules->rules[rule] : NULL;

	if (!r || (!r->attack.n && r->open_record))
		return STR_NULL;
	return r->attack.n ? r->attack : str_z(kinds_row(rs->kinds, r->open)->attack);
}
