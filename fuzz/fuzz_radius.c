/*
 * RADIUS packets: walks stay inside and come to an end, a grant is within its bounds; and what is well-formed but not proved
 * moves no client. The first byte chooses the identifier that is asked with.
 */
#include "fuzz.h"
#include "gate/radius/client.h"

static const struct radius_server servers[] = {
	{ .secret = STR_INIT("segredo"), .addr = { .b = { [10] = 0xff, 0xff, 127, 0, 0, 1 } }, .auth_port = 1812, .acct_port = 1813,
	  .timeout_us = 1000000 },
};

static uint64_t
draw(void *ctx)
{
	return *(uint8_t *)ctx;
}

static void
on_send(void *ctx, const struct radius_server *to, uint16_t port, struct str datagram)
{
	struct radius_packet p;

	(void)ctx;
	CLAIM(to == servers && (port == 1812 || port == 1813));
	CLAIM(radius_read(datagram, &p) == 0 && p.whole.n == datagram.n);
}

static void
on_answer(void *ctx, void *owner, const struct radius_grant *g)
{
	(void)ctx;
	(void)owner;
	(void)g;
	CLAIM(!"an answer that nobody could have proved");
}

static const struct radius_calls calls = { .send = on_send, .random = draw, .answer = on_answer };

static void
check_walk(struct str in, const struct radius_packet *p)
{
	static const uint8_t asked[RADIUS_AUTHENTICATOR];
	struct radius_walk w = radius_walk(p);
	struct radius_value v;
	struct radius_grant g;
	size_t total = 0;

	while (radius_next(&w, &v)) {
		CLAIM(fuzz_within(in, v.value) && v.value.n <= RADIUS_VALUE_MAX);
		total += v.value.n + 2;
	}
	CLAIM(total <= p->attributes.n);
	radius_grant_read(p, servers[0].secret, asked, &g);
	CLAIM(g.nroutes <= RADIUS_ROUTES_MAX && g.nclass <= RADIUS_CLASS_MAX);
	for (uint32_t i = 0; i < g.nroutes; i++)
		CLAIM(g.routes[i].bits >= 1 && g.routes[i].bits <= 32);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct radius_login login = { .method = RADIUS_PAP, .user = STR("ana"), .password = STR("x") };
	struct radius_client c;
	struct radius_packet p;
	struct radius_order o;
	uint8_t id = size > 1 ? data[1] : 0;

	if (radius_read(in, &p) == 0) {
		CLAIM(fuzz_within(in, p.whole) && p.whole.n >= RADIUS_HEAD);
		check_walk(in, &p);
	}
	CLAIM(radius_open(&c, &calls, &id, servers, 1, STR("nas")) == 0);
	CLAIM(radius_ask(&c, 0, &login, &c) == 0);
	radius_receive(&c, &servers[0].addr, 1812, in);
	if (radius_order(&c, &servers[0].addr, in, &o) == 0)
		CLAIM(fuzz_within(in, o.user) && fuzz_within(in, o.session));
	CLAIM(c.npending == 1);
	radius_close(&c);
	return 0;
}
