/*
 * udp: batches both ways. What the kernel does not take is dropped and counted: whoever speaks over UDP repeats what
 * matters.
 */
#include "sys/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/sock.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif

#define IN_BYTES 65536
#define SEGMENTS_MAX 64
#define SUPER_MAX 65000                /* bytes of one send with segments: below 65,535 with all heads */
#define SOCKET_BUFFER (8 << 20)

struct inbound {
	struct sockaddr_storage peer;
	char control[128];
};

struct outbound {
	struct udp_end to;
	size_t at, n;                  /* in the buffer */
	size_t size;                   /* of each segment */
	unsigned count;
	bool closed;                   /* a shorter one came: it was the last */
	struct sockaddr_storage peer;
	struct iovec iov;
	char control[128];
};

struct udp {
	int fd, family;
	bool segments;                 /* UDP_SEGMENT works */
	uint16_t port;
	struct mmsghdr in[UDP_BATCH], out[UDP_BATCH];
	struct iovec in_iov[UDP_BATCH];
	struct inbound from[UDP_BATCH];
	struct outbound queued[UDP_BATCH];
	unsigned nqueued;
	size_t used;
	struct udp_counters counters;
	uint8_t *in_bytes, *out_bytes;
};

/* Opening. */

static socklen_t
to_sockaddr(const struct udp *u, const struct addr *a, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

	*ret = (struct sockaddr_storage){ 0 };
	if (u->family == AF_INET6) {
		memcpy(&six.sin6_addr, a->b, 16);
		memcpy(ret, &six, sizeof(six));
		return sizeof(six);
	}
	memcpy(&four.sin_addr, a->b + 12, 4);
	memcpy(ret, &four, sizeof(four));
	return sizeof(four);
}

static int
bind_to(struct udp *u, const struct addr *a, bool any, uint16_t port)
{
	static const struct addr nowhere;
	struct sockaddr_storage ss;
	socklen_t n = to_sockaddr(u, any ? &nowhere : a, port, &ss);

	if (bind(u->fd, (struct sockaddr *)&ss, n) < 0)
		return -errno;
	u->port = (uint16_t)sock_port(u->fd);
	return 0;
}

static int
prepare(struct udp *u)
{
	int on = 1, off = 0;
	bool six = u->family == AF_INET6;

	if (six && setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -errno;
	if (setsockopt(u->fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on)) < 0)
		return -errno;
	(void)sock_set_rcvbuf(u->fd, SOCKET_BUFFER);
	(void)sock_set_sndbuf(u->fd, SOCKET_BUFFER);
	(void)!setsockopt(u->fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	/* Asking for no segments tells whether the option exists. */
	u->segments = setsockopt(u->fd, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof(off)) == 0;
	return 0;
}

/* A machine may have IPv6 switched off altogether. */
static int
open_socket(struct udp *u, const struct addr *addr, bool any)
{
	u->family = AF_INET6;
	u->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (u->fd < 0 && (any || addr_is_v4(addr))) {
		u->family = AF_INET;
		u->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	return u->fd < 0 ? -errno : 0;
}

void
udp_never_fragment(struct udp *u)
{
	int four = IP_PMTUDISC_PROBE, six = IPV6_PMTUDISC_PROBE;

	(void)!setsockopt(u->fd, IPPROTO_IP, IP_MTU_DISCOVER, &four, sizeof(four));
	if (u->family == AF_INET6)
		(void)!setsockopt(u->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &six, sizeof(six));
}

int
udp_open(const struct addr *addr, bool any, uint16_t port, struct udp **ret)
{
	struct udp *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return -ENOMEM;
	u->fd = -1;
	u->in_bytes = malloc((size_t)UDP_BATCH * IN_BYTES);
	u->out_bytes = malloc(UDP_OUT_BYTES);
	int e = u->in_bytes && u->out_bytes ? open_socket(u, addr, any) : -ENOMEM;
	if (e == 0)
		e = prepare(u);
	if (e == 0)
		e = bind_to(u, addr, any, port);
	if (e < 0) {
		udp_close(u);
		return e;
	}
	*ret = u;
	return 0;
}

void
udp_close(struct udp *u)
{
	if (u == NULL)
		return;
	if (u->fd >= 0)
		close(u->fd);
	free(u->in_bytes);
	free(u->out_bytes);
	free(u);
}

int
udp_use_marks(struct udp *u)
{
	int on = 1;

	return setsockopt(u->fd, SOL_SOCKET, SO_RCVMARK, &on, sizeof(on)) < 0 ? -errno : 0;
}

int
udp_fd(const struct udp *u)
{
	return u->fd;
}

uint16_t
udp_port(const struct udp *u)
{
	return u->port;
}

struct udp_counters
udp_counters(const struct udp *u)
{
	return u->counters;
}

/* Receiving. */

int
udp_receive(struct udp *u)
{
	for (int i = 0; i < UDP_BATCH; i++) {
		u->in_iov[i] = (struct iovec){ .iov_base = u->in_bytes + (size_t)i * IN_BYTES, .iov_len = IN_BYTES };
		u->in[i].msg_hdr = (struct msghdr){ .msg_name = &u->from[i].peer, .msg_namelen = sizeof(u->from[i].peer),
			.msg_iov = &u->in_iov[i], .msg_iovlen = 1, .msg_control = u->from[i].control,
			.msg_controllen = sizeof(u->from[i].control) };
	}
	int n = recvmmsg(u->fd, u->in, UDP_BATCH, MSG_DONTWAIT, NULL);
	u->counters.calls_in++;
	/* An ICMP error of an earlier send is told here: it is no fault of the socket. */
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED || errno == EHOSTUNREACH ||
			errno == ENETUNREACH ? 0 : -errno;
	u->counters.received += (uint64_t)n;
	return n;
}

static void
map_v4(const void *four, struct addr *ret)
{
	*ret = (struct addr){ .b = { [10] = 0xff, [11] = 0xff } };
	memcpy(ret->b + 12, four, 4);
}

static void
read_control(struct msghdr *m, struct udp_end *from, size_t *size)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			int v;
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			*size = (size_t)v;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(from->local.b, &info.ipi6_addr, 16);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			map_v4(&info.ipi_addr, &from->local);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK) {
			memcpy(&from->mark, CMSG_DATA(c), sizeof(from->mark));
		}
	}
}

struct str
udp_at(struct udp *u, int i, struct udp_end *ret_from, size_t *ret_size)
{
	struct msghdr *m = &u->in[i].msg_hdr;
	size_t n = u->in[i].msg_len;

	*ret_from = (struct udp_end){ .port = 0 };
	*ret_size = n;
	(void)!sock_addr_get(&u->from[i].peer, &ret_from->addr, &ret_from->port);
	read_control(m, ret_from, ret_size);
	if (*ret_size == 0 || *ret_size > n)
		*ret_size = n;
	return str_of((const char *)u->in_iov[i].iov_base, n);
}

/* Sending. */

static bool
is_set(const struct addr *a)
{
	static const struct addr none;

	return memcmp(a, &none, sizeof(none)) != 0;
}

static void
put_control(struct msghdr *m, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *c = (void *)((char *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	m->msg_controllen += CMSG_SPACE(n);
}

static void
put_source(const struct udp *u, struct msghdr *m, const struct addr *local)
{
	struct in6_pktinfo six = { .ipi6_ifindex = 0 };
	struct in_pktinfo four = { .ipi_ifindex = 0 };

	if (u->family == AF_INET6) {
		memcpy(&six.ipi6_addr, local->b, 16);
		put_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six));
	} else {
		memcpy(&four.ipi_spec_dst, local->b + 12, 4);
		put_control(m, IPPROTO_IP, IP_PKTINFO, &four, sizeof(four));
	}
}

static void
build(struct udp *u, unsigned i)
{
	struct outbound *o = &u->queued[i];
	struct msghdr *m = &u->out[i].msg_hdr;
	uint16_t size = (uint16_t)o->size;

	o->iov = (struct iovec){ .iov_base = u->out_bytes + o->at, .iov_len = o->n };
	*m = (struct msghdr){ .msg_name = &o->peer, .msg_namelen = to_sockaddr(u, &o->to.addr, o->to.port, &o->peer),
		.msg_iov = &o->iov, .msg_iovlen = 1, .msg_control = o->control };
	memset(o->control, 0, sizeof(o->control));
	if (is_set(&o->to.local))
		put_source(u, m, &o->to.local);
	if (o->to.mark)
		put_control(m, SOL_SOCKET, SO_MARK, &o->to.mark, sizeof(o->to.mark));
	if (o->count > 1)
		put_control(m, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	if (m->msg_controllen == 0)
		m->msg_control = NULL;
}

/* One by one, where the way out cannot cut segments (EIO), or the source address is gone. */
static void
send_singly(struct udp *u, struct outbound *o)
{
	struct msghdr *m = &u->out[o - u->queued].msg_hdr;

	m->msg_controllen = 0;
	if (is_set(&o->to.local))
		put_source(u, m, &o->to.local);
	if (o->to.mark)
		put_control(m, SOL_SOCKET, SO_MARK, &o->to.mark, sizeof(o->to.mark));
	for (size_t at = 0; at < o->n; at += o->size) {
		o->iov.iov_base = u->out_bytes + o->at + at;
		o->iov.iov_len = o->n - at < o->size ? o->n - at : o->size;
		if (sendmsg(u->fd, m, 0) < 0)
			u->counters.dropped++;
	}
}

static void
failed(struct udp *u, unsigned i, int error)
{
	struct outbound *o = &u->queued[i];

	if (o->count > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE)) {
		u->segments = error == EMSGSIZE;
		send_singly(u, o);
	} else {
		u->counters.dropped += o->count;
	}
}

void
udp_flush(struct udp *u)
{
	for (unsigned i = 0; i < u->nqueued; i++)
		build(u, i);
	for (unsigned done = 0; done < u->nqueued;) {
		int n = sendmmsg(u->fd, u->out + done, u->nqueued - done, 0);
		u->counters.calls_out++;
		if (n > 0) {
			done += (unsigned)n;
		} else {
			/* An error that an earlier datagram left behind is told once: try again, then give this one up. */
			if (errno != ECONNREFUSED || sendmmsg(u->fd, u->out + done, 1, 0) != 1)
				failed(u, done, errno);
			done++;
		}
	}
	u->nqueued = 0;
	u->used = 0;
}

uint8_t *
udp_room(struct udp *u, size_t max)
{
	if (u->nqueued == UDP_BATCH || u->used + max > UDP_OUT_BYTES)
		udp_flush(u);
	return u->out_bytes + u->used;
}

static bool
joins(const struct udp *u, const struct outbound *o, const struct udp_end *to, size_t n)
{
	return u->segments && !o->closed && n <= o->size && o->count < SEGMENTS_MAX && o->n + n <= SUPER_MAX &&
	    o->to.port == to->port && o->to.mark == to->mark && memcmp(&o->to, to, 2 * sizeof(struct addr)) == 0;
}

void
udp_queue(struct udp *u, const struct udp_end *to, size_t n)
{
	struct outbound *o = u->nqueued ? &u->queued[u->nqueued - 1] : NULL;

	u->counters.sent++;
	if (o && joins(u, o, to, n)) {
		o->closed = n < o->size;
		o->n += n;
		o->count++;
	} else {
		o = &u->queued[u->nqueued++];
		o->to = *to;
		o->at = u->used;
		o->n = o->size = n;
		o->count = 1;
		o->closed = false;
	}
	u->used += n;
}
