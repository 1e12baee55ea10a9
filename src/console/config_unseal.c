/*
 * config_unseal: passwords that are sealed in a configuration. A file of its own, because most processes need none of them,
 * and libcrypto costs each that is linked with it half a megabyte. Must never leave a plain password in memory that is
 * not the caller's.
 */
#include <errno.h>
#include <limits.h>

#include "console/config_file.h"
#include "sys/file.h"
#include "sys/sealed.h"
#include "sys/sitekey.h"

static int
unseal(void *ctx, struct arena *a, struct str word, struct str *ret)
{
	uint8_t plain[SEALED_PLAIN_MAX];
	size_t n;
	int rc = sealed_read(ctx, word, plain, &n);

	if (rc == 0) {
		*ret = arena_str(a, str_of((const char *)plain, n));
		rc = n > 0 && !ret->p ? -ENOMEM : 0;
	}
	tls_wipe(plain, sizeof(plain));
	return rc;
}

int
config_file_unseal(struct arena *a, struct diags *d, const char *path, struct config **config, struct str *ret_key)
{
	char file[PATH_MAX];
	uint8_t key[SEALED_KEY];

	if (!(*config)->sealed)
		return 0;
	int rc = file_path(file, sizeof(file), (*config)->state_dir.p, SEALED_KEY_FILE);
	if (rc < 0)
		return rc;
	*ret_key = arena_str(a, str_z(file));
	rc = sitekey_read(file, key);
	if (rc == 0)
		rc = config_file_load_with(a, d, path, unseal, key, config);
	tls_wipe(key, sizeof(key));
	return rc;
}
