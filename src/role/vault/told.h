/*
 * told: what vaultd tells those who read its log beside it, packd and shipd: the key of the log, and no other. It lies nowhere
 * where they could read it themselves.
 */
#ifndef GUARITA_ROLE_VAULT_TOLD_H
#define GUARITA_ROLE_VAULT_TOLD_H

#include "console/vault/keyring.h"
#include "role/role.h"

struct vault_told {
	struct role *role;
	struct chan *chan;
	struct keyring ring;           /* has_log once it was told; read it while no work runs */
};

/* The reader's end of a new link to vaultd; fd is taken. */
void vault_told_link(struct vault_told *t, struct role *r, int fd);
void vault_told_close(struct vault_told *t);
/* Under a supervisor the key comes by itself: without it nothing is begun. */
static inline bool
vault_told_waits(const struct vault_told *t, const struct role *r)
{
	return r->control && !t->ring.has_log;
}

/* vaultd's end: tells it. The link lives until it is closed. */
int vault_tell(struct role *r, enum msg_peer reader, const struct keyring *ring, int fd, struct chan **ret) WARN_UNUSED;

#endif
