/*
 * secure: a TCP connection with or without TLS, on the loop: bytes come by a call, bytes to be sent
 * wait here. Must never hand on a byte of a peer before its handshake is over and judged.
 */
#ifndef GUARITA_ROLE_LINK_SECURE_H
#define GUARITA_ROLE_LINK_SECURE_H

#include "sys/loop.h"
#include "sys/sock.h"
#include "sys/tls.h"

#define SECURE_QUEUE_MAX (8u << 20)    /* bytes that wait for a slow peer; more ends it */
#define SECURE_READ_BYTES 65536

struct secure;

struct secure_calls {
	void *ctx;
	/* Connected, and the handshake is over: judge the peer (secure_tls). False: it is ended. */
	bool (*on_ready)(void *ctx, struct secure *s);
	void (*on_bytes)(void *ctx, struct secure *s, struct str bytes);
	void (*on_sent)(void *ctx, struct secure *s);      /* something left the queue; may be NULL */
	/*
	 * It is over, also after on_ready said no, and gone when this returns. `why` is the end of a
	 * sentence.
	 */
	void (*on_end)(void *ctx, struct secure *s, const char *why, bool in_order);
};

/*
 * Takes over fd, connected or on the way to be, and tls (NULL: none); both are closed on a failure
 * too. The first call comes from the loop, never from here.
 */
int secure_open(struct loop *l, int fd, struct tls *tls, const struct secure_calls *calls,
    struct secure **ret) WARN_UNUSED;
/* Without calling anybody. May be called from every call. Accepts NULL. */
void secure_close(struct secure *s);
/* Queues: 0, -ENOBUFS when too much waits, -EPROTO. on_end is not called from here. */
int secure_send(struct secure *s, struct str bytes) WARN_UNUSED;
size_t secure_waiting(const struct secure *s); /* bytes that the kernel has not taken */
void secure_pause(struct secure *s, bool pause);       /* stops and goes on reading */
bool secure_is_connected(const struct secure *s);       /* TCP is, whatever the handshake */
bool secure_is_ready(const struct secure *s);
int64_t secure_heard_us(const struct secure *s);       /* monotonic: when bytes came last */
const struct tls *secure_tls(const struct secure *s);
/* A TCP socket on its way to the address: its descriptor, or -errno. */
int secure_dial(const struct sockaddr_storage *to) WARN_UNUSED;

#endif
