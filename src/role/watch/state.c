/*
 * state: the saved state: what the engine knows, how far every source was read, how long the
 * journal was. One file, replaced whole; written on another thread, at most so often as configured
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

#define MAGIC "GWATCH3\n"
#define STATE_MAX (UINT64_C(4) << 30)
#define COST_FACTOR 20                 /* at least so many times the time of saving lies between two */

struct checkpoint {
	struct watching *w;
	void (*on_saved)(void *ctx, uint64_t spooled);
	char path[PATH_MAX];
	struct buf bytes;              /* being written while `busy` */
	bool busy;
	int error;
	uint64_t spooled;              /* as in bytes */
	uint64_t dirty;                /* w->dirty as in bytes */
	uint64_t saved_dirty;
	int64_t began_us, cost_us, next_us;
	uint64_t saves, last_bytes;
};

int
checkpoint_open(struct watching *w, void (*on_saved)(void *ctx, uint64_t spooled))
{
	struct checkpoint *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->w = w;
	c->on_saved = on_saved;
	c->bytes = BUF_INIT(STATE_MAX);
	w->checkpoint = c;
	return file_path(c->path, sizeof(c->path), w->role->config->state_dir.p, "watch/state");
}

void
checkpoint_close(struct watching *w)
{
	if (!w->checkpoint)
		return;
	buf_free(&w->checkpoint->bytes);
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
put_engine(struct checkpoint *c)
{
	uint8_t bytes[sizeof(uint64_t)] = { 0 };
	struct enc e = enc_of(bytes, sizeof(bytes));
	size_t at = c->bytes.n;
	int r;

	buf_add(&c->bytes, str_of((char *)bytes, sizeof(bytes)));
	r = correlate_save(c->w->engine, &c->bytes);
	if (r < 0)
		return r;
	enc_u64(&e, c->bytes.n - at - sizeof(bytes));
	memcpy(c->bytes.p + at, e.p, e.n);
	return 0;
}

/* Lines wait while this runs: what can be done on the other thread is left to it. */
static int
serialize(struct checkpoint *c)
{
	struct watching *w = c->w;
	struct buf bans = BUF_INIT(STATE_MAX);
	uint8_t bytes[80];
	struct enc e = enc_of(bytes, sizeof(bytes));
	int r = responder_save(w->responder, &bans);

	buf_reset(&c->bytes);
	enc_bytes(&e, STR(MAGIC));
	enc_u64(&e, w->seed);
	enc_u64(&e, w->feeder);
	enc_u64(&e, w->spooled);
	enc_u64(&e, journal_mark(w));
	enc_u64(&e, (uint64_t)w->event_us);
	enc_u64(&e, (uint64_t)w->advanced_us);
	put(&c->bytes, &e);
	if (r == 0)
		r = put_engine(c);
	streams_save(&w->streams, &c->bytes);
	e = enc_of(bytes, sizeof(bytes));
	enc_u32(&e, (uint32_t)bans.n);
	put(&c->bytes, &e);
	buf_add(&c->bytes, buf_str(&bans));
	correlate_refs(w->engine, quotes_mark, w->quotes);
	quotes_save(w->quotes, &c->bytes);
	buf_free(&bans);
	c->spooled = w->spooled;
	c->dirty = w->dirty;
	return r < 0 ? r : buf_ok(&c->bytes) ? 0 : -ENOMEM;
}

static void
write_work(void *ctx)
{
	struct checkpoint *c = ctx;
	uint8_t bytes[sizeof(uint64_t)];
	struct enc e = enc_of(bytes, sizeof(bytes));

	enc_u64(&e, hash_bytes(buf_str(&c->bytes), 0));
	put(&c->bytes, &e);
	c->error = buf_ok(&c->bytes) ? file_replace(c->path, buf_str(&c->bytes), 0600, true) : -ENOMEM;
}

static void
written(void *ctx)
{
	struct checkpoint *c = ctx;
	struct watching *w = c->w;
	int64_t now = clock_mono_us();

	c->busy = false;
	if (c->error < 0) {
		log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot write the state %s: %s", c->path,
		    strerror(-c->error));
		return;
	}
	c->saves++;
	c->last_bytes = c->bytes.n;
	c->saved_dirty = c->dirty;
	if (now - c->began_us > c->cost_us * 2)
		c->cost_us = now - c->began_us;
	c->on_saved(w, c->spooled);
}

void
checkpoint_tick(struct watching *w, int64_t mono_us)
{
	struct checkpoint *c = w->checkpoint;

	if (c->busy || w->dirty == c->saved_dirty || mono_us < c->next_us)
		return;
	c->began_us = mono_us;
	int r = serialize(c);
	c->cost_us = clock_mono_us() - mono_us;
	int64_t pause = w->role->config->watch.state_interval_us;
	c->next_us = mono_us +
	    (c->cost_us * COST_FACTOR > pause ? c->cost_us * COST_FACTOR : pause);
	if (r == 0) {
		r = work_start(w->role->loop, write_work, written, c);
		c->busy = r == 0;
	}
	if (r < 0)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot save the state: %s", strerror(-r));
}

int
checkpoint_now(struct watching *w)
{
	struct checkpoint *c = w->checkpoint;

	while (c->busy)
		loop_run_once(w->role->loop, true);
	if (w->dirty == c->saved_dirty)
		return 0;
	c->began_us = clock_mono_us();
	int r = serialize(c);
	if (r < 0)
		return r;
	write_work(c);
	written(c);
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
