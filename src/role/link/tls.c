/*
 * tls: syslog over TLS (RFC 5425): proves who sends, decrypts, and hands the text on to intaked
 * through a socket of its own for each sender, where it is framed like any stream. When intaked is
 * slow the sender waits. Must never hand on a byte of who showed neither a certificate of the authority
 * with one of the names that may come nor one whose fingerprint is pinned.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/link/linkd.h"
#include "sys/clock.h"
#include "sys/file.h"

#define HELD_MAX (1u << 20)            /* decrypted, and not taken by intaked yet */
#define TELL_US (60 * WHEN_SECOND)     /* so often at most a listener's refusals are said in the log */

struct tls_sender {
	struct tls_sender *next, **link;
	struct link_listener *listener;
	struct secure *secure;         /* NULL: the sender has ended, the rest is being handed on */
	int out;                       /* to intaked; -1 before the sender is known */
	struct poll *poll;
	struct buf held;
	char address[46];
	int64_t since_us;
};

struct link_listener {
	struct linking *owner;
	const struct conf_source *conf;
	struct tls_trust *trust;
	int fd;
	struct poll *poll;
	struct tls_sender *first;
	uint32_t n;
	uint64_t accepted, refused, cut, bytes;
	uint64_t told;                 /* of refused, in the log */
	int64_t told_us;
	char refused_why[256];
	uint8_t (*pinned)[CONF_FINGERPRINT_BYTES];     /* of conf->pinned, in its order */
};

static void
count_refusal(struct link_listener *l, const char *address, const char *why)
{
	l->refused++;
	snprintf(l->refused_why, sizeof(l->refused_why), "%s: %s", address, why);
}

static void
sender_close(struct tls_sender *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->listener->n--;
	poll_close(s->poll);
	fd_close(&s->out);
	secure_close(s->secure);
	buf_free(&s->held);
	free(s);
}

/* Hands on what intaked takes: 0, or -errno when it is gone. */
static int
drain(struct tls_sender *s)
{
	size_t at = 0;

	while (at < s->held.n) {
		ssize_t n = send(s->out, s->held.p + at, s->held.n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0)
			break;
		at += (size_t)n;
	}
	memmove(s->held.p, s->held.p + at, s->held.n - at);
	s->held.n -= at;
	return 0;
}

static void
on_room(void *ctx, int events)
{
	struct tls_sender *s = ctx;
	char nothing;

	/* intaked never says anything: what can be read here is its end. */
	bool gone = events & WANT_READ && recv(s->out, &nothing, 1, MSG_DONTWAIT) == 0;
	if (gone || drain(s) < 0 || (!s->secure && s->held.n == 0)) {
		sender_close(s);
		return;
	}
	poll_want(s->poll, WANT_READ | (s->held.n ? WANT_WRITE : 0));
	if (s->secure && s->held.n == 0)
		secure_pause(s->secure, false);
}

static void
on_bytes(void *ctx, struct secure *c, struct str bytes)
{
	struct tls_sender *s = ctx;

	s->listener->bytes += bytes.n;
	buf_add(&s->held, bytes);
	if (!buf_ok(&s->held) || drain(s) < 0) {
		s->listener->cut++;
		sender_close(s);
		return;
	}
	if (s->held.n) {
		secure_pause(c, true);
		poll_want(s->poll, WANT_READ | WANT_WRITE);
	}
}

static void
on_end(void *ctx, struct secure *c, const char *why, bool in_order)
{
	struct tls_sender *s = ctx;

	(void)c;
	s->secure = NULL;
	if (s->out < 0) {
		/* on_ready has its own words for who was proved and is not wanted. */
		if (s->since_us)
			count_refusal(s->listener, s->address, why);
		sender_close(s);
		return;
	}
	/* Cut off inside a session: what came last may lack its end, and the sender does not know. */
	s->listener->cut += !in_order;
	if (s->held.n == 0)
		sender_close(s);
}

/* Who it is. */

static bool
name_matches(struct str wanted, struct str name)
{
	size_t dot = str_find_byte(name, '.');

	if (!str_starts(wanted, STR("*.")))
		return str_eq_nocase(wanted, name);
	return dot > 0 && dot < name.n && str_eq_nocase(str_from(wanted, 1), str_from(name, dot));
}

/* The first name of the certificate that is wanted; without a list, the first. */
static bool
proved_name(const struct link_listener *l, const struct tls *t, char dst[TLS_NAME_MAX])
{
	const struct conf_strs *senders = &l->conf->senders;

	for (unsigned i = 0; tls_peer_name(t, i, dst) == 0; i++) {
		if (senders->n == 0)
			return true;
		for (uint32_t k = 0; k < senders->n; k++)
			if (name_matches(senders->v[k], str_z(dst)))
				return true;
	}
	return false;
}

/* The name that its certificate has in the configuration, or NULL. */
static const struct conf_sender *
pinned_sender(const struct link_listener *l, const uint8_t fingerprint[CONF_FINGERPRINT_BYTES])
{
	for (uint32_t i = 0; i < l->conf->npinned; i++)
		if (memcmp(l->pinned[i], fingerprint, CONF_FINGERPRINT_BYTES) == 0)
			return &l->conf->pinned[i];
	return NULL;
}

/* Who it is: true and the name; else why it may not come, with what the operator would have to write if it should. */
static bool
identify(const struct link_listener *l, const struct tls *t, char name[TLS_NAME_MAX], char why[160])
{
	char text[CONF_FINGERPRINT_TEXT];
	uint8_t fingerprint[CONF_FINGERPRINT_BYTES];

	if (tls_peer_fingerprint(t, fingerprint) < 0) {
		snprintf(why, 160, "it showed no certificate");
		return false;
	}
	const struct conf_sender *s = pinned_sender(l, fingerprint);
	if (s) {
		snprintf(name, TLS_NAME_MAX, "%.*s", STR_FMT(s->name));
		return true;
	}
	if (l->conf->authority.n && tls_peer_proved(t)) {
		snprintf(why, 160, "its certificate is good, but has no name that `senders` lists");
		return proved_name(l, t, name);
	}
	conf_fingerprint_show(fingerprint, text);
	snprintf(why, 160, "no `sender` has its certificate %s", text);
	return false;
}

static int
hand_over(struct tls_sender *s, const char *proved)
{
	struct link_listener *l = s->listener;
	struct buf name = BUF_INIT(1024);
	int pair[2], r;

	buf_addf(&name, "tls %s ", s->address);
	buf_add_escaped(&name, str_z(proved));
	r = l->owner->intake ? sock_pair(SOCK_STREAM, pair) : -ENOTCONN;
	if (r == 0) {
		struct msg m = { .type = MSG_client, .fd = pair[1],
			.client = { .listener = l->conf->name, .name = buf_str(&name) } };
		r = chan_send(l->owner->intake, &m);
		close(pair[1]);
		s->out = pair[0];
		if (r == 0)
			r = poll_open(l->owner->role->loop, s->out, WANT_READ, on_room, s, &s->poll);
		if (r < 0)
			fd_close(&s->out);
	}
	buf_free(&name);
	return r;
}

static bool
on_ready(void *ctx, struct secure *c)
{
	struct tls_sender *s = ctx;
	char name[TLS_NAME_MAX], why[160];

	if (identify(s->listener, secure_tls(c), name, why)) {
		if (hand_over(s, name) == 0) {
			s->listener->accepted++;
			return true;
		}
		snprintf(why, sizeof(why), "intaked does not run");
	}
	count_refusal(s->listener, s->address, why);
	/* Counted; on_end must not count it again. */
	s->since_us = 0;
	return false;
}

static void
add_sender(struct link_listener *l, int fd, const struct sockaddr_storage *from)
{
	struct tls_sender *s = calloc(1, sizeof(*s));
	struct secure_calls calls = { .ctx = s, .on_ready = on_ready, .on_bytes = on_bytes, .on_end = on_end };
	struct tls *tls = NULL;
	struct addr a;
	uint16_t port;
	char address[46] = "?";

	if (sock_addr_get(from, &a, &port) == 0)
		(void)addr_show(&a, address);
	if (!s || l->n >= l->conf->max_clients || tls_open(l->trust, TLS_ANSWERS, STR_NULL, &tls) < 0) {
		count_refusal(l, address, l->n >= l->conf->max_clients ? "max-clients are connected" : "there is no memory");
		free(s);
		close(fd);
		return;
	}
	*s = (struct tls_sender){ .listener = l, .out = -1, .held = BUF_INIT(HELD_MAX), .since_us = clock_mono_us() };
	memcpy(s->address, address, sizeof(address));
	if (secure_open(l->owner->role->loop, fd, tls, &calls, &s->secure) < 0) {
		count_refusal(l, address, "there is no memory");
		free(s);
		return;
	}
	s->next = l->first;
	s->link = &l->first;
	if (s->next)
		s->next->link = &s->next;
	l->first = s;
	l->n++;
}

static void
on_listener(void *ctx, int events)
{
	struct link_listener *l = ctx;
	struct sockaddr_storage from;
	int fd;

	(void)events;
	while ((fd = sock_accept(l->fd, &from)) >= 0)
		add_sender(l, fd, &from);
}

/* Listeners. */

static int
read_pinned(struct link_listener *x)
{
	int r = 0;

	x->pinned = calloc(x->conf->npinned + 1u, sizeof(*x->pinned));
	if (!x->pinned)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->conf->npinned && r == 0; i++)
		r = conf_fingerprint_read(x->conf->pinned[i].fingerprint, x->pinned[i]);
	return r;
}

static int
listener_open(struct linking *l, const struct conf_source *conf)
{
	struct link_listener *x = &l->listeners[l->nlisteners];
	struct tls_files files = { .certificate = conf->certificate.p, .key = conf->key.p,
		.authority = conf->authority.n ? conf->authority.p : NULL, .pinned = conf->npinned > 0 };
	struct buf why = BUF_INIT(4096);
	char text[64];

	*x = (struct link_listener){ .owner = l, .conf = conf, .fd = -1 };
	link_endpoint(&conf->listen, text);
	int r = read_pinned(x);
	if (r < 0)
		buf_addf(&why, "its senders cannot be remembered: %s", strerror(-r));
	if (r == 0)
		r = tls_trust_files(&files, &x->trust, &why);
	if (r == 0) {
		r = x->fd = sock_tcp_listen(str_z(text), 1024);
		if (r < 0)
			buf_addf(&why, "cannot listen: %s", strerror(-r));
	}
	if (r < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "%.*s: %s", STR_FMT(conf->name), buf_cstr(&why));
	else
		l->nlisteners++;
	if (r < 0) {
		tls_trust_free(x->trust);
		free(x->pinned);
	}
	buf_free(&why);
	return r < 0 ? r : 0;
}

int
link_tls_open(struct linking *l)
{
	const struct config *c = l->role->config;
	int r = 0;

	l->listeners = calloc(c->nsources + 1, sizeof(*l->listeners));
	if (!l->listeners)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nsources && r == 0; i++)
		if (c->sources[i].type == CONF_SOURCE_TLS)
			r = listener_open(l, &c->sources[i]);
	return r;
}

int
link_tls_begin(struct linking *l)
{
	int r = 0;

	for (uint32_t i = 0; i < l->nlisteners && r == 0; i++)
		r = poll_open(l->role->loop, l->listeners[i].fd, WANT_READ, on_listener, &l->listeners[i],
		    &l->listeners[i].poll);
	return r;
}

static void
tell_refusals(struct link_listener *l, int64_t now_us)
{
	if (l->refused == l->told || (l->told_us && now_us - l->told_us < TELL_US))
		return;
	log_say(&l->owner->role->log, LOG_LEVEL_WARNING, "%.*s: %llu senders were refused, the last: %s",
	    STR_FMT(l->conf->name), (unsigned long long)(l->refused - l->told), l->refused_why);
	l->told = l->refused;
	l->told_us = now_us;
}

void
link_tls_tend(struct linking *l, int64_t now_us)
{
	for (uint32_t i = 0; i < l->nlisteners; i++) {
		struct link_listener *x = &l->listeners[i];
		for (struct tls_sender *s = x->first, *next; s; s = next) {
			next = s->next;
			if (s->out >= 0 || now_us - s->since_us < LINK_SHAKE_US)
				continue;
			count_refusal(x, s->address, "it did not say who it is in time");
			sender_close(s);
		}
		tell_refusals(x, now_us);
	}
}

void
link_tls_close(struct linking *l)
{
	for (uint32_t i = 0; i < l->nlisteners; i++) {
		struct link_listener *x = &l->listeners[i];
		while (x->first)
			sender_close(x->first);
		poll_close(x->poll);
		fd_close(&x->fd);
		tls_trust_free(x->trust);
		free(x->pinned);
	}
	free(l->listeners);
	l->listeners = NULL;
	l->nlisteners = 0;
	chan_close(l->intake);
	l->intake = NULL;
}

static void
on_intake_msg(void *ctx, struct chan *c, struct msg *m)
{
	(void)ctx;
	(void)c;
	(void)m;
}

static void
on_intake_end(void *ctx, struct chan *c, int error)
{
	struct linking *l = ctx;

	(void)error;
	chan_close(c);
	l->intake = NULL;
}

void
link_tls_link(struct linking *l, int fd)
{
	struct chan_calls calls = { .ctx = l, .on_msg = on_intake_msg, .on_end = on_intake_end };

	chan_close(l->intake);
	l->intake = NULL;
	int r = chan_open(l->role->loop, fd, MSG_LINKD, MSG_INTAKED, &calls, &l->intake);
	if (r < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "cannot link to intaked: %s", strerror(-r));
}

void
link_tls_status(const struct linking *l, struct buf *json)
{
	buf_add(json, STR(",\"listeners\":["));
	for (uint32_t i = 0; i < l->nlisteners; i++) {
		const struct link_listener *x = &l->listeners[i];
		buf_add(json, i ? STR(",{\"name\":") : STR("{\"name\":"));
		buf_add_json(json, x->conf->name);
		buf_addf(json, ",\"connected\":%u,\"accepted\":%llu,\"refused\":%llu,\"cut\":%llu,\"bytes\":%llu", x->n,
		    (unsigned long long)x->accepted, (unsigned long long)x->refused, (unsigned long long)x->cut,
		    (unsigned long long)x->bytes);
		if (x->refused) {
			buf_add(json, STR(",\"refused_why\":"));
			buf_add_json(json, str_z(x->refused_why));
		}
		buf_add_byte(json, '}');
	}
	buf_add_byte(json, ']');
}
