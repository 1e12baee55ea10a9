/*
 * nflog: packets that rules hand to user space. The socket is opened and bound by one who may
 * (CAP_NET_ADMIN); reading needs no right, so it can be handed to a process that has none.
 */
#ifndef GUARITA_SYS_NFLOG_H
#define GUARITA_SYS_NFLOG_H

#include "base/str.h"

struct nflog_packet {
	struct str prefix;             /* as the rule gave it */
	struct str payload;            /* from the network header on, perhaps cut */
	uint32_t in, out;              /* indices of interfaces; 0: none */
	uint16_t protocol;             /* ethertype */
	uint8_t hook;                  /* NF_INET_* */
	struct str hw;                 /* sender's address on the link; may be empty */
	uint32_t mark;
};

/* The descriptor, bound to the group, or -errno. `snap` bytes of each packet; rcvbuf in bytes. */
int nflog_open(uint16_t group, uint32_t snap, int rcvbuf) WARN_UNUSED;
/*
 * Reads what waits, one buffer at most, and calls fn for each packet: how many, 0 when nothing
 * waits, -ENOBUFS when the kernel had to drop some, or -errno.
 */
int nflog_read(int fd, void *buffer, size_t size,
    void (*fn)(void *ctx, const struct nflog_packet *p), void *ctx) WARN_UNUSED;

#endif
