/* keyring: see keyring.h. Must never leave a key behind in memory that it does not give back. */
#include "console/vault/keyring.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/file.h"

static int
read_exact(const char *path, uint8_t *dst, size_t n)
{
	struct buf b = BUF_INIT(n);
	int r = file_read(path, &b);

	if (r == -EFBIG || (r == 0 && b.n != n))
		r = -EBADMSG;
	if (r == 0)
		memcpy(dst, b.p, n);
	buf_wipe(&b);
	return r;
}

int
keyring_read(const char *path, uint8_t ret[BLOB_KEY_BYTES])
{
	return read_exact(path, ret, BLOB_KEY_BYTES);
}

int
keyring_read_wrapped(const char *path, const uint8_t under[BLOB_KEY_BYTES], uint8_t ret[BLOB_KEY_BYTES])
{
	uint8_t wrapped[SEGMENT_KEY_WRAPPED];
	int r = read_exact(path, wrapped, sizeof(wrapped));

	return r < 0 ? r : segment_key_unwrap(under, str_of((const char *)wrapped, sizeof(wrapped)), ret);
}

int
keyring_master_under(const char *vault, const uint8_t away[BLOB_KEY_BYTES], uint8_t ret[BLOB_KEY_BYTES])
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), vault, KEYRING_AWAY);

	return r < 0 ? r : keyring_read_wrapped(path, away, ret);
}

static int
read_away(const char *vault, uint8_t ret[BLOB_KEY_BYTES])
{
	struct buf where = BUF_INIT(PATH_MAX);
	uint8_t away[BLOB_KEY_BYTES];
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), vault, KEYRING_WHERE);

	if (r == 0)
		r = file_read(path, &where);
	while (where.n && where.p[where.n - 1] == '\n')
		where.n--;
	if (r == 0)
		r = keyring_read(buf_cstr(&where), away);
	if (r == -ENOENT)
		r = -ENOKEY;
	if (r == 0)
		r = keyring_master_under(vault, away, ret);
	explicit_bzero(away, sizeof(away));
	buf_free(&where);
	return r;
}

int
keyring_master(const struct keyring *ring, const char *vault, uint8_t ret[BLOB_KEY_BYTES])
{
	char path[PATH_MAX];

	if (ring && ring->has_master) {
		memcpy(ret, ring->master, BLOB_KEY_BYTES);
		return 0;
	}
	int r = file_path(path, sizeof(path), vault, KEYRING_AWAY);
	if (r == 0 && access(path, F_OK) == 0)
		return read_away(vault, ret);
	if (r == 0)
		r = file_path(path, sizeof(path), vault, KEYRING_MASTER);
	return r < 0 ? r : keyring_read(path, ret);
}

int
keyring_log(const struct keyring *ring, const char *vault, uint8_t ret[BLOB_KEY_BYTES])
{
	uint8_t master[BLOB_KEY_BYTES];
	char path[PATH_MAX];

	if (ring && ring->has_log) {
		memcpy(ret, ring->log, BLOB_KEY_BYTES);
		return 0;
	}
	int r = keyring_master(ring, vault, master);
	if (r == 0)
		r = file_path(path, sizeof(path), vault, KEYRING_LOG);
	if (r == 0)
		r = keyring_read_wrapped(path, master, ret);
	explicit_bzero(master, sizeof(master));
	return r;
}

int
keyring_file_path(char *dst, const char *vault, uint64_t first)
{
	return snprintf(dst, PATH_MAX, "%s/wal/%020llu.key", vault, (unsigned long long)first) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int
keyring_cipher(const struct keyring *ring, const char *vault, uint64_t first, struct frame_cipher **ret)
{
	uint8_t log[BLOB_KEY_BYTES], key[BLOB_KEY_BYTES];
	struct frame_cipher *c = NULL;
	char path[PATH_MAX];
	int r = keyring_file_path(path, vault, first);

	if (r == 0 && access(path, F_OK) < 0 && errno == ENOENT) {
		*ret = NULL;
		return 0;
	}
	if (r == 0)
		r = keyring_log(ring, vault, log);
	if (r == -ENOENT)
		r = -EBADMSG;
	if (r == 0)
		r = keyring_read_wrapped(path, log, key);
	if (r == 0) {
		c = frame_cipher_new(key);
		r = c ? 0 : -ENOMEM;
	}
	explicit_bzero(log, sizeof(log));
	explicit_bzero(key, sizeof(key));
	if (r == 0)
		*ret = c;
	return r;
}
