/* recall: see recall.h. */
#include "watch/correlate/recall.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cur.h"
#include "watch/correlate/rename.h"

#define PARTS_MAX (RECORD_FIELDS_MAX + 2)
#define PART_HOST (UINT16_MAX - 1)
#define PART_PROGRAM (UINT16_MAX - 2)
#define PART_GONE (UINT16_MAX - 3)     /* of a field that has no name any more */

enum { HOW_HOSTILE = 1 << 0, HOW_GUESSED = 1 << 1 };

struct part {
	uint16_t key;
	uint8_t len;
	uint8_t flags;
};

struct copy {
	int64_t time_us, pid;
	uint64_t ref, line;
	uint32_t seq, link, size, repeat, source;
	uint16_t kind;
	uint8_t how, nparts;
	struct part parts[];           /* then the texts, one after another */
};

_Static_assert(sizeof(struct copy) + PARTS_MAX * (sizeof(struct part) + RECALL_VALUE_MAX) < RECALL_BYTES / 8,
    "a copy is small beside the ring");

int
recall_init(struct recall *k)
{
	*k = (struct recall){ .ring = malloc(RECALL_BYTES), .at = calloc(RECALL_SLOTS, sizeof(*k->at)), .next = 1 };
	if (k->ring && k->at)
		return 0;
	recall_free(k);
	return -ENOMEM;
}

void
recall_free(struct recall *k)
{
	free(k->ring);
	free(k->at);
	*k = (struct recall){ 0 };
}

static struct copy *
find(const struct recall *k, uint32_t seq)
{
	uint64_t at;

	if (seq == RECALL_NONE || seq >= k->next || k->next - seq > RECALL_SLOTS)
		return NULL;
	at = k->at[seq & (RECALL_SLOTS - 1)];
	if (k->head - at > RECALL_BYTES)
		return NULL;
	return (struct copy *)(void *)(k->ring + at % RECALL_BYTES);
}

/* Room for one copy in one piece; skips the end of the ring when it does not fit there. */
static struct copy *
room(struct recall *k, size_t size)
{
	size_t at = k->head % RECALL_BYTES;

	if (at + size > RECALL_BYTES)
		k->head += RECALL_BYTES - at;
	k->at[k->next & (RECALL_SLOTS - 1)] = k->head;
	at = k->head % RECALL_BYTES;
	k->head += size;
	return (struct copy *)(void *)(k->ring + at);
}

struct gather {
	struct part parts[PARTS_MAX];
	const char *texts[PARTS_MAX];
	uint32_t n, bytes;
};

static inline void
gather(struct gather *g, uint16_t key, uint16_t flags, struct str text)
{
	uint8_t len = text.n < RECALL_VALUE_MAX ? (uint8_t)text.n : RECALL_VALUE_MAX;

	g->parts[g->n] = (struct part){ .key = key, .len = len, .flags = (uint8_t)flags };
	g->texts[g->n] = text.p;
	g->n += len != 0;
	g->bytes += len;
}

/* Texts are mostly a word: two moves that overlap are sooner done than a call. */
static inline char *
copy_text(char *to, const char *from, size_t n)
{
	if (n > 16)
		memcpy(to, from, n);
	else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else {
		for (size_t i = 0; i < n; i++)
			to[i] = from[i];
	}
	return to + n;
}

uint32_t
recall_keep(struct recall *k, const struct record *r, const uint64_t *fields)
{
	struct gather g;
	struct copy *c;
	size_t size;
	char *text;

	g.n = g.bytes = 0;
	gather(&g, PART_HOST, 0, record_text(r, r->host));
	gather(&g, PART_PROGRAM, 0, record_text(r, r->program));
	for (uint16_t i = 0; i < r->nfields; i++) {
		uint16_t key = r->fields[i].key;

		if (fields[key >> 6] >> (key & 63) & 1)
			gather(&g, key, r->fields[i].flags, record_text(r, r->fields[i].at));
	}
	size = (sizeof(*c) + g.n * sizeof(struct part) + g.bytes + 7) & ~(size_t)7;
	c = room(k, size);
	*c = (struct copy){ .time_us = r->time_us, .pid = r->pid, .ref = r->ref, .line = r->line, .seq = k->next,
		.size = (uint32_t)size, .repeat = r->repeat, .source = r->source, .kind = r->kind,
		.how = (uint8_t)((r->hostile ? HOW_HOSTILE : 0) | (r->sure ? 0 : HOW_GUESSED)), .nparts = (uint8_t)g.n };
	memcpy(c->parts, g.parts, g.n * sizeof(*c->parts));
	text = (char *)&c->parts[g.n];
	for (uint32_t i = 0; i < g.n; i++)
		text = copy_text(text, g.texts[i], g.parts[i].len);
	return k->next++;
}

static void
rebuild(const struct copy *c, struct record *ret)
{
	uint32_t off = 0;
	size_t bytes = 0;

	for (uint8_t i = 0; i < c->nparts; i++)
		bytes += c->parts[i].len;
	record_begin(ret, str_of((const char *)&c->parts[c->nparts], bytes), NULL, c->time_us);
	ret->time_us = c->time_us;
	ret->pid = c->pid;
	ret->ref = c->ref;
	ret->line = c->line;
	ret->source = c->source;
	ret->repeat = c->repeat;
	ret->kind = c->kind;
	ret->hostile = (c->how & HOW_HOSTILE) != 0;
	ret->sure = (c->how & HOW_GUESSED) == 0;
	for (uint8_t i = 0; i < c->nparts; i++) {
		struct slot at = { .off = off, .len = c->parts[i].len };

		if (c->parts[i].key == PART_HOST)
			ret->host = at;
		else if (c->parts[i].key == PART_PROGRAM)
			ret->program = at;
		else if (c->parts[i].key != PART_GONE)
			(void)record_set(ret, c->parts[i].key, at, c->parts[i].flags);
		off += at.len;
	}
}

bool
recall_get(const struct recall *k, uint32_t seq, struct record *ret)
{
	const struct copy *c = find(k, seq);

	if (c)
		rebuild(c, ret);
	return c != NULL;
}

struct str
recall_bytes(const struct recall *k, uint32_t seq)
{
	const struct copy *c = find(k, seq);

	return c ? str_of((const char *)c, c->size) : STR_NULL;
}

uint32_t
recall_link(const struct recall *k, uint32_t seq)
{
	const struct copy *c = find(k, seq);

	return c ? c->link : RECALL_NONE;
}

void
recall_set_link(struct recall *k, uint32_t seq, uint32_t link)
{
	struct copy *c = find(k, seq);

	if (c)
		c->link = link;
}

static uint32_t
oldest(const struct recall *k)
{
	uint32_t seq = k->next > RECALL_SLOTS ? k->next - RECALL_SLOTS : 1;

	while (seq < k->next && !find(k, seq))
		seq++;
	return seq;
}

/* Copies as they lie; those that fell out are left behind. */
void
recall_save(const struct recall *k, struct buf *out)
{
	uint32_t from = oldest(k), head[2] = { k->next, k->next - from };

	buf_add(out, str_of((const char *)head, sizeof(head)));
	for (uint32_t seq = from; seq < k->next; seq++) {
		const struct copy *c = find(k, seq);

		assert(c && c->seq == seq);
		buf_add(out, str_of((const char *)c, c->size));
	}
}

static bool
fits(const struct copy *c, uint32_t seq, size_t left)
{
	size_t need = sizeof(*c);

	if (left < sizeof(*c) || c->seq != seq || c->size > left || c->size > RECALL_BYTES / 8 ||
	    c->size % 8 ||
	    c->nparts > PARTS_MAX || c->link >= seq)
		return false;
	need += c->nparts * sizeof(struct part);
	if (need > c->size)
		return false;
	for (uint8_t i = 0; i < c->nparts; i++) {
		if (c->parts[i].key >= FIELD_MAX && c->parts[i].key < PART_GONE)
			return false;
		need += c->parts[i].len;
	}
	return need <= c->size;
}

bool
recall_read(struct str bytes, struct record *ret)
{
	const struct copy *c = (const struct copy *)(const void *)bytes.p;

	if (bytes.n < sizeof(*c) || !fits(c, c->seq, bytes.n))
		return false;
	rebuild(c, ret);
	return true;
}

int
recall_load(struct recall *k, struct str *in)
{
	uint32_t head[2];

	if (in->n < sizeof(head))
		return -EINVAL;
	memcpy(head, in->p, sizeof(head));
	*in = str_from(*in, sizeof(head));
	if (head[0] == 0 || head[1] >= head[0] || head[1] > RECALL_SLOTS)
		return -EINVAL;
	k->head = 0;
	k->next = head[0] - head[1];
	while (k->next < head[0]) {
		struct copy c, *to;

		if (in->n < sizeof(c))
			return -EINVAL;
		memcpy(&c, in->p, sizeof(c));
		if (c.size > in->n || c.size < sizeof(c) || c.size > RECALL_BYTES / 8 || c.size % 8)
			return -EINVAL;
		to = room(k, c.size);
		memcpy(to, in->p, c.size);
		if (!fits(to, k->next, in->n))
			return -EINVAL;
		*in = str_from(*in, c.size);
		k->next++;
	}
	return 0;
}

static void
rename_copy(struct copy *c, const struct renames *names)
{
	uint16_t kind = rename_kind(names, c->kind);

	c->kind = kind == RENAME_GONE ? KIND_unknown : kind;
	for (uint8_t i = 0; i < c->nparts; i++) {
		uint16_t field = c->parts[i].key;

		if (field >= PART_GONE)
			continue;
		field = rename_field(names, field);
		c->parts[i].key = field == RENAME_GONE ? PART_GONE : field;
	}
}

void
recall_rename(struct recall *k, const struct renames *names)
{
	for (uint32_t seq = oldest(k); !names->same && seq < k->next; seq++)
		rename_copy(find(k, seq), names);
}

void
recall_rename_bytes(void *bytes, size_t n, const struct renames *names)
{
	struct copy *c = bytes;

	if (!names->same && n >= sizeof(*c) && fits(c, c->seq, n))
		rename_copy(c, names);
}
