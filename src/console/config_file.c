/* config_file: see config_file.h. */
#include "console/config_file.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/bundle.h"
#include "sys/file.h"
#include "sys/sealed.h"
#include "sys/sitekey.h"
#include "vault/digest.h"

struct reading {
	struct arena *arena;
};

static int
read_text(struct arena *a, const char *path, struct str *ret_name, struct str *ret_text)
{
	struct buf b = BUF_INIT(CONF_TEXT_MAX);
	int rc = file_read(path, &b);

	if (rc == 0) {
		*ret_name = arena_str(a, str_z(path));
		*ret_text = arena_str(a, buf_str(&b));
		if (!ret_name->p || (b.n > 0 && !ret_text->p))
			rc = -ENOMEM;
	}
	buf_free(&b);
	return rc;
}

/* "conf.d/x.conf" of /etc/guarita/guarita.conf is /etc/guarita/conf.d/x.conf. */
static char *
beside(struct str from, struct str spec)
{
	size_t slash = str_rfind(from, STR("/"));
	char *path;

	if (spec.n > 0 && spec.p[0] == '/')
		return strndup(spec.p, spec.n);
	if (slash == from.n)
		return strndup(spec.p, spec.n);
	return asprintf(&path, "%.*s/%.*s", (int)slash, from.p, STR_FMT(spec)) < 0 ? NULL : path;
}

static int
read_include(void *ctx, struct str from, struct str spec, void (*add)(void *add_ctx, struct str name, struct str text),
    void *add_ctx)
{
	struct reading *r = ctx;
	struct str name, text;
	char *path = beside(from, spec);
	bool pattern;
	glob_t g;
	int rc = 0;

	if (!path)
		return -ENOMEM;
	pattern = strpbrk(path, "*?[") != NULL;
	rc = glob(path, pattern ? 0 : GLOB_NOCHECK, NULL, &g);
	free(path);
	if (rc == GLOB_NOMATCH)
		return 0;
	if (rc != 0)
		return rc == GLOB_NOSPACE ? -ENOMEM : -EACCES;
	for (size_t i = 0; rc == 0 && i < g.gl_pathc; i++) {
		rc = read_text(r->arena, g.gl_pathv[i], &name, &text);
		if (rc == 0)
			add(add_ctx, name, text);
	}
	globfree(&g);
	return rc;
}

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

static int
load_bundle(struct arena *a, struct diags *d, struct str bytes, const uint8_t *key, struct config **ret)
{
	struct bundle *b = ARENA_NEW(a, struct bundle);
	struct conf_reader reader = { .read = bundle_replay, .ctx = b, .unseal = key ? unseal : NULL, .unseal_ctx = (void *)(uintptr_t)key };
	int rc = b ? bundle_parse(b, a, bytes) : -ENOMEM;

	return rc < 0 ? rc : config_load(a, d, b->files[0].name, b->files[0].text, &reader, ret);
}

int
config_file_bundle(struct arena *a, struct diags *d, const char *path, struct config **ret, struct buf *out)
{
	struct reading r = { .arena = a };
	struct bundle b;
	struct bundle_recorder rec = { .b = &b, .under = { .read = read_include, .ctx = &r } };
	struct conf_reader reader = { .read = bundle_record, .ctx = &rec };
	struct str name, text;
	int rc = read_text(a, path, &name, &text);

	if (rc == 0 && bundle_is(text)) {
		rc = load_bundle(a, d, text, NULL, ret);
		if (rc == 0)
			buf_add(out, text);
		return rc;
	}
	if (rc == 0)
		rc = bundle_begin(&b, a, name, text);
	if (rc == 0)
		rc = config_load(a, d, name, text, &reader, ret);
	if (rc == 0) {
		bundle_write(&b, out);
		rc = buf_ok(out) ? 0 : -EFBIG;
	}
	return rc;
}

void
config_hash(struct str bundle, char dst[65])
{
	struct digest d = digest_of(&bundle, 1);

	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(dst + 2 * i, 3, "%02x", d.b[i]);
}

static int
load(struct arena *a, struct diags *d, const char *path, const uint8_t *key, struct config **ret)
{
	struct reading r = { .arena = a };
	struct conf_reader reader = { .read = read_include, .ctx = &r, .unseal = key ? unseal : NULL, .unseal_ctx = (void *)(uintptr_t)key };
	struct str name, text;
	int rc = read_text(a, path, &name, &text);

	if (rc < 0)
		return rc;
	return bundle_is(text) ? load_bundle(a, d, text, key, ret) : config_load(a, d, name, text, &reader, ret);
}

int
config_file_load(struct arena *a, struct diags *d, const char *path, struct config **ret)
{
	return load(a, d, path, NULL, ret);
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
		rc = load(a, d, path, key, config);
	tls_wipe(key, sizeof(key));
	return rc;
}
