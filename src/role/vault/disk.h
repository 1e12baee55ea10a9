/*
 * disk: the files of a vault, and the order in which they are written. One directory:
 *
 *   identity            who it is (vault/identity.h)          made last, so that a vault is whole or none
 *   epoch-keys          public keys of all epochs (vault/epoch.h)
 *   epochs              closing notes: "epoch N BYTES\n", then the note, one after the other
 *   checkpoint          the newest signed note
 *   wal/NUMBER.wal      frames (vault/frame.h); NUMBER: 20 digits, index of the file's first line
 *   wal/NUMBER.key      key of that file, wrapped (console/vault/keyring.h)
 *   tree/8 tree/16 ...  nodes of the tree at these levels, 32 bytes each, in order; can be made again
 *   keys/seal           the keys that evolve (vault/keys.h)
 *   keys/log            seed of the checkpoint key
 *   keys/nonces         32 bytes for each 65,536 lines: seed, check
 *   keys/auditor        A(0) in base64: to be taken away
 *   keys/forgotten/     blocks of lines of which some nonces were forgotten (console/vault/nonce_file.h)
 *   keys/erasures       lines that are to be erased and are not yet
 *   segment-keys/       keys of the segments, wrapped (console/vault/segment_keys.h), and those above them
 */
#ifndef GUARITA_ROLE_VAULT_DISK_H
#define GUARITA_ROLE_VAULT_DISK_H

#include <limits.h>

#include "base/buf.h"
#include "console/vault/keyring.h"
#include "console/vault/nonce_file.h"
#include "vault/blob.h"
#include "vault/identity.h"
#include "vault/keys.h"
#include "vault/nonce.h"

#define VAULT_TREE_FILES 4             /* levels 8, 16, 24, 32 */

struct vault_away {                    /* a key that lies elsewhere */
	char path[PATH_MAX];
	uint8_t key[BLOB_KEY_BYTES];
};

struct vault_disk {
	char dir[PATH_MAX];
	int wal, keys, nonces, epochs, tree[VAULT_TREE_FILES];
	uint64_t wal_bytes;            /* of the file that is written */
	struct buf identity_text;
	struct identity identity;
	struct str epoch_keys;         /* mapped */
	struct epoch_tree epoch_tree;
	uint8_t log_seed[SIGN_SEED_BYTES];
	struct keyring ring;           /* disk_keys.c */
	struct nonce_room room;        /* what vault_disk_block() shows */
};

/* Makes a new vault in a directory that holds none: 0 or -errno; -EEXIST: there are parts of one without an identity. */
int vault_disk_make(const char *dir, struct str origin, uint64_t epochs, int64_t now_s) WARN_UNUSED;
/* Opens what is there, without the log itself. -ENOENT: no vault. -EBADMSG: a part is not what it must be; *ret_what. */
int vault_disk_open(struct vault_disk *d, const char *dir, const char **ret_what) WARN_UNUSED;
void vault_disk_close(struct vault_disk *d);

int vault_disk_keys_load(const struct vault_disk *d, struct keys *ret) WARN_UNUSED;
/* Durable when it returns 0. */
int vault_disk_keys_store(const struct vault_disk *d, const uint8_t slot[KEYS_SLOT_BYTES], uint64_t offset) WARN_UNUSED;
/* For struct nonce_store, whose ctx is the disk. */
int vault_disk_block(void *ctx, uint64_t block, struct nonce_block *ret);
/* What is known of a block, into a room of the caller's: 0, -ENOENT. For any thread. */
int vault_disk_load_block(const struct vault_disk *d, uint64_t block, struct nonce_room *room, struct nonce_block *ret) WARN_UNUSED;
/*
 * The seed of a block, drawn when there is none; durable. -ENODATA: parts of the block were forgotten, and it has none
 * any more.
 */
int vault_disk_seed(struct vault_disk *d, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES]) WARN_UNUSED;
/* Forgets the nonces of these leaves of a block, for good. Durable when it returns 0. */
int vault_disk_forget(const struct vault_disk *d, uint64_t block, const struct nonce_set *gone) WARN_UNUSED;

/* Indexes by which the files of the log are named, rising; free() them. */
int vault_disk_files(const struct vault_disk *d, uint64_t **ret, size_t *ret_n) WARN_UNUSED;
int vault_disk_file_path(const struct vault_disk *d, uint64_t first, char path[PATH_MAX]) WARN_UNUSED;
/* Goes on writing a file behind its first `bytes` bytes; what is behind is cut off. */
int vault_disk_wal_open(struct vault_disk *d, uint64_t first, uint64_t bytes) WARN_UNUSED;
/* Begins a new one; the directory is synced. */
int vault_disk_wal_new(struct vault_disk *d, uint64_t first) WARN_UNUSED;
/* Appends and makes durable; on failure the file is as before. */
int vault_disk_wal_write(struct vault_disk *d, struct str frame) WARN_UNUSED;
int vault_disk_wal_remove(const struct vault_disk *d, uint64_t first) WARN_UNUSED;

int vault_disk_node(const struct vault_disk *d, unsigned level, uint64_t index, const struct digest *node) WARN_UNUSED;
int vault_disk_sync_nodes(const struct vault_disk *d) WARN_UNUSED;

/* Count of closing notes, and the last one's bytes (in a buffer of the caller); -EBADMSG when the file is torn. */
int vault_disk_epochs(const struct vault_disk *d, uint64_t *ret_count, struct buf *last) WARN_UNUSED;
/* Durable when it returns 0. */
int vault_disk_epoch_add(const struct vault_disk *d, uint64_t epoch, struct str note) WARN_UNUSED;
int vault_disk_checkpoint(const struct vault_disk *d, struct str note) WARN_UNUSED;

/*
 * Keys of what is kept. disk_keys.c. The master key and the key of the log, made where there are none. away: the key that
 * lies elsewhere, NULL for none; a master key that lay in the vault is replaced then. 0 or -errno; -ENOKEY: a key is needed
 * that is not there, -EKEYREJECTED: the one that lies elsewhere is not the one of this vault.
 */
int vault_disk_ring_open(struct vault_disk *d, const struct vault_away *away) WARN_UNUSED;
/*
 * A new master key: all others are wrapped under it, at once or not at all. *ret_replaced tells which, also after a failure:
 * then only the old folder is left, and is swept away by the next start.
 */
int vault_disk_rekey(struct vault_disk *d, const struct vault_away *away, bool *ret_replaced) WARN_UNUSED;
/* A key for a file of the log that is to be begun: drawn; and made durable, before the file is. */
int vault_disk_file_key(const struct vault_disk *d, uint8_t ret_wrapped[SEGMENT_KEY_WRAPPED], struct frame_cipher **ret) WARN_UNUSED;
int vault_disk_file_key_store(const struct vault_disk *d, uint64_t first, const uint8_t wrapped[SEGMENT_KEY_WRAPPED]) WARN_UNUSED;
/* Keys of files that are no more are destroyed. */
int vault_disk_sweep_file_keys(const struct vault_disk *d) WARN_UNUSED;
/* Overwritten where it lies, then removed. What a disk keeps in spare cells is beyond us, and the manual says so. */
int vault_disk_destroy(const char *path, size_t bytes) WARN_UNUSED;

#endif
