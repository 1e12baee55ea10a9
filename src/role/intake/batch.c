/* batch: the packing of lines into messages for a reader. Must never pack what the message cannot hold. */
#include <assert.h>
#include <stdlib.h>

#include "role/intake/batch.h"

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
	size_t decl = ENTRY_HEAD + 24 + s->decl.name.n + s->decl.program.n + s->decl.host.n;

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
