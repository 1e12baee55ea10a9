/*
 * when: civil time arithmetic on microseconds since 1970-01-01 UTC (proleptic Gregorian). No clock
 * is read here.
 */
#ifndef GUARITA_BASE_WHEN_H
#define GUARITA_BASE_WHEN_H

#include "base/str.h"

#define WHEN_NONE INT64_MIN
#define WHEN_SECOND INT64_C(1000000)
#define WHEN_MINUTE (60 * WHEN_SECOND)
#define WHEN_HOUR (60 * WHEN_MINUTE)
#define WHEN_DAY (24 * WHEN_HOUR)

struct civil {
	int year, month, day;          /* month 1-12, day 1-31 */
	int hour, minute, second, us;  /* second 0-60 */
};

int64_t when_from_civil(const struct civil *c);   /* as UTC; fields must be in range */
void when_to_civil(int64_t us, struct civil *ret);
int when_weekday(int64_t us);                     /* 0 = Sunday */
bool when_valid(const struct civil *c);
/*
 * RFC 3339 with microseconds when not zero: "1999-05-19T10:00:00Z"; offset in minutes east. dst of
 * 40 bytes.
 */
size_t when_show(int64_t us, int offset_min, char dst[40]);

#endif
