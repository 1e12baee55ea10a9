/* integrity_state: see integrity_state.h. */
#include "console/accounts/integrity_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "sys/file.h"

static int
draw_seed(struct integrity_state *s)
{
	return getrandom(&s->seed, sizeof(s->seed), 0) == sizeof(s->seed) ? 0 : -EIO;
}

static int
load(struct integrity_state *s)
{
	struct buf text = BUF_INIT(INTEGRITY_TEXT_MAX);
	int rc = file_read(s->path, &text);

	if (rc == -ENOENT) {
		s->fresh = true;
		rc = draw_seed(s);
	} else if (rc == 0) {
		struct str bytes = buf_str(&text);

		s->digest = digest_of(&bytes, 1);
		rc = integrity_memory_read(bytes, &s->old, &s->nold, &s->seed);
		if (rc == -EBADMSG && draw_seed(s) < 0)
			rc = -EIO;
	}
	buf_free(&text);
	return rc;
}

int
integrity_state_open(struct integrity_state *s, const char *path)
{
	int rc;

	*s = (struct integrity_state){ .path = path };
	if (!path)
		return 0;
	rc = load(s);
	if (rc == 0 || rc == -EBADMSG) {
		s->seen = calloc(s->nold + 1, sizeof(*s->seen));
		rc = s->seen ? rc : -ENOMEM;
	}
	return rc;
}

static bool
is_it(const struct integrity_memory *old, enum integrity_round round, const struct integrity_memory *file, struct str head)
{
	bool inode = old->ino == file->ino && old->dev == file->dev;

	if (old->table || file->table)
		return old->table && file->table && round == INTEGRITY_SAME && strcmp(old->path, file->path) == 0;
	if (round == INTEGRITY_OVERWRITTEN || old->records == 0)
		return inode && (round == INTEGRITY_OVERWRITTEN || old->records == 0);
	return (inode || round == INTEGRITY_MOVED) && integrity_memory_head_fits(old, file->record_size, head);
}

struct integrity_memory *
integrity_state_find(struct integrity_state *s, enum integrity_round round, const struct integrity_memory *file,
    struct str head)
{
	for (size_t i = 0; i < s->nold; i++) {
		if (s->seen[i] || !is_it(&s->old[i], round, file, head))
			continue;
		s->seen[i] = true;
		return &s->old[i];
	}
	return NULL;
}

struct integrity_memory *
integrity_state_new(struct integrity_state *s, const char *path, uint32_t record_size)
{
	struct integrity_memory *grown = reallocarray(s->now, s->nnow + 1, sizeof(*grown)), *m;

	if (!grown)
		return NULL;
	s->now = grown;
	m = &s->now[s->nnow];
	integrity_memory_begin(m, record_size, s->seed);
	m->path = strdup(path);
	if (!m->path)
		return NULL;
	s->nnow++;
	return m;
}

static bool
named_now(const struct integrity_state *s, const char *path)
{
	for (size_t i = 0; i < s->nnow; i++)
		if (strcmp(s->now[i].path, path) == 0)
			return true;
	return false;
}

void
integrity_state_forget(struct integrity_state *s)
{
	for (size_t i = 0; i < s->nold; i++)
		integrity_memory_free(&s->old[i]);
	s->nold = 0;
}

int
integrity_state_finish(struct integrity_state *s, struct digest *ret)
{
	struct str bytes;

	s->text.max = INTEGRITY_TEXT_MAX;
	buf_reset(&s->text);
	integrity_memory_start(&s->text, s->seed);
	for (size_t i = 0; i < s->nnow; i++)
		integrity_memory_write(&s->now[i], &s->text);
	for (size_t i = 0; i < s->nold; i++)
		if (!s->seen[i] && !named_now(s, s->old[i].path))
			integrity_memory_write(&s->old[i], &s->text);
	integrity_memory_seal(&s->text, s->seed);
	bytes = buf_str(&s->text);
	*ret = digest_of(&bytes, 1);
	return buf_ok(&s->text) ? 0 : -ENOMEM;
}

int
integrity_state_save(struct integrity_state *s)
{
	char dir[4096];
	struct str parent;
	int rc = 0;

	parent = str_head(str_z(s->path), str_rfind(str_z(s->path), STR("/")));
	if (parent.n > 0 && parent.n < sizeof(dir) && parent.n < strlen(s->path)) {
		memcpy(dir, parent.p, parent.n);
		dir[parent.n] = '\0';
		rc = file_make_dirs(dir, 0700);
	}
	return rc < 0 ? rc : file_replace(s->path, buf_str(&s->text), 0600, true);
}

void
integrity_state_close(struct integrity_state *s)
{
	for (size_t i = 0; i < s->nold; i++)
		integrity_memory_free(&s->old[i]);
	for (size_t i = 0; i < s->nnow; i++)
		integrity_memory_free(&s->now[i]);
	free(s->old);
	free(s->now);
	free(s->seen);
	buf_free(&s->text);
	*s = (struct integrity_state){ 0 };
}
