/*
 * nats: the client's side of the NATS text protocol, as far as shipping needs it: connecting, publishing with headers,
 * asking with a reply subject. Lines end in CR LF; what is read is foreign and bounded.
 */
#ifndef GUARITA_WIRE_NATS_H
#define GUARITA_WIRE_NATS_H

#include "base/buf.h"

#define NATS_LINE_MAX 65536u           /* INFO is the longest there is */
#define NATS_PAYLOAD_MAX (8u << 20)

enum nats_kind { NATS_INFO, NATS_MSG, NATS_HMSG, NATS_PING, NATS_PONG, NATS_OK, NATS_ERR };

struct nats_op {
	enum nats_kind kind;
	struct str text;               /* INFO: its JSON; ERR: what the server says, without quotes */
	struct str subject, reply;     /* MSG, HMSG */
	struct str header, payload;
};

/* The next operation at the start of bytes: 1 and what it took, 0: not whole yet, -EBADMSG, -EMSGSIZE. */
int nats_next(struct str bytes, size_t *ret_used, struct nats_op *ret) WARN_UNUSED;
/* A word that may stand in a subject, between dots: letters, digits, - and _. */
bool nats_token_valid(struct str token);

/* Operations to be sent. Headers: whole lines "Name: value\r\n", or empty. */
void nats_connect(struct buf *out, struct str user, struct str password);
void nats_subscribe(struct buf *out, struct str subject, unsigned id);
void nats_publish(struct buf *out, struct str subject, struct str reply, struct str headers, struct str payload);

#endif
