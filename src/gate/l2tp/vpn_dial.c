/*
 * vpn_dial: a filial dials by itself, as soon as it runs and whenever the line comes back; or, where it is said so, as
 * soon as a packet wants to go there. The wait between tries doubles, with chance in it, so that many filiais do not return
 * in step. The name is looked up anew each time.
 */
#include "gate/l2tp/vpn_dial.h"

#include <stdio.h>

#define FIRST_WAIT_US 500000
#define LAST_WAIT_US 20000000
#define PATIENCE_US 50000000           /* of one try */

/* The node was put into the heap when the VPN was opened: it has its place. */
static void
wake(struct vpn_dial *d, int64_t due_us)
{
	(void)!due_set(&d->vpn->due, &d->due, due_us);
}

static void
wait(struct vpn_dial *d)
{
	int64_t wait = d->wait_us ? d->wait_us : FIRST_WAIT_US;
	uint64_t chance = d->vpn->hooks->random(d->vpn->ctx) % (uint64_t)(wait / 4 + 1);

	d->state = VPN_WAITING;
	d->tunnel = NULL;
	d->wait_us = wait * 2 > LAST_WAIT_US ? LAST_WAIT_US : wait * 2;
	wake(d, d->vpn->now_us + wait - (int64_t)chance);
}

static void
say(struct vpn_dial *d, const char *why)
{
	if (!d->told)
		snprintf(d->last, sizeof(d->last), "%s", why);
	d->told = true;
}

void
vpn_dial_failed(struct vpn_dial *d, int64_t now_us, const char *why)
{
	d->vpn->now_us = now_us;
	say(d, why);
	wait(d);
	d->vpn->hooks->dial_failed(d->vpn->ctx, d);
}

void
vpn_dial_to(struct vpn_dial *d, int64_t now_us, const struct l2tp_peer *to)
{
	d->vpn->now_us = now_us;
	if (d->state != VPN_RESOLVING)
		return;
	d->state = VPN_DIALLING;
	wake(d, now_us + PATIENCE_US);
	struct l2tp_tunnel *t = l2tp_dial(d->vpn->engine, now_us, to, &d->terms, d);
	if (t == NULL)
		vpn_dial_failed(d, now_us, "out of memory");
	else if (d->state == VPN_DIALLING)
		d->tunnel = t;
}

void
vpn_dial_up(struct vpn_dial *d)
{
	d->state = VPN_UP;
	d->wait_us = 0;
	d->ups++;
	d->told = false;
	d->last[0] = '\0';
	/* Nothing is to be done while it is up; the node keeps its place. */
	wake(d, DUE_NEVER - 1);
}

/* The words of the call are kept: those of the tunnel, which goes down with it, say less. */
void
vpn_dial_down(struct vpn_dial *d, const char *why, bool left)
{
	say(d, why);
	d->left = left;
	d->call = NULL;
}

void
vpn_dial_lost(struct vpn_dial *d, const char *why, bool silent)
{
	say(d, why);
	/* Who does not answer was waited for already; who refuses us would refuse us again at once. */
	if (silent)
		d->wait_us = 0;
	wait(d);
	if (!d->left)
		d->vpn->hooks->dial_failed(d->vpn->ctx, d);
}

/* What is meant for everybody on a link asks for nobody. */
static bool
is_for_one(struct str packet)
{
	const uint8_t *p = (const uint8_t *)packet.p;

	if (packet.n >= 40 && p[0] >> 4 == 6)
		return p[24] != 0xff && !(p[24] == 0xfe && (p[25] & 0xc0) == 0x80);
	return packet.n >= 20 && p[0] >> 4 == 4 && p[16] < 224;
}

bool
vpn_want(struct vpn_dial *d, int64_t now_us, struct str packet)
{
	d->vpn->now_us = now_us;
	if (d->limits.idle_us == 0 || d->state == VPN_UP || !is_for_one(packet))
		return false;
	d->wanted = true;
	if (d->state == VPN_RESTING)
		wake(d, now_us);
	return true;
}

void
vpn_redial(struct vpn_dial *d, int64_t now_us)
{
	d->vpn->now_us = now_us;
	d->wait_us = 0;
	d->wanted = true;
	if (d->state <= VPN_WAITING)
		wake(d, now_us);
	else if (d->tunnel)
		l2tp_tunnel_close(d->tunnel, now_us, L2TP_STOP_CLEAR, 0, STR_NULL);
}

static void
start(struct vpn_dial *d)
{
	d->state = VPN_RESOLVING;
	d->tries++;
	d->told = d->left = d->wanted = false;
	wake(d, d->vpn->now_us + PATIENCE_US);
	d->vpn->hooks->resolve(d->vpn->ctx, d);
}

void
vpn_dial_tick(struct vpn_dial *d)
{
	switch ((enum vpn_dial_state)d->state) {
	case VPN_RESTING: case VPN_WAITING:
		if (d->wanted || d->limits.idle_us == 0) {
			start(d);
			break;
		}
		d->state = VPN_RESTING;
		d->wait_us = 0;
		wake(d, DUE_NEVER - 1);
		break;
	case VPN_RESOLVING:
		vpn_dial_failed(d, d->vpn->now_us, "the name could not be looked up in time");
		break;
	case VPN_DIALLING:
		say(d, "it took too long");
		l2tp_tunnel_close(d->tunnel, d->vpn->now_us, L2TP_STOP_CLEAR, 0, STR_NULL);
		break;
	case VPN_UP:
		wake(d, DUE_NEVER - 1);
		break;
	}
}
