/* ship_wire: bytes to an engine and back, for the worker's thread. Must never wait longer than the limit for anything. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "role/ship/shipd.h"
#include "sys/file.h"
#include "sys/sock.h"

#define LIMIT_MS 10000
#define READ_BYTES 65536u

int
ship_fault(struct ship *s, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	return error;
}

static int
wait_for(struct ship *s, short events)
{
	struct pollfd p = { .fd = s->fd, .events = events };

	for (int waited = 0; waited < LIMIT_MS && !s->stop; waited += 200) {
		int n = poll(&p, 1, 200);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			return 0;
	}
	return s->stop ? -ECANCELED : -ETIMEDOUT;
}

void
ship_disconnect(struct ship *s)
{
	fd_close(&s->fd);
	buf_reset(&s->in);
	buf_reset(&s->out);
	s->taken = 0;
}

int
ship_connect(struct ship *s)
{
	struct sockaddr_storage to;
	socklen_t n = 0, size = sizeof(int);
	int error = 0, r = sock_addr_parse(str_z(s->address), &to, &n);

	ship_disconnect(s);
	if (r < 0)
		return ship_fault(s, r, "%s is no address", s->address);
	s->fd = socket(to.ss_family, (s->datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return ship_fault(s, -errno, "no socket: %s", strerror(errno));
	r = connect(s->fd, (const struct sockaddr *)&to, n) < 0 ? -errno : 0;
	if (r == -EINPROGRESS)
		r = wait_for(s, POLLOUT);
	if (r == 0 && getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error)
		r = -error;
	if (r < 0)
		fd_close(&s->fd);
	return r < 0 ? ship_fault(s, r, "%s cannot be reached: %s", s->address, strerror(-r)) : 0;
}

int
ship_flush(struct ship *s)
{
	size_t done = 0;

	if (!buf_ok(&s->out))
		return ship_fault(s, -ENOMEM, "no memory");
	while (done < s->out.n) {
		ssize_t n = send(s->fd, s->out.p + done, s->out.n - done, MSG_NOSIGNAL);
		int r = n < 0 ? -errno : 0;
		if (n > 0)
			done += (size_t)n;
		if (r == -EAGAIN)
			r = wait_for(s, POLLOUT);
		if (r < 0 && r != -EINTR)
			return ship_fault(s, r, "%s takes nothing: %s", s->address, strerror(-r));
	}
	buf_reset(&s->out);
	return 0;
}

int
ship_more(struct ship *s)
{
	/* What was understood is not needed any more. */
	if (s->taken) {
		memmove(s->in.p, s->in.p + s->taken, s->in.n - s->taken);
		s->in.n -= s->taken;
		s->taken = 0;
	}
	if (!buf_reserve(&s->in, READ_BYTES))
		return ship_fault(s, -EMSGSIZE, "%s says too much at once", s->address);
	for (;;) {
		ssize_t n = recv(s->fd, s->in.p + s->in.n, READ_BYTES, 0);
		int r = n < 0 ? -errno : 0;
		if (n >= 0) {
			s->in.n += (size_t)n;
			return (int)n;
		}
		if (r == -EAGAIN)
			r = wait_for(s, POLLIN);
		if (r < 0 && r != -EINTR)
			return ship_fault(s, r, "%s says nothing: %s", s->address, strerror(-r));
	}
}
