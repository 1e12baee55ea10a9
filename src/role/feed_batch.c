/*
 * feed_batch: sources, and the packing of their lines into messages. Must never pack what the
 * message cannot hold.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "role/feed_private.h"

void
batch_reset(struct batch *b)
{
	b->next = NULL;
	b->entries = 0;
	b->lines = 0;
	b->enc = enc_of(b->bytes + RECORDS_HEAD, BATCH_MAX);
}

struct batch *
batch_new(void)
{
	struct batch *b = malloc(sizeof(*b));

	if (b)
		batch_reset(b);
	return b;
}

void
batch_pack(struct batch *b, const struct entry *e)
{
	entry_pack(&b->enc, e);
	b->entries++;
}

void
batch_declare(struct batch *b, struct feed_source *s, uint64_t epoch)
{
	uint8_t bytes[8192];
	struct enc e = enc_of(bytes, sizeof(bytes));

	if (s->declared == epoch)
		return;
	entry_pack_source(&e, &s->decl);
	struct entry d = {
		.source = s->id, .flags = ENTRY_SOURCE, .bytes = str_of((char *)bytes, e.n)
	};
	batch_pack(b, &d);
	s->declared = epoch;
}

bool
batch_fits(const struct batch *b, const struct feed_source *s, size_t n)
{
	size_t decl = ENTRY_HEAD + 22 + s->decl.name.n + s->decl.program.n + s->decl.host.n;

	return b->enc.size - b->enc.n >= decl + ENTRY_HEAD + n + ENTRY_HEAD + FEED_PLACE_BYTES;
}

struct str
batch_records(struct batch *b)
{
	struct enc e = enc_of(b->bytes, RECORDS_HEAD);

	enc_u16(&e, MSG_records);
	enc_u32(&e, b->entries);
	enc_u32(&e, (uint32_t)b->enc.n);
	assert(enc_ok(&e) && e.n == RECORDS_HEAD && enc_ok(&b->enc));
	return str_of(b->bytes, RECORDS_HEAD + b->enc.n);
}

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
