/*
 * netd: the only one that talks to the kernel's network configuration. To start it is to apply the
 * configuration; when it ends, whatever ends it, the kernel goes on as it was told. Must never read
 * a packet, nor touch what is not ours.
 *
 *   netd --config FILE --once      applies, and ends
 *   netd --config FILE --release   takes everything back that carries our mark, and ends
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "gate/service.h"
#include "role/net/netd.h"
#include "sys/clock.h"
#include "sys/file.h"

#define SETTLE_MS 50                   /* links come in flocks */
#define TICK_MS 10000

int
netd_fault(const struct netd *n, int error, const char *what)
{
	log_say(n->log, LOG_LEVEL_ERROR, "%s: %s%s", what, strerror(-error),
	    error == -EPERM ? "; it takes root, or CAP_NET_ADMIN" : "");
	return error;
}

static void
show_faults(const struct diags *d)
{
	struct buf out = BUF_INIT(1 << 20);

	diags_show(d, &out);
	fputs(buf_cstr(&out), stderr);
	buf_free(&out);
}

int
netd_open(struct netd *n, const struct config *c, struct diags *d, struct log *log)
{
	n->config = c;
	n->log = log;
	n->changes = n->journal = n->samples = -1;
	int r = policy_build(&n->arena, c, d, &n->policy);
	if (r < 0) {
		show_faults(d);
		return netd_fault(n, r, "the gate's part of the configuration cannot be used");
	}
	n->route_told = ARENA_ARRAY(&n->arena, bool, n->policy->nroutes + 1u);
	r = n->route_told ? rtnet_open(&n->net) : -ENOMEM;
	if (r == 0)
		r = nft_open("guarita", &n->nft);
	if (r == 0)
		r = conntrack_open(&n->ct);
	if (r == 0)
		r = n->changes = rtnet_watch();
	return r < 0 ? netd_fault(n, r, "cannot speak with the kernel") : 0;
}

void
netd_close(struct netd *n)
{
	netd_trace_end(n);
	netd_probes_end(n);
	netd_cuts_end(n);
	poll_close(n->changes_poll);
	timer_close(n->settle);
	timer_close(n->tick);
	fd_close(&n->changes);
	chan_close(n->watch);
	chan_close(n->sites);
	netd_peek_close(n);
	netd_members_close(n);
	netd_bans_close(n);
	conntrack_close(n->ct);
	nft_close(n->nft);
	rtnet_close(n->net);
	arena_free(&n->arena);
}

static int
prepare(void *ctx, struct role *r)
{
	struct netd *n = ctx;

	n->role = r;
	int e = netd_open(n, r->config, r->file.diags, &r->log);
	if (e == 0 && !r->check_only)
		e = netd_peek_open(n);
	return e < 0 || r->check_only ? e : netd_bans_open(n);
}

/* Rules first: nothing is passed on before there are any. */
static int
apply(struct netd *n)
{
	int r = netd_rules_apply(n, false);

	if (r == 0)
		r = netd_net_apply(n);
	if (r == 0 && n->changed)
		netd_cut_forbidden(n);
	return r;
}

static int
load(void *ctx, struct role *r)
{
	struct netd *n = ctx;

	return r->check_only ? netd_rules_apply(n, true) : apply(n);
}

static void
on_settle(void *ctx)
{
	(void)!netd_net_apply(ctx);
}

static void
on_changes(void *ctx, int events)
{
	struct netd *n = ctx;

	(void)events;
	if (rtnet_changed(n->changes) && !timer_active(n->settle))
		timer_start(n->settle, SETTLE_MS, 0);
}

static void
on_tick(void *ctx)
{
	netd_bans_tick(ctx);
	netd_members_tick(ctx);
}

static int
begin(void *ctx, struct role *r)
{
	struct netd *n = ctx;
	int e = netd_cuts_begin(n);

	if (e == 0)
		e = netd_bans_load(n);
	if (e == 0)
		e = netd_probes_begin(n);
	if (e == 0)
		e = timer_open(r->loop, on_settle, n, &n->settle);
	if (e == 0)
		e = timer_open(r->loop, on_tick, n, &n->tick);
	if (e == 0)
		e = poll_open(r->loop, n->changes, WANT_READ, on_changes, n, &n->changes_poll);
	if (e < 0)
		return e;
	timer_start(n->tick, TICK_MS, TICK_MS);
	log_say(n->log, LOG_LEVEL_INFO, "%u rules are in force, after %lld ms", n->policy->nrules,
	    (long long)(n->rules_us / 1000));
	return 0;
}

/* Bans that watchd asks for, and other sites through linkd. */

static int
ban_of(const struct netd *n, const struct msg_block *m, struct ban *ret)
{
	struct ban b = { .since_us = clock_wall_us(), .times = m->times, .incident = m->incident,
		.reason = m->reason };

	if (m->net.n != 16 || m->bits > 128 || m->seconds > 100ull * 366 * 86400)
		return -EBADMSG;
	memcpy(b.net.net.b, m->net.p, 16);
	b.net.bits = m->bits;
	b.until_us = m->seconds ? b.since_us + (int64_t)m->seconds * WHEN_SECOND : 0;
	const char *service = m->scope == CONF_BAN_PROGRAM ? service_of_program(m->program) : NULL;
	if (m->scope == CONF_BAN_PROGRAM && !service)
		log_say(n->log, LOG_LEVEL_INFO, "which service %.*s gives is not known: everything is closed "
		    "to whom it names", STR_FMT(str_head(m->program, 64)));
	snprintf(b.service, sizeof(b.service), "%s", service ? service : "");
	*ret = b;
	return 0;
}

/* An operator of another site let it in again. */
static void
take_pardon(struct netd *n, const struct msg_pardon *m)
{
	struct cidr net = { .bits = m->bits };
	int r = m->net.n == sizeof(net.net.b) && m->bits <= 128 ? 0 : -EBADMSG;

	if (r == 0) {
		memcpy(net.net.b, m->net.p, sizeof(net.net.b));
		r = netd_unban(n, &net);
	}
	if (r < 0)
		log_say(n->log, LOG_LEVEL_ERROR, "a ban that another site ended is still in force: %s", strerror(-r));
}

static void
on_watch(void *ctx, struct chan *c, struct msg *m)
{
	struct netd *n = ctx;
	struct ban b;
	const char *why;
	char net[52];

	if (m->type == MSG_pardon) {
		take_pardon(n, &m->pardon);
		return;
	}
	if (m->type != MSG_block)
		return;
	if (ban_of(n, &m->block, &b) < 0) {
		log_say(n->log, LOG_LEVEL_ERROR, "%s asked for a ban that is none", msg_peer_name(chan_peer(c)));
		role_end(n->role, 1);
		return;
	}
	int r = netd_ban(n, &b, &why);
	ban_show_net(&b.net, net);
	if (r < 0)
		log_say(n->log, r == -EPERM ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s is not kept out: %s",
		    net, why);
}

static void
on_watch_end(void *ctx, struct chan *c, int error)
{
	struct netd *n = ctx;

	if (error == -EBADMSG)
		log_say(n->log, LOG_LEVEL_ERROR, "%s sent a message that is none", msg_peer_name(chan_peer(c)));
	if (c == n->sites)
		n->sites = NULL;
	else
		n->watch = NULL;
	chan_close(c);
	if (error == -EBADMSG)
		role_end(n->role, 1);
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	struct netd *n = ctx;
	struct chan_calls calls = { .ctx = n, .on_msg = on_watch, .on_end = on_watch_end };
	struct msg m = { .type = MSG_guard, .fd = -1, .guard.bans = (uint32_t)bans_count(n->bans) };

	if (peer == MSG_PEEKD) {
		netd_peek_link(n, fd);
		return;
	}
	if (peer == MSG_L2TPD) {
		netd_members_link(n, fd);
		return;
	}
	if (peer != MSG_WATCHD && peer != MSG_LINKD) {
		close(fd);
		return;
	}
	struct chan **which = peer == MSG_LINKD ? &n->sites : &n->watch;
	chan_close(*which);
	*which = NULL;
	int r = chan_open(n->role->loop, fd, MSG_NETD, peer, &calls, which);
	if (r == 0)
		r = chan_send(*which, &m);
	if (r < 0)
		log_say(n->log, LOG_LEVEL_ERROR, "cannot link to %s: %s", msg_peer_name(peer), strerror(-r));
}

static void
on_order(void *ctx, const struct msg_order *m)
{
	netd_order(ctx, m);
}

static void
status(void *ctx, struct buf *json)
{
	const struct netd *n = ctx;

	buf_addf(json, "\"rules\":%u,\"rules_us\":%lld,\"bans\":%zu,\"banned\":%llu,\"refused\":%llu,\"cut\":%llu,\"marked\":%llu,\"members\":%zu",
	    n->policy->nrules, (long long)n->rules_us, bans_count(n->bans), (unsigned long long)n->banned,
	    (unsigned long long)n->refused, (unsigned long long)n->cut, (unsigned long long)n->marked, netd_members_count(n));
	netd_probes_status(n, json);
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	(void)grace_ms;
	role_end(((struct netd *)ctx)->role, 0);
}

static void
finish(void *ctx)
{
	netd_close(ctx);
}

/* Without the supervisor: the kernel's state from a configuration, or none of ours at all. */
static int
once(const char *config, bool release)
{
	struct log log = log_open("netd");
	struct conffile file;
	struct netd n = { .journal = -1, .changes = -1 };
	struct buf faults = BUF_INIT(1 << 20);
	int r = conffile_read(config, &file);

	if (r < 0) {
		conffile_show_faults(&file, &faults);
		fputs(buf_cstr(&faults), stderr);
		log_say(&log, LOG_LEVEL_ERROR, "%s cannot be used: %s", config, strerror(-r));
	} else {
		r = netd_open(&n, file.config, file.diags, &log);
	}
	if (r == 0)
		r = release ? netd_release(&n) : apply(&n);
	netd_close(&n);
	conffile_free(&file);
	buf_free(&faults);
	return r < 0 ? 1 : 0;
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare,
		.load = load,
		.begin = begin,
		.link = on_link,
		.order = on_order,
		.status = status,
		.stop = stop,
		.finish = finish,
	};
	struct netd n = { .journal = -1, .changes = -1 };

	if (argc == 4 && strcmp(argv[1], "--config") == 0 &&
	    (strcmp(argv[3], "--once") == 0 || strcmp(argv[3], "--release") == 0))
		return once(argv[2], strcmp(argv[3], "--release") == 0);
	return role_main(argc, argv, MSG_NETD, &calls, &n);
}
