/* select: see select.c. Rules are loaded once for all relays that ask what a line means, and not at all where none does. */
#ifndef GUARITA_ROLE_SHIP_SELECT_H
#define GUARITA_ROLE_SHIP_SELECT_H

#include "base/buf.h"
#include "vault/entry.h"

struct role;
struct ship;
struct ship_rules;

/* With all rights still: their texts; *ret is NULL where no relay selects by kind. 0 or -errno, after having said why. */
int ship_rules_read(struct role *r, struct ship_rules **ret) WARN_UNUSED;
/* Rights are given up: compiled. Accepts NULL, as the others do. */
int ship_rules_load(struct ship_rules *s, const char *vault) WARN_UNUSED;
void ship_rules_free(struct ship_rules *s);

/* What this relay needs of them. 0, -ENOMEM, or -EINVAL after having said which name is none. */
int ship_kinds_open(struct ship *s, const struct ship_rules *rules) WARN_UNUSED;
/* Does it want lines of what this one means? True where it does not ask. */
bool ship_kinds_want(struct ship *s, const struct vault_entry *e);
void ship_kinds_close(struct ship *s);

#endif
