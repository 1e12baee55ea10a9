/*
 * offload: big packets of the kernel to small ones for the tunnel, and back. A tun interface hands us TCP and UDP up
 * to 64 KiB at a time with a promise to cut them, and takes such: that is what makes a tunnel in user space quick. Bytes in,
 * bytes out.
 */
#ifndef GUARITA_GATE_L2TP_OFFLOAD_H
#define GUARITA_GATE_L2TP_OFFLOAD_H

#include "base/str.h"

#define OFFLOAD_HEAD 10                /* struct virtio_net_hdr */
#define OFFLOAD_MAX 65535

enum { OFFLOAD_NONE = 0, OFFLOAD_TCP4 = 1, OFFLOAD_UDP = 3, OFFLOAD_TCP6 = 4, OFFLOAD_UDP_L4 = 5, OFFLOAD_ECN = 0x80 };

struct offload {
	bool needs_csum;
	uint8_t type;                  /* without OFFLOAD_ECN */
	uint16_t head_len, size, csum_start, csum_offset;
};

/* Host byte order on the wire, as the kernel writes it. n >= OFFLOAD_HEAD. */
void offload_read(const uint8_t *p, struct offload *ret);
void offload_write(const struct offload *o, uint8_t p[OFFLOAD_HEAD]);

/* Cutting. The packet is not changed. */
struct cutter {
	struct offload how;
	const uint8_t *packet;
	size_t n, head, done;          /* bytes of heads; of payload cut */
	unsigned index;
};

/* 0, or -EBADMSG when the heads are not what the offload says, -EOPNOTSUPP for a kind that we did not ask for. */
int cutter_begin(struct cutter *c, const struct offload *how, struct str packet) WARN_UNUSED;
bool cutter_more(const struct cutter *c);
/* Writes the next packet to dst, whose length is at most heads + size: its length; 0: no more. */
size_t cutter_next(struct cutter *c, uint8_t *dst);

/* Joining packets of one flow that follow each other: TCP, and UDP of one length. */
struct joiner {
	uint8_t bytes[OFFLOAD_HEAD + OFFLOAD_MAX];
	size_t n;                      /* of the packet at bytes + OFFLOAD_HEAD; 0: empty */
	size_t l4, head;               /* where TCP or UDP begins and ends */
	uint32_t next;                 /* TCP's sequence number that may follow */
	uint16_t size;                 /* payload of the first packet */
	unsigned count;
	bool udp;
	bool udp_too;                  /* the caller's: whether who is written to takes UDP uncut (Linux 6.2) */
	bool closed;                   /* a short or pushed one came: nothing may follow */
};

/* True when the packet was taken; else flush (when not empty) and try again, or write it by itself. */
bool joiner_take(struct joiner *j, struct str packet);
/* The bytes to write to the interface, head included; the joiner is empty afterwards. Empty: nothing. */
struct str joiner_flush(struct joiner *j);

/* The Internet checksum (RFC 1071) over s, begun with `sum`; not complemented. */
uint32_t inet_sum(struct str s, uint32_t sum);
uint16_t inet_fold(uint32_t sum);
/* Lowers the MSS of a SYN in place (RFC 879, RFC 6691) to what fits in mtu; keeps the checksum right. True when it did. */
bool clamp_mss(uint8_t *packet, size_t n, uint16_t mtu);

#endif
