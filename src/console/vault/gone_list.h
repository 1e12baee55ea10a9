/* gone_list: the segments of a vault of which no line is left (seg/NUMBER.gone), and what stays of them. */
#ifndef GUARITA_CONSOLE_VAULT_GONE_LIST_H
#define GUARITA_CONSOLE_VAULT_GONE_LIST_H

#include "vault/gone.h"

struct gone_list {
	struct gone *v;                /* by rising lines */
	size_t n;
	uint64_t bad;                  /* number of the file that could not be read, after a failure */
};

/* 0 or -errno. Free in either case. */
int gone_list_read(const char *vault, struct gone_list *ret) WARN_UNUSED;
void gone_list_free(struct gone_list *l);
/* The one that holds the line, or NULL. */
const struct gone *gone_list_find(const struct gone_list *l, uint64_t index);

#endif
