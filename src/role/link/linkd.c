/*
 * linkd: speaks with other sites. The only holder of the site's key, which it reads before it gives
 * up its rights; what strangers send is TLS until they have proved to be a peer. Must never decide:
 * bans are netd's to refuse, lines the vault's to keep.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "role/link/linkd.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/sitekey.h"

static int
read_key(struct linking *l)
{
	char path[PATH_MAX];
	uint8_t seed[TLS_KEY_BYTES];
	const struct config *c = l->role->config;
	int r = l->conf->key.n ? 0 : file_path(path, sizeof(path), c->state_dir.p, "site.key");

	if (l->conf->key.n)
		snprintf(path, sizeof(path), "%s", l->conf->key.p);
	if (r == 0)
		r = sitekey_read(path, seed);
	if (r == -ENOENT)
		r = sitekey_make(path, seed);
	if (r == 0)
		r = tls_public_key(seed, l->key);
	if (r == 0)
		r = tls_trust_site(seed, &l->trust);
	if (r == 0)
		r = link_witness_open(l, seed);
	tls_wipe(seed, sizeof(seed));
	if (r < 0)
		log_say(&l->role->log, LOG_LEVEL_ERROR, "the site's key %s cannot be used: %s", path,
		    r == -EPERM ? "others can read it; make it `chmod 600`"
		    : r == -EBADMSG ? "there is no key in it" : strerror(-r));
	return r;
}

static int
make_peers(struct linking *l)
{
	l->peers = calloc(l->conf->npeers, sizeof(*l->peers));
	if (!l->peers)
		return -ENOMEM;
	l->npeers = l->conf->npeers;
	for (uint32_t i = 0; i < l->npeers; i++) {
		struct link_peer *p = &l->peers[i];
		*p = (struct link_peer){ .owner = l, .conf = &l->conf->peers[i],
			.since_s = clock_wall_us() / WHEN_SECOND };
		snprintf(p->why, sizeof(p->why), "%s", p->conf->at.n ? "not tried yet" : "it did not dial us yet");
		if (base64_read_exact(p->conf->key, p->key, sizeof(p->key)) < 0)
			return -EINVAL;
		if (memcmp(p->key, l->key, sizeof(p->key)) == 0) {
			log_say(&l->role->log, LOG_LEVEL_ERROR, "peer %.*s has the key of this site itself: take "
			    "the one that `guarita site key` shows there", STR_FMT(p->conf->name));
			return -EINVAL;
		}
	}
	return 0;
}

void
link_endpoint(const struct conf_endpoint *e, char dst[64])
{
	char host[46];

	if (e->any)
		snprintf(dst, 64, "*:%u", e->port);
	else
		snprintf(dst, 64, addr_is_v4(&e->addr) ? "%.*s:%u" : "[%.*s]:%u", (int)addr_show(&e->addr, host), host,
		    e->port);
}

static int
open_listener(struct linking *l)
{
	char text[64];

	if (!l->conf->link)
		return 0;
	link_endpoint(&l->conf->link->listen, text);
	l->listen_fd = sock_tcp_listen(str_z(text), LINK_STRANGERS_MAX);
	if (l->listen_fd >= 0)
		return 0;
	log_say(&l->role->log, LOG_LEVEL_ERROR, "cannot listen on %s for other sites: %s", text,
	    strerror(-l->listen_fd));
	return l->listen_fd;
}

static int
prepare(void *ctx, struct role *r)
{
	struct linking *l = ctx;
	char dir[PATH_MAX];

	l->role = r;
	l->conf = &r->config->sites;
	if (r->check_only)
		return 0;
	int e = file_make_dirs(r->config->state_dir.p, 0755);
	if (e == 0)
		e = file_path(dir, sizeof(dir), r->config->state_dir.p, "link");
	if (e == 0)
		e = role_make_dir(r, dir, 0700);
	if (e == 0)
		e = file_path(dir, sizeof(dir), r->config->state_dir.p, "link/witness");
	if (e == 0)
		e = role_make_dir(r, dir, 0700);
	if (e == 0 && l->conf->npeers)
		e = read_key(l);
	if (e == 0 && l->conf->npeers)
		e = make_peers(l);
	if (e == 0 && l->conf->npeers)
		e = open_listener(l);
	if (e == 0)
		e = link_tls_open(l);
	return e < 0 ? e : link_bans_open(l);
}

static int
load(void *ctx, struct role *r)
{
	if (r->check_only)
		return 0;
	int e = link_bans_load(ctx);
	return e < 0 ? e : link_witness_load(ctx);
}

static void
on_tick(void *ctx)
{
	struct linking *l = ctx;

	linking_tend(l, clock_mono_us());
	link_tls_tend(l, clock_mono_us());
	link_bans_tick(l);
}

static void
on_listener(void *ctx, int events)
{
	(void)events;
	linking_accept(ctx);
}

static int
begin(void *ctx, struct role *r)
{
	struct linking *l = ctx;
	int e = timer_open(r->loop, on_tick, l, &l->tick);

	if (e == 0 && l->listen_fd >= 0)
		e = poll_open(r->loop, l->listen_fd, WANT_READ, on_listener, l, &l->listener);
	if (e == 0)
		e = link_tls_begin(l);
	if (e == 0)
		timer_start(l->tick, 0, LINK_TICK_MS);
	return e;
}

static void
on_link(void *ctx, enum msg_peer peer, int fd)
{
	if (peer == MSG_WATCHD || peer == MSG_NETD)
		link_bans_link(ctx, peer, fd);
	else if (peer == MSG_INTAKED)
		link_tls_link(ctx, fd);
	else if (peer == MSG_VAULTD)
		link_lines_link(ctx, fd);
	else
		fd_close(&fd);
}

static void
status(void *ctx, struct buf *json)
{
	struct linking *l = ctx;

	if (l->trust) {
		buf_add(json, STR("\"key\":\""));
		base64_add(json, str_of((const char *)l->key, sizeof(l->key)));
		buf_add(json, STR("\","));
	}
	buf_addf(json, "\"refused\":%llu", (unsigned long long)l->refused);
	if (l->refused) {
		buf_add(json, STR(",\"refused_why\":"));
		buf_add_json(json, str_z(l->refused_why));
	}
	buf_addf(json, ",\"bans\":%zu,\"bans_told\":%llu,\"cpu_us\":%lld,\"peers\":[", bans_count(l->bans),
	    (unsigned long long)l->bans_told, (long long)clock_cpu_us());
	for (uint32_t i = 0; i < l->npeers; i++) {
		if (i)
			buf_add_byte(json, ',');
		link_show_peer(&l->peers[i], json);
	}
	buf_add_byte(json, ']');
	link_tls_status(l, json);
}

static void
on_order(void *ctx, const struct msg_order *m)
{
	link_order(ctx, m);
}

static void
stop(void *ctx, uint32_t grace_ms)
{
	struct linking *l = ctx;

	(void)grace_ms;
	l->stopping = true;
	linking_drop_ways(l);
	link_tls_close(l);
	/* A look-up cannot be broken off, and writes into what we would free. */
	while (l->lookups)
		loop_run_once(l->role->loop, true);
	role_end(l->role, 0);
}

static void
finish(void *ctx)
{
	struct linking *l = ctx;

	l->stopping = true;
	linking_drop_ways(l);
	link_tls_close(l);
	while (l->lookups)
		loop_run_once(l->role->loop, true);
	link_bans_close(l);
	link_lines_close(l);
	link_witness_close(l);
	poll_close(l->listener);
	timer_close(l->tick);
	fd_close(&l->listen_fd);
	tls_trust_free(l->trust);
	free(l->peers);
}

int
main(int argc, char **argv)
{
	static const struct role_calls calls = {
		.prepare = prepare, .load = load, .begin = begin, .link = on_link, .order = on_order, .status = status, .stop = stop,
		.finish = finish,
	};
	struct linking l = { .listen_fd = -1, .journal = -1, .origin = BUF_INIT(1024), .identity = BUF_INIT(1024),
		.witness = BUF_INIT(1024) };

	return role_main(argc, argv, MSG_LINKD, &calls, &l);
}
