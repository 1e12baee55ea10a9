/*
 * engine: numbers, the way of a datagram, and time. Must never allocate for a sender that has not said a complete and
 * acceptable SCCRQ.
 */
#include "gate/l2tp/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"

#define IDS 65536u
#define BUCKETS 16384u
#define REFUSALS_PER_SECOND 50

struct l2tp_engine *
l2tp_engine_new(const struct l2tp_calls *calls, void *ctx, const struct l2tp_terms *server)
{
	struct l2tp_engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	*e = (struct l2tp_engine){ .calls = calls, .ctx = ctx, .server = server, .seed = calls->random(ctx) };
	e->tunnels = calloc(IDS, sizeof(struct l2tp_tunnel *));
	e->sessions = calloc(IDS, sizeof(struct l2tp_session *));
	e->hashed = calloc(BUCKETS, sizeof(struct l2tp_tunnel *));
	if (e->tunnels && e->sessions && e->hashed)
		return e;
	l2tp_engine_free(e);
	return NULL;
}

void
l2tp_engine_free(struct l2tp_engine *e)
{
	if (e == NULL)
		return;
	for (uint32_t i = 0; e->sessions && i < IDS; i++)
		free(e->sessions[i]);
	for (uint32_t i = 0; e->tunnels && e->hashed && i < IDS; i++) {
		if (e->tunnels[i] == NULL)
			continue;
		e->tunnels[i]->sessions = NULL;
		l2tp_tunnel_free(e->tunnels[i]);
	}
	free(e->tunnels);
	free(e->sessions);
	free(e->hashed);
	due_free(&e->due);
	free(e);
}

uint32_t
l2tp_hash(const struct l2tp_engine *e, const struct l2tp_peer *p, uint16_t peer_id)
{
	uint64_t h = hash_bytes(str_of((const char *)p->addr.b, sizeof(p->addr.b)), e->seed);

	return (uint32_t)hash_mix(h, (uint64_t)p->mark << 32 | (uint64_t)p->port << 16 | peer_id) & (BUCKETS - 1);
}

bool
l2tp_peer_same(const struct l2tp_peer *a, const struct l2tp_peer *b)
{
	return a->port == b->port && a->mark == b->mark && memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0;
}

void
l2tp_engine_hash(struct l2tp_engine *e, struct l2tp_tunnel *t)
{
	struct l2tp_tunnel **head = &e->hashed[l2tp_hash(e, &t->peer, t->peer_id)];

	t->same_hash = *head;
	*head = t;
}

void
l2tp_engine_unhash(struct l2tp_engine *e, struct l2tp_tunnel *t)
{
	struct l2tp_tunnel **at = &e->hashed[l2tp_hash(e, &t->peer, t->peer_id)];

	while (*at && *at != t)
		at = &(*at)->same_hash;
	if (*at)
		*at = t->same_hash;
}

/* Numbers are drawn: who does not see the traffic cannot guess them. */
static uint16_t
free_id(struct l2tp_engine *e, void *const *taken, uint32_t count)
{
	uint16_t id = (uint16_t)e->calls->random(e->ctx);

	if (count >= IDS - 1)
		return 0;
	while (id == 0 || taken[id])
		id++;
	return id;
}

uint16_t
l2tp_free_tunnel_id(struct l2tp_engine *e)
{
	return free_id(e, (void *const *)e->tunnels, e->ntunnels);
}

uint16_t
l2tp_free_session_id(struct l2tp_engine *e)
{
	return free_id(e, (void *const *)e->sessions, e->nsessions);
}

/* Refusals to strangers are rationed: we must not be made to shout at a third party. */
static bool
may_refuse(struct l2tp_engine *e)
{
	if (e->now_us - e->refusal_us >= 1000000) {
		e->refusal_us = e->now_us;
		e->refusals = 0;
	}
	return e->refusals++ < REFUSALS_PER_SECOND;
}

/* A StopCCN outside any tunnel: section 4.4.2; error 0x0100 tells the version that we speak (result 5). */
static void
refuse_as(struct l2tp_engine *e, const struct l2tp_peer *to, uint16_t mine, uint16_t tunnel, uint16_t nr, uint16_t result,
    uint16_t error)
{
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc m = enc_of(room, sizeof(room));

	if (!may_refuse(e)) {
		e->counters.limited++;
		return;
	}
	l2tp_begin(&m, L2TP_STOPCCN, tunnel, 0);
	l2tp_put(&m, L2TP_TUNNEL_ID, mine);
	l2tp_put_result(&m, result, error, STR_NULL);
	if (l2tp_end(&m) == 0)
		return;
	room[10] = (uint8_t)(nr >> 8);
	room[11] = (uint8_t)nr;
	e->calls->send(e->ctx, to, str_of((const char *)room, m.n));
}

static void
refuse(struct l2tp_engine *e, const struct l2tp_peer *to, uint16_t tunnel, uint16_t nr, uint16_t result, uint16_t error)
{
	refuse_as(e, to, l2tp_free_tunnel_id(e), tunnel, nr, result, error);
}

/*
 * The server was killed and has begun anew: whoever still speaks into a tunnel of before is told, by the only number of it
 * that we have heard, and need not find out by silence. Only for a while: later nobody can mean us.
 */
static void
forgotten(struct l2tp_engine *e, const struct l2tp_peer *from, uint16_t tunnel)
{
	e->counters.unknown++;
	if (e->server && tunnel != 0 && e->now_us < e->forgetful_until_us)
		refuse_as(e, from, tunnel, 0, 0, L2TP_STOP_CLEAR, 0);
}

static struct l2tp_tunnel *
find_repeated(const struct l2tp_engine *e, const struct l2tp_peer *from, uint16_t peer_id)
{
	struct l2tp_tunnel *t = e->hashed[l2tp_hash(e, from, peer_id)];

	while (t && (t->peer_id != peer_id || !l2tp_peer_same(&t->peer, from)))
		t = t->same_hash;
	return t;
}

static unsigned
starting_from(const struct l2tp_engine *e, const struct l2tp_peer *from)
{
	unsigned n = 0;

	/* Few are half-open at a time: max_starting bounds the walk, and so does the limit itself. */
	for (uint32_t i = 0; i < e->due.n && n <= e->server->max_per_source; i++) {
		const struct l2tp_tunnel *t = (const struct l2tp_tunnel *)e->due.v[i];
		n += t->state == L2TP_WAIT_CONN && memcmp(&t->peer.addr, &from->addr, sizeof(from->addr)) == 0;
	}
	return n;
}

/* The tunnel that we are dialling to the same peer, which has not answered. */
static struct l2tp_tunnel *
dialling_to(const struct l2tp_engine *e, const struct l2tp_peer *peer)
{
	for (uint32_t i = 0; i < e->due.n; i++) {
		struct l2tp_tunnel *t = (struct l2tp_tunnel *)e->due.v[i];
		if (t->state == L2TP_WAIT_REPLY && l2tp_peer_same(&t->peer, peer))
			return t;
	}
	return NULL;
}

/*
 * Section 4.4.3: of two that dial each other the lower number wins, none at all loses, and of equal ones both do. Whether
 * the peer's call goes on. Half-open tunnels bound the walk.
 */
static bool
break_tie(struct l2tp_engine *e, const struct l2tp_peer *from, const struct l2tp_message *m)
{
	struct l2tp_tunnel *ours = l2tp_has(m, L2TP_TIE_BREAKER) ? dialling_to(e, from) : NULL;
	uint64_t theirs = m->number[L2TP_TIE_BREAKER];

	if (ours == NULL)
		return true;
	uint64_t tie = ours->tie;
	if (tie == 0 || theirs <= tie)
		l2tp_tunnel_yield(ours);
	return tie == 0 || theirs < tie;
}

static bool
has_room(struct l2tp_engine *e, const struct l2tp_peer *from)
{
	const struct l2tp_terms *s = e->server;

	if (e->ntunnels >= s->max_tunnels || e->nstarting >= s->max_starting)
		return false;
	/* The walk is for storms only. */
	return e->nstarting < s->max_per_source || starting_from(e, from) < s->max_per_source;
}

/* Tunnel number 0: only SCCRQ may come so, or the StopCCN of a peer that has not heard our number yet. */
static void
on_stranger(struct l2tp_engine *e, const struct l2tp_peer *from, const struct l2tp_head *h)
{
	struct l2tp_message m;
	int r = l2tp_message_read(h->payload, e->server ? e->server->secret : STR_NULL, &m);
	uint16_t peer_id = (uint16_t)m.number[L2TP_TUNNEL_ID];

	if (m.type != L2TP_SCCRQ && m.type != L2TP_STOPCCN) {
		e->counters.unknown++;
		return;
	}
	struct l2tp_tunnel *t = peer_id ? find_repeated(e, from, peer_id) : NULL;
	if (t && t->state == L2TP_ESTABLISHED && m.type == L2TP_STOPCCN && h->ns != t->channel.nr) {
		/* Out of turn it proves nothing: it may come from anybody. */
		l2tp_tunnel_doubt(t);
	} else if (t) {
		l2tp_tunnel_receive(t, from, h);
	} else if (m.type == L2TP_STOPCCN || peer_id == 0 || e->server == NULL) {
		e->counters.unknown++;
	} else if (r < 0) {
		e->counters.refused++;
		refuse(e, from, peer_id, h->ns + 1, m.result, m.error);
	} else if (m.number[L2TP_PROTOCOL_VERSION] != 0x0100) {
		e->counters.versions++;
		refuse(e, from, peer_id, h->ns + 1, L2TP_STOP_VERSION, 0x0100);
	} else if (!l2tp_has(&m, L2TP_HOST_NAME) || !l2tp_has(&m, L2TP_FRAMING_CAPS) || h->ns != 0) {
		e->counters.refused++;
	} else if (!has_room(e, from)) {
		/* Silence: the peer tries again by itself, and then there may be room. */
		e->counters.limited++;
	} else if (break_tie(e, from, &m)) {
		l2tp_tunnel_accept(e, from, h, &m);
	}
}

static bool
is_stop(struct str payload)
{
	struct l2tp_message m;

	(void)!l2tp_message_read(payload, STR_NULL, &m);
	return m.type == L2TP_STOPCCN;
}

static void
on_control(struct l2tp_engine *e, const struct l2tp_peer *from, const struct l2tp_head *h)
{
	struct l2tp_tunnel *t = e->tunnels[h->tunnel];

	if (h->tunnel == 0)
		on_stranger(e, from, h);
	else if (t)
		l2tp_tunnel_receive(t, from, h);
	else if (h->payload.n == 0 || is_stop(h->payload))
		e->counters.unknown++;
	else
		forgotten(e, from, h->tunnel);
}

/* Late packets of a sequenced session are dropped: section 5.4. */
static bool
in_order(struct l2tp_session *s, const struct l2tp_head *h)
{
	if (!h->sequenced)
		return true;
	/* An LNS may switch sequencing on at any time, and we follow. */
	if (!s->incoming)
		s->sequenced = true;
	if ((int16_t)(uint16_t)(h->ns - s->nr) < 0) {
		s->late++;
		return false;
	}
	s->nr = h->ns + 1;
	return true;
}

int
l2tp_receive(struct l2tp_engine *e, int64_t now_us, const struct l2tp_peer *from, struct str datagram,
    struct l2tp_session **ret_session, struct str *ret_frame, bool *ret_moved)
{
	struct l2tp_head h;
	int r = l2tp_head_read(datagram, &h);

	e->now_us = now_us;
	e->counters.datagrams++;
	if (r == -EPROTONOSUPPORT && h.control && e->server) {
		e->counters.versions++;
		refuse(e, from, 0, 0, L2TP_STOP_VERSION, 0x0100);
		return 0;
	}
	if (r < 0) {
		e->counters.garbage++;
		return 0;
	}
	if (h.control) {
		on_control(e, from, &h);
		return 0;
	}
	struct l2tp_session *s = e->sessions[h.session];
	if (s == NULL && h.session != 0 && e->tunnels[h.tunnel] == NULL) {
		forgotten(e, from, h.tunnel);
		return 0;
	}
	if (s == NULL || s->tunnel->id != h.tunnel || s->state != L2TP_S_ESTABLISHED || !in_order(s, &h)) {
		e->counters.unknown++;
		return 0;
	}
	*ret_session = s;
	*ret_frame = h.payload;
	*ret_moved = !l2tp_peer_same(from, &s->tunnel->peer);
	return 1;
}

size_t
l2tp_data_head(struct l2tp_session *s, uint8_t dst[L2TP_DATA_HEAD_MAX])
{
	struct enc e = enc_of(dst, L2TP_DATA_HEAD_MAX);

	enc_u16(&e, s->sequenced ? L2TP_S | 2 : 2);
	enc_u16(&e, s->tunnel->peer_id);
	enc_u16(&e, s->peer_id);
	if (s->sequenced) {
		enc_u16(&e, s->ns++);
		enc_u16(&e, s->nr);
	}
	return e.n;
}

int64_t
l2tp_due(const struct l2tp_engine *e)
{
	const struct due_node *n = due_first(&e->due);

	return n ? n->due_us : DUE_NEVER;
}

void
l2tp_tick(struct l2tp_engine *e, int64_t now_us)
{
	struct due_node *n;

	e->now_us = now_us;
	/* A tunnel's node is its first member. */
	while ((n = due_first(&e->due)) != NULL && n->due_us <= now_us)
		l2tp_tunnel_tick((struct l2tp_tunnel *)n);
}

void
l2tp_stop_all(struct l2tp_engine *e, int64_t now_us)
{
	for (uint32_t i = 0; i < IDS; i++)
		if (e->tunnels[i] && e->tunnels[i]->state != L2TP_LINGERING)
			l2tp_tunnel_close(e->tunnels[i], now_us, L2TP_STOP_SHUTDOWN, 0, STR_NULL);
}

void
l2tp_end_show(const struct l2tp_end *end, struct buf *out)
{
	if (end->result == 0) {
		buf_add(out, STR("the other side is silent"));
		return;
	}
	buf_addf(out, "%s%s", end->by_peer ? "the other side said: " : "",
	    end->tunnel ? l2tp_stop_name(end->result) : l2tp_cdn_name(end->result));
	if (end->error)
		buf_addf(out, ", %s", l2tp_error_name(end->error));
	if (end->text[0]) {
		buf_add(out, STR(" (\""));
		buf_add_escaped(out, str_z(end->text));
		buf_add(out, STR("\")"));
	}
}
