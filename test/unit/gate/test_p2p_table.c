/* Many connections at once: both ways are one, translated or not; a finding is told once; only our hosts are scored. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "base/when.h"
#include "gate/p2p/table.h"

static struct cidr lan = { .net.b = { [10] = 255, [11] = 255, 192, 168 }, .bits = 112 };

static struct addr
v4(uint32_t a)
{
	return (struct addr){ .b = { [10] = 0xff, [11] = 0xff, (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8),
		(uint8_t)a } };
}

#define CLIENT 0xc0a80009u
#define GATE 0xcb00710au
#define SERVER 0xcb007109u

static struct packet
udp(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, struct str payload)
{
	return (struct packet){ .family = 4, .src = v4(src), .dst = v4(dst), .protocol = P2P_UDP, .has_ports = true,
		.sport = sport, .dport = dport, .payload = payload };
}

static const struct str syn = STR_INIT("\x41\0\x12\x34\0\0\0\x01\0\0\0\0\0\x04\0\0\0\x01\0\0");
static const struct str reply_state = STR_INIT("\x21\0\x12\x34\0\0\0\x02\0\0\0\x01\0\x04\0\0\x55\x55\0\x01");

static void
test_the_answer_to_a_hidden_client(void **state)
{
	struct p2p_table *t = p2p_table_new((struct conf_cidrs){ .v = &lan, .n = 1 }, 7);
	struct packet first = udp(CLIENT, 5000, SERVER, 6881, syn), answer = udp(SERVER, 6881, GATE, 5000, reply_state);

	assert_int_equal(p2p_table_packet(t, &first, false, 0).is, P2P_NONE);
	assert_int_equal(p2p_table_packet(t, &answer, true, 0).is, P2P_UTP);
	assert_int_equal(p2p_table_packet(t, &answer, true, 0).is, P2P_NONE);
	p2p_table_free(t);
}

static void
test_another_connection_is_another(void **state)
{
	struct p2p_table *t = p2p_table_new((struct conf_cidrs){ .v = &lan, .n = 1 }, 7);
	struct packet first = udp(CLIENT, 5000, SERVER, 6881, syn), answer = udp(SERVER, 6881, GATE, 5001, reply_state);

	assert_int_equal(p2p_table_packet(t, &first, false, 0).is, P2P_NONE);
	assert_int_equal(p2p_table_packet(t, &answer, true, 0).is, P2P_NONE);
	p2p_table_free(t);
}

static void
test_only_our_hosts_towards_strangers_are_scored(void **state)
{
	struct p2p_table *t = p2p_table_new((struct conf_cidrs){ .v = &lan, .n = 1 }, 7);
	struct str dht = STR("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe");
	struct packet out = udp(CLIENT, 5000, SERVER, 6881, dht), within = udp(CLIENT, 5000, CLIENT + 1, 6881, dht);
	struct packet foreign = udp(SERVER, 5000, SERVER + 1, 6881, dht);

	assert_int_equal(p2p_table_packet(t, &out, false, 0).host.flows, 1);
	assert_int_equal(p2p_table_packet(t, &within, false, 0).host.flows, 0);
	assert_int_equal(p2p_table_packet(t, &foreign, false, 0).host.flows, 0);
	/* Ours is also who is called from outside. */
	struct packet in = udp(SERVER + 2, 5000, CLIENT, 6881, dht);
	assert_int_equal(p2p_table_packet(t, &in, false, 0).host.flows, 2);
	p2p_table_free(t);
}

static void
test_fragments_and_empty_ones_tell_nothing(void **state)
{
	struct p2p_table *t = p2p_table_new((struct conf_cidrs){ .v = &lan, .n = 1 }, 7);
	struct packet p = udp(CLIENT, 5000, SERVER, 6881, STR("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"));

	p.fragment = true;
	assert_int_equal(p2p_table_packet(t, &p, false, 0).is, P2P_NONE);
	p.fragment = false;
	p.payload = STR_NULL;
	assert_int_equal(p2p_table_packet(t, &p, false, 0).is, P2P_NONE);
	p2p_table_free(t);
}

/* More connections than there is room: old ones are pushed out, nothing is told wrong. */
static void
test_too_many_connections(void **state)
{
	struct p2p_table *t = p2p_table_new((struct conf_cidrs){ .v = &lan, .n = 1 }, 7);
	uint64_t seed = 5;

	for (int i = 0; i < 300000; i++) {
		uint64_t r = prng_next(&seed);
		struct packet p = udp(CLIENT, (uint16_t)r, (uint32_t)(r >> 32), (uint16_t)(r >> 16), STR("hello"));

		assert_int_equal(p2p_table_packet(t, &p, r & 1, i).is, P2P_NONE);
	}
	p2p_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_answer_to_a_hidden_client),
		cmocka_unit_test(test_another_connection_is_another),
		cmocka_unit_test(test_only_our_hosts_towards_strangers_are_scored),
		cmocka_unit_test(test_fragments_and_empty_ones_tell_nothing),
		cmocka_unit_test(test_too_many_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
