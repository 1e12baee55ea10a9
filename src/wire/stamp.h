/*
 * stamp: the time stamps that logs are written with, read as they stand. Civil time and what is
 * missing are told apart; filling in years, dates and zones from context is event/lens.h's work.
 * Never reads a clock.
 */
#ifndef GUARITA_WIRE_STAMP_H
#define GUARITA_WIRE_STAMP_H

#include "base/when.h"

enum stamp_form {
	STAMP_NONE,   /* no stamp here */
	STAMP_SYSLOG, /* Mmm dd HH:MM:SS, also with fraction, a year or Cisco's marks */
	STAMP_ISO_T,  /* 2024-01-02T03:04:05, the form that RFC 3339 and RFC 5424 use */
	STAMP_ISO,    /* 2024-01-02 03:04:05 and its kin, year first */
	STAMP_CTIME,  /* Www Mmm dd HH:MM:SS yyyy */
	STAMP_CLF,    /* 02/Dec/1998:16:37:24 -0200 */
	STAMP_DATED,  /* others with a date: 16-Apr-1999, 4/16/99, 990416, I0416, 04/16 */
	STAMP_EPOCH,  /* seconds since 1970 or parts of them, TAI64N */
	STAMP_CLOCK,  /* time of day alone */
	STAMP_UPTIME, /* [   12.345678]: time since boot; takes bytes, but is no time */
};

enum {
	STAMP_NO_YEAR = 1 << 0,
	STAMP_NO_DATE = 1 << 1,      /* only the time of day is known */
	STAMP_NO_ZONE = 1 << 2,      /* local time of whoever wrote it */
	STAMP_NO_CLOCK = 1 << 3,     /* only the date is known */
	STAMP_EITHER_ORDER = 1 << 4, /* day and month could stand the other way round */
	STAMP_UTC_WORD = 1 << 5,     /* zone said as Z, UTC, GMT: teaches nothing of the place */
	STAMP_UNSET_CLOCK = 1 << 6,  /* Cisco's '*' or '.': the writer itself doubts its clock */
};

enum stamp_trust {
	STAMP_WEAK, /* may well be a number or a word: believe it only where a time is expected */
	STAMP_FAIR,
	STAMP_STRONG, /* cannot be anything else */
};

struct stamp {
	int64_t epoch_us; /* form EPOCH only: UTC, complete */
	int32_t us;       /* the rest is civil time; absent parts are zero */
	int16_t year;
	int16_t offset_min; /* minutes east of UTC, unless NO_ZONE */
	uint8_t month, day, hour, minute, second;
	uint8_t form; /* enum stamp_form */
	uint8_t flags;
	uint8_t trust; /* enum stamp_trust */
};

static inline struct civil
stamp_civil(const struct stamp *st)
{
	return (struct civil){ .year = st->year,
		.month = st->month,
		.day = st->day,
		.hour = st->hour,
		.minute = st->minute,
		.second = st->second,
		.us = st->us };
}

/* The moment that a stamp with a date and a year means, its zone taken as UTC when it has none. */
static inline int64_t
stamp_utc(const struct stamp *st)
{
	struct civil c = stamp_civil(st);
	return st->form == STAMP_EPOCH ? st->epoch_us
				       : when_from_civil(&c) - st->offset_min * WHEN_MINUTE;
}

/*
 * Reads the stamp at the very start of s. Returns how many bytes it took, or 0 (ret is then
 * untouched). A stamp in [brackets] is taken with them, blanks after a stamp are not taken. Linear;
 * looks at no more than 64 bytes.
 */
size_t stamp_parse(struct str s, struct stamp *ret);

/* False when it is certain, by the first STAMP_BEGINS bytes, that stamp_parse() finds none in any text that begins so. */
#define STAMP_BEGINS 5
bool stamp_may_begin(struct str s);

/*
 * A number of seconds, milli-, micro- or nanoseconds since 1970, told apart by size; false outside
 * 1990-2100.
 */
bool stamp_epoch(struct str number, int64_t *ret_us);

#endif
