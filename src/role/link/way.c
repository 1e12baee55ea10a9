/*
 * way: connections with other sites: dialled or answered, judged by the peer's key, kept awake,
 * given up. Must never hand a frame on that does not come from a peer of the configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/link/linkd.h"
#include "sys/clock.h"

bool
link_is_up(const struct link_peer *p)
{
	return p->way && p->way->greeted;
}

static void
note_state(struct link_peer *p, const char *why)
{
	p->since_s = clock_wall_us() / WHEN_SECOND;
	snprintf(p->why, sizeof(p->why), "%s", why);
}

static void
retry_later(struct link_peer *p)
{
	unsigned s = p->tries < 5 ? 1u << p->tries : LINK_DIAL_MAX_S;

	p->tries++;
	/* Spread, so that branches do not all come at once after the matriz was away. */
	p->dial_us = clock_mono_us() + (int64_t)s * WHEN_SECOND + (int64_t)(random_u64() % 1000) * 1000;
}

static void
forget(struct link_way *w, const char *why)
{
	struct link_peer *p = w->peer;
	struct linking *l = w->owner;

	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	if (!p)
		l->nstrangers--;
	if (p && p->way == w) {
		p->way = NULL;
		log_say(&l->role->log, LOG_LEVEL_WARNING, "site %.*s is not connected any more: %s",
		    STR_FMT(p->conf->name), why);
	}
	if (p && !p->way) {
		link_lines_ended(p);
		note_state(p, why);
		retry_later(p);
	}
	buf_free(&w->in);
	buf_free(&w->waiting);
	free(w);
}

void
link_drop(struct link_way *w, const char *why)
{
	struct secure *s = w->secure;

	forget(w, why);
	secure_close(s);
}

/* Frames. */

int
link_send(struct link_peer *p, const struct site_frame *f)
{
	struct buf out = BUF_INIT(2 * SITE_FRAME_MAX);

	if (!p->way)
		return -ENOTCONN;
	site_encode(f, &out);
	int r = buf_ok(&out) ? secure_send(p->way->secure, buf_str(&out)) : -EMSGSIZE;
	buf_free(&out);
	if (r == 0) {
		p->said_us = clock_mono_us();
		p->frames_out++;
	}
	return r;
}

static int
say_hello(struct link_way *w)
{
	struct linking *l = w->owner;
	struct site_frame f = { .type = SITE_hello, .hello = {
		.version = SITE_VERSION, .site = l->role->config->site,
		.witness = w->peer->conf->witness ? buf_str(&l->witness) : STR_NULL,
	} };

	return link_send(w->peer, &f);
}

static bool
hear_hello(struct link_way *w, const struct site_hello *f)
{
	struct link_peer *p = w->peer;

	if (w->greeted || f->version < 1)
		return false;
	w->greeted = true;
	p->tries = 0;
	p->connects++;
	snprintf(p->site, sizeof(p->site), "%.*s", STR_FMT(str_head(f->site, sizeof(p->site) - 1)));
	link_witness_hello(p, f->witness);
	note_state(p, "");
	log_say(&p->owner->role->log, LOG_LEVEL_INFO, "site %.*s is connected%s", STR_FMT(p->conf->name),
	    w->dialled ? "" : ", it dialled us");
	link_greet(p);
	return true;
}

static bool
hear(struct link_way *w, const struct site_frame *f)
{
	w->peer->frames_in++;
	if (f->type == SITE_hello)
		return hear_hello(w, &f->hello);
	return w->greeted && link_frame(w->peer, f);
}

/* Frames as far as they are whole, and as their receivers have room. */
static void
hear_all(struct link_way *w)
{
	struct site_frame f;
	size_t used, at = 0;
	int r = 0;

	while (!w->stalled && (r = site_decode(str_from(buf_str(&w->in), at), &f, &used)) == 1) {
		at += used;
		if (!hear(w, &f)) {
			r = -EBADMSG;
			break;
		}
		/* What was heard may have ended this way. */
		if (w->owner->stopping)
			break;
	}
	if (r < 0) {
		link_drop(w, "it sent what is no message");
		return;
	}
	memmove(w->in.p, w->in.p + at, w->in.n - at);
	w->in.n -= at;
}

static void
on_bytes(void *ctx, struct secure *s, struct str bytes)
{
	struct link_way *w = ctx;

	(void)s;
	buf_add(&w->in, bytes);
	if (buf_ok(&w->in))
		hear_all(w);
	else
		link_drop(w, "it sent more than was asked for");
}

void
link_way_go_on(struct link_way *w)
{
	hear_all(w);
}

static void
on_end(void *ctx, struct secure *s, const char *why, bool in_order)
{
	struct link_way *w = ctx;
	struct linking *l = w->owner;

	(void)s;
	(void)in_order;
	if (!w->peer) {
		l->refused++;
		snprintf(l->refused_why, sizeof(l->refused_why), "%s", why);
	}
	forget(w, why);
}

/* Who it is. */

static struct link_peer *
peer_of(struct linking *l, const struct tls *t)
{
	uint8_t key[TLS_KEY_BYTES];

	if (tls_peer_key(t, key) < 0)
		return NULL;
	for (uint32_t i = 0; i < l->npeers; i++)
		if (memcmp(l->peers[i].key, key, sizeof(key)) == 0)
			return &l->peers[i];
	return NULL;
}

/*
 * Both dialled at once: each end must drop the same one. The way that the site with the smaller key
 * dialled stays; of two in the same direction the newer one, since the older is then dead.
 */
static bool
outweighs(const struct link_way *new, const struct link_way *old)
{
	const struct link_peer *p = old->peer;
	bool smaller = memcmp(p->owner->key, p->key, TLS_KEY_BYTES) < 0;

	return new->dialled == old->dialled || new->dialled == smaller;
}

static bool
on_ready(void *ctx, struct secure *s)
{
	struct link_way *w = ctx, *old;
	struct link_peer *p = peer_of(w->owner, secure_tls(s));

	if (!p || (w->peer && w->peer != p))
		return false;
	if (!w->peer)
		w->owner->nstrangers--;
	w->peer = p;
	old = p->way != w ? p->way : NULL;
	if (old && !outweighs(w, old))
		return false;
	if (old) {
		p->way = w;
		link_drop(old, "a newer connection takes its place");
	}
	p->way = w;
	return say_hello(w) == 0;
}

static struct link_way *
way_new(struct linking *l, struct link_peer *p, int fd)
{
	static const struct secure_calls none = { 0 };
	struct secure_calls calls = none;
	struct link_way *w = calloc(1, sizeof(*w));
	struct tls *tls = NULL;

	calls.on_ready = on_ready;
	calls.on_bytes = on_bytes;
	calls.on_end = on_end;
	calls.ctx = w;
	if (!w || tls_open(l->trust, p ? TLS_DIALS : TLS_ANSWERS, STR_NULL, &tls) < 0) {
		free(w);
		close(fd);
		return NULL;
	}
	*w = (struct link_way){ .owner = l, .peer = p, .dialled = p != NULL, .since_us = clock_mono_us(),
		.in = BUF_INIT(8 * SITE_FRAME_MAX) };
	if (secure_open(l->role->loop, fd, tls, &calls, &w->secure) < 0) {
		free(w);
		return NULL;
	}
	w->next = l->ways;
	w->link = &l->ways;
	if (w->next)
		w->next->link = &w->next;
	l->ways = w;
	return w;
}

void
linking_accept(struct linking *l)
{
	struct sockaddr_storage from;
	int fd;

	while ((fd = sock_accept(l->listen_fd, &from)) >= 0) {
		if (l->nstrangers >= LINK_STRANGERS_MAX) {
			l->refused++;
			snprintf(l->refused_why, sizeof(l->refused_why), "too many came at once");
			close(fd);
		} else if (way_new(l, NULL, fd)) {
			l->nstrangers++;
		}
	}
}

void
link_dial_to(struct link_peer *p, const struct sockaddr_storage *to, const char *why)
{
	int fd = to ? secure_dial(to) : -1;

	if (p->way)
		return;
	if (!to || fd < 0 || !way_new(p->owner, p, fd)) {
		note_state(p, !to ? why : fd < 0 ? strerror(-fd) : "there is no memory");
		retry_later(p);
		return;
	}
	/* Until that one has come to an end, no other is tried. */
	p->dial_us = INT64_MAX;
}

static void
tend_way(struct link_way *w, int64_t now_us)
{
	struct link_peer *p = w->peer;

	if (!secure_is_ready(w->secure) || !w->greeted) {
		if (now_us - w->since_us > (secure_is_connected(w->secure) ? LINK_SHAKE_US : LINK_CONNECT_US)) {
			if (!p) {
				w->owner->refused++;
				snprintf(w->owner->refused_why, sizeof(w->owner->refused_why), "it did not say who it is in time");
			}
			link_drop(w, "it did not answer in time");
		}
		return;
	}
	/* Who is not listened to cannot be heard. */
	if (!w->stalled && now_us - secure_heard_us(w->secure) > LINK_DEAD_US) {
		link_drop(w, "nothing was heard for 15 seconds");
		return;
	}
	struct site_frame f = { .type = SITE_alive, .alive.count = (uint32_t)p->frames_in };
	if (now_us - p->said_us >= LINK_ALIVE_US && link_send(p, &f) < 0)
		link_drop(w, "it does not take what is sent");
}

void
linking_tend(struct linking *l, int64_t now_us)
{
	for (struct link_way *w = l->ways, *next; w; w = next) {
		next = w->next;
		tend_way(w, now_us);
	}
	for (uint32_t i = 0; i < l->npeers; i++) {
		struct link_peer *p = &l->peers[i];
		link_witness_tend(p, now_us);
		if (p->conf->at.n && !p->way && !p->looking_up && p->dial_us <= now_us)
			link_dial(p);
	}
}

void
linking_drop_ways(struct linking *l)
{
	while (l->ways)
		link_drop(l->ways, "we stop");
}
