/*
 * clickhouse: what is said to ClickHouse over HTTP: a statement with a body of rows, and the answer to it. Written to the
 * statements that its version of 2018 knows, which later ones know too.
 */
#ifndef GUARITA_WIRE_CLICKHOUSE_H
#define GUARITA_WIRE_CLICKHOUSE_H

#include "base/buf.h"

#define CLICKHOUSE_ANSWER_MAX (1u << 20)

struct clickhouse_login {
	struct str host;               /* as in the Host header */
	struct str user, password;     /* empty: none */
};

/* A whole request; the connection ends with its answer. */
void clickhouse_request(struct buf *out, const struct clickhouse_login *who, struct str statement, struct str body);
/* A value of a row of TabSeparated: any bytes. */
void clickhouse_value(struct buf *out, struct str bytes);
/* A text of a statement, in its quotes. */
void clickhouse_quote(struct buf *out, struct str text);
/* The whole answer: its status, and what stands in it. 0 or -EBADMSG. */
int clickhouse_answer(struct str bytes, unsigned *ret_status, struct str *ret_body) WARN_UNUSED;

#endif
