/*
 * watchd: decodes every line, correlates, raises incidents. Holds nothing but its links, its state
 * and its journal. Must never open a connection, nor act on an incident by itself: that is for
 * runnerd and the gate.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "role/rules.h"
#include "role/watch/watchd.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memory.h"

#define TICK_MS 100
#define LAST_TURNS 200
#define STATUS_STREAMS 200
#define QUOTES_BYTES (4u << 20)
#define SETTLED_US (5 * WHEN_SECOND)    /* no line so long: what was sent again after a restart has come */
#define OLD_PLACES_MS 60000            /* after a new link, files not heard of by then are no more */

struct watchd {
	struct watching w;
	struct timer *tick, *old_places;
	struct rules_text *rules;
	size_t nrules;
};

int
watching_engine(struct watching *w, struct str state)
{
	const struct config *c = w->role->config;

	if (!w->seed)
		w->seed = random_u64();
	struct correlate_opts o = {
		.lateness_us = c->watch.lateness_us,
		.keys_max = (uint32_t)c->watch.keys,
		.hash_seed = w->seed,
		.own = c->own.v, .nown = c->own.n,
		.zone_offset_min = w->zone_offset_min, .join_wanted_only = true,
		.disabled = c->watch.disable_rules.v, .ndisabled = c->watch.disable_rules.n,
	};
	struct correlate_calls calls = {
		.ctx = w, .on_incident = watching_tell, .id_of = watching_told_as
	};
	for (size_t i = 0; i < o.ndisabled; i++)
		if (rule_find(w->rules, o.disabled[i]) == UINT32_MAX)
			log_say(&w->role->log, LOG_LEVEL_WARNING,
			    "disable-rule: no rule is called %.*s; `guarita rules list` shows their names",
			    STR_FMT(o.disabled[i]));
	int r = correlator_new(w->rules, &o, &calls, &w->engine);
	if (r == 0 && state.n > 0)
		r = correlate_load(w->engine, state);
	if (r == -ESTALE) {
		log_say(&w->role->log, LOG_LEVEL_WARNING,
		    "the state was saved by another version: windows, joins and open incidents begin anew; what was read stays read");
		r = journal_recall(w, JOURNAL_UNKNOWN);
	}
	if (r == 0)
		correlate_ids_behind(w->engine, w->last_id);
	return r;
}

static int
cache_path(const struct watching *w, char path[PATH_MAX])
{
	return file_path(path, PATH_MAX, w->role->config->state_dir.p, "watch/patterns.db");
}

static int
read_rules(struct watchd *d)
{
	struct buf why = BUF_INIT(4096);
	int r = rules_read(
	    &d->w.texts, &d->w.role->config->rules_dirs, &d->rules, &d->nrules, &why);

	if (r < 0)
		log_say(
		    &d->w.role->log, LOG_LEVEL_ERROR, "cannot read the rules: %s", buf_cstr(&why));
	buf_free(&why);
	return r;
}

static int
prepare(void *ctx, struct role *r)
{
	struct watchd *d = ctx;
	struct watching *w = &d->w;
	char dir[PATH_MAX];

	w->role = r;
	int e = read_rules(d);
	if (e < 0 || r->check_only)
		return e;
	/* The folder itself stays root's: what another role keeps there is not ours to replace. */
	e = file_make_dirs(r->config->state_dir.p, 0755);
	if (e == 0)
		e = file_path(dir, sizeof(dir), r->config->state_dir.p, "watch");
	if (e == 0)
		e = role_make_dir(r, dir, 0700);
	if (e == 0)
		e = journal_open(w);
	return e < 0 ? e : acting_prepare(w);
}

/* The cache lies where we can write, so it is not read before our rights are given up. */
static int
load(void *ctx, struct role *role)
{
	struct watchd *d = ctx;
	struct watching *w = &d->w;
	char path[PATH_MAX];
	int r = cache_path(w, path);

	if (r == 0)
		r = rules_load(d->rules, d->nrules, path, !role->check_only, &w->rules);
	arena_free(&w->texts);
	d->rules = NULL;
	d->nrules = 0;
	memory_trim();
	return r;
}

static void
on_saved(void *ctx, uint64_t spooled)
{
	struct watching *w = ctx;
	struct msg m = { .type = MSG_saved, .fd = -1, .saved.spooled = spooled };

	if (w->intake && chan_state(w->intake) == MSG_OPEN && chan_send(w->intake, &m) < 0)
		log_say(&w->role->log, LOG_LEVEL_WARNING, "intaked does not take what it is told");
}

static void
on_tick(void *ctx)
{
	struct watching *w = &((struct watchd *)ctx)->w;
	int64_t now = clock_mono_us();

	watching_advance(w, now);
	if (w->told_pending && w->intake && now - w->event_mono_us > SETTLED_US)
		watching_withdraw(w);
	checkpoint_tick(w, now);
}

static void
on_old_places(void *ctx)
{
	struct watching *w = &((struct watchd *)ctx)->w;

	streams_drop_old(&w->streams);
}

static void
warn_of_zones(const struct role *r)
{
	struct conf_pos where;
	struct str zone;

	for (uint32_t i = 0; config_zone(r->config, i, &zone, &where); i++)
		if (!clock_zone_known(zone))
			log_say(&r->log, LOG_LEVEL_WARNING, "line %u: this machine knows no time zone `%.*s`, it is taken as UTC; "
			    "apt-get install tzdata, or an offset such as -03:00", where.line, STR_FMT(zone));
}

static int
begin(void *ctx, struct role *r)
{
	struct watchd *d = ctx;
	struct watching *w = &d->w;
	struct entry_source own = {
		.kind = ENTRY_KIND_OWN,
		.name = STR("watchd"),
		.envelope = true,
		.anchor_us = WHEN_NONE,
	};

	/* Loading took much more than keeping does. */
	memory_trim();
	w->event_us = w->advanced_us = WHEN_NONE;
	warn_of_zones(r);
	w->zone_offset_min = clock_zone_min(r->config->timezone);
	w->extra = BUF_INIT(RECORD_EXTRA_MAX);
	w->work = decode_work_new(w->rules);
	w->quotes = quotes_new(QUOTES_BYTES);
	if (!w->work || !w->quotes)
		return -ENOMEM;
	int e = streams_open(&w->streams, w->zone_offset_min, random_u64());
	if (e == 0)
		e = acting_begin(w);
	if (e == 0)
		e = checkpoint_open(w, on_saved);
	if (e == 0)
		e = checkpoint_load(w);
	if (e == 0)
		e = streams_declare(&w->streams, &own, &w->own);
	for (uint32_t i = 0; i < r->config->sites.npeers; i++)
		if (config_peer_takes(r->config, &r->config->sites.peers[i]))
			w->own_site = r->config->site;
	if (e == 0)
		e = timer_open(r->loop, on_old_places, d, &d->old_places);
	if (e == 0)
		e = timer_open(r->loop, on_tick, d, &d->tick);
	if (e < 0)
		return e;
	w->event_mono_us = clock_mono_us();
	timer_start(d->tick, TICK_MS, TICK_MS);
	return 0;
}

/* The feed. */

/* Another store of lines counts them anew. */
static void
follow_log(struct watching *w, uint64_t id, uint64_t since)
{
	if (w->feeder == id)
		return;
	w->feeder = id;
	w->spooled = since;
	w->dirty++;
}

/* A vault keeps positions itself. */
static int
tell_positions(struct watching *w)
{
	int r = 0;

	for (size_t i = 0; chan_peer(w->intake) == MSG_INTAKED && i < w->streams.nplaces && r == 0; i++) {
		const struct place *p = &w->streams.places[i];
		const struct entry_source *d = &w->streams.v[p->stream]->decl;
		struct msg m = {
			.type = MSG_position, .fd = -1,
			.position = {
				.source = p->stream, .kind = (uint8_t)d->kind, .name = d->name,
				.place = str_of((const char *)p->bytes, p->n),
			},
		};
		r = chan_send(w->intake, &m);
	}
	struct msg m = {
		.type = MSG_resume,
		.fd = -1,
		.resume = { .spooled = w->spooled, .credit = WATCHING_CREDIT },
	};
	return r < 0 ? r : chan_send(w->intake, &m);
}

static void
on_intake(void *ctx, struct chan *c, struct msg *m)
{
	struct watching *w = &((struct watchd *)ctx)->w;
	struct msg credit = { .type = MSG_credit, .fd = -1, .credit.batches = 1 };

	if (m->type == MSG_log) {
		follow_log(w, m->log.id, m->log.since);
		if (tell_positions(w) < 0)
			log_say(&w->role->log, LOG_LEVEL_ERROR, "vaultd does not take what it is told");
		return;
	}
	if (watching_records(w, &m->records) < 0) {
		log_say(&w->role->log, LOG_LEVEL_ERROR, "the feed brought records that are none");
		role_end(w->role, 1);
		return;
	}
	/* Whoever is gone wants no credit; the end of the link is told by itself. */
	int r = chan_send(c, &credit);
	if (r < 0 && r != -EPIPE)
		log_say(&w->role->log, LOG_LEVEL_WARNING, "the feed does not take credit");
}

static void
on_intake_end(void *ctx, struct chan *c, int error)
{
	struct watching *w = &((struct watchd *)ctx)->w;

	if (error == -EBADMSG)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "the feed brought a message that is none");
	chan_close(c);
	w->intake = NULL;
	if (error == -EBADMSG)
		role_end(w->role, 1);
}

/* From intaked, or from vaultd, who first says which log it is. */
static void
link_feed(struct watchd *d, enum msg_peer peer, int fd)
{
	struct watching *w = &d->w;
	struct chan_calls calls = { .ctx = d, .on_msg = on_intake, .on_end = on_intake_end };

	chan_close(w->intake);
	w->intake = NULL;
	watching_forget_wires(w);
	int r = chan_open(w->role->loop, fd, MSG_WATCHD, peer, &calls, &w->intake);
	if (r == 0 && peer == MSG_INTAKED) {
		follow_log(w, 0, 0);
		r = tell_positions(w);
	}
	if (r < 0) {
		log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot link to %s: %s", msg_peer_name(peer), strerror(-r));
		role_end(w->role, 1);
		return;
	}
	streams_link(&w->streams);
	timer_start(d->old_places, OLD_PLACES_MS, 0);
}

/* What we tell is evidence too. Where no vault listens, the journal has it all the same. */
void
watching_seal(struct watching *w, struct str line)
{
	struct msg m = { .type = MSG_seal, .fd = -1, .seal.line = str_trim(line) };

	if (!w->intake || chan_peer(w->intake) != MSG_VAULTD || chan_state(w->intake) != MSG_OPEN)
		return;
	if (line.n > MSG_MAX - 64 || chan_send(w->intake, &m) < 0)
		log_say(&w->role->log, LOG_LEVEL_WARNING, "an incident was not sealed; it is in the journal of incidents");
}

/* The jobs. */

static void
on_runner(void *ctx, struct chan *c, struct msg *m)
{
	struct watching *w = &((struct watchd *)ctx)->w;

	(void)c;
	if (m->type == MSG_serve)
		acting_runner_ready(w);
	else
		acting_ran(w, &m->ran);
}

static void
on_runner_end(void *ctx, struct chan *c, int error)
{
	struct watching *w = &((struct watchd *)ctx)->w;

	if (error == -EBADMSG)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "runnerd sent a message that is none");
	chan_close(c);
	w->runner = NULL;
	if (error == -EBADMSG)
		role_end(w->role, 1);
}

static void
link_runner(struct watchd *d, int fd)
{
	struct watching *w = &d->w;
	struct chan_calls calls = { .ctx = d, .on_msg = on_runner, .on_end = on_runner_end };

	chan_close(w->runner);
	w->runner = NULL;
	int r = chan_open(w->role->loop, fd, MSG_WATCHD, MSG_RUNNERD, &calls, &w->runner);
	if (r < 0)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot link to runnerd: %s", strerror(-r));
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	struct watchd *d = ctx;

	if (peer == MSG_INTAKED || peer == MSG_VAULTD)
		link_feed(d, peer, fd);
	else if (peer == MSG_RUNNERD)
		link_runner(d, fd);
	else if (peer == MSG_NETD || peer == MSG_LINKD)
		guarding_link(&d->w, peer, fd);
	else
		close(fd);
}

static void
stream_status(const struct stream *st, struct buf *json)
{
	char at[40];

	buf_add(json, STR("{\"name\":"));
	buf_add_json(json, st->decl.name);
	buf_addf(json, ",\"lines\":%llu,\"undecoded\":%llu,\"cut\":%llu",
	    (unsigned long long)st->lines, (unsigned long long)st->undecoded,
	    (unsigned long long)st->cut);
	if (st->last_time_us != WHEN_NONE)
		buf_addf(json, ",\"last\":\"%.*s\"", (int)when_show(st->last_time_us, 0, at), at);
	buf_add_byte(json, '}');
}

static void
status(void *ctx, struct buf *json)
{
	struct watching *w = &((struct watchd *)ctx)->w;
	struct correlate_stats st;

	correlate_stats(w->engine, &st);
	buf_addf(json,
	    "\"lines\":%llu,\"decoded\":%llu,\"undecoded\":%llu,\"cut\":%llu,\"incidents\":%llu,"
	    "\"repeated\":%llu,\"journal_lost\":%llu",
	    (unsigned long long)w->lines, (unsigned long long)w->decoded,
	    (unsigned long long)w->undecoded, (unsigned long long)w->cut,
	    (unsigned long long)w->incidents, (unsigned long long)w->suppressed,
	    (unsigned long long)w->journal_lost);
	buf_addf(json,
	    ",\"keys\":%llu,\"keys_evicted\":%llu,\"late\":%llu,\"joins\":%llu,\"joins_evicted\":%llu,"
	    "\"proofs_cut\":%llu,\"cpu_us\":%lld",
	    (unsigned long long)st.keys, (unsigned long long)st.keys_evicted,
	    (unsigned long long)st.late, (unsigned long long)st.joins,
	    (unsigned long long)st.joins_evicted, (unsigned long long)st.proofs_cut,
	    (long long)clock_cpu_us());
	acting_status(w, json);
	checkpoint_status(w, json);
	buf_addf(json, ",\"nstreams\":%u,\"streams\":[", w->streams.n);
	for (uint32_t i = 0, n = 0;
	     i < w->streams.n && n < STATUS_STREAMS && json->n + 6000 < json->max; i++) {
		if (!w->streams.v[i]->lines)
			continue;
		if (n++)
			buf_add_byte(json, ',');
		stream_status(w->streams.v[i], json);
	}
	buf_add_byte(json, ']');
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct watching *w = &((struct watchd *)ctx)->w;

	(void)grace_ms;
	/* What waits is handled now; what is too much for that will be sent again. */
	for (int i = 0; i < LAST_TURNS && w->intake; i++)
		loop_run_once(w->role->loop, false);
	chan_close(w->intake);
	w->intake = NULL;
	int r = checkpoint_now(w);
	if (r < 0)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "the last state was not saved: %s",
		    strerror(-r));
	role_end(w->role, r < 0);
}

static void
finish(void *ctx)
{
	struct watchd *d = ctx;
	struct watching *w = &d->w;

	chan_close(w->intake);
	chan_close(w->runner);
	timer_close(d->tick);
	timer_close(d->old_places);
	checkpoint_close(w);
	acting_end(w);
	guarding_end(w);
	watching_forget_wires(w);
	if (w->engine)
		correlator_free(w->engine);
	streams_close(&w->streams);
	quotes_free(w->quotes);
	decode_work_free(w->work);
	ruleset_free(w->rules);
	strmap_free(&w->told);
	arena_free(&w->told_keys);
	free(w->told_rows);
	arena_free(&w->texts);
	buf_free(&w->extra);
	fd_close(&w->journal);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare,
		.load = load,
		.begin = begin,
		.link = on_link,
		.status = status,
		.stop = stop,
		.finish = finish,
	};
	struct watchd d = {
		.w = { .journal = -1, .bans = -1, .event_us = WHEN_NONE, .advanced_us = WHEN_NONE }
	};

	return role_main(argc, argv, MSG_WATCHD, &calls, &d);
}
