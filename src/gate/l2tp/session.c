/*
 * session: one call: RFC 2661 section 7.4, the incoming call of both sides, as a table of states and messages. Calls
 * that the peer wants us to make (OCRQ) are refused: we have no telephone.
 */
#include "gate/l2tp/engine.h"

#include <stdlib.h>

static struct l2tp_session *
session_new(struct l2tp_tunnel *t)
{
	struct l2tp_engine *e = t->engine;
	uint16_t id = l2tp_free_session_id(e);
	struct l2tp_session *s = id ? calloc(1, sizeof(*s)) : NULL;

	if (s == NULL)
		return NULL;
	s->tunnel = t;
	s->id = id;
	s->since_us = e->now_us;
	s->next = t->sessions;
	if (s->next)
		s->next->prev = s;
	t->sessions = s;
	e->sessions[id] = s;
	e->nsessions++;
	return s;
}

void
l2tp_session_gone(struct l2tp_session *s, const struct l2tp_end *why)
{
	struct l2tp_tunnel *t = s->tunnel;

	if (s->prev)
		s->prev->next = s->next;
	else
		t->sessions = s->next;
	if (s->next)
		s->next->prev = s->prev;
	t->engine->sessions[s->id] = NULL;
	t->engine->nsessions--;
	if (s->owner)
		t->engine->calls->session_closed(t->engine->ctx, s, why);
	free(s);
}

static void
send_cdn(struct l2tp_tunnel *t, uint16_t id, uint16_t peer_id, uint16_t result, uint16_t error, struct str text)
{
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc e = enc_of(room, sizeof(room));

	l2tp_begin(&e, L2TP_CDN, t->peer_id, peer_id);
	l2tp_put(&e, L2TP_SESSION_ID, id);
	l2tp_put_result(&e, result, error, text);
	l2tp_tunnel_send(t, &e);
}

/* A tunnel is for its sessions; one that we dialled for a session, or that lost its last one, is closed with it. */
static void
close_empty(struct l2tp_tunnel *t)
{
	if (t->sessions == NULL && t->owner)
		l2tp_tunnel_close(t, t->engine->now_us, L2TP_STOP_CLEAR, 0, STR_NULL);
}

static void
close_session(struct l2tp_session *s, uint16_t result, uint16_t error, struct str text)
{
	struct l2tp_end why = { .result = result, .error = error };
	struct l2tp_tunnel *t = s->tunnel;

	send_cdn(t, s->id, s->peer_id, result, error, text);
	/* Without memory for the message the tunnel is gone, and its sessions with it. */
	if (t->state == L2TP_LINGERING)
		return;
	l2tp_session_gone(s, &why);
	close_empty(t);
}

void
l2tp_session_close(struct l2tp_session *s, int64_t now_us, uint16_t result, struct str text)
{
	s->tunnel->engine->now_us = now_us;
	close_session(s, result, result == L2TP_CDN_ERROR ? L2TP_ERROR_VENDOR : 0, text);
}

static void
established(struct l2tp_session *s, const struct l2tp_message *said)
{
	struct l2tp_engine *e = s->tunnel->engine;

	s->state = L2TP_S_ESTABLISHED;
	uint16_t refused = e->calls->session_open(e->ctx, s, said);
	if (refused)
		close_session(s, refused, 0, STR_NULL);
}

/* The side that calls (LAC, section 7.4.1). */

void
l2tp_session_dial(struct l2tp_tunnel *t)
{
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc e = enc_of(room, sizeof(room));
	struct l2tp_session *s = session_new(t);

	if (s == NULL) {
		l2tp_tunnel_close(t, t->engine->now_us, L2TP_STOP_ERROR, L2TP_ERROR_RESOURCES, STR_NULL);
		return;
	}
	s->state = L2TP_S_WAIT_REPLY;
	l2tp_begin(&e, L2TP_ICRQ, t->peer_id, 0);
	l2tp_put(&e, L2TP_SESSION_ID, s->id);
	l2tp_put(&e, L2TP_CALL_SERIAL, s->id);
	l2tp_put(&e, L2TP_BEARER_TYPE, 2);
	l2tp_tunnel_send(t, &e);
}

static void
on_icrp(struct l2tp_session *s, const struct l2tp_message *m)
{
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc e = enc_of(room, sizeof(room));

	s->peer_id = (uint16_t)m->number[L2TP_SESSION_ID];
	if (s->peer_id == 0) {
		close_session(s, L2TP_CDN_ERROR, L2TP_ERROR_VALUE, STR_NULL);
		return;
	}
	l2tp_begin(&e, L2TP_ICCN, s->tunnel->peer_id, s->peer_id);
	l2tp_put(&e, L2TP_TX_SPEED, 1000000000);
	l2tp_put(&e, L2TP_FRAMING_TYPE, 1);
	l2tp_tunnel_send(s->tunnel, &e);
	established(s, NULL);
}

/* The side that is called (LNS, section 7.4.2). */

static void
on_icrq(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc e = enc_of(room, sizeof(room));
	uint16_t peer_id = (uint16_t)m->number[L2TP_SESSION_ID];

	if (!t->terms->server || peer_id == 0) {
		send_cdn(t, 0, peer_id, L2TP_CDN_ADMIN, 0, STR_NULL);
		return;
	}
	struct l2tp_session *s = session_new(t);
	if (s == NULL) {
		send_cdn(t, 0, peer_id, L2TP_CDN_BUSY, 0, STR_NULL);
		return;
	}
	s->incoming = true;
	s->peer_id = peer_id;
	s->state = L2TP_S_WAIT_CONNECT;
	l2tp_begin(&e, L2TP_ICRP, t->peer_id, peer_id);
	l2tp_put(&e, L2TP_SESSION_ID, s->id);
	l2tp_tunnel_send(t, &e);
}

static void
on_iccn(struct l2tp_session *s, const struct l2tp_message *m)
{
	s->sequenced = l2tp_has(m, L2TP_SEQUENCING);
	established(s, m);
}

/* Both. */

static void
on_cdn(struct l2tp_session *s, const struct l2tp_message *m)
{
	struct cur c = cur_of(m->bytes[L2TP_RESULT_CODE]);
	struct l2tp_end why = { .by_peer = true };
	struct l2tp_tunnel *t = s->tunnel;

	why.result = cur_u16(&c);
	why.error = c.n >= 2 ? cur_u16(&c) : 0;
	struct str text = str_head(cur_bytes(&c, c.n), sizeof(why.text) - 1);
	if (text.n > 0)
		memcpy(why.text, text.p, text.n);
	if (why.result == 0)
		why.result = L2TP_CDN_CARRIER;
	l2tp_session_gone(s, &why);
	close_empty(t);
}

/* WAN errors and line settings of a modem: nothing for us. */
static void
on_remark(struct l2tp_session *s, const struct l2tp_message *m)
{
	(void)s;
	(void)m;
}

/* What stands in no row is answered with CDN. */
static const struct {
	uint8_t state, message;
	void (*act)(struct l2tp_session *s, const struct l2tp_message *m);
} table[] = {
	{ L2TP_S_WAIT_REPLY, L2TP_ICRP, on_icrp },
	{ L2TP_S_WAIT_REPLY, L2TP_CDN, on_cdn },
	{ L2TP_S_WAIT_CONNECT, L2TP_ICCN, on_iccn },
	{ L2TP_S_WAIT_CONNECT, L2TP_CDN, on_cdn },
	{ L2TP_S_ESTABLISHED, L2TP_CDN, on_cdn },
	{ L2TP_S_ESTABLISHED, L2TP_WEN, on_remark },
	{ L2TP_S_ESTABLISHED, L2TP_SLI, on_remark },
};

static struct l2tp_session *
find(const struct l2tp_tunnel *t, uint16_t id, const struct l2tp_message *m)
{
	struct l2tp_session *s = t->engine->sessions[id];

	if (id != 0)
		return s && s->tunnel == t ? s : NULL;
	/* A CDN before the peer heard our number names its own: section 4.4.4. */
	for (s = t->sessions; s && m->type == L2TP_CDN; s = s->next)
		if (s->peer_id != 0 && s->peer_id == m->number[L2TP_SESSION_ID])
			return s;
	return NULL;
}

void
l2tp_session_message(struct l2tp_tunnel *t, uint16_t session, const struct l2tp_message *m)
{
	uint16_t peer_id = (uint16_t)m->number[L2TP_SESSION_ID];

	if (m->type == L2TP_ICRQ || m->type == L2TP_OCRQ) {
		if (m->result == 0 && m->type == L2TP_ICRQ)
			on_icrq(t, m);
		else
			send_cdn(t, 0, peer_id, m->result ? L2TP_CDN_ERROR : L2TP_CDN_NEVER, m->error, STR_NULL);
		return;
	}
	struct l2tp_session *s = find(t, session, m);
	if (s == NULL) {
		t->engine->counters.unknown++;
		return;
	}
	if (m->result && m->type != L2TP_CDN) {
		close_session(s, L2TP_CDN_ERROR, m->error, STR_NULL);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].state == s->state && table[i].message == m->type) {
			table[i].act(s, m);
			return;
		}
	}
	close_session(s, L2TP_CDN_ERROR, L2TP_ERROR_SESSION, STR_NULL);
}
