/*
 * utmp: one row per layout says where each field lies; reader, writer and detector follow it.
 * Layouts: utmp(5) and bits/types/struct_utmp.h of glibc, struct futmpx of illumos, utmp.h of
 * OpenBSD, FreeBSD 8 and SunOS 4. Must never look behind the record it was given.
 */
#include "wire/utmp.h"

#include <assert.h>
#include <errno.h>

#include "wire/record_place.h"

struct row {
	const char *name;
	uint16_t size;
	bool big;
	struct place type, pid, line, id, user, host, termination, exit, session, sec, usec, addr;
	const uint8_t *types;      /* number -> enum utmp_type; NULL: BSD, the line tells */
};

#define TYPES_KNOWN 11

static const uint8_t linux_types[TYPES_KNOWN] = { UTMP_EMPTY, UTMP_RUN_LEVEL, UTMP_BOOT, UTMP_NEW_TIME,
	UTMP_OLD_TIME, UTMP_INIT, UTMP_LOGIN, UTMP_USER, UTMP_DEAD, UTMP_ACCOUNTING, UTMP_STRANGE };
static const uint8_t solaris_types[TYPES_KNOWN] = { UTMP_EMPTY, UTMP_RUN_LEVEL, UTMP_BOOT, UTMP_OLD_TIME,
	UTMP_NEW_TIME, UTMP_INIT, UTMP_LOGIN, UTMP_USER, UTMP_DEAD, UTMP_ACCOUNTING, UTMP_SHUTDOWN };

#define LINUX(name_, size_, big_, session_, sec_, usec_, addr_) \
	{ .name = name_, .size = size_, .big = big_, .type = { 0, 2 }, .pid = { 4, 4 }, .line = { 8, 32 }, \
	  .id = { 40, 4 }, .user = { 44, 32 }, .host = { 76, 256 }, .termination = { 332, 2 }, .exit = { 334, 2 }, \
	  .session = session_, .sec = sec_, .usec = usec_, .addr = { addr_, 16 }, .types = linux_types }
#define AT(off_, len_) { off_, len_ }
#define SOLARIS(name_, big_) \
	{ .name = name_, .size = 372, .big = big_, .user = { 0, 32 }, .id = { 32, 4 }, .line = { 36, 32 }, \
	  .pid = { 68, 4 }, .type = { 72, 2 }, .termination = { 74, 2 }, .exit = { 76, 2 }, .sec = { 80, 4 }, \
	  .usec = { 84, 4 }, .session = { 88, 4 }, .host = { 114, 257 }, .types = solaris_types }
#define BSD(name_, size_, big_, line_, user_, host_, sec_len_) \
	{ .name = name_, .size = size_, .big = big_, .line = { 0, line_ }, .user = { line_, user_ }, \
	  .host = { line_ + user_, host_ }, .sec = { line_ + user_ + host_, sec_len_ } }

static const struct row rows[UTMP_LAYOUTS] = {
	[UTMP_LINUX_LE] = LINUX("linux", 384, false, AT(336, 4), AT(340, 4), AT(344, 4), 348),
	[UTMP_LINUX_BE] = LINUX("linux-be", 384, true, AT(336, 4), AT(340, 4), AT(344, 4), 348),
	[UTMP_LINUX64_LE] = LINUX("linux64", 400, false, AT(336, 8), AT(344, 8), AT(352, 8), 360),
	[UTMP_LINUX64_BE] = LINUX("linux64-be", 400, true, AT(336, 8), AT(344, 8), AT(352, 8), 360),
	[UTMP_SOLARIS_LE] = SOLARIS("solaris", false),
	[UTMP_SOLARIS_BE] = SOLARIS("solaris-be", true),
	[UTMP_OPENBSD_LE] = BSD("openbsd", 304, false, 8, 32, 256, 8),
	[UTMP_FREEBSD_LE] = BSD("freebsd", 44, false, 8, 16, 16, 4),
	[UTMP_SUNOS_LE] = BSD("sunos", 36, false, 8, 8, 16, 4),
	[UTMP_SUNOS_BE] = BSD("sunos-be", 36, true, 8, 8, 16, 4),
};

size_t
utmp_size(enum utmp_layout l)
{
	return rows[l].size;
}

const char *
utmp_layout_name(enum utmp_layout l)
{
	return rows[l].name;
}

const char *
utmp_type_name(enum utmp_type t)
{
	static const char *const names[UTMP_TYPES] = { "empty", "run-level", "boot", "new-time", "old-time",
		"init", "login", "user", "dead", "accounting", "shutdown", "strange" };

	return names[t];
}

/* Seconds that do not fit into microseconds are no time of this world. */
static int64_t
time_of(int64_t sec, int64_t usec)
{
	const int64_t most = INT64_C(253402300799);    /* the end of year 9999 */

	if (sec < -most || sec > most)
		return 0;
	return sec * WHEN_SECOND + (usec >= 0 && usec < WHEN_SECOND ? usec : 0);
}

/* IPv4 stands in the first of four words, IPv6 fills them all (utmp(5)); both in network order. */
static bool
read_addr(struct str b, struct addr *ret)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (b.n != 16 || all_zero(b))
		return false;
	if (all_zero(str_from(b, 4))) {
		memcpy(ret->b, mapped, 12);
		memcpy(ret->b + 12, b.p, 4);
	} else {
		memcpy(ret->b, b.p, 16);
	}
	/* ::ffff:0.0.0.0 is nobody's. */
	return memcmp(ret->b, mapped, 12) != 0 || !all_zero(str_of((const char *)ret->b + 12, 4));
}

/* Layouts without a type: "~" and the name tell of the system, an empty name ends a session. */
static enum utmp_type
bsd_type(const struct utmp *u)
{
	if (str_eq(u->line, STR("~")))
		return str_eq(u->user, STR("shutdown")) ? UTMP_SHUTDOWN : UTMP_BOOT;
	if (str_eq(u->line, STR("|")))
		return UTMP_OLD_TIME;
	if (str_eq(u->line, STR("{")))
		return UTMP_NEW_TIME;
	if (u->user.n > 0)
		return UTMP_USER;
	return u->line.n > 0 ? UTMP_DEAD : UTMP_EMPTY;
}

void
utmp_read(enum utmp_layout l, struct str record, struct utmp *ret)
{
	const struct row *row = &rows[l];
	struct utmp u = { 0 };

	assert(record.n == row->size);
	u.blank = all_zero(record);
	u.line = place_text(record, row->line, &u.dirty);
	u.user = place_text(record, row->user, &u.dirty);
	u.host = place_text(record, row->host, &u.dirty);
	u.id = place_text(record, row->id, &u.dirty);
	u.host_full = u.host.n + 1 >= row->host.len;
	u.number = (int16_t)place_number(row->big, record, row->type);
	u.pid = place_number(row->big, record, row->pid);
	u.session = place_number(row->big, record, row->session);
	u.termination = (int16_t)place_number(row->big, record, row->termination);
	u.exit = (int16_t)place_number(row->big, record, row->exit);
	u.time_us = time_of(place_number(row->big, record, row->sec), place_number(row->big, record, row->usec));
	u.has_addr = read_addr(place_bytes(record, row->addr), &u.addr);
	if (!row->types)
		u.type = bsd_type(&u);
	else
		u.type = (uint16_t)u.number < TYPES_KNOWN ? row->types[u.number] : UTMP_STRANGE;
	*ret = u;
}

static void
put_number(const struct row *row, uint8_t *dst, struct place p, int64_t value)
{
	for (unsigned i = 0; i < p.len; i++) {
		unsigned shift = 8 * (row->big ? p.len - 1u - i : i);

		dst[p.off + i] = (uint8_t)((uint64_t)value >> shift);
	}
}

static void
put_text(uint8_t *dst, struct place p, struct str text)
{
	struct str fits = str_head(text, p.len);

	if (fits.n > 0)
		memcpy(dst + p.off, fits.p, fits.n);
}

static int64_t
type_number(const struct row *row, const struct utmp *u)
{
	for (int i = 0; row->types && i < TYPES_KNOWN; i++)
		if (row->types[i] == u->type && u->type != UTMP_STRANGE)
			return i;
	return u->number;
}

void
utmp_write(enum utmp_layout l, const struct utmp *u, uint8_t *dst)
{
	const struct row *row = &rows[l];
	int64_t sec = u->time_us / WHEN_SECOND, usec = u->time_us % WHEN_SECOND;

	if (usec < 0) {
		sec--;
		usec += WHEN_SECOND;
	}
	memset(dst, 0, row->size);
	put_number(row, dst, row->type, type_number(row, u));
	put_number(row, dst, row->pid, u->pid);
	put_number(row, dst, row->session, u->session);
	put_number(row, dst, row->termination, u->termination);
	put_number(row, dst, row->exit, u->exit);
	put_number(row, dst, row->sec, sec);
	put_number(row, dst, row->usec, usec);
	put_text(dst, row->line, u->line);
	put_text(dst, row->id, u->id);
	put_text(dst, row->user, u->user);
	put_text(dst, row->host, u->host);
	if (u->has_addr && row->addr.len == 16) {
		bool v4 = addr_is_v4(&u->addr);

		memcpy(dst + row->addr.off, u->addr.b + (v4 ? 12 : 0), v4 ? 4 : 16);
	}
}

static bool
text_plausible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

bool
utmp_plausible(enum utmp_layout l, struct str record)
{
	const struct row *row = &rows[l];
	int64_t usec, sec;
	struct utmp u;

	utmp_read(l, record, &u);
	usec = place_number(row->big, record, row->usec);
	sec = place_number(row->big, record, row->sec);
	/* A record without any NUL is a piece of text. The id is bytes: init scripts put anything there. */
	if (str_find_byte(record, '\0') == record.n || u.blank || u.dirty || u.type == UTMP_STRANGE)
		return false;
	if (usec < 0 || usec >= WHEN_SECOND || u.pid < 0)
		return false;
	if (sec < 0 || sec > UINT32_MAX || (u.line.n == 0 && u.user.n == 0))
		return false;
	if (!text_plausible(u.line) || !text_plausible(u.user) || !text_plausible(u.host))
		return false;
	/* Without a type to go by a time must speak: records of 36 bytes are found in anything. */
	return row->types || sec > 315532800;          /* 1980: before the first of these systems */
}

/* How many of the first records look right, in 1/1000 of those that say anything. */
static unsigned
score(enum utmp_layout l, struct str head)
{
	size_t size = rows[l].size, right = 0, said = 0;

	for (struct str rest = head; rest.n >= size; rest = str_from(rest, size)) {
		struct str record = str_head(rest, size);

		if (all_zero(record))
			continue;
		said++;
		right += utmp_plausible(l, record);
	}
	return said ? (unsigned)(1000 * right / said) : 0;
}

/*
 * Three quarters of the records must be right: a file whose records were tampered with is still
 * recognised, a text or a program is not (measured on /usr and on the texts of the test data).
 */
#define SCORE_MIN 750u

int
utmp_detect(struct str head, uint64_t size, enum utmp_layout *ret)
{
	unsigned best = 0;

	head = str_head(head, UTMP_DETECT_BYTES);
	for (enum utmp_layout l = 0; l < UTMP_LAYOUTS; l++) {
		unsigned s = score(l, head);

		/* A whole number of records is a small hint: it decides between equals. */
		if (s >= SCORE_MIN)
			s += size > 0 && size % rows[l].size == 0;
		if (s >= SCORE_MIN && s > best) {
			best = s;
			*ret = l;
		}
	}
	return best > 0 ? 0 : -ENOENT;
}
