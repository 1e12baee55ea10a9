/* config_file: see config_file.h. */
#include "console/config_file.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/bundle.h"
#include "sys/file.h"

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
load_bundle(struct arena *a, struct diags *d, struct str bytes, conf_unseal_fn *unseal, void *unseal_ctx, struct config **ret)
{
	struct bundle *b = ARENA_NEW(a, struct bundle);
	struct conf_reader reader = { .read = bundle_replay, .ctx = b, .unseal = unseal, .unseal_ctx = unseal_ctx };
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
		rc = load_bundle(a, d, text, NULL, NULL, ret);
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

int
config_file_load_with(struct arena *a, struct diags *d, const char *path, conf_unseal_fn *unseal, void *unseal_ctx,
    struct config **ret)
{
	struct reading r = { .arena = a };
	struct conf_reader reader = { .read = read_include, .ctx = &r, .unseal = unseal, .unseal_ctx = unseal_ctx };
	struct str name, text;
	int rc = read_text(a, path, &name, &text);

	if (rc < 0)
		return rc;
	return bundle_is(text) ? load_bundle(a, d, text, unseal, unseal_ctx, ret) : config_load(a, d, name, text, &reader, ret);
}

int
config_file_load(struct arena *a, struct diags *d, const char *path, struct config **ret)
{
	return config_file_load_with(a, d, path, NULL, NULL, ret);
}
