/*
 * spared: addresses that must never be banned because we would cut ourselves off: gateways, name
 * servers, and those from which people are logged in right now. Asked of the system at the start,
 * while it may still be asked.
 */
#ifndef GUARITA_ROLE_WATCH_SPARED_H
#define GUARITA_ROLE_WATCH_SPARED_H

#include "base/text.h"

#define SPARED_MAX 256

/* Fills dst with what is found; a source that cannot be read gives nothing. Returns how many. */
size_t spared_find(struct addr *dst, size_t max);
/* The parts, each on a text: for tests. */
size_t spared_gateways4(struct str proc_net_route, struct addr *dst, size_t max);
size_t spared_gateways6(struct str proc_net_ipv6_route, struct addr *dst, size_t max);
size_t spared_nameservers(struct str resolv_conf, struct addr *dst, size_t max);

#endif
