/*
 * column_encode: writing. The choice depends on the values alone, so that the same lines always give the same bytes.
 * Weighing costs less than it saves: sets are looked for only where a sample says that values repeat.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "vault/column.h"
#include "vault/column_private.h"

#define SMALL 1024u             /* payloads below are compressed together with their neighbours */
#define SAMPLE 1024u            /* values looked at before a set is counted */
#define SET_MAX 32768u
#define SET_CELLS (4 * SET_MAX)
#define COLUMN_LEVEL 1          /* zstd on planes: level 3 is 1 % smaller and half as fast */

struct column_work {
	uint64_t *x;            /* COLUMN_ROWS_MAX */
	uint64_t *set;          /* SET_MAX, sorted */
	uint64_t *cells;        /* SET_CELLS: value + 1, 0 is free */
	uint32_t *place;        /* SET_CELLS: place in the set */
	uint32_t mask;          /* cells in use - 1: clearing all of them would cost more than the search */
	struct buf map, packed;
	char *zipped;
	size_t zipped_size;
	ZSTD_CCtx *zstd;
};

struct column_work *
column_work_new(void)
{
	struct column_work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->x = malloc(COLUMN_ROWS_MAX * sizeof(*w->x));
	w->set = malloc(SET_MAX * sizeof(*w->set));
	w->cells = malloc(SET_CELLS * sizeof(*w->cells));
	w->place = malloc(SET_CELLS * sizeof(*w->place));
	w->zstd = ZSTD_createCCtx();
	w->zipped_size = ZSTD_compressBound(COLUMN_ROWS_MAX * sizeof(uint64_t) + SET_MAX * sizeof(uint64_t));
	w->zipped = malloc(w->zipped_size);
	w->map = BUF_INIT(COLUMN_MAP_MAX * 20);
	w->packed = BUF_INIT(16u << 20);
	if (!w->x || !w->set || !w->cells || !w->place || !w->zstd || !w->zipped) {
		column_work_free(w);
		return NULL;
	}
	return w;
}

void
column_work_free(struct column_work *w)
{
	if (!w)
		return;
	ZSTD_freeCCtx(w->zstd);
	buf_free(&w->map);
	buf_free(&w->packed);
	free(w->x);
	free(w->set);
	free(w->cells);
	free(w->place);
	free(w->zipped);
	free(w);
}

static unsigned
bits_of(uint64_t v)
{
	return v ? 64u - (unsigned)__builtin_clzll(v) : 1;
}

static uint64_t
gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t t = a % b;

		a = b;
		b = t;
	}
	return a;
}

struct shape {
	uint64_t min, max, scale, steps_max;
	size_t repeats;         /* of rows like the one before */
};

static void
look(const uint64_t *v, size_t n, struct shape *ret)
{
	struct shape s = { .min = v[0], .max = v[0] };

	for (size_t i = 1; i < n; i++) {
		s.min = v[i] < s.min ? v[i] : s.min;
		s.max = v[i] > s.max ? v[i] : s.max;
	}
	for (size_t i = 0; i < n && s.scale != 1; i++)
		s.scale = gcd(v[i] - s.min, s.scale);
	/* Distances of more than 63 bits wrap, and only whole ones come back. */
	if (s.scale == 0 || s.max - s.min > INT64_MAX)
		s.scale = 1;
	for (size_t i = 1; i < n; i++) {
		uint64_t step = zigzag((int64_t)(v[i] - v[i - 1]) / (int64_t)s.scale);

		s.steps_max |= step;
		s.repeats += step == 0;
	}
	*ret = s;
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The cell where v is, or where it belongs. */
static uint32_t
find_cell(const struct column_work *w, uint64_t v)
{
	uint32_t i = (uint32_t)((v * 0x9e3779b97f4a7c15ull) >> 40) & w->mask;

	while (w->cells[i] != 0 && w->cells[i] != v + 1)
		i = (i + 1) & w->mask;
	return i;
}

/* Distinct values into w->set, unsorted; 0 when there are more than max. */
static uint32_t
collect(struct column_work *w, const uint64_t *v, size_t n, uint32_t max)
{
	uint32_t count = 0;

	for (w->mask = 255; w->mask < 2 * max;)
		w->mask = 2 * w->mask + 1;
	memset(w->cells, 0, ((size_t)w->mask + 1) * sizeof(*w->cells));
	for (size_t i = 0; i < n; i++) {
		uint32_t at = find_cell(w, v[i]);

		if (w->cells[at] != 0)
			continue;
		if (count == max)
			return 0;
		w->cells[at] = v[i] + 1;
		w->set[count++] = v[i];
	}
	return count;
}

/* True when values repeat enough for a set to be worth counting. */
static bool
repeats(struct column_work *w, const uint64_t *v, size_t n)
{
	return n < SAMPLE || collect(w, v, SAMPLE, SAMPLE * 15 / 16) > 0;
}

static uint32_t
count_set(struct column_work *w, const uint64_t *v, size_t n, const struct shape *s)
{
	uint32_t max = n / 4 < SET_MAX ? (uint32_t)(n / 4) : SET_MAX, count;

	if (n < 64 || s->max == UINT64_MAX || bits_of((s->max - s->min) / s->scale) <= 6 || !repeats(w, v, n))
		return 0;
	count = collect(w, v, n, max);
	qsort(w->set, count, sizeof(*w->set), by_value);
	for (uint32_t i = 0; i < count; i++)
		w->place[find_cell(w, w->set[i])] = i;
	return count;
}

static unsigned
set_bytes(const struct column_work *w, uint32_t count, uint64_t scale)
{
	uint64_t all = 0;

	for (uint32_t i = 1; i < count; i++)
		all |= (w->set[i] - w->set[i - 1]) / scale;
	return (bits_of(all) + 7) / 8;
}

static void
add_planes(struct buf *out, const uint64_t *x, size_t n, unsigned bytes)
{
	if (!buf_reserve(out, n * bytes))
		return;
	for (unsigned b = 0; b < bytes; b++) {
		char *p = out->p + out->n;

		for (size_t i = 0; i < n; i++)
			p[i] = (char)(x[i] >> 8 * b);
		out->n += n;
	}
}

static void
add_packed(struct buf *out, const uint64_t *x, size_t n, unsigned width)
{
	size_t bytes = (n * width + 7) / 8 + COLUMN_PAD;
	uint8_t *p;

	if (!buf_reserve(out, bytes))
		return;
	p = (uint8_t *)out->p + out->n;
	memset(p, 0, bytes);
	for (size_t i = 0, at = 0; i < n; i++, at += width) {
		uint64_t cell;

		memcpy(&cell, p + at / 8, sizeof(cell));
		cell |= x[i] << at % 8;
		memcpy(p + at / 8, &cell, sizeof(cell));
	}
	out->n += bytes;
}

static void
add_set(struct buf *out, struct column_work *w, uint32_t count, unsigned bytes, uint64_t scale)
{
	uint64_t before = w->set[0];

	/* In place: from here on the set is its distances. */
	for (uint32_t i = 0; i < count; i++) {
		uint64_t v = w->set[i];

		w->set[i] = (v - before) / scale;
		before = v;
	}
	add_planes(out, w->set, count, bytes);
}

/* The same rows as an earlier column, or a table from its values. */
static bool
follows(struct column_work *w, const uint64_t *v, size_t n, const struct shape *s, const struct column_ref *o,
    struct column *ret)
{
	uint64_t from[COLUMN_MAP_MAX], to[COLUMN_MAP_MAX];
	uint32_t count = 0, last = 0;

	if (o->min == o->max)
		return false;
	if (o->min == s->min && o->max == s->max && memcmp(o->v, v, n * sizeof(*v)) == 0) {
		ret->mode = COLUMN_LIKE;
		ret->of = o->number;
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t low = 0, high = count;

		if (count > 0 && from[last] == o->v[i]) {
			if (to[last] != v[i])
				return false;
			continue;
		}
		while (low < high) {
			uint32_t mid = (low + high) / 2;

			if (from[mid] < o->v[i])
				low = mid + 1;
			else
				high = mid;
		}
		if (low < count && from[low] == o->v[i]) {
			if (to[low] != v[i])
				return false;
			last = low;
			continue;
		}
		if (count == COLUMN_MAP_MAX || count > n / 8)
			return false;
		memmove(from + low + 1, from + low, (count - low) * sizeof(*from));
		memmove(to + low + 1, to + low, (count - low) * sizeof(*to));
		from[low] = o->v[i];
		to[low] = v[i];
		last = low;
		count++;
	}
	buf_reset(&w->map);
	for (uint32_t i = 0; i < count; i++) {
		varint_add(&w->map, i > 0 ? from[i] - from[i - 1] : from[i]);
		varint_add(&w->map, to[i] - s->min);
	}
	ret->mode = COLUMN_MAP;
	ret->of = o->number;
	ret->nmap = count;
	ret->map = buf_str(&w->map);
	return buf_ok(&w->map);
}

/* Fills w->x by the cheapest of the three ways of writing numbers. */
static void
choose(struct column_work *w, const uint64_t *v, size_t n, const struct shape *s, struct column *c)
{
	unsigned range = bits_of((s->max - s->min) / s->scale), steps = bits_of(s->steps_max), place;
	uint32_t nset = count_set(w, v, n, s);
	size_t best = n * range;

	c->mode = COLUMN_RANGE;
	c->width = (uint8_t)range;
	c->base = s->min;
	c->scale = s->scale;
	/* Steps are worth it only when clearly smaller: they cannot be read alone. */
	if (n * (steps + 1) < best || s->repeats > n - n / 4) {
		best = s->repeats > n - n / 4 ? n : n * steps;
		c->mode = COLUMN_STEPS;
		c->width = (uint8_t)steps;
		c->base = v[0];
	}
	place = bits_of(nset ? nset - 1 : 0);
	if (nset > 0 && n * place + (size_t)nset * 8 * set_bytes(w, nset, s->scale) < best - best / 16) {
		c->mode = COLUMN_SET;
		c->width = (uint8_t)place;
		c->nset = nset;
		c->set_bytes = (uint8_t)set_bytes(w, nset, s->scale);
	}
	for (size_t i = 0; i < n; i++) {
		if (c->mode == COLUMN_RANGE)
			w->x[i] = (v[i] - s->min) / s->scale;
		else if (c->mode == COLUMN_STEPS)
			w->x[i] = i > 0 ? zigzag((int64_t)(v[i] - v[i - 1]) / (int64_t)s->scale) : 0;
		else
			w->x[i] = w->place[find_cell(w, v[i])];
	}
}

static int
write_numbers(struct column_work *w, size_t n, struct column *c, struct buf *payload, struct str *ret_stored)
{
	size_t from = payload->n, zipped, packed = (n * c->width + 7) / 8 + COLUMN_PAD, set;

	if (c->mode == COLUMN_SET)
		add_set(payload, w, c->nset, c->set_bytes, c->scale);
	set = payload->n - from;
	add_planes(payload, w->x, n, (c->width + 7u) / 8);
	*ret_stored = STR_NULL;
	if (!buf_ok(payload))
		return -ENOMEM;
	if (payload->n - from < SMALL)
		return 0;
	zipped = ZSTD_compressCCtx(w->zstd, w->zipped, w->zipped_size, payload->p + from, payload->n - from, COLUMN_LEVEL);
	if (ZSTD_isError(zipped))
		return -EIO;
	*ret_stored = str_of(w->zipped, zipped);
	if (c->width > COLUMN_PACKED_MAX || set + packed > zipped + zipped / 32)
		return 0;
	payload->n = from + set;
	add_packed(payload, w->x, n, c->width);
	c->packed = true;
	*ret_stored = str_of(payload->p + from, payload->n - from);
	return buf_ok(payload) ? 0 : -ENOMEM;
}

int
column_encode(struct column_work *w, const uint64_t *v, size_t n, const struct column_ref *others, size_t nothers,
    struct buf *payload, struct column *ret, struct str *ret_stored)
{
	struct column c = { 0 };
	struct shape s;

	assert(n > 0 && n <= COLUMN_ROWS_MAX);
	look(v, n, &s);
	c.min = s.min;
	c.max = s.max;
	*ret_stored = STR_NULL;
	if (s.min == s.max) {
		c.base = s.min;
		*ret = c;
		return 0;
	}
	for (size_t i = 0; i < nothers; i++) {
		if (follows(w, v, n, &s, &others[i], &c)) {
			*ret = c;
			return 0;
		}
	}
	choose(w, v, n, &s, &c);
	*ret = c;
	return write_numbers(w, n, ret, payload, ret_stored);
}
