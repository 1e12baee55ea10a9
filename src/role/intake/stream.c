/*
 * stream: TCP clients, standard input, the journal's export stream: bytes that are framed
 * into lines. When the reader is behind they are simply not read, and the sender waits. Must never
 * keep more of a stream than one line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/intake/intake.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "wire/framing.h"

#define READS_A_TURN 4

struct stream {
	struct intake_source *source;
	struct stream *next, **link;
	struct feed_source *feed;
	int fd;
	struct poll *poll;
	struct framing framing;
	uint64_t broken;           /* of framing.broken, counted with the source so far */
	int64_t now_us;            /* arrival of what is being read */
	int64_t last_us;
	bool owns_fd;
	void (*on_end)(struct stream *st);
};

struct listener {
	struct stream *first;
	uint32_t n;
};

static void
stream_close(struct stream *st)
{
	poll_close(st->poll);
	if (st->owns_fd)
		fd_close(&st->fd);
	if (st->link) {
		*st->link = st->next;
		if (st->next)
			st->next->link = st->link;
	}
	framing_free(&st->framing);
	free(st);
}

/* Some senders count and end the line too. */
static struct str
without_end(struct str s)
{
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static void
on_frame(void *ctx, struct str line, bool cut)
{
	struct stream *st = ctx;

	if (st->framing.mode != FRAMING_JOURNAL)
		line = without_end(line);
	if (line.n)
		feed_line(st->source->in->feed, st->feed, st->now_us, line, cut);
}

static void
count_broken(struct stream *st)
{
	st->source->broken += st->framing.broken - st->broken;
	st->broken = st->framing.broken;
}

/* One read: > 0 go on, 0 nothing waits, else the stream is over (-EPIPE at its end). */
static int
read_once(struct stream *st)
{
	struct intake *in = st->source->in;
	ssize_t n;
	int r;

	do
		n = read(st->fd, in->stream, INTAKE_READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	st->now_us = clock_wall_us();
	r = framing_feed(&st->framing, str_of(in->stream, (size_t)n), on_frame, st);
	count_broken(st);
	if (r < 0)
		return r;
	return n < (ssize_t)INTAKE_READ_BYTES ? 0 : 1;
}

/* What was begun and never ended is all there will be of it. */
static void
take_last(struct stream *st)
{
	st->now_us = clock_wall_us();
	framing_finish(&st->framing, on_frame, st);
	count_broken(st);
}

static void
on_stream(void *ctx, int events)
{
	struct stream *st = ctx;
	struct intake_source *s = st->source;
	int r = 1;

	(void)events;
	for (int i = 0; i < READS_A_TURN && r > 0; i++)
		r = read_once(st);
	st->last_us = clock_mono_us();
	if (r < 0) {
		take_last(st);
		st->on_end(st);
	}
	intake_took(s);
	intake_flush(s->in);
}

static enum framing_mode
framing_mode(const struct conf_source *c)
{
	if (c->type == CONF_SOURCE_JOURNAL)
		return FRAMING_JOURNAL;
	if (c->type != CONF_SOURCE_TCP && c->type != CONF_SOURCE_TLS)
		return FRAMING_LF;
	return c->framing == CONF_FRAMING_OCTET ? FRAMING_OCTET
	    : c->framing == CONF_FRAMING_LINE   ? FRAMING_LF
						: FRAMING_AUTO;
}

static size_t
line_max(const struct intake_source *s)
{
	return s->conf->max_line ? s->conf->max_line : s->in->role->config->limits.max_line;
}

static struct stream *
stream_open(
    struct intake_source *s, int fd, struct feed_source *feed, void (*on_end)(struct stream *st))
{
	struct stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	*st = (struct stream){
		.source = s,
		.feed = feed,
		.fd = fd,
		.on_end = on_end,
		.last_us = clock_mono_us(),
	};
	framing_init(&st->framing, framing_mode(s->conf), line_max(s));
	if (poll_open(
		s->in->role->loop, fd, s->in->slow ? 0 : WANT_READ, on_stream, st, &st->poll) < 0) {
		free(st);
		return NULL;
	}
	return st;
}

/* TCP. */

static void
client_end(struct stream *st)
{
	struct listener *l = st->source->state;

	l->n--;
	stream_close(st);
}

static void
add_client(struct intake_source *s, int fd, struct feed_source *feed)
{
	struct listener *l = s->state;
	struct stream *st = NULL;

	if (l->n >= s->conf->max_clients || !feed || !(st = stream_open(s, fd, feed, client_end))) {
		s->refused++;
		close(fd);
		return;
	}
	st->owns_fd = true;
	st->next = l->first;
	st->link = &l->first;
	if (l->first)
		l->first->link = &st->next;
	l->first = st;
	l->n++;
}

static void
on_listener(void *ctx, int events)
{
	struct intake_source *s = ctx;
	struct sockaddr_storage peer;
	int fd;

	(void)events;
	while ((fd = sock_accept(s->fd, &peer)) >= 0)
		add_client(s, fd, intake_peer(s, "tcp", &peer));
}

static int
start_tcp(struct intake_source *s)
{
	s->state = calloc(1, sizeof(struct listener));
	return s->state ? poll_open(s->in->role->loop, s->fd, WANT_READ, on_listener, s, &s->poll)
			: -ENOMEM;
}

static void
close_tcp(struct intake_source *s)
{
	struct listener *l = s->state;

	/* What the clients have already sent is taken before the door closes. */
	for (struct stream *st = l ? l->first : NULL, *next; st; st = next) {
		next = st->next;
		int r = 1;
		for (int i = 0; i < 64 && r > 0; i++)
			r = read_once(st);
		take_last(st);
		client_end(st);
	}
	free(l);
	s->state = NULL;
	intake_udp_ops.close(s);
}

static void
slow_tcp(struct intake_source *s, bool slow)
{
	struct listener *l = s->state;

	for (struct stream *st = l ? l->first : NULL; st; st = st->next)
		poll_want(st->poll, slow ? 0 : WANT_READ);
}

static void
tick_tcp(struct intake_source *s, int64_t now_mono_us)
{
	struct listener *l = s->state;

	if (!l || !s->conf->idle_us || s->in->slow)
		return;
	for (struct stream *st = l->first, *next; st; st = next) {
		next = st->next;
		if (now_mono_us - st->last_us > s->conf->idle_us) {
			take_last(st);
			client_end(st);
		}
	}
}

/* Standard input and the journal: one stream. */

static void
single_end(struct stream *st)
{
	struct intake_source *s = st->source;

	/*
	 * A named pipe has an end whenever its writer pauses; it is kept open for writing too, so
	 * that is no end.
	 */
	stream_close(st);
	s->state = NULL;
	s->ended = true;
	if (s->must_live && !s->in->role->stopping) {
		log_say(&s->in->role->log, LOG_LEVEL_ERROR, "journalctl ended: starting anew");
		role_end(s->in->role, 1);
	}
}

static int
open_journal(struct intake_source *s)
{
	struct stat st;

	if (s->conf->paths.n == 0) {
		s->fd = intake_journal_start(s);
		if (s->fd < 0)
			log_say(&s->in->role->log, LOG_LEVEL_ERROR, "cannot start journalctl: %s",
			    strerror(-s->fd));
		return s->fd < 0 ? s->fd : 0;
	}
	const char *path = s->conf->paths.v[0].p;
	bool fifo = stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
	/* Read and write: then the pipe never ends, and opening does not wait for a writer. */
	s->fd = open(path, (fifo ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	int e = s->fd < 0 ? -errno : 0;
	if (e < 0)
		log_say(&s->in->role->log, LOG_LEVEL_ERROR, "cannot open the journal stream %s: %s",
		    path, strerror(-e));
	return e;
}

static int
open_stdin(struct intake_source *s)
{
	s->fd = STDIN_FILENO;
	return fd_set_nonblock(STDIN_FILENO);
}

/* A regular file or /dev/null cannot be waited for: it is read at once, to its end. */
static int
read_to_end(struct intake_source *s)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (!st)
		return -ENOMEM;
	*st = (struct stream){
		.source = s,
		.feed = s->feed,
		.fd = s->fd,
	};
	framing_init(&st->framing, framing_mode(s->conf), line_max(s));
	/* 0 says that less came than asked for; a file's end is known by reading nothing. */
	while (read_once(st) >= 0)
		intake_flush(s->in);
	take_last(st);
	single_end(st);
	intake_flush(s->in);
	return 0;
}

static int
start_single(struct intake_source *s, struct str name)
{
	s->feed = intake_feed_source(s, ENTRY_KIND_NET, name, false);
	if (!s->feed)
		return -ENOMEM;
	s->state = stream_open(s, s->fd, s->feed, single_end);
	return s->state ? 0 : read_to_end(s);
}

static int
start_stdin(struct intake_source *s)
{
	return start_single(s, STR("stdin"));
}

static int
start_journal(struct intake_source *s)
{
	return start_single(s, STR("journal"));
}

static void
close_single(struct intake_source *s)
{
	if (s->state) {
		take_last(s->state);
		stream_close(s->state);
	}
	s->state = NULL;
	fd_close(&s->fd);
}

static void
slow_single(struct intake_source *s, bool slow)
{
	struct stream *st = s->state;

	if (st)
		poll_want(st->poll, slow ? 0 : WANT_READ);
}

static int
open_tcp(struct intake_source *s)
{
	return intake_udp_ops.open(s);
}

/* TLS: linkd accepts and decrypts, and hands the text on through a socket. */

static int
start_tls(struct intake_source *s)
{
	s->state = calloc(1, sizeof(struct listener));
	return s->state ? 0 : -ENOMEM;
}

/* Who comes again is the same source as before. */
static struct feed_source *
tls_source(struct intake_source *s, struct str name)
{
	for (size_t i = 0; i < feed_sources(s->in->feed); i++) {
		struct feed_source *f = feed_source_at(s->in->feed, i);
		if (f->decl.kind == ENTRY_KIND_NET && str_eq(f->decl.name, name))
			return f;
	}
	if (s->peers.n < INTAKE_PEERS_MAX) {
		s->peers.n++;
		return intake_feed_source(s, ENTRY_KIND_NET, name, true);
	}
	return intake_peer(s, "tls", NULL);
}

void
intake_tls_client(struct intake *in, struct str listener, struct str name, int fd)
{
	for (uint32_t i = 0; i < in->nsources; i++) {
		struct intake_source *s = &in->sources[i];
		if (s->conf->type != CONF_SOURCE_TLS || !str_eq(s->conf->name, listener) || !s->state)
			continue;
		if (fd_set_nonblock(fd) < 0)
			break;
		add_client(s, fd, tls_source(s, name));
		return;
	}
	/* A listener of another configuration: the sender comes again when both have the same. */
	close(fd);
}

const struct intake_ops intake_tls_ops = {
	.start = start_tls, .close = close_tcp, .slow = slow_tcp, .tick = tick_tcp,
};
const struct intake_ops intake_tcp_ops = {
	.open = open_tcp,
	.start = start_tcp,
	.close = close_tcp,
	.slow = slow_tcp,
	.tick = tick_tcp,
};
const struct intake_ops intake_stdin_ops = {
	.open = open_stdin, .start = start_stdin, .close = close_single, .slow = slow_single,
};
const struct intake_ops intake_journal_ops = {
	.open = open_journal, .start = start_journal, .close = close_single, .slow = slow_single,
};
