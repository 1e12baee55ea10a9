/*
 * link: addresses and routes of interfaces that are ours, through rtnetlink. Routes carry our protocol number, so that
 * they can be told from others'. IPv4 addresses are numbers in host order. Every call waits for the kernel's answer.
 */
#ifndef GUARITA_SYS_LINK_H
#define GUARITA_SYS_LINK_H

#include "base/text.h"

#define LINK_PROTOCOL 67               /* of routes: what `ip route show proto 67` finds */

int link_open(void);                   /* a descriptor or -errno */
/* It makes no IPv6 address up by itself: those of a tunnel are agreed on. */
int link_up(int fd, unsigned index, unsigned mtu) WARN_UNUSED;
/* peer 0: none. What is already so, or already gone, is no error. */
int link_address(int fd, unsigned index, uint32_t local, uint32_t peer, uint8_t bits, bool add) WARN_UNUSED;
int link_route(int fd, unsigned index, uint32_t net, uint8_t bits, bool add) WARN_UNUSED;
/* Of IPv6. The address is usable at once: nobody else is on the link. */
int link_address6(int fd, unsigned index, const struct addr *a, uint8_t bits, bool add) WARN_UNUSED;
int link_route6(int fd, unsigned index, const struct cidr *net, bool add) WARN_UNUSED;
/* The way to a host as it is now. */
int link_route_get(int fd, uint32_t host, unsigned *ret_index, uint32_t *ret_gateway) WARN_UNUSED;
/* A route to one host by that way; gateway 0: it is on the link. */
int link_route_pin(int fd, unsigned index, uint32_t host, uint32_t gateway, bool add) WARN_UNUSED;

#endif
