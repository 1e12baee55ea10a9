/* integrity_look: see integrity_look.h. */
#include "console/accounts/integrity_look.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/term.h"

static const char *const usual[] = { "/run/utmp", "/var/log/wtmp*", "/var/log/btmp*", "/var/log/lastlog",
	"/var/log/account/pacct*", "/var/account/pacct*", "/var/log/auth.log*", "/var/log/secure*" };

static bool
drop_end(struct str *s, struct str end)
{
	if (!str_ends(*s, end))
		return false;
	s->n -= end.n;
	return true;
}

void
look_stem(const char *path, char *dst, size_t size)
{
	struct str s = str_z(path);
	size_t digits = 0;

	(void)(drop_end(&s, STR(".gz")) || drop_end(&s, STR(".xz")) || drop_end(&s, STR(".zst")));
	while (digits < s.n && s.p[s.n - 1 - digits] >= '0' && s.p[s.n - 1 - digits] <= '9')
		digits++;
	if (digits > 0 && digits < s.n && (s.p[s.n - 1 - digits] == '.' || s.p[s.n - 1 - digits] == '-'))
		s.n -= digits + 1;
	snprintf(dst, size, "%.*s", STR_FMT(s));
}

static int
add_file(struct looks *all, const char *path)
{
	struct look *grown = reallocarray(all->v, all->n + 1, sizeof(*grown)), *l;
	int rc;

	if (!grown)
		return -ENOMEM;
	all->v = grown;
	l = &all->v[all->n];
	*l = (struct look){ .now = NULL };
	rc = account_open(path, &l->file);
	if (rc == -ENOTSUP)
		return path_list_add(&all->texts, path);
	if (rc < 0) {
		complain("%s: %s\n", path, strerror(-rc));
		all->unreadable++;
		return rc == -ENOMEM ? rc : 0;
	}
	look_stem(path, l->stem, sizeof(l->stem));
	all->n++;
	return 0;
}

static int
by_stem_and_age(const void *a, const void *b)
{
	const struct look *x = a, *y = b;
	int order = x->file.kind != y->file.kind ? (int)x->file.kind - (int)y->file.kind : strcmp(x->stem, y->stem);

	if (order != 0)
		return order;
	return x->file.begin_us == y->file.begin_us ? strcmp(y->file.path, x->file.path) :
	    x->file.begin_us < y->file.begin_us ? -1 : 1;
}

bool
look_is_present(const struct look *l)
{
	struct str base = str_z(l->stem);

	return str_ends(base, STR("utmp"));
}

int
looks_gather(struct looks *all, char *const *named, int n, bool with_usual)
{
	struct path_list paths = { 0 };
	int rc = 0;

	for (int i = 0; rc == 0 && i < n; i++)
		rc = path_list_add(&paths, named[i]);
	for (size_t i = 0; rc == 0 && with_usual && i < ARRAY_LEN(usual); i++) {
		glob_t g = { 0 };

		if (glob(usual[i], 0, NULL, &g) == 0)
			for (size_t k = 0; rc == 0 && k < g.gl_pathc; k++)
				rc = path_list_add(&paths, g.gl_pathv[k]);
		globfree(&g);
	}
	if (paths.nproblems > 0)
		complain("%.*s", STR_FMT(buf_str(&paths.problems)));
	all->unreadable += paths.nproblems;
	for (size_t i = 0; rc == 0 && i < paths.n; i++)
		rc = add_file(all, paths.paths[i]);
	path_list_free(&paths);
	if (all->n > 1)
		qsort(all->v, all->n, sizeof(*all->v), by_stem_and_age);
	return rc == 0 && all->n == 0 ? -ENOENT : rc;
}

void
looks_free(struct looks *all)
{
	for (size_t i = 0; i < all->n; i++)
		account_close(&all->v[i].file);
	free(all->v);
	path_list_free(&all->texts);
}

/* utmp is rewritten all day and databases are not ours: nothing to remember. */
bool
look_is_remembered(const struct look *l)
{
	return !look_is_present(l) && l->file.kind != ACCOUNT_SQLITE && l->file.kind != ACCOUNT_FAILLOG;
}

struct str
look_head(struct account_file *f)
{
	uint64_t n = f->count < INTEGRITY_BLOCK ? f->count : INTEGRITY_BLOCK;
	struct str first = n > 0 ? account_at(f, 0) : STR_NULL;

	/* The window begins with record 0 and holds many more than a block. */
	return first.n ? str_of(first.p, n * f->record) : STR_NULL;
}
