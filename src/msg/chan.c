/*
 * chan: messages over a seqpacket socket. Must never hand on a message that its row does not
 * permit.
 */
#include "msg/chan.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/sock.h"

#define TURN_MESSAGES 16           /* received in one turn of the loop, so that others get theirs */
#define SOCKET_BUFFER (1 << 20)

struct waiting {
	struct waiting *next;
	int fd;                    /* our duplicate, -1 for none */
	size_t n;
	char bytes[];
};

struct chan {
	struct loop *loop;
	struct poll *poll;
	struct chan_calls calls;
	int fd;
	enum msg_peer self, peer;
	enum msg_state state;
	bool paused, room_wanted, ended;
	bool *closed;              /* set when closed during a callback */
	struct waiting *first, **last;
	size_t waiting;
	char in[MSG_MAX];
};

static void on_ready(void *ctx, int events);

int
chan_open(struct loop *l, int fd, enum msg_peer self, enum msg_peer peer,
    const struct chan_calls *calls, struct chan **ret)
{
	struct chan *c = malloc(sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		goto out;
	*c = (struct chan){
		.loop = l,
		.calls = *calls,
		.fd = fd,
		.self = self,
		.peer = peer,
		.state = MSG_STARTING,
	};
	c->last = &c->first;
	r = fd_set_nonblock(fd);
	if (r < 0)
		goto out;
	sock_set_sndbuf(fd, SOCKET_BUFFER);
	r = poll_open(l, fd, WANT_READ, on_ready, c, &c->poll);
	if (r < 0)
		goto out;
	*ret = c;
	return 0;
out:
	free(c);
	close(fd);
	return r;
}

static void
drop_first(struct chan *c)
{
	struct waiting *w = c->first;

	c->first = w->next;
	if (!c->first)
		c->last = &c->first;
	c->waiting -= w->n;
	fd_close(&w->fd);
	free(w);
}

void
chan_close(struct chan *c)
{
	if (!c)
		return;
	if (c->closed)
		*c->closed = true;
	while (c->first)
		drop_first(c);
	poll_close(c->poll);
	close(c->fd);
	free(c);
}

static void
update_poll(struct chan *c)
{
	bool out = c->first || c->room_wanted;

	poll_want(c->poll, (c->paused ? 0 : WANT_READ) | (out ? WANT_WRITE : 0));
}

static int
send_bytes(struct chan *c, struct str bytes, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes.p, .iov_len = bytes.n };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		h.msg_control = control.bytes;
		h.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *m = CMSG_FIRSTHDR(&h);
		*m = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(int)),
		};
		memcpy(CMSG_DATA(m), &fd, sizeof(fd));
	}
	do
		n = sendmsg(c->fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

static int
enqueue(struct chan *c, struct str bytes, int fd)
{
	if (c->waiting + bytes.n > CHAN_QUEUE_MAX)
		return -ENOBUFS;
	struct waiting *w = malloc(sizeof(*w) + bytes.n);
	if (!w)
		return -ENOMEM;
	*w = (struct waiting){ .fd = -1, .n = bytes.n };
	if (fd >= 0 && (w->fd = dup(fd)) < 0) {
		free(w);
		return -errno;
	}
	memcpy(w->bytes, bytes.p, bytes.n);
	*c->last = w;
	c->last = &w->next;
	c->waiting += bytes.n;
	update_poll(c);
	return 0;
}

/* What may not be sent is our own fault: the table and the code disagree. */
static void
sending(struct chan *c, enum msg_type type)
{
	const struct msg_row *row = msg_row(type);

	assert(msg_permitted(row, c->self, c->peer, c->state));
	if (row->then != MSG_KEEP)
		c->state = row->then;
}

int
chan_send(struct chan *c, const struct msg *m)
{
	char bytes[MSG_MAX];
	struct enc e = enc_of(bytes, sizeof(bytes));

	msg_encode(m, &e);
	if (!enc_ok(&e))
		return -EMSGSIZE;
	if (c->ended)
		return -EPIPE;
	sending(c, m->type);
	assert(msg_row(m->type)->fds == (m->fd >= 0));
	struct str all = str_of(bytes, e.n);
	int r = c->first ? -EAGAIN : send_bytes(c, all, m->fd);
	return r == -EAGAIN ? enqueue(c, all, m->fd) : r;
}

int
chan_try(struct chan *c, enum msg_type type, struct str encoded)
{
	if (c->ended)
		return -EPIPE;
	int r = c->first ? -EAGAIN : send_bytes(c, encoded, -1);
	if (r == 0) {
		sending(c, type);
	} else if (r == -EAGAIN) {
		c->room_wanted = true;
		update_poll(c);
	}
	return r;
}

static int
flush(struct chan *c)
{
	while (c->first) {
		int r = send_bytes(c, str_of(c->first->bytes, c->first->n), c->first->fd);
		if (r < 0)
			return r;
		drop_first(c);
	}
	return 0;
}

void
chan_flush(struct chan *c, int timeout_ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };

	while (c->first && flush(c) == -EAGAIN)
		if (poll(&p, 1, timeout_ms) <= 0)
			return;
}

/* 1 a message, 0 nothing waits, else -errno. */
static int
receive(struct chan *c, struct msg *ret)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = c->in, .iov_len = sizeof(c->in) };
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;
	int fds[4], nfds = 0;

	do
		n = recvmsg(c->fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -EPIPE;
	for (struct cmsghdr *m = CMSG_FIRSTHDR(&h); m; m = CMSG_NXTHDR(&h, m))
		if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_RIGHTS && nfds == 0) {
			nfds = (int)((m->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(m), (size_t)nfds * sizeof(int));
		}
	struct msg m = { .fd = -1 };
	int r = n == 0 ? -EPIPE : -EBADMSG;
	if (n > 0 && !(h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    msg_decode(str_of(c->in, (size_t)n), &m) == 0 &&
	    msg_permitted(msg_row(m.type), c->peer, c->self, c->state) &&
	    msg_row(m.type)->fds == nfds)
		r = 1;
	if (r < 0) {
		for (int i = 0; i < nfds; i++)
			close(fds[i]);
		return r;
	}
	if (nfds)
		m.fd = fds[0];
	if (msg_row(m.type)->then != MSG_KEEP)
		c->state = msg_row(m.type)->then;
	*ret = m;
	return 1;
}

static void
end(struct chan *c, int error)
{
	c->ended = true;
	poll_want(c->poll, 0);
	c->calls.on_end(c->calls.ctx, c, error);
}

static void
read_turn(struct chan *c)
{
	bool closed = false;

	c->closed = &closed;
	for (int i = 0; i < TURN_MESSAGES && !c->paused; i++) {
		struct msg m;
		int r = receive(c, &m);
		if (r == 0)
			break;
		if (r < 0) {
			c->closed = NULL;
			end(c, r);
			return;
		}
		c->calls.on_msg(c->calls.ctx, c, &m);
		if (closed)
			return;
	}
	c->closed = NULL;
}

static void
on_ready(void *ctx, int events)
{
	struct chan *c = ctx;

	if (events & WANT_WRITE) {
		/*
		 * A broken pipe shows when reading, where the last words of the other end may still
		 * wait.
		 */
		int r = flush(c);
		bool room = r == 0 && c->room_wanted;
		c->room_wanted = c->room_wanted && r == -EAGAIN;
		update_poll(c);
		if (room && c->calls.on_room) {
			c->calls.on_room(c->calls.ctx, c);
			return;
		}
		if (r < 0 && r != -EAGAIN)
			events |= WANT_READ;
	}
	if (events & WANT_READ)
		read_turn(c);
}

void
chan_pause(struct chan *c, bool pause)
{
	c->paused = pause;
	if (!c->ended)
		update_poll(c);
}

enum msg_state
chan_state(const struct chan *c)
{
	return c->state;
}

enum msg_peer
chan_peer(const struct chan *c)
{
	return c->peer;
}
