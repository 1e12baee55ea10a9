/*
 * vpn6: IPv6 of a call: who dials in is told a prefix of its own by router advertisement, and speaks for it; who dials
 * makes its address of what it is told. What is meant for the link alone never leaves it.
 */
#ifndef GUARITA_GATE_L2TP_VPN6_H
#define GUARITA_GATE_L2TP_VPN6_H

#include "gate/l2tp/vpn.h"

void vpn6_up(struct vpn_call *c);
void vpn6_down(struct vpn_call *c);
void vpn6_tick(struct vpn_call *c);
/* True: it was for us. */
bool vpn6_take(struct vpn_call *c, struct str packet);
bool vpn6_may_send(const struct vpn_call *c, struct str packet);
struct vpn_call *vpn6_find(const struct l2tp_vpn *v, struct str packet);

#endif
