/*
 * state: the saved state: what the engine knows, how far every source was read, how long the
 * journal was. One file, replaced whole; put together and written by a task (sys/task), which sees all as it was
 * when it began: 100,000 keys are 27 MB and took 100 ms, for which lines waited. At most so often as configured
 * and never so often that saving becomes the main work. Must never tell intaked to forget what is
 * not on the disk.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/watch/watchd.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/task.h"

#define MAGIC "GWATCH3\n"
#define STATE_MAX (UINT64_C(4) << 30)
#define COST_FACTOR 20                 /* at least so many times the time of saving lies between two */

struct checkpoint {
	struct watching *w;
	void (*on_saved)(void *ctx, uint64_t spooled);
	char path[PATH_MAX];
	struct task *task;
	uint64_t spooled;              /* as the task has it */
	uint64_t dirty;                /* w->dirty as the task has it */
	uint64_t saved_dirty;
	int error;                     /* of the last one */
	int64_t began_us, cost_us;
	uint64_t saves, last_bytes;
};

struct said {
	uint64_t bytes;
	int error;
};

int
checkpoint_open(struct watching *w, void (*on_saved)(void *ctx, uint64_t spooled))
{
	struct checkpoint *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->w = w;
	c->on_saved = on_saved;
	w->checkpoint = c;
	return file_path(c->path, sizeof(c->path), w->role->config->state_dir.p, "watch/state");
}

void
checkpoint_close(struct watching *w)
{
	if (!w->checkpoint)
		return;
	task_free(w->checkpoint->task);
	free(w->checkpoint);
	w->checkpoint = NULL;
}

static void
put(struct buf *out, struct enc *e)
{
	buf_add(out, str_of((char *)e->p, e->n));
}

/* What the engine knows, behind its length: megabytes, so they are written where they are wanted at once. */
static int
put_engine(const struct watching *w, struct buf *out)
{
	uint8_t bytes[sizeof(uint64_t)] = { 0 };
	struct enc e = enc_of(bytes, sizeof(bytes));
	size_t at = out->n;
	int r;

	buf_add(out, str_of((char *)bytes, sizeof(bytes)));
	r = correlate_save(w->engine, out);
	if (r < 0)
		return r;
	enc_u64(&e, out->n - at - sizeof(bytes));
	memcpy(out->p + at, e.p, e.n);
	return 0;
}

static int
serialize(struct watching *w, struct buf *out)
{
	struct buf bans = BUF_INIT(STATE_MAX);
	uint8_t bytes[80];
	struct enc e = enc_of(bytes, sizeof(bytes));
	int r = responder_save(w->responder, &bans);

	enc_bytes(&e, STR(MAGIC));
	enc_u64(&e, w->seed);
	enc_u64(&e, w->feeder);
	enc_u64(&e, w->spooled);
	enc_u64(&e, journal_mark(w));
	enc_u64(&e, (uint64_t)w->event_us);
	enc_u64(&e, (uint64_t)w->advanced_us);
	put(out, &e);
	if (r == 0)
		r = put_engine(w, out);
	streams_save(&w->streams, out);
	e = enc_of(bytes, sizeof(bytes));
	enc_u32(&e, (uint32_t)bans.n);
	put(out, &e);
	buf_add(out, buf_str(&bans));
	correlate_refs(w->engine, quotes_mark, w->quotes);
	quotes_save(w->quotes, out);
	buf_free(&bans);
	return r < 0 ? r : buf_ok(out) ? 0 : -ENOMEM;
}

static struct said
save(const struct checkpoint *c)
{
	struct buf out = BUF_INIT(STATE_MAX);
	uint8_t bytes[sizeof(uint64_t)];
	struct enc e = enc_of(bytes, sizeof(bytes));
	int r = serialize(c->w, &out);

	if (r == 0) {
		enc_u64(&e, hash_bytes(buf_str(&out), 0));
		put(&out, &e);
		r = buf_ok(&out) ? file_replace(c->path, buf_str(&out), 0600, true) : -ENOMEM;
	}
	struct said s = { .bytes = out.n, .error = r };
	buf_free(&out);
	return s;
}

/* In the task. */
static int
run(void *ctx, const struct task_end *end)
{
	struct said s = save(ctx);

	return task_say(end, &s, sizeof(s)) ? 0 : 1;
}

static void
begin(struct checkpoint *c)
{
	c->began_us = clock_mono_us();
	c->spooled = c->w->spooled;
	c->dirty = c->w->dirty;
	c->error = -ECHILD;
}

static void
on_said(void *ctx, const void *bytes)
{
	struct checkpoint *c = ctx;
	struct said s;

	memcpy(&s, bytes, sizeof(s));
	c->error = s.error;
	c->last_bytes = s.bytes;
}

/* Whether it is on the disk is known; what was saved before stays if it is not. */
static void
on_ended(void *ctx, int status)
{
	struct checkpoint *c = ctx;
	struct watching *w = c->w;

	c->task = NULL;
	c->cost_us = clock_mono_us() - c->began_us;
	if (c->error < 0) {
		log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot write the state %s: %s", c->path,
		    status < 0 ? strsignal(-status) : strerror(-c->error));
		return;
	}
	c->saves++;
	c->saved_dirty = c->dirty;
	c->on_saved(w, c->spooled);
}

void
checkpoint_tick(struct watching *w, int64_t mono_us)
{
	struct checkpoint *c = w->checkpoint;
	struct task_calls calls = {
		.ctx = c, .said_bytes = sizeof(struct said), .run = run, .said = on_said, .ended = on_ended,
	};
	int64_t pause = w->role->config->watch.state_interval_us;

	if (c->task || w->dirty == c->saved_dirty ||
	    mono_us < c->began_us + (c->cost_us * COST_FACTOR > pause ? c->cost_us * COST_FACTOR : pause))
		return;
	begin(c);
	int r = task_start(w->role->loop, &calls, &c->task);
	if (r < 0)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot save the state: %s", strerror(-r));
}

int
checkpoint_now(struct watching *w)
{
	struct checkpoint *c = w->checkpoint;

	while (c->task)
		loop_run_once(w->role->loop, true);
	if (w->dirty == c->saved_dirty)
		return 0;
	begin(c);
	struct said s = save(c);
	on_said(c, &s);
	on_ended(c, 0);
	return c->error;
}

static int
load_parts(struct watching *w, struct cur *in)
{
	struct str magic = cur_bytes(in, 8);

	if (!cur_ok(in) || !str_eq(magic, STR(MAGIC)))
		return -EBADMSG;
	uint64_t seed = cur_u64(in), feeder = cur_u64(in), spooled = cur_u64(in), journal = cur_u64(in);
	int64_t event = (int64_t)cur_u64(in), advanced = (int64_t)cur_u64(in);
	struct str engine = cur_bytes(in, (size_t)cur_u64(in));
	if (!cur_ok(in))
		return -EBADMSG;
	int r = streams_load(&w->streams, in);
	struct str bans = cur_str32(in);
	if (r < 0 || !quotes_load(w->quotes, in) || !cur_done(in) ||
	    responder_load(w->responder, bans) < 0)
		return -EBADMSG;
	w->seed = seed;
	w->feeder = feeder;
	w->spooled = spooled;
	w->event_us = event;
	w->advanced_us = advanced;
	r = journal_recall(w, journal);
	return r < 0 ? r : watching_engine(w, engine);
}

int
checkpoint_load(struct watching *w)
{
	struct checkpoint *c = w->checkpoint;
	struct str map = STR_NULL;
	int r = file_map(c->path, &map);

	if (r == -ENOENT) {
		/*
		 * From the first line on there must be a state that says where the journal began.
		 */
		r = journal_recall(w, JOURNAL_UNKNOWN);
		if (r == 0)
			r = watching_engine(w, STR_NULL);
		w->dirty++;
		return r < 0 ? r : checkpoint_now(w);
	}
	if (r < 0)
		return r;
	if (map.n < 16) {
		r = -EBADMSG;
	} else {
		struct cur sum = cur_of(str_from(map, map.n - 8)),
			   in = cur_of(str_head(map, map.n - 8));
		uint64_t told = cur_u64(&sum);
		r = told == hash_bytes(str_head(map, map.n - 8), 0) ? load_parts(w, &in) : -EBADMSG;
	}
	file_unmap(map);
	if (r != -EBADMSG)
		return r;
	/*
	 * A state that cannot be read is no reason not to watch; it is kept for whoever wants to
	 * know why.
	 */
	char bad[PATH_MAX];
	log_say(&w->role->log, LOG_LEVEL_ERROR,
	    "the state %s is damaged; it is kept as state.bad, and all begins anew", c->path);
	if (file_path(bad, sizeof(bad), w->role->config->state_dir.p, "watch/state.bad") == 0)
		(void)!rename(c->path, bad);
	streams_close(&w->streams);
	r = streams_open(&w->streams, w->zone_offset_min, random_u64());
	if (r == 0)
		r = journal_recall(w, JOURNAL_UNKNOWN);
	return r < 0 ? r : watching_engine(w, STR_NULL);
}

void
checkpoint_status(const struct watching *w, struct buf *json)
{
	const struct checkpoint *c = w->checkpoint;

	buf_addf(json, ",\"state\":{\"saves\":%llu,\"bytes\":%llu,\"cost_us\":%lld,\"error\":%d}",
	    (unsigned long long)c->saves, (unsigned long long)c->last_bytes, (long long)c->cost_us,
	    -c->error);
}
