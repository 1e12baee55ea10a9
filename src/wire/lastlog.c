/*
 * lastlog: one row per layout, as in utmp.c. Layouts: bits/lastlog.h of glibc, faillog.h of
 * shadow, struct tallylog of Linux-PAM. Must never assume that a record stands where its uid says:
 * that is the caller's.
 */
#include "wire/lastlog.h"

#include <assert.h>
#include <errno.h>

#include "wire/record_place.h"

struct row {
	const char *name;
	uint16_t size;
	bool big, fails;
	struct place time, line, host, count, max, lock;
};

#define LOGINS(name_, big_, time_len_) \
	{ .name = name_, .size = time_len_ + 288, .big = big_, .time = { 0, time_len_ }, .line = { time_len_, 32 }, \
	  .host = { time_len_ + 32, 256 } }
#define FAILS(name_, big_, word_) \
	{ .name = name_, .size = 16 + 2 * word_, .big = big_, .fails = true, .count = { 0, 2 }, .max = { 2, 2 }, \
	  .line = { 4, 12 }, .time = { 16, word_ }, .lock = { 16 + word_, word_ } }
#define TALLY(name_, big_) \
	{ .name = name_, .size = 64, .big = big_, .fails = true, .host = { 0, 52 }, .count = { 54, 2 }, \
	  .time = { 56, 8 } }

static const struct row rows[LASTLOG_LAYOUTS] = {
	[LASTLOG_LE] = LOGINS("lastlog", false, 4),
	[LASTLOG_BE] = LOGINS("lastlog-be", true, 4),
	[LASTLOG64_LE] = LOGINS("lastlog64", false, 8),
	[LASTLOG64_BE] = LOGINS("lastlog64-be", true, 8),
	[FAILLOG_LE] = FAILS("faillog", false, 4),
	[FAILLOG64_LE] = FAILS("faillog64", false, 8),
	[FAILLOG64_BE] = FAILS("faillog64-be", true, 8),
	[TALLYLOG_LE] = TALLY("tallylog", false),
	[TALLYLOG_BE] = TALLY("tallylog-be", true),
};

size_t
lastlog_size(enum lastlog_layout l)
{
	return rows[l].size;
}

const char *
lastlog_layout_name(enum lastlog_layout l)
{
	return rows[l].name;
}

bool
lastlog_is_fails(enum lastlog_layout l)
{
	return rows[l].fails;
}

void
lastlog_read(enum lastlog_layout l, struct str record, struct lastlog *ret)
{
	const struct row *row = &rows[l];
	struct lastlog e = { 0 };

	assert(record.n == row->size);
	e.blank = all_zero(record);
	e.time_s = place_number(row->big, record, row->time);
	/* Four bytes hold times to 2106 in the newer tools: nobody logged in before 1970. */
	if (row->time.len == 4)
		e.time_s = (uint32_t)e.time_s;
	e.line = place_text(record, row->line, &e.dirty);
	e.host = place_text(record, row->host, &e.dirty);
	e.host_full = row->host.len > 0 && e.host.n + 1 >= row->host.len;
	e.fails = (int32_t)place_number(row->big, record, row->count);
	e.max = (int32_t)place_number(row->big, record, row->max);
	e.lock_s = place_number(row->big, record, row->lock);
	*ret = e;
}

static void
put_number(const struct row *row, uint8_t *dst, struct place p, int64_t value)
{
	for (unsigned i = 0; i < p.len; i++)
		dst[p.off + i] = (uint8_t)((uint64_t)value >> 8 * (row->big ? p.len - 1u - i : i));
}

static void
put_text(uint8_t *dst, struct place p, struct str text)
{
	struct str fits = str_head(text, p.len);

	if (fits.n > 0)
		memcpy(dst + p.off, fits.p, fits.n);
}

void
lastlog_write(enum lastlog_layout l, const struct lastlog *e, uint8_t *dst)
{
	const struct row *row = &rows[l];

	memset(dst, 0, row->size);
	put_number(row, dst, row->time, e->time_s);
	put_number(row, dst, row->count, e->fails);
	put_number(row, dst, row->max, e->max);
	put_number(row, dst, row->lock, e->lock_s);
	put_text(dst, row->line, e->line);
	put_text(dst, row->host, e->host);
}

static bool
text_plausible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

#define TIME_MIN 315532800         /* 1980 */
#define TIME_MAX INT64_C(4294967296)

bool
lastlog_plausible(enum lastlog_layout l, struct str record)
{
	struct lastlog e;

	lastlog_read(l, record, &e);
	/* A record without any NUL is a piece of text. */
	if (e.blank || e.dirty || str_find_byte(record, '\0') == record.n || !text_plausible(e.line) || !text_plausible(e.host))
		return false;
	/* A table of failures may hold a limit for an account that never failed. */
	if (e.time_s == 0 && rows[l].fails)
		return e.line.n == 0 && e.fails >= 0 && e.max >= 0;
	return e.time_s >= TIME_MIN && e.time_s < TIME_MAX && (rows[l].fails || e.line.n > 0) && e.fails >= 0;
}

static bool
fits(enum lastlog_layout l, struct str bytes, uint64_t offset, unsigned *ret_right)
{
	size_t size = rows[l].size, skip = (size_t)(offset % size), said = 0, right = 0;

	for (bytes = str_from(bytes, skip ? size - skip : 0); bytes.n >= size; bytes = str_from(bytes, size)) {
		struct str record = str_head(bytes, size);

		said += !all_zero(record);
		right += lastlog_plausible(l, record);
	}
	*ret_right = (unsigned)right;
	/* Half is enough: tables are short, and only files of such a name are asked about. */
	return right > 0 && 2 * right >= said;
}

int
lastlog_detect(struct str bytes, uint64_t offset, bool fails, enum lastlog_layout *ret)
{
	unsigned best = 0, right;

	for (enum lastlog_layout l = 0; l < LASTLOG_LAYOUTS; l++) {
		if (rows[l].fails != fails || !fits(l, bytes, offset, &right) || right <= best)
			continue;
		best = right;
		*ret = l;
	}
	return best > 0 ? 0 : -ENOENT;
}
