/*
 * column: reading. Every count is compared with the bytes at hand before it is used; values outside the zone map are an
 * error, so that a search that trusted the map has missed nothing.
 */
#include "vault/column.h"

#include <errno.h>
#include <stdlib.h>

#include "vault/column_private.h"

void
varint_add(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_add_byte(out, (char)(v | 0x80));
	buf_add_byte(out, (char)v);
}

uint64_t
varint_get(struct cur *in)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = cur_u8(in);

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	cur_fail(in);
	return 0;
}

void
column_describe(const struct column *c, struct buf *out)
{
	buf_add_byte(out, (char)(c->mode | (c->packed ? 0x10 : 0)));
	varint_add(out, c->min);
	varint_add(out, c->max - c->min);
	switch ((enum column_mode)c->mode) {
	case COLUMN_SAME:
		break;
	case COLUMN_RANGE:
	case COLUMN_STEPS:
		buf_add_byte(out, (char)c->width);
		varint_add(out, c->base - c->min);
		varint_add(out, c->scale);
		break;
	case COLUMN_SET:
		buf_add_byte(out, (char)c->width);
		buf_add_byte(out, (char)c->set_bytes);
		varint_add(out, c->nset);
		varint_add(out, c->scale);
		break;
	case COLUMN_LIKE:
		varint_add(out, c->of);
		break;
	case COLUMN_MAP:
		varint_add(out, c->of);
		varint_add(out, c->nmap);
		varint_add(out, c->map.n);
		buf_add(out, c->map);
		break;
	case COLUMN_MODES:
		break;
	}
}

static int
parse_mode(struct cur *in, struct column *c)
{
	uint64_t of;

	switch ((enum column_mode)c->mode) {
	case COLUMN_SAME:
		c->base = c->min;
		return c->max == c->min ? 0 : -EBADMSG;
	case COLUMN_RANGE:
	case COLUMN_STEPS:
		c->width = cur_u8(in);
		c->base = c->min + varint_get(in);
		c->scale = varint_get(in);
		return c->width >= 1 && c->width <= 64 ? 0 : -EBADMSG;
	case COLUMN_SET:
		c->width = cur_u8(in);
		c->set_bytes = cur_u8(in);
		c->nset = (uint32_t)varint_get(in);
		c->scale = varint_get(in);
		return c->width >= 1 && c->width <= 32 && c->set_bytes >= 1 && c->set_bytes <= 8 && c->nset >= 1 &&
		    c->nset <= COLUMN_ROWS_MAX ? 0 : -EBADMSG;
	case COLUMN_LIKE:
		of = varint_get(in);
		c->of = (uint16_t)of;
		return of <= UINT16_MAX ? 0 : -EBADMSG;
	case COLUMN_MAP:
		of = varint_get(in);
		c->of = (uint16_t)of;
		c->nmap = (uint32_t)varint_get(in);
		c->map = cur_bytes(in, (size_t)varint_get(in));
		return of <= UINT16_MAX && c->nmap >= 1 && c->nmap <= COLUMN_MAP_MAX ? 0 : -EBADMSG;
	case COLUMN_MODES:
		break;
	}
	return -EBADMSG;
}

int
column_parse(struct cur *in, uint16_t number, struct column *ret)
{
	struct column c = { 0 };
	uint8_t head = cur_u8(in);

	c.mode = head & 0x0f;
	c.packed = head & 0x10;
	c.min = varint_get(in);
	c.max = c.min + varint_get(in);
	if (c.max < c.min || parse_mode(in, &c) < 0 || !cur_ok(in))
		return -EBADMSG;
	if ((c.mode == COLUMN_LIKE || c.mode == COLUMN_MAP) && c.of >= number)
		return -EBADMSG;
	if (c.packed && (c.width > COLUMN_PACKED_MAX || (c.mode != COLUMN_RANGE && c.mode != COLUMN_STEPS && c.mode != COLUMN_SET)))
		return -EBADMSG;
	*ret = c;
	return 0;
}

size_t
column_payload(const struct column *c, size_t n)
{
	size_t set = c->mode == COLUMN_SET ? (size_t)c->nset * c->set_bytes : 0;

	if (c->mode == COLUMN_SAME || c->mode == COLUMN_LIKE || c->mode == COLUMN_MAP)
		return 0;
	return set + (c->packed ? (n * c->width + 7) / 8 + COLUMN_PAD : n * ((c->width + 7u) / 8));
}

/* The width bits from bit `at` on; there are COLUMN_PAD bytes behind the last. */
static inline uint64_t
bits_at(const uint8_t *p, size_t at, unsigned width)
{
	uint64_t v;

	memcpy(&v, p + at / 8, sizeof(v));
	return v >> (at % 8) & ((UINT64_C(1) << width) - 1);
}

static void
unpack(const uint8_t *p, unsigned width, size_t n, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = bits_at(p, i * width, width);
}

static void
unplane(const uint8_t *p, unsigned bytes, size_t n, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = p[i];
	for (unsigned b = 1; b < bytes; b++) {
		for (size_t i = 0; i < n; i++)
			ret[i] |= (uint64_t)p[b * n + i] << 8 * b;
	}
}

/* The sum of its distances, in place of each. */
static int
read_set(const struct column *c, const uint8_t *p, uint64_t *set)
{
	uint64_t v = c->min;

	unplane(p, c->set_bytes, c->nset, set);
	for (uint32_t i = 0; i < c->nset; i++) {
		v += set[i] * c->scale;
		set[i] = v;
	}
	return 0;
}

static int
decode_set(const struct column *c, const uint64_t *set, size_t n, uint64_t *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (ret[i] >= c->nset)
			return -EBADMSG;
		ret[i] = set[ret[i]];
	}
	return 0;
}

static void
decode_steps(const struct column *c, size_t n, uint64_t *ret)
{
	uint64_t v = c->base;

	for (size_t i = 0; i < n; i++) {
		v += (uint64_t)unzigzag(ret[i]) * c->scale;
		ret[i] = v;
	}
}

static int
decode_map(const struct column *c, const uint64_t *other, size_t n, uint64_t *ret)
{
	uint64_t from[COLUMN_MAP_MAX], to[COLUMN_MAP_MAX], key = 0;
	struct cur in = cur_of(c->map);
	size_t last = 0;

	for (uint32_t i = 0; i < c->nmap; i++) {
		key += varint_get(&in);
		from[i] = key;
		to[i] = c->min + varint_get(&in);
	}
	if (!cur_done(&in))
		return -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		size_t low = 0, high = c->nmap - 1;

		if (from[last] != other[i]) {
			while (low < high) {
				size_t mid = (low + high) / 2;

				if (from[mid] < other[i])
					low = mid + 1;
				else
					high = mid;
			}
			if (from[low] != other[i])
				return -EBADMSG;
			last = low;
		}
		ret[i] = to[last];
	}
	return 0;
}

static int
within(const struct column *c, const uint64_t *v, size_t n)
{
	bool bad = false;

	for (size_t i = 0; i < n; i++)
		bad |= v[i] - c->min > c->max - c->min;
	return bad ? -EBADMSG : 0;
}

static int
decode_numbers(const struct column *c, struct str payload, size_t n, uint64_t *ret)
{
	const uint8_t *p = (const uint8_t *)payload.p;
	size_t set_size = c->mode == COLUMN_SET ? (size_t)c->nset * c->set_bytes : 0;
	uint64_t *set = NULL;
	int rc = 0;

	if (c->packed)
		unpack(p + set_size, c->width, n, ret);
	else
		unplane(p + set_size, (c->width + 7u) / 8, n, ret);
	if (c->mode == COLUMN_RANGE) {
		for (size_t i = 0; i < n; i++)
			ret[i] = c->base + ret[i] * c->scale;
	} else if (c->mode == COLUMN_STEPS) {
		decode_steps(c, n, ret);
	} else {
		set = malloc(c->nset * sizeof(*set));
		if (!set)
			return -ENOMEM;
		rc = read_set(c, p, set);
		if (rc == 0)
			rc = decode_set(c, set, n, ret);
		free(set);
	}
	return rc;
}

int
column_decode(const struct column *c, struct str payload, const uint64_t *other, size_t n, uint64_t *ret)
{
	int rc = 0;

	if (payload.n != column_payload(c, n))
		return -EBADMSG;
	if (c->mode == COLUMN_SAME) {
		for (size_t i = 0; i < n; i++)
			ret[i] = c->base;
		return 0;
	}
	if (c->mode == COLUMN_LIKE)
		memcpy(ret, other, n * sizeof(*ret));
	else if (c->mode == COLUMN_MAP)
		rc = decode_map(c, other, n, ret);
	else
		rc = decode_numbers(c, payload, n, ret);
	return rc < 0 ? rc : within(c, ret, n);
}

uint64_t
column_at(const struct column *c, struct str payload, size_t i)
{
	return c->base + bits_at((const uint8_t *)payload.p, i * c->width, c->width) * c->scale;
}

bool
column_set_has(const struct column *c, struct str payload, uint64_t value)
{
	const uint8_t *p = (const uint8_t *)payload.p;
	uint64_t v = c->min;

	for (uint32_t i = 0; i < c->nset; i++) {
		uint64_t step = 0;

		for (unsigned b = 0; b < c->set_bytes; b++)
			step |= (uint64_t)p[(size_t)b * c->nset + i] << 8 * b;
		v += step * c->scale;
		if (v == value)
			return true;
	}
	return false;
}
