/*
 * session: facts of an earlier line of the same session, for later lines that lack them. Two openings of one key
 * within a minute, none ended and not alike, mean that many clients share it (a daemon of one process): then nobody
 * is named, for a wrong name is worse than none.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "watch/correlate/correlator.h"
#include "watch/correlate/key.h"
#include "watch/correlate/rename.h"

#define BUCKETS (32u << 10)
#define SHARED_WITHIN WHEN_MINUTE
#define OPENERS_MAX 4              /* of one key, to choose from by time */
#define WHEN_LONG_AGO (WHEN_NONE / 2) /* opened at a time nobody knows: only its end came so far */

int
sessions_init(struct sessions *s)
{
	*s = (struct sessions){ .buckets = malloc(BUCKETS * sizeof(uint32_t)), .mask = BUCKETS - 1, .first = { POOL_NONE, POOL_NONE },
		.last = { POOL_NONE, POOL_NONE } };
	pool_init(&s->pool, sizeof(struct session), SESSIONS_MAX);
	if (!s->buckets)
		return -ENOMEM;
	memset(s->buckets, 0xff, BUCKETS * sizeof(uint32_t));
	return 0;
}

void
sessions_free(struct sessions *s)
{
	for (uint32_t i = 0; i < s->pool.size; i++) {
		if (pool_used(&s->pool, i))
			free(((struct session *)pool_at(&s->pool, i))->text);
	}
	pool_free(&s->pool);
	free(s->buckets);
	s->buckets = NULL;
}

static struct session *
session_at(const struct correlator *c, uint32_t i)
{
	return pool_at(&c->sessions.pool, i);
}

static uint16_t
pid_tag(const struct record *r)
{
	return (uint16_t)((uint64_t)r->pid * 0x9e3779b97f4a7c15ull >> 52);
}

static inline uint64_t
hash_of(struct correlator *c, uint32_t join, const struct record *r)
{
	uint64_t key = correlator_key(c, c->rules->joins[join].key, r);

	return key ? hash_mix(key, c->rules->joins[join].text_hash | 1) : 0;
}

/* The latest opening not after time_us, if it is still good then. */
static struct session *
find(const struct correlator *c, uint32_t join, uint64_t hash, int64_t time_us)
{
	const struct join *j = &c->rules->joins[join];
	struct session *best = NULL;

	for (uint32_t i = c->sessions.buckets[hash & c->sessions.mask]; i != POOL_NONE;) {
		struct session *s = session_at(c, i);

		if (s->hash == hash && s->len && s->opened_us <= time_us && (!best ||
		    s->opened_us > best->opened_us))
			best = s;
		i = s->next;
	}
	if (!best || time_us - best->opened_us > j->for_us ||
	    (best->replaced_us != WHEN_NONE && best->replaced_us <= time_us))
		return NULL;
	/* A line or two after the end still belongs to it. */
	return best->ended_us == WHEN_NONE || time_us - best->ended_us <= c->lateness_us ? best :
	    NULL;
}

/* Another opening shortly before, not ended before this one, not alike. */
static bool
is_shared(const struct correlator *c, const struct session *mine, int64_t time_us)
{
	for (uint32_t i = c->sessions.buckets[mine->hash & c->sessions.mask]; i != POOL_NONE;) {
		const struct session *s = session_at(c, i);

		if (s->hash == mine->hash && s->len && s->opened_us <= mine->opened_us &&
		    mine->opened_us - s->opened_us <= SHARED_WITHIN &&
		    (s->ended_us == WHEN_NONE ||
		        (s->ended_us > mine->opened_us &&
		        time_us - s->ended_us <= c->lateness_us)) &&
		    !str_eq(str_of(s->text, s->len), str_of(mine->text, mine->len)))
			return true;
		i = s->next;
	}
	return false;
}

bool
session_give(const struct correlator *c, const struct session *s, struct record *r)
{
	struct str rest = str_of(s->text, s->len);
	bool gave = false;

	(void)c;
	while (rest.n >= 3) {
		uint16_t field;
		uint8_t len = (uint8_t)rest.p[2];
		struct str text = str_head(str_from(rest, 3), len);

		memcpy(&field, rest.p, sizeof(field));
		rest = str_from(rest, 3u + len);
		if (record_value(r, field).n == 0)
			gave |= record_set_text(r, field, text, FIELD_JOINED);
	}
	return gave;
}

void
sessions_fill(struct correlator *c, struct record *r, int64_t time_us)
{
	const struct sessions *all = &c->sessions;
	bool gave = false, pid = r->pid >= 0 && all->pids[pid_tag(r)];

	if (!pid && (all->by_others == 0 || r->nfields == 0))
		return;
	for (uint32_t j = 0; j < c->rules->njoins; j++) {
		const struct session *s;
		uint64_t hash;

		if (c->rules->joins[j].by_pid && !pid)
			continue;
		hash = hash_of(c, j, r);
		s = hash ? find(c, j, hash, time_us) : NULL;
		if (s && !is_shared(c, s, time_us))
			gave |= session_give(c, s, r);
	}
	if (gave) {
		correlator_forget_keys(c);
		c->stats.joins++;
	}
}

/* The record that tells its age. */
static int64_t
told_by(const struct session *s)
{
	return s->queue == SESSION_LIVE || s->ended_us == WHEN_NONE ? s->opened_us : s->ended_us;
}

static void
queue_put(struct correlator *c, uint32_t i, enum session_queue q)
{
	struct sessions *all = &c->sessions;
	struct session *s = session_at(c, i);

	s->queue = (uint8_t)q;
	s->late_us = told_by(s) < c->watermark_us ? c->watermark_us : WHEN_NONE;
	s->after = POOL_NONE;
	s->prev = all->last[q];
	if (s->prev == POOL_NONE)
		all->first[q] = i;
	else
		session_at(c, s->prev)->after = i;
	all->last[q] = i;
}

static void
queue_drop(struct correlator *c, uint32_t i)
{
	struct sessions *all = &c->sessions;
	struct session *s = session_at(c, i);

	if (s->prev == POOL_NONE)
		all->first[s->queue] = s->after;
	else
		session_at(c, s->prev)->after = s->after;
	if (s->after == POOL_NONE)
		all->last[s->queue] = s->prev;
	else
		session_at(c, s->after)->prev = s->prev;
}

static void
move(struct correlator *c, struct session *s, enum session_queue q)
{
	uint32_t i = (uint32_t)(((uint8_t *)s - c->sessions.pool.cells) / sizeof(*s));

	queue_drop(c, i);
	queue_put(c, i, q);
}

static void
drop(struct correlator *c, uint32_t i)
{
	struct sessions *all = &c->sessions;
	struct session *s = session_at(c, i);
	uint32_t *at = &all->buckets[s->hash & all->mask];

	while (*at != i)
		at = &session_at(c, *at)->next;
	*at = s->next;
	queue_drop(c, i);
	if (s->pid_tag == UINT16_MAX)
		all->by_others--;
	else if (all->pids[s->pid_tag] < UINT8_MAX)
		all->pids[s->pid_tag]--;
	free(s->text);
	pool_give(&all->pool, i);
}

/* What ended, or was never opened, is of use for as long as something may come late. */
static int64_t
good_until(const struct correlator *c, const struct session *s)
{
	int64_t from = told_by(s) > s->late_us ? told_by(s) : s->late_us;

	return from + (s->queue == SESSION_LIVE ? c->rules->joins[s->join].for_us : c->lateness_us);
}

void
sessions_expire(struct correlator *c, uint32_t most)
{
	for (int q = SESSION_LIVE; q <= SESSION_BRIEF; q++) {
		uint32_t i;

		for (uint32_t n = most; n > 0 && (i = c->sessions.first[q]) != POOL_NONE; n--) {
			if (c->watermark_us == WHEN_NONE || good_until(c, session_at(c,
			    i)) >= c->watermark_us)
				break;
			drop(c, i);
		}
	}
}

static struct session *
add_as(struct correlator *c, const struct session *from)
{
	struct sessions *all = &c->sessions;
	struct session *s;
	uint32_t i;

	if (all->pool.count == all->pool.max) {
		drop(c, all->first[SESSION_BRIEF] != POOL_NONE ? all->first[SESSION_BRIEF] :
		    all->first[SESSION_LIVE]);
		all->evicted++;
	}
	i = pool_take_raw(&all->pool);
	if (i == POOL_NONE)
		return NULL;
	s = session_at(c, i);
	*s = *from;
	s->next = all->buckets[s->hash & all->mask];
	all->buckets[s->hash & all->mask] = i;
	queue_put(c, i, s->queue == SESSION_LIVE ? SESSION_LIVE : SESSION_BRIEF);
	if (s->pid_tag == UINT16_MAX)
		all->by_others++;
	else if (all->pids[s->pid_tag] < UINT8_MAX)
		all->pids[s->pid_tag]++;
	return s;
}

static struct session *
add(struct correlator *c, uint32_t join, uint64_t hash, const struct record *r, int64_t time_us)
{
	bool pid = c->rules->joins[join].by_pid && r->pid >= 0;

	sessions_expire(c, 2);
	return add_as(c, &(struct session){ .hash = hash, .opened_us = time_us, .ended_us = WHEN_NONE,
	    .replaced_us = WHEN_NONE, .join = (uint16_t)join, .queue = SESSION_BRIEF,
	    .pid_tag = pid ? pid_tag(r) : UINT16_MAX });
}

static bool
is_carried(struct str text)
{
	while (text.n >= 3 && text.n >= 3u + (uint8_t)text.p[2]) {
		uint16_t field;

		memcpy(&field, text.p, sizeof(field));
		if (field >= FIELD_MAX)
			return false;
		text = str_from(text, 3u + (uint8_t)text.p[2]);
	}
	return text.n == 0;
}

/* False when a field has no name any more. */
static bool
rename_carried(char *text, size_t n, const struct renames *names)
{
	for (size_t at = 0; at < n; at += 3u + (uint8_t)text[at + 2]) {
		uint16_t field;

		memcpy(&field, text + at, sizeof(field));
		field = rename_field(names, field);
		if (field == RENAME_GONE)
			return false;
		memcpy(text + at, &field, sizeof(field));
	}
	return true;
}

bool
session_restore(struct correlator *c, const struct session *from, struct str text,
    const struct renames *names)
{
	struct session s = *from, *added;

	if ((s.pid_tag != UINT16_MAX && s.pid_tag >= ARRAY_LEN(c->sessions.pids)) ||
	    s.queue > SESSION_BRIEF ||
	    !is_carried(text))
		return false;
	s.text = text.n ? malloc(text.n) : NULL;
	s.len = s.text ? (uint16_t)text.n : 0;
	if (s.text) {
		memcpy(s.text, text.p, text.n);
		if (!rename_carried(s.text, text.n, names)) {
			free(s.text);
			return true;
		}
	}
	added = add_as(c, &s);
	if (!added) {
		free(s.text);
		return false;
	}
	added->late_us = from->late_us;
	return true;
}

/* What the opener brings; 0 bytes when it has nothing to give. */
static size_t
carried(const struct join *j, const struct record *r, char text[JOIN_CARRY_MAX * 258])
{
	size_t n = 0;

	for (uint8_t i = 0; i < j->ncarry; i++) {
		struct str v = str_head(record_value(r, j->carry[i]), KEY_VALUE_MAX);

		if (v.n == 0)
			continue;
		memcpy(text + n, &j->carry[i], sizeof(uint16_t));
		text[n + 2] = (char)v.n;
		memcpy(text + n + 3, v.p, v.n);
		n += 3 + v.n;
	}
	return n;
}

static struct session *
find_orphans(const struct correlator *c, uint64_t hash)
{
	for (uint32_t i = c->sessions.buckets[hash & c->sessions.mask]; i != POOL_NONE;) {
		struct session *s = session_at(c, i);

		if (s->hash == hash && s->len == 0 && s->ended_us == WHEN_NONE)
			return s;
		i = s->next;
	}
	return NULL;
}

/* The end of a session opened at time_us, when that came before its opening did; WHEN_NONE: none. */
static int64_t
known_end(const struct correlator *c, uint64_t hash, int64_t time_us, uint32_t *ret_openers)
{
	int64_t end = WHEN_NONE;

	*ret_openers = 0;
	for (uint32_t i = c->sessions.buckets[hash & c->sessions.mask]; i != POOL_NONE;) {
		const struct session *s = session_at(c, i);

		i = s->next;
		if (s->hash != hash)
			continue;
		*ret_openers += s->len != 0;
		if (s->opened_us <= time_us && s->ended_us != WHEN_NONE && s->ended_us >= time_us &&
		    (end == WHEN_NONE || s->ended_us < end))
			end = s->ended_us;
	}
	return end;
}

static void
replaced_at(struct session *s, int64_t time_us)
{
	if (s->replaced_us == WHEN_NONE || time_us < s->replaced_us)
		s->replaced_us = time_us;
}

/* Of the openings of one key each is good until the next. */
static void
order_openings(const struct correlator *c, struct session *mine)
{
	for (uint32_t i = c->sessions.buckets[mine->hash & c->sessions.mask]; i != POOL_NONE;) {
		struct session *s = session_at(c, i);

		i = s->next;
		if (s == mine || s->hash != mine->hash || s->len == 0)
			continue;
		if (s->opened_us < mine->opened_us)
			replaced_at(s, mine->opened_us);
		else if (s->opened_us > mine->opened_us)
			replaced_at(mine, s->opened_us);
	}
}

static struct session *
oldest_of(const struct correlator *c, uint64_t hash)
{
	struct session *old = NULL;

	for (uint32_t i = c->sessions.buckets[hash & c->sessions.mask]; i != POOL_NONE;) {
		struct session *s = session_at(c, i);

		if (s->hash == hash && s->len && (!old || s->opened_us < old->opened_us))
			old = s;
		i = s->next;
	}
	return old;
}

static void
claim_orphans(struct correlator *c, const struct session *s)
{
	struct session *early = find_orphans(c, s->hash);
	struct session opened = *s;
	uint32_t seq;

	if (!early || is_shared(c, s, s->opened_us))
		return;
	seq = early->orphans;
	early->orphans = RECALL_NONE;
	while (seq != RECALL_NONE) {
		uint32_t next = recall_link(&c->recall, seq);

		count_again(c, seq, &opened);
		seq = next;
	}
}

static void
open_session(struct correlator *c, uint32_t join, const struct record *r, int64_t time_us)
{
	const struct join *j = &c->rules->joins[join];
	uint64_t hash = conditions_hold(j->where, j->nwhere, c->rs, r, &c->env) ? hash_of(c, join, r) : 0;
	char text[JOIN_CARRY_MAX * 258];
	size_t n = hash ? carried(j, r, text) : 0;
	struct session *s;
	uint32_t others;
	int64_t ended;

	if (n == 0)
		return;
	ended = known_end(c, hash, time_us, &others);
	s = others >= OPENERS_MAX ? oldest_of(c, hash) : add(c, join, hash, r, time_us);
	if (!s)
		return;
	free(s->text);
	s->text = malloc(n);
	s->len = s->text ? (uint16_t)n : 0;
	if (s->text)
		memcpy(s->text, text, n);
	s->opened_us = time_us;
	s->ended_us = ended;
	s->replaced_us = WHEN_NONE;
	order_openings(c, s);
	move(c, s, ended == WHEN_NONE ? SESSION_LIVE : SESSION_BRIEF);
	c->sessions.opened++;
	claim_orphans(c, s);
}

static void
end_session(struct correlator *c, uint32_t join, const struct record *r, int64_t time_us)
{
	uint64_t hash = hash_of(c, join, r);
	struct session *s;

	if (hash == 0)
		return;
	s = find(c, join, hash, time_us);
	if (!s)
		s = add(c, join, hash, r, WHEN_LONG_AGO);
	if (s && (s->ended_us == WHEN_NONE || time_us < s->ended_us)) {
		s->ended_us = time_us;
		move(c, s, SESSION_BRIEF);
	}
}

void
sessions_take(struct correlator *c, const struct record *r, int64_t time_us)
{
	const struct kind_wants *kind = &c->rules->kinds[r->kind];

	for (uint32_t joins = kind->opens | kind->ends; joins; joins &= joins - 1) {
		uint32_t j = (uint32_t)__builtin_ctz(joins);

		if (kind->opens >> j & 1)
			open_session(c, j, r, time_us);
		if (kind->ends >> j & 1)
			end_session(c, j, r, time_us);
	}
}

void
sessions_wait(struct correlator *c, struct input *in)
{
	if (c->rules->lacking != FIELD_NONE && record_value(in->r, c->rules->lacking).n)
		return;
	for (uint32_t j = 0; j < c->rules->njoins; j++) {
		const struct join *join = &c->rules->joins[j];
		uint64_t hash = hash_of(c, j, in->r);
		struct session *s;

		if (hash == 0 || record_value(in->r, join->carry[0]).n)
			continue;
		if (find(c, j, hash, in->time_us))
			continue;
		s = find_orphans(c, hash);
		if (!s)
			s = add(c, j, hash, in->r, in->time_us);
		if (!s)
			return;
		recall_set_link(&c->recall, input_recall(c, in), s->orphans);
		s->orphans = in->recall;
		s->opened_us = in->time_us > s->opened_us ? in->time_us : s->opened_us;
		/* One chain per copy: the first join that may bring something gets it. */
		return;
	}
}
