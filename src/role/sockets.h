/*
 * sockets: the listening sockets, opened once by the supervisor while it still may, and kept over
 * restarts and reloads of the role that reads them: what comes meanwhile waits in the kernel.
 */
#ifndef GUARITA_ROLE_SOCKETS_H
#define GUARITA_ROLE_SOCKETS_H

#include "conf/config.h"
#include "role/role.h"

struct sockets {
	struct role_socket v[ROLE_SOCKETS_MAX];        /* keys are ours */
	char *keys[ROLE_SOCKETS_MAX];
	size_t n;
};

/*
 * Fills `ret` with the sockets of a configuration: those in `old` are taken as they are, others
 * opened. On a failure nothing is changed, and `why` says which could not be opened.
 */
int sockets_open(const struct config *c, const struct sockets *old, struct sockets *ret,
    struct buf *why) WARN_UNUSED;
/* Closes what is in `s` and not in `kept` (which may be NULL), and empties it. */
void sockets_close(struct sockets *s, const struct sockets *kept);

#endif
