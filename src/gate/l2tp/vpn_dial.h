/* vpn_dial: dialling a headquarters, for ever: what vpn.c and vpn_dial.c tell each other. */
#ifndef GUARITA_GATE_L2TP_VPN_DIAL_H
#define GUARITA_GATE_L2TP_VPN_DIAL_H

#include "gate/l2tp/vpn.h"

void vpn_dial_tick(struct vpn_dial *d);
void vpn_dial_up(struct vpn_dial *d);
/* left: by ourselves, because it was idle. */
void vpn_dial_down(struct vpn_dial *d, const char *why, bool left);       /* its call ended */
void vpn_dial_lost(struct vpn_dial *d, const char *why, bool silent);  /* its tunnel ended; silent: nobody answered */

#endif
