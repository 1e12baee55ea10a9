/*
 * chan: a link between two processes: SOCK_SEQPACKET, one message a packet, checked against its row
 * at both ends. A message that is unknown, not consumed exactly, from a wrong sender or in a wrong
 * state is -EBADMSG: the receiver ends.
 */
#ifndef GUARITA_MSG_CHAN_H
#define GUARITA_MSG_CHAN_H

#include "msg/message.h"
#include "sys/loop.h"

#define CHAN_QUEUE_MAX (4u << 20)      /* bytes waiting to be sent; more is -ENOBUFS */

struct chan;

struct chan_calls {
	void *ctx;
	void (*on_msg)(void *ctx, struct chan *c, struct msg *m);
	/*
	 * -EPIPE: the other end is gone; -EBADMSG: it spoke nonsense. Close it here; it is not
	 * called again.
	 */
	void (*on_end)(void *ctx, struct chan *c, int error);
	/* Room again after chan_try() gave -EAGAIN; may be NULL. */
	void (*on_room)(void *ctx, struct chan *c);
};

/* Takes over fd (closed on failure too). */
int chan_open(struct loop *l, int fd, enum msg_peer self, enum msg_peer peer,
    const struct chan_calls *calls, struct chan **ret) WARN_UNUSED;
void chan_close(struct chan *c);               /* accepts NULL; what waits is lost */
/*
 * Sends, or queues while the other end is slow. fd of the message is duplicated by the kernel and
 * stays the caller's.
 */
int chan_send(struct chan *c, const struct msg *m) WARN_UNUSED;
/*
 * Sends whole encoded bytes now or not at all: -EAGAIN when there is no room (on_room follows),
 * -EPIPE. For messages that the caller built in place with msg_encode().
 */
int chan_try(struct chan *c, enum msg_type type, struct str encoded) WARN_UNUSED;
/* Stops and goes on reading, for a receiver that is behind. */
void chan_pause(struct chan *c, bool pause);
/* Sends what waits in the queue, blocking at most so long; for the last words of a role. */
void chan_flush(struct chan *c, int timeout_ms);
enum msg_state chan_state(const struct chan *c);
enum msg_peer chan_peer(const struct chan *c);

#endif
