/*
 * sealed_states: what a vault holds about account files: the states that were sealed while they grew, in the order of
 * the vault. Reads only; whether the vault itself is whole is `guarita vault verify`'s to say.
 */
#ifndef GUARITA_CONSOLE_ACCOUNTS_SEALED_STATES_H
#define GUARITA_CONSOLE_ACCOUNTS_SEALED_STATES_H

#include "console/accounts/seal.h"
#include "console/command.h"

struct sealed_state {
	struct account_seal seal;
	uint64_t index;                /* of the vault's entry */
	uint32_t path;                 /* number in paths */
	uint32_t file;                 /* for the comparison: the file that shows this state, from 1; 0: none */
};

struct sealed_states {
	char **paths;                  /* of all states, each once */
	uint32_t npaths;
	struct sealed_state *v;
	size_t n, size;
	uint64_t unreadable;           /* lines of that source which are none */
};

/* -ENOENT: there is no vault to ask, and nobody named one; else 0 or a negative errno, which was explained. */
int sealed_states_read(const struct options *o, struct sealed_states *ret) WARN_UNUSED;
void sealed_states_free(struct sealed_states *s);
/* Number of a path in paths, or UINT32_MAX. */
uint32_t sealed_states_path(const struct sealed_states *s, const char *path);

#endif
