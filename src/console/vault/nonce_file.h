/*
 * nonce_file: what a vault knows of the nonces of one block of lines: the seed in keys/nonces, or, when some were
 * forgotten, the nodes in keys/forgotten/BLOCK. Read by vaultd and by whoever proves.
 */
#ifndef GUARITA_CONSOLE_VAULT_NONCE_FILE_H
#define GUARITA_CONSOLE_VAULT_NONCE_FILE_H

#include "vault/nonce.h"

#define NONCE_FORGOTTEN_MAX (64 + NONCE_NODES_MAX * 21)

struct nonce_room {                    /* where the nodes of one block are put */
	struct nonce_node one;
	struct nonce_node *many;       /* NONCE_NODES_MAX, when they were needed once */
};

/* The block as it is known; slot: its 32 bytes of keys/nonces. -ENOENT: no seed was drawn; -EBADMSG; -ENOMEM. */
int nonce_file_load(const char *vault, struct str slot, uint64_t block, struct nonce_room *room,
    struct nonce_block *ret) WARN_UNUSED;
/* Path of keys/forgotten/BLOCK; dst of PATH_MAX. */
int nonce_file_path(char *dst, const char *vault, uint64_t block) WARN_UNUSED;
void nonce_room_wipe(struct nonce_room *room);

#endif
