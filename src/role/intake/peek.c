/*
 * peek: what peekd finds becomes records of ours, so that the watch sees file sharing as it sees everything else. peekd
 * reads foreign bytes: nothing of what it says but addresses and numbers gets into a line, and so many lines a second at most.
 */
#include <errno.h>

#include "gate/p2p/p2p.h"
#include "role/intake/intake.h"
#include "sys/clock.h"

#define EVENTS_A_SECOND 50

/* Who floods us with findings is counted, and told of once a second at most. */
static bool
has_room(struct intake *in)
{
	int64_t second = clock_mono_us() / 1000000;

	if (second != in->peek_second) {
		if (in->peek_left_out)
			intake_event(in, "log.gap lost=%llu", (unsigned long long)in->peek_left_out);
		in->peek_second = second;
		in->peek_events = 0;
		in->peek_left_out = 0;
	}
	if (in->peek_events == EVENTS_A_SECOND) {
		in->peek_left_out++;
		return false;
	}
	in->peek_events++;
	return true;
}

static bool
take_addr(struct str bytes, struct addr *ret)
{
	if (bytes.n != sizeof(ret->b))
		return false;
	memcpy(ret->b, bytes.p, sizeof(ret->b));
	return true;
}

static bool
is_own(const struct intake *in, const struct addr *a)
{
	const struct conf_cidrs *own = &in->role->config->own;

	for (uint32_t i = 0; i < own->n; i++)
		if (cidr_has(&own->v[i], a))
			return true;
	return false;
}

/* Blamed is the side of ours; between two strangers, or two of us, whose packet it was. */
static bool
tell_use(struct intake *in, const struct msg_mark *m)
{
	struct addr src, dst;
	char a[46], b[46];

	if (!take_addr(m->src, &src) || !take_addr(m->dst, &dst) || m->is == P2P_NONE || m->is >= P2P_CLASSES)
		return false;
	bool turn = !is_own(in, &src) && is_own(in, &dst);
	intake_event(in, "p2p.use src=%.*s src_port=%u dst=%.*s dst_port=%u proto=%s service=%s",
	    (int)addr_show(turn ? &dst : &src, a), a, turn ? m->dport : m->sport,
	    (int)addr_show(turn ? &src : &dst, b), b, turn ? m->sport : m->dport,
	    m->protocol == P2P_TCP ? "tcp" : "udp", p2p_name((enum p2p_class)m->is));
	return true;
}

static bool
tell_host(struct intake *in, const struct msg_suspect *m)
{
	struct addr host;
	char a[46];

	if (!take_addr(m->host, &host))
		return false;
	intake_event(in, "p2p.%s src=%.*s score=%u strangers=%u noise=%u flows=%u", m->suspect ? "suspect" : "calm",
	    (int)addr_show(&host, a), a, m->score, m->strangers, m->noise, m->flows);
	return true;
}

static void
on_peek(void *ctx, struct chan *c, struct msg *m)
{
	struct intake *in = ctx;

	(void)c;
	if (!has_room(in))
		return;
	if (!(m->type == MSG_mark ? tell_use(in, &m->mark) : tell_host(in, &m->suspect))) {
		log_say(&in->role->log, LOG_LEVEL_ERROR, "peekd told of something that is none of ours");
		return;
	}
	intake_flush(in);
}

static void
on_peek_end(void *ctx, struct chan *c, int error)
{
	struct intake *in = ctx;

	if (error == -EBADMSG)
		log_say(&in->role->log, LOG_LEVEL_ERROR, "peekd sent a message that is none");
	chan_close(c);
	in->peek = NULL;
}

int
intake_peek_link(struct intake *in, int fd)
{
	struct chan_calls calls = { .ctx = in, .on_msg = on_peek, .on_end = on_peek_end };

	chan_close(in->peek);
	in->peek = NULL;
	return chan_open(in->role->loop, fd, MSG_INTAKED, MSG_PEEKD, &calls, &in->peek);
}
