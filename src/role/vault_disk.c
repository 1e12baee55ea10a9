/* vault_disk: reading and writing the files of a vault. Must never say durable before the disk said so. */
#include "role/vault_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/file.h"
#include "vault/frame.h"

#define NONCE_SLOT 32
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

static struct digest
nonce_check(const uint8_t seed[VAULT_NONCE_BYTES], uint64_t block)
{
	const struct str pieces[] = { STR("guarita nonce slot"), str_of((const char *)seed, VAULT_NONCE_BYTES),
		str_of((const char *)&block, sizeof(block)) };

	return digest_of(pieces, ARRAY_LEN(pieces));
}

/* -ENOENT: no seed was drawn for this block, or the writing of it was torn. */
static int
read_seed(const struct vault_disk *d, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	uint8_t slot[NONCE_SLOT];
	ssize_t n = file_read_at(d->nonces, slot, sizeof(slot), block * NONCE_SLOT);

	if (n < 0)
		return (int)n;
	struct digest check = nonce_check(slot, block);
	if (n != NONCE_SLOT || memcmp(check.b, slot + VAULT_NONCE_BYTES, NONCE_SLOT - VAULT_NONCE_BYTES) != 0)
		return -ENOENT;
	memcpy(ret, slot, VAULT_NONCE_BYTES);
	return 0;
}

int
vault_disk_block(void *ctx, uint64_t block, struct nonce_block *ret)
{
	struct vault_disk *d = ctx;

	d->node = (struct nonce_node){ .level = NONCE_BLOCK_LEVELS };
	int r = read_seed(d, block, d->node.seed);
	if (r == 0)
		*ret = (struct nonce_block){ .n = 1, .nodes = &d->node };
	return r;
}

int
vault_disk_seed(struct vault_disk *d, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	uint8_t slot[NONCE_SLOT];
	int r = read_seed(d, block, ret);

	if (r != -ENOENT)
		return r;
	if (getrandom(slot, VAULT_NONCE_BYTES, 0) != VAULT_NONCE_BYTES)
		return -EIO;
	struct digest check = nonce_check(slot, block);
	memcpy(slot + VAULT_NONCE_BYTES, check.b, NONCE_SLOT - VAULT_NONCE_BYTES);
	r = write_at(d->nonces, str_of((const char *)slot, sizeof(slot)), block * NONCE_SLOT);
	if (r == 0)
		r = sync_fd(d->nonces);
	if (r == 0)
		memcpy(ret, slot, VAULT_NONCE_BYTES);
	explicit_bzero(slot, sizeof(slot));
	return r;
}

/* The log. */

static int
number_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int
vault_disk_files(const struct vault_disk *d, uint64_t **ret, size_t *ret_n)
{
	char path[PATH_MAX];
	uint64_t *v = NULL, number;
	struct dirent *e;
	size_t n = 0;
	int r = file_path(path, sizeof(path), d->dir, "wal");
	DIR *dir = r == 0 ? opendir(path) : NULL;

	if (!dir)
		return r < 0 ? r : -errno;
	while (r == 0 && (e = readdir(dir))) {
		struct str name = str_z(e->d_name);
		if (name.n != 24 || !str_ends(name, STR(".wal")) || text_u64(str_head(name, 20), &number) < 0)
			continue;
		void *p = reallocarray(v, n + 1, sizeof(*v));
		if (p)
			v = p;
		else
			r = -ENOMEM;
		if (p)
			v[n++] = number;
	}
	closedir(dir);
	if (r < 0) {
		free(v);
		return r;
	}
	if (n)
		qsort(v, n, sizeof(*v), number_cmp);
	*ret = v;
	*ret_n = n;
	return 0;
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

/* One "epoch N BYTES\n" and its note. */
static bool
take_epoch(struct str *rest, uint64_t want, struct str *ret_note)
{
	struct str line, word, number, bytes, after = *rest;
	uint64_t n, size;

	if (!str_split(&after, '\n', &line) || !str_word(&line, &word) || !str_word(&line, &number) ||
	    !str_word(&line, &bytes) || !str_eq(word, STR("epoch")) || text_u64(number, &n) < 0 || n != want ||
	    text_u64(bytes, &size) < 0 || size > after.n)
		return false;
	*ret_note = str_head(after, size);
	*rest = str_from(after, size);
	return true;
}

int
vault_disk_epochs(const struct vault_disk *d, uint64_t *ret_count, struct buf *last)
{
	struct buf all = BUF_INIT(EPOCHS_BYTES_MAX);
	struct str note = STR_NULL;
	uint64_t n = 0;
	int r = read_part(d, "epochs", &all);
	struct str rest = buf_str(&all);

	while (r == 0 && take_epoch(&rest, n, &note))
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

	return r < 0 ? r : file_replace(path, note, 0644, false);
}
