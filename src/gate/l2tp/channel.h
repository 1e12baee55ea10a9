/*
 * channel: the reliable channel under a tunnel's control messages: RFC 2661 section 5.8 and appendix A. Orders and
 * repeats; window, slow start, back-off. Knows nothing of what the messages say; time is handed in, bytes go to `emit`.
 */
#ifndef GUARITA_GATE_L2TP_CHANNEL_H
#define GUARITA_GATE_L2TP_CHANNEL_H

#include "wire/l2tp.h"

#define L2TP_OUR_WINDOW 8              /* what we tell the peer, and keep of messages that came too early */
#define L2TP_PEER_WINDOW 4             /* when it names none: section 4.4.3 */
#define L2TP_FIRST_WAIT_US 1000000
#define L2TP_LAST_WAIT_US 8000000
#define L2TP_TRIES 6                   /* 1 + 2 + 4 + 8 + 8 + 8: a tunnel is given up after 31 s */
#define L2TP_ACK_DELAY_US 50000        /* at most a quarter of the time-out: section 5.8 */
#define L2TP_EARLY_MAX 2048             /* bytes of one that came early; longer ones come again */
#define L2TP_QUEUE_MAX 256             /* messages waiting for the window: more is a peer that never answers */

struct l2tp_queued;

typedef void l2tp_emit_fn(void *ctx, struct str datagram);

struct l2tp_channel {
	struct l2tp_queued *head, *tail;       /* not yet acknowledged, in the order of Ns */
	struct l2tp_queued *early;             /* received before their turn */
	int64_t resend_us, ack_us;             /* INT64_MAX: not waiting */
	int64_t wait_us;
	uint16_t ns, nr;               /* of the next to queue; of the next to come */
	uint16_t unsent;               /* Ns of the first that was never sent */
	uint16_t peer_id;              /* tunnel id for acknowledgements */
	uint16_t window, allowed, threshold, grown;    /* the peer's; slow start's: appendix A */
	uint16_t queued;
	uint8_t tries, most_tries;
	int64_t longest_us;            /* between two tries */
	uint8_t nearly;                /* how many came early */
	uint32_t resent, repeated;     /* we, the peer: for the operator */
};

enum l2tp_arrival { L2TP_ARRIVED, L2TP_NOTHING_NEW };

void l2tp_channel_init(struct l2tp_channel *c);
void l2tp_channel_free(struct l2tp_channel *c);
/* Queues a whole message as l2tp_end() left it; -ENOBUFS when too many wait, -ENOMEM. */
int l2tp_channel_send(struct l2tp_channel *c, struct str message) WARN_UNUSED;
/* Sends what the window lets through. */
void l2tp_channel_pump(struct l2tp_channel *c, int64_t now_us, l2tp_emit_fn *emit, void *ctx);
/*
 * A control message with this head came: whether its content is to be acted on. Then l2tp_channel_next() gives those that
 * came before their turn.
 */
enum l2tp_arrival l2tp_channel_receive(struct l2tp_channel *c, int64_t now_us, const struct l2tp_head *h);
/* The next that had come early: its payload is written to dst; its length in *ret. False: none. */
bool l2tp_channel_next(struct l2tp_channel *c, int64_t now_us, uint8_t dst[L2TP_EARLY_MAX], uint16_t *ret_session,
    size_t *ret);
int64_t l2tp_channel_due(const struct l2tp_channel *c);
/* 0, or -ETIMEDOUT: the peer is gone. */
int l2tp_channel_tick(struct l2tp_channel *c, int64_t now_us, l2tp_emit_fn *emit, void *ctx) WARN_UNUSED;

static inline bool
l2tp_channel_idle(const struct l2tp_channel *c)
{
	return c->head == NULL;
}

#endif
