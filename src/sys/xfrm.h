/*
 * xfrm: the kernel's word that a socket's packets are protected by IPsec, whatever the firewall and the daemons do: a policy
 * of the socket itself, in both directions. Nothing here touches the policies of the machine.
 */
#ifndef GUARITA_SYS_XFRM_H
#define GUARITA_SYS_XFRM_H

#include "base/str.h"

/*
 * False when the kernel says that it has no ESP. Asks it to make an association that nobody can use, and takes it away
 * again; spi: a number by chance.
 */
bool xfrm_available(uint32_t spi);
/*
 * From now on the socket takes and sends IPv4 packets only inside ESP in transport mode, by associations with this reqid;
 * others are dropped by the kernel. 0, or -errno; -EOPNOTSUPP: the kernel has no IPsec.
 */
int xfrm_socket_only(int fd, uint32_t reqid) WARN_UNUSED;

#endif
