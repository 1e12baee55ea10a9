/*
 * xfrm: the kernel's word that a socket's packets are protected by IPsec, whatever the firewall and the daemons do: a policy
 * of the socket itself, in both directions; or, where many come through one address, of the way in, and one of the machine for
what leaves from the port.
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
/* The same of what it takes only. */
int xfrm_socket_only_in(int fd, uint32_t reqid) WARN_UNUSED;
/*
 * Whether the kernel tells with each packet by which association it came (5.19). The policy of a socket knows no marks, so
 * what leaves with one is protected by the policies that belong to the association, and by the guard where there is none.
 */
bool xfrm_tells_marks(void);
/*
 * Nothing leaves from this UDP port over IPv4 but what a policy of higher priority than the last protects or lets pass. It
 * outlives the process, so that nothing slips out while it begins anew. fd: of xfrm_open().
 */
int xfrm_guard_port(int fd, uint16_t port, bool on) WARN_UNUSED;
int xfrm_open(void) WARN_UNUSED;       /* a socket, or -errno */

#endif
