/* vpn_pool: what a call is given when it is known whose it is. */
#ifndef GUARITA_GATE_L2TP_VPN_POOL_H
#define GUARITA_GATE_L2TP_VPN_POOL_H

#include "gate/l2tp/vpn.h"

/* Of the call's user, or the server's. Only for calls that the peer made. */
const struct vpn_profile *vpn_profile_of(const struct vpn_call *c);
/* The address that is its own, or one of its pool, or 0 when none is left; the same again until it is released. */
uint32_t vpn_pool_address(struct vpn_call *c);
void vpn_pool_release(struct vpn_call *c);
/* After a call's link was at work (vpn.c). */
void vpn_settle(struct vpn_call *c);

#endif
