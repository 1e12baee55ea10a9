/*
 * keep: the order of things in a deletion: it is planned, told in the log, and only when that is durable carried
 * out. Must never let a line go whose deletion the log does not tell of.
 */
#include "role/vault/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "console/vault/pack.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "wire/json.h"

#define PLAN_EVERY (5 * WHEN_SECOND)
#define PACK_AT_LEAST WHEN_DAY         /* where lines are to go some day, none stays unpacked for longer */
#define ERASURES_BYTES (64u << 10)

/* Rules. */

static int
say_fault(const struct vaulting *v, struct conf_pos where, const struct retain_rule *r, int error)
{
	log_say(&v->role->log, LOG_LEVEL_ERROR, "%s:%u: retention: %s", v->role->config_path, where.line,
	    r->query.fault[0] ? r->query.fault : error == -EINVAL ? "a rule cannot count, it can only find" : strerror(-error));
	return -EINVAL;
}

static struct str
rule_name(struct arena *a, struct str what, int64_t for_us)
{
	struct buf b = BUF_INIT(8192);
	char span[64];

	buf_addf(&b, "%.*s %s", STR_FMT(what), for_us ? text_show_duration(for_us, span, sizeof(span)) : "forever");
	struct str name = arena_str(a, buf_str(&b));
	buf_free(&b);
	return name;
}

static int
read_rules(struct vaulting *v, const struct conf_retention *c)
{
	struct retain *p = &v->keeping->retain;
	struct arena *a = &v->role->file.arena;

	for (uint32_t i = 0; i < c->nkeeps; i++) {
		struct retain_rule *r = &p->rules[p->nrules++];
		int e = retain_rule_read(r, rule_name(a, c->keeps[i].what, c->keeps[i].for_us), c->keeps[i].what, c->keeps[i].for_us);
		if (e < 0)
			return say_fault(v, c->keeps[i].where, r, e);
	}
	for (uint32_t i = 0; i < c->nholds; i++) {
		struct retain_rule *r = &p->holds[p->nholds++];
		int e = retain_rule_read(r, c->holds[i].name, c->holds[i].what, 0);
		if (e < 0)
			return say_fault(v, c->holds[i].where, r, e);
	}
	p->others = (struct retain_rule){ .name = rule_name(a, STR("others"), c->others_us), .for_us = c->others_us };
	v->keeping->size_limit = c->size;
	return 0;
}

int
vaulting_keep_open(struct vaulting *v)
{
	v->keeping = calloc(1, sizeof(*v->keeping));
	if (!v->keeping)
		return -ENOMEM;
	v->keeping->job.v = v;
	return v->conf->retention ? read_rules(v, v->conf->retention) : 0;
}

void
vaulting_keep_close(struct vaulting *v)
{
	if (!v->keeping)
		return;
	keep_job_reset(&v->keeping->job);
	retain_free(&v->keeping->retain);
	free(v->keeping->seen);
	free(v->keeping);
	v->keeping = NULL;
}

bool
vaulting_keep_busy(const struct vaulting *v)
{
	return v->keeping && v->keeping->job.busy;
}

/* Orders to erase: known on the disk before they are acknowledged, and until they are carried out. */

static int
erasures_path(const struct vaulting *v, char path[PATH_MAX])
{
	return file_path(path, PATH_MAX, v->disk.dir, "keys/erasures");
}

static int
store_erasures(const struct vaulting *v)
{
	struct buf text = BUF_INIT(ERASURES_BYTES);
	char path[PATH_MAX];
	int r = erasures_path(v, path);

	for (size_t i = 0; i < v->keeping->nerasures; i++)
		buf_addf(&text, "%llu %llu\n", (unsigned long long)v->keeping->erasures[i].index,
		    (unsigned long long)v->keeping->erasures[i].record);
	if (r == 0)
		r = buf_ok(&text) ? file_replace(path, buf_str(&text), 0600, true) : -ENOMEM;
	buf_free(&text);
	return r;
}

static void
load_erasures(struct vaulting *v)
{
	struct keeping *k = v->keeping;
	struct buf text = BUF_INIT(ERASURES_BYTES);
	struct str rest, line, word;
	char path[PATH_MAX];

	if (erasures_path(v, path) == 0 && file_read(path, &text) == 0)
		for (rest = buf_str(&text); str_split(&rest, '\n', &line) && k->nerasures < ERASURES_MAX;) {
			struct erasure e = { .order = 0 };
			if (str_word(&line, &word) && text_u64(word, &e.index) == 0 && str_word(&line, &word) &&
			    text_u64(word, &e.record) == 0 && e.index < e.record && e.record < v->since)
				k->erasures[k->nerasures++] = e;
		}
	buf_free(&text);
}

static void
answer(struct vaulting *v, uint32_t id, const struct erasure *e, const char *error)
{
	struct buf json = BUF_INIT(4096);

	if (error) {
		buf_add(&json, STR("{\"type\":\"error\",\"error\":"));
		buf_add_json(&json, str_z(error));
		buf_add_byte(&json, '}');
	} else {
		buf_addf(&json, "{\"type\":\"ordered\",\"index\":%llu,\"record\":%llu}", (unsigned long long)e->index,
		    (unsigned long long)e->record);
	}
	buf_add(&json, STR("\n{\"type\":\"end\"}"));
	role_answer(v->role, id, buf_str(&json), true);
	buf_free(&json);
}

static void
drop_erasure(struct keeping *k, uint64_t record)
{
	size_t n = 0;

	for (size_t i = 0; i < k->nerasures; i++)
		if (k->erasures[i].record != record)
			k->erasures[n++] = k->erasures[i];
	k->nerasures = n;
}

static bool
is_erasure(const struct keeping *k, uint64_t record)
{
	for (size_t i = 0; i < k->nerasures; i++)
		if (k->erasures[i].record == record)
			return true;
	return false;
}

/* Orders whose record is durable by now are written down and acknowledged. */
static void
settle_orders(struct vaulting *v)
{
	struct keeping *k = v->keeping;
	bool due = false;
	int r = 0;

	for (size_t i = 0; i < k->nerasures; i++)
		due |= k->erasures[i].order && v->durable > k->erasures[i].record;
	if (due)
		r = store_erasures(v);
	for (size_t i = 0; i < k->nerasures && due; i++) {
		struct erasure *e = &k->erasures[i];
		if (!e->order || v->durable <= e->record)
			continue;
		answer(v, e->order, e, r < 0 ? "the order stands in the log, but could not be written down to be carried out: "
		    "is the disk full? Give it again" : NULL);
		e->order = 0;
	}
}

struct order {
	uint64_t index;
	char cmd[32], by[128], reason[512];
	bool bad, indexed;
};

static bool
on_member(void *ctx, const struct json_item *item)
{
	struct order *o = ctx;
	const struct { struct str key; char *dst; size_t size; } texts[] = {
		{ STR("cmd"), o->cmd, sizeof(o->cmd) }, { STR("by"), o->by, sizeof(o->by) },
		{ STR("reason"), o->reason, sizeof(o->reason) },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (item->depth == 1 && item->type == JSON_STRING && str_eq(texts[i].key, item->key)) {
			struct buf plain = BUF_INIT(texts[i].size);
			json_unescape(item->value, &plain);
			o->bad |= !buf_ok(&plain) || plain.n >= texts[i].size;
			if (!o->bad)
				memcpy(texts[i].dst, buf_cstr(&plain), plain.n + 1);
			buf_free(&plain);
		}
	if (item->depth == 1 && str_eq(item->key, STR("index"))) {
		o->indexed = item->type == JSON_NUMBER && text_u64(item->value, &o->index) == 0;
		o->bad |= !o->indexed;
	}
	return !o->bad;
}

/* The log must say it before it is done: who, and why. */
static int
say_erase(struct vaulting *v, const struct order *o, uint64_t *ret_record)
{
	struct buf by = BUF_INIT(2048), reason = BUF_INIT(8192);
	int r = vaulting_begin(v);

	*ret_record = v->sealer.tree.size;
	buf_add_json(&by, str_z(o->by));
	buf_add_json(&reason, str_z(o->reason));
	if (r == 0)
		r = buf_ok(&by) && buf_ok(&reason) ? 0 : -ENOMEM;
	if (r == 0)
		vaulting_say(v, "vault.erase index=%llu by=%s reason=%s", (unsigned long long)o->index, buf_cstr(&by),
		    buf_cstr(&reason));
	buf_free(&by);
	buf_free(&reason);
	return r == 0 && v->sealer.tree.size == *ret_record ? -EIO : r;
}

static const char *
refusal(const struct vaulting *v, const struct order *o)
{
	const struct keeping *k = v->keeping;

	if (o->bad || !o->indexed || !o->by[0] || !o->reason[0])
		return "an order to erase names an entry, who gives it, and why";
	if (o->index >= v->durable)
		return "there is no such entry";
	for (size_t i = 0; i < k->nerasures; i++)
		if (k->erasures[i].index == o->index)
			return "that entry is being erased already";
	return k->nerasures == ERASURES_MAX ? "too many orders wait to be carried out" : NULL;
}

bool
vaulting_keep_order(struct vaulting *v, const struct msg_order *m)
{
	struct keeping *k = v->keeping;
	struct order o = { .index = 0 };
	struct erasure e = { .order = m->id };

	o.bad |= json_walk(m->json, on_member, &o, NULL) < 0;
	if (!str_eq(str_z(o.cmd), STR("vault-erase")))
		return false;
	const char *why = refusal(v, &o);
	if (!why && say_erase(v, &o, &e.record) < 0)
		why = "the order could not be sealed";
	if (why) {
		answer(v, m->id, NULL, why);
		return true;
	}
	e.index = o.index;
	k->erasures[k->nerasures++] = e;
	return true;
}

/* Packing early. */

static void
want_packed(struct vaulting *v, uint64_t end)
{
	struct buf text = BUF_INIT(32);
	char path[PATH_MAX];

	if (end <= v->keeping->wanted || v->sealer.open)
		return;
	buf_addf(&text, "%llu\n", (unsigned long long)end);
	if (file_path(path, sizeof(path), v->disk.dir, PACK_WANTED) < 0 || file_replace(path, buf_str(&text), 0640, false) < 0) {
		buf_free(&text);
		return;
	}
	buf_free(&text);
	v->keeping->wanted = end;
	if (!v->in_fresh_file)
		vaulting_begin_file(v);
	v->epoch_wanted = true;
}

/* What was wanted is packed: from now on packd waits for more lines again. */
static void
end_packing(struct vaulting *v)
{
	char path[PATH_MAX];

	if (file_path(path, sizeof(path), v->disk.dir, PACK_WANTED) == 0)
		(void)unlink(path);
}

static int64_t
shortest(const struct retain *p)
{
	int64_t least = p->others.for_us;

	for (size_t i = 0; i < p->nrules; i++)
		if (p->rules[i].for_us && (!least || p->rules[i].for_us < least))
			least = p->rules[i].for_us;
	return least;
}

/* Lines that are to be erased, or that grow too old to stay in the log, are packed however few they are. */
static void
pack_early(struct vaulting *v, uint64_t log, int64_t log_since_us, int64_t now_us)
{
	struct keeping *k = v->keeping;
	int64_t soon = shortest(&k->retain) / 4;
	uint64_t end = 0;

	for (size_t i = 0; i < k->nerasures; i++)
		if (!k->erasures[i].order && k->erasures[i].index >= log && k->erasures[i].index >= end)
			end = k->erasures[i].index + 1;
	if (soon > PACK_AT_LEAST)
		soon = PACK_AT_LEAST;
	if (soon && log_since_us && now_us - log_since_us > soon && v->durable > log)
		end = v->durable;
	if (end)
		want_packed(v, end);
	else if (k->wanted && log >= k->wanted)
		end_packing(v);
}

/* The steps. */

static void done(void *ctx);

static void
hand_over(struct vaulting *v, void (*work)(void *ctx), enum keep_step step)
{
	struct keep_job *j = &v->keeping->job;

	j->step = step;
	j->error = 0;
	j->busy = work_start(v->role->loop, work, done, j) == 0;
}

static void
begin_plan(struct vaulting *v, int64_t now_us)
{
	struct keeping *k = v->keeping;
	struct keep_job *j = &k->job;

	k->planned_us = now_us;
	keep_job_reset(j);
	j->now_us = now_us;
	j->nasked = 0;
	j->asked = calloc(k->nerasures + 1, sizeof(*j->asked));
	if (!j->asked)
		return;
	for (size_t i = 0; i < k->nerasures; i++)
		if (!k->erasures[i].order)
			j->asked[j->nasked++] = k->erasures[i];
	hand_over(v, keep_plan, KEEP_PLAN);
	if (!j->busy) {
		free(j->asked);
		j->asked = NULL;
	}
}

static void
end_job(struct vaulting *v)
{
	struct keeping *k = v->keeping;
	struct keep_job *j = &k->job;

	if (j->erasing) {
		drop_erasure(k, j->record);
		k->erased += j->ngone;
		if (store_erasures(v) < 0)
			log_say(&v->role->log, LOG_LEVEL_WARNING, "what was erased could not be noted; it is done again after a restart");
	} else {
		k->expired += j->ngone;
	}
	keep_job_reset(j);
	j->step = KEEP_PLAN;
	/* What else waits need not wait longer. */
	k->planned_us = 0;
}

/* A rule's deletion is told now; an order was told when it was given. */
static void
say_expire(struct vaulting *v)
{
	struct keep_job *j = &v->keeping->job;
	struct buf rule = BUF_INIT(4096);

	if (vaulting_begin(v) < 0)
		return;
	j->record = v->sealer.tree.size;
	buf_add_json(&rule, str_z(j->rule));
	vaulting_say(v, "vault.expire first=%llu end=%llu lines=%llu rule=%s", (unsigned long long)j->first,
	    (unsigned long long)(j->first + j->rows), (unsigned long long)j->ngone, buf_cstr(&rule));
	buf_free(&rule);
	j->durable_at = j->record + 1;
	j->step = KEEP_SAID;
	if (v->sealer.tree.size == j->record)
		keep_job_reset(j);
}

static void
say_digest(struct vaulting *v)
{
	struct keep_job *j = &v->keeping->job;
	char hex[2 * DIGEST_BYTES + 1];

	for (unsigned i = 0; i < DIGEST_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", j->digest.b[i]);
	vaulting_say(v, "vault.segment first=%llu digest=%s", (unsigned long long)j->first, hex);
	j->durable_at = v->sealer.tree.size;
	j->step = KEEP_TOLD;
}

static void
planned(struct vaulting *v)
{
	struct keeping *k = v->keeping;
	struct keep_job *j = &k->job;

	k->bytes = j->bytes;
	pack_early(v, j->log_first, j->log_since_us, j->now_us);
	if (j->erasing && !j->ngone)
		end_job(v);
	else if (j->erasing)
		hand_over(v, keep_carry, KEEP_CARRY);
	else if (j->ngone)
		say_expire(v);
}

static void
done(void *ctx)
{
	struct keep_job *j = ctx;
	struct vaulting *v = j->v;
	struct keeping *k = v->keeping;

	j->busy = false;
	if (j->error < 0) {
		if (j->error != k->told_error)
			log_say(&v->role->log, LOG_LEVEL_ERROR, "lines that are to go could not be deleted (segment %020llu): %s; "
			    "it is tried again", (unsigned long long)j->first, strerror(-j->error));
		k->told_error = j->error;
		/* From what is on the disk, later. */
		keep_job_reset(j);
		j->step = KEEP_PLAN;
		return;
	}
	k->told_error = 0;
	if (v->stopping)
		return;
	if (j->step == KEEP_PLAN)
		planned(v);
	else if (j->step == KEEP_CARRY && !j->whole)
		j->step = KEEP_PACKING;
	else if (j->step == KEEP_CHECK)
		say_digest(v);
	else
		end_job(v);
}

/* After a start: what was left in the middle goes on. */
static void
take_up(struct vaulting *v)
{
	struct keep_job *j = &v->keeping->job;

	v->keeping->begun = true;
	load_erasures(v);
	end_packing(v);
	int r = keep_left_over(j);
	if (r == 0) {
		j->erasing = is_erasure(v->keeping, j->record);
		j->step = KEEP_PACKING;
		return;
	}
	if (r != -ENOENT)
		log_say(&v->role->log, LOG_LEVEL_ERROR, "a deletion that was begun cannot be ended: %s", strerror(-r));
	keep_job_reset(j);
}

void
vaulting_keep(struct vaulting *v)
{
	struct keeping *k = v->keeping;
	struct keep_job *j = &k->job;
	int64_t now_us = clock_wall_us();

	settle_orders(v);
	if (j->busy || v->stopping || v->dropping)
		return;
	if (j->step == KEEP_SAID && v->durable >= j->durable_at)
		hand_over(v, keep_carry, KEEP_CARRY);
	else if (j->step == KEEP_PACKING && keep_packd_is_done(j))
		hand_over(v, keep_check, KEEP_CHECK);
	else if (j->step == KEEP_TOLD && v->durable >= j->durable_at)
		hand_over(v, keep_finish, KEEP_FINISH);
	else if (j->step == KEEP_PLAN && !k->begun)
		take_up(v);
	else if (j->step == KEEP_PLAN && (k->nerasures || now_us - k->planned_us >= PLAN_EVERY || now_us < k->planned_us))
		begin_plan(v, now_us);
}

void
vaulting_keep_status(const struct vaulting *v, struct buf *json)
{
	const struct keeping *k = v->keeping;

	buf_addf(json, ",\"disk_bytes\":%llu,\"expired\":%llu,\"erased\":%llu,\"to_erase\":%zu", (unsigned long long)k->bytes,
	    (unsigned long long)k->expired, (unsigned long long)k->erased, k->nerasures);
	if (k->told_error)
		buf_addf(json, ",\"deleting\":\"%s\"", strerrorname_np(-k->told_error));
}
