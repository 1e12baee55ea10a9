/*
 * peekd: looks at copies of the first packets of connections and tells netd which of them are file sharing. It reads the
 * most foreign bytes of all, so it may do nothing: no right, no file, no network; only the descriptor of the copies and the
 * link to netd. Packets never wait for it: what it does not see in time passes.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "gate/p2p/table.h"
#include "role/role.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/nflog.h"

#define BUFFER 65536
#define ROUNDS 64                      /* buffers read before others get their turn */

struct peek {
	struct role *role;
	struct chan *net, *intake;
	struct p2p_table *table;
	int samples;
	struct poll *poll;
	char *buffer;
	uint64_t packets, unreadable, overruns, marked, untold, unrecorded, suspects;
	uint64_t classes[P2P_CLASSES];
};

static int
prepare(void *ctx, struct role *r)
{
	struct peek *p = ctx;

	p->role = r;
	p->buffer = malloc(BUFFER);
	p->table = p2p_table_new(r->config->own, random_u64());
	return p->buffer && p->table ? 0 : -ENOMEM;
}

static void
tell(struct peek *p, const struct packet *packet, bool reply, enum p2p_class is)
{
	struct msg m = { .type = MSG_mark, .fd = -1, .mark = {
		.src = str_of((const char *)packet->src.b, 16), .dst = str_of((const char *)packet->dst.b, 16),
		.protocol = packet->protocol, .sport = packet->sport, .dport = packet->dport, .reply = reply,
		.is = (uint8_t)is,
	} };

	p->classes[is]++;
	if (p->intake)
		p->unrecorded += chan_send(p->intake, &m) < 0;
	if (p->net && chan_send(p->net, &m) == 0)
		p->marked++;
	else
		p->untold++;
}

static void
tell_host(struct peek *p, const struct p2p_finding *f)
{
	struct msg m = { .type = MSG_suspect, .fd = -1, .suspect = {
		.host = str_of((const char *)f->addr.b, 16), .suspect = f->host.suspect, .score = f->host.score,
		.strangers = f->host.peers, .noise = f->host.noise, .flows = f->host.flows,
	} };
	char text[46];

	if (p->net && chan_send(p->net, &m) < 0)
		p->untold++;
	/* The watch hears of a change only; netd must hear again, because it forgets. */
	if (!f->host.changed)
		return;
	if (p->intake)
		p->unrecorded += chan_send(p->intake, &m) < 0;
	text[addr_show(&f->addr, text)] = '\0';
	p->suspects += f->host.suspect;
	log_say(&p->role->log, LOG_LEVEL_WARNING, f->host.suspect ?
	    "%s behaves like a file sharing peer: score %u, about %u strangers, %u of %u connections begin with noise" :
	    "%s is calm again: score %u, about %u strangers, %u of %u connections begin with noise", text, f->host.score,
	    f->host.peers, f->host.noise, f->host.flows);
}

static void
on_packet(void *ctx, const struct nflog_packet *copy)
{
	struct peek *p = ctx;
	struct packet packet;
	bool reply = str_eq(copy->prefix, STR("r"));

	p->packets++;
	if (packet_parse(copy->payload, &packet) < 0) {
		p->unreadable++;
		return;
	}
	struct p2p_finding f = p2p_table_packet(p->table, &packet, reply, clock_mono_us());
	if (f.is != P2P_NONE)
		tell(p, &packet, reply, f.is);
	if (f.host.changed || f.host.still)
		tell_host(p, &f);
}

static void
on_samples(void *ctx, int events)
{
	struct peek *p = ctx;

	(void)events;
	for (int i = 0; i < ROUNDS; i++) {
		int n = nflog_read(p->samples, p->buffer, BUFFER, on_packet, p);
		if (n == -ENOBUFS)
			p->overruns++;
		else if (n <= 0)
			return;
	}
}

static void
close_samples(struct peek *p)
{
	poll_close(p->poll);
	p->poll = NULL;
	fd_close(&p->samples);
}

static void
on_net(void *ctx, struct chan *c, struct msg *m)
{
	struct peek *p = ctx;

	(void)c;
	close_samples(p);
	p->samples = m->fd;
	int e = m->fd < 0 ? -EBADMSG : poll_open(p->role->loop, p->samples, WANT_READ, on_samples, p, &p->poll);
	if (e < 0)
		log_say(&p->role->log, LOG_LEVEL_ERROR, "no copies of packets come from netd: %s", strerror(-e));
}

static void
on_net_end(void *ctx, struct chan *c, int error)
{
	struct peek *p = ctx;

	if (error == -EBADMSG)
		log_say(&p->role->log, LOG_LEVEL_ERROR, "netd sent a message that is none");
	chan_close(c);
	p->net = NULL;
	close_samples(p);
	if (error == -EBADMSG)
		role_end(p->role, 1);
}

static void
on_intake_end(void *ctx, struct chan *c, int error)
{
	struct peek *p = ctx;

	(void)error;
	chan_close(c);
	p->intake = NULL;
}

/* Nothing comes from there. */
static void
link_intake(struct peek *p, int fd)
{
	struct chan_calls calls = { .ctx = p, .on_end = on_intake_end };

	chan_close(p->intake);
	p->intake = NULL;
	int e = chan_open(p->role->loop, fd, MSG_PEEKD, MSG_INTAKED, &calls, &p->intake);
	if (e < 0)
		log_say(&p->role->log, LOG_LEVEL_ERROR, "cannot link to intaked: %s", strerror(-e));
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	struct peek *p = ctx;
	struct chan_calls calls = { .ctx = p, .on_msg = on_net, .on_end = on_net_end };

	if (peer == MSG_INTAKED) {
		link_intake(p, fd);
		return;
	}
	if (peer != MSG_NETD) {
		close(fd);
		return;
	}
	chan_close(p->net);
	p->net = NULL;
	int e = chan_open(p->role->loop, fd, MSG_PEEKD, MSG_NETD, &calls, &p->net);
	if (e < 0)
		log_say(&p->role->log, LOG_LEVEL_ERROR, "cannot link to netd: %s", strerror(-e));
}

static void
status(void *ctx, struct buf *json)
{
	const struct peek *p = ctx;

	buf_addf(json, "\"packets\":%llu,\"unreadable\":%llu,\"overruns\":%llu,\"marked\":%llu,\"untold\":%llu,"
	    "\"unrecorded\":%llu,\"suspects\":%llu",
	    (unsigned long long)p->packets, (unsigned long long)p->unreadable, (unsigned long long)p->overruns,
	    (unsigned long long)p->marked, (unsigned long long)p->untold, (unsigned long long)p->unrecorded,
	    (unsigned long long)p->suspects);
	for (int i = P2P_NONE + 1; i < P2P_CLASSES; i++)
		buf_addf(json, ",\"%s\":%llu", p2p_name((enum p2p_class)i), (unsigned long long)p->classes[i]);
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	(void)grace_ms;
	role_end(((struct peek *)ctx)->role, 0);
}

static void
finish(void *ctx)
{
	struct peek *p = ctx;

	close_samples(p);
	chan_close(p->net);
	chan_close(p->intake);
	p2p_table_free(p->table);
	free(p->buffer);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare,
		.link = on_link,
		.status = status,
		.stop = stop,
		.finish = finish,
	};
	struct peek p = { .samples = -1 };

	return role_main(argc, argv, MSG_PEEKD, &calls, &p);
}
