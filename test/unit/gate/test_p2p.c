/* Peer-to-peer protocols by their first payload, and everything that must never be taken for one. */
#include <stdlib.h>

#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "gate/p2p/p2p.h"
#include "gate/policy/policy.h"

#define ID20 "abcdefghij0123456789"
#define HASH16 "0123456789abcdef"

struct payload_case {
	const char *what;
	enum p2p_proto proto;
	enum p2p_class want;
	struct str bytes;
};

static const struct payload_case cases[] = {
	{ "handshake", P2P_TCP, P2P_BITTORRENT,
		STR_INIT("\x13" "BitTorrent protocol" "\0\0\0\0\0\x10\0\x05" ID20 "-TR3000-abcdefghijkl") },
	{ "handshake, first segment only", P2P_TCP, P2P_BITTORRENT, STR_INIT("\x13" "BitTorrent protocol") },
	{ "announce", P2P_TCP, P2P_TRACKER,
		STR_INIT("GET /announce?info_hash=%12&peer_id=-TR3000-x&port=51413&left=0 HTTP/1.1\r\nHost: t\r\n\r\n") },
	{ "scrape", P2P_TCP, P2P_TRACKER, STR_INIT("GET /scrape?info_hash=%12 HTTP/1.1\r\n\r\n") },
	{ "eDonkey hello", P2P_TCP, P2P_EDONKEY,
		STR_INIT("\xe3\x22\0\0\0\x01\x10" HASH16 "\1\2\3\4\x36\x12\0\0\0\0" "\1\2\3\4\x35\x12") },
	{ "eDonkey login", P2P_TCP, P2P_EDONKEY, STR_INIT("\xe3\x1b\0\0\0\x01" HASH16 "\0\0\0\0\x36\x12\0\0\0\0") },
	{ "eDonkey answer", P2P_TCP, P2P_EDONKEY,
		STR_INIT("\xe3\x21\0\0\0\x4c" HASH16 "\1\2\3\4\x36\x12\0\0\0\0" "\1\2\3\4\x35\x12") },
	{ "Gnutella", P2P_TCP, P2P_GNUTELLA, STR_INIT("GNUTELLA CONNECT/0.6\r\n") },
	{ "Gnutella file", P2P_TCP, P2P_GNUTELLA, STR_INIT("GET /uri-res/N2R?urn:sha1:ABC HTTP/1.1\r\n") },
	{ "Gnutella push", P2P_TCP, P2P_GNUTELLA, STR_INIT("GIV 0:0123456789abcdef0123456789abcdef/file\n\n") },
	{ "NMDC hub", P2P_TCP, P2P_DIRECTCONNECT, STR_INIT("$Lock EXTENDEDPROTOCOL Pk=DCPLUSPLUS|") },
	{ "NMDC client", P2P_TCP, P2P_DIRECTCONNECT, STR_INIT("$MyNick bob|$Lock EXT Pk=x|") },
	{ "ADC", P2P_TCP, P2P_DIRECTCONNECT, STR_INIT("HSUP ADBASE ADTIGR\n") },
	{ "DHT ping", P2P_UDP, P2P_DHT, STR_INIT("d1:ad2:id20:" ID20 "e1:q4:ping1:t2:aa1:y1:qe") },
	{ "DHT answer", P2P_UDP, P2P_DHT, STR_INIT("d1:rd2:id20:" ID20 "e1:t2:aa1:y1:re") },
	{ "DHT answer with an address", P2P_UDP, P2P_DHT,
		STR_INIT("d2:ip6:\1\2\3\4\5\6" "1:rd2:id20:" ID20 "e1:t2:aa1:y1:re") },
	{ "DHT error", P2P_UDP, P2P_DHT, STR_INIT("d1:eli201e5:oh noe1:t2:aa1:y1:ee") },
	{ "UDP tracker", P2P_UDP, P2P_TRACKER, STR_INIT("\0\0\x04\x17\x27\x10\x19\x80\0\0\0\0\1\2\3\4") },
	{ "local discovery", P2P_UDP, P2P_LOCAL,
		STR_INIT("BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: aa\r\n\r\n\r\n") },
	{ "Kad hello", P2P_UDP, P2P_KAD, STR_INIT("\xe4\x11" HASH16 "\x36\x12\x08\0") },
	{ "Kad look-up", P2P_UDP, P2P_KAD, STR_INIT("\xe4\x21\x0b" HASH16 HASH16) },
	{ "Kad contacts", P2P_UDP, P2P_KAD, STR_INIT("\xe4\x29" HASH16 "\x01" HASH16 "\1\2\3\4\5\6\7\x08\x08") },
	{ "Gnutella ping", P2P_UDP, P2P_GNUTELLA, STR_INIT("01234567\xff" "9abcde\0" "\0\x01\0\0\0\0\0") },
	{ "Gnutella2", P2P_UDP, P2P_GNUTELLA, STR_INIT("GND\x02\0\x01\x01\x01\x10\x04PI") },

	{ "HTTP", P2P_TCP, P2P_NONE, STR_INIT("GET /index.html HTTP/1.1\r\nHost: www\r\n\r\n") },
	{ "HTTP that speaks of announcing", P2P_TCP, P2P_NONE,
		STR_INIT("GET /announce?id=7 HTTP/1.1\r\nX: info_hash=1 peer_id=2 port=3\r\n\r\n") },
	{ "a page on the protocol", P2P_TCP, P2P_NONE, STR_INIT("HTTP/1.1 200 OK\r\n\r\n\x13" "BitTorrent protocol") },
	{ "SSH", P2P_TCP, P2P_NONE, STR_INIT("SSH-2.0-OpenSSH_9.2\r\n") },
	{ "TLS", P2P_TCP, P2P_NONE, STR_INIT("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03") },
	{ "SMB", P2P_TCP, P2P_NONE, STR_INIT("\0\0\0\xd4\xff" "SMB\x72\0\0\0\0") },
	{ "eDonkey's marker alone", P2P_TCP, P2P_NONE, STR_INIT("\xe3\x05\0\0\0\x01\x10" HASH16 HASH16) },
	{ "DNS", P2P_UDP, P2P_NONE, STR_INIT("\x12\x34\x01\0\0\x01\0\0\0\0\0\0\3www\7example\0\0\1\0\1") },
	{ "bencode that is not DHT", P2P_UDP, P2P_NONE, STR_INIT("d3:foo3:bar3:bazi42e1:xi1ee") },
	{ "SIP", P2P_UDP, P2P_NONE, STR_INIT("REGISTER sip:example.org SIP/2.0\r\n\r\n") },
	{ "L2TP", P2P_UDP, P2P_NONE, STR_INIT("\xc8\x02\0\x14\0\0\0\0\0\0\0\0\x80\x08\0\0\0\0\0\x01") },
	{ "QUIC handshake", P2P_UDP, P2P_NONE, STR_INIT("\xe4\0\0\0\x01\x08" HASH16 HASH16 HASH16) },
	{ "QUIC, version 2", P2P_UDP, P2P_NONE, STR_INIT("\xe3\x6b\x33\x43\xcf\x08" HASH16 HASH16) },
	{ "tracker's number, but not a request", P2P_UDP, P2P_NONE, STR_INIT("\0\0\x04\x17\x27\x10\x19\x80\0\0\0\x01\1\2\3\4") },
	{ "Kad's marker alone", P2P_UDP, P2P_NONE, STR_INIT("\xe4\x21\x05" HASH16 HASH16 "x") },
};

static void
test_first_payloads(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct p2p_flow f = { 0 };
		enum p2p_class got = p2p_look(&f, cases[i].proto, false, cases[i].bytes);

		if (got != cases[i].want)
			fail_msg("%s: %s, not %s", cases[i].what, p2p_name(got), p2p_name(cases[i].want));
	}
}

/* A beginning that lacks a byte must not be certain because of what lies behind it in memory. */
static void
test_cut_payloads_are_read_no_further(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t n = 0; n < cases[i].bytes.n; n++) {
			char *copy = malloc(n + 1);
			struct p2p_flow f = { 0 };

			memcpy(copy, cases[i].bytes.p, n);
			(void)p2p_look(&f, cases[i].proto, false, str_of(copy, n));
			free(copy);
		}
	}
}

static enum p2p_class
two(struct str first, bool second_is_reply, struct str second)
{
	struct p2p_flow f = { 0 };

	assert_int_equal(p2p_look(&f, P2P_UDP, false, first), P2P_NONE);
	return p2p_look(&f, P2P_UDP, second_is_reply, second);
}

static void
test_utp_needs_its_answer(void **state)
{
	const struct str syn = STR("\x41\0\x12\x34\0\0\0\x01\0\0\0\0\0\x04\0\0\0\x01\0\0");
	const struct str ours = STR("\x21\0\x12\x34\0\0\0\x02\0\0\0\x01\0\x04\0\0\x55\x55\0\x01");
	const struct str other_id = STR("\x21\0\x12\x35\0\0\0\x02\0\0\0\x01\0\x04\0\0\x55\x55\0\x01");
	const struct str other_seq = STR("\x21\0\x12\x34\0\0\0\x02\0\0\0\x01\0\x04\0\0\x55\x55\0\x02");

	assert_int_equal(two(syn, true, ours), P2P_UTP);
	assert_int_equal(two(syn, false, ours), P2P_NONE);
	assert_int_equal(two(syn, true, other_id), P2P_NONE);
	assert_int_equal(two(syn, true, other_seq), P2P_NONE);
}

static void
test_short_datagrams_need_their_answer(void **state)
{
	assert_int_equal(two(STR("\xe4\x60"), true, STR("\xe4\x61\x36\x12")), P2P_KAD);
	assert_int_equal(two(STR("\xe4\x60"), false, STR("\xe4\x61\x36\x12")), P2P_NONE);
	assert_int_equal(two(STR("\xe4\x60"), true, STR("\xe4\x97\x36\x12")), P2P_NONE);
	assert_int_equal(two(STR("\xe3\x96\1\2\3\4"), true, STR("\xe3\x97\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c")),
	    P2P_EDONKEY);
}

static void
test_a_flow_is_left_alone_in_the_end(void **state)
{
	struct p2p_flow f = { 0 };

	for (int i = 0; i < P2P_PACKETS_MAX; i++) {
		assert_false(p2p_done(&f));
		assert_int_equal(p2p_look(&f, P2P_TCP, false, STR("hello")), P2P_NONE);
		assert_int_equal(p2p_look(&f, P2P_TCP, false, STR_NULL), P2P_NONE);
	}
	assert_true(p2p_done(&f));
	assert_int_equal(p2p_look(&f, P2P_TCP, false, cases[0].bytes), P2P_NONE);
}

static void
test_noise_is_never_a_protocol(void **state)
{
	uint64_t seed = 4;
	char bytes[96];
	unsigned wrong = 0;

	for (int i = 0; i < 1000000; i++) {
		struct p2p_flow f = { 0 };
		size_t n = prng_below(&seed, sizeof(bytes));

		for (size_t k = 0; k < n; k += 8) {
			uint64_t r = prng_next(&seed);
			memcpy(bytes + k, &r, 8);
		}
		wrong += p2p_look(&f, i & 1 ? P2P_TCP : P2P_UDP, false, str_of(bytes, n)) != P2P_NONE;
	}
	assert_int_equal(wrong, 0);
}

static bool
kernel_takes(const struct policy_signature *s, const struct payload_case *c)
{
	if (s->protocol != c->proto || (s->udp_length && s->udp_length != c->bytes.n + 8))
		return false;
	for (uint8_t i = 0; i < s->nbytes; i++) {
		struct str want = str_of((const char *)s->bytes[i].v, s->bytes[i].n);

		if (!str_starts(str_from(c->bytes, s->bytes[i].at), want))
			return false;
	}
	return true;
}

/* What the kernel takes by its signatures is nothing that the classifier calls harmless. */
static void
test_kernel_signatures_agree(void **state)
{
	for (size_t i = 0; i < policy_nsignatures; i++) {
		for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
			if (kernel_takes(&policy_signatures[i], &cases[k]) && cases[k].want == P2P_NONE &&
			    cases[k].proto == P2P_UDP)
				fail_msg("%s is taken for %s", cases[k].what, policy_signatures[i].name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_payloads),
		cmocka_unit_test(test_cut_payloads_are_read_no_further),
		cmocka_unit_test(test_utp_needs_its_answer),
		cmocka_unit_test(test_short_datagrams_need_their_answer),
		cmocka_unit_test(test_a_flow_is_left_alone_in_the_end),
		cmocka_unit_test(test_noise_is_never_a_protocol),
		cmocka_unit_test(test_kernel_signatures_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
