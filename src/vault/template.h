/*
 * template: the literal parts of a line and the types of the values between them, read back from the bytes that
 * tokens_cut() made. Foreign until parsed; afterwards every part is known to be sound.
 */
#ifndef GUARITA_VAULT_TEMPLATE_H
#define GUARITA_VAULT_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "vault/token.h"

struct part {
	struct str literal;     /* before the value */
	uint8_t type, param;
};

struct template {
	struct str bytes;
	struct part *parts;     /* n, then one of TOKEN_END with the literal at the end */
	uint32_t n;
	uint32_t stamp;         /* the part that is the line's time, or n */
};

/* bytes must live as long as the template. 0, -ENOMEM, or -EBADMSG for what tokens_cut() cannot have written. */
int template_parse(struct arena *a, struct str bytes, struct template *ret) WARN_UNUSED;
/* True when part i goes on in the same run as the one before: "eth" and "0". */
bool template_attached(const struct template *t, uint32_t i);

#endif
