/* rules: see rules.h. Must never let a cache decide whether rules are good. */
#include "role/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cur.h"
#include "sys/file.h"
#include "sys/memory.h"

#define CACHE_MAX (256u << 20)
#define KEPT_MAX (256u << 20)
#define TEXTS_MAX 1000

static int
read_text(struct arena *a, const char *path, struct str *ret)
{
	struct buf b = BUF_INIT(CONF_TEXT_MAX);
	int r = file_read(path, &b);

	if (r == 0) {
		struct str copy = arena_str(a, buf_str(&b));
		if (b.n && !copy.p)
			r = -ENOMEM;
		else
			*ret = copy;
	}
	buf_free(&b);
	return r;
}

static int
add_dir(struct arena *a, struct str dir, struct rules_text *texts, size_t *n, struct buf *why)
{
	char pattern[PATH_MAX];
	glob_t g;
	int r = 0;

	if (snprintf(pattern, sizeof(pattern), "%.*s/*.rules", STR_FMT(dir)) >= (int)sizeof(pattern))
		return -ENAMETOOLONG;
	if (glob(pattern, 0, NULL, &g) != 0) {
		buf_addf(why, "%.*s holds no *.rules file; `make install` puts them there, `rules-dir` in the configuration names another folder",
		    STR_FMT(dir));
		return -ENOENT;
	}
	for (size_t i = 0; i < g.gl_pathc && r == 0; i++) {
		r = *n == TEXTS_MAX ? -E2BIG : read_text(a, g.gl_pathv[i], &texts[*n].text);
		if (r < 0)
			buf_addf(why, "%s: %s", g.gl_pathv[i], strerror(-r));
		else
			texts[(*n)++].name = arena_str(a, str_z(g.gl_pathv[i]));
	}
	globfree(&g);
	return r;
}

int
rules_read(struct arena *a, const struct conf_strs *dirs, struct rules_text **ret, size_t *ret_n, struct buf *why)
{
	size_t n = 0;
	struct rules_text *texts = ARENA_ARRAY(a, struct rules_text, TEXTS_MAX);

	if (!texts)
		return -ENOMEM;
	for (uint32_t i = 0; i < dirs->n; i++) {
		int r = add_dir(a, dirs->v[i], texts, &n, why);
		if (r < 0)
			return r;
	}
	*ret = texts;
	*ret_n = n;
	return 0;
}

static void
show_faults(const struct diags *d)
{
	struct buf out = BUF_INIT(1 << 20);

	diags_show(d, &out);
	fputs(buf_cstr(&out), stderr);
	buf_free(&out);
}

int
rules_load(const struct rules_text *texts, size_t n, const char *path, bool keep, struct ruleset **ret)
{
	struct buf cached = BUF_INIT(CACHE_MAX), fresh = BUF_INIT(CACHE_MAX);
	struct diags *diags = diags_new();
	int r = diags ? 0 : -ENOMEM;

	if (r == 0) {
		if (file_read_own(path, &cached) < 0)
			buf_reset(&cached);
		struct ruleset_cache cache = { .cached = buf_str(&cached), .ret_fresh = &fresh };
		r = ruleset_load(texts, n, &cache, diags, ret);
		show_faults(diags);
	}
	if (r == 0 && keep && fresh.n)
		(void)!file_replace(path, buf_str(&fresh), 0600, false);
	if (r == 0)
		ruleset_forget_samples(*ret);
	diags_free(diags);
	buf_free(&cached);
	buf_free(&fresh);
	memory_trim();
	return r;
}

/* A file that its folder knows no more. */
static int
open_unnamed(const char *dir)
{
	char path[PATH_MAX];
	int r = file_path(path, sizeof(path), dir, "rules.XXXXXX"), fd = r < 0 ? r : mkostemp(path, O_CLOEXEC);

	if (r < 0 || fd < 0)
		return r < 0 ? r : -errno;
	if (unlink(path) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static void
add_text(struct buf *b, struct str s)
{
	uint8_t bytes[4];
	struct enc length = enc_of(bytes, sizeof(bytes));

	enc_u32(&length, (uint32_t)s.n);
	buf_add(b, str_of((const char *)bytes, length.n));
	buf_add(b, s);
}

int
rules_keep(const char *dir, const struct rules_text *texts, size_t n)
{
	struct buf all = BUF_INIT(KEPT_MAX);
	int fd = open_unnamed(dir), r = fd < 0 ? fd : 0;

	for (size_t i = 0; i < n; i++) {
		add_text(&all, texts[i].name);
		add_text(&all, texts[i].text);
	}
	if (r == 0)
		r = buf_ok(&all) ? file_write_all(fd, buf_str(&all)) : -ENOMEM;
	buf_free(&all);
	if (r < 0)
		fd_close(&fd);
	return r < 0 ? r : fd;
}

static int
read_kept(int fd, struct arena *a, struct str *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size > (off_t)KEPT_MAX)
		return -EFBIG;
	char *bytes = arena_alloc(a, (size_t)st.st_size + 1);
	ssize_t n = bytes ? file_read_at(fd, bytes, (size_t)st.st_size, 0) : -ENOMEM;
	if (n < 0)
		return (int)n;
	*ret = str_of(bytes, (size_t)n);
	return 0;
}

int
rules_kept(int fd, struct arena *a, struct rules_text **ret, size_t *ret_n)
{
	struct rules_text *texts = ARENA_ARRAY(a, struct rules_text, TEXTS_MAX);
	struct str all = STR_NULL;
	size_t n = 0;
	int r = texts ? read_kept(fd, a, &all) : -ENOMEM;
	struct cur c = cur_of(all);

	while (r == 0 && c.n > 0 && n < TEXTS_MAX) {
		texts[n].name = cur_str32(&c);
		texts[n++].text = cur_str32(&c);
		if (!cur_ok(&c))
			r = -EBADMSG;
	}
	if (r == 0 && !cur_done(&c))
		r = -EBADMSG;
	if (r < 0)
		return r;
	*ret = texts;
	*ret_n = n;
	return 0;
}
