/*
 * column: a row of whole numbers in few bytes, exactly. Numbers, addresses, times and ids of words all pass here, so
 * that one codec decides how each column is smallest: one value, distance from the least, steps, a set of values,
 * or what another column already says. What is read back is foreign until proved: any bytes give numbers or an error.
 */
#ifndef GUARITA_VAULT_COLUMN_H
#define GUARITA_VAULT_COLUMN_H

#include "base/buf.h"
#include "base/cur.h"

#define COLUMN_ROWS_MAX (1u << 18)
#define COLUMN_MAP_MAX 256u     /* pairs of a mapped column */

enum column_mode {              /* stored: numbers never change */
	COLUMN_SAME,            /* base in every row */
	COLUMN_RANGE,           /* base + scale * x */
	COLUMN_STEPS,           /* base, then zigzag distances from row to row, times scale */
	COLUMN_SET,             /* x is a place in a sorted set */
	COLUMN_LIKE,            /* as column `of` */
	COLUMN_MAP,             /* follows from column `of` by a table */
	COLUMN_MODES,
};

struct column {
	uint8_t mode;
	uint8_t width;          /* bits of x */
	bool packed;            /* x lie bit by bit, and can be read alone; else in planes of bytes */
	uint16_t of;
	uint32_t nset;
	uint8_t set_bytes;      /* of one distance in the set */
	uint32_t nmap;
	uint64_t base, scale;
	uint64_t min, max;      /* the zone map: never wrong, checked when the column is read */
	struct str map;         /* varints in the directory */
};

struct column_work;             /* scratch of one thread */
struct column_work *column_work_new(void);
void column_work_free(struct column_work *w);

/* A column that was written before and that others may follow. */
struct column_ref {
	const uint64_t *v;
	uint16_t number;
	uint64_t min, max;
};

/*
 * Finds the smallest form of v[0..n), n > 0, and appends its numbers to payload (nothing when the mode needs none).
 * Packed only when that is not worse by much than compressed planes: *ret_stored is then the payload itself, else
 * (for payloads of some size) its compressed form, valid until the next call, or STR_NULL: not tried, it is small.
 */
int column_encode(struct column_work *w, const uint64_t *v, size_t n, const struct column_ref *others, size_t nothers,
    struct buf *payload, struct column *ret, struct str *ret_stored) WARN_UNUSED;
/* The description in the directory. */
void column_describe(const struct column *c, struct buf *out);
/* Reads a description; of must be below number. 0 or -EBADMSG. */
int column_parse(struct cur *in, uint16_t number, struct column *ret) WARN_UNUSED;
/* Bytes of the payload for n rows. */
size_t column_payload(const struct column *c, size_t n);
/*
 * All n values. payload has exactly column_payload() bytes; other: the values of column `of` (LIKE, MAP). -EBADMSG when
 * the bytes contradict the description.
 */
int column_decode(const struct column *c, struct str payload, const uint64_t *other, size_t n, uint64_t *ret) WARN_UNUSED;
/* One value of a packed column of mode RANGE: no more than the bytes of this row are read. */
uint64_t column_at(const struct column *c, struct str payload, size_t i);

/* Whether the set of a COLUMN_SET has a value. */
bool column_set_has(const struct column *c, struct str payload, uint64_t value);

/* LEB128 and zigzag. */
void varint_add(struct buf *out, uint64_t v);
uint64_t varint_get(struct cur *in);

static inline uint64_t
zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int64_t
unzigzag(uint64_t v)
{
	return (int64_t)((v >> 1) ^ (v & 1 ? UINT64_MAX : 0));
}

#endif
