/* feed_source: where the lines of a feed come from. Must never keep a text that is somebody else's. */
#include <stdlib.h>
#include <string.h>

#include "role/intake/feed_private.h"

/* One allocation for the three texts. */
static bool
copy_texts(struct entry_source *d)
{
	size_t n = d->name.n + d->program.n + d->host.n;
	char *p = malloc(n + 1);

	if (!p)
		return false;
	memcpy(p, d->name.p, d->name.n);
	if (d->program.n)
		memcpy(p + d->name.n, d->program.p, d->program.n);
	if (d->host.n)
		memcpy(p + d->name.n + d->program.n, d->host.p, d->host.n);
	p[n] = '\0';
	d->name = str_of(p, d->name.n);
	d->program = str_of(p + d->name.n, d->program.n);
	d->host = str_of(p + d->name.n + d->program.n, d->host.n);
	return true;
}

struct feed_source *
feed_source_new(struct feed *f, const struct entry_source *decl)
{
	if (f->nsources >= FEED_SOURCES_MAX)
		return NULL;
	void *p = reallocarray(f->sources, f->nsources + 1, sizeof(void *));
	if (!p)
		return NULL;
	f->sources = p;
	struct feed_source *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->decl = *decl;
	if (!copy_texts(&s->decl)) {
		free(s);
		return NULL;
	}
	s->id = ++f->next_id | (decl->kind == ENTRY_KIND_FILE ? FILE_ID : 0);
	f->sources[f->nsources++] = s;
	return s;
}

size_t
feed_sources(const struct feed *f)
{
	return f->nsources;
}

struct feed_source *
feed_source_at(const struct feed *f, size_t i)
{
	return f->sources[i];
}

void
feed_redeclare(struct feed_source *s)
{
	s->declared = 0;
}

void
feed_count(struct feed *f, struct feed_source *s, struct str line, bool cut)
{
	s->lines++;
	s->bytes += line.n;
	s->cut += cut;
	f->lines++;
}
