/*
 * peek: the link to peekd: copies of packets go there, and what it finds becomes a mark of the connection. Must
 * never act on more than a mark: the rules say what it means.
 */
#include <errno.h>

#include "role/net/netd.h"
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

/* Into the list of suspects, or out of it; told again and again, because the kernel forgets. */
static void
take_suspect(struct netd *n, const struct msg_suspect *m)
{
	struct addr host;

	memcpy(host.b, m->host.p, sizeof(host.b));
	int set = n->policy->suspects[!addr_is_v4(&host)];
	if (set == POLICY_NO_SET)
		return;
	struct nft_element e = nft_key_addr(&host);
	const char *name = n->policy->sets[set].nft;
	int r = nft_del(n->nft, name, &e, 1);
	if (m->suspect && (r == 0 || r == -ENOENT))
		r = nft_add(n->nft, name, &e, 1);
	if (r < 0 && r != -ENOENT)
		(void)!netd_fault(n, r, "the list of file sharing suspects cannot be kept");
}

static void
take_mark(struct netd *n, const struct msg *m)
{
	struct conntrack_tuple t = { .protocol = m->mark.protocol, .sport = m->mark.sport, .dport = m->mark.dport };

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
on_peek(void *ctx, struct chan *c, struct msg *m)
{
	struct netd *n = ctx;
	bool mark = m->type == MSG_mark;

	(void)c;
	if (mark ? m->mark.src.n != 16 || m->mark.dst.n != 16 : m->suspect.host.n != 16) {
		log_say(n->log, LOG_LEVEL_ERROR, "peekd named no address");
		role_end(n->role, 1);
		return;
	}
	if (mark)
		take_mark(n, m);
	else
		take_suspect(n, &m->suspect);
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
