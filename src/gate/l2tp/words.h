/* words: what the configuration says of the VPN, in the terms of its engine. */
#ifndef GUARITA_GATE_L2TP_WORDS_H
#define GUARITA_GATE_L2TP_WORDS_H

#include "conf/config_vpn.h"
#include "gate/l2tp/vpn.h"

#define L2TP_WORDS_ECHOES 3            /* unanswered for so many times keepalive, a link is dead */

/* The last four bytes: 0 when it is not given. */
uint32_t l2tp_words_v4(const struct addr *a);
/* PPP_AUTH_*; MS-CHAPv2 when nothing is said. */
unsigned l2tp_words_methods(const struct conf_strs *names);
/* One headquarters; the interface is the caller's to make. Slices are those of the configuration. */
void l2tp_words_dial(const struct conf_vpn_headquarters *c, struct str our_name, struct vpn_dial *ret);

#endif
