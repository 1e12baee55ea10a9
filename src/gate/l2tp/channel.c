/* channel: sequence numbers, window and repetition of control messages. Must never let a number be compared but modulo 2^16. */
#include "gate/l2tp/channel.h"

#include <errno.h>
#include <stdlib.h>

#define NEVER INT64_MAX

struct l2tp_queued {
	struct l2tp_queued *next;
	uint16_t ns, session;
	uint16_t n;
	uint8_t bytes[];
};

/* a before b, on the circle: section 5.8. */
static bool
before(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b) < 0;
}

void
l2tp_channel_init(struct l2tp_channel *c)
{
	*c = (struct l2tp_channel){
		.resend_us = NEVER, .ack_us = NEVER, .wait_us = L2TP_FIRST_WAIT_US, .window = L2TP_PEER_WINDOW, .allowed = 1,
		.threshold = L2TP_PEER_WINDOW, .most_tries = L2TP_TRIES, .longest_us = L2TP_LAST_WAIT_US,
	};
}

static void
free_list(struct l2tp_queued *q)
{
	for (struct l2tp_queued *next; q; q = next) {
		next = q->next;
		free(q);
	}
}

void
l2tp_channel_free(struct l2tp_channel *c)
{
	free_list(c->head);
	free_list(c->early);
	c->head = c->tail = c->early = NULL;
}

static struct l2tp_queued *
new_queued(struct str s, uint16_t ns, uint16_t session)
{
	struct l2tp_queued *q = s.n <= UINT16_MAX ? malloc(sizeof(*q) + s.n) : NULL;

	if (q == NULL)
		return NULL;
	*q = (struct l2tp_queued){ .ns = ns, .session = session, .n = (uint16_t)s.n };
	if (s.n > 0)
		memcpy(q->bytes, s.p, s.n);
	return q;
}

int
l2tp_channel_send(struct l2tp_channel *c, struct str message)
{
	if (c->queued == L2TP_QUEUE_MAX)
		return -ENOBUFS;
	struct l2tp_queued *q = new_queued(message, c->ns, 0);
	if (q == NULL)
		return -ENOMEM;
	if (c->tail)
		c->tail->next = q;
	else
		c->head = q;
	c->tail = q;
	c->queued++;
	c->ns++;
	return 0;
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A repeated message keeps its Ns and tells the newest Nr; with that it acknowledges too. */
static void
transmit(struct l2tp_channel *c, struct l2tp_queued *q, l2tp_emit_fn *emit, void *ctx)
{
	put16(q->bytes + 8, q->ns);
	put16(q->bytes + 10, c->nr);
	c->ack_us = NEVER;
	emit(ctx, str_of((const char *)q->bytes, q->n));
}

void
l2tp_channel_pump(struct l2tp_channel *c, int64_t now_us, l2tp_emit_fn *emit, void *ctx)
{
	uint16_t room = c->allowed < c->window ? c->allowed : c->window;
	struct l2tp_queued *q = c->head;

	while (q && before(q->ns, c->unsent))
		q = q->next;
	for (; q && (uint16_t)(q->ns - c->head->ns) < room; q = q->next) {
		c->unsent = q->ns + 1;
		transmit(c, q, emit, ctx);
		if (c->resend_us == NEVER)
			c->resend_us = now_us + c->wait_us;
	}
}

/* Appendix A: one more for each acknowledged message, or one for a whole window of them. */
static void
widen(struct l2tp_channel *c)
{
	if (c->allowed >= c->window)
		return;
	if (c->allowed < c->threshold) {
		c->allowed++;
	} else if (++c->grown >= c->allowed) {
		c->grown = 0;
		c->allowed++;
	}
}

static void
acknowledged(struct l2tp_channel *c, int64_t now_us, uint16_t nr)
{
	bool any = false;

	if (before(c->unsent, nr))
		return;
	while (c->head && before(c->head->ns, nr)) {
		struct l2tp_queued *q = c->head;
		c->head = q->next;
		free(q);
		c->queued--;
		any = true;
		widen(c);
	}
	if (c->head == NULL)
		c->tail = NULL;
	if (!any)
		return;
	c->tries = 0;
	c->wait_us = L2TP_FIRST_WAIT_US;
	c->resend_us = c->head && before(c->head->ns, c->unsent) ? now_us + c->wait_us : NEVER;
}

static void
owe_ack(struct l2tp_channel *c, int64_t due_us)
{
	if (due_us < c->ack_us)
		c->ack_us = due_us;
}

/* A burst that overtook its first message is kept: RouterOS and others send such. */
static void
keep_early(struct l2tp_channel *c, const struct l2tp_head *h)
{
	struct l2tp_queued **at = &c->early;

	if ((uint16_t)(h->ns - c->nr) > L2TP_OUR_WINDOW || c->nearly == L2TP_OUR_WINDOW ||
	    h->payload.n > L2TP_EARLY_MAX)
		return;
	while (*at && before((*at)->ns, h->ns))
		at = &(*at)->next;
	if (*at && (*at)->ns == h->ns)
		return;
	struct l2tp_queued *q = new_queued(h->payload, h->ns, h->session);
	if (q == NULL)
		return;
	q->next = *at;
	*at = q;
	c->nearly++;
}

enum l2tp_arrival
l2tp_channel_receive(struct l2tp_channel *c, int64_t now_us, const struct l2tp_head *h)
{
	acknowledged(c, now_us, h->nr);
	/* An acknowledgement alone takes no number: section 5.8. */
	if (h->payload.n == 0)
		return L2TP_NOTHING_NEW;
	if (h->ns == c->nr) {
		c->nr++;
		owe_ack(c, now_us + L2TP_ACK_DELAY_US);
		return L2TP_ARRIVED;
	}
	if (before(h->ns, c->nr)) {
		c->repeated++;
		owe_ack(c, now_us);
	} else {
		keep_early(c, h);
	}
	return L2TP_NOTHING_NEW;
}

bool
l2tp_channel_next(struct l2tp_channel *c, int64_t now_us, uint8_t dst[L2TP_EARLY_MAX], uint16_t *ret_session, size_t *ret)
{
	struct l2tp_queued *q;

	/* Its turn may have come by a repetition. */
	while ((q = c->early) != NULL && before(q->ns, c->nr)) {
		c->early = q->next;
		c->nearly--;
		free(q);
	}
	if (q == NULL || q->ns != c->nr)
		return false;
	c->early = q->next;
	c->nearly--;
	c->nr++;
	owe_ack(c, now_us + L2TP_ACK_DELAY_US);
	memcpy(dst, q->bytes, q->n);
	*ret = q->n;
	*ret_session = q->session;
	free(q);
	return true;
}

int64_t
l2tp_channel_due(const struct l2tp_channel *c)
{
	return c->resend_us < c->ack_us ? c->resend_us : c->ack_us;
}

static void
send_ack(struct l2tp_channel *c, l2tp_emit_fn *emit, void *ctx)
{
	uint8_t room[L2TP_CONTROL_HEAD];
	struct enc e = enc_of(room, sizeof(room));

	l2tp_head_write(&e, L2TP_CONTROL_HEAD, c->peer_id, 0, c->ns, c->nr);
	/* Ns of the next that will be sent: those that wait for the window do not count. */
	put16(room + 8, c->unsent);
	c->ack_us = NEVER;
	emit(ctx, str_of((const char *)room, e.n));
}

/* Appendix A: halve the threshold, begin again with one. */
static int
resend(struct l2tp_channel *c, int64_t now_us, l2tp_emit_fn *emit, void *ctx)
{
	if (++c->tries >= c->most_tries)
		return -ETIMEDOUT;
	c->threshold = c->allowed > 2 ? c->allowed / 2 : 1;
	c->allowed = 1;
	c->grown = 0;
	c->wait_us = c->wait_us * 2 > c->longest_us ? c->longest_us : c->wait_us * 2;
	c->resend_us = now_us + c->wait_us;
	c->resent++;
	transmit(c, c->head, emit, ctx);
	return 0;
}

int
l2tp_channel_tick(struct l2tp_channel *c, int64_t now_us, l2tp_emit_fn *emit, void *ctx)
{
	int r = 0;

	if (c->resend_us <= now_us)
		r = resend(c, now_us, emit, ctx);
	if (c->ack_us <= now_us)
		send_ack(c, emit, ctx);
	return r;
}
