/*
 * tunnel: one control connection: RFC 2661 section 7.2, as a table of states and messages. Must never answer a
 * challenge before it knows which message it belongs to, nor forget a closed tunnel before the peer can have heard of it.
 */
#include "gate/l2tp/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/legacy.h"

/* Long enough to acknowledge every repetition of the peer's last message: section 5.7. */
#define LINGER_US 31000000
/* A peer that acknowledges and says nothing is let go after so long. */
#define PATIENCE_US 30000000
/* A line that comes back must not wait long for our next call: one small packet every two seconds harms nobody. */
#define CALL_TRIES 15
#define CALL_WAIT_US 2000000
/* Whether a tunnel that somebody calls forgotten still stands is found out quickly. */
#define DOUBT_TRIES 4
#define DOUBT_WAIT_US 200000
#define DOUBT_LAST_WAIT_US 400000
/* Of the type in a message: behind the head and that of the attribute, which is the first (sections 3.1, 4.1). */
#define TYPE_AT 18

static void
emit(void *ctx, struct str datagram)
{
	struct l2tp_tunnel *t = ctx;

	t->engine->calls->send(t->engine->ctx, &t->peer, datagram);
}

static void
arm(struct l2tp_tunnel *t)
{
	int64_t due = l2tp_channel_due(&t->channel);

	if (t->state == L2TP_LINGERING && t->gone_us < due)
		due = t->gone_us;
	if (t->state != L2TP_LINGERING && t->hello_us < due)
		due = t->hello_us;
	/* The node has its place since the tunnel was made: moving it cannot fail. */
	(void)!due_set(&t->engine->due, &t->due, due);
}

struct l2tp_tunnel *
l2tp_tunnel_new(struct l2tp_engine *e, const struct l2tp_peer *peer, const struct l2tp_terms *terms)
{
	uint16_t id = l2tp_free_tunnel_id(e);
	struct l2tp_tunnel *t = id ? calloc(1, sizeof(*t)) : NULL;

	if (t == NULL)
		return NULL;
	t->engine = e;
	t->terms = terms;
	t->peer = *peer;
	t->id = id;
	t->gone_us = DUE_NEVER;
	t->hello_us = e->now_us + PATIENCE_US;
	t->counted = true;
	l2tp_channel_init(&t->channel);
	if (due_set(&e->due, &t->due, e->now_us + L2TP_FIRST_WAIT_US) < 0) {
		free(t);
		return NULL;
	}
	e->tunnels[id] = t;
	e->ntunnels++;
	e->nstarting++;
	return t;
}

void
l2tp_tunnel_free(struct l2tp_tunnel *t)
{
	struct l2tp_engine *e = t->engine;

	due_remove(&e->due, &t->due);
	l2tp_engine_unhash(e, t);
	e->tunnels[t->id] = NULL;
	e->ntunnels--;
	e->nstarting -= t->counted;
	l2tp_channel_free(&t->channel);
	free(t->peer_name);
	wipe(t->challenge, sizeof(t->challenge));
	free(t);
}

/* One that never stood counts as half-open until it is forgotten: a flood of them cannot crowd out the others. */
static void
enter(struct l2tp_tunnel *t, enum l2tp_tunnel_state state)
{
	if (state == L2TP_ESTABLISHED && t->counted) {
		t->engine->nstarting--;
		t->counted = false;
	}
	t->state = (uint8_t)state;
}

static void
draw(struct l2tp_engine *e, uint8_t *dst, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++, v >>= 8) {
		if (i % 8 == 0)
			v = e->calls->random(e->ctx);
		dst[i] = (uint8_t)v;
	}
}

/*
 * The first message of each side. Who gets it may not know yet whose secret it was hidden with: xl2tpd looks the secret up
 * after it has read all of the message, and throws away what it cannot decipher.
 */
static bool
is_first(const struct enc *e)
{
	unsigned type = (unsigned)e->p[TYPE_AT] << 8 | e->p[TYPE_AT + 1];

	return type == L2TP_SCCRQ || type == L2TP_SCCRP;
}

/* The message as it goes out: 0 when it did not fit. */
static size_t
finish(struct l2tp_tunnel *t, struct enc *e, struct enc *hidden)
{
	uint8_t vector[16];
	size_t n = l2tp_end(e);

	if (n == 0 || !t->terms->hide || t->terms->secret.n == 0 || is_first(e))
		return n;
	draw(t->engine, vector, sizeof(vector));
	n = l2tp_hide(str_of((const char *)e->p, n), t->terms->secret, str_of((const char *)vector, sizeof(vector)), hidden);
	*e = *hidden;
	return n;
}

/* Without memory for a message the tunnel cannot keep its word: it ends. */
void
l2tp_tunnel_send(struct l2tp_tunnel *t, struct enc *e)
{
	struct l2tp_end why = { .result = L2TP_STOP_ERROR, .error = L2TP_ERROR_RESOURCES, .tunnel = true };
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc hidden = enc_of(room, sizeof(room));

	if (finish(t, e, &hidden) > 0 && l2tp_channel_send(&t->channel, str_of((const char *)e->p, e->n)) == 0)
		l2tp_channel_pump(&t->channel, t->engine->now_us, emit, t);
	else if (t->state != L2TP_LINGERING)
		l2tp_tunnel_end(t, &why);
}

/* Section 6.1 and 6.2: what SCCRQ and SCCRP tell alike. */
static void
put_ourselves(struct l2tp_tunnel *t, struct enc *e)
{
	l2tp_put(e, L2TP_PROTOCOL_VERSION, 0x0100);
	l2tp_put_bytes(e, L2TP_HOST_NAME, str_head(t->terms->host_name, 64));
	l2tp_put(e, L2TP_FRAMING_CAPS, 3);
	l2tp_put(e, L2TP_BEARER_CAPS, 3);
	/* Nobody needs to know what we are, and here it cannot be hidden. */
	if (!t->terms->hide) {
		l2tp_put(e, L2TP_FIRMWARE, 1);
		l2tp_put_bytes(e, L2TP_VENDOR_NAME, STR("Guarita"));
	}
	l2tp_put(e, L2TP_TUNNEL_ID, t->id);
	l2tp_put(e, L2TP_WINDOW, L2TP_OUR_WINDOW);
	if (t->terms->secret.n == 0)
		return;
	draw(t->engine, t->challenge, sizeof(t->challenge));
	l2tp_put_bytes(e, L2TP_CHALLENGE, str_of((const char *)t->challenge, sizeof(t->challenge)));
}

/* Answers the peer's challenge, when there is one. False: we have no secret to answer with. */
static bool
put_answer(struct l2tp_tunnel *t, struct enc *e, enum l2tp_message_type type, const struct l2tp_message *m)
{
	uint8_t answer[16];

	if (!l2tp_has(m, L2TP_CHALLENGE))
		return true;
	if (t->terms->secret.n == 0)
		return false;
	l2tp_answer(type, t->terms->secret, m->bytes[L2TP_CHALLENGE], answer);
	l2tp_put_bytes(e, L2TP_CHALLENGE_RESPONSE, str_of((const char *)answer, sizeof(answer)));
	return true;
}

/* Whether the peer answered ours, in the message of this type. */
static bool
answered(const struct l2tp_tunnel *t, enum l2tp_message_type type, const struct l2tp_message *m)
{
	uint8_t want[16];

	if (t->terms->secret.n == 0)
		return true;
	l2tp_answer(type, t->terms->secret, str_of((const char *)t->challenge, sizeof(t->challenge)), want);
	return l2tp_has(m, L2TP_CHALLENGE_RESPONSE) && m->bytes[L2TP_CHALLENGE_RESPONSE].n == sizeof(want) &&
	    same_secret(want, (const uint8_t *)m->bytes[L2TP_CHALLENGE_RESPONSE].p, sizeof(want));
}

static void
learn(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	struct str name = str_head(m->bytes[L2TP_HOST_NAME], 64);

	t->peer_id = t->channel.peer_id = (uint16_t)m->number[L2TP_TUNNEL_ID];
	l2tp_engine_hash(t->engine, t);
	if (l2tp_has(m, L2TP_WINDOW) && m->number[L2TP_WINDOW] > 0)
		t->channel.window = (uint16_t)m->number[L2TP_WINDOW];
	t->channel.threshold = t->channel.window;
	t->peer_name = calloc(1, name.n + 1);
	if (t->peer_name && name.n > 0)
		memcpy(t->peer_name, name.p, name.n);
}

/* Closing. */

void
l2tp_tunnel_end(struct l2tp_tunnel *t, const struct l2tp_end *why)
{
	struct l2tp_engine *e = t->engine;

	if (t->state == L2TP_LINGERING)
		return;
	enter(t, L2TP_LINGERING);
	t->end = *why;
	t->gone_us = e->now_us + LINGER_US;
	while (t->sessions)
		l2tp_session_gone(t->sessions, why);
	if (t->owner)
		e->calls->tunnel_closed(e->ctx, t, why);
	arm(t);
}

void
l2tp_tunnel_close(struct l2tp_tunnel *t, int64_t now_us, uint16_t result, uint16_t error, struct str text)
{
	struct l2tp_end why = { .result = result, .error = error, .tunnel = true };
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc e = enc_of(room, sizeof(room));

	if (t->state == L2TP_LINGERING)
		return;
	t->engine->now_us = now_us;
	l2tp_begin(&e, L2TP_STOPCCN, t->peer_id, 0);
	l2tp_put(&e, L2TP_TUNNEL_ID, t->id);
	l2tp_put_result(&e, result, error, text);
	l2tp_tunnel_end(t, &why);
	l2tp_tunnel_send(t, &e);
	arm(t);
}

static void
fail(struct l2tp_tunnel *t, uint16_t result, uint16_t error)
{
	if (result == L2TP_STOP_AUTH)
		t->engine->counters.unauthorised++;
	l2tp_tunnel_close(t, t->engine->now_us, result, error, STR_NULL);
}

/* Opening. */

static void
open_now(struct l2tp_tunnel *t)
{
	enter(t, L2TP_ESTABLISHED);
	t->channel.most_tries = L2TP_TRIES;
	t->channel.longest_us = L2TP_LAST_WAIT_US;
	wipe(t->challenge, sizeof(t->challenge));
	t->hello_us = t->engine->now_us + t->terms->hello_us;
	t->engine->counters.accepted++;
	if (t->owner)
		l2tp_session_dial(t);
}

void
l2tp_tunnel_accept(struct l2tp_engine *e, const struct l2tp_peer *from, const struct l2tp_head *h,
    const struct l2tp_message *m)
{
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc out = enc_of(room, sizeof(room));
	struct l2tp_tunnel *t = l2tp_tunnel_new(e, from, e->server);

	if (t == NULL)
		return;
	learn(t, m);
	enter(t, L2TP_WAIT_CONN);
	(void)l2tp_channel_receive(&t->channel, e->now_us, h);
	l2tp_begin(&out, L2TP_SCCRP, t->peer_id, 0);
	put_ourselves(t, &out);
	if (put_answer(t, &out, L2TP_SCCRP, m))
		l2tp_tunnel_send(t, &out);
	else
		fail(t, L2TP_STOP_AUTH, 0);
	arm(t);
}

struct l2tp_tunnel *
l2tp_dial(struct l2tp_engine *e, int64_t now_us, const struct l2tp_peer *to, const struct l2tp_terms *terms, void *owner)
{
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc out = enc_of(room, sizeof(room));

	e->now_us = now_us;
	struct l2tp_tunnel *t = l2tp_tunnel_new(e, to, terms);
	if (t == NULL)
		return NULL;
	t->owner = owner;
	t->channel.most_tries = CALL_TRIES;
	t->channel.longest_us = CALL_WAIT_US;
	enter(t, L2TP_WAIT_REPLY);
	l2tp_begin(&out, L2TP_SCCRQ, 0, 0);
	put_ourselves(t, &out);
	/* Who is dialled himself may meet a peer that dials at the same moment: section 4.4.3. */
	if (e->server) {
		t->tie = e->calls->random(e->ctx) | 1;
		l2tp_put(&out, L2TP_TIE_BREAKER, t->tie);
	}
	l2tp_tunnel_send(t, &out);
	arm(t);
	return t;
}

void
l2tp_tunnel_yield(struct l2tp_tunnel *t)
{
	struct l2tp_end why = { .result = L2TP_STOP_EXISTS, .tunnel = true };

	l2tp_tunnel_end(t, &why);
	l2tp_tunnel_free(t);
}

static void
on_sccrp(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc out = enc_of(room, sizeof(room));

	if (m->number[L2TP_TUNNEL_ID] == 0) {
		fail(t, L2TP_STOP_ERROR, L2TP_ERROR_VALUE);
		return;
	}
	learn(t, m);
	if (m->number[L2TP_PROTOCOL_VERSION] != 0x0100) {
		fail(t, L2TP_STOP_VERSION, 0x0100);
		return;
	}
	l2tp_begin(&out, L2TP_SCCCN, t->peer_id, 0);
	if (!answered(t, L2TP_SCCRP, m) || !put_answer(t, &out, L2TP_SCCCN, m)) {
		fail(t, L2TP_STOP_AUTH, 0);
		return;
	}
	l2tp_tunnel_send(t, &out);
	open_now(t);
}

static void
on_scccn(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	if (answered(t, L2TP_SCCCN, m))
		open_now(t);
	else
		fail(t, L2TP_STOP_AUTH, 0);
}

static void
on_stop(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	struct str value = m->bytes[L2TP_RESULT_CODE];
	struct cur c = cur_of(value);
	struct l2tp_end why = { .by_peer = true, .tunnel = true };

	why.result = cur_u16(&c);
	why.error = c.n >= 2 ? cur_u16(&c) : 0;
	struct str text = str_head(cur_bytes(&c, c.n), sizeof(why.text) - 1);
	if (text.n > 0)
		memcpy(why.text, text.p, text.n);
	if (why.result == 0)
		why.result = L2TP_STOP_CLEAR;
	l2tp_tunnel_end(t, &why);
}

static void
on_hello(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	(void)t;
	(void)m;
}

static void
on_disorder(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	(void)m;
	fail(t, L2TP_STOP_FSM, 0);
}

/* Section 7.2.1. What stands in no row, of the messages of a tunnel, is a disorder. */
static const struct {
	uint8_t state, message;
	void (*act)(struct l2tp_tunnel *t, const struct l2tp_message *m);
} table[] = {
	{ L2TP_WAIT_REPLY, L2TP_SCCRP, on_sccrp },
	{ L2TP_WAIT_REPLY, L2TP_STOPCCN, on_stop },
	{ L2TP_WAIT_CONN, L2TP_SCCCN, on_scccn },
	{ L2TP_WAIT_CONN, L2TP_STOPCCN, on_stop },
	{ L2TP_WAIT_CONN, L2TP_HELLO, on_hello },
	{ L2TP_ESTABLISHED, L2TP_HELLO, on_hello },
	{ L2TP_ESTABLISHED, L2TP_STOPCCN, on_stop },
};

static bool
is_of_tunnel(uint16_t type)
{
	return type == L2TP_SCCRQ || type == L2TP_SCCRP || type == L2TP_SCCCN || type == L2TP_STOPCCN || type == L2TP_HELLO;
}

static void
act(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].state == t->state && table[i].message == m->type) {
			table[i].act(t, m);
			return;
		}
	}
	on_disorder(t, m);
}

/*
 * One message whose turn it is. An unreadable message of a session costs the session only: section 4.2. In a closed tunnel
 * everything is acknowledged and nothing is done.
 */
static void
take(struct l2tp_tunnel *t, uint16_t session, struct str payload)
{
	struct l2tp_message m;
	int r = l2tp_message_read(payload, t->terms->secret, &m);

	if (t->state == L2TP_LINGERING)
		return;
	/* Section 4.4.1: without a type in its place nobody knows what was said. */
	if (r < 0 && m.has == 0) {
		fail(t, m.result, m.error);
		return;
	}
	bool known = m.type != L2TP_ZLB && strcmp(l2tp_message_name(m.type), "?") != 0;
	if (is_of_tunnel(m.type)) {
		if (r < 0 && m.type != L2TP_STOPCCN)
			fail(t, m.result, m.error);
		else
			act(t, &m);
	} else if (!known) {
		if (m.mandatory)
			fail(t, L2TP_STOP_ERROR, L2TP_ERROR_UNKNOWN_AVP);
	} else if (t->state == L2TP_ESTABLISHED) {
		l2tp_session_message(t, session, &m);
	} else {
		fail(t, L2TP_STOP_FSM, 0);
	}
}

/* A client behind a NAT may come from a new port: whoever knows the number and the next Ns is it. */
void
l2tp_tunnel_follow(struct l2tp_tunnel *t, const struct l2tp_peer *from)
{
	/* One that came protected is not followed into the open. */
	if (l2tp_peer_same(&t->peer, from) || (t->peer.mark && from->mark == 0))
		return;
	l2tp_engine_unhash(t->engine, t);
	t->peer = *from;
	l2tp_engine_hash(t->engine, t);
}

static void
trust(struct l2tp_tunnel *t)
{
	t->doubted = false;
	t->channel.most_tries = L2TP_TRIES;
	t->channel.longest_us = L2TP_LAST_WAIT_US;
}

void
l2tp_tunnel_receive(struct l2tp_tunnel *t, const struct l2tp_peer *from, const struct l2tp_head *h)
{
	uint8_t early[L2TP_EARLY_MAX];
	uint16_t session = h->session;
	size_t n;

	if (l2tp_channel_receive(&t->channel, t->engine->now_us, h) == L2TP_ARRIVED) {
		l2tp_tunnel_follow(t, from);
		take(t, session, h->payload);
		while (l2tp_channel_next(&t->channel, t->engine->now_us, early, &session, &n))
			take(t, session, str_of((const char *)early, n));
	}
	if (t->doubted && l2tp_channel_idle(&t->channel))
		trust(t);
	if (t->state == L2TP_ESTABLISHED)
		t->hello_us = t->engine->now_us + t->terms->hello_us;
	l2tp_channel_pump(&t->channel, t->engine->now_us, emit, t);
	/* Closed, and the peer has heard of it or has said it: only repetitions are left to be answered. */
	arm(t);
}

/* Calls that were asked for and never connected, and a tunnel that nobody uses, are not kept. */
static void
tidy(struct l2tp_tunnel *t)
{
	struct l2tp_session *next;

	for (struct l2tp_session *s = t->sessions; s; s = next) {
		next = s->next;
		if (s->state != L2TP_S_ESTABLISHED && t->engine->now_us - s->since_us > PATIENCE_US)
			l2tp_session_close(s, t->engine->now_us, L2TP_CDN_TIMEOUT, STR_NULL);
		if (t->state == L2TP_LINGERING)
			return;
	}
	if (t->sessions == NULL)
		l2tp_tunnel_close(t, t->engine->now_us, L2TP_STOP_CLEAR, 0, STR_NULL);
}

static void
put_hello(struct l2tp_tunnel *t)
{
	uint8_t room[64];
	struct enc e = enc_of(room, sizeof(room));

	l2tp_begin(&e, L2TP_HELLO, t->peer_id, 0);
	l2tp_tunnel_send(t, &e);
}

static void
say_hello(struct l2tp_tunnel *t)
{
	t->hello_us = t->engine->now_us + t->terms->hello_us;
	tidy(t);
	if (t->state != L2TP_LINGERING && l2tp_channel_idle(&t->channel))
		put_hello(t);
}

/* Asked at 0, 0.2, 0.6 and 1.0 seconds, given up at 1.4. */
void
l2tp_tunnel_doubt(struct l2tp_tunnel *t)
{
	if (t->doubted || !l2tp_channel_idle(&t->channel))
		return;
	t->doubted = true;
	t->channel.most_tries = DOUBT_TRIES;
	t->channel.longest_us = DOUBT_LAST_WAIT_US;
	t->channel.wait_us = DOUBT_WAIT_US;
	put_hello(t);
	arm(t);
}

/* What was asked is not answered, or the silence lasted too long. */
static void
on_due(struct l2tp_tunnel *t)
{
	struct l2tp_end silent = { .tunnel = true };

	if (t->state == L2TP_ESTABLISHED)
		say_hello(t);
	else
		l2tp_tunnel_end(t, &silent);
}

void
l2tp_tunnel_tick(struct l2tp_tunnel *t)
{
	struct l2tp_end silent = { .tunnel = true };
	int64_t now = t->engine->now_us;

	if (t->state == L2TP_LINGERING && t->gone_us <= now) {
		l2tp_tunnel_free(t);
		return;
	}
	if (l2tp_channel_tick(&t->channel, now, emit, t) < 0) {
		l2tp_tunnel_end(t, &silent);
		l2tp_tunnel_free(t);
		return;
	}
	if (t->state != L2TP_LINGERING && t->hello_us <= now)
		on_due(t);
	arm(t);
}
