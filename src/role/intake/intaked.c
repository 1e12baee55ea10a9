/*
 * intaked: receives every line: sockets, followed files, the journal, account files, standard input. Stamps its
 * arrival, writes it down, hands it on. Must never look into a line: what it means is decided where
 * nothing can be opened.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/intake/intake.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TICK_MS 1000
#define LOST_EVENT_PAUSE_US (10 * WHEN_SECOND)
#define STATUS_FEEDS 200

static const struct intake_ops *const ops_of[] = {
	[CONF_SOURCE_FILES] = &intake_files_ops,
	[CONF_SOURCE_UDP] = &intake_udp_ops,
	[CONF_SOURCE_TCP] = &intake_tcp_ops,
	[CONF_SOURCE_TLS] = &intake_tls_ops,
	[CONF_SOURCE_UNIX] = &intake_unix_ops,
	[CONF_SOURCE_JOURNAL] = &intake_journal_ops,
	[CONF_SOURCE_STDIN] = &intake_stdin_ops,
	[CONF_SOURCE_GATE] = &intake_gate_ops,
	[CONF_SOURCE_ACCOUNTS] = &intake_accounts_ops,
};

static int
open_sources(struct intake *in)
{
	const struct config *c = in->role->config;

	in->sources = calloc(c->nsources ? c->nsources : 1, sizeof(*in->sources));
	if (!in->sources)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nsources; i++) {
		struct intake_source *s = &in->sources[i];
		*s = (struct intake_source){
			.in = in,
			.conf = &c->sources[i],
			.ops = ops_of[c->sources[i].type],
			.fd = -1,
			.peers.map.seed = random_u64(),
			.zone_min = c->sources[i].timezone.n
			    ? (int16_t)clock_zone_min(c->sources[i].timezone) : 0,
		};
		in->nsources = i + 1;
		int r = s->ops->open ? s->ops->open(s) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* By hand there is no reader, and a spool that nobody reads would only grow. */
static bool
has_spool(const struct intake *in)
{
	return in->role->control_fd >= 0;
}

static int
make_dirs(struct intake *in)
{
	const struct config *c = in->role->config;
	char spool[PATH_MAX];
	int r = 0;

	if (has_spool(in)) {
		r = file_path(spool, sizeof(spool), c->state_dir.p, "spool");
		if (r == 0)
			r = role_make_dir(in->role, spool, 0700);
	}
	if (r == 0 && c->archive)
		r = role_make_dir(in->role, c->archive->path.p, 0750);
	return r;
}

static int
open_feed(struct intake *in)
{
	const struct config *c = in->role->config;
	char spool[PATH_MAX];
	struct feed_opts o = { 0 };
	int r = 0;

	if (c->archive) {
		r = archive_open(c->archive, clock_wall_us(), &in->archive);
		if (r < 0)
			log_say(&in->role->log, LOG_LEVEL_ERROR,
			    "cannot write the archive in %s: %s", c->archive->path.p, strerror(-r));
	}
	o.archive = in->archive;
	if (r == 0 && has_spool(in)) {
		r = file_path(spool, sizeof(spool), c->state_dir.p, "spool");
		o.spool_dir = spool;
	}
	return r < 0 ? r : feed_new(&o, &in->feed);
}

static int
prepare(void *ctx, struct role *r)
{
	struct intake *in = ctx;

	in->role = r;
	if (r->check_only)
		return 0;
	host_name(in->host);
	in->stream = malloc(INTAKE_READ_BYTES);
	in->dgrams = dgrams_new(INTAKE_DGRAM_BATCH);
	if (!in->stream || !in->dgrams)
		return -ENOMEM;
	int e = make_dirs(in);
	return e < 0 ? e : open_sources(in);
}

static void
tell_silence(struct intake_source *s, int64_t now)
{
	char span[64];

	if (!s->conf->silence_us || s->silent || s->ended || now - s->last_us < s->conf->silence_us)
		return;
	s->silent = true;
	struct buf name = BUF_INIT(8192);
	buf_add_json(&name, s->conf->name);
	intake_event(s->in, "log.silent source=%s for=\"%s\"", buf_cstr(&name),
	    text_show_duration(s->conf->silence_us, span, sizeof(span)));
	buf_free(&name);
}

static uint64_t
all_lost(const struct intake *in)
{
	struct feed_stats st;
	uint64_t lost = 0;

	feed_stats(in->feed, &st);
	for (uint32_t i = 0; i < in->nsources; i++)
		lost += in->sources[i].dropped;
	return lost + st.lost_full + st.lost_ring;
}

/* Loss is an event too, but a flood of lost lines must not become a flood of events. */
static void
tell_lost(struct intake *in, int64_t now)
{
	uint64_t lost = all_lost(in);

	if (lost == in->lost_told || now - in->lost_told_us < LOST_EVENT_PAUSE_US)
		return;
	intake_event(in, "log.gap lost=%llu", (unsigned long long)(lost - in->lost_told));
	log_say(&in->role->log, LOG_LEVEL_WARNING,
	    "%llu lines were lost; `guarita status` shows where",
	    (unsigned long long)(lost - in->lost_told));
	in->lost_told = lost;
	in->lost_told_us = now;
}

/* A disk that refuses is told when it begins and when it ends. */
static void
tell_disk(struct intake *in)
{
	struct feed_stats st;
	uint64_t lost = in->archive ? archive_lost(in->archive) : 0;

	feed_stats(in->feed, &st);
	if (st.spool_error != in->spool_error_told) {
		in->spool_error_told = st.spool_error;
		if (st.spool_error)
			log_say(&in->role->log, LOG_LEVEL_ERROR,
			    "the spool cannot be written: %s; lines are kept in memory only",
			    strerror(st.spool_error));
		else
			log_say(&in->role->log, LOG_LEVEL_INFO, "the spool is written again");
	}
	if (lost != in->archive_lost_told)
		log_say(&in->role->log, LOG_LEVEL_ERROR,
		    "%llu bytes could not be written to the archive",
		    (unsigned long long)(lost - in->archive_lost_told));
	in->archive_lost_told = lost;
}

struct sync {
	struct intake *in;
	int fd;
};

static void
sync_work(void *ctx)
{
	struct sync *s = ctx;

	(void)!fdatasync(s->fd);
	fd_close(&s->fd);
}

static void
sync_done(void *ctx)
{
	struct sync *s = ctx;

	s->in->syncing = false;
	free(s);
}

/* On another thread: the disk may take its time, datagrams do not. */
static void
sync_archive(struct intake *in)
{
	const struct conf_archive *conf = in->role->config->archive;

	if (!in->archive || !conf->sync_us || in->syncing)
		return;
	int fd = archive_take_unsynced(in->archive);
	if (fd < 0)
		return;
	struct sync *s = malloc(sizeof(*s));
	if (s)
		*s = (struct sync){ .in = in, .fd = fd };
	in->syncing = s && work_start(in->role->loop, sync_work, sync_done, s) == 0;
	if (!in->syncing) {
		free(s);
		close(fd);
	}
}

static bool
all_ended(const struct intake *in)
{
	for (uint32_t i = 0; i < in->nsources; i++)
		if (!in->sources[i].ended)
			return false;
	return in->nsources > 0;
}

static void
on_tick(void *ctx)
{
	struct intake *in = ctx;
	int64_t now = clock_mono_us();

	for (uint32_t i = 0; i < in->nsources; i++) {
		if (in->sources[i].ops->tick)
			in->sources[i].ops->tick(&in->sources[i], now);
		tell_silence(&in->sources[i], now);
	}
	tell_lost(in, now);
	tell_disk(in);
	intake_flush(in);
	intake_journal_keep(in);
	sync_archive(in);
	/* By hand, with nothing but standard input, the end of it is the end. */
	if (!in->role->control && all_ended(in))
		role_end(in->role, 0);
}

static int
begin(void *ctx, struct role *r)
{
	struct intake *in = ctx;
	struct entry_source own = {
		.kind = ENTRY_KIND_OWN,
		.name = STR("guarita"),
		.envelope = true,
		.anchor_us = WHEN_NONE,
	};

	/*
	 * The spool is ours by owner, not by privilege: opened only now, so that its files belong
	 * to our user.
	 */
	int e = open_feed(in);
	if (e < 0)
		return e;
	in->own = feed_source_new(in->feed, &own);
	e = timer_open(r->loop, on_tick, in, &in->tick);
	for (uint32_t i = 0; i < in->nsources && e == 0; i++) {
		in->sources[i].last_us = clock_mono_us();
		e = in->sources[i].ops->start(&in->sources[i]);
	}
	if (e == 0)
		timer_start(in->tick, TICK_MS, TICK_MS);
	return e;
}

/* The link to watchd. */

static void
forget_positions(struct intake *in)
{
	for (size_t i = 0; i < in->npositions; i++)
		free(in->positions[i].path);
	free(in->positions);
	in->positions = NULL;
	in->npositions = 0;
}

static int
take_position(struct intake *in, const struct msg_position *m)
{
	struct follow_pos pos;

	if (m->kind != ENTRY_KIND_FILE || feed_place_read(m->place, &pos) < 0)
		return -EBADMSG;
	void *p = reallocarray(in->positions, in->npositions + 1, sizeof(*in->positions));
	char *path = strndup(m->name.p, m->name.n);
	if (p)
		in->positions = p;
	if (!p || !path) {
		free(path);
		return -ENOMEM;
	}
	in->positions[in->npositions++] = (struct intake_position){ .path = path, .pos = pos };
	return 0;
}

static void
resume(struct intake *in, struct chan *c, const struct msg_resume *m)
{
	feed_attach(in->feed, c, m->spooled, m->credit);
	intake_files_begin(in);
	forget_positions(in);
	intake_flush(in);
}

static void
unlink_watch(struct intake *in)
{
	feed_detach(in->feed);
	intake_files_end(in);
	forget_positions(in);
	chan_close(in->watch);
	in->watch = NULL;
}

static void
on_watch(void *ctx, struct chan *c, struct msg *m)
{
	struct intake *in = ctx;

	if (m->type == MSG_position && take_position(in, &m->position) < 0) {
		log_say(&in->role->log, LOG_LEVEL_ERROR, "the reader told a position that is none");
		unlink_watch(in);
	} else if (m->type == MSG_resume) {
		resume(in, c, &m->resume);
	} else if (m->type == MSG_credit) {
		feed_credit(in->feed, m->credit.batches);
		intake_files_pump(in);
		intake_flush(in);
	} else if (m->type == MSG_saved) {
		feed_saved(in->feed, m->saved.spooled);
	}
}

static void
on_watch_room(void *ctx, struct chan *c)
{
	struct intake *in = ctx;

	(void)c;
	feed_room(in->feed);
	intake_files_pump(in);
}

static void
on_watch_end(void *ctx, struct chan *c, int error)
{
	struct intake *in = ctx;

	(void)c;
	if (error == -EBADMSG)
		log_say(&in->role->log, LOG_LEVEL_ERROR, "the reader sent a message that is none");
	/* Receiving goes on: the supervisor will bring a new link. */
	unlink_watch(in);
}

/* The link to linkd. */

static void
on_tls(void *ctx, struct chan *c, struct msg *m)
{
	(void)c;
	intake_tls_client(ctx, m->client.listener, m->client.name, m->fd);
}

static void
on_tls_end(void *ctx, struct chan *c, int error)
{
	struct intake *in = ctx;

	if (error == -EBADMSG)
		log_say(&in->role->log, LOG_LEVEL_ERROR, "linkd sent a message that is none");
	chan_close(c);
	in->tls = NULL;
}

static void
link_tls(struct intake *in, int fd)
{
	struct chan_calls calls = { .ctx = in, .on_msg = on_tls, .on_end = on_tls_end };

	chan_close(in->tls);
	in->tls = NULL;
	int r = chan_open(in->role->loop, fd, MSG_INTAKED, MSG_LINKD, &calls, &in->tls);
	if (r < 0)
		log_say(&in->role->log, LOG_LEVEL_ERROR, "cannot link to linkd: %s", strerror(-r));
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	struct intake *in = ctx;
	struct chan_calls calls = {
		.ctx = in, .on_msg = on_watch, .on_end = on_watch_end, .on_room = on_watch_room
	};

	if (peer == MSG_PEEKD) {
		int e = intake_peek_link(in, fd);
		if (e < 0)
			log_say(&in->role->log, LOG_LEVEL_ERROR, "cannot link to peekd: %s", strerror(-e));
		return;
	}
	/* Whoever comes next on the way of a line: vaultd where a vault is kept, else watchd. */
	if (peer == MSG_LINKD) {
		link_tls(in, fd);
		return;
	}
	if (peer != MSG_WATCHD && peer != MSG_VAULTD) {
		close(fd);
		return;
	}
	if (in->watch)
		unlink_watch(in);
	int r = chan_open(in->role->loop, fd, MSG_INTAKED, peer, &calls, &in->watch);
	if (r < 0)
		log_say(&in->role->log, LOG_LEVEL_ERROR, "cannot link to %s: %s", msg_peer_name(peer),
		    strerror(-r));
}

static void
source_status(const struct intake_source *s, struct buf *json)
{
	buf_add(json, STR("{\"name\":"));
	buf_add_json(json, s->conf->name);
	buf_addf(json,
	    ",\"dropped\":%llu,\"refused\":%llu,\"broken\":%llu,\"silent\":%s,\"peers\":%u}",
	    (unsigned long long)s->dropped, (unsigned long long)s->refused,
	    (unsigned long long)s->broken, s->silent ? "true" : "false", s->peers.n);
}

static void
feed_status(const struct intake *in, struct buf *json)
{
	size_t n = feed_sources(in->feed);

	buf_addf(json, ",\"nfeeds\":%zu,\"feeds\":[", n);
	/* What is too many to show is still counted in the totals. */
	for (size_t i = 0; i < n && i < STATUS_FEEDS && json->n + 6000 < json->max; i++) {
		const struct feed_source *s = feed_source_at(in->feed, i);
		buf_addf(json, "%s{\"name\":", i ? "," : "");
		buf_add_json(json, s->decl.name);
		buf_addf(json, ",\"lines\":%llu,\"bytes\":%llu,\"lost\":%llu,\"cut\":%llu}",
		    (unsigned long long)s->lines, (unsigned long long)s->bytes,
		    (unsigned long long)s->lost, (unsigned long long)s->cut);
	}
	buf_add_byte(json, ']');
}

static void
status(void *ctx, struct buf *json)
{
	struct intake *in = ctx;
	struct feed_stats st;

	feed_stats(in->feed, &st);
	buf_addf(json,
	    "\"lines\":%llu,\"lost\":%llu,\"unread_bytes\":%llu,\"spool_bytes\":%llu,\"reader\":%s,"
	    "\"cpu_us\":%lld",
	    (unsigned long long)st.lines, (unsigned long long)all_lost(in),
	    (unsigned long long)st.unread_bytes, (unsigned long long)st.spooled_bytes,
	    st.attached ? "true" : "false", (long long)clock_cpu_us());
	if (st.spool_error)
		buf_addf(json, ",\"spool_error\":\"%s\"", strerrorname_np(st.spool_error));
	if (in->archive)
		buf_addf(json, ",\"archive_bytes\":%llu,\"archive_lost\":%llu",
		    (unsigned long long)archive_bytes(in->archive),
		    (unsigned long long)archive_lost(in->archive));
	buf_add(json, STR(",\"sources\":["));
	for (uint32_t i = 0; i < in->nsources; i++) {
		if (i)
			buf_add_byte(json, ',');
		source_status(&in->sources[i], json);
	}
	buf_add_byte(json, ']');
	feed_status(in, json);
}

static void
close_sources(struct intake *in)
{
	for (uint32_t i = 0; i < in->nsources; i++)
		in->sources[i].ops->close(&in->sources[i]);
	in->nsources = 0;
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct intake *in = ctx;

	(void)grace_ms;
	close_sources(in);
	intake_flush(in);
	intake_journal_keep(in);
	if (!in->role->control) {
		struct feed_stats st;
		feed_stats(in->feed, &st);
		log_say(&in->role->log, LOG_LEVEL_INFO,
		    "%llu lines received, %llu lost, %.3f s of processor time",
		    (unsigned long long)st.lines, (unsigned long long)all_lost(in),
		    (double)clock_cpu_us() / 1e6);
	}
	role_end(in->role, 0);
}

static void
finish(void *ctx)
{
	struct intake *in = ctx;

	close_sources(in);
	if (in->feed)
		feed_flush(in->feed);
	chan_close(in->watch);
	chan_close(in->peek);
	chan_close(in->tls);
	timer_close(in->tick);
	feed_free(in->feed);
	archive_close(in->archive);
	forget_positions(in);
	dgrams_free(in->dgrams);
	free(in->stream);
	free(in->sources);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare,
		.begin = begin,
		.link = on_link,
		.status = status,
		.stop = stop,
		.finish = finish,
	};
	struct intake in = { .tick = NULL };

	return role_main(argc, argv, MSG_INTAKED, &calls, &in);
}
