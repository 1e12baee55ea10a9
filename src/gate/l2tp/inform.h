/*
 * inform: the answer to DHCPINFORM (RFC 2131 section 4.3.5) on a PPP link. Windows asks so for routes and name servers
 * once it is connected; with it only what belongs to the company goes through the tunnel. Packet in, packet out.
 */
#ifndef GUARITA_GATE_L2TP_INFORM_H
#define GUARITA_GATE_L2TP_INFORM_H

#include "gate/l2tp/vpn.h"

#define INFORM_MAX 576                 /* what every client must take: RFC 2131 section 2 */

struct inform {
	uint32_t server;               /* our address in the tunnel */
	uint32_t dns[2];
	const struct vpn_net *nets;    /* reached through the tunnel */
	uint32_t nnets;
};

/* The IPv4 packet that answers one from `client`; its length, or 0: it is no such question. */
size_t inform_answer(struct str packet, uint32_t client, const struct inform *what, uint8_t out[INFORM_MAX]);

#endif
