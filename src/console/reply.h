/*
 * reply: what the running Guarita answers to an order, line by line, each a flat JSON object.
 */
#ifndef GUARITA_CONSOLE_REPLY_H
#define GUARITA_CONSOLE_REPLY_H

#include "base/arena.h"
#include "console/command.h"

#define REPLY_ITEMS_MAX 128

/* One line: "addresses.0.address" to its text. Good during the call that brings it. */
struct reply {
	struct arena arena;
	struct str keys[REPLY_ITEMS_MAX], values[REPLY_ITEMS_MAX];
	uint32_t n;
};

struct str reply_get(const struct reply *r, const char *key);      /* empty when there is none */
uint64_t reply_number(const struct reply *r, const char *key);     /* 0 when there is none */
bool reply_true(const struct reply *r, const char *key);

/*
 * Sends the order, a whole JSON object, and calls fn for each line of the answer; with --json the
 * lines are printed as they are instead. What went wrong has been said. An exit code.
 */
int reply_order(const struct options *o, struct str order, void (*fn)(void *ctx, const struct reply *r),
    void *ctx);

#endif
