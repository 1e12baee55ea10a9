/*
 * gate: what the packet filter hands over (NFLOG) becomes lines of the form that netfilter
 * itself writes, without the kernel's log between: it can neither be flooded nor forged by others.
 * The socket comes bound; here there is no right to bind one.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/policy/policy.h"
#include "role/intake/intake.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/nflog.h"
#include "wire/packet.h"

#define READS_A_TURN 64                /* so that other sources get their turn under a flood */

/* The name of an interface by its index; ioctl on any socket. */
static void
say_interface(const struct intake_source *s, const char *key, uint32_t index, struct buf *out)
{
	struct ifreq r = { .ifr_ifindex = (int)index };

	buf_addf(out, "%s=", key);
	if (index && ioctl(s->fd, SIOCGIFNAME, &r) == 0)
		buf_addf(out, "%.*s", IFNAMSIZ, r.ifr_name);
	else if (index)
		buf_addf(out, "%u", index);
	buf_add_byte(out, ' ');
}

/* "g:0123456789abcdef zone": which rule, and of which word. */
static void
say_rule(struct str prefix, struct buf *out)
{
	struct str id = str_head(str_from(prefix, 2), 16), word = str_from(prefix, 19);
	bool passes = str_eq(word, STR("allow")) || str_eq(word, STR("count")) ||
	    str_eq(word, STR("forward"));

	buf_addf(out, "guarita %.*s %s %.*s ", STR_FMT(word), passes ? "ACCEPT" : "DENY", STR_FMT(id));
}

static void
on_packet(void *ctx, const struct nflog_packet *n)
{
	struct intake_source *s = ctx;
	struct buf line = BUF_INIT(2048);
	struct packet p;

	if (!str_starts(n->prefix, STR("g:")) || packet_parse(n->payload, &p) < 0) {
		s->broken++;
		return;
	}
	say_rule(n->prefix, &line);
	say_interface(s, "IN", n->in, &line);
	say_interface(s, "OUT", n->out, &line);
	packet_say(&p, &line);
	if (buf_ok(&line))
		feed_line(s->in->feed, s->feed, clock_wall_us(), buf_str(&line), false);
	buf_free(&line);
}

static void
on_readable(void *ctx, int events)
{
	struct intake_source *s = ctx;
	int r = 1;

	(void)events;
	for (int i = 0; i < READS_A_TURN && (r > 0 || r == -ENOBUFS); i++)
		r = nflog_read(s->fd, s->in->stream, INTAKE_READ_BYTES, on_packet, s);
	intake_took(s);
	intake_flush(s->in);
}

static int
open_socket(struct intake_source *s)
{
	struct role *r = s->in->role;
	struct buf key = BUF_INIT(256);
	int e = intake_socket_key(s->conf, &key);

	for (size_t i = 0; i < r->nsockets && e == 0 && s->fd < 0; i++)
		if (str_eq(r->sockets[i].key, buf_str(&key)))
			s->fd = r->sockets[i].fd;
	if (e == 0 && s->fd < 0)
		e = s->fd = intake_socket_open(s->conf);
	if (e < 0)
		log_say(&r->log, LOG_LEVEL_ERROR, "cannot receive what the packet filter hands over: %s; "
		    "`gateway { log no; }` does without", strerror(-e));
	buf_free(&key);
	return e < 0 ? e : 0;
}

static int
start(struct intake_source *s)
{
	struct entry_source decl = { .kind = ENTRY_KIND_NET, .name = s->conf->name,
		.program = STR("kernel"), .host = str_z(s->in->host), .anchor_us = WHEN_NONE };

	s->feed = feed_source_new(s->in->feed, &decl);
	return s->feed ? poll_open(s->in->role->loop, s->fd, WANT_READ, on_readable, s, &s->poll)
		       : -ENOMEM;
}

static void
close_socket(struct intake_source *s)
{
	poll_close(s->poll);
	s->poll = NULL;
	fd_close(&s->fd);
}

/* What the kernel could not hand over because we were slow. */
static void
tick(struct intake_source *s, int64_t now_mono_us)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t n = sizeof(info);

	(void)now_mono_us;
	if (s->fd < 0 || getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &n) < 0 ||
	    n <= SK_MEMINFO_DROPS * sizeof(info[0]))
		return;
	s->dropped += (uint32_t)(info[SK_MEMINFO_DROPS] - s->dropped_mark);
	s->dropped_mark = info[SK_MEMINFO_DROPS];
}

const struct intake_ops intake_gate_ops = {
	.open = open_socket, .start = start, .close = close_socket, .tick = tick,
};
