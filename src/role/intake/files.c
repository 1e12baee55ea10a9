/*
 * files: followed files as a source. The file itself is the spool: watchd keeps the
 * positions and tells them when it starts. Must never read ahead of the credit, nor begin before
 * the positions are known.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "role/intake/intake.h"
#include "sys/clock.h"

/*
 * Part of the positions, so it is the same for ever. It need not be secret: the head only tells
 * files apart.
 */
#define HEAD_SEED UINT64_C(0x6775617269746121)
#define CHUNKS_A_TURN 4
#define RESCAN_PAUSE_MS 50             /* between looks at the names, */
#define RESCANS_AT_ONCE 8              /* of which so many may be saved up: the files that a rotation makes come together */
#define OLD_AGE_US WHEN_DAY

struct files {
	struct intake_source *source;
	struct follow *follow;
	struct poll *poll;
	struct timer *rescan, *pump;
	int64_t rescan_due_us;                 /* when the last one would have been due at that pace */
	bool begun;
	struct intake_position *kept;          /* where files were begun, over a new reader */
	size_t nkept;
};

/* What a followed file is to us; lives as long as the file is open. */
struct opened {
	struct feed_source *feed;
	struct follow_pos initial; /* where it was begun */
	uint64_t old_until;        /* what lies before was there, and old, when it was opened */
};

static const char *
quoted(struct str path, struct buf *b)
{
	buf_reset(b);
	buf_add_json(b, path);
	return buf_cstr(b);
}

static void
on_event(void *ctx, struct str path, enum follow_event e, uint64_t was, uint64_t now)
{
	struct files *fs = ctx;
	struct intake *in = fs->source->in;
	struct buf b = BUF_INIT(16384);
	const char *file = quoted(path, &b);

	switch (e) {
	case FOLLOW_SHRUNK:
		intake_event(in, "log.shrunk file=%s was=%llu now=%llu", file,
		    (unsigned long long)was, (unsigned long long)now);
		break;
	case FOLLOW_REPLACED:
		intake_event(in, "log.replaced file=%s was=%llu now=%llu", file,
		    (unsigned long long)was, (unsigned long long)now);
		break;
	case FOLLOW_REMOVED:
		intake_event(in, "log.removed file=%s was=%llu", file, (unsigned long long)was);
		break;
	case FOLLOW_GAP:
		intake_event(in, "log.gap file=%s was=%llu", file, (unsigned long long)was);
		break;
	case FOLLOW_UNREADABLE:
		fs->source->broken++;
		log_say(&in->role->log, LOG_LEVEL_WARNING, "cannot read %s: %s", file,
		    strerror((int)now));
		break;
	}
	buf_free(&b);
}

/*
 * An old file is read with the year of its last change; a living one with that of the lines'
 * arrival.
 */
static int64_t
anchor(const char *path, const struct follow_pos *pos)
{
	struct stat st;

	if (stat(path, &st) < 0 || (uint64_t)st.st_size <= pos->offset)
		return WHEN_NONE;
	int64_t changed = (int64_t)st.st_mtim.tv_sec * WHEN_SECOND;
	return clock_wall_us() - changed > OLD_AGE_US ? changed : WHEN_NONE;
}

/* The source of an earlier file of this name that is closed, or a new one. */
static struct feed_source *
source_for(struct files *fs, const char *path)
{
	struct feed *feed = fs->source->in->feed;

	for (size_t i = 0; i < feed_sources(feed); i++) {
		struct feed_source *s = feed_source_at(feed, i);
		if (s->decl.kind == ENTRY_KIND_FILE && !s->in_use &&
		    str_eq(s->decl.name, str_z(path)))
			return s;
	}
	return intake_feed_source(fs->source, ENTRY_KIND_FILE, str_z(path), false);
}

static void
on_open(void *ctx, struct follow_file *f)
{
	struct files *fs = ctx;
	const char *path = follow_file_path(f);
	struct opened *o = calloc(1, sizeof(*o));
	struct feed_source *feed = o ? source_for(fs, path) : NULL;
	struct stat st;

	if (!feed) {
		free(o);
		log_say(&fs->source->in->role->log, LOG_LEVEL_ERROR,
		    "too many files: %s is not read", path);
		return;
	}
	*o = (struct opened){ .feed = feed, .initial = follow_file_pos(f) };
	feed->in_use = true;
	feed->decl.anchor_us = anchor(path, &o->initial);
	feed_redeclare(feed);
	if (feed->decl.anchor_us != WHEN_NONE && stat(path, &st) == 0)
		o->old_until = (uint64_t)st.st_size;
	follow_file_set_user(f, o);
	feed_file_position(fs->source->in->feed, feed, &o->initial);
}

static void
on_close(void *ctx, struct follow_file *f)
{
	struct files *fs = ctx;
	struct opened *o = follow_file_user(f);
	struct follow_pos pos = follow_file_pos(f);

	if (!o)
		return;
	feed_file_gone(fs->source->in->feed, o->feed, &pos);
	o->feed->in_use = false;
	free(o);
}

static struct str
without_cr(struct str s)
{
	return s.n && s.p[s.n - 1] == '\r' ? str_head(s, s.n - 1) : s;
}

/* An old file was read to where it ended; what was added since is new. */
static void
become_new(struct opened *o)
{
	o->old_until = 0;
	o->feed->decl.anchor_us = WHEN_NONE;
	feed_redeclare(o->feed);
}

static void
on_chunk(void *ctx, struct follow_file *f, const struct follow_chunk *c)
{
	struct files *fs = ctx;
	struct feed *feed = fs->source->in->feed;
	struct opened *o = follow_file_user(f);
	struct follow_pos now = follow_file_pos(f), at = now;
	struct str rest = c->bytes;
	int64_t received = clock_wall_us();

	if (!o)
		return;
	if (o->old_until && c->offset >= o->old_until)
		become_new(o);
	at.offset = c->offset;
	at.line = c->line - 1;
	for (uint64_t number = c->line; rest.n; number++) {
		size_t lf = str_find_byte(rest, '\n');
		struct str line = without_cr(str_head(rest, lf));
		/* The last part of a line may be empty, and still ends it. */
		if (line.n || (c->continued && number == c->line))
			feed_file_line(feed, o->feed, received, number, line, c->open_end, &at);
		rest = str_from(rest, lf + 1);
		if (!c->open_end) {
			at.offset = now.offset - rest.n;
			at.line = number;
		}
	}
	if (!c->open_end)
		feed_file_position(feed, o->feed, &now);
	intake_took(fs->source);
}

static void
pump(struct files *fs)
{
	struct intake *in = fs->source->in;
	bool more = fs->begun;

	while (more && feed_files_wanted(in->feed)) {
		more = follow_pump(fs->follow, CHUNKS_A_TURN);
		intake_flush(in);
		if (more) {
			/* The loop has other work too. */
			timer_start(fs->pump, 0, 0);
			return;
		}
	}
}

static void
on_pump(void *ctx)
{
	pump(ctx);
}

static void
rescan(struct files *fs)
{
	int64_t now = clock_mono_us(), saved_up = now - RESCANS_AT_ONCE * RESCAN_PAUSE_MS * 1000;

	fs->rescan_due_us = (fs->rescan_due_us > saved_up ? fs->rescan_due_us : saved_up) + RESCAN_PAUSE_MS * 1000;
	follow_rescan(fs->follow, now);
	intake_flush(fs->source->in);
	pump(fs);
	int64_t poll_ms = fs->source->conf->poll_us / 1000;
	timer_start(fs->rescan, (uint64_t)(poll_ms > 0 ? poll_ms : 1), 0);
}

static void
on_rescan(void *ctx)
{
	rescan(ctx);
}

static void
on_inotify(void *ctx, int events)
{
	struct files *fs = ctx;

	(void)events;
	follow_wake(fs->follow);
	if (!follow_rescan_wanted(fs->follow)) {
		pump(fs);
	} else if (fs->rescan_due_us <= clock_mono_us()) {
		rescan(fs);
	} else {
		/* A directory where much happens must not keep us busy with names. */
		timer_start(fs->rescan, RESCAN_PAUSE_MS, 0);
		pump(fs);
	}
}

static bool
is_ours(const struct conf_source *c, const char *path)
{
	for (uint32_t i = 0; i < c->paths.n; i++) {
		struct str p = c->paths.v[i];
		if (fnmatch(p.p, path, FNM_PATHNAME) == 0)
			return true;
		struct str below = str_from(str_z(path), p.n);
		if (str_starts(str_z(path), p) && str_starts(below, STR("/")) &&
		    str_rfind(below, STR("/")) == 0)
			return true;
	}
	return false;
}

static bool
is_told(const struct intake *in, const struct follow_pos *pos)
{
	for (size_t i = 0; i < in->npositions; i++)
		if (in->positions[i].pos.ino == pos->ino && in->positions[i].pos.dev == pos->dev)
			return true;
	return false;
}

static int
resume_all(struct files *fs)
{
	struct intake *in = fs->source->in;
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->npositions; i++)
		if (is_ours(fs->source->conf, in->positions[i].path))
			r = follow_resume(fs->follow, in->positions[i].path, &in->positions[i].pos);
	/*
	 * A file that the reader never heard of before it died is begun again where it was begun.
	 */
	for (size_t i = 0; r == 0 && i < fs->nkept; i++)
		if (!is_told(in, &fs->kept[i].pos))
			r = follow_resume(fs->follow, fs->kept[i].path, &fs->kept[i].pos);
	return r;
}

static void
forget_kept(struct files *fs)
{
	for (size_t i = 0; i < fs->nkept; i++)
		free(fs->kept[i].path);
	free(fs->kept);
	fs->kept = NULL;
	fs->nkept = 0;
}

static int
open_follow(struct files *fs)
{
	struct intake_source *s = fs->source;
	struct follow_calls calls = {
		.ctx = fs,
		.on_open = on_open,
		.on_chunk = on_chunk,
		.on_event = on_event,
		.on_close = on_close,
	};
	struct follow_opts o = {
		.from_start = s->conf->from == CONF_FROM_START,
		.files_max = (size_t)s->in->role->config->limits.files,
		.hash_seed = HEAD_SEED,
	};
	int r = follow_new(&calls, &o, &fs->follow);

	for (uint32_t i = 0; r == 0 && i < s->conf->paths.n; i++)
		r = follow_add(fs->follow, s->conf->paths.v[i].p);
	if (r == 0)
		r = resume_all(fs);
	if (r == 0 && follow_fd(fs->follow) >= 0)
		r = poll_open(
		    s->in->role->loop, follow_fd(fs->follow), WANT_READ, on_inotify, fs, &fs->poll);
	return r;
}

static void
let_go(void *ctx, struct follow_file *f)
{
	struct files *fs = ctx;
	struct opened *o = follow_file_user(f);
	void *p = reallocarray(fs->kept, fs->nkept + 1, sizeof(*fs->kept));

	if (p)
		fs->kept = p;
	char *path = o && p ? strdup(follow_file_path(f)) : NULL;
	if (path)
		fs->kept[fs->nkept++] = (struct intake_position){ .path = path, .pos = o->initial };
	if (o)
		o->feed->in_use = false;
	free(o);
}

static void
end(struct files *fs)
{
	fs->begun = false;
	poll_close(fs->poll);
	fs->poll = NULL;
	timer_stop(fs->rescan);
	timer_stop(fs->pump);
	if (fs->follow)
		follow_each(fs->follow, let_go, fs);
	follow_free(fs->follow);
	fs->follow = NULL;
}

static int
start(struct intake_source *s)
{
	struct files *fs = calloc(1, sizeof(*fs));
	struct loop *l = s->in->role->loop;

	if (!fs)
		return -ENOMEM;
	fs->source = s;
	s->state = fs;
	int r = timer_open(l, on_rescan, fs, &fs->rescan);
	return r < 0 ? r : timer_open(l, on_pump, fs, &fs->pump);
}

static void
close_files(struct intake_source *s)
{
	struct files *fs = s->state;

	if (!fs)
		return;
	end(fs);
	forget_kept(fs);
	timer_close(fs->rescan);
	timer_close(fs->pump);
	free(fs);
	s->state = NULL;
}

static void
begin_one(struct intake_source *s)
{
	struct files *fs = s->state;

	end(fs);
	int r = open_follow(fs);
	forget_kept(fs);
	if (r < 0) {
		log_say(&s->in->role->log, LOG_LEVEL_ERROR, "cannot follow %.*s: %s",
		    STR_FMT(s->conf->name), strerror(-r));
		return;
	}
	fs->begun = true;
	rescan(fs);
}

static bool
is_files(const struct intake_source *s)
{
	return s->ops == &intake_files_ops && s->state;
}

void
intake_files_begin(struct intake *in)
{
	for (uint32_t i = 0; i < in->nsources; i++)
		if (is_files(&in->sources[i]))
			begin_one(&in->sources[i]);
}

void
intake_files_pump(struct intake *in)
{
	for (uint32_t i = 0; i < in->nsources; i++)
		if (is_files(&in->sources[i]))
			pump(in->sources[i].state);
}

void
intake_files_end(struct intake *in)
{
	for (uint32_t i = 0; i < in->nsources; i++)
		if (is_files(&in->sources[i]))
			end(in->sources[i].state);
}

const struct intake_ops intake_files_ops = { .start = start, .close = close_files };
