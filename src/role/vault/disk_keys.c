/*
 * vault_disk_keys: the keys above the keys, as they lie in a vault: the master key or what wraps it, the key of the log, one key
 * for each file of the log. Must never leave a moment in which a key is nowhere whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/vault/disk.h"
#include "sys/file.h"

#define NEXT_DIR "segment-keys.next"

static int
draw(uint8_t key[BLOB_KEY_BYTES])
{
	return getrandom(key, BLOB_KEY_BYTES, 0) == BLOB_KEY_BYTES ? 0 : -EIO;
}

static int
sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int
vault_disk_destroy(const char *path, size_t bytes)
{
	static const char zeros[BLOB_KEY_BYTES + SEGMENT_KEY_WRAPPED];
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = file_write_all(fd, str_of(zeros, bytes));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r == 0 && unlink(path) < 0 ? -errno : r;
}

static bool
there(const struct vault_disk *d, const char *name)
{
	char path[PATH_MAX];

	return file_path(path, sizeof(path), d->dir, name) == 0 && access(path, F_OK) == 0;
}

/* A file of the vault, durable. */
static int
put(const struct vault_disk *d, const char *name, struct str bytes)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, name);

	return r < 0 ? r : file_replace(path, bytes, 0640, true);
}

static int
put_wrapped(const char *path, const uint8_t under[BLOB_KEY_BYTES], const uint8_t key[BLOB_KEY_BYTES])
{
	uint8_t wrapped[SEGMENT_KEY_WRAPPED];
	int r = segment_key_wrap(under, key, wrapped);

	return r < 0 ? r : file_replace(path, str_of((const char *)wrapped, sizeof(wrapped)), 0640, true);
}

/* The master key, in this folder of the vault: as it is, or wrapped under the one that lies elsewhere. */
static int
put_master(const struct vault_disk *d, const struct vault_away *away, const char *dir, const uint8_t master[BLOB_KEY_BYTES])
{
	char folder[PATH_MAX], path[PATH_MAX];
	int r = file_path(folder, sizeof(folder), d->dir, dir);

	if (r == 0)
		r = file_path(path, sizeof(path), folder, away ? "master.away" : "master");
	if (r == 0)
		r = away ? put_wrapped(path, away->key, master)
		    : file_replace(path, str_of((const char *)master, BLOB_KEY_BYTES), 0640, true);
	return r < 0 ? r : sync_dir(folder);
}

/* Rotating. */

static bool
is_key(const char *name)
{
	return str_ends(str_z(name), STR(".key"));
}

/* An old folder of keys, or one that was not finished. */
static int
destroy_dir(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *at = opendir(dir);
	int r = 0;

	if (!at)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(at)))
		if (e->d_name[0] != '.') {
			r = file_path(path, sizeof(path), dir, e->d_name);
			if (r == 0)
				r = vault_disk_destroy(path, SEGMENT_KEY_WRAPPED);
		}
	closedir(at);
	return r == 0 && unlinkat(AT_FDCWD, dir, AT_REMOVEDIR) < 0 ? -errno : r;
}

/* Every key of one folder into the other, wrapped under the new master key. */
static int
wrap_anew(const char *from, const char *to, const uint8_t old[BLOB_KEY_BYTES], const uint8_t new[BLOB_KEY_BYTES])
{
	char source[PATH_MAX], target[PATH_MAX];
	uint8_t key[BLOB_KEY_BYTES];
	struct dirent *e;
	DIR *at = opendir(from);
	int r = 0;

	if (!at)
		return -errno;
	while (r == 0 && (e = readdir(at))) {
		if (!is_key(e->d_name))
			continue;
		r = file_path(source, sizeof(source), from, e->d_name);
		if (r == 0)
			r = file_path(target, sizeof(target), to, e->d_name);
		if (r == 0)
			r = keyring_read_wrapped(source, old, key);
		if (r == 0)
			r = put_wrapped(target, new, key);
	}
	explicit_bzero(key, sizeof(key));
	closedir(at);
	return r;
}

int
vault_disk_rekey(struct vault_disk *d, const struct vault_away *away, bool *ret_replaced)
{
	char from[PATH_MAX], to[PATH_MAX];
	uint8_t new[BLOB_KEY_BYTES];
	int r = file_path(from, sizeof(from), d->dir, KEYRING_DIR);

	if (r == 0)
		r = file_path(to, sizeof(to), d->dir, NEXT_DIR);
	if (r == 0)
		r = destroy_dir(to);
	if (r == 0)
		r = file_make_dirs(to, 0750);
	if (r == 0)
		r = draw(new);
	if (r == 0)
		r = wrap_anew(from, to, d->ring.master, new);
	if (r == 0)
		r = put_master(d, away, NEXT_DIR, new);
	if (r == 0 && renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) < 0)
		r = -errno;
	*ret_replaced = r == 0;
	if (r == 0) {
		memcpy(d->ring.master, new, sizeof(new));
		r = sync_dir(d->dir);
	}
	if (r == 0)
		r = destroy_dir(to);
	explicit_bzero(new, sizeof(new));
	return r;
}

/* Opening. */

/* Keys that only a master key opens. */
static bool
has_keys(const struct vault_disk *d)
{
	char path[PATH_MAX];
	bool any = false;
	struct dirent *e;
	DIR *at = file_path(path, sizeof(path), d->dir, KEYRING_DIR) == 0 ? opendir(path) : NULL;

	while (at && !any && (e = readdir(at)))
		any = is_key(e->d_name);
	if (at)
		closedir(at);
	return any;
}

static int
make_master(struct vault_disk *d, const struct vault_away *away)
{
	char path[PATH_MAX];
	int r = has_keys(d) ? -ENOKEY : file_path(path, sizeof(path), d->dir, KEYRING_DIR);

	if (r == 0)
		r = file_make_dirs(path, 0750);
	if (r == 0)
		r = draw(d->ring.master);
	return r < 0 ? r : put_master(d, away, KEYRING_DIR, d->ring.master);
}

static int
open_master(struct vault_disk *d, const struct vault_away *away)
{
	if (!away && there(d, KEYRING_AWAY))
		return -ENOKEY;
	if (there(d, KEYRING_AWAY)) {
		int r = keyring_master_under(d->dir, away->key, d->ring.master);
		return r == -EBADMSG ? -EKEYREJECTED : r;
	}
	if (!there(d, KEYRING_MASTER))
		return make_master(d, away);
	bool replaced;
	int r = keyring_master(NULL, d->dir, d->ring.master);
	/* It lay open until now: whoever read it shall have nothing of it. */
	return r == 0 && away ? vault_disk_rekey(d, away, &replaced) : r;
}

static int
open_log(struct vault_disk *d)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, KEYRING_LOG);

	if (r == 0)
		r = keyring_read_wrapped(path, d->ring.master, d->ring.log);
	if (r != -ENOENT)
		return r;
	r = draw(d->ring.log);
	return r < 0 ? r : put_wrapped(path, d->ring.master, d->ring.log);
}

/* For those who read the vault and were told nothing. */
static int
note_where(const struct vault_disk *d, const struct vault_away *away)
{
	struct buf text = BUF_INIT(PATH_MAX + 1);

	buf_addf(&text, "%s\n", away->path);
	int r = buf_ok(&text) ? put(d, KEYRING_WHERE, buf_str(&text)) : -ENAMETOOLONG;
	buf_free(&text);
	return r;
}

int
vault_disk_ring_open(struct vault_disk *d, const struct vault_away *away)
{
	char next[PATH_MAX];
	int r = file_path(next, sizeof(next), d->dir, NEXT_DIR);

	d->ring = (struct keyring){ .has_master = false };
	if (r == 0)
		r = destroy_dir(next);
	if (r == 0)
		r = open_master(d, away);
	if (r == 0)
		r = open_log(d);
	if (r == 0 && away)
		r = note_where(d, away);
	d->ring.has_master = d->ring.has_log = r == 0;
	return r;
}

/* Files of the log. */

int
vault_disk_file_key(const struct vault_disk *d, uint8_t ret_wrapped[SEGMENT_KEY_WRAPPED], struct frame_cipher **ret)
{
	uint8_t key[BLOB_KEY_BYTES];
	struct frame_cipher *c = NULL;
	int r = draw(key);

	_Static_assert(BLOB_KEY_BYTES == LOG_KEY_BYTES, "both are wrapped alike");
	if (r == 0)
		r = segment_key_wrap(d->ring.log, key, ret_wrapped);
	if (r == 0) {
		c = frame_cipher_new(key);
		r = c ? 0 : -ENOMEM;
	}
	explicit_bzero(key, sizeof(key));
	if (r == 0)
		*ret = c;
	return r;
}

int
vault_disk_file_key_store(const struct vault_disk *d, uint64_t first, const uint8_t wrapped[SEGMENT_KEY_WRAPPED])
{
	char path[PATH_MAX];
	int r = keyring_file_path(path, d->dir, first);

	if (r == 0)
		r = file_replace(path, str_of((const char *)wrapped, SEGMENT_KEY_WRAPPED), 0640, true);
	if (r == 0)
		r = file_path(path, sizeof(path), d->dir, "wal");
	return r < 0 ? r : sync_dir(path);
}

int
vault_disk_sweep_file_keys(const struct vault_disk *d)
{
	uint64_t *keys = NULL;
	size_t n = 0;
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), d->dir, "wal");

	if (r == 0)
		r = file_numbers(path, STR(".key"), &keys, &n);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = vault_disk_file_path(d, keys[i], path);
		if (r < 0 || access(path, F_OK) == 0)
			continue;
		r = keyring_file_path(path, d->dir, keys[i]);
		if (r == 0)
			r = vault_disk_destroy(path, SEGMENT_KEY_WRAPPED);
	}
	free(keys);
	return r;
}
