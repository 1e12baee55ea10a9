/*
 * client: questions on their way, by identifier. A question is kept with its password rather than as bytes, because
 * what the next server gets is hidden with another secret.
 */
#include "gate/radius/client.h"

#include <errno.h>
#include <stdlib.h>

#define ATTRIBUTES_MAX 900
#define NAS_VIRTUAL 5                  /* port type: RFC 2865 section 5.41 */
#define TUNNEL_L2TP 3                  /* RFC 2868 section 3.1 */

struct radius_pending {
	bool used, login;
	uint8_t password[RADIUS_PASSWORD_MAX];
	bool has_password;
	uint8_t npassword;
	uint8_t tries, tried_servers;
	uint8_t server;
	uint8_t authenticator[RADIUS_AUTHENTICATOR];
	int64_t due_us;
	void *owner;                   /* of a login; NULL: nobody waits any more */
	uint16_t nattributes;
	uint8_t attributes[ATTRIBUTES_MAX];
};

int
radius_open(struct radius_client *c, const struct radius_calls *calls, void *ctx, const struct radius_server *servers,
    uint32_t nservers, struct str nas)
{
	*c = (struct radius_client){ .calls = calls, .ctx = ctx, .servers = servers, .nservers = nservers, .nas = nas };
	c->pending = calloc(RADIUS_PENDING, sizeof(*c->pending));
	c->next_id = (uint8_t)calls->random(ctx);
	return c->pending ? 0 : -ENOMEM;
}

void
radius_close(struct radius_client *c)
{
	if (c->pending)
		wipe(c->pending, RADIUS_PENDING * sizeof(*c->pending));
	free(c->pending);
	*c = (struct radius_client){ .pending = NULL };
}

static void
draw(struct radius_client *c, uint8_t dst[RADIUS_AUTHENTICATOR])
{
	for (unsigned i = 0; i < RADIUS_AUTHENTICATOR; i += 8) {
		uint64_t v = c->calls->random(c->ctx);
		memcpy(dst + i, &v, 8);
	}
}

/* The oldest identifier comes again last: a late answer meets no new question. */
static struct radius_pending *
new_pending(struct radius_client *c)
{
	for (unsigned i = 0; i < RADIUS_PENDING; i++) {
		struct radius_pending *p = &c->pending[c->next_id++];
		if (p->used)
			continue;
		*p = (struct radius_pending){ .used = true, .server = (uint8_t)c->current };
		c->npending++;
		return p;
	}
	return NULL;
}

static void
end(struct radius_client *c, struct radius_pending *p)
{
	wipe(p, sizeof(*p));
	c->npending--;
}

static size_t
write_packet(struct radius_client *c, struct radius_pending *p, uint8_t room[RADIUS_MAX])
{
	const struct radius_server *s = &c->servers[p->server];
	struct enc e = enc_of(room, RADIUS_MAX);
	enum radius_code code = p->login ? RADIUS_ACCESS_REQUEST : RADIUS_ACCT_REQUEST;

	radius_begin(&e, code, (uint8_t)(p - c->pending), p->authenticator, p->login);
	enc_bytes(&e, str_of((const char *)p->attributes, p->nattributes));
	if (p->has_password)
		radius_put_password(&e, str_of((const char *)p->password, p->npassword), s->secret, p->authenticator);
	if (p->login)
		return radius_end_access(&e, s->secret);
	size_t n = radius_end_request(&e, s->secret);
	memcpy(p->authenticator, room + 4, RADIUS_AUTHENTICATOR);
	return n;
}

static void
send(struct radius_client *c, struct radius_pending *p, int64_t now_us)
{
	const struct radius_server *s = &c->servers[p->server];
	uint8_t room[RADIUS_MAX];
	size_t n = write_packet(c, p, room);

	p->due_us = now_us + (s->timeout_us << p->tries);
	p->tries++;
	if (n > 0)
		c->calls->send(c->ctx, s, p->login ? s->auth_port : s->acct_port, str_of((const char *)room, n));
}

static void
put_common(const struct radius_client *c, struct enc *e, struct str user, struct str calling, struct str session)
{
	radius_put(e, RADIUS_USER_NAME, user);
	radius_put(e, RADIUS_NAS_IDENTIFIER, c->nas);
	radius_put_number(e, RADIUS_NAS_PORT_TYPE, NAS_VIRTUAL);
	radius_put_number(e, RADIUS_SERVICE_TYPE, 2);
	radius_put_number(e, RADIUS_FRAMED_PROTOCOL, 1);
	radius_put(e, RADIUS_CALLING_STATION, calling);
	radius_put(e, RADIUS_SESSION_ID, session);
	radius_put_number(e, RADIUS_TUNNEL_TYPE, TUNNEL_L2TP);
	radius_put_number(e, RADIUS_TUNNEL_MEDIUM, 1);
}

/* RFC 2865 section 5.3; RFC 2548 section 2.3.2. */
static void
put_proof(struct enc *e, const struct radius_login *l)
{
	uint8_t room[2 + MSCHAP_RESPONSE] = { l->id };

	if (l->method == RADIUS_CHAP && l->value.n == MD5_SIZE) {
		memcpy(room + 1, l->value.p, MD5_SIZE);
		radius_put(e, RADIUS_CHAP_PASSWORD, str_of((const char *)room, 1 + MD5_SIZE));
		radius_put(e, RADIUS_CHAP_CHALLENGE, l->challenge);
	} else if (l->method == RADIUS_MSCHAP2 && l->value.n == MSCHAP_RESPONSE) {
		/* Flags stand at the end of the PPP form and at the second place of this one. */
		memcpy(room + 2, l->value.p, MSCHAP_RESPONSE - 1);
		radius_put_vendor(e, RADIUS_MICROSOFT, RADIUS_MS_CHALLENGE, l->challenge);
		radius_put_vendor(e, RADIUS_MICROSOFT, RADIUS_MS_RESPONSE2, str_of((const char *)room, 1 + MSCHAP_RESPONSE));
	}
}

int
radius_ask(struct radius_client *c, int64_t now_us, const struct radius_login *login, void *owner)
{
	struct radius_pending *p = new_pending(c);
	struct enc e;

	if (p == NULL)
		return -EBUSY;
	p->login = true;
	p->owner = owner;
	p->has_password = login->method == RADIUS_PAP;
	p->npassword = (uint8_t)str_head(login->password, RADIUS_PASSWORD_MAX).n;
	if (p->has_password && p->npassword)
		memcpy(p->password, login->password.p, p->npassword);
	draw(c, p->authenticator);
	e = enc_of(p->attributes, sizeof(p->attributes));
	put_common(c, &e, login->user, login->calling, login->session);
	put_proof(&e, login);
	p->nattributes = (uint16_t)e.n;
	c->counters.logins++;
	send(c, p, now_us);
	return 0;
}

void
radius_forget(struct radius_client *c, const void *owner)
{
	for (unsigned i = 0; c->npending && i < RADIUS_PENDING; i++)
		if (c->pending[i].used && c->pending[i].login && c->pending[i].owner == owner)
			c->pending[i].owner = NULL;
}

static void
put_counts(struct enc *e, const struct radius_report *r)
{
	radius_put_number(e, RADIUS_SESSION_TIME, r->seconds);
	radius_put_number(e, RADIUS_IN_OCTETS, (uint32_t)r->in_bytes);
	radius_put_number(e, RADIUS_OUT_OCTETS, (uint32_t)r->out_bytes);
	radius_put_number(e, RADIUS_IN_GIGAWORDS, (uint32_t)(r->in_bytes >> 32));
	radius_put_number(e, RADIUS_OUT_GIGAWORDS, (uint32_t)(r->out_bytes >> 32));
	radius_put_number(e, RADIUS_IN_PACKETS, (uint32_t)r->in_packets);
	radius_put_number(e, RADIUS_OUT_PACKETS, (uint32_t)r->out_packets);
}

int
radius_tell(struct radius_client *c, int64_t now_us, const struct radius_report *r)
{
	struct radius_pending *p = new_pending(c);
	struct enc e;

	c->counters.reports++;
	if (p == NULL) {
		c->counters.reports_lost++;
		return -EBUSY;
	}
	e = enc_of(p->attributes, sizeof(p->attributes));
	put_common(c, &e, r->user, r->calling, r->session);
	radius_put_number(&e, RADIUS_STATUS_TYPE, r->status);
	/* Not how late it is, which would change with each try: when it was. */
	radius_put_number(&e, RADIUS_EVENT_TIME, r->when);
	radius_put_number(&e, RADIUS_FRAMED_ADDRESS, r->address);
	if (r->class.n)
		radius_put(&e, RADIUS_CLASS, r->class);
	if (r->status != RADIUS_START)
		put_counts(&e, r);
	if (r->status == RADIUS_STOP)
		radius_put_number(&e, RADIUS_TERMINATE_CAUSE, r->cause);
	p->nattributes = (uint16_t)e.n;
	send(c, p, now_us);
	return 0;
}

/* Answers. */

static bool
fits(const struct radius_pending *p, const struct radius_packet *a)
{
	if (p->login)
		return a->code == RADIUS_ACCESS_ACCEPT || a->code == RADIUS_ACCESS_REJECT || a->code == RADIUS_ACCESS_CHALLENGE;
	return a->code == RADIUS_ACCT_RESPONSE;
}

static void
give(struct radius_client *c, struct radius_pending *p, struct radius_grant *g)
{
	void *owner = p->login ? p->owner : NULL;

	if (p->login) {
		c->counters.granted += g->verdict == RADIUS_GRANTED;
		c->counters.refused += g->verdict == RADIUS_REFUSED;
		c->counters.silent += g->verdict == RADIUS_SILENT;
	} else {
		c->counters.reports_lost += g->verdict == RADIUS_SILENT;
	}
	end(c, p);
	if (owner)
		c->calls->answer(c->ctx, owner, g);
	wipe(g, sizeof(*g));
}

void
radius_receive(struct radius_client *c, const struct addr *from, uint16_t port, struct str datagram)
{
	struct radius_packet a;

	if (radius_read(datagram, &a) < 0) {
		c->counters.stray++;
		return;
	}
	struct radius_pending *p = &c->pending[a.id];
	const struct radius_server *s = &c->servers[p->server];
	bool ours = p->used && fits(p, &a) && memcmp(from, &s->addr, sizeof(*from)) == 0 &&
	    port == (p->login ? s->auth_port : s->acct_port);
	if (!ours) {
		c->counters.stray++;
		return;
	}
	/* Without a proof it may be anybody's: the question stays open, for the true answer. */
	if (!radius_answer_is_good(&a, p->authenticator, s->secret, p->login)) {
		c->counters.forged++;
		return;
	}
	struct radius_grant g = { .verdict = RADIUS_REFUSED };
	if (p->login && a.code == RADIUS_ACCESS_ACCEPT)
		radius_grant_read(&a, s->secret, p->authenticator, &g);
	c->current = p->server;
	give(c, p, &g);
}

/* Time. */

int64_t
radius_due(const struct radius_client *c)
{
	int64_t first = INT64_MAX;

	for (unsigned i = 0; c->npending && i < RADIUS_PENDING; i++)
		if (c->pending[i].used && c->pending[i].due_us < first)
			first = c->pending[i].due_us;
	return first;
}

static void
try_again(struct radius_client *c, struct radius_pending *p, int64_t now_us)
{
	struct radius_grant silent = { .verdict = RADIUS_SILENT };

	if (p->tries < RADIUS_TRIES) {
		send(c, p, now_us);
	} else if (p->tried_servers + 1u < c->nservers) {
		p->tried_servers++;
		p->server = (uint8_t)((p->server + 1u) % c->nservers);
		p->tries = 0;
		if (p->login)
			draw(c, p->authenticator);
		send(c, p, now_us);
	} else {
		/* The next question begins with another server. */
		c->current = (p->server + 1u) % c->nservers;
		give(c, p, &silent);
	}
}

void
radius_tick(struct radius_client *c, int64_t now_us)
{
	for (unsigned i = 0; c->npending && i < RADIUS_PENDING; i++)
		if (c->pending[i].used && c->pending[i].due_us <= now_us)
			try_again(c, &c->pending[i], now_us);
}

/* Orders of a server: RFC 5176. */

static const struct radius_server *
server_at(const struct radius_client *c, const struct addr *from)
{
	for (uint32_t i = 0; i < c->nservers; i++)
		if (memcmp(&c->servers[i].addr, from, sizeof(*from)) == 0)
			return &c->servers[i];
	return NULL;
}

int
radius_order(struct radius_client *c, const struct addr *from, struct str datagram, struct radius_order *ret)
{
	const struct radius_server *s = server_at(c, from);
	struct radius_packet p;
	struct str v;

	if (s == NULL || radius_read(datagram, &p) < 0 || (p.code != RADIUS_DISCONNECT && p.code != RADIUS_COA) ||
	    !radius_request_is_good(&p, s->secret)) {
		c->counters.changes_refused++;
		return -EPERM;
	}
	*ret = (struct radius_order){ .disconnect = p.code == RADIUS_DISCONNECT, .id = p.id };
	memcpy(ret->authenticator, p.authenticator, RADIUS_AUTHENTICATOR);
	(void)!radius_find(&p, 0, RADIUS_USER_NAME, &ret->user);
	(void)!radius_find(&p, 0, RADIUS_SESSION_ID, &ret->session);
	if (radius_find(&p, 0, RADIUS_FRAMED_ADDRESS, &v))
		ret->address = radius_number(v);
	radius_limits_read(&p, &ret->limits);
	c->counters.changes++;
	return 0;
}

size_t
radius_order_answer(const struct radius_client *c, const struct addr *from, const struct radius_order *order,
    uint32_t error, uint8_t out[RADIUS_MAX])
{
	const struct radius_server *s = server_at(c, from);
	struct enc e = enc_of(out, RADIUS_MAX);
	enum radius_code good = order->disconnect ? RADIUS_DISCONNECT_ACK : RADIUS_COA_ACK;

	if (s == NULL)
		return 0;
	/* The refusal's number is the next one. */
	radius_begin(&e, error ? good + 1 : good, order->id, order->authenticator, true);
	if (error)
		radius_put_number(&e, RADIUS_ERROR_CAUSE, error);
	return radius_end_answer(&e, s->secret, order->authenticator);
}
