/* segment_keys: see segment_keys.h. Must never leave a key behind in memory it gives back. */
#include "console/vault/segment_keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

int
segment_key_read_fresh(const struct keyring *ring, const char *vault, const char *path, uint8_t ret[BLOB_KEY_BYTES])
{
	uint8_t log[BLOB_KEY_BYTES];
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (st.st_size == BLOB_KEY_BYTES)
		return keyring_read(path, ret);
	int r = keyring_log(ring, vault, log);
	if (r == 0)
		r = keyring_read_wrapped(path, log, ret);
	explicit_bzero(log, sizeof(log));
	return r;
}

static int
find_wrapped(const struct keyring *ring, const char *vault, const struct digest *digest, uint8_t ret[BLOB_KEY_BYTES])
{
	uint8_t master[BLOB_KEY_BYTES];
	char path[PATH_MAX];
	int r = segment_key_path(path, vault, digest);

	if (r == 0 && access(path, F_OK) < 0)
		r = -errno;
	if (r == 0)
		r = keyring_master(ring, vault, master);
	if (r == 0)
		r = keyring_read_wrapped(path, master, ret);
	explicit_bzero(master, sizeof(master));
	return r;
}

int
segment_key_find(const struct keyring *ring, const char *vault, uint64_t number, const struct digest *digest,
    uint8_t ret[BLOB_KEY_BYTES])
{
	char path[PATH_MAX];
	int r = find_wrapped(ring, vault, digest, ret);

	if (r == -ENOENT) {
		r = segment_key_fresh_path(path, vault, number, "");
		if (r == 0)
			r = segment_key_read_fresh(ring, vault, path, ret);
	}
	return r;
}
