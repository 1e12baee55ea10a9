/*
 * dgram: UDP and unix datagrams, one line each. They cannot be slowed, only lost; what the
 * kernel dropped is asked of it and shown. Must never do per datagram what can be done per batch.
 */
#include <errno.h>
#include <unistd.h>

#include <linux/sock_diag.h>

#include "role/intake/intake.h"
#include "sys/clock.h"
#include "sys/file.h"

#define BATCHES_A_TURN 16          /* so that other sources get their turn under a flood */

/* The LF or NUL that some senders end a datagram with is no part of the line. */
static struct str
without_end(struct str s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\0'))
		s.n--;
	return s;
}

static void
note_dropped(struct intake_source *s, uint32_t now)
{
	s->dropped += (uint32_t)(now - s->dropped_mark);
	s->dropped_mark = now;
}

static void
take_batch(struct intake_source *s, const char *what, int n)
{
	struct intake *in = s->in;
	int64_t now = clock_wall_us();

	for (int i = 0; i < n; i++) {
		struct dgram d = dgrams_at(in->dgrams, (unsigned)i);
		struct feed_source *f = s->feed ? s->feed : intake_peer(s, what, d.peer);
		struct str line = without_end(d.bytes);
		if (f && line.n)
			feed_line(in->feed, f, now, line, d.cut);
	}
}

static void
receive(struct intake_source *s, const char *what)
{
	uint32_t dropped = s->dropped_mark;
	bool any = false;

	for (int turn = 0; turn < BATCHES_A_TURN; turn++) {
		int n = dgrams_recv(s->in->dgrams, s->fd, &dropped);
		if (n <= 0)
			break;
		any = true;
		take_batch(s, what, n);
		if (n < INTAKE_DGRAM_BATCH)
			break;
	}
	note_dropped(s, dropped);
	if (any) {
		intake_took(s);
		intake_flush(s->in);
	}
}

static void
on_udp(void *ctx, int events)
{
	(void)events;
	receive(ctx, "udp");
}

static void
on_unix(void *ctx, int events)
{
	(void)events;
	receive(ctx, "unix");
}

static int
open_socket(struct intake_source *s)
{
	struct role *r = s->in->role;
	struct buf key = BUF_INIT(256);
	int e = intake_socket_key(s->conf, &key);

	for (size_t i = 0; i < r->nsockets && e == 0 && s->fd < 0; i++)
		if (str_eq(r->sockets[i].key, buf_str(&key)))
			s->fd = r->sockets[i].fd;
	if (e == 0 && s->fd < 0) {
		e = intake_socket_open(s->conf);
		if (e < 0)
			log_say(&r->log, LOG_LEVEL_ERROR, "cannot listen on %s: %s", buf_cstr(&key),
			    strerror(-e));
		else
			s->fd = e;
	}
	buf_free(&key);
	return e < 0 ? e : 0;
}

static int
start_udp(struct intake_source *s)
{
	return poll_open(s->in->role->loop, s->fd, WANT_READ, on_udp, s, &s->poll);
}

static int
start_unix(struct intake_source *s)
{
	struct buf name = BUF_INIT(256);

	buf_addf(&name, "unix %s", s->conf->listen.path.p);
	s->feed = intake_feed_source(s, ENTRY_KIND_NET, buf_str(&name), true);
	buf_free(&name);
	return s->feed ? poll_open(s->in->role->loop, s->fd, WANT_READ, on_unix, s, &s->poll)
		       : -ENOMEM;
}

static void
close_socket(struct intake_source *s)
{
	poll_close(s->poll);
	s->poll = NULL;
	fd_close(&s->fd);
	intake_peers_free(&s->peers);
}

/* Drops at the end of a burst come with no later datagram: the kernel is asked. */
static void
tick(struct intake_source *s, int64_t now_mono_us)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t n = sizeof(info);

	(void)now_mono_us;
	if (s->fd >= 0 && getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &n) == 0 &&
	    n > SK_MEMINFO_DROPS * sizeof(info[0]))
		note_dropped(s, info[SK_MEMINFO_DROPS]);
}

const struct intake_ops intake_udp_ops = {
	.open = open_socket, .start = start_udp, .close = close_socket, .tick = tick,
};
const struct intake_ops intake_unix_ops = {
	.open = open_socket, .start = start_unix, .close = close_socket, .tick = tick,
};
