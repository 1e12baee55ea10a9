/*
 * socket: the listening sockets, opened by the supervisor or by intaked itself, under one
 * name; and the feed sources of the peers that speak to them. Must never make more of those than
 * stated, whoever sends.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/when.h"

#include "gate/policy/policy.h"
#include "role/intake/intake.h"
#include "sys/nflog.h"

#define TCP_BACKLOG 1024

static void
endpoint_text(const struct conf_endpoint *e, struct buf *out)
{
	char text[46];

	if (e->any)
		buf_addf(out, "*:%u", e->port);
	else if (addr_is_v4(&e->addr))
		buf_addf(out, "%.*s:%u", (int)addr_show(&e->addr, text), text, e->port);
	else
		buf_addf(out, "[%.*s]:%u", (int)addr_show(&e->addr, text), text, e->port);
}

int
intake_socket_key(const struct conf_source *s, struct buf *out)
{
	switch (s->type) {
	case CONF_SOURCE_UDP:
	case CONF_SOURCE_TCP:
		buf_addf(out, "%s ", s->type == CONF_SOURCE_UDP ? "udp" : "tcp");
		endpoint_text(&s->listen, out);
		return buf_ok(out) ? 0 : -ENOMEM;
	case CONF_SOURCE_UNIX:
		buf_addf(out, "unix %s", s->listen.path.p);
		return buf_ok(out) ? 0 : -ENOMEM;
	case CONF_SOURCE_GATE:
		buf_addf(out, "nflog %d", POLICY_LOG_GROUP);
		return buf_ok(out) ? 0 : -ENOMEM;
	case CONF_SOURCE_TLS:      /* linkd listens: it alone holds the key */
	case CONF_SOURCE_FILES:
	case CONF_SOURCE_JOURNAL:
	case CONF_SOURCE_STDIN:
	case CONF_SOURCE_ACCOUNTS:
		break;
	}
	return -ENOENT;
}

int
intake_socket_open(const struct conf_source *s)
{
	struct buf text = BUF_INIT(256);
	int buffer = s->buffer > INT32_MAX ? INT32_MAX : (int)s->buffer;
	int r = -ENOENT;

	endpoint_text(&s->listen, &text);
	if (s->type == CONF_SOURCE_UDP)
		r = sock_udp(buf_str(&text), buffer);
	else if (s->type == CONF_SOURCE_TCP)
		r = sock_tcp_listen(buf_str(&text), TCP_BACKLOG);
	else if (s->type == CONF_SOURCE_UNIX)
		r = sock_unix_dgram(s->listen.path.p, (mode_t)s->mode, buffer);
	else if (s->type == CONF_SOURCE_GATE)
		r = nflog_open(POLICY_LOG_GROUP, POLICY_LOG_BYTES, buffer);
	buf_free(&text);
	return r;
}

struct feed_source *
intake_feed_source(struct intake_source *s, enum entry_kind kind, struct str name, bool envelope)
{
	struct entry_source decl = {
		.kind = kind, .name = name, .program = s->conf->program, .envelope = envelope,
		.anchor_us = WHEN_NONE, .zoned = s->conf->timezone.n > 0, .zone_min = s->zone_min,
	};

	return feed_source_new(s->in->feed, &decl);
}

static struct feed_source *
named_source(struct intake_source *s, const char *what, const char *name, size_t n)
{
	struct buf text = BUF_INIT(256);

	buf_addf(&text, "%s %.*s", what, (int)n, name);
	struct feed_source *f = intake_feed_source(s, ENTRY_KIND_NET, buf_str(&text), true);
	buf_free(&text);
	return f;
}

/* Peers beyond the limit, and those without an address, share one source. */
static struct feed_source *
others(struct intake_source *s, const char *what)
{
	if (!s->peers.others)
		s->peers.others = named_source(s, what, "others", 6);
	return s->peers.others;
}

static struct feed_source *
new_peer(struct intake_source *s, const char *what, const struct addr *a)
{
	struct intake_peers *p = &s->peers;
	char text[46];

	if (!p->sources) {
		p->sources = calloc(INTAKE_PEERS_MAX, sizeof(void *));
		p->addrs = calloc(INTAKE_PEERS_MAX, sizeof(*p->addrs));
	}
	if (!p->sources || !p->addrs || p->n == INTAKE_PEERS_MAX)
		return others(s, what);
	size_t n = addr_show(a, text);
	struct feed_source *f = named_source(s, what, text, n);
	if (!f)
		return others(s, what);
	p->addrs[p->n] = *a;
	p->sources[p->n] = f;
	if (strmap_put(&p->map, str_of((char *)p->addrs[p->n].b, 16), p->n) < 0)
		return f;
	p->n++;
	return f;
}

struct feed_source *
intake_peer(struct intake_source *s, const char *what, const struct sockaddr_storage *peer)
{
	struct intake_peers *p = &s->peers;
	struct addr a;
	uint16_t port;

	if (!peer || sock_addr_get(peer, &a, &port) < 0)
		return others(s, what);
	if (p->last_source && memcmp(&a, &p->last, sizeof(a)) == 0)
		return p->last_source;
	uint32_t i = strmap_get(&p->map, str_of((char *)a.b, 16));
	struct feed_source *f = i != STRMAP_NONE ? p->sources[i] : new_peer(s, what, &a);
	p->last = a;
	p->last_source = f;
	return f;
}

void
intake_peers_free(struct intake_peers *p)
{
	strmap_free(&p->map);
	free(p->sources);
	free(p->addrs);
	*p = (struct intake_peers){ 0 };
}
