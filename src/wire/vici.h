/*
 * vici: the packets of strongSwan's control interface: requests, answers and events, each a message of sections, values and
 * lists (README.md of its plugin, "Protocol"). Every string carries its length; nothing nests deeper than VICI_DEPTH_MAX.
 * Pure.
 */
#ifndef GUARITA_WIRE_VICI_H
#define GUARITA_WIRE_VICI_H

#include "base/buf.h"
#include "base/cur.h"

#define VICI_PACKET_MAX (512u * 1024)  /* as strongSwan's own */
#define VICI_DEPTH_MAX 16
#define VICI_HEAD 4                    /* the length before each packet, of what follows it */

enum vici_type {
	VICI_REQUEST, VICI_RESPONSE, VICI_UNKNOWN, VICI_REGISTER, VICI_UNREGISTER, VICI_CONFIRM, VICI_EVENT_UNKNOWN, VICI_EVENT,
	VICI_TYPES,
};

enum vici_token {
	VICI_BAD = -1,
	VICI_END,
	VICI_SECTION, VICI_SECTION_END, VICI_VALUE, VICI_LIST, VICI_ITEM, VICI_LIST_END,
};

struct vici_reader {
	struct cur cur;
	unsigned depth;                /* sections that are open */
	bool list, failed;
};

/* Begins a packet; name only for requests, registrations and events. Gives the place to hand to vici_end(). */
size_t vici_begin(struct buf *b, enum vici_type type, struct str name);
void vici_section(struct buf *b, const char *name);
void vici_section_end(struct buf *b);
void vici_value(struct buf *b, const char *name, struct str value);
void vici_list(struct buf *b, const char *name);
void vici_item(struct buf *b, struct str value);
void vici_list_end(struct buf *b);
/* Puts in the length; what did not fit shows in buf_ok(). */
void vici_end(struct buf *b, size_t start);

/*
 * The next whole packet of a stream, without its length: 0, -EAGAIN when more must come first, -EMSGSIZE when it is longer
 * than any may be. *ret_used: bytes of the stream that it took.
 */
int vici_cut(struct str stream, struct str *ret_packet, size_t *ret_used) WARN_UNUSED;
/* 0, or -EBADMSG. The name is empty for types that have none. */
int vici_open(struct str packet, enum vici_type *ret_type, struct str *ret_name, struct vici_reader *ret) WARN_UNUSED;
/*
 * One step through the message. name of sections, values and lists, value of values and items; else untouched. VICI_END
 * comes only when everything that was opened was closed.
 */
enum vici_token vici_next(struct vici_reader *r, struct str *name, struct str *value) WARN_UNUSED;

#endif
