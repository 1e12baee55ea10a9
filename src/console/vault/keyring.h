/*
 * keyring: the keys under which the other keys of a vault are wrapped (RFC 3394), and how a reader of the vault comes by them:
 *
 *   segment-keys/master        32 bytes: the master key, where the vault keeps it itself
 *   segment-keys/master.away   the master key, wrapped under one that lies elsewhere
 *   segment-keys/where         where that one lies: a path, and a newline; a hint for readers, not believed further
 *   segment-keys/log.key       the key of the log, wrapped under the master key; packd and shipd are given it by vaultd
 *   wal/NUMBER.key             the key of a file of the log, wrapped under the log's; none: the file is not encrypted
 *
 * Who was told keys uses them; who was not looks for them, which needs the right to read them.
 */
#ifndef GUARITA_CONSOLE_VAULT_KEYRING_H
#define GUARITA_CONSOLE_VAULT_KEYRING_H

#include "vault/frame_cipher.h"
#include "vault/segment_key.h"

#define KEYRING_DIR "segment-keys"
#define KEYRING_MASTER KEYRING_DIR "/master"
#define KEYRING_AWAY KEYRING_DIR "/master.away"
#define KEYRING_WHERE KEYRING_DIR "/where"
#define KEYRING_LOG KEYRING_DIR "/log.key"

struct keyring {
	bool has_master, has_log;
	uint8_t master[BLOB_KEY_BYTES], log[BLOB_KEY_BYTES];
};

/*
 * ring may be NULL: nothing was told. 0, -ENOENT: the vault has none yet, -EACCES: not for us, -ENOKEY: the one that lies
 * elsewhere is not there, -EBADMSG: not what was written; another error of reading.
 */
int keyring_master(const struct keyring *ring, const char *vault, uint8_t ret[BLOB_KEY_BYTES]) WARN_UNUSED;
int keyring_log(const struct keyring *ring, const char *vault, uint8_t ret[BLOB_KEY_BYTES]) WARN_UNUSED;
/* The same, where the one that lies elsewhere was read already. */
int keyring_master_under(const char *vault, const uint8_t away[BLOB_KEY_BYTES], uint8_t ret[BLOB_KEY_BYTES]) WARN_UNUSED;

/* Files of exactly a key's bytes, and of a wrapped one. */
int keyring_read(const char *path, uint8_t ret[BLOB_KEY_BYTES]) WARN_UNUSED;
int keyring_read_wrapped(const char *path, const uint8_t under[BLOB_KEY_BYTES], uint8_t ret[BLOB_KEY_BYTES]) WARN_UNUSED;
/* Path of the key of a file of the log; dst of PATH_MAX. */
int keyring_file_path(char *dst, const char *vault, uint64_t first) WARN_UNUSED;
/* What opens the frames of a file of the log: *ret is NULL where they are not encrypted. Errors as above. */
int keyring_cipher(const struct keyring *ring, const char *vault, uint64_t first, struct frame_cipher **ret) WARN_UNUSED;

#endif
