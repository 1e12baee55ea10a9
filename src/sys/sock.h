/*
 * sock: sockets as roles need them: opened ready (close-on-exec, non-blocking), received in
 * batches, with the kernel's own count of what it dropped. Addresses are text: "192.0.2.1:514",
 * "[::]:514", "*:514", "/path", "@abstract".
 */
#ifndef GUARITA_SYS_SOCK_H
#define GUARITA_SYS_SOCK_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/text.h"

/* Parses "HOST:PORT" with a numeric host or "*" (every address, IPv4 and IPv6). 0 or -EINVAL. */
int sock_addr_parse(struct str s, struct sockaddr_storage *ret, socklen_t *ret_len) WARN_UNUSED;
/* Address and port of a peer; unix peers and others give -EAFNOSUPPORT. */
int sock_addr_get(
    const struct sockaddr_storage *a, struct addr *ret, uint16_t *ret_port) WARN_UNUSED;

/*
 * Each opens one listening socket and returns its descriptor or -errno. rcvbuf 0: the system's
 * default.
 */
int sock_udp(struct str addr, int rcvbuf) WARN_UNUSED;
int sock_tcp_listen(struct str addr, int backlog) WARN_UNUSED;
int sock_unix_dgram(const char *path, mode_t mode, int rcvbuf) WARN_UNUSED;     /* replaces a dead socket file */
int sock_unix_listen(const char *path, mode_t mode, int type) WARN_UNUSED;      /* SOCK_STREAM or SOCK_SEQPACKET */
int sock_unix_connect(const char *path, int type) WARN_UNUSED;
/* One accepted connection, or -errno (-EAGAIN when none waits). ret_peer may be NULL. */
int sock_accept(int fd, struct sockaddr_storage *ret_peer) WARN_UNUSED;
int sock_pair(int type, int fds[2]) WARN_UNUSED;
int sock_port(int fd);                    /* local port, 0 when it has none */
/*
 * The size asked for, with the privileged call when allowed; what the kernel really gave is
 * returned.
 */
int sock_set_rcvbuf(int fd, int bytes);
int sock_set_sndbuf(int fd, int bytes);
int fd_set_nonblock(int fd) WARN_UNUSED;
/* The process at the other end of a unix socket. */
struct sock_peer {
	unsigned uid;
	int pid;
	bool logged_in;                /* login_uid is known: who logged in, whatever he became since */
	unsigned login_uid;
};
int sock_peer_of(int fd, struct sock_peer *ret) WARN_UNUSED;

/* Datagrams in batches: one system call for many, into memory kept from call to call. */
struct dgrams;

#define DGRAM_MAX 65536

struct dgram {
	struct str bytes;
	const struct sockaddr_storage *peer;
	bool cut;                         /* was longer than DGRAM_MAX */
};

struct dgrams *dgrams_new(unsigned batch);      /* NULL without memory; batch of 1 to 256 */
void dgrams_free(struct dgrams *d);
/*
 * Receives what waits, up to the batch: count, 0 when nothing waits, or -errno. The slices live
 * until the next call. *ret_dropped gets the kernel's running 32-bit count for this socket when it
 * sent one, else it is untouched.
 */
int dgrams_recv(struct dgrams *d, int fd, uint32_t *ret_dropped) WARN_UNUSED;
struct dgram dgrams_at(const struct dgrams *d, unsigned i);

#endif
