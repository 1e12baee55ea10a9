/*
 * segment_keys: where the key of a segment lies, and how a reader of the vault comes by it:
 *
 *   segment-keys/DIGEST.key    the key of the segment with this digest, wrapped under the master key (vault/segment_key.h)
 *   seg/NUMBER.key             the key of a segment that packd has just made, wrapped under the log's key; in a vault whose
 *                              log is not encrypted as it is. vaultd takes it in and wipes it here
 *
 * Named by the digest and not by the number, so that a segment that is written anew never meets the key of the old one.
 */
#ifndef GUARITA_CONSOLE_VAULT_SEGMENT_KEYS_H
#define GUARITA_CONSOLE_VAULT_SEGMENT_KEYS_H

#include "console/vault/keyring.h"
#include "vault/digest.h"
#include "vault/segment_key.h"

/* 0, -ENOENT: there is none, -EACCES: not for us, -EBADMSG: not what was written; another error of keyring_master(). */
int segment_key_find(const struct keyring *ring, const char *vault, uint64_t number, const struct digest *digest,
    uint8_t ret[BLOB_KEY_BYTES]) WARN_UNUSED;
/* A key that packd left. */
int segment_key_read_fresh(const struct keyring *ring, const char *vault, const char *path, uint8_t ret[BLOB_KEY_BYTES]) WARN_UNUSED;
/* Path of the wrapped key, and of the one that packd leaves; dst of PATH_MAX. */
int segment_key_path(char *dst, const char *vault, const struct digest *digest) WARN_UNUSED;
int segment_key_fresh_path(char *dst, const char *vault, uint64_t number, const char *more) WARN_UNUSED;

#endif
