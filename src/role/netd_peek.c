/*
 * netd_peek: the link to peekd: copies of packets go there, and what it finds becomes a mark of the connection. Must
 * never act on more than a mark: the rules say what it means.
 */
#include <errno.h>

#include "role/netd.h"
#include "sys/file.h"
#include "sys/nflog.h"

#define SNAP 512
#define RECEIVE (4 << 20)

int
netd_peek_open(struct netd *n)
{
	n->samples = -1;
	if (!n->config->gate.p2p)
		return 0;
	n->samples = nflog_open(POLICY_SAMPLE_GROUP, SNAP, RECEIVE);
	return n->samples < 0 ? netd_fault(n, n->samples, "no copies of packets can be had") : 0;
}

void
netd_peek_close(struct netd *n)
{
	chan_close(n->peek);
	n->peek = NULL;
	fd_close(&n->samples);
}

static void
on_peek(void *ctx, struct chan *c, struct msg *m)
{
	struct netd *n = ctx;
	struct conntrack_tuple t = { .protocol = m->mark.protocol, .sport = m->mark.sport, .dport = m->mark.dport };

	(void)c;
	if (m->mark.src.n != 16 || m->mark.dst.n != 16) {
		log_say(n->log, LOG_LEVEL_ERROR, "peekd sent a mark for no address");
		role_end(n->role, 1);
		return;
	}
	memcpy(t.src.b, m->mark.src.p, 16);
	memcpy(t.dst.b, m->mark.dst.p, 16);
	if (n->config->gate.p2p->mode == CONF_P2P_OBSERVE)
		return;
	int r = conntrack_mark(n->ct, &t, m->mark.reply, POLICY_P2P_MARK, POLICY_P2P_MASK);
	/* It may be over already. */
	if (r == 0)
		n->marked++;
	else if (r != -ENOENT)
		(void)netd_fault(n, r, "a connection cannot be marked");
}

static void
on_peek_end(void *ctx, struct chan *c, int error)
{
	struct netd *n = ctx;

	if (error == -EBADMSG)
		log_say(n->log, LOG_LEVEL_ERROR, "peekd sent a message that is none");
	chan_close(c);
	n->peek = NULL;
}

void
netd_peek_link(struct netd *n, int fd)
{
	struct chan_calls calls = { .ctx = n, .on_msg = on_peek, .on_end = on_peek_end };
	struct msg m = { .type = MSG_samples, .fd = n->samples, .samples.snap = SNAP };

	chan_close(n->peek);
	n->peek = NULL;
	int r = chan_open(n->role->loop, fd, MSG_NETD, MSG_PEEKD, &calls, &n->peek);
	if (r == 0 && n->samples >= 0)
		r = chan_send(n->peek, &m);
	if (r < 0)
		log_say(n->log, LOG_LEVEL_ERROR, "cannot link to peekd: %s", strerror(-r));
}
