/* Hosts that behave like encrypted peers, and busy hosts that do not. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "base/when.h"
#include "gate/p2p/score.h"

#define HOSTS 64

static struct addr
v4(uint32_t a)
{
	return (struct addr){ .b = { [10] = 0xff, [11] = 0xff, (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8),
		(uint8_t)a } };
}

static struct str
noise(uint64_t *seed, char bytes[96])
{
	for (size_t k = 0; k < 96; k += 8) {
		uint64_t r = prng_next(seed);
		memcpy(bytes + k, &r, 8);
	}
	bytes[0] |= 0x41;      /* none of the heads that say who they are */
	return str_of(bytes, 96);
}

static void
test_an_encrypted_peer_is_found(void **state)
{
	struct p2p_scores *t = p2p_scores_new(HOSTS, 1);
	struct p2p_host_state st = { 0 };
	uint64_t seed = 7;
	char bytes[96];
	int flows = 0, changes = 0;

	while (!st.suspect && flows < 200) {
		struct p2p_seen seen = { .now_us = flows * WHEN_SECOND / 5, .host = v4(0x0a000001),
			.peer = v4((uint32_t)prng_next(&seed)), .proto = flows % 3 ? P2P_UDP : P2P_TCP,
			.host_port = flows % 3 ? 51413 : (uint16_t)(40000 + flows),
			.peer_port = (uint16_t)(1024 + prng_below(&seed, 60000)), .payload = noise(&seed, bytes) };

		st = p2p_scores_flow(t, &seen);
		changes += st.changed;
		flows++;
	}
	assert_true(st.suspect);
	assert_int_equal(changes, 1);
	assert_in_range(flows, 10, 60);
	p2p_scores_free(t);
}

/* A name server, a browser, a call, a monitoring station: many flows, many peers, and nothing to reproach. */
static void
test_busy_hosts_stay_calm(void **state)
{
	static const struct { const char *what; enum p2p_proto proto; uint16_t host_port, peer_port; bool noise; } habits[] = {
		{ "name server asking the world", P2P_UDP, 0, 53, false },
		{ "browser over QUIC", P2P_UDP, 0, 443, true },
		{ "browser over TLS", P2P_TCP, 0, 443, true },
		{ "mail server", P2P_TCP, 0, 25, false },
		{ "web server", P2P_TCP, 443, 0, true },
		{ "VPN server", P2P_UDP, 1701, 1701, false },
		{ "telephone exchange", P2P_UDP, 0, 5060, false },
		{ "time server's clients", P2P_UDP, 123, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(habits); i++) {
		struct p2p_scores *t = p2p_scores_new(HOSTS, 1);
		uint64_t seed = i;
		char bytes[96];

		for (int k = 0; k < 5000; k++) {
			struct p2p_seen seen = { .now_us = k * WHEN_SECOND / 100, .host = v4(0x0a000001),
				.peer = v4((uint32_t)prng_next(&seed)), .proto = habits[i].proto,
				.host_port = habits[i].host_port ? habits[i].host_port : (uint16_t)(1024 + prng_below(&seed, 60000)),
				.peer_port = habits[i].peer_port ? habits[i].peer_port : (uint16_t)(1024 + prng_below(&seed, 60000)),
				.payload = habits[i].noise ? noise(&seed, bytes) : STR("hello, I am text and no noise at all, see?") };

			if (p2p_scores_flow(t, &seen).suspect)
				fail_msg("%s is suspect after %d flows", habits[i].what, k);
		}
		p2p_scores_free(t);
	}
}

static struct p2p_host_state
known(struct p2p_scores *t, uint32_t host, int64_t now_us, enum p2p_class is)
{
	struct p2p_seen seen = { .now_us = now_us, .host = v4(host), .peer = v4(1), .proto = P2P_UDP, .host_port = 6881,
		.peer_port = 6881, .is = is };

	return p2p_scores_flow(t, &seen);
}

static void
test_a_known_peer_calms_down_in_time(void **state)
{
	struct p2p_scores *t = p2p_scores_new(HOSTS, 1);

	for (int i = 0; i < 2; i++)
		assert_false(known(t, 1, 0, P2P_DHT).suspect);
	assert_true(known(t, 1, 0, P2P_DHT).suspect);
	assert_true(known(t, 1, 31 * WHEN_SECOND, P2P_NONE).suspect);
	assert_false(known(t, 1, 92 * WHEN_SECOND, P2P_NONE).suspect);
	p2p_scores_free(t);
}

static void
test_the_longest_silent_host_makes_room(void **state)
{
	struct p2p_scores *t = p2p_scores_new(HOSTS, 1);

	for (uint32_t i = 0; i < 10 * HOSTS; i++)
		(void)known(t, i, i, P2P_DHT);
	assert_int_equal(p2p_scores_forgotten(t), 9 * HOSTS);
	(void)known(t, 10 * HOSTS - 1, 10 * HOSTS, P2P_DHT);
	assert_true(known(t, 10 * HOSTS - 1, 10 * HOSTS, P2P_DHT).suspect);
	assert_false(known(t, 0, 10 * HOSTS, P2P_DHT).suspect);
	p2p_scores_free(t);
}

static void
test_noise(void **state)
{
	static const struct str clear[] = {
		STR_INIT("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\x8f\x12\x99\xaa\x01\x72\x73\x19\xab\xcd\xef\x31\x5e\x77\x20\x42\x4f\xd3\xe1\x05\x9b"),
		STR_INIT("GET / HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: test\r\n\r\n"),
		STR_INIT("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3 and more of it to be long\r\n"),
		STR_INIT("short"),
	};
	uint64_t seed = 3;
	char bytes[96];
	int hits = 0;

	for (size_t i = 0; i < ARRAY_LEN(clear); i++)
		assert_false(p2p_noise(clear[i]));
	for (int i = 0; i < 10000; i++)
		hits += p2p_noise(noise(&seed, bytes));
	assert_true(hits > 9000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_encrypted_peer_is_found),
		cmocka_unit_test(test_busy_hosts_stay_calm),
		cmocka_unit_test(test_a_known_peer_calms_down_in_time),
		cmocka_unit_test(test_the_longest_silent_host_makes_room),
		cmocka_unit_test(test_noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
