/*
 * l2tpd: the VPN: L2TP over UDP on one side, network interfaces on the other, all calls in one process. Must never write a
 * password to a log, nor hold up a tunnel for a name that is looked up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "console/config_file.h"
#include "gate/ipsec.h"
#include "role/vpn/l2tpd.h"
#include "sys/clock.h"
#include "sys/xfrm.h"

/*
 * Two clients of the same make behind one address have all but the association in common: the kernel tells us by which a
 * packet came, and is told by which to answer. The policy of a socket cannot choose so; a guard of the port stands for it.
 */
static int
guard(struct tunnelling *t)
{
	int r = udp_use_marks(t->udp);

	t->guard_fd = r == 0 ? xfrm_open() : -1;
	if (r == 0 && t->guard_fd < 0)
		r = t->guard_fd;
	if (r == 0)
		r = xfrm_guard_port(t->guard_fd, udp_port(t->udp), true);
	return r < 0 ? r : xfrm_socket_only_in(udp_fd(t->udp), IPSEC_REQID);
}

static int
require(struct tunnelling *t)
{
	if (t->role->config->vpn.server && xfrm_tells_marks())
		return guard(t);
	return xfrm_socket_only(udp_fd(t->udp), IPSEC_REQID);
}

/* Asked for and not to be had: with `require` there is no VPN then, for it would be one in plain text. */
static int
protect(struct tunnelling *t)
{
	const struct conf_ipsec *c = t->role->config->vpn.ipsec;

	if (c == NULL)
		return 0;
	bool able = xfrm_available((uint32_t)random_u64());
	if (c->mode == CONF_IPSEC_PREFER) {
		if (!able)
			log_say(&t->role->log, LOG_LEVEL_WARNING, "this kernel has no ESP: the tunnels are not protected by IPsec");
		else if (t->role->config->vpn.server && xfrm_tells_marks())
			return udp_use_marks(t->udp);
		return 0;
	}
	int r = able ? require(t) : -EOPNOTSUPP;
	if (r < 0)
		log_say(&t->role->log, LOG_LEVEL_ERROR, "`ipsec require` cannot be kept: %s; no tunnel comes up in plain text",
		    r == -EOPNOTSUPP ? "this kernel has no ESP (modprobe esp4)" : strerror(-r));
	return r;
}

static int
open_socket(struct tunnelling *t)
{
	const struct config *c = t->role->config;
	const struct conf_vpn_server *s = c->vpn.server;
	/* A socket's policy is of one family (above): protected tunnels are IPv4. */
	bool only = c->vpn.ipsec && c->vpn.ipsec->mode == CONF_IPSEC_REQUIRE;
	struct addr none = { .b = { 0 } };
	if (only)
		none.b[10] = none.b[11] = 0xff;
	/* A filial alone leaves the port to the kernel: many may stand behind one address. */
	int r = udp_open(s && !s->listen.any ? &s->listen.addr : &none, !only && (!s || s->listen.any), s ? s->listen.port : 0, &t->udp);

	if (r < 0) {
		log_say(&t->role->log, LOG_LEVEL_ERROR, "cannot listen for L2TP on port %u: %s%s", s ? s->listen.port : 0,
		    strerror(-r), r == -EADDRINUSE ? "; another L2TP program may be running, such as xl2tpd" : "");
		return r;
	}
	return protect(t);
}

static int
prepare(void *ctx, struct role *r)
{
	struct tunnelling *t = ctx;
	const struct conf_vpn *v = &r->config->vpn;

	t->role = r;
	t->link_fd = t->logins = t->failures = t->guard_fd = -1;
	if (r->check_only)
		return 0;
	if (v->server == NULL && v->nheadquarters == 0) {
		log_say(&r->log, LOG_LEVEL_ERROR, "the configuration has no VPN; example: l2tp server { address 10.9.0.1; }");
		return -EINVAL;
	}
	int e = open_socket(t);
	if (e == 0)
		e = tunnelling_setup(t);
	if (e == 0)
		tunnelling_records_open(t);
	return e < 0 ? e : tunnelling_radius_setup(t);
}

/* Hooks. */

static void
hook_send(void *ctx, const struct l2tp_peer *to, struct str datagram)
{
	tunnelling_send(ctx, to, datagram);
}

static uint64_t
hook_random(void *ctx)
{
	struct tunnelling *t = ctx;

	if (t->nrandom == 0)
		for (; t->nrandom < ARRAY_LEN(t->random); t->nrandom++)
			t->random[t->nrandom] = random_u64();
	return t->random[--t->nrandom];
}

/* What a stranger may choose, his name, stands last: it cannot pass for his address. rules/70-vpn.rules reads these lines. */
static void
hook_up(void *ctx, struct vpn_call *c)
{
	struct tunnelling *t = ctx;
	struct buf inner = BUF_INIT(64);
	char outer[46];

	tunnelling_call_up(t, c);
	tunnelling_radius_up(t, c);
	tunnelling_lists_tell(t, c, true);
	tunnelling_records_up(t, c);
	tunnelling_release(&t->ends[c->tun]);
	addr_show(&c->session->tunnel->peer.addr, outer);
	tunnelling_show_v4(c->link.remote, &inner);
	log_say(&t->role->log, LOG_LEVEL_INFO, "vpn.up from=%s address=%s interface=%s encoding=\"%s\" name=\"%.*s\"",
	    outer, buf_cstr(&inner), t->ends[c->tun].tun.name, ppp_link_encoding(&c->link), STR_FMT(vpn_call_name(c)));
	buf_free(&inner);
}

static void
hook_down(void *ctx, struct vpn_call *c, struct str why)
{
	struct tunnelling *t = ctx;
	char outer[46];

	addr_show(&c->session->tunnel->peer.addr, outer);
	log_say(&t->role->log, LOG_LEVEL_INFO, "%s from=%s in=%llu out=%llu why=\"%.*s\" name=\"%.*s\"",
	    c->up ? "vpn.down" : "vpn.refused", outer, (unsigned long long)c->in_bytes,
	    (unsigned long long)c->out_bytes, STR_FMT(why), STR_FMT(vpn_call_name(c)));
	tunnelling_radius_down(t, c);
	tunnelling_lists_tell(t, c, false);
	tunnelling_records_down(t, c);
	if (c->user && c->granted == NULL) {
		struct last_seen *seen = &t->seen[c->user - t->users];
		seen->at_us = clock_wall_us();
		snprintf(seen->why, sizeof(seen->why), "%.*s", STR_FMT(str_head(why, sizeof(seen->why) - 1)));
	}
	tunnelling_call_down(t, c);
}

static void
hook_up6(void *ctx, struct vpn_call *c, uint64_t was)
{
	struct tunnelling *t = ctx;
	struct addr a = address6(c->prefix ? c->prefix : LINK_LOCAL6, c->dial ? c->link.local_id : c->link.remote_id);
	char text[46];

	tunnelling_v6_up(t, c, was);
	addr_show(&a, text);
	log_say(&t->role->log, LOG_LEVEL_INFO, "vpn.up6 address=%s interface=%s name=\"%.*s\"", text, t->ends[c->tun].tun.name,
	    STR_FMT(vpn_call_name(c)));
}

static bool
hook_ask(void *ctx, struct vpn_call *c, const struct ppp_question *q)
{
	return tunnelling_radius_ask(ctx, c, q);
}

static void
hook_resolve(void *ctx, struct vpn_dial *d)
{
	tunnelling_resolve(ctx, d);
}

static void
hook_dial_failed(void *ctx, struct vpn_dial *d)
{
	struct tunnelling *t = ctx;

	log_say(&t->role->log, LOG_LEVEL_WARNING, "vpn.failed name=%.*s try=%llu why=\"%s\"", STR_FMT(d->host),
	    (unsigned long long)d->tries, d->last);
}

static const struct vpn_hooks hooks = {
	.send = hook_send, .random = hook_random, .up = hook_up, .up6 = hook_up6, .down = hook_down, .ask = hook_ask, .resolve = hook_resolve,
	.dial_failed = hook_dial_failed,
};

void
tunnelling_arm(struct tunnelling *t)
{
	int64_t due = vpn_due(&t->vpn), now = clock_mono_us();

	if (due == DUE_NEVER)
		timer_stop(t->timer);
	else
		timer_start(t->timer, due <= now ? 0 : (uint64_t)(due - now + 999) / 1000, 0);
}

static void
on_timer(void *ctx)
{
	struct tunnelling *t = ctx;

	vpn_tick(&t->vpn, clock_mono_us());
	tunnelling_flush(t);
	tunnelling_arm(t);
}

static int
begin(void *ctx, struct role *r)
{
	struct tunnelling *t = ctx;
	int e = vpn_open(&t->vpn, &hooks, t, r->config->vpn.server ? &t->server : NULL, t->dials,
	    r->config->vpn.nheadquarters);

	if (e == 0)
		e = timer_open(r->loop, on_timer, t, &t->timer);
	if (e == 0)
		e = poll_open(r->loop, udp_fd(t->udp), WANT_READ, tunnelling_on_udp, t, &t->udp_poll);
	if (e == 0)
		e = tunnelling_radius_begin(t);
	for (uint32_t i = 0; e == 0 && i < t->nends; i++)
		e = poll_open(r->loop, t->ends[i].tun.fd, WANT_READ, tunnelling_on_tun, &t->ends[i], &t->ends[i].poll);
	if (e < 0)
		return e;
	log_say(&r->log, LOG_LEVEL_INFO, "ready on port %u, %u interfaces, %u users, %u headquarters", udp_port(t->udp),
	    t->nends, t->server.nusers, r->config->vpn.nheadquarters);
	vpn_begin(&t->vpn, clock_mono_us());
	tunnelling_flush(t);
	tunnelling_arm(t);
	return 0;
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	if (peer == MSG_NETD)
		tunnelling_lists_link(ctx, fd);
	else
		close(fd);
}

static void
order(void *ctx, const struct msg_order *m)
{
	tunnelling_order(ctx, m);
}

static void
status(void *ctx, struct buf *json)
{
	tunnelling_status(ctx, json);
}

/* Every peer is told, so that it need not wait to find out; the answers are not waited for. */
static void
stop(void *ctx, uint32_t grace_ms)
{
	struct tunnelling *t = ctx;

	(void)grace_ms;
	t->stopping = true;
	vpn_stop(&t->vpn, clock_mono_us());
	tunnelling_flush(t);
	role_end(t->role, 0);
}

static void
finish(void *ctx)
{
	struct tunnelling *t = ctx;

	poll_close(t->udp_poll);
	for (uint32_t i = 0; i < t->nends; i++)
		poll_close(t->ends[i].poll);
	timer_close(t->timer);
	if (t->vpn.engine)
		vpn_free(&t->vpn);
	tunnelling_lists_close(t);
	tunnelling_radius_close(t);
	tunnelling_records_close(t);
	udp_close(t->udp);
	if (t->guard_fd >= 0) {
		if (xfrm_guard_port(t->guard_fd, t->role->config->vpn.server->listen.port, false) < 0)
			log_say(&t->role->log, LOG_LEVEL_WARNING, "UDP port %u stays closed to what is not protected by IPsec; to "
			    "open it: ip xfrm policy flush, or a new start", t->role->config->vpn.server->listen.port);
		close(t->guard_fd);
	}
	tunnelling_teardown(t);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.unseal = config_file_unseal, .prepare = prepare, .begin = begin, .link = on_link, .order = order, .status = status, .stop = stop, .finish = finish,
	};
	struct tunnelling *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return 1;
	int r = role_main(argc, argv, MSG_L2TPD, &calls, t);
	free(t);
	return r;
}
