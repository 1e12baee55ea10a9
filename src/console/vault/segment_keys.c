/* segment_keys: see segment_keys.h. Must never leave a key behind in memory it gives back. */
#include "console/vault/segment_keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "sys/file.h"

int
segment_key_path(char *dst, const char *vault, const struct digest *digest)
{
	char hex[2 * DIGEST_BYTES + 1];

	for (unsigned i = 0; i < DIGEST_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest->b[i]);
	return snprintf(dst, PATH_MAX, "%s/segment-keys/%s.key", vault, hex) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int
segment_key_fresh_path(char *dst, const char *vault, uint64_t number, const char *more)
{
	return snprintf(dst, PATH_MAX, "%s/seg/%020llu%s.key", vault, (unsigned long long)number, more) < PATH_MAX
	    ? 0 : -ENAMETOOLONG;
}

static int
read_exact(const char *path, uint8_t *dst, size_t n)
{
	struct buf b = BUF_INIT(n);
	int r = file_read(path, &b);

	if (r == 0)
		r = b.n == n ? 0 : -EBADMSG;
	if (r == 0)
		memcpy(dst, b.p, n);
	buf_wipe(&b);
	return r;
}

int
segment_key_read(const char *path, uint8_t ret[BLOB_KEY_BYTES])
{
	return read_exact(path, ret, BLOB_KEY_BYTES);
}

int
segment_master_read(const char *vault, uint8_t ret[BLOB_KEY_BYTES])
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), vault, SEGMENT_MASTER);

	return r < 0 ? r : segment_key_read(path, ret);
}

static int
find_wrapped(const char *vault, const struct digest *digest, uint8_t ret[BLOB_KEY_BYTES])
{
	uint8_t master[BLOB_KEY_BYTES], wrapped[SEGMENT_KEY_WRAPPED];
	char path[PATH_MAX];
	int r = segment_key_path(path, vault, digest);

	if (r == 0)
		r = read_exact(path, wrapped, sizeof(wrapped));
	if (r == 0)
		r = segment_master_read(vault, master);
	if (r == 0)
		r = segment_key_unwrap(master, str_of((const char *)wrapped, sizeof(wrapped)), ret);
	explicit_bzero(master, sizeof(master));
	return r;
}

int
segment_key_find(const char *vault, uint64_t number, const struct digest *digest, uint8_t ret[BLOB_KEY_BYTES])
{
	char path[PATH_MAX];
	int r = find_wrapped(vault, digest, ret);

	if (r == -ENOENT) {
		r = segment_key_fresh_path(path, vault, number, "");
		if (r == 0)
			r = segment_key_read(path, ret);
	}
	return r;
}
