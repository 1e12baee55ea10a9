/*
 * bench/peek: nanoseconds per inspected packet of the file sharing classifier (CPU time of this thread): first packets of
 * ordinary connections, of peers that say who they are, and of peers that encrypt, each kind alone and all mixed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/when.h"
#include "gate/p2p/table.h"

#define PACKETS 4000000u
#define FLOWS 100000u

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const struct {
	const char *name, *payload;
	uint8_t protocol;
	uint16_t port;
} kinds[] = {
	{ "HTTP", "GET / HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", 6, 80 },
	{ "TLS", "\x16\x03\x01\x02\x01\x01\x01\x01\xfd\x03\x03..random..of..thirty..two..bytes....session", 6, 443 },
	{ "DNS", "\x12\x34\x01.\x01\x01......www.example.com....", 17, 53 },
	{ "noise", "\x91\x1c\xf4\x82\x0b\x77\xe8\x5d\xa3\x3e\xc6\x19\x58\xbf\x04\xd1\x6a\x2f\x95\xcc\x47\x8e\xf0\x31\xb4\x7a\x0e\xd9"
		"\x63\xa8\x15\xfb\x4c\x86\x29\xe7\x52\x9d\xc1\x38", 17, 20000 },
	{ "BitTorrent", "\x13" "BitTorrent protocol........hhhhhhhhhhhhhhhhhhhh-TR3000-abcdefghijkl", 6, 6881 },
	{ "DHT", "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", 17, 6881 },
};

static struct packet
packet_of(size_t kind, uint32_t flow)
{
	struct packet p = { .family = 4, .protocol = kinds[kind].protocol, .has_ports = true,
		.sport = (uint16_t)(1024 + flow % 60000), .dport = kinds[kind].port, .payload = str_z(kinds[kind].payload) };

	p.src.b[10] = p.src.b[11] = p.dst.b[10] = p.dst.b[11] = 0xff;
	p.src.b[12] = 10;
	p.src.b[15] = (uint8_t)flow;
	p.dst.b[12] = 198;
	memcpy(p.dst.b + 13, &flow, 3);
	return p;
}

/* kind ARRAY_LEN: all of them in turn. */
static void
measure(const char *name, size_t kind)
{
	struct cidr ours = { .bits = 104 };
	struct conf_cidrs own = { .v = &ours, .n = 1 };
	uint64_t found = 0;

	ours.net.b[10] = ours.net.b[11] = 0xff;
	ours.net.b[12] = 10;
	struct p2p_table *t = p2p_table_new(own, 42);
	if (!t)
		exit(1);
	double began = now();
	for (uint32_t i = 0; i < PACKETS; i++) {
		struct packet p = packet_of(kind == ARRAY_LEN(kinds) ? i % ARRAY_LEN(kinds) : kind, i % FLOWS);
		found += p2p_table_packet(t, &p, false, (int64_t)i * 10).is != P2P_NONE;
	}
	printf("%-12s %7.1f ns a packet   (%llu of %u found)\n", name, (now() - began) * 1e9 / PACKETS,
	    (unsigned long long)found, PACKETS);
	p2p_table_free(t);
}

int
main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		measure(kinds[i].name, i);
	measure("mixed", ARRAY_LEN(kinds));
	return 0;
}
