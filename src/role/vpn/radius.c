/*
 * radius: the sockets of the RADIUS client: who may come in is asked, who came and went is told, and what the
 * server wants changed is done. Must never let a call wait for a server longer than the call itself would.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/vpn/l2tpd.h"
#include "sys/clock.h"

#define LOOK_MS 1000                   /* for reports that are due */

struct tunnel_radius {
	struct tunnelling *owner;
	struct radius_client client;
	struct radius_server servers[RADIUS_SERVERS_MAX];
	bool accounting;
	int64_t interim_us;
	struct udp *udp, *changes;     /* changes: NULL unless a server may */
	struct poll *udp_poll, *changes_poll;
	struct timer *timer, *reports;
};

static void
arm(struct tunnel_radius *r)
{
	int64_t due = radius_due(&r->client), now = clock_mono_us();

	udp_flush(r->udp);
	if (due == INT64_MAX)
		timer_stop(r->timer);
	else
		timer_start(r->timer, due <= now ? 0 : (uint64_t)(due - now + 999) / 1000, 0);
}

/* What the client wants. */

static void
on_send(void *ctx, const struct radius_server *to, uint16_t port, struct str datagram)
{
	struct tunnel_radius *r = ctx;
	struct udp_end end = { .addr = to->addr, .port = port };

	memcpy(udp_room(r->udp, datagram.n), datagram.p, datagram.n);
	udp_queue(r->udp, &end, datagram.n);
}

static uint64_t
on_random(void *ctx)
{
	(void)ctx;
	return random_u64();
}

static void
on_answer(void *ctx, void *owner, const struct radius_grant *g)
{
	struct tunnel_radius *r = ctx;
	struct vpn_call *c = owner;

	if (g->message[0] || g->verdict == RADIUS_SILENT) {
		struct buf said = BUF_INIT(1024);
		buf_add_escaped(&said, str_z(g->message));
		log_say(&r->owner->role->log, LOG_LEVEL_INFO, "radius: %s for \"%.*s\"%s%s",
		    g->verdict == RADIUS_GRANTED ? "granted" : g->verdict == RADIUS_REFUSED ? "refused" : "no answer",
		    STR_FMT(vpn_call_name(c)), said.n ? ": " : "", buf_cstr(&said));
		buf_free(&said);
	}
	vpn_answer(c, clock_mono_us(), g);
}

static const struct radius_calls calls = { .send = on_send, .random = on_random, .answer = on_answer };

static struct str
session_name(const struct vpn_call *c, char dst[20])
{
	snprintf(dst, 20, "%016" PRIx64, c->key);
	return str_z(dst);
}

static struct str
calling(const struct vpn_call *c, char dst[46])
{
	addr_show(&c->session->tunnel->peer.addr, dst);
	return str_z(dst);
}

bool
tunnelling_radius_ask(struct tunnelling *t, struct vpn_call *c, const struct ppp_question *q)
{
	struct tunnel_radius *r = t->radius;
	char from[46], session[20];

	if (r == NULL)
		return false;
	struct radius_login login = { .user = q->user, .password = q->password, .id = q->id, .challenge = q->challenge,
		.value = q->value, .calling = calling(c, from), .session = session_name(c, session),
		.method = q->method == PPP_AUTH_PAP ? RADIUS_PAP : q->method == PPP_AUTH_CHAP ? RADIUS_CHAP : RADIUS_MSCHAP2 };
	if (radius_ask(&r->client, clock_mono_us(), &login, c) < 0)
		return false;
	arm(r);
	return true;
}

/* Reports. RFC 2866 section 5.10. */

static uint32_t
cause_of(const struct vpn_call *c)
{
	static const struct { uint8_t reason, cause; } rows[] = {
		{ PPP_PEER_CLOSED, 1 }, { PPP_CARRIER_LOST, 2 }, { PPP_DEAD_PEER, 2 }, { PPP_IDLE, 4 }, { PPP_SESSION_OVER, 5 },
		{ PPP_ADMIN_CLOSED, 6 }, { PPP_REPLACED, 13 },
	};

	if (c->left && c->link.reason == PPP_CARRIER_LOST)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].reason == c->link.reason)
			return rows[i].cause;
	return 9;
}

static void
report(struct tunnel_radius *r, struct vpn_call *c, enum radius_status status)
{
	char from[46], session[20];
	int64_t now = clock_mono_us();
	struct radius_report what = { .status = status, .user = vpn_call_name(c), .calling = calling(c, from),
		.session = session_name(c, session), .address = c->link.remote,
		.seconds = (uint32_t)((now - c->up_us) / 1000000), .when = (uint32_t)(clock_wall_us() / 1000000),
		.cause = cause_of(c), .in_bytes = c->in_bytes, .out_bytes = c->out_bytes, .in_packets = c->in_packets,
		.out_packets = c->out_packets };

	if (c->granted)
		what.class = str_of((const char *)c->granted->class, c->granted->nclass);
	c->told_us = now;
	/* A report that finds no room is counted by the client, and shown. */
	(void)!radius_tell(&r->client, now, &what);
	arm(r);
}

void
tunnelling_radius_up(struct tunnelling *t, struct vpn_call *c)
{
	if (t->radius && t->radius->accounting && c->dial == NULL)
		report(t->radius, c, RADIUS_START);
}

void
tunnelling_radius_down(struct tunnelling *t, struct vpn_call *c)
{
	if (t->radius == NULL || c->dial)
		return;
	radius_forget(&t->radius->client, c);
	if (t->radius->accounting && c->up)
		report(t->radius, c, RADIUS_STOP);
}

static void
on_reports(void *ctx)
{
	struct tunnel_radius *r = ctx;
	int64_t now = clock_mono_us();

	for (struct vpn_call *c = r->owner->vpn.calls; c; c = c->next) {
		int64_t interim = c->granted && c->granted->interim_us ? c->granted->interim_us : r->interim_us;
		if (c->up && c->dial == NULL && interim && now - c->told_us >= interim)
			report(r, c, RADIUS_INTERIM);
	}
}

/* What comes. */

static void
on_udp(void *ctx, int events)
{
	struct tunnel_radius *r = ctx;
	struct udp_end from;
	size_t size;
	int n;

	(void)events;
	while ((n = udp_receive(r->udp)) > 0) {
		for (int i = 0; i < n; i++) {
			struct str all = udp_at(r->udp, i, &from, &size);
			for (; all.n > 0; all = str_from(all, size))
				radius_receive(&r->client, &from.addr, from.port, str_head(all, size));
		}
	}
	tunnelling_flush(r->owner);
	tunnelling_arm(r->owner);
	arm(r);
}

static void
on_timer(void *ctx)
{
	struct tunnel_radius *r = ctx;

	radius_tick(&r->client, clock_mono_us());
	tunnelling_flush(r->owner);
	tunnelling_arm(r->owner);
	arm(r);
}

static bool
is_meant(const struct radius_order *o, const struct vpn_call *c)
{
	char session[20];

	if (c->dial || !c->up || (o->session.n == 0 && o->user.n == 0 && o->address == 0))
		return false;
	return (o->session.n == 0 || str_eq(o->session, session_name(c, session))) &&
	    (o->user.n == 0 || str_eq(o->user, vpn_call_name(c))) && (o->address == 0 || o->address == c->link.remote);
}

/* RFC 5176 section 3.5: 503, there is no such session. */
static uint32_t
obey(struct tunnel_radius *r, const struct radius_order *o)
{
	struct vpn_call *next;
	unsigned done = 0;

	for (struct vpn_call *c = r->owner->vpn.calls; c; c = next) {
		next = c->next;
		if (!is_meant(o, c))
			continue;
		done++;
		if (o->disconnect)
			vpn_kick(c, clock_mono_us());
		else
			vpn_limit(c, clock_mono_us(), &o->limits);
	}
	return done ? 0 : 503;
}

static void
take_change(struct tunnel_radius *r, const struct udp_end *from, struct str datagram)
{
	uint8_t room[RADIUS_MAX];
	struct radius_order o;

	if (radius_order(&r->client, &from->addr, datagram, &o) < 0)
		return;
	uint32_t error = obey(r, &o);
	size_t n = radius_order_answer(&r->client, &from->addr, &o, error, room);
	log_say(&r->owner->role->log, LOG_LEVEL_INFO, "radius: %s asked for by the server: %s",
	    o.disconnect ? "a disconnect" : "other limits", error ? "no such session" : "done");
	memcpy(udp_room(r->changes, n), room, n);
	udp_queue(r->changes, from, n);
}

static void
on_changes(void *ctx, int events)
{
	struct tunnel_radius *r = ctx;
	struct udp_end from;
	size_t size;
	int n = udp_receive(r->changes);

	(void)events;
	for (int i = 0; i < n; i++) {
		struct str all = udp_at(r->changes, i, &from, &size);
		for (; all.n > 0; all = str_from(all, size))
			take_change(r, &from, str_head(all, size));
	}
	udp_flush(r->changes);
	tunnelling_flush(r->owner);
	tunnelling_arm(r->owner);
}

/* Beginning and end. */

static int
open_sockets(struct tunnel_radius *r, bool changes)
{
	static const struct addr none;
	int e = udp_open(&none, true, 0, &r->udp);

	if (e == 0 && changes)
		e = udp_open(&none, true, RADIUS_CHANGE_PORT, &r->changes);
	if (e < 0)
		log_say(&r->owner->role->log, LOG_LEVEL_ERROR, "cannot open a port for RADIUS%s: %s",
		    r->udp ? " changes (3799)" : "", strerror(-e));
	return e;
}

int
tunnelling_radius_setup(struct tunnelling *t)
{
	const struct conf_vpn *v = &t->role->config->vpn;
	bool changes = false;

	if (v->server == NULL || v->nradius == 0)
		return 0;
	struct tunnel_radius *r = t->radius = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	r->owner = t;
	for (uint32_t i = 0; i < v->nradius; i++) {
		const struct conf_vpn_radius *c = &v->radius[i];
		r->servers[i] = (struct radius_server){ .secret = c->secret, .addr = c->address,
			.auth_port = (uint16_t)c->port, .acct_port = (uint16_t)c->accounting_port, .timeout_us = c->timeout_us };
		changes |= c->changes;
		r->accounting |= c->accounting_port > 0;
	}
	r->interim_us = v->radius[0].interim_us;
	int e = radius_open(&r->client, &calls, r, r->servers, v->nradius, t->server.terms.host_name);
	return e < 0 ? e : open_sockets(r, changes);
}

int
tunnelling_radius_begin(struct tunnelling *t)
{
	struct tunnel_radius *r = t->radius;
	struct loop *loop = t->role->loop;

	if (r == NULL)
		return 0;
	int e = timer_open(loop, on_timer, r, &r->timer);
	if (e == 0)
		e = timer_open(loop, on_reports, r, &r->reports);
	if (e == 0)
		e = poll_open(loop, udp_fd(r->udp), WANT_READ, on_udp, r, &r->udp_poll);
	if (e == 0 && r->changes)
		e = poll_open(loop, udp_fd(r->changes), WANT_READ, on_changes, r, &r->changes_poll);
	if (e == 0 && r->accounting)
		timer_start(r->reports, LOOK_MS, LOOK_MS);
	return e;
}

void
tunnelling_radius_close(struct tunnelling *t)
{
	struct tunnel_radius *r = t->radius;

	if (r == NULL)
		return;
	poll_close(r->udp_poll);
	poll_close(r->changes_poll);
	timer_close(r->timer);
	timer_close(r->reports);
	udp_close(r->udp);
	udp_close(r->changes);
	radius_close(&r->client);
	free(r);
	t->radius = NULL;
}

void
tunnelling_radius_status(const struct tunnelling *t, struct buf *json)
{
	const struct radius_counters *c;

	if (t->radius == NULL)
		return;
	c = &t->radius->client.counters;
	buf_addf(json, ",\"radius\":{\"logins\":%" PRIu64 ",\"granted\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"silent\":%" PRIu64,
	    c->logins, c->granted, c->refused, c->silent);
	buf_addf(json, ",\"reports\":%" PRIu64 ",\"reports_lost\":%" PRIu64 ",\"forged\":%" PRIu64 ",\"stray\":%" PRIu64
	    ",\"changes\":%" PRIu64 ",\"changes_refused\":%" PRIu64 "}", c->reports, c->reports_lost, c->forged, c->stray,
	    c->changes, c->changes_refused);
}
