/*
 * Two engines over a path that loses, repeats and reorders: tunnels come up or say why not, and both ends agree. Hostile
 * and clumsy peers; what may leave nothing behind.
 */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "gate/l2tp/engine.h"

#include <stdlib.h>

struct packet {
	struct side *to;
	int64_t at_us;
	struct l2tp_peer from;
	uint32_t n;
	uint8_t *bytes;
};

struct side {
	struct l2tp_engine *engine;
	struct net *net;
	struct side *other;
	unsigned opened, closed, tunnels_closed;
	struct l2tp_end last;
	bool redial;
	const struct l2tp_terms *terms;
};

struct net {
	uint64_t seed;
	unsigned loss, twice;
	int64_t jitter_us, now_us;
	struct packet *heap;           /* by time */
	size_t n, size;
	struct side client, server;
	uint64_t carried;
};

static uint64_t
draw(void *ctx)
{
	return prng_next(&((struct side *)ctx)->net->seed);
}

static void
push(struct net *net, struct packet p)
{
	if (net->n == net->size) {
		net->size = net->size ? net->size * 2 : 1024;
		net->heap = reallocarray(net->heap, net->size, sizeof(*net->heap));
		assert_non_null(net->heap);
	}
	size_t i = net->n++;
	for (; i > 0 && net->heap[(i - 1) / 2].at_us > p.at_us; i = (i - 1) / 2)
		net->heap[i] = net->heap[(i - 1) / 2];
	net->heap[i] = p;
}

static struct packet
pop(struct net *net)
{
	struct packet first = net->heap[0], last = net->heap[--net->n];
	size_t i = 0;

	for (;;) {
		size_t c = 2 * i + 1;
		if (c + 1 < net->n && net->heap[c + 1].at_us < net->heap[c].at_us)
			c++;
		if (c >= net->n || net->heap[c].at_us >= last.at_us)
			break;
		net->heap[i] = net->heap[c];
		i = c;
	}
	net->heap[i] = last;
	return first;
}

static void
put(struct side *s, const struct l2tp_peer *to, struct str datagram)
{
	struct net *net = s->net;
	struct packet p = { .to = s->other, .from = *to, .n = (uint32_t)datagram.n, .bytes = malloc(datagram.n + 1) };

	assert_non_null(p.bytes);
	memcpy(p.bytes, datagram.p, datagram.n);
	p.at_us = net->now_us + 500 + (net->jitter_us ? (int64_t)prng_below(&net->seed, (uint64_t)net->jitter_us) : 0);
	push(net, p);
	net->carried++;
}

/* The peer of a client's tunnel stands for the client: its port tells the tunnels apart, as through a NAT. */
static void
send_datagram(void *ctx, const struct l2tp_peer *to, struct str datagram)
{
	struct side *s = ctx;

	if (prng_below(&s->net->seed, 100) < s->net->loss)
		return;
	put(s, to, datagram);
	if (prng_below(&s->net->seed, 100) < s->net->twice)
		put(s, to, datagram);
}

static uint16_t
session_open(void *ctx, struct l2tp_session *s, const struct l2tp_message *said)
{
	(void)said;
	struct side *side = ctx;

	s->owner = side;
	side->opened++;
	return 0;
}

static void
session_closed(void *ctx, struct l2tp_session *s, const struct l2tp_end *why)
{
	struct side *side = ctx;

	(void)s;
	side->closed++;
	side->last = *why;
}

static void
tunnel_closed(void *ctx, struct l2tp_tunnel *t, const struct l2tp_end *why)
{
	struct side *side = ctx;

	side->tunnels_closed++;
	side->last = *why;
	if (side->redial)
		assert_non_null(l2tp_dial(side->engine, side->net->now_us, &t->peer, t->terms, t->owner));
}

static const struct l2tp_calls calls = {
	.send = send_datagram, .random = draw, .session_open = session_open, .session_closed = session_closed,
	.tunnel_closed = tunnel_closed,
};

static const struct l2tp_terms server_terms = {
	.host_name = STR_INIT("matriz"), .hello_us = 60000000, .max_tunnels = 20000, .max_starting = 1000,
	.max_per_source = 1000, .server = true,
};
static const struct l2tp_terms client_terms = { .host_name = STR_INIT("filial1"), .hello_us = 60000000 };

static struct net *
new_net(uint64_t seed, const struct l2tp_terms *server)
{
	struct net *net = calloc(1, sizeof(*net));

	assert_non_null(net);
	net->seed = seed;
	net->now_us = 1000000;
	net->client = (struct side){ .net = net, .other = &net->server };
	net->server = (struct side){ .net = net, .other = &net->client };
	net->client.engine = l2tp_engine_new(&calls, &net->client, NULL);
	net->server.engine = l2tp_engine_new(&calls, &net->server, server);
	assert_non_null(net->client.engine);
	assert_non_null(net->server.engine);
	return net;
}

static void
free_net(struct net *net)
{
	l2tp_engine_free(net->client.engine);
	l2tp_engine_free(net->server.engine);
	while (net->n)
		free(pop(net).bytes);
	free(net->heap);
	free(net);
}

static int
receive(struct side *s, const struct l2tp_peer *from, struct str datagram)
{
	struct l2tp_session *session;
	struct str frame;
	bool moved;

	return l2tp_receive(s->engine, s->net->now_us, from, datagram, &session, &frame, &moved);
}

static void
run(struct net *net, int64_t span_us)
{
	int64_t until = net->now_us + span_us;

	for (;;) {
		int64_t a = l2tp_due(net->client.engine), b = l2tp_due(net->server.engine);
		int64_t timer = a < b ? a : b;
		int64_t arrival = net->n ? net->heap[0].at_us : INT64_MAX;
		int64_t next = timer < arrival ? timer : arrival;
		if (next >= until)
			break;
		if (next > net->now_us)
			net->now_us = next;
		if (arrival <= timer) {
			struct packet p = pop(net);
			(void)!receive(p.to, &p.from, str_of((char *)p.bytes, p.n));
			free(p.bytes);
		} else {
			l2tp_tick(net->client.engine, net->now_us);
			l2tp_tick(net->server.engine, net->now_us);
		}
	}
	net->now_us = until;
}

static struct l2tp_tunnel *
dial(struct net *net, uint16_t port, const struct l2tp_terms *terms)
{
	struct l2tp_peer peer = { .addr.b = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 }, .port = port };

	return l2tp_dial(net->client.engine, net->now_us, &peer, terms, &net->client);
}

static void
test_opens_and_closes(void **state)
{
	struct net *net = new_net(1, &server_terms);

	(void)state;
	struct l2tp_tunnel *t = dial(net, 1701, &client_terms);
	run(net, 100000);
	assert_int_equal(net->client.opened, 1);
	assert_int_equal(net->server.opened, 1);
	assert_string_equal(t->peer_name, "matriz");
	l2tp_session_close(t->sessions, net->now_us, L2TP_CDN_ADMIN, STR("bye"));
	run(net, 100000);
	assert_int_equal(net->server.closed, 1);
	assert_true(net->server.last.by_peer && net->server.last.result == L2TP_CDN_ADMIN);
	assert_string_equal(net->server.last.text, "bye");
	assert_int_equal(net->client.tunnels_closed, 1);
	run(net, 100000000);
	assert_int_equal(net->client.engine->ntunnels + net->server.engine->ntunnels, 0);
	free_net(net);
}

/* Calls on the way whose number only who has the secret can read. */
static unsigned
hidden_calls(const struct net *net, struct str secret)
{
	unsigned n = 0;

	for (size_t i = 0; i < net->n; i++) {
		struct l2tp_message blind, seeing;
		struct l2tp_head h;
		if (l2tp_head_read(str_of((char *)net->heap[i].bytes, net->heap[i].n), &h) < 0 || !h.control)
			continue;
		(void)!l2tp_message_read(h.payload, STR_NULL, &blind);
		(void)!l2tp_message_read(h.payload, secret, &seeing);
		n += seeing.type == L2TP_ICRQ && l2tp_has(&seeing, L2TP_SESSION_ID) && !l2tp_has(&blind, L2TP_SESSION_ID);
	}
	return n;
}

/* What is hidden is not on the wire, and both ends understand each other all the same. */
static void
test_hidden(void **state)
{
	struct l2tp_terms c = client_terms, s = server_terms;
	static const char vendor[] = "Guarita";

	(void)state;
	c.secret = s.secret = STR("segredo");
	c.hide = s.hide = true;
	struct net *net = new_net(61, &s);
	dial(net, 1701, &c);
	assert_int_equal(net->n, 1);
	struct str sent = str_of((char *)net->heap[0].bytes, net->heap[0].n);
	/* The host name may not be hidden; what we are is not told. */
	assert_true(str_find(sent, STR("filial1")) < sent.n);
	assert_int_equal(str_find(sent, str_z(vendor)), sent.n);
	run(net, 1200);
	assert_int_equal(hidden_calls(net, c.secret), 1);
	run(net, 100000);
	assert_int_equal(net->client.opened, 1);
	assert_int_equal(net->server.opened, 1);
	free_net(net);
}

/* Both dial each other at the same moment: one tunnel stands, whose number was lower; a second may follow later. */
static void
test_tie(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct net *net = new_net(70 + i, &server_terms);
		l2tp_engine_free(net->client.engine);
		net->client.engine = l2tp_engine_new(&calls, &net->client, &server_terms);
		struct l2tp_tunnel *one = dial(net, 1701, &client_terms);
		struct l2tp_tunnel *two = l2tp_dial(net->server.engine, net->now_us, &one->peer, &client_terms, &net->server);
		assert_true(one->tie != 0 && two->tie != 0 && one->tie != two->tie);
		bool first = one->tie < two->tie;
		run(net, 5000000);
		assert_int_equal(net->client.opened, 1);
		assert_int_equal(net->server.opened, 1);
		assert_int_equal(net->client.tunnels_closed, first ? 0 : 1);
		assert_int_equal(net->server.tunnels_closed, first ? 1 : 0);
		assert_int_equal((first ? &net->server : &net->client)->last.result, L2TP_STOP_EXISTS);
		assert_non_null(dial(net, 1701, &client_terms));
		run(net, 1000000);
		assert_int_equal(net->server.opened, 2);
		free_net(net);
	}
}

static void
test_secrets(void **state)
{
	static const struct { struct str client, server; unsigned opened; uint16_t result; } cases[] = {
		{ STR_INIT("segredo"), STR_INIT("segredo"), 1, 0 },
		{ STR_INIT("segredo"), STR_INIT("outro"), 0, L2TP_STOP_AUTH },
		{ STR_INIT("segredo"), STR_INIT(""), 0, L2TP_STOP_AUTH },
		{ STR_INIT(""), STR_INIT("segredo"), 0, L2TP_STOP_AUTH },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct l2tp_terms c = client_terms, s = server_terms;
		c.secret = cases[i].client;
		s.secret = cases[i].server;
		struct net *net = new_net(2 + i, &s);
		dial(net, 1701, &c);
		run(net, 5000000);
		if (net->server.opened != cases[i].opened || net->client.last.result != cases[i].result)
			fail_msg("case %zu: %u opened, result %u", i, net->server.opened, net->client.last.result);
		free_net(net);
	}
}

/* The simulation of the plan: 10,000 tunnels, 30 % lost, 20 % repeated, all reordered: none is stuck. */
static void
test_storm(void **state)
{
	struct net *net = new_net(3, &server_terms);
	unsigned tunnels = 10000;

	(void)state;
	net->loss = 30;
	net->twice = 20;
	net->jitter_us = 100000;
	net->client.redial = true;
	for (unsigned i = 0; i < tunnels; i++)
		assert_non_null(dial(net, (uint16_t)(1024 + i), &client_terms));
	run(net, 600000000);
	assert_true(net->client.opened >= tunnels);
	/* An end that was given up and could not be told finds out by its HELLO. */
	net->loss = 0;
	run(net, 200000000);
	unsigned standing = 0;
	for (unsigned i = 1; i < 65536; i++) {
		struct l2tp_tunnel *t = net->client.engine->tunnels[i];
		if (t == NULL || t->state == L2TP_LINGERING)
			continue;
		assert_int_equal(t->state, L2TP_ESTABLISHED);
		assert_non_null(t->sessions);
		assert_int_equal(t->sessions->state, L2TP_S_ESTABLISHED);
		struct l2tp_tunnel *far = net->server.engine->tunnels[t->peer_id];
		assert_non_null(far);
		assert_int_equal(far->peer_id, t->id);
		assert_int_equal(far->state, L2TP_ESTABLISHED);
		assert_int_equal(net->server.engine->sessions[t->sessions->peer_id]->peer_id, t->sessions->id);
		standing++;
	}
	assert_int_equal(standing, tunnels);
	free_net(net);
}

/* A mute path: both ends notice by HELLO, and forget. */
static void
test_mute(void **state)
{
	struct net *net = new_net(4, &server_terms);

	(void)state;
	dial(net, 1701, &client_terms);
	run(net, 200000000);
	assert_int_equal(net->client.opened, 1);
	assert_int_equal(net->client.closed, 0);
	net->loss = 100;
	run(net, 200000000);
	assert_int_equal(net->client.closed, 1);
	assert_int_equal(net->server.closed, 1);
	assert_int_equal(net->client.last.result, 0);
	assert_int_equal(net->client.engine->ntunnels + net->server.engine->ntunnels, 0);
	free_net(net);
}

/* A NAT gives the client a new port: the tunnel goes on. */
static void
test_port_change(void **state)
{
	struct l2tp_terms quiet = server_terms;

	(void)state;
	quiet.hello_us = 1000000000;
	struct net *net = new_net(5, &quiet);
	struct l2tp_tunnel *t = dial(net, 1701, &client_terms);
	run(net, 1000000);
	uint16_t far = t->peer_id;
	t->peer.port = 40000;
	run(net, 130000000);
	assert_int_equal(net->client.closed + net->server.closed, 0);
	assert_int_equal(net->server.engine->tunnels[far]->peer.port, 40000);
	free_net(net);
}

/*
 * Two behind one address and in one kind of tunnel of IPsec: address, port and number are the same, only the association that
 * they came by is not. Each has its own tunnel; what is protected is not followed into the open.
 */
static void
test_twins(void **state)
{
	struct net *net = new_net(6, &server_terms);
	struct l2tp_peer from = { .addr.b = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 }, .port = 1701 };
	uint8_t room[L2TP_MESSAGE_MAX];
	struct enc e = enc_of(room, sizeof(room));

	(void)state;
	l2tp_begin(&e, L2TP_SCCRQ, 0, 0);
	l2tp_put(&e, L2TP_PROTOCOL_VERSION, 0x0100);
	l2tp_put(&e, L2TP_FRAMING_CAPS, 3);
	l2tp_put_bytes(&e, L2TP_HOST_NAME, STR("twin"));
	l2tp_put(&e, L2TP_TUNNEL_ID, 1);
	struct str request = str_of((char *)room, l2tp_end(&e));
	for (from.mark = 1; from.mark <= 2; from.mark++) {
		(void)!receive(&net->server, &from, request);
		(void)!receive(&net->server, &from, request);
		assert_int_equal(net->server.engine->ntunnels, from.mark);
	}
	assert_true(net->n >= 2);
	for (size_t i = 0; i < net->n; i++)
		assert_true(net->heap[i].from.mark == 1 || net->heap[i].from.mark == 2);
	for (uint32_t id = 0; id < 65536; id++) {
		struct l2tp_tunnel *t = net->server.engine->tunnels[id];
		if (t == NULL)
			continue;
		uint32_t mark = t->peer.mark;
		l2tp_tunnel_follow(t, &(struct l2tp_peer){ .addr = from.addr, .port = 1701 });
		assert_int_equal(t->peer.mark, mark);
		l2tp_tunnel_follow(t, &(struct l2tp_peer){ .addr = from.addr, .port = 1701, .mark = 7 + mark });
		assert_int_equal(t->peer.mark, 7 + mark);
	}
	free_net(net);
}

/* Messages in the wrong state, tables 7.2.1 and 7.4: what each leads to. */
static void
test_disorder(void **state)
{
	static const struct { enum l2tp_message_type type; unsigned closed_sessions; bool tunnel_stands; } cases[] = {
		{ L2TP_SCCRQ, 1, false }, { L2TP_SCCRP, 1, false }, { L2TP_SCCCN, 1, false }, { L2TP_HELLO, 0, true },
		{ L2TP_ICRP, 1, true }, { L2TP_ICCN, 1, true }, { L2TP_CDN, 1, true }, { L2TP_WEN, 0, true },
		{ L2TP_SLI, 0, true }, { L2TP_OCRQ, 0, true }, { L2TP_OCRP, 1, true }, { L2TP_OCCN, 1, true },
		{ L2TP_STOPCCN, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct net *net = new_net(6, &server_terms);
		uint8_t room[500];
		struct enc e = enc_of(room, sizeof(room));
		struct l2tp_tunnel *t = dial(net, 1701, &client_terms);
		run(net, 1000000);
		struct l2tp_tunnel *far = net->server.engine->tunnels[t->peer_id];
		l2tp_begin(&e, cases[i].type, t->peer_id, t->sessions->peer_id);
		if (cases[i].type == L2TP_OCRQ)
			l2tp_put(&e, L2TP_SESSION_ID, 77);
		assert_true(l2tp_end(&e) > 0);
		room[9] = (uint8_t)far->channel.nr;
		room[11] = (uint8_t)far->channel.ns;
		assert_int_equal(receive(&net->server, &t->peer, str_of((char *)room, e.n)), 0);
		if (net->server.closed != cases[i].closed_sessions ||
		    (far->state == L2TP_ESTABLISHED) != cases[i].tunnel_stands)
			fail_msg("%s: %u sessions closed, tunnel state %u", l2tp_message_name(cases[i].type),
			    net->server.closed, far->state);
		free_net(net);
	}
}

/* Noise, whole and cut messages to no tunnel: not a byte is kept, and little is answered. */
static void
test_garbage(void **state)
{
	struct net *net = new_net(7, &server_terms);
	struct l2tp_peer from = { .addr.b = { 1 }, .port = 1 };
	uint8_t bytes[200];

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		size_t n = prng_below(&net->seed, sizeof(bytes));
		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)prng_next(&net->seed);
		if (i % 2 && n > 12)
			memcpy(bytes, "\xc8\x02\0\x0c\0\0\0\0\0\0\0\0", 12);
		if (i % 2 && n > 20) {
			bytes[3] = (uint8_t)n;
			memcpy(bytes + 12, "\x80\x08\0\0\0\0\0\1", 8);
		}
		assert_int_equal(receive(&net->server, &from, str_of((char *)bytes, n)), 0);
	}
	assert_int_equal(net->server.engine->ntunnels, 0);
	assert_true(net->carried <= 50);
	free_net(net);
}

/* Half-open tunnels are bounded, in all and for one source; those that stand are not touched. */
static void
test_half_open(void **state)
{
	struct l2tp_terms s = server_terms;
	uint8_t room[500];

	(void)state;
	s.max_starting = 100;
	s.max_per_source = 20;
	struct net *net = new_net(8, &s);
	dial(net, 1701, &client_terms);
	run(net, 1000000);
	for (unsigned i = 0; i < 5000; i++) {
		struct l2tp_peer from = { .addr.b = { 1, (uint8_t)(i % 50) }, .port = (uint16_t)i };
		struct enc e = enc_of(room, sizeof(room));
		l2tp_begin(&e, L2TP_SCCRQ, 0, 0);
		l2tp_put(&e, L2TP_PROTOCOL_VERSION, 0x0100);
		l2tp_put_bytes(&e, L2TP_HOST_NAME, STR("flood"));
		l2tp_put(&e, L2TP_FRAMING_CAPS, 3);
		l2tp_put(&e, L2TP_TUNNEL_ID, 1 + i);
		assert_true(l2tp_end(&e) > 0);
		assert_int_equal(receive(&net->server, &from, str_of((char *)room, e.n)), 0);
		assert_true(net->server.engine->nstarting <= 100);
	}
	assert_true(net->server.engine->counters.limited >= 4900);
	net->loss = 100;
	run(net, 40000000);
	net->loss = 0;
	assert_true(net->server.engine->ntunnels <= 101);
	run(net, 200000000);
	assert_int_equal(net->server.engine->nstarting, 0);
	free_net(net);
}

/* A version that we do not speak is told which one we do; there is a limit to that. */
static void
test_other_versions(void **state)
{
	struct net *net = new_net(9, &server_terms);
	struct l2tp_peer from = { .addr.b = { 1 }, .port = 1 };

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(receive(&net->server, &from, str_of("\xc8\x03\0\x0c\0\0\0\0\0\0\0\0", 12)), 0);
	assert_int_equal(net->server.engine->counters.versions, 1000);
	assert_true(net->n > 0 && net->n <= 50);
	free_net(net);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_and_closes), cmocka_unit_test(test_secrets), cmocka_unit_test(test_hidden), cmocka_unit_test(test_tie), cmocka_unit_test(test_storm),
		cmocka_unit_test(test_mute), cmocka_unit_test(test_port_change), cmocka_unit_test(test_twins), cmocka_unit_test(test_disorder),
		cmocka_unit_test(test_garbage), cmocka_unit_test(test_half_open), cmocka_unit_test(test_other_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
