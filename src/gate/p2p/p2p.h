/*
 * p2p: tells peer-to-peer traffic by the first payload of a flow. Pure: bytes in, a class out. One packet is
 * enough for protocols that begin with a magic of their own; where a beginning alone could be somebody else's
 * (uTP, short eDonkey datagrams) the answer of the other side must fit to it. What cannot be told is P2P_NONE:
 * a wrong mark cuts somebody's work, a missing one only costs bandwidth. Encrypted peers are score.h's.
 */
#ifndef GUARITA_GATE_P2P_P2P_H
#define GUARITA_GATE_P2P_P2P_H

#include "base/str.h"

enum p2p_class {
	P2P_NONE,
	P2P_BITTORRENT,        /* BEP 3: handshake between peers */
	P2P_UTP,               /* BEP 29: BitTorrent's own transport over UDP */
	P2P_DHT,               /* BEP 5 */
	P2P_TRACKER,           /* BEP 3 (HTTP) and BEP 15 (UDP) */
	P2P_LOCAL,             /* BEP 14: local service discovery */
	P2P_EDONKEY,           /* eDonkey and eMule, TCP and UDP */
	P2P_KAD,
	P2P_GNUTELLA,          /* Gnutella and Gnutella2 */
	P2P_DIRECTCONNECT,     /* NMDC and ADC */
	P2P_CLASSES,
};

enum p2p_proto { P2P_TCP = 6, P2P_UDP = 17 };

/* What is kept of a flow between its first packets; all zero for a new one. */
struct p2p_flow {
	uint8_t packets;       /* with payload, both directions, at most P2P_PACKETS_MAX */
	uint8_t hint;          /* class that the other side must confirm */
	uint8_t opcode;        /* of the datagram that gave the hint */
	bool hint_reply;       /* it came from the side that was called */
	uint16_t utp_id, utp_seq;
};

#define P2P_PACKETS_MAX 8      /* after so many without a class the flow is left alone */

/*
 * One payload of a flow, in order of arrival. reply: it goes towards the one who began the flow. Empty payloads
 * tell nothing and are not counted.
 */
enum p2p_class p2p_look(struct p2p_flow *f, enum p2p_proto proto, bool reply, struct str payload);
/* True when looking further is of no use. */
bool p2p_done(const struct p2p_flow *f);
const char *p2p_name(enum p2p_class c);

#endif
