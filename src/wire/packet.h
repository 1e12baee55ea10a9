/*
 * packet: the heads of an IP packet, as far as they are there: addresses, protocol, ports, flags
 * (RFC 791, 8200, 9293, 768, 792, 4443). Packets come cut; what is missing is not guessed.
 */
#ifndef GUARITA_WIRE_PACKET_H
#define GUARITA_WIRE_PACKET_H

#include "base/buf.h"
#include "base/text.h"

enum packet_tcp_flags {
	PACKET_FIN = 1, PACKET_SYN = 2, PACKET_RST = 4, PACKET_PSH = 8, PACKET_ACK = 16, PACKET_URG = 32,
};

struct packet {
	uint8_t family;                /* 4 or 6 */
	struct addr src, dst;
	uint8_t protocol;              /* behind IPv6's extension heads */
	uint8_t tos, ttl;
	uint16_t length;               /* as the head says */
	uint16_t id;                   /* IPv4 */
	bool dont_fragment, fragment;  /* fragment: not the first, so that no ports are in it */
	bool has_ports, has_type;
	uint16_t sport, dport;
	uint8_t type, code;            /* ICMP */
	uint16_t window;
	uint8_t flags;                 /* enum packet_tcp_flags */
	struct str payload;            /* behind the TCP or UDP head; may be cut, may be empty */
};

/* 0, or -EBADMSG when there is not even a whole IP head. */
int packet_parse(struct str bytes, struct packet *ret) WARN_UNUSED;
/* "SRC=192.0.2.7 DST=... LEN=40 ... PROTO=TCP SPT=1 DPT=2 ... SYN URGP=0", as the kernel writes it. */
void packet_say(const struct packet *p, struct buf *out);

#endif
