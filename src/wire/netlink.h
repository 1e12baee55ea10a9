/*
 * netlink: messages of the kernel's netlink (RFC 3549 section 2.2) written into a buffer: head, the extra head of
 * nfnetlink, attributes, nests. Pure: who sends them is told nothing of their meaning. The buffer's error is sticky, so one
 * look at the end is enough; what was written after it is not to be used.
 */
#ifndef GUARITA_WIRE_NETLINK_H
#define GUARITA_WIRE_NETLINK_H

#include "base/buf.h"

struct netlink_head {
	uint16_t type, flags;          /* NLM_F_REQUEST is added */
	uint32_t seq;
	uint8_t family;
	uint16_t resource;             /* nfnetlink's; 0 but for the frame of a batch */
};

/* Where the message begins, for its end, which writes its length. */
size_t netlink_begin(struct buf *b, const struct netlink_head *h);
void netlink_end(struct buf *b, size_t at);

/* Of at most 65,531 bytes: longer ones set the buffer's error. */
void netlink_put(struct buf *b, uint16_t attribute, const void *bytes, size_t n);
void netlink_put_u8(struct buf *b, uint16_t attribute, uint8_t v);
void netlink_put_be16(struct buf *b, uint16_t attribute, uint16_t v);
void netlink_put_be32(struct buf *b, uint16_t attribute, uint32_t v);
void netlink_put_be64(struct buf *b, uint16_t attribute, uint64_t v);
/* With the NUL behind it. */
void netlink_put_text(struct buf *b, uint16_t attribute, const char *text);

size_t netlink_nest(struct buf *b, uint16_t attribute);
void netlink_nest_end(struct buf *b, size_t at);

#endif
