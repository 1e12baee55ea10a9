/*
 * sock: opening sockets. Must never leave a descriptor open on failure, nor one that a child
 * inherits.
 */
#include "sys/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/file.h"

#define SOCK_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

int
sock_addr_parse(struct str s, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_storage out = { 0 };
	struct addr a = { { 0 } };
	uint64_t port;
	size_t colon = str_rfind(s, STR(":"));

	if (!s.p || colon >= s.n || text_u64(str_from(s, colon + 1), &port) < 0 || port > 65535)
		return -EINVAL;
	struct str host = str_head(s, colon);
	bool any = str_eq(host, STR("*")) || host.n == 0;
	if (!any && addr_parse(host, &a) < 0)
		return -EINVAL;
	if (!any && addr_is_v4(&a)) {
		struct sockaddr_in *in = (struct sockaddr_in *)&out;
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, a.b + 12, 4);
		*ret_len = sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		memcpy(&in6->sin6_addr, a.b, 16);
		*ret_len = sizeof(*in6);
	}
	*ret = out;
	return 0;
}

int
sock_addr_get(const struct sockaddr_storage *a, struct addr *ret, uint16_t *ret_port)
{
	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)a;
		*ret = (struct addr){ .b = { [10] = 0xff, [11] = 0xff } };
		memcpy(ret->b + 12, &in->sin_addr, 4);
		*ret_port = ntohs(in->sin_port);
		return 0;
	}
	if (a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;
		memcpy(ret->b, &in6->sin6_addr, 16);
		*ret_port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

static void
set_int(int fd, int level, int name, int value)
{
	/* Best effort: a kernel without the option still gives a working socket. */
	(void)!setsockopt(fd, level, name, &value, sizeof(value));
}

static int
set_buffer(int fd, int force, int plain, int bytes)
{
	int got = 0;
	socklen_t n = sizeof(got);

	if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) < 0)
		set_int(fd, SOL_SOCKET, plain, bytes);
	(void)!getsockopt(fd, SOL_SOCKET, plain, &got, &n);
	return got;
}

int
sock_set_rcvbuf(int fd, int bytes)
{
	return set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
}

int
sock_set_sndbuf(int fd, int bytes)
{
	return set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, bytes);
}

static int
fail_close(int fd)
{
	int e = errno;

	close(fd);
	return -e;
}

static int
open_inet(struct str addr, int type)
{
	struct sockaddr_storage a;
	socklen_t n;

	if (sock_addr_parse(addr, &a, &n) < 0)
		return -EINVAL;
	int fd = socket(a.ss_family, type | SOCK_FLAGS, 0);
	if (fd < 0 && errno == EAFNOSUPPORT && a.ss_family == AF_INET6 && addr.p[0] == '*') {
		/* A kernel without IPv6: "*" still means every address there is. */
		struct sockaddr_in *in = (struct sockaddr_in *)&a;
		in_port_t port = ((struct sockaddr_in6 *)&a)->sin6_port;
		a = (struct sockaddr_storage){ .ss_family = AF_INET };
		in->sin_port = port;
		n = sizeof(*in);
		fd = socket(AF_INET, type | SOCK_FLAGS, 0);
	}
	if (fd < 0)
		return -errno;
	if (a.ss_family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (type == SOCK_STREAM)
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&a, n) < 0)
		return fail_close(fd);
	return fd;
}

int
sock_udp(struct str addr, int rcvbuf)
{
	int fd = open_inet(addr, SOCK_DGRAM);

	if (fd < 0)
		return fd;
	if (rcvbuf)
		sock_set_rcvbuf(fd, rcvbuf);
	set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	return fd;
}

int
sock_tcp_listen(struct str addr, int backlog)
{
	int fd = open_inet(addr, SOCK_STREAM);

	if (fd >= 0 && listen(fd, backlog) < 0)
		return fail_close(fd);
	return fd;
}

static int
unix_addr(const char *path, struct sockaddr_un *ret, socklen_t *ret_len)
{
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, path, n);
	if (path[0] == '@')
		ret->sun_path[0] = '\0';
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (path[0] != '@'));
	return 0;
}

/* A socket file whose owner is gone answers ECONNREFUSED; only such a one may be removed. */
static bool
is_dead_socket(const char *path, const struct sockaddr_un *a, socklen_t n, int type)
{
	struct stat st;

	if (path[0] == '@' || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	int fd = socket(AF_UNIX, type | SOCK_FLAGS, 0);
	if (fd < 0)
		return false;
	bool dead = connect(fd, (const struct sockaddr *)a, n) < 0 && errno == ECONNREFUSED;
	close(fd);
	return dead;
}

static int
open_unix(const char *path, mode_t mode, int type)
{
	struct sockaddr_un a;
	socklen_t n;
	int r = unix_addr(path, &a, &n);

	if (r < 0)
		return r;
	if (is_dead_socket(path, &a, n, type))
		unlink(path);
	int fd = socket(AF_UNIX, type | SOCK_FLAGS, 0);
	if (fd < 0)
		return -errno;
	mode_t old = umask(0777 & ~mode);
	r = bind(fd, (struct sockaddr *)&a, n);
	umask(old);
	return r < 0 ? fail_close(fd) : fd;
}

int
sock_unix_dgram(const char *path, mode_t mode, int rcvbuf)
{
	int fd = open_unix(path, mode, SOCK_DGRAM);

	if (fd >= 0 && rcvbuf)
		sock_set_rcvbuf(fd, rcvbuf);
	return fd;
}

int
sock_unix_listen(const char *path, mode_t mode, int type)
{
	int fd = open_unix(path, mode, type);

	if (fd >= 0 && listen(fd, 64) < 0)
		return fail_close(fd);
	return fd;
}

int
sock_unix_connect(const char *path, int type)
{
	struct sockaddr_un a;
	socklen_t n;
	int r = unix_addr(path, &a, &n);

	if (r < 0)
		return r;
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return connect(fd, (struct sockaddr *)&a, n) < 0 ? fail_close(fd) : fd;
}

int
sock_accept(int fd, struct sockaddr_storage *ret_peer)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t n = sizeof(peer);
	int c;

	do
		c = accept4(fd, (struct sockaddr *)&peer, &n, SOCK_FLAGS);
	while (c < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (c < 0)
		return -errno;
	if (ret_peer)
		*ret_peer = peer;
	return c;
}

int
sock_pair(int type, int fds[2])
{
	return socketpair(AF_UNIX, type | SOCK_FLAGS, 0, fds) < 0 ? -errno : 0;
}

int
sock_port(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);
	struct addr ip;
	uint16_t port = 0;

	if (getsockname(fd, (struct sockaddr *)&a, &n) < 0 || sock_addr_get(&a, &ip, &port) < 0)
		return 0;
	return port;
}

int
fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int
sock_peer_of(int fd, struct sock_peer *ret)
{
	struct ucred c;
	socklen_t n = sizeof(c);
	char path[64], text[32];
	uint64_t login;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0)
		return -errno;
	*ret = (struct sock_peer){ .uid = c.uid, .pid = (int)c.pid };
	/* Who logged in, whatever he became since; a process that nobody's login began has none. */
	snprintf(path, sizeof(path), "/proc/%d/loginuid", ret->pid);
	int of = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = of < 0 ? -1 : read(of, text, sizeof(text));
	if (of >= 0)
		close(of);
	ret->logged_in = got > 0 && text_u64(str_trim(str_of(text, (size_t)got)), &login) == 0 && login < UINT32_MAX;
	ret->login_uid = ret->logged_in ? (unsigned)login : 0;
	return 0;
}
