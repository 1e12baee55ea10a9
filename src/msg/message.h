/*
 * message: the rows of messages.def as structs, and their encoding. Pure: bytes in, bytes out. Who
 * may send what to whom and when is checked here, for sender and receiver alike.
 */
#ifndef GUARITA_MSG_MESSAGE_H
#define GUARITA_MSG_MESSAGE_H

#include "base/cur.h"

#define MSG_MAX 65536              /* bytes of one message on the wire */
#define MSG_HEAD 2                 /* its number, before the fields */

enum msg_peer {
	MSG_SUPERVISOR = 1 << 0,
	MSG_INTAKED = 1 << 1,
	MSG_WATCHD = 1 << 2,
	MSG_RUNNERD = 1 << 3,
	MSG_VAULTD = 1 << 4,
	MSG_NETD = 1 << 5,
	MSG_L2TPD = 1 << 6,
	MSG_PACKD = 1 << 7,
	MSG_PEEKD = 1 << 8,
	MSG_LINKD = 1 << 9,
	MSG_IPSECD = 1 << 10,
	MSG_SHIPD = 1 << 11,
	MSG_ROLES = MSG_INTAKED | MSG_WATCHD | MSG_RUNNERD | MSG_VAULTD | MSG_PACKD | MSG_NETD | MSG_L2TPD | MSG_PEEKD |
	    MSG_LINKD | MSG_IPSECD | MSG_SHIPD,
};

enum msg_state {
	MSG_KEEP = 0,
	MSG_STARTING = 1 << 0,
	MSG_OPEN = 1 << 1,
	MSG_CLOSING = 1 << 2,
};

#define MESSAGE(name, number, from, to, in, then, fds, fields, help) MSG_##name = (number),
enum msg_type {
#include "msg/messages.def"
};
#undef MESSAGE

#define F_U8(n) uint8_t n;
#define F_U16(n) uint16_t n;
#define F_U32(n) uint32_t n;
#define F_U64(n) uint64_t n;
#define F_I64(n) int64_t n;
#define F_STR(n) struct str n;
#define F_BYTES(n) struct str n;
#define MESSAGE(name, number, from, to, in, then, fds, fields, help) struct msg_##name { fields };
#include "msg/messages.def"
#undef MESSAGE

struct msg {
	enum msg_type type;
	int fd;                    /* descriptor that came with it, else -1; the receiver's to close */
#define MESSAGE(name, number, from, to, in, then, fds, fields, help) struct msg_##name name;
	union {
#include "msg/messages.def"
	};
#undef MESSAGE
};
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_I64
#undef F_STR
#undef F_BYTES

struct msg_row {
	const char *name;
	enum msg_type type;
	unsigned from, to;         /* enum msg_peer */
	unsigned in;               /* enum msg_state */
	enum msg_state then;
	int fds;
	const char *help;
};

size_t msg_rows(const struct msg_row **ret);
const struct msg_row *msg_row(unsigned type);      /* NULL when there is none */
const char *msg_peer_name(enum msg_peer p);
/* True when `from` may send it to `to` over a link in this state. */
bool msg_permitted(
    const struct msg_row *row, enum msg_peer from, enum msg_peer to, enum msg_state state);
/* Appends the number and the fields; the sticky error of e tells when it did not fit. */
void msg_encode(const struct msg *m, struct enc *e);
/*
 * Takes exactly the bytes: 0, or -EBADMSG (*ret untouched). Slices point into the bytes; fd is -1.
 */
int msg_decode(struct str bytes, struct msg *ret) WARN_UNUSED;

#endif
