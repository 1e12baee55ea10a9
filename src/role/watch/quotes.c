/* quotes: a ring of lines. Must never give back a line that was overwritten meanwhile. */
#include "role/watch/quotes.h"

#include <stdlib.h>

#define SLOTS_MAX (1u << 16)

struct quote {
	uint64_t ref;
	uint64_t at;               /* count of bytes ever written before it */
	uint32_t n;
};

struct quotes {
	char *ring;
	size_t size;
	uint64_t written;
	struct quote slots[SLOTS_MAX];
	uint64_t marked[SLOTS_MAX / 64];
};

struct quotes *
quotes_new(size_t bytes)
{
	struct quotes *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->size = bytes;
	q->ring = malloc(bytes);
	if (!q->ring) {
		free(q);
		return NULL;
	}
	return q;
}

void
quotes_free(struct quotes *q)
{
	if (!q)
		return;
	free(q->ring);
	free(q);
}

/*
 * Neighbours of one source never meet in a slot; lines of others may, and then the older is shown
 * without its text.
 */
static struct quote *
slot(const struct quotes *q, uint64_t ref)
{
	return (struct quote *)(uintptr_t)&q->slots[(ref + (ref >> 40) * 40503) & (SLOTS_MAX - 1)];
}

void
quotes_add(struct quotes *q, uint64_t ref, struct str line)
{
	struct str head = str_head(line, QUOTE_BYTES_MAX);
	size_t at = q->written % q->size;

	/* Never split over the end of the ring. */
	if (q->size - at < head.n) {
		q->written += q->size - at;
		at = 0;
	}
	if (head.n)
		memcpy(q->ring + at, head.p, head.n);
	*slot(q, ref) = (struct quote){ .ref = ref, .at = q->written, .n = (uint32_t)head.n };
	q->written += head.n;
}

bool
quotes_get(const struct quotes *q, uint64_t ref, struct str *ret)
{
	const struct quote *s = slot(q, ref);

	if (s->ref != ref || s->n == 0 || q->written - s->at > q->size)
		return false;
	*ret = str_of(q->ring + s->at % q->size, s->n);
	return true;
}

void
quotes_mark(void *quotes, uint64_t ref)
{
	struct quotes *q = quotes;
	size_t i = (size_t)(slot(q, ref) - q->slots);

	if (q->slots[i].ref == ref)
		q->marked[i / 64] |= UINT64_C(1) << (i % 64);
}

void
quotes_save(struct quotes *q, struct buf *out)
{
	uint8_t head[16];
	struct str text;
	struct enc e;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		if (!(q->marked[i / 64] >> (i % 64) & 1) || !quotes_get(q, q->slots[i].ref, &text))
			continue;
		e = enc_of(head, sizeof(head));
		enc_u64(&e, q->slots[i].ref);
		enc_u32(&e, (uint32_t)text.n);
		buf_add(out, str_of((const char *)head, e.n));
		buf_add(out, text);
	}
	e = enc_of(head, sizeof(head));
	enc_u64(&e, 0);
	enc_u32(&e, 0);
	buf_add(out, str_of((const char *)head, e.n));
	memset(q->marked, 0, sizeof(q->marked));
}

bool
quotes_load(struct quotes *q, struct cur *in)
{
	for (;;) {
		uint64_t ref = cur_u64(in);
		struct str text = cur_str32(in);

		if (!cur_ok(in))
			return false;
		if (text.n == 0)
			return true;
		quotes_add(q, ref, text);
	}
}
