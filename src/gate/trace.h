/*
 * trace: the text that makes the kernel tell the way of certain packets through all rules. Two chains before and one behind
 * connection tracking choose them; the set of senders forgets by itself, so that a trace ends in time whoever dies.
 */
#ifndef GUARITA_GATE_TRACE_H
#define GUARITA_GATE_TRACE_H

#include "base/buf.h"
#include "base/text.h"

#define TRACE_CHAIN "g_trace"          /* names of our chains that choose begin so */
#define TRACE_RATE 50                  /* packets a second at most, each way */
#define TRACE_ANY_PROTOCOL (-1)

struct trace_ask {
	struct cidr src, dst;          /* of one family */
	bool has_dst;
	int protocol;                  /* or TRACE_ANY_PROTOCOL */
	uint16_t port;                 /* of the destination; 0: any */
	int64_t seconds;
};

/* What a trace makes of chains and sets, by name: for who takes them away otherwise. */
#define TRACE_CHAINS 3
const char *trace_chain(size_t i);
const char *trace_set(bool six);
/* Begins, also in place of an earlier trace. The answers of what was asked for are told too. */
void trace_text(const struct trace_ask *a, struct buf *out);
/* Ends; harmless when nothing is traced, as long as there is our table. */
void trace_text_end(struct buf *out);

#endif
