/* secure: see secure.h. */
#include "role/link/secure.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"

#define READS_A_TURN 4

struct secure {
	struct loop *loop;
	int fd;
	struct tls *tls;
	struct poll *poll;
	struct secure_calls calls;
	struct buf out;                /* for the network, from `sent` on */
	size_t sent;
	struct buf early;              /* text queued before the handshake was over */
	int64_t heard_us;
	bool connected, ready, paused, dead;
	unsigned depth;                /* calls that are running: closing waits for them */
};

int
secure_dial(const struct sockaddr_storage *to)
{
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	socklen_t n = to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (connect(fd, (const struct sockaddr *)to, n) < 0 && errno != EINPROGRESS) {
		int e = -errno;
		close(fd);
		return e;
	}
	return fd;
}

static void
want(struct secure *s)
{
	bool writes = !s->connected || s->out.n > s->sent;

	poll_want(s->poll, (s->paused ? 0 : WANT_READ) | (writes ? WANT_WRITE : 0));
}

static void
destroy(struct secure *s)
{
	poll_close(s->poll);
	fd_close(&s->fd);
	tls_free(s->tls);
	buf_free(&s->out);
	buf_free(&s->early);
	free(s);
}

void
secure_close(struct secure *s)
{
	if (!s)
		return;
	if (s->tls && !s->dead && s->ready) {
		/* What fits goes out still: the peer learns that this was the end. */
		tls_end(s->tls);
		if (tls_take(s->tls, &s->out) == 0)
			(void)!send(s->fd, s->out.p + s->sent, s->out.n - s->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	s->dead = true;
	if (s->depth == 0)
		destroy(s);
}

static void
end(struct secure *s, const char *why, bool in_order)
{
	if (s->dead)
		return;
	s->dead = true;
	s->calls.on_end(s->calls.ctx, s, why, in_order);
}

static int
flush(struct secure *s)
{
	while (s->connected && s->sent < s->out.n) {
		ssize_t n = send(s->fd, s->out.p + s->sent, s->out.n - s->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		s->sent += (size_t)n;
	}
	if (s->sent == s->out.n)
		buf_reset(&s->out), s->sent = 0;
	return 0;
}

/* The part that was sent makes room when it is the larger one. */
static void
shift(struct secure *s)
{
	if (s->sent < s->out.n / 2 || s->sent < SECURE_READ_BYTES)
		return;
	memmove(s->out.p, s->out.p + s->sent, s->out.n - s->sent);
	s->out.n -= s->sent;
	s->sent = 0;
}

static int
take_out(struct secure *s)
{
	shift(s);
	int r = s->tls ? tls_take(s->tls, &s->out) : 0;
	return r < 0 ? r : flush(s);
}

int
secure_send(struct secure *s, struct str bytes)
{
	if (s->dead)
		return -EPROTO;
	if (s->out.n - s->sent + s->early.n + bytes.n > SECURE_QUEUE_MAX)
		return -ENOBUFS;
	if (!s->ready) {
		buf_add(&s->early, bytes);
		return buf_ok(&s->early) ? 0 : -ENOMEM;
	}
	int r = 0;
	if (s->tls)
		r = tls_write(s->tls, bytes);
	else
		buf_add(&s->out, bytes);
	if (r == 0)
		r = take_out(s);
	if (r == 0 && !buf_ok(&s->out))
		r = -ENOMEM;
	/* A broken way shows at the reading side, which ends the connection. */
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		want(s);
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static void
get_ready(struct secure *s)
{
	s->ready = true;
	if (!s->calls.on_ready(s->calls.ctx, s)) {
		end(s, "it is not one of those who may come", false);
		return;
	}
	if (s->dead || !s->early.n)
		return;
	struct buf early = s->early;
	s->early = BUF_INIT(SECURE_QUEUE_MAX);
	if (secure_send(s, buf_str(&early)) < 0)
		end(s, "what waited could not be sent", false);
	buf_free(&early);
}

/* Decrypts what came. */
static void
read_tls(struct secure *s)
{
	char text[SECURE_READ_BYTES];

	if (!s->ready) {
		int r = tls_shake(s->tls);
		/* An alert that tells the peer why is sent before the end. */
		if (take_out(s) < 0 || r < 0) {
			end(s, tls_why(s->tls), false);
			return;
		}
		if (r == 1)
			get_ready(s);
	}
	while (s->ready && !s->dead) {
		ssize_t n = tls_read(s->tls, text, sizeof(text));
		if (n == -EAGAIN)
			break;
		if (n > 0)
			s->calls.on_bytes(s->calls.ctx, s, str_of(text, (size_t)n));
		else
			end(s, n == 0 ? "the peer ended it" : tls_why(s->tls), n == 0);
	}
	if (!s->dead && take_out(s) < 0)
		end(s, "it cannot be written to", false);
}

static void
read_network(struct secure *s)
{
	char bytes[SECURE_READ_BYTES];

	for (int i = 0; i < READS_A_TURN && !s->dead && !s->paused; i++) {
		ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(s, n < 0 ? strerror(errno) : s->tls ? "it was cut" : "the peer ended it", n == 0 && !s->tls);
			return;
		}
		s->heard_us = clock_mono_us();
		if (!s->tls) {
			s->calls.on_bytes(s->calls.ctx, s, str_of(bytes, (size_t)n));
			continue;
		}
		if (tls_put(s->tls, str_of(bytes, (size_t)n)) < 0)
			end(s, "there is no memory", false);
		else
			read_tls(s);
	}
}

static void
finish_connect(struct secure *s)
{
	int e = 0;
	socklen_t n = sizeof(e);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0)
		e = errno;
	if (e) {
		end(s, strerror(e), false);
		return;
	}
	s->connected = true;
	s->heard_us = clock_mono_us();
	if (s->tls)
		read_tls(s);
	else
		get_ready(s);
}

static void
on_poll(void *ctx, int events)
{
	struct secure *s = ctx;
	size_t before = s->out.n - s->sent;

	s->depth++;
	if (!s->connected && events & WANT_WRITE)
		finish_connect(s);
	if (!s->dead && s->connected && events & WANT_WRITE && flush(s) < 0)
		end(s, "it cannot be written to", false);
	if (!s->dead && s->connected && events & WANT_READ)
		read_network(s);
	if (!s->dead && s->calls.on_sent && s->out.n - s->sent < before)
		s->calls.on_sent(s->calls.ctx, s);
	s->depth--;
	if (s->dead)
		destroy(s);
	else
		want(s);
}

int
secure_open(struct loop *l, int fd, struct tls *tls, const struct secure_calls *calls, struct secure **ret)
{
	struct secure *s = calloc(1, sizeof(*s));
	int one = 1, r = s ? 0 : -ENOMEM;

	if (s) {
		*s = (struct secure){ .loop = l, .fd = fd, .tls = tls, .calls = *calls,
			.out = BUF_INIT(2 * SECURE_QUEUE_MAX), .early = BUF_INIT(SECURE_QUEUE_MAX),
			.heard_us = clock_mono_us() };
		/* Small frames that somebody waits for. */
		(void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		r = poll_open(l, fd, WANT_READ | WANT_WRITE, on_poll, s, &s->poll);
	}
	if (r < 0) {
		free(s);
		tls_free(tls);
		close(fd);
		return r;
	}
	*ret = s;
	return 0;
}

size_t
secure_waiting(const struct secure *s)
{
	return s->out.n - s->sent + s->early.n;
}

void
secure_pause(struct secure *s, bool pause)
{
	s->paused = pause;
	if (!s->dead)
		want(s);
}

bool
secure_is_connected(const struct secure *s)
{
	return s->connected;
}

bool
secure_is_ready(const struct secure *s)
{
	return s->ready && !s->dead;
}

int64_t
secure_heard_us(const struct secure *s)
{
	return s->heard_us;
}

const struct tls *
secure_tls(const struct secure *s)
{
	return s->tls;
}
