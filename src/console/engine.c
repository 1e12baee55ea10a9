/* engine: see engine.h. The cache is only a cache: any fault with it is ignored and the patterns are compiled anew. */
#include "console/engine.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/i18n.h"
#include "sys/file.h"
#include "sys/memory.h"

#define RULE_FILES_MAX 4096
#define CACHE_MAX (256u << 20)

static bool
is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The rules of a build tree: ../rules beside the executable, or one folder further up. */
static char *
dir_beside_program(void)
{
	static const char *const up[] = { "/../rules", "/../../rules", "/../../../rules" };
	char self[4096], *path, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	for (size_t i = 0; i < ARRAY_LEN(up); i++) {
		if (asprintf(&path, "%s%s", self, up[i]) < 0)
			return NULL;
		if (is_dir(path))
			return path;
		free(path);
	}
	return NULL;
}

static char *
find_dir(const char *dir)
{
	const char *env = getenv("GUARITA_RULES");
	char *found;

	if (dir)
		return strdup(dir);
	if (env && *env)
		return strdup(env);
	found = dir_beside_program();
	return found ? found : strdup(GUARITA_DATADIR "/rules");
}

static int
only_rules(const struct dirent *e)
{
	return e->d_name[0] != '.' && str_ends(str_z(e->d_name), STR(".rules"));
}

/* A whole file into the arena. */
static int
read_whole(struct arena *a, const char *path, size_t max, struct str *ret)
{
	struct buf b = BUF_INIT(max);
	int rc = file_read(path, &b);

	if (rc == 0) {
		*ret = arena_str(a, buf_str(&b));
		if (b.n > 0 && !ret->p)
			rc = -ENOMEM;
	}
	buf_free(&b);
	return rc;
}

static char *
cache_path(void)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *path = NULL;

	if (xdg && xdg[0] == '/' && asprintf(&path, "%s/guarita", xdg) < 0)
		return NULL;
	if (!path && home && home[0] == '/' && asprintf(&path, "%s/.cache/guarita", home) < 0)
		return NULL;
	return path;
}

static void
cache_write(const char *dir, const struct buf *fresh)
{
	char path[4096];

	if (file_make_dirs(dir, 0700) == 0 && file_path(path, sizeof(path), dir, "patterns.db") == 0)
		(void)!file_replace(path, buf_str(fresh), 0600, false);
}

static int
read_texts(struct engine *e)
{
	struct dirent **names;
	int n = scandir(e->dir, &names, only_rules, alphasort), rc = 0;
	struct rules_text *texts;

	if (n < 0)
		return -errno;
	texts = ARENA_ARRAY(&e->texts, struct rules_text, (size_t)n + 1);
	if (!texts)
		rc = -ENOMEM;
	if (n > RULE_FILES_MAX)
		rc = -E2BIG;
	for (int i = 0; i < n; i++) {
		char *path = NULL;

		if (rc == 0 && asprintf(&path, "%s/%s", e->dir, names[i]->d_name) < 0)
			rc = -ENOMEM;
		if (rc == 0)
			rc = read_whole(&e->texts, path, CONF_TEXT_MAX, &texts[i].text);
		if (rc == 0)
			texts[i].name = arena_str(&e->texts, str_z(path));
		free(path);
		free(names[i]);
	}
	free(names);
	e->nfiles = (size_t)n;
	if (rc == 0 && n == 0)
		rc = -ENOENT;
	e->files = texts;
	return rc;
}

int
engine_read(struct engine *e, const char *dir)
{
	*e = (struct engine){ .dir = find_dir(dir), .diags = diags_new() };
	if (!e->dir || !e->diags)
		return -ENOMEM;
	return read_texts(e);
}

int
engine_open(struct engine *e, const char *dir)
{
	struct buf fresh = BUF_INIT(CACHE_MAX), cached = BUF_INIT(CACHE_MAX);
	struct ruleset_cache cache = { .ret_fresh = &fresh };
	char *cache_dir = cache_path(), file[4096];
	int rc = engine_read(e, dir);

	if (rc < 0)
		goto out;
	if (cache_dir && file_path(file, sizeof(file), cache_dir, "patterns.db") == 0 && file_read_own(file, &cached) == 0)
		cache.cached = buf_str(&cached);
	rc = ruleset_load(e->files, e->nfiles, &cache, e->diags, &e->rules);
	if (rc < 0)
		goto out;
	if (cache_dir && fresh.n > 0 && buf_ok(&fresh))
		cache_write(cache_dir, &fresh);
	e->work = decode_work_new(e->rules);
	if (!e->work)
		rc = -ENOMEM;
out:
	buf_free(&cached);
	buf_free(&fresh);
	memory_trim();
	free(cache_dir);
	return rc;
}

void
engine_settle(struct engine *e)
{
	ruleset_forget_samples(e->rules);
	diags_free(e->diags);
	arena_free(&e->texts);
	e->diags = NULL;
	e->files = NULL;
	e->nfiles = 0;
	memory_trim();
}

void
engine_close(struct engine *e)
{
	decode_work_free(e->work);
	ruleset_free(e->rules);
	diags_free(e->diags);
	arena_free(&e->texts);
	free(e->dir);
	*e = (struct engine){ 0 };
}
