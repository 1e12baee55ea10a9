/*
 * guard: asks netd to keep out whom a response bans, and linkd to tell the other sites. Without
 * a gate and other sites there is nobody to ask: then the list of what was asked for is all there is.
 * Must never lose a ban in silence.
 */
#include <errno.h>
#include <stdlib.h>

#include "role/watch/watchd.h"

#define WAITING_MAX 4096

struct waiting_ban {
	struct waiting_ban *next;
	struct ban_request request;    /* its texts lie behind it */
	char texts[];
};

static int
send_block(struct guard *g, const struct ban_request *b)
{
	struct msg m = { .type = MSG_block, .fd = -1, .block = {
		.net = str_of((const char *)b->net.net.b, 16), .bits = b->net.bits,
		.scope = (uint8_t)b->scope, .program = b->program,
		.seconds = (uint64_t)(b->duration_us / WHEN_SECOND), .times = b->times,
		.incident = b->incident, .reason = str_head(b->reason, 1000),
	} };

	/* A ban of less than a second is one of a second; 0 would be for ever. */
	if (b->duration_us && !m.block.seconds)
		m.block.seconds = 1;
	return g->chan && chan_state(g->chan) == MSG_OPEN ? chan_send(g->chan, &m) : -ENOTCONN;
}

/* Until it is there, or again, bans wait; not without number. */
static int
keep(struct guard *g, const struct ban_request *b)
{
	struct waiting_ban *x = g->n < WAITING_MAX ?
	    malloc(sizeof(*x) + b->program.n + b->reason.n) : NULL;

	if (!x)
		return -ENOBUFS;
	*x = (struct waiting_ban){ .request = *b };
	x->request.program = str_of(x->texts, b->program.n);
	x->request.reason = str_of(x->texts + b->program.n, b->reason.n);
	if (b->program.n)
		memcpy(x->texts, b->program.p, b->program.n);
	if (b->reason.n)
		memcpy(x->texts + b->program.n, b->reason.p, b->reason.n);
	if (!g->last)
		g->last = &g->first;
	*g->last = x;
	g->last = &x->next;
	g->n++;
	return 0;
}

static void
ask(struct watching *w, int who, const struct ban_request *b)
{
	struct guard *g = &w->guards[who];
	int r = send_block(g, b);

	if (r == -ENOTCONN)
		r = keep(g, b);
	if (r < 0) {
		w->actions_lost++;
		log_say(&w->role->log, LOG_LEVEL_ERROR, "a ban for incident %llu was not %s: %s",
		    (unsigned long long)b->incident, who == GUARD_NETD ? "carried out" : "told to other sites",
		    strerror(-r));
	}
}

void
guarding_ban(struct watching *w, const struct ban_request *b)
{
	if (conf_has_gate(&w->role->config->gate))
		ask(w, GUARD_NETD, b);
	if (w->role->config->sites.npeers)
		ask(w, GUARD_LINKD, b);
}

static void
take_pardon(struct watching *w, const struct msg_pardon *m)
{
	struct cidr net = { .bits = m->bits };

	if (m->net.n != sizeof(net.net.b) || !w->responder)
		return;
	memcpy(net.net.b, m->net.p, sizeof(net.net.b));
	responder_let_in(w->responder, &net);
}

static struct guard *
guard_of(struct watching *w, const struct chan *c)
{
	return &w->guards[chan_peer(c) == MSG_LINKD ? GUARD_LINKD : GUARD_NETD];
}

static void
on_guard(void *ctx, struct chan *c, struct msg *m)
{
	struct watching *w = ctx;
	struct guard *g = guard_of(w, c);

	if (m->type == MSG_pardon) {
		take_pardon(w, &m->pardon);
		return;
	}
	while (g->first) {
		struct waiting_ban *x = g->first;
		if (send_block(g, &x->request) < 0)
			return;
		g->first = x->next;
		if (!g->first)
			g->last = NULL;
		g->n--;
		free(x);
	}
}

static void
on_guard_end(void *ctx, struct chan *c, int error)
{
	struct watching *w = ctx;

	if (error == -EBADMSG)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "%s sent a message that is none",
		    msg_peer_name(chan_peer(c)));
	guard_of(w, c)->chan = NULL;
	chan_close(c);
	if (error == -EBADMSG)
		role_end(w->role, 1);
}

void
guarding_link(struct watching *w, enum msg_peer peer, int fd)
{
	struct chan_calls calls = { .ctx = w, .on_msg = on_guard, .on_end = on_guard_end };
	struct guard *g = &w->guards[peer == MSG_LINKD ? GUARD_LINKD : GUARD_NETD];

	chan_close(g->chan);
	g->chan = NULL;
	int r = chan_open(w->role->loop, fd, MSG_WATCHD, peer, &calls, &g->chan);
	if (r < 0)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot link to %s: %s", msg_peer_name(peer), strerror(-r));
}

void
guarding_end(struct watching *w)
{
	for (size_t i = 0; i < GUARDS; i++) {
		struct guard *g = &w->guards[i];
		while (g->first) {
			struct waiting_ban *x = g->first;
			g->first = x->next;
			free(x);
		}
		chan_close(g->chan);
		g->chan = NULL;
	}
}
