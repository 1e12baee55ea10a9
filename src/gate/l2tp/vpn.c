/*
 * vpn: binds calls to their links and users, hands out addresses, knows who an inner packet belongs to. Must never
 * give one address to two, nor take a packet from a call in another's name.
 */
#include "gate/l2tp/vpn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "gate/l2tp/vpn_dial.h"
#include "gate/l2tp/vpn6.h"
#include "gate/l2tp/vpn_pool.h"

#define FORGETFUL_US INT64_C(300000000)
#define SETUP_US 45000000              /* a call that is not up by then is let go */

enum { DUE_CALL, DUE_DIAL };

struct str
vpn_call_name(const struct vpn_call *c)
{
	if (c->dial)
		return c->dial->host;
	return c->user ? c->user->name : c->link.user ? str_z(c->link.user) : STR("?");
}

/*
 * After the link was at work: when the next thing is due, or that it ended. The link must not end its call by itself,
 * because it would be freed under its own feet.
 */
void
vpn_settle(struct vpn_call *c)
{
	int64_t now = c->vpn->now_us, due = ppp_link_due(&c->link);
	int64_t patience = c->began_us + (now - c->began_us < SETUP_US ? SETUP_US : 2 * SETUP_US);

	if (c->link.phase == PPP_DEAD) {
		l2tp_session_close(c->session, now, L2TP_CDN_ADMIN, str_z(ppp_reason_text(c->link.reason)));
		return;
	}
	if (!c->up && patience < due)
		due = patience;
	/* A link that is being ended has its own patience. */
	if (c->limits && c->link.phase == PPP_NETWORK && limits_due(c->limits) < due)
		due = limits_due(c->limits);
	if (c->router_us < due)
		due = c->router_us;
	/* Its place was made with it. */
	(void)!due_set(&c->vpn->due, &c->due, due == DUE_NEVER ? now + SETUP_US : due);
}

/* Frames of the link. */

static void
link_send(void *ctx, struct str frame)
{
	struct vpn_call *c = ctx;
	uint8_t room[L2TP_DATA_HEAD_MAX + PPP_PACKET_MAX + PPP_HEAD];
	size_t n = l2tp_data_head(c->session, room);

	if (frame.n > sizeof(room) - n)
		return;
	memcpy(room + n, frame.p, frame.n);
	c->vpn->hooks->send(c->vpn->ctx, c->answer_to ? c->answer_to : &c->session->tunnel->peer,
	    str_of((const char *)room, n + frame.n));
}

static uint64_t
link_random(void *ctx)
{
	struct vpn_call *c = ctx;

	return c->vpn->hooks->random(c->vpn->ctx);
}

static int
link_account(void *ctx, struct str name, struct ppp_account *ret)
{
	struct vpn_call *c = ctx;
	const struct vpn_server *s = c->vpn->server;
	uint32_t i = s ? strmap_get(&c->vpn->names, name) : STRMAP_NONE;

	if (i == STRMAP_NONE)
		return -ENOENT;
	*ret = (struct ppp_account){ .password = s->users[i].password, .owner = (void *)&s->users[i],
		.policy = s->users[i].profile ? &s->users[i].profile->policy : NULL };
	return 0;
}

static bool
link_ask(void *ctx, const struct ppp_question *q)
{
	struct vpn_call *c = ctx;
	struct l2tp_vpn *v = c->vpn;

	return v->hooks->ask && c->dial == NULL && v->hooks->ask(v->ctx, c, q);
}

/* Users. */

static struct vpn_call **
place_of(const struct vpn_call *c)
{
	return &c->vpn->of_user[c->user - c->vpn->server->users];
}

/*
 * As a rule one of a user at a time: the newer is the one he sits at; the older may be a line that died unnoticed. False:
 * the newer is refused.
 */
static bool
replace_older(struct vpn_call *c)
{
	struct vpn_call *older = c->granted ? NULL : *place_of(c);
	enum vpn_again again = vpn_profile_of(c)->again;

	if (older && older != c && again == VPN_AGAIN_REFUSE) {
		ppp_link_close(&c->link, c->vpn->now_us, PPP_ALREADY_HERE);
		return false;
	}
	if (!c->granted && (older == NULL || again == VPN_AGAIN_REPLACE))
		*place_of(c) = c;
	if (older == NULL || older == c || again == VPN_AGAIN_ALLOW)
		return true;
	ppp_link_close(&older->link, c->vpn->now_us, PPP_REPLACED);
	l2tp_session_close(older->session, c->vpn->now_us, L2TP_CDN_ADMIN, str_z(ppp_reason_text(PPP_REPLACED)));
	return true;
}

/* Routes. */

static void
add_routes(struct vpn_call *c)
{
	struct l2tp_routes *r = &c->vpn->routes;

	/* What another branch holds it keeps; the check of the configuration has told of it. */
	if (c->dial == NULL && c->address)
		(void)!l2tp_route_add(r, route_v4(c->address), 32, c);
	for (uint32_t i = 0; c->user && i < c->user->nnets; i++)
		(void)!l2tp_route_add(r, route_v4(c->user->nets[i].net), c->user->nets[i].bits, c);
}

static void
remove_routes(struct vpn_call *c)
{
	struct l2tp_routes *r = &c->vpn->routes;

	if (c->address)
		l2tp_route_remove(r, route_v4(c->address), 32, c);
	for (uint32_t i = 0; c->user && i < c->user->nnets; i++)
		l2tp_route_remove(r, route_v4(c->user->nets[i].net), c->user->nets[i].bits, c);
}

/* Ups and downs. */

/* Without memory for it a connection is let go rather than left without limits. */
static void
begin_limits(struct vpn_call *c)
{
	const struct limits *l = c->dial ? &c->dial->limits : &vpn_profile_of(c)->limits;

	if (!limits_any(l))
		return;
	c->limits = malloc(sizeof(*c->limits));
	if (c->limits)
		limits_begin(c->limits, l, c->vpn->now_us);
	else
		ppp_link_close(&c->link, c->vpn->now_us, PPP_ADMIN_CLOSED);
}

static void
link_up(void *ctx)
{
	struct vpn_call *c = ctx;

	if (c->up)
		return;
	c->up = true;
	c->up_us = c->vpn->now_us;
	c->vpn->nup++;
	c->vpn->logins++;
	if (c->dial) {
		c->address = c->link.remote;
		vpn_dial_up(c->dial);
	}
	add_routes(c);
	begin_limits(c);
	c->vpn->hooks->up(c->vpn->ctx, c);
}

/* vpn_settle() sees to it. */
static void
link_down(void *ctx, enum ppp_reason why)
{
	(void)ctx;
	(void)why;
}

/* The peer is known as soon as it asks for an address: its user counts from then on. */
static uint32_t
link_address_known(void *ctx)
{
	struct vpn_call *c = ctx;

	if (c->user == NULL && c->link.owner) {
		c->user = c->link.owner;
		c->tun = c->user->tun >= 0 ? c->user->tun : c->tun;
		if (!replace_older(c))
			return 0;
	}
	return vpn_pool_address(c);
}

static void
link_up6(void *ctx)
{
	vpn6_up(ctx);
}

static const struct ppp_calls link_calls = {
	.send = link_send, .random = link_random, .account = link_account, .ask = link_ask, .address = link_address_known,
	.up = link_up, .up6 = link_up6, .down = link_down,
};

/* What the engine tells. */

static void
engine_send(void *ctx, const struct l2tp_peer *to, struct str datagram)
{
	struct l2tp_vpn *v = ctx;

	v->hooks->send(v->ctx, to, datagram);
}

static uint64_t
engine_random(void *ctx)
{
	struct l2tp_vpn *v = ctx;

	return v->hooks->random(v->ctx);
}

static void
unlink_call(struct vpn_call *c)
{
	struct l2tp_vpn *v = c->vpn;

	if (c->prev)
		c->prev->next = c->next;
	else
		v->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	v->ncalls--;
	v->nup -= c->up;
}

/*
 * RFC 2661 section 4.4.5: a provider's concentrator has spoken with the caller before us. Only one that knows the tunnel
 * secret is believed: a stranger could hand in an answer that he overheard, with the challenge that belongs to it.
 */
static void
begin_link(struct vpn_call *c, const struct l2tp_message *said)
{
	struct l2tp_vpn *v = c->vpn;
	static const unsigned methods[] = { [2] = PPP_AUTH_CHAP, [3] = PPP_AUTH_PAP };

	if (said && c->session->tunnel->terms->secret.n > 0 && l2tp_has(said, L2TP_LAST_SENT_LCP)) {
		uint64_t kind = said->number[L2TP_PROXY_AUTH];
		struct ppp_proxy p = { .sent = said->bytes[L2TP_LAST_SENT_LCP], .received = said->bytes[L2TP_LAST_RECEIVED_LCP],
			.method = kind < ARRAY_LEN(methods) ? methods[kind] : 0, .id = (uint8_t)said->number[L2TP_PROXY_ID],
			.name = said->bytes[L2TP_PROXY_NAME], .challenge = said->bytes[L2TP_PROXY_CHALLENGE],
			.response = said->bytes[L2TP_PROXY_RESPONSE] };
		if (ppp_link_adopt(&c->link, v->now_us, &p)) {
			v->adopted++;
			return;
		}
	}
	ppp_link_start(&c->link, v->now_us);
}

static uint16_t
session_open(void *ctx, struct l2tp_session *s, const struct l2tp_message *said)
{
	struct l2tp_vpn *v = ctx;
	struct vpn_dial *d = s->tunnel->owner;
	const struct ppp_policy *policy = d ? &d->policy : &v->server->profile.policy;

	if (d == NULL && v->ncalls >= v->server->max_sessions)
		return L2TP_CDN_BUSY;
	struct vpn_call *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return L2TP_CDN_BUSY;
	c->due.kind = DUE_CALL;
	if (due_set(&v->due, &c->due, v->now_us) < 0) {
		free(c);
		return L2TP_CDN_BUSY;
	}
	c->vpn = v;
	c->session = s;
	c->dial = d;
	c->tun = d ? d->tun : v->server->tun;
	c->began_us = v->now_us;
	c->router_us = DUE_NEVER;
	c->key = v->hooks->random(v->ctx);
	c->next = v->calls;
	if (c->next)
		c->next->prev = c;
	v->calls = c;
	v->ncalls++;
	s->owner = c;
	if (d)
		d->call = c;
	ppp_link_init(&c->link, policy, &link_calls, c);
	begin_link(c, said);
	vpn_settle(c);
	return 0;
}

/* The link's reason is nearer to the cause than the tunnel's. */
static void
tell_why(const struct vpn_call *c, const struct l2tp_end *end, struct buf *out)
{
	if (c->link.reason == PPP_STILL_UP || c->link.reason == PPP_CARRIER_LOST) {
		l2tp_end_show(end, out);
		return;
	}
	buf_add(out, str_z(ppp_reason_text(c->link.reason)));
	if (ppp_reason_advice(c->link.reason)[0])
		buf_addf(out, "; %s", ppp_reason_advice(c->link.reason));
}

static void
session_closed(void *ctx, struct l2tp_session *s, const struct l2tp_end *why)
{
	struct l2tp_vpn *v = ctx;
	struct vpn_call *c = s->owner;
	struct buf text = BUF_INIT(512);

	c->left = why->by_peer;
	if (c->user == NULL)
		c->user = c->link.owner;
	if (c->user && !c->granted && *place_of(c) == c)
		*place_of(c) = NULL;
	/* Told from outside, or by the link itself, which has its reason then. */
	if (c->link.phase != PPP_DEAD)
		ppp_link_lost(&c->link, v->now_us);
	tell_why(c, why, &text);
	remove_routes(c);
	vpn6_down(c);
	if (c->dial)
		vpn_dial_down(c->dial, buf_cstr(&text), c->link.reason == PPP_IDLE);
	else if (!c->up)
		v->refused++;
	vpn_pool_release(c);
	unlink_call(c);
	v->hooks->down(v->ctx, c, str_z(buf_cstr(&text)));
	due_remove(&v->due, &c->due);
	ppp_link_free(&c->link);
	free(c->limits);
	free(c->granted);
	free(c);
	buf_free(&text);
}

static void
tunnel_closed(void *ctx, struct l2tp_tunnel *t, const struct l2tp_end *why)
{
	struct buf text = BUF_INIT(512);

	(void)ctx;
	l2tp_end_show(why, &text);
	vpn_dial_lost(t->owner, buf_cstr(&text), why->result == 0);
	buf_free(&text);
}

static const struct l2tp_calls engine_calls = {
	.send = engine_send, .random = engine_random, .session_open = session_open, .session_closed = session_closed,
	.tunnel_closed = tunnel_closed,
};

int
vpn_open(struct l2tp_vpn *v, const struct vpn_hooks *hooks, void *ctx, const struct vpn_server *server,
    struct vpn_dial *dials, uint32_t ndials)
{
	*v = (struct l2tp_vpn){ .hooks = hooks, .ctx = ctx, .server = server, .dials = dials, .ndials = ndials };
	v->engine = l2tp_engine_new(&engine_calls, v, server ? &server->terms : NULL);
	v->names.seed = hooks->random(ctx);
	if (v->engine == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; server && i < server->nusers; i++)
		if (strmap_put(&v->names, server->users[i].name, i) < 0)
			return -ENOMEM;
	v->of_user = server ? calloc(server->nusers + 1, sizeof(struct vpn_call *)) : NULL;
	if (server && v->of_user == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < ndials; i++) {
		dials[i].vpn = v;
		dials[i].due.kind = DUE_DIAL;
		if (due_set(&v->due, &dials[i].due, 0) < 0)
			return -ENOMEM;
	}
	return 0;
}

void
vpn_begin(struct l2tp_vpn *v, int64_t now_us)
{
	/* Who of our filiais was connected before us finds out within this time, or by his own keep-alive. */
	v->engine->forgetful_until_us = now_us + FORGETFUL_US;
	vpn_tick(v, now_us);
}

void
vpn_stop(struct l2tp_vpn *v, int64_t now_us)
{
	v->now_us = now_us;
	for (uint32_t i = 0; i < v->ndials; i++)
		due_remove(&v->due, &v->dials[i].due);
	l2tp_stop_all(v->engine, now_us);
}

void
vpn_free(struct l2tp_vpn *v)
{
	struct vpn_call *next;

	for (struct vpn_call *c = v->calls; c; c = next) {
		next = c->next;
		ppp_link_free(&c->link);
		free(c->limits);
		free(c->granted);
		free(c);
	}
	l2tp_engine_free(v->engine);
	l2tp_routes_free(&v->routes);
	l2tp_routes_free(&v->taken);
	l2tp_routes_free(&v->routes6);
	l2tp_routes_free(&v->taken6);
	strmap_free(&v->names);
	free(v->of_user);
	due_free(&v->due);
	*v = (struct l2tp_vpn){ .calls = NULL };
}

/* Time. */

static void
keep_limits(struct vpn_call *c)
{
	enum limits_over over = limits_look(c->limits, c->in_packets + c->out_packets, c->vpn->now_us);

	if (over != LIMITS_GOOD)
		ppp_link_close(&c->link, c->vpn->now_us, over == LIMITS_IDLE ? PPP_IDLE : PPP_SESSION_OVER);
}

static void
tick_call(struct vpn_call *c)
{
	struct l2tp_vpn *v = c->vpn;

	if (!c->up && v->now_us - c->began_us >= 2 * SETUP_US) {
		l2tp_session_close(c->session, v->now_us, L2TP_CDN_TIMEOUT, STR_NULL);
		return;
	}
	if (!c->up && v->now_us - c->began_us >= SETUP_US)
		ppp_link_close(&c->link, v->now_us, PPP_NO_ANSWER);
	ppp_link_tick(&c->link, v->now_us);
	if (c->limits && c->link.phase == PPP_NETWORK)
		keep_limits(c);
	if (c->router_us <= v->now_us)
		vpn6_tick(c);
	vpn_settle(c);
}

void
vpn_kick(struct vpn_call *c, int64_t now_us)
{
	c->vpn->now_us = now_us;
	ppp_link_close(&c->link, now_us, PPP_ADMIN_CLOSED);
	vpn_settle(c);
}

int64_t
vpn_due(const struct l2tp_vpn *v)
{
	const struct due_node *n = due_first(&v->due);
	int64_t engine = l2tp_due(v->engine);

	return n && n->due_us < engine ? n->due_us : engine;
}

void
vpn_tick(struct l2tp_vpn *v, int64_t now_us)
{
	struct due_node *n;

	v->now_us = now_us;
	while ((n = due_first(&v->due)) != NULL && n->due_us <= now_us) {
		if (n->kind == DUE_DIAL)
			vpn_dial_tick((void *)((char *)n - offsetof(struct vpn_dial, due)));
		else
			tick_call((struct vpn_call *)n);
	}
	l2tp_tick(v->engine, now_us);
}
