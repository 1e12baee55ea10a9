/*
 * watch_guard: asks netd to keep out whom a response bans. Without a gate there is nobody to ask:
 * then the list of what was asked for is all there is. Must never lose a ban in silence.
 */
#include <errno.h>
#include <stdlib.h>

#include "role/watching.h"

#define WAITING_MAX 4096

struct waiting_ban {
	struct waiting_ban *next;
	struct ban_request request;    /* its texts lie behind it */
	char texts[];
};

static int
send_block(struct watching *w, const struct ban_request *b)
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
	return w->guard && chan_state(w->guard) == MSG_OPEN ? chan_send(w->guard, &m) : -ENOTCONN;
}

/* Until netd is there, or again, bans wait; not without number. */
static int
keep(struct watching *w, const struct ban_request *b)
{
	struct waiting_ban *x = w->nguard_waiting < WAITING_MAX ?
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
	if (!w->guard_last)
		w->guard_last = &w->guard_waiting;
	*w->guard_last = x;
	w->guard_last = &x->next;
	w->nguard_waiting++;
	return 0;
}

void
guarding_ban(struct watching *w, const struct ban_request *b)
{
	if (!conf_has_gate(&w->role->config->gate))
		return;
	int r = send_block(w, b);
	if (r == -ENOTCONN)
		r = keep(w, b);
	if (r < 0) {
		w->actions_lost++;
		log_say(&w->role->log, LOG_LEVEL_ERROR, "a ban for incident %llu was not carried out: %s",
		    (unsigned long long)b->incident, strerror(-r));
	}
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

static void
on_guard(void *ctx, struct chan *c, struct msg *m)
{
	struct watching *w = ctx;

	(void)c;
	if (m->type == MSG_pardon) {
		take_pardon(w, &m->pardon);
		return;
	}
	while (w->guard_waiting) {
		struct waiting_ban *x = w->guard_waiting;
		if (send_block(w, &x->request) < 0)
			return;
		w->guard_waiting = x->next;
		if (!w->guard_waiting)
			w->guard_last = NULL;
		w->nguard_waiting--;
		free(x);
	}
}

static void
on_guard_end(void *ctx, struct chan *c, int error)
{
	struct watching *w = ctx;

	if (error == -EBADMSG)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "netd sent a message that is none");
	chan_close(c);
	w->guard = NULL;
	if (error == -EBADMSG)
		role_end(w->role, 1);
}

void
guarding_link(struct watching *w, int fd)
{
	struct chan_calls calls = { .ctx = w, .on_msg = on_guard, .on_end = on_guard_end };

	chan_close(w->guard);
	w->guard = NULL;
	int r = chan_open(w->role->loop, fd, MSG_WATCHD, MSG_NETD, &calls, &w->guard);
	if (r < 0)
		log_say(&w->role->log, LOG_LEVEL_ERROR, "cannot link to netd: %s", strerror(-r));
}

void
guarding_end(struct watching *w)
{
	while (w->guard_waiting) {
		struct waiting_ban *x = w->guard_waiting;
		w->guard_waiting = x->next;
		free(x);
	}
	chan_close(w->guard);
	w->guard = NULL;
}
