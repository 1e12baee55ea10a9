/*
 * udp: a socket for many peers, in large batches: received with the address they were sent to, sent from it; segments of
 * equal size travel together through the kernel where it can (UDP_GRO, UDP_SEGMENT). Addresses are struct addr, IPv4 mapped.
 */
#ifndef GUARITA_SYS_UDP_H
#define GUARITA_SYS_UDP_H

#include "base/text.h"

#define UDP_BATCH 32
#define UDP_OUT_BYTES (1u << 20)

struct udp_end {
	struct addr addr, local;       /* local all zero: the kernel's choice */
	uint16_t port;
	uint32_t mark;                 /* of the kernel: by which protected way it came, and is to go; 0: none */
};

struct udp;

/* any: every address, IPv4 and IPv6 where the machine has it. 0 or -errno. */
int udp_open(const struct addr *addr, bool any, uint16_t port, struct udp **ret) WARN_UNUSED;
void udp_close(struct udp *u);         /* accepts NULL */
int udp_fd(const struct udp *u);
uint16_t udp_port(const struct udp *u);
/* What is too large for the way is lost rather than cut in pieces: for finding out how large packets may be. */
void udp_never_fragment(struct udp *u);

/* From now on marks are received, and what is sent bears that of its end. -ENOPROTOOPT: the kernel is too old (before 5.19). */
int udp_use_marks(struct udp *u) WARN_UNUSED;

/* Receives what waits: how many datagrams, 0 when nothing waits, or -errno. */
int udp_receive(struct udp *u) WARN_UNUSED;
/* Datagram i of the last receive, which may be several of *ret_size each (the last may be shorter). */
struct str udp_at(struct udp *u, int i, struct udp_end *ret_from, size_t *ret_size);

/* Where the next datagram of at most max bytes is to be written; what is queued may be sent to make room. */
uint8_t *udp_room(struct udp *u, size_t max);
/* The n bytes written there go to `to`. */
void udp_queue(struct udp *u, const struct udp_end *to, size_t n);
void udp_flush(struct udp *u);

struct udp_counters {
	uint64_t received, sent, calls_in, calls_out, dropped;
};
struct udp_counters udp_counters(const struct udp *u);

#endif
