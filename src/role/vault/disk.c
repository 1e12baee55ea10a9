/* vault_disk: reading and writing the files of a vault. Must never say durable before the disk said so. */
#include "role/vault/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "sys/file.h"
#include "vault/frame.h"

#define EPOCHS_BYTES_MAX (UINT64_C(1) << 30)

static int
open_part(const struct vault_disk *d, const char *name, int flags)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, name);

	if (r < 0)
		return r;
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0640);
	return fd < 0 ? -errno : fd;
}

static int
read_part(const struct vault_disk *d, const char *name, struct buf *b)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, name);

	return r < 0 ? r : file_read(path, b);
}

static int
open_identity(struct vault_disk *d, const char **what)
{
	struct buf seed = BUF_INIT(64);
	uint8_t public[SIGN_PUBLIC_BYTES];
	int r = read_part(d, "identity", &d->identity_text);

	*what = "identity";
	if (r == 0)
		r = identity_read(buf_str(&d->identity_text), &d->identity);
	if (r < 0)
		return r;
	*what = "keys/log";
	r = read_part(d, "keys/log", &seed);
	if (r == 0)
		r = seed.n == SIGN_SEED_BYTES ? 0 : -EBADMSG;
	if (r == 0) {
		memcpy(d->log_seed, seed.p, SIGN_SEED_BYTES);
		explicit_bzero(seed.p, seed.n);
		r = sign_public(d->log_seed, public);
	}
	if (r == 0 && memcmp(public, d->identity.key.public, sizeof(public)) != 0)
		r = -EBADMSG;
	buf_free(&seed);
	return r;
}

static int
open_epochs(struct vault_disk *d, const char **what)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, "epoch-keys");

	*what = "epoch-keys";
	if (r == 0)
		r = file_map(path, &d->epoch_keys);
	if (r == 0)
		r = epoch_tree_open(d->epoch_keys, &d->epoch_tree);
	if (r < 0)
		return r;
	struct digest identity = epoch_identity(&d->epoch_tree);
	return digest_eq(&identity, &d->identity.epochs.identity) ? 0 : -EBADMSG;
}

static int
open_files(struct vault_disk *d, const char **what)
{
	static const char *const trees[] = { "tree/8", "tree/16", "tree/24", "tree/32" };

	*what = "keys/seal";
	d->keys = open_part(d, *what, O_RDWR);
	if (d->keys < 0)
		return d->keys;
	*what = "keys/nonces";
	d->nonces = open_part(d, *what, O_RDWR);
	if (d->nonces < 0)
		return d->nonces;
	*what = "epochs";
	d->epochs = open_part(d, *what, O_RDWR | O_APPEND);
	if (d->epochs < 0)
		return d->epochs;
	for (size_t i = 0; i < VAULT_TREE_FILES; i++) {
		*what = trees[i];
		d->tree[i] = open_part(d, *what, O_RDWR | O_CREAT);
		if (d->tree[i] < 0)
			return d->tree[i];
	}
	return 0;
}

int
vault_disk_open(struct vault_disk *d, const char *dir, const char **ret_what)
{
	*d = (struct vault_disk){
		.wal = -1, .keys = -1, .nonces = -1, .epochs = -1, .tree = { -1, -1, -1, -1 },
		.identity_text = BUF_INIT(4096),
	};
	*ret_what = dir;
	if (snprintf(d->dir, sizeof(d->dir), "%s", dir) >= (int)sizeof(d->dir))
		return -ENAMETOOLONG;
	int r = open_identity(d, ret_what);
	/* Any other part that is missing was there once. */
	if (r == -ENOENT && strcmp(*ret_what, "identity") == 0)
		return r;
	if (r == 0)
		r = open_epochs(d, ret_what);
	if (r == 0)
		r = open_files(d, ret_what);
	return r == -ENOENT ? -EBADMSG : r;
}

void
vault_disk_close(struct vault_disk *d)
{
	fd_close(&d->wal);
	fd_close(&d->keys);
	fd_close(&d->nonces);
	fd_close(&d->epochs);
	for (size_t i = 0; i < VAULT_TREE_FILES; i++)
		fd_close(&d->tree[i]);
	file_unmap(d->epoch_keys);
	d->epoch_keys = STR_NULL;
	buf_free(&d->identity_text);
	explicit_bzero(d->log_seed, sizeof(d->log_seed));
	explicit_bzero(&d->ring, sizeof(d->ring));
	nonce_room_wipe(&d->room);
}

static int
write_at(int fd, struct str bytes, uint64_t offset)
{
	while (bytes.n) {
		ssize_t r = pwrite(fd, bytes.p, bytes.n, (off_t)offset);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		bytes = str_from(bytes, (size_t)r);
		offset += (uint64_t)r;
	}
	return 0;
}

static int
sync_fd(int fd)
{
	return fdatasync(fd) < 0 ? -errno : 0;
}

/* Keys. */

int
vault_disk_keys_load(const struct vault_disk *d, struct keys *ret)
{
	char file[KEYS_FILE_BYTES];
	ssize_t n = file_read_at(d->keys, file, sizeof(file), 0);
	int r = n < 0 ? (int)n : keys_load(str_of(file, (size_t)n), ret);

	explicit_bzero(file, sizeof(file));
	return r;
}

int
vault_disk_keys_store(const struct vault_disk *d, const uint8_t slot[KEYS_SLOT_BYTES], uint64_t offset)
{
	int r = write_at(d->keys, str_of((const char *)slot, KEYS_SLOT_BYTES), offset);

	return r < 0 ? r : sync_fd(d->keys);
}

int
vault_disk_load_block(const struct vault_disk *d, uint64_t block, struct nonce_room *room, struct nonce_block *ret)
{
	char slot[NONCE_SLOT_BYTES];
	ssize_t n = file_read_at(d->nonces, slot, sizeof(slot), block * NONCE_SLOT_BYTES);
	int r = n < 0 ? (int)n : nonce_file_load(d->dir, str_of(slot, (size_t)n), block, room, ret);

	explicit_bzero(slot, sizeof(slot));
	return r;
}

int
vault_disk_block(void *ctx, uint64_t block, struct nonce_block *ret)
{
	struct vault_disk *d = ctx;

	return vault_disk_load_block(d, block, &d->room, ret);
}

int
vault_disk_seed(struct vault_disk *d, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	uint8_t seed[VAULT_NONCE_BYTES], slot[NONCE_SLOT_BYTES];
	struct nonce_block known;
	int r = vault_disk_block(d, block, &known);

	if (r == 0 && (known.n != 1 || known.nodes[0].level != NONCE_BLOCK_LEVELS))
		return -ENODATA;
	if (r == 0)
		memcpy(ret, known.nodes[0].seed, VAULT_NONCE_BYTES);
	if (r != -ENOENT)
		return r;
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	nonce_slot_pack(seed, block, slot);
	r = write_at(d->nonces, str_of((const char *)slot, sizeof(slot)), block * NONCE_SLOT_BYTES);
	if (r == 0)
		r = sync_fd(d->nonces);
	if (r == 0)
		memcpy(ret, seed, sizeof(seed));
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(slot, sizeof(slot));
	return r;
}

/* What is left is on the disk before the seed is overwritten. */
static int
put_forgotten(const struct vault_disk *d, uint64_t block, const struct nonce_block *left)
{
	static const char zeros[NONCE_SLOT_BYTES];
	struct buf file = BUF_INIT(NONCE_FORGOTTEN_MAX);
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, "keys/forgotten");

	nonce_block_pack(left, block, &file);
	if (r == 0)
		r = file_make_dirs(path, 0700);
	if (r == 0)
		r = nonce_file_path(path, d->dir, block);
	if (r == 0)
		r = buf_ok(&file) ? file_replace(path, buf_str(&file), 0600, true) : -ENOMEM;
	if (r == 0)
		r = write_at(d->nonces, str_of(zeros, sizeof(zeros)), block * NONCE_SLOT_BYTES);
	if (r == 0)
		r = sync_fd(d->nonces);
	buf_wipe(&file);
	return r;
}

int
vault_disk_forget(const struct vault_disk *d, uint64_t block, const struct nonce_set *gone)
{
	struct nonce_room room = { .many = NULL };
	struct nonce_node *nodes = calloc(NONCE_NODES_MAX, sizeof(*nodes));
	struct nonce_block known, left = { .nodes = nodes };
	int r = nodes ? vault_disk_load_block(d, block, &room, &known) : -ENOMEM;

	if (r == 0)
		r = nonce_forget(&known, gone, nodes, NONCE_NODES_MAX, &left.n);
	if (r == 0)
		r = put_forgotten(d, block, &left);
	nonce_room_wipe(&room);
	if (nodes)
		explicit_bzero(nodes, NONCE_NODES_MAX * sizeof(*nodes));
	free(nodes);
	return r;
}

/* The log. */

int
vault_disk_files(const struct vault_disk *d, uint64_t **ret, size_t *ret_n)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, "wal");

	return r < 0 ? r : file_numbers(path, STR(".wal"), ret, ret_n);
}

int
vault_disk_file_path(const struct vault_disk *d, uint64_t first, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/wal/%020llu.wal", d->dir, (unsigned long long)first) >= PATH_MAX
	    ? -ENAMETOOLONG : 0;
}

int
vault_disk_wal_open(struct vault_disk *d, uint64_t first, uint64_t bytes)
{
	char path[PATH_MAX];
	int r = vault_disk_file_path(d, first, path);

	if (r < 0)
		return r;
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) < 0 || fdatasync(fd) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	fd_close(&d->wal);
	d->wal = fd;
	d->wal_bytes = bytes;
	return 0;
}

static int
sync_wal_dir(const struct vault_disk *d)
{
	int fd = open_part(d, "wal", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd;
	int r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int
vault_disk_wal_new(struct vault_disk *d, uint64_t first)
{
	char path[PATH_MAX];
	int r = vault_disk_file_path(d, first, path);

	if (r < 0)
		return r;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	r = sync_wal_dir(d);
	if (r < 0) {
		close(fd);
		return r;
	}
	fd_close(&d->wal);
	d->wal = fd;
	d->wal_bytes = 0;
	return 0;
}

int
vault_disk_wal_write(struct vault_disk *d, struct str frame)
{
	int r = write_at(d->wal, frame, d->wal_bytes);

	if (r == 0)
		r = sync_fd(d->wal);
	if (r < 0) {
		(void)!ftruncate(d->wal, (off_t)d->wal_bytes);
		return r;
	}
	d->wal_bytes += frame.n;
	return 0;
}

int
vault_disk_wal_remove(const struct vault_disk *d, uint64_t first)
{
	char path[PATH_MAX];
	int r = vault_disk_file_path(d, first, path);

	if (r == 0 && unlink(path) < 0)
		r = -errno;
	if (r == 0)
		r = keyring_file_path(path, d->dir, first);
	if (r == 0)
		r = vault_disk_destroy(path, SEGMENT_KEY_WRAPPED);
	return r < 0 ? r : sync_wal_dir(d);
}

/* The tree. */

int
vault_disk_node(const struct vault_disk *d, unsigned level, uint64_t index, const struct digest *node)
{
	unsigned file = level / TREE_STEP - 1;

	if (file >= VAULT_TREE_FILES)
		return 0;
	return write_at(d->tree[file], digest_str(node), index * DIGEST_BYTES);
}

int
vault_disk_sync_nodes(const struct vault_disk *d)
{
	int r = 0;

	for (size_t i = 0; i < VAULT_TREE_FILES && r == 0; i++)
		r = sync_fd(d->tree[i]);
	return r;
}

/* Notes. */

int
vault_disk_epochs(const struct vault_disk *d, uint64_t *ret_count, struct buf *last)
{
	struct buf all = BUF_INIT(EPOCHS_BYTES_MAX);
	struct str note = STR_NULL;
	uint64_t n = 0;
	int r = read_part(d, "epochs", &all);
	struct str rest = buf_str(&all);

	while (r == 0 && epoch_closing(&rest, n, &note))
		n++;
	/* A note that was being written when the power went: its epoch is not over. */
	if (r == 0 && rest.n)
		r = ftruncate(d->epochs, (off_t)(all.n - rest.n)) < 0 ? -errno : 0;
	if (r == 0) {
		buf_add(last, note);
		*ret_count = n;
	}
	buf_free(&all);
	return r;
}

int
vault_disk_epoch_add(const struct vault_disk *d, uint64_t epoch, struct str note)
{
	struct buf b = BUF_INIT(NOTE_BYTES_MAX + 100);

	buf_addf(&b, "epoch %llu %zu\n", (unsigned long long)epoch, note.n);
	buf_add(&b, note);
	int r = buf_ok(&b) ? file_write_all(d->epochs, buf_str(&b)) : -ENOMEM;
	buf_free(&b);
	return r < 0 ? r : sync_fd(d->epochs);
}

int
vault_disk_checkpoint(const struct vault_disk *d, struct str note)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, "checkpoint");

	if (r == 0)
		r = file_replace(path, note, 0644, false);
	/* shipd sees no more of the vault's own directory than it must. */
	if (r == 0)
		r = file_path(path, sizeof(path), d->dir, "ship");
	if (r < 0 || access(path, F_OK) < 0)
		return r;
	r = file_path(path, sizeof(path), d->dir, "ship/checkpoint");
	return r < 0 ? r : file_replace(path, note, 0644, false);
}
