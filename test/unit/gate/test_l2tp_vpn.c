/* A matriz and its filiais without sockets: dialling for ever, addresses, routes, who may speak for whom, kicks. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "gate/l2tp/vpn.h"

#include <stdio.h>
#include <stdlib.h>

#define FILIAIS 3
#define FLIGHT 4096

struct site {
	struct l2tp_vpn vpn;
	struct world *world;
	unsigned number;               /* 0: the matriz */
	unsigned ups, downs;
	char why[256];
};

struct flying {
	unsigned to, from;
	int64_t at_us;
	size_t n;
	uint8_t bytes[1600];
};

struct world {
	uint64_t seed;
	int64_t now_us;
	bool cut;
	uint16_t ports[FILIAIS + 1];   /* as a NAT shows them */
	struct site sites[FILIAIS + 1];
	struct vpn_dial dials[FILIAIS];
	struct flying flying[FLIGHT];
	size_t n;
};

static const struct vpn_net nets30[] = { { 0xc0a81e00, 24 } }, nets40[] = { { 0xc0a82800, 24 } };
static const struct vpn_user users[] = {
	{ .name = STR_INIT("filial1"), .password = STR_INIT("um"), .nets = nets30, .nnets = 1, .tun = -1 },
	{ .name = STR_INIT("filial2"), .password = STR_INIT("dois"), .address = 0x0a090063, .nets = nets40, .nnets = 1, .tun = 1 },
};
static const struct vpn_net pool[] = { { 0x0a090000, 29 } };

static uint64_t
draw(void *ctx)
{
	return prng_next(&((struct site *)ctx)->world->seed);
}

static void
send_datagram(void *ctx, const struct l2tp_peer *to, struct str datagram)
{
	struct site *s = ctx;
	struct world *w = s->world;
	struct flying *f = &w->flying[w->n];
	unsigned target = 0;

	for (unsigned i = 1; s->number == 0 && i <= FILIAIS; i++)
		if (w->ports[i] == to->port)
			target = i;
	if (w->cut || w->n == FLIGHT || (s->number == 0 && target == 0))
		return;
	w->n++;
	f->to = target;
	f->from = s->number;
	f->at_us = w->now_us + 1000;
	f->n = datagram.n;
	assert_true(datagram.n <= sizeof(f->bytes));
	memcpy(f->bytes, datagram.p, datagram.n);
}

static void
on_up(void *ctx, struct vpn_call *c)
{
	(void)c;
	((struct site *)ctx)->ups++;
}

static void
on_down(void *ctx, struct vpn_call *c, struct str why)
{
	struct site *s = ctx;

	(void)c;
	s->downs++;
	snprintf(s->why, sizeof(s->why), "%.*s", STR_FMT(why));
}

static void
resolve(void *ctx, struct vpn_dial *d)
{
	struct l2tp_peer to = { .addr.b = { 1 }, .port = 1701 };

	vpn_dial_to(d, ((struct site *)ctx)->world->now_us, &to);
}

static void
dial_failed(void *ctx, struct vpn_dial *d)
{
	(void)ctx;
	assert_true(d->last[0] != '\0');
}

static const struct vpn_hooks hooks = {
	.send = send_datagram, .random = draw, .up = on_up, .down = on_down, .resolve = resolve, .dial_failed = dial_failed,
};

static const struct vpn_net guests[] = { { 0x0a0a0000, 30 } };
#define POLICY(encrypt, ...) { .server = true, .auth = PPP_AUTH_MSCHAP2, .encryption = (encrypt), .mru = 1400, \
	.local = 0x0a090001, .echo_us = 10000000, .echo_tries = 3, .name = STR_INIT("matriz"), __VA_ARGS__ }
static const struct vpn_profile people = {
	.policy = POLICY(PPP_ENCRYPT_NO, .dns = { 0x08080808 }), .pool = guests, .npool = 1, .again = VPN_AGAIN_REFUSE,
	.limits = { .idle_us = 60000000, .session_us = 300000000, .rate = { 12500, 0 } },
};
static const struct vpn_profile crowd = {
	.policy = POLICY(PPP_ENCRYPT_YES), .pool = pool, .npool = 1, .again = VPN_AGAIN_ALLOW,
};
static const struct vpn_user profiled[] = {
	{ .name = STR_INIT("ana"), .password = STR_INIT("um"), .tun = -1, .profile = &people },
	{ .name = STR_INIT("todos"), .password = STR_INIT("dois"), .tun = -1, .profile = &crowd },
};
static const struct vpn_server server = {
	.terms = { .host_name = STR_INIT("matriz"), .hello_us = 60000000, .max_tunnels = 100, .max_starting = 50,
	    .max_per_source = 50, .server = true },
	.profile.policy = POLICY(PPP_ENCRYPT_REQUIRED),
	.users = users, .nusers = 2, .profile.pool = pool, .profile.npool = 1, .max_sessions = 10,
};

static int
take(struct world *w, const struct flying *f, struct str *ret, struct vpn_call **ret_call)
{
	static uint8_t scratch[1600];
	struct l2tp_peer from = { .addr.b = { 9 }, .port = w->ports[f->from] };

	return vpn_receive(&w->sites[f->to].vpn, w->now_us, &from, str_of((const char *)f->bytes, f->n), scratch, ret_call, ret);
}

static void
run(struct world *w, int64_t span_us)
{
	int64_t until = w->now_us + span_us;

	for (;;) {
		int64_t next = w->n ? w->flying[0].at_us : INT64_MAX;
		for (unsigned i = 0; i <= FILIAIS; i++)
			if (w->sites[i].vpn.engine && vpn_due(&w->sites[i].vpn) < next)
				next = vpn_due(&w->sites[i].vpn);
		if (next >= until)
			break;
		if (next > w->now_us)
			w->now_us = next;
		if (w->n && w->flying[0].at_us <= w->now_us) {
			struct flying f = w->flying[0];
			struct vpn_call *c;
			struct str packet;
			memmove(w->flying, w->flying + 1, --w->n * sizeof(f));
			if (w->sites[f.to].vpn.engine)
				(void)!take(w, &f, &packet, &c);
			continue;
		}
		for (unsigned i = 0; i <= FILIAIS; i++)
			if (w->sites[i].vpn.engine)
				vpn_tick(&w->sites[i].vpn, w->now_us);
	}
	w->now_us = until;
}

static void
open_filial(struct world *w, unsigned i, struct str user, struct str password)
{
	w->dials[i - 1] = (struct vpn_dial){ .host = STR("matriz.example.com"), .port = 1701,
		.terms = { .host_name = user, .hello_us = 60000000 },
		.policy = { .auth = PPP_AUTH_MSCHAP2, .encryption = PPP_ENCRYPT_REQUIRED, .mru = 1400, .echo_us = 10000000,
		    .echo_tries = 3, .name = user, .password = password } };
	assert_int_equal(vpn_open(&w->sites[i].vpn, &hooks, &w->sites[i], NULL, &w->dials[i - 1], 1), 0);
}

static struct world *
new_world(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->seed = seed;
	w->now_us = 1000000;
	for (unsigned i = 0; i <= FILIAIS; i++) {
		w->sites[i].world = w;
		w->sites[i].number = i;
		w->ports[i] = (uint16_t)(5000 + i);
	}
	assert_int_equal(vpn_open(&w->sites[0].vpn, &hooks, &w->sites[0], &server, NULL, 0), 0);
	return w;
}

static void
free_world(struct world *w)
{
	for (unsigned i = 0; i <= FILIAIS; i++)
		if (w->sites[i].vpn.engine)
			vpn_free(&w->sites[i].vpn);
	free(w);
}

/* An inner packet from one address to another, sent through the call: whether the matriz takes it. */
static bool
passes(struct world *w, struct vpn_call *c, unsigned from, uint32_t src)
{
	uint8_t out[200] = { 0 };
	struct flying f = { .to = 0, .from = from };
	struct vpn_call *got;
	struct str packet;

	size_t head = vpn_head(c, 4, out);
	assert_true(head > 0);
	out[head] = 0x45;
	out[head + 3] = 28;
	for (unsigned i = 0; i < 4; i++)
		out[head + 12 + i] = (uint8_t)(src >> (24 - 8 * i));
	vpn_finish(c, out, head, head + 28);
	f.n = head + 28;
	memcpy(f.bytes, out, f.n);
	return take(w, &f, &packet, &got) == 1 && packet.n == 28;
}

static void
test_company(void **state)
{
	struct world *w = new_world(1);

	(void)state;
	open_filial(w, 1, STR("filial1"), STR("um"));
	open_filial(w, 2, STR("filial2"), STR("dois"));
	run(w, 2000000);
	struct l2tp_vpn *m = &w->sites[0].vpn;
	assert_int_equal(m->nup, 2);
	assert_int_equal(w->dials[0].state, VPN_UP);
	/* From the pool, but neither its ends nor our own; and the fixed one. */
	uint32_t got = w->dials[0].call->link.local;
	assert_true(got > 0x0a090001 && got < 0x0a090007);
	assert_int_equal(w->dials[1].call->link.local, 0x0a090063);
	assert_int_equal(w->dials[1].call->link.remote, 0x0a090001);
	struct vpn_call *one = l2tp_route_find(&m->routes, route_v4(got)), *two = l2tp_route_find(&m->routes, route_v4(0xc0a82801));
	assert_true(one && two && one != two && two->tun == 1);
	assert_ptr_equal(l2tp_route_find(&m->routes, route_v4(0xc0a81eff)), one);
	assert_null(l2tp_route_find(&m->routes, route_v4(0xc0a80001)));
	/* Each speaks for itself and for its own network. */
	assert_true(passes(w, w->dials[0].call, 1, got));
	assert_true(passes(w, w->dials[0].call, 1, 0xc0a81e05));
	assert_false(passes(w, w->dials[0].call, 1, 0xc0a82805));
	assert_false(passes(w, w->dials[0].call, 1, 0x08080808));
	assert_int_equal(m->spoofed, 2);
	assert_int_equal(one->in_packets, 2);
	free_world(w);
}

/* The line is cut for ten minutes and mended: noticed on both sides, and back soon. */
static void
test_cut_line(void **state)
{
	struct world *w = new_world(2);

	(void)state;
	open_filial(w, 1, STR("filial1"), STR("um"));
	run(w, 2000000);
	assert_int_equal(w->sites[1].ups, 1);
	w->cut = true;
	run(w, 600000000);
	assert_int_equal(w->sites[0].downs, 1);
	assert_int_equal(w->sites[1].downs, 1);
	assert_int_equal(w->sites[0].vpn.nup, 0);
	assert_null(l2tp_route_find(&w->sites[0].vpn.routes, route_v4(0xc0a81e01)));
	w->cut = false;
	run(w, 30000000);
	assert_int_equal(w->sites[1].ups, 2);
	assert_int_equal(w->sites[0].vpn.nup, 1);
	free_world(w);
}

/* However long the line was mute, and in whatever moment of a try it comes back: all is up again in less than three seconds. */
static void
test_mended_line(void **state)
{
	int64_t worst = 0;

	(void)state;
	for (unsigned i = 0; i < 120; i++) {
		struct world *w = new_world(100 + i);
		open_filial(w, 1, STR("filial1"), STR("um"));
		run(w, 2000000);
		w->cut = true;
		run(w, 600000000 + i * 250000);
		w->cut = false;
		int64_t mended = w->now_us;
		while (w->sites[1].ups < 2 && w->now_us - mended < 30000000)
			run(w, 10000);
		if (w->now_us - mended > worst)
			worst = w->now_us - mended;
		free_world(w);
	}
	print_message("longest: %lld ms\n", (long long)worst / 1000);
	assert_true(worst < 3000000);
}

/* The matriz ends and begins again: its filial is told, and dials until it is answered. */
static void
test_server_restart(void **state)
{
	struct world *w = new_world(3);

	(void)state;
	open_filial(w, 1, STR("filial1"), STR("um"));
	run(w, 2000000);
	vpn_stop(&w->sites[0].vpn, w->now_us);
	run(w, 100000);
	assert_int_equal(w->sites[1].downs, 1);
	assert_string_equal(w->sites[1].why, "the other side said: shutting down");
	vpn_free(&w->sites[0].vpn);
	assert_int_equal(vpn_open(&w->sites[0].vpn, &hooks, &w->sites[0], &server, NULL, 0), 0);
	run(w, 2000000);
	assert_int_equal(w->sites[1].ups, 2);
	free_world(w);
}

/* It is killed, and tells nobody: whoever still speaks to it hears that he is forgotten, asks, and dials anew. */
static void
test_server_killed(void **state)
{
	struct world *w = new_world(3);

	(void)state;
	open_filial(w, 1, STR("filial1"), STR("um"));
	run(w, 2000000);
	vpn_free(&w->sites[0].vpn);
	assert_int_equal(vpn_open(&w->sites[0].vpn, &hooks, &w->sites[0], &server, NULL, 0), 0);
	vpn_begin(&w->sites[0].vpn, w->now_us);
	assert_false(passes(w, w->dials[0].call, 1, 0xc0a81e05));
	run(w, 2300000);
	assert_int_equal(w->sites[1].ups, 2);
	assert_int_equal(w->sites[0].vpn.nup, 1);
	assert_true(passes(w, w->dials[0].call, 1, 0xc0a81e05));
	free_world(w);
}

static void
test_wrong_password(void **state)
{
	struct world *w = new_world(4);

	(void)state;
	open_filial(w, 1, STR("filial1"), STR("errado"));
	run(w, 120000000);
	assert_int_equal(w->sites[0].ups + w->sites[1].ups, 0);
	assert_non_null(strstr(w->dials[0].last, "wrong password"));
	assert_true(w->dials[0].tries >= 4 && w->dials[0].tries <= 15);
	assert_true(w->sites[0].vpn.refused >= 4);
	assert_int_equal(w->sites[0].vpn.taken.count, 0);
	free_world(w);
}

/* The same user from another place: the older goes, and does not come back to push the newer out at once for ever. */
static void
test_only_one(void **state)
{
	struct world *w = new_world(5);

	(void)state;
	open_filial(w, 1, STR("filial2"), STR("dois"));
	run(w, 2000000);
	open_filial(w, 2, STR("filial2"), STR("dois"));
	run(w, 300000);
	assert_int_equal(w->sites[0].vpn.nup, 1);
	assert_int_equal(w->sites[1].downs, 1);
	assert_int_equal(w->dials[1].state, VPN_UP);
	assert_int_equal(w->dials[1].call->link.local, 0x0a090063);
	free_world(w);
}

static void
serve_profiled(struct world *w, struct vpn_server *s)
{
	*s = server;
	s->users = profiled;
	vpn_free(&w->sites[0].vpn);
	assert_int_equal(vpn_open(&w->sites[0].vpn, &hooks, &w->sites[0], s, NULL, 0), 0);
}

/* A filial that would rather, but need not, encrypt. */
static void
open_easy(struct world *w, unsigned i, struct str user, struct str password)
{
	open_filial(w, i, user, password);
	w->dials[i - 1].policy.encryption = PPP_ENCRYPT_YES;
	w->dials[i - 1].policy.ask_dns = true;
}

/* The profile counts before the server: its pool, name server, encryption, limits; and the older connection stays. */
static void
test_profile(void **state)
{
	struct world *w = new_world(9);
	struct vpn_server s;

	(void)state;
	serve_profiled(w, &s);
	open_easy(w, 1, STR("ana"), STR("um"));
	run(w, 2000000);
	struct vpn_call *c = w->dials[0].call;
	assert_int_equal(w->dials[0].state, VPN_UP);
	assert_in_range(c->link.local, 0x0a0a0001, 0x0a0a0002);
	assert_int_equal(c->link.dns[0], 0x08080808);
	assert_string_equal(ppp_link_encoding(&c->link), "none");
	open_easy(w, 2, STR("ana"), STR("um"));
	run(w, 1000000);
	assert_int_equal(w->sites[0].vpn.nup, 1);
	assert_int_equal(w->sites[1].downs, 0);
	assert_non_null(strstr(w->sites[0].why, "connected already"));
	/* Idle: its own LCP echoes do not count, packets do. */
	for (unsigned i = 0; i < 5; i++) {
		assert_true(passes(w, c, 1, c->link.local));
		run(w, 50000000);
	}
	assert_int_equal(w->sites[1].downs, 0);
	w->sites[2].vpn.now_us = w->now_us;
	vpn_stop(&w->sites[2].vpn, w->now_us);
	run(w, 25000000);
	assert_int_equal(w->sites[1].downs, 1);
	assert_non_null(strstr(w->sites[0].why, "idle"));
	free_world(w);
}

static void
test_session_timeout_and_rate(void **state)
{
	struct world *w = new_world(10);
	struct vpn_server s;

	(void)state;
	serve_profiled(w, &s);
	open_easy(w, 1, STR("ana"), STR("um"));
	run(w, 2000000);
	struct vpn_call *c = w->dials[0].call;
	unsigned passed = 0;
	for (unsigned i = 0; i < 3000; i++)
		passed += passes(w, c, 1, c->link.local);
	/* What a bucket holds, of packets of 28 bytes, and no more without time. */
	assert_in_range(passed, 1000, 1100);
	assert_int_equal(w->sites[0].vpn.limited, 3000 - passed);
	for (unsigned i = 0; i < 28 && w->sites[1].downs == 0; i++) {
		run(w, 10000000);
		assert_true(passes(w, c, 1, c->link.local));
	}
	assert_int_equal(w->sites[1].downs, 0);
	run(w, 20000000);
	assert_int_equal(w->sites[1].downs, 1);
	assert_non_null(strstr(w->sites[0].why, "time for one session"));
	free_world(w);
}

static void
test_same_user_twice(void **state)
{
	struct world *w = new_world(11);
	struct vpn_server s;

	(void)state;
	serve_profiled(w, &s);
	open_easy(w, 1, STR("todos"), STR("dois"));
	open_easy(w, 2, STR("todos"), STR("dois"));
	run(w, 2000000);
	assert_int_equal(w->sites[0].vpn.nup, 2);
	assert_true(w->dials[0].call->link.local != w->dials[1].call->link.local);
	assert_string_equal(ppp_link_encoding(&w->dials[0].call->link), "MPPE-128 stateless");
	vpn_kick(w->dials[0].call, w->now_us);
	run(w, 100000);
	assert_int_equal(w->sites[2].downs, 0);
	free_world(w);
}

static void
test_kick_and_redial(void **state)
{
	struct world *w = new_world(6);

	(void)state;
	open_filial(w, 1, STR("filial1"), STR("um"));
	run(w, 2000000);
	uint32_t had = w->dials[0].call->link.local;
	vpn_kick(w->sites[0].vpn.calls, w->now_us);
	run(w, 50000);
	assert_int_equal(w->sites[1].downs, 1);
	run(w, 3000000);
	assert_int_equal(w->sites[1].ups, 2);
	assert_int_equal(w->dials[0].call->link.local, had);
	free_world(w);
}

/* A NAT forgets the filial's port: it is followed to the new one, after it proved who it is; a stranger is not. */
static void
test_moved(void **state)
{
	struct world *w = new_world(7);

	(void)state;
	open_filial(w, 1, STR("filial1"), STR("um"));
	run(w, 2000000);
	struct vpn_call *c = w->sites[0].vpn.calls;
	w->ports[3] = 7777;
	assert_false(passes(w, w->dials[0].call, 3, 0x08080808));
	run(w, 500000);
	assert_int_equal(c->session->tunnel->peer.port, w->ports[1]);
	w->ports[3] = 0;
	w->ports[1] = 40000;
	run(w, 60000000);
	assert_int_equal(c->session->tunnel->peer.port, 40000);
	assert_int_equal(w->sites[0].downs + w->sites[1].downs, 0);
	free_world(w);
}

/* An IPv6 packet of n bytes from one address, sent through the call: whether the matriz takes it. */
static bool
passes6(struct world *w, struct vpn_call *c, struct addr src, struct addr dst)
{
	uint8_t out[200] = { 0 };
	struct flying f = { .to = 0, .from = 1 };
	struct vpn_call *got;
	struct str packet;

	size_t head = vpn_head(c, 6, out);
	assert_true(head > 0);
	out[head] = 0x60;
	out[head + 6] = 59;
	memcpy(out + head + 8, src.b, 16);
	memcpy(out + head + 24, dst.b, 16);
	vpn_finish(c, out, head, head + 40);
	f.n = head + 40;
	memcpy(f.bytes, out, f.n);
	return take(w, &f, &packet, &got) == 1 && packet.n == 40;
}

#define A(upper, lower) address6(UINT64_C(upper), (lower))

/* Prefixes, routes and the link's own matters; and a prefix that is free again. */
static void
test_ipv6(void **state)
{
	static const struct net6 pool6[] = { { UINT64_C(0x20010db800090000), 62 } }, nets6[] = { { UINT64_C(0x20010db800300000), 48 } };
	struct vpn_user branch = users[0];
	struct vpn_server s = server;
	struct world *w = new_world(21);

	(void)state;
	branch.nets6 = nets6;
	branch.nnets6 = 1;
	s.users = &branch;
	s.nusers = 1;
	s.profile.policy.ipv6 = true;
	s.profile.policy.local_id = 1;
	s.profile.pool6 = pool6;
	s.profile.npool6 = 1;
	vpn_free(&w->sites[0].vpn);
	assert_int_equal(vpn_open(&w->sites[0].vpn, &hooks, &w->sites[0], &s, NULL, 0), 0);
	open_filial(w, 1, STR("filial1"), STR("um"));
	w->dials[0].policy.ipv6 = true;
	run(w, 2000000);
	struct vpn_call *c = w->dials[0].call;
	struct l2tp_vpn *m = &w->sites[0].vpn;
	assert_true(c->link.network6_up && c->prefix >> 2 == UINT64_C(0x20010db800090000) >> 2);
	assert_true(c->link.remote_id == 1);
	struct addr there = A(0x20010db8000a0000, 1);
	assert_true(passes6(w, c, address6(c->prefix, c->link.local_id), there));
	assert_true(passes6(w, c, A(0x20010db800300001, 9), there));
	assert_false(passes6(w, c, A(0x20010db800310001, 9), there));
	assert_int_equal(m->spoofed, 1);
	/* Groups of the link are nobody else's business, and no offence. */
	assert_false(passes6(w, c, A(0xfe80000000000000, 9), A(0xff02000000000000, 16)));
	assert_int_equal(m->spoofed, 1);
	assert_int_equal(m->taken6.count, 1);
	vpn_kick(m->calls, w->now_us);
	run(w, 200000);
	assert_int_equal(m->taken6.count, 0);
	assert_int_equal(m->routes6.count, 0);
	free_world(w);
}

/* Dialled when a packet wants it, left when none comes; a server that is away is not called in vain for ever. */
static void
test_on_demand(void **state)
{
	static const char packet[20] = "\x45", group[20] = { 0x45, [16] = (char)0xe0 };
	struct world *w = new_world(22);
	struct vpn_dial *d = &w->dials[0];

	(void)state;
	open_filial(w, 1, STR("filial1"), STR("um"));
	d->limits.idle_us = 30000000;
	run(w, 60000000);
	assert_int_equal(d->tries, 0);
	assert_int_equal(d->state, VPN_RESTING);
	assert_false(vpn_want(d, w->now_us, str_of(group, sizeof(group))));
	assert_true(vpn_want(d, w->now_us, str_of(packet, sizeof(packet))));
	run(w, 2000000);
	assert_int_equal(d->state, VPN_UP);
	run(w, 60000000);
	assert_int_equal(d->state, VPN_RESTING);
	assert_string_equal(d->last, "idle for too long");
	assert_int_equal(w->sites[0].downs, 1);
	w->cut = true;
	assert_true(vpn_want(d, w->now_us, str_of(packet, sizeof(packet))));
	run(w, 300000000);
	assert_int_equal(d->tries, 2);
	assert_int_equal(d->state, VPN_RESTING);
	/* While it is wanted it is tried, and with growing waits. */
	for (unsigned i = 0; i < 600; i++) {
		(void)vpn_want(d, w->now_us, str_of(packet, sizeof(packet)));
		run(w, 1000000);
	}
	assert_true(d->tries > 10 && d->tries < 40);
	w->cut = false;
	(void)vpn_want(d, w->now_us, str_of(packet, sizeof(packet)));
	run(w, 30000000);
	assert_int_equal(w->sites[1].ups, 2);
	free_world(w);
}

static void
test_routes(void **state)
{
	struct l2tp_routes r = { .cells = NULL };
	static int to[3000];
	uint64_t seed = 8;

	(void)state;
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(l2tp_route_add(&r, route_v4(0x0a000000 + i * 7), 32, &to[i]), 0);
	assert_int_equal(l2tp_route_add(&r, route_v4(0x0a000000), 8, &to[0]), 0);
	assert_int_equal(l2tp_route_add(&r, 0, 0, &to[1]), 0);
	assert_true(l2tp_route_add(&r, route_v4(0x0a000007), 32, &to[2]) < 0);
	assert_ptr_equal(l2tp_route_find(&r, route_v4(0x0a000003)), &to[0]);
	assert_ptr_equal(l2tp_route_find(&r, route_v4(0x0b000003)), &to[1]);
	for (unsigned i = 0; i < 3000; i++) {
		unsigned k = (unsigned)prng_below(&seed, 3000);
		l2tp_route_remove(&r, route_v4(0x0a000000 + k * 7), 32, &to[(k + 1) % 3000]);
		assert_ptr_equal(l2tp_route_find(&r, route_v4(0x0a000000 + i * 7)), &to[i]);
	}
	for (unsigned i = 0; i < 3000; i++) {
		l2tp_route_remove(&r, route_v4(0x0a000000 + i * 7), 32, &to[i]);
		assert_ptr_equal(l2tp_route_find(&r, route_v4(0x0a000000 + i * 7)), &to[0]);
	}
	/* Of IPv6 the longest is 64 bits, beside one of none. */
	assert_int_equal(l2tp_route_add(&r, UINT64_C(0x20010db800090001), 64, &to[5]), 0);
	assert_ptr_equal(l2tp_route_find(&r, UINT64_C(0x20010db800090001)), &to[5]);
	assert_ptr_equal(l2tp_route_find(&r, UINT64_C(0x20010db800090002)), &to[1]);
	l2tp_route_remove(&r, UINT64_C(0x20010db800090001), 64, &to[5]);
	l2tp_route_remove(&r, route_v4(0x0a000000), 8, &to[0]);
	l2tp_route_remove(&r, 0, 0, &to[1]);
	assert_null(l2tp_route_find(&r, route_v4(0x0a000007)));
	assert_int_equal(r.count, 0);
	l2tp_routes_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_company), cmocka_unit_test(test_cut_line), cmocka_unit_test(test_mended_line), cmocka_unit_test(test_server_restart), cmocka_unit_test(test_server_killed),
		cmocka_unit_test(test_wrong_password), cmocka_unit_test(test_only_one), cmocka_unit_test(test_kick_and_redial),
		cmocka_unit_test(test_profile), cmocka_unit_test(test_session_timeout_and_rate),
		cmocka_unit_test(test_same_user_twice), cmocka_unit_test(test_moved), cmocka_unit_test(test_routes), cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_on_demand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
