/*
 * conntrack: live connections of the kernel: cut those of an address, mark one. Only what is named
 * is touched.
 */
#ifndef GUARITA_SYS_CONNTRACK_H
#define GUARITA_SYS_CONNTRACK_H

#include "base/text.h"

struct conntrack;

int conntrack_open(struct conntrack **ret) WARN_UNUSED;
void conntrack_close(struct conntrack *c);     /* accepts NULL */

struct conntrack_tuple {
	struct addr src, dst;
	uint8_t protocol;
	uint16_t sport, dport;         /* of ICMP: id, and type and code */
};

struct conntrack_flow {
	struct conntrack_tuple orig, reply;
	uint32_t id, mark, status;     /* IPS_* */
	uint32_t timeout_s;
	uint64_t packets, bytes;       /* both ways; 0 where the kernel does not count */
};

/* Every connection of a family (AF_INET, AF_INET6), or of both (AF_UNSPEC). */
int conntrack_each(struct conntrack *c, int family,
    void (*fn)(void *ctx, const struct conntrack_flow *f), void *ctx) WARN_UNUSED;
/* Forgets one: its next packet is looked at as a new one. -ENOENT: it is gone already. */
int conntrack_cut(struct conntrack *c, const struct conntrack_flow *f) WARN_UNUSED;
/*
 * Forgets all that an address of one of the networks began or answers. *ret_n of them. Walks the kernel's whole table: 5 to 10 ms
 * where it has its usual size, however few connections there are.
 */
int conntrack_cut_nets(struct conntrack *c, const struct cidr *nets, size_t n, uint32_t *ret_n) WARN_UNUSED;
/* Sets the bits of mask in the mark of the connection that this tuple, either way, belongs to. */
int conntrack_mark(struct conntrack *c, const struct conntrack_tuple *t, bool reply, uint32_t mark,
    uint32_t mask) WARN_UNUSED;

#endif
