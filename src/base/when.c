/*
 * when: days and civil dates by counting in eras of 400 years that begin on 1 March, so that the
 * leap day is the last of its year and no table is needed. Never reads a clock, never knows a zone.
 */
#include "base/when.h"

#include <assert.h>

#define DAYS_PER_ERA 146097     /* 400 Gregorian years */
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */
#define MINUTES_MAX (24 * 60)

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
days_from_civil(int year, int month, int day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = floor_div(y, 400);
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	    day_of_year - DAYS_BEFORE_1970;
}

int64_t
when_from_civil(const struct civil *c)
{
	int64_t days = days_from_civil(c->year, c->month, c->day);

	return days * WHEN_DAY + c->hour * WHEN_HOUR + c->minute * WHEN_MINUTE +
	    c->second * WHEN_SECOND + c->us;
}

static void
civil_from_days(int64_t days, struct civil *ret)
{
	int64_t d = days + DAYS_BEFORE_1970;
	int64_t era = floor_div(d, DAYS_PER_ERA);
	int64_t day_of_era = d - era * DAYS_PER_ERA;
	int64_t leap_days = day_of_era / 1460 - day_of_era / 36524 +
	    day_of_era / (DAYS_PER_ERA - 1);
	int64_t year_of_era = (day_of_era - leap_days) / 365;
	int64_t day_of_year = day_of_era -
	    (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;

	ret->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
	ret->month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
	ret->year = (int)(year_of_era + era * 400 + (ret->month <= 2));
}

void
when_to_civil(int64_t us, struct civil *ret)
{
	int64_t days = floor_div(us, WHEN_DAY);
	/* Not us - days * WHEN_DAY: the product overflows for the first day of all. */
	int64_t rest = us % WHEN_DAY < 0 ? us % WHEN_DAY + WHEN_DAY : us % WHEN_DAY;

	civil_from_days(days, ret);
	ret->hour = (int)(rest / WHEN_HOUR);
	ret->minute = (int)(rest / WHEN_MINUTE % 60);
	ret->second = (int)(rest / WHEN_SECOND % 60);
	ret->us = (int)(rest % WHEN_SECOND);
}

int
when_weekday(int64_t us)
{
	int64_t days = floor_div(us, WHEN_DAY);

	return (int)(((days + 4) % 7 + 7) % 7);
}

static int
days_of_month(int year, int month)
{
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month == 2)
		return 28 + leap;
	return 30 + ((month + (month >> 3)) & 1);
}

bool
when_valid(const struct civil *c)
{
	if (c->year < 0 || c->year > 9999 || c->month < 1 || c->month > 12)
		return false;
	if (c->day < 1 || c->day > days_of_month(c->year, c->month))
		return false;
	return c->hour >= 0 && c->hour <= 23 && c->minute >= 0 && c->minute <= 59 &&
	    c->second >= 0 && c->second <= 60 && c->us >= 0 && c->us < WHEN_SECOND;
}

/* At least `width` digits, zeros in front. */
static char *
put_digits(char *p, int value, int width)
{
	char digits[12] = { 0 };
	unsigned v = value < 0 ? 0u - (unsigned)value : (unsigned)value;
	int n = 0;

	if (value < 0)
		*p++ = '-';
	for (; v || n < width; v /= 10)
		digits[n++] = (char)('0' + v % 10);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

static char *
put_offset(char *p, int offset_min)
{
	int minutes = offset_min < 0 ? -offset_min : offset_min;

	if (offset_min == 0) {
		*p++ = 'Z';
		return p;
	}
	*p++ = offset_min < 0 ? '-' : '+';
	p = put_digits(p, minutes / 60, 2);
	*p++ = ':';
	return put_digits(p, minutes % 60, 2);
}

size_t
when_show(int64_t us, int offset_min, char dst[40])
{
	struct civil c;
	int64_t local;
	char *p = dst;

	assert(offset_min >= -MINUTES_MAX && offset_min <= MINUTES_MAX);
	if (__builtin_add_overflow(us, offset_min * WHEN_MINUTE, &local))
		local = us;
	when_to_civil(local, &c);
	p = put_digits(p, c.year, 4);
	*p++ = '-';
	p = put_digits(p, c.month, 2);
	*p++ = '-';
	p = put_digits(p, c.day, 2);
	*p++ = 'T';
	p = put_digits(p, c.hour, 2);
	*p++ = ':';
	p = put_digits(p, c.minute, 2);
	*p++ = ':';
	p = put_digits(p, c.second, 2);
	if (c.us) {
		*p++ = '.';
		p = put_digits(p, c.us, 6);
	}
	p = put_offset(p, offset_min);
	*p = '\0';
	return (size_t)(p - dst);
}
