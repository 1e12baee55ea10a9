/*
 * ipsecd: the link to strongSwan, whose control socket belongs to root: the one thing that this process may reach with the
 * capability that it keeps. It touches no packet, and never holds up a tunnel: whether a packet is protected is the kernel's
 * word, on the socket of l2tpd.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console/config_file.h"
#include "gate/ipsec.h"
#include "role/role.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/sock.h"
#include "sys/xfrm.h"

#define KEY_MAX 65536
#define TICK_MS 1000

struct ipsecing {
	struct role *role;
	struct ipsec ipsec;
	struct buf key, in, out;
	bool marks;
	int fd;
	struct poll *poll;
	struct timer *tick;
	uint64_t connects;
	bool told_away;                /* that strongSwan is not there: once is enough */
};

static int
prepare(void *ctx, struct role *r)
{
	struct ipsecing *s = ctx;
	const struct conf_ipsec *c = r->config->vpn.ipsec;

	s->role = r;
	s->fd = -1;
	if (c == NULL) {
		log_say(&r->log, LOG_LEVEL_ERROR, "the configuration has no IPsec; example: ipsec require { secret \"long\"; }");
		return -EINVAL;
	}
	s->marks = xfrm_tells_marks();
	if (c->key.n == 0)
		return 0;
	int e = file_read(c->key.p, &s->key);
	if (e < 0)
		log_say(&r->log, LOG_LEVEL_ERROR, "cannot read the private key %s: %s", c->key.p, strerror(-e));
	return e;
}

static void
on_say(void *ctx, enum ipsec_say how, const char *sentence)
{
	struct ipsecing *s = ctx;

	log_say(&s->role->log, how == IPSEC_BAD ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "%s", sentence);
}

static void
hang_up(struct ipsecing *s, const char *why)
{
	if (s->fd < 0)
		return;
	log_say(&s->role->log, LOG_LEVEL_WARNING, "the link to strongSwan is lost: %s; trying again", why);
	poll_close(s->poll);
	s->poll = NULL;
	fd_close(&s->fd);
	s->ipsec.ready = false;
	buf_reset(&s->in);
	buf_reset(&s->out);
}

/* What the socket does not take now waits for it to be writable. */
static void
flush(struct ipsecing *s)
{
	while (s->fd >= 0 && s->out.n > 0) {
		ssize_t n = send(s->fd, s->out.p, s->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			hang_up(s, strerror(errno));
			return;
		}
		memmove(s->out.p, s->out.p + n, s->out.n - (size_t)n);
		s->out.n -= (size_t)n;
	}
	if (s->poll)
		poll_want(s->poll, s->out.n > 0 ? WANT_READ | WANT_WRITE : WANT_READ);
}

static int
take_packets(struct ipsecing *s)
{
	struct str packet;
	size_t used, at = 0;
	int e;

	while ((e = vici_cut(str_from(buf_str(&s->in), at), &packet, &used)) == 0) {
		e = ipsec_input(&s->ipsec, packet, &s->out);
		if (e < 0)
			return e;
		at += used;
	}
	memmove(s->in.p, s->in.p + at, s->in.n - at);
	s->in.n -= at;
	return e == -EAGAIN ? 0 : e;
}

static void
on_socket(void *ctx, int events)
{
	struct ipsecing *s = ctx;

	(void)events;
	if (!buf_reserve(&s->in, 4096)) {
		hang_up(s, "an answer is too long");
		return;
	}
	ssize_t n = recv(s->fd, s->in.p + s->in.n, s->in.size - s->in.n, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		hang_up(s, n == 0 ? "it was closed" : strerror(errno));
		return;
	}
	s->in.n += n > 0 ? (size_t)n : 0;
	if (take_packets(s) < 0) {
		hang_up(s, "an answer cannot be read");
		return;
	}
	flush(s);
}

static void
dial(struct ipsecing *s)
{
	const struct conf_ipsec *c = s->role->config->vpn.ipsec;
	int fd = sock_unix_connect(c->daemon.p, SOCK_STREAM);

	if (fd < 0 && s->told_away)
		return;
	if (fd < 0) {
		s->told_away = true;
		log_say(&s->role->log, LOG_LEVEL_WARNING, "strongSwan does not answer at %s (%s): %s; start it (charon-systemd, "
		    "or strongswan-starter with its vici plugin)", c->daemon.p, strerror(-fd),
		    c->mode == CONF_IPSEC_REQUIRE ? "no tunnel stands until it does" : "the tunnels are not protected");
		return;
	}
	if (poll_open(s->role->loop, fd, WANT_READ, on_socket, s, &s->poll) < 0) {
		close(fd);
		return;
	}
	s->fd = fd;
	s->told_away = false;
	s->connects++;
	ipsec_begin(&s->ipsec, &s->out);
	flush(s);
}

static void
on_tick(void *ctx)
{
	struct ipsecing *s = ctx;

	if (s->fd < 0)
		dial(s);
	else
		ipsec_tick(&s->ipsec, clock_mono_us(), &s->out);
	flush(s);
}

static int
begin(void *ctx, struct role *r)
{
	struct ipsecing *s = ctx;

	ipsec_open(&s->ipsec, &r->config->vpn, s->marks, buf_str(&s->key), on_say, s);
	int e = timer_open(r->loop, on_tick, s, &s->tick);
	if (e == 0)
		timer_start(s->tick, 0, TICK_MS);
	return e;
}

static void
status(void *ctx, struct buf *json)
{
	struct ipsecing *s = ctx;

	buf_addf(json, "\"connected\":%s,\"loaded\":%s,\"protected\":%u,\"refused\":%u,\"connects\":%llu,\"events\":%llu,\"version\":",
	    s->fd >= 0 ? "true" : "false", s->ipsec.ready ? "true" : "false", s->ipsec.up, s->ipsec.refused,
	    (unsigned long long)s->connects, (unsigned long long)s->ipsec.events);
	buf_add_json(json, str_z(s->ipsec.version));
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct ipsecing *s = ctx;

	(void)grace_ms;
	role_end(s->role, 0);
}

static void
finish(void *ctx)
{
	struct ipsecing *s = ctx;

	poll_close(s->poll);
	timer_close(s->tick);
	if (s->fd >= 0)
		close(s->fd);
	if (s->key.p)
		explicit_bzero(s->key.p, s->key.size);
	buf_free(&s->key);
	buf_free(&s->in);
	buf_free(&s->out);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.unseal = config_file_unseal, .prepare = prepare, .begin = begin, .status = status, .stop = stop, .finish = finish,
	};
	struct ipsecing *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return 1;
	s->fd = -1;
	s->key = BUF_INIT(KEY_MAX);
	s->in = BUF_INIT(VICI_PACKET_MAX + 8192);
	s->out = BUF_INIT(VICI_PACKET_MAX);
	int r = role_main(argc, argv, MSG_IPSECD, &calls, s);
	free(s);
	return r;
}
