/* ends: the two ends of a packet as people write them on a command line. */
#ifndef GUARITA_CONSOLE_ENDS_H
#define GUARITA_CONSOLE_ENDS_H

#include "base/text.h"

/* "192.0.2.7", "192.0.2.7:80", "[2001:db8::1]:80", "2001:db8::1". *ret_port stays when none is named. 0 or -EINVAL. */
int ends_addr(struct str s, struct addr *ret, uint16_t *ret_port) WARN_UNUSED;
/* tcp, udp, icmp, gre, esp, or a number; icmp is that of the family. 0 or -EINVAL. */
int ends_protocol(struct str name, bool v4, uint8_t *ret) WARN_UNUSED;
/* "TCP", or NULL for one that has no name here. */
const char *ends_protocol_name(uint8_t protocol);

#endif
