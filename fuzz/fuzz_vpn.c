/*
 * A hostile peer of the whole VPN: its datagrams are cut from the input, with numbers put right so that they reach deep;
 * a server with a tunnel that stands, and a client that dials. At the end nothing is left but what the limits allow.
 */
#include "fuzz.h"
#include "gate/l2tp/vpn.h"

struct bed {
	struct l2tp_vpn vpn;
	struct vpn_dial dial;
	uint64_t random;
	unsigned sent;
};

static uint64_t
draw(void *ctx)
{
	struct bed *b = ctx;

	return b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

static void
send_datagram(void *ctx, const struct l2tp_peer *to, struct str datagram)
{
	struct bed *b = ctx;
	struct l2tp_head h;

	(void)to;
	b->sent++;
	CLAIM(datagram.n <= 2000);
	CLAIM(l2tp_head_read(datagram, &h) == 0);
}

static void
on_up(void *ctx, struct vpn_call *c)
{
	(void)ctx;
	CLAIM(c->link.network_up);
}

static void
on_down(void *ctx, struct vpn_call *c, struct str why)
{
	(void)ctx;
	(void)c;
	CLAIM(why.n > 0);
}

static void
resolve(void *ctx, struct vpn_dial *d)
{
	struct l2tp_peer to = { .addr.b = { 1 }, .port = 1701 };

	(void)ctx;
	vpn_dial_to(d, d->vpn->now_us, &to);
}

static void
dial_failed(void *ctx, struct vpn_dial *d)
{
	(void)ctx;
	CLAIM(d->last[0]);
}

static const struct vpn_hooks hooks = {
	.send = send_datagram, .random = draw, .up = on_up, .down = on_down, .resolve = resolve, .dial_failed = dial_failed,
};
static const struct vpn_user user = { .name = STR_INIT("u"), .password = STR_INIT("p"), .tun = -1 };
static const struct vpn_net pool = { 0x0a000000, 29 };
static const struct vpn_server server = {
	.terms = { .host_name = STR_INIT("m"), .hello_us = 60000000, .max_tunnels = 20, .max_starting = 8, .max_per_source = 8,
	    .server = true },
	.profile.policy = { .server = true, .auth = 7, .encryption = PPP_ENCRYPT_YES, .weak_keys = true, .stateful = true, .ipv6 = true,
	    .mru = 1400, .mrru = 1600, .local = 0x0a000001, .dns = { 1 }, .echo_us = 10000000, .echo_tries = 3, .name = STR_INIT("m") },
	.users = &user, .nusers = 1, .profile.pool = &pool, .profile.npool = 1, .max_sessions = 5,
};

/* Byte 0 says which tunnel or session it is for, and whether its Ns is the one that is waited for. */
static size_t
aim(const struct bed *b, uint8_t *p, size_t n, uint8_t how)
{
	const struct due_heap *due = &b->vpn.engine->due;
	/* The heap holds every tunnel, and a tunnel begins with its node. */
	const struct l2tp_tunnel *t = due->n ? (const void *)due->v[(how & 3) % due->n] : NULL;

	if (n < 12 || !(how & 4))
		return n;
	bool data = (how & 8) != 0;
	p[0] = data ? 0 : 0xc8;
	p[1] = 2;
	size_t at = data ? 2 : 4;
	if (!data) {
		p[2] = (uint8_t)(n >> 8);
		p[3] = (uint8_t)n;
	}
	if (t == NULL || how & 16)
		return n;
	p[at] = (uint8_t)(t->id >> 8);
	p[at + 1] = (uint8_t)t->id;
	uint16_t session = t->sessions ? t->sessions->id : 0;
	p[at + 2] = (uint8_t)(session >> 8);
	p[at + 3] = (uint8_t)session;
	if (data)
		return n;
	p[8] = (uint8_t)(t->channel.nr >> 8);
	p[9] = (uint8_t)t->channel.nr;
	p[10] = (uint8_t)(t->channel.unsent >> 8);
	p[11] = (uint8_t)t->channel.unsent;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct l2tp_peer from = { .addr.b = { 1 }, .port = 1701 };
	struct bed *b = calloc(1, sizeof(*b));
	uint8_t datagram[260], scratch[PPP_MRRU_MAX];
	struct vpn_call *c;
	struct str packet;
	int64_t now = 1000000;

	CLAIM(b);
	b->dial = (struct vpn_dial){ .host = STR("h"), .port = 1701, .terms = { .host_name = STR("f"), .hello_us = 60000000 },
		.policy = { .auth = 7, .encryption = PPP_ENCRYPT_YES, .mru = 1400, .ask_dns = true, .echo_us = 10000000,
		    .echo_tries = 3, .name = STR("u"), .password = STR("p") } };
	CLAIM(vpn_open(&b->vpn, &hooks, b, &server, &b->dial, 1) == 0);
	vpn_begin(&b->vpn, now);
	while (size > 3) {
		uint8_t how = data[0], length = data[1];
		size_t n = length < size - 2 ? length : size - 2;
		memcpy(datagram, data + 2, n);
		data += 2 + n;
		size -= 2 + n;
		n = aim(b, datagram, n, how);
		if (vpn_receive(&b->vpn, now, &from, str_of((char *)datagram, n), scratch, &c, &packet) > 0)
			CLAIM(packet.n <= PPP_MRRU_MAX && c->up);
		now += (how >> 5) * 300000;
		vpn_tick(&b->vpn, now);
		CLAIM(b->vpn.ncalls <= 6 && b->vpn.engine->ntunnels <= 21);
	}
	CLAIM(b->sent < 4000);
	vpn_free(&b->vpn);
	free(b);
	return 0;
}
