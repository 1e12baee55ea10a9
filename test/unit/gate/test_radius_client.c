/* Questions that are repeated and go to the next server, answers that are believed and those that are not, orders. */
#include "../base/cmocka_std.h"
#include "gate/radius/client.h"

static const struct radius_server servers[] = {
	{ .secret = STR_INIT("um"), .addr = { .b = { [10] = 0xff, 0xff, 10, 0, 0, 1 } }, .auth_port = 1812, .acct_port = 1813,
	  .timeout_us = 1000000 },
	{ .secret = STR_INIT("dois"), .addr = { .b = { [10] = 0xff, 0xff, 10, 0, 0, 2 } }, .auth_port = 1645, .acct_port = 1646,
	  .timeout_us = 1000000 },
};

struct world {
	struct radius_client client;
	uint64_t seed;
	unsigned sent[2], answers;
	const struct radius_server *to;
	uint16_t port;
	uint8_t last[RADIUS_MAX];      /* that was sent */
	size_t n;
	void *owner;
	struct radius_grant grant;
};

static uint64_t
draw(void *ctx)
{
	return ((struct world *)ctx)->seed += UINT64_C(0x9e3779b97f4a7c15);
}

static void
on_send(void *ctx, const struct radius_server *to, uint16_t port, struct str datagram)
{
	struct world *w = ctx;

	w->sent[to - servers]++;
	w->to = to;
	w->port = port;
	w->n = datagram.n;
	memcpy(w->last, datagram.p, datagram.n);
}

static void
on_answer(void *ctx, void *owner, const struct radius_grant *g)
{
	struct world *w = ctx;

	w->answers++;
	w->owner = owner;
	w->grant = *g;
}

static const struct radius_calls calls = { .send = on_send, .random = draw, .answer = on_answer };

static void
begin(struct world *w)
{
	*w = (struct world){ .seed = 5 };
	assert_int_equal(radius_open(&w->client, &calls, w, servers, 2, STR("matriz")), 0);
}

static void
ask(struct world *w, int64_t now_us, void *owner)
{
	const struct radius_login l = { .method = RADIUS_PAP, .user = STR("ana"), .password = STR("da-ana"),
		.calling = STR("192.0.2.2"), .session = STR("00") };

	assert_int_equal(radius_ask(&w->client, now_us, &l, owner), 0);
}

/* The answer of who knows `secret` to the last question. */
static void
answer(struct world *w, enum radius_code code, struct str secret, bool proved)
{
	uint8_t room[RADIUS_MAX];
	struct enc e = enc_of(room, sizeof(room));

	radius_begin(&e, code, w->last[1], w->last + 4, proved);
	radius_put_number(&e, RADIUS_FRAMED_ADDRESS, 0x0a090707);
	radius_put_number(&e, RADIUS_SESSION_TIMEOUT, 60);
	radius_put(&e, RADIUS_FRAMED_ROUTE, STR("192.168.30.0/24 0.0.0.0 1"));
	radius_put(&e, RADIUS_FRAMED_ROUTE, STR("no network"));
	radius_put(&e, RADIUS_FRAMED_PREFIX6, str_of("\0\x40\x20\x01\x0d\xb8\0\x09\0\x77", 10));
	radius_put(&e, RADIUS_DELEGATED_PREFIX6, str_of("\0\x30\x20\x01\x0d\xb8\0\x40", 8));
	radius_put(&e, RADIUS_DELEGATED_PREFIX6, str_of("\0\x50\x20\x01", 4));
	radius_put(&e, RADIUS_FILTER_ID, STR("people"));
	radius_put(&e, RADIUS_FRAMED_POOL, STR("road"));
	radius_put_vendor(&e, RADIUS_MIKROTIK, RADIUS_MIKROTIK_RATE, STR("2M/10M 3M/12M"));
	size_t n = radius_end_answer(&e, secret, w->last + 4);
	assert_true(n > 0);
	radius_receive(&w->client, &w->to->addr, w->port, str_of((const char *)room, n));
}

static void
a_grant_is_read(void **state)
{
	struct world w;
	int me;

	(void)state;
	begin(&w);
	ask(&w, 0, &me);
	assert_int_equal(w.answers, 0);
	answer(&w, RADIUS_ACCESS_ACCEPT, servers[0].secret, true);
	assert_int_equal(w.answers, 1);
	assert_ptr_equal(w.owner, &me);
	assert_int_equal(w.grant.verdict, RADIUS_GRANTED);
	assert_int_equal(w.grant.address, 0x0a090707);
	assert_int_equal(w.grant.limits.session_us, 60000000);
	assert_int_equal(w.grant.limits.rate[LIMITS_IN], 250000);
	assert_int_equal(w.grant.limits.rate[LIMITS_OUT], 1250000);
	assert_int_equal(w.grant.nroutes, 1);
	assert_int_equal(w.grant.routes[0].bits, 24);
	assert_true(w.grant.prefix == UINT64_C(0x20010db800090077));
	assert_int_equal(w.grant.ndelegated, 1);
	assert_true(w.grant.delegated[0].net == UINT64_C(0x20010db800400000) && w.grant.delegated[0].bits == 48);
	assert_string_equal(w.grant.list, "people");
	assert_string_equal(w.grant.pool, "road");
	assert_int_equal(radius_due(&w.client), INT64_MAX);
	/* The same answer again is nobody's. */
	answer(&w, RADIUS_ACCESS_ACCEPT, servers[0].secret, true);
	assert_int_equal(w.answers, 1);
	radius_close(&w.client);
}

static void
what_is_not_proved_is_not_believed(void **state)
{
	struct world w;
	int me;

	(void)state;
	begin(&w);
	ask(&w, 0, &me);
	answer(&w, RADIUS_ACCESS_ACCEPT, STR("outro"), true);
	answer(&w, RADIUS_ACCESS_ACCEPT, servers[0].secret, false);
	assert_int_equal(w.client.counters.forged, 2);
	answer(&w, RADIUS_ACCT_RESPONSE, servers[0].secret, true);
	w.port++;
	answer(&w, RADIUS_ACCESS_ACCEPT, servers[0].secret, true);
	assert_int_equal(w.client.counters.stray, 2);
	assert_int_equal(w.answers, 0);
	w.port--;
	answer(&w, RADIUS_ACCESS_REJECT, servers[0].secret, true);
	assert_int_equal(w.answers, 1);
	assert_int_equal(w.grant.verdict, RADIUS_REFUSED);
	radius_close(&w.client);
}

static void
the_next_server_is_asked_in_time(void **state)
{
	struct world w;
	int64_t now = 0;
	int me;

	(void)state;
	begin(&w);
	ask(&w, now, &me);
	while (w.sent[1] == 0) {
		now = radius_due(&w.client);
		radius_tick(&w.client, now);
	}
	assert_int_equal(w.sent[0], RADIUS_TRIES);
	assert_int_equal(now, 7000000);
	answer(&w, RADIUS_ACCESS_ACCEPT, servers[1].secret, true);
	assert_int_equal(w.answers, 1);
	/* It answered: it is asked first from now on. */
	ask(&w, now, &me);
	assert_ptr_equal(w.to, &servers[1]);
	while (radius_due(&w.client) != INT64_MAX)
		radius_tick(&w.client, radius_due(&w.client));
	assert_int_equal(w.answers, 2);
	assert_int_equal(w.grant.verdict, RADIUS_SILENT);
	radius_close(&w.client);
}

static void
the_gone_are_not_answered(void **state)
{
	struct world w;
	int me;

	(void)state;
	begin(&w);
	ask(&w, 0, &me);
	radius_forget(&w.client, &me);
	answer(&w, RADIUS_ACCESS_ACCEPT, servers[0].secret, true);
	assert_int_equal(w.answers, 0);
	assert_int_equal(w.client.npending, 0);
	radius_close(&w.client);
}

static void
too_many_questions_are_refused(void **state)
{
	const struct radius_report r = { .status = RADIUS_STOP, .user = STR("ana"), .in_bytes = UINT64_C(5) << 32 | 7 };
	struct radius_packet p;
	struct world w;
	struct str v;

	(void)state;
	begin(&w);
	for (unsigned i = 0; i < RADIUS_PENDING; i++)
		assert_int_equal(radius_tell(&w.client, 0, &r), 0);
	assert_true(radius_tell(&w.client, 0, &r) < 0);
	assert_int_equal(w.client.counters.reports_lost, 1);
	assert_int_equal(radius_read(str_of((const char *)w.last, w.n), &p), 0);
	assert_true(radius_request_is_good(&p, servers[0].secret));
	assert_true(radius_find(&p, 0, RADIUS_IN_GIGAWORDS, &v) && radius_number(v) == 5);
	assert_true(radius_find(&p, 0, RADIUS_IN_OCTETS, &v) && radius_number(v) == 7);
	radius_close(&w.client);
}

static void
orders_of_servers_alone(void **state)
{
	static const uint8_t none[RADIUS_AUTHENTICATOR];
	static const struct addr stranger = { .b = { [10] = 0xff, 0xff, 10, 0, 0, 9 } };
	uint8_t room[RADIUS_MAX], back[RADIUS_MAX];
	struct enc e = enc_of(room, sizeof(room));
	struct radius_packet p;
	struct radius_order o;
	struct world w;

	(void)state;
	begin(&w);
	radius_begin(&e, RADIUS_COA, 3, none, true);
	radius_put(&e, RADIUS_USER_NAME, STR("ana"));
	radius_put_number(&e, RADIUS_IDLE_TIMEOUT, 9);
	struct str in = str_of((const char *)room, radius_end_request(&e, servers[1].secret));
	assert_true(radius_order(&w.client, &stranger, in, &o) < 0);
	assert_true(radius_order(&w.client, &servers[0].addr, in, &o) < 0);
	assert_int_equal(radius_order(&w.client, &servers[1].addr, in, &o), 0);
	assert_false(o.disconnect);
	assert_true(str_eq(o.user, STR("ana")));
	assert_int_equal(o.limits.idle_us, 9000000);
	size_t n = radius_order_answer(&w.client, &servers[1].addr, &o, 503, back);
	assert_int_equal(radius_read(str_of((const char *)back, n), &p), 0);
	assert_int_equal(p.code, RADIUS_COA_NAK);
	assert_true(radius_answer_is_good(&p, room + 4, servers[1].secret, true));
	radius_close(&w.client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_is_read), cmocka_unit_test(what_is_not_proved_is_not_believed),
		cmocka_unit_test(the_next_server_is_asked_in_time), cmocka_unit_test(the_gone_are_not_answered),
		cmocka_unit_test(too_many_questions_are_refused), cmocka_unit_test(orders_of_servers_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
