/*
 * ra: router solicitations and advertisements (RFC 4861) on a PPP link: how Windows, Android and every other machine
 * comes by an IPv6 address there. Packets in, packets out. No neighbour is ever looked for: a PPP link has one only.
 */
#ifndef GUARITA_GATE_L2TP_RA_H
#define GUARITA_GATE_L2TP_RA_H

#include "base/text.h"

#define RA_MAX 1280                    /* what every link must carry: RFC 8200 section 5 */
#define RA_SERVERS 2
#define RA_ROUTES 28

/* The first bits of an address: an IPv6 network between sites has at most 64. */
struct net6 {
	uint64_t net;
	uint8_t bits;
};

struct ra {
	uint64_t prefix;               /* of 64 bits; 0: none is given */
	uint16_t mtu;
	struct addr dns[RA_SERVERS];
	unsigned ndns;
	const struct net6 *routes;     /* reached through us; without any, everything is */
	uint32_t nroutes;
};

/* The address whose halves are these; fe80::ID is address6(LINK_LOCAL6, id). */
#define LINK_LOCAL6 UINT64_C(0xfe80000000000000)
struct addr address6(uint64_t prefix, uint64_t id);
uint64_t upper6(const uint8_t address[16]);

/* Each the whole IPv6 packet from fe80::ID; its length. */
size_t ra_write(const struct ra *ra, uint64_t id, uint8_t out[RA_MAX]);
size_t rs_write(uint64_t id, uint8_t out[RA_MAX]);
bool rs_is(struct str packet);
/* 0, or -EBADMSG: not a router's advertisement. prefix: the first one that addresses may be made of, that has not ended. */
int ra_read(struct str packet, struct ra *ret) WARN_UNUSED;

#endif
