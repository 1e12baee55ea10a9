/*
 * token_time: dates and times that turn into numbers and back without losing a byte: what is not written exactly as we
 * would write it is no token of ours. Never guesses a year or a zone.
 */
#include <string.h>

#include "base/when.h"
#include "vault/token.h"

#define NS_PER_US 1000
#define BSD_YEAR 2000           /* a leap year: every day of the year exists */
#define FRACTION_MAX 9

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static bool
is_digit(char c)
{
	return (unsigned)(c - '0') < 10;
}

/* Two digits as a number, or -1. */
static int
two(const char *p)
{
	return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + p[1] - '0' : -1;
}

static int
month_of(const char *p)
{
	for (int m = 0; m < 12; m++) {
		if (memcmp(p, months[m], 3) == 0)
			return m + 1;
	}
	return 0;
}

/* "hh:mm:ss" at p, eight bytes. */
static bool
clock_at(const char *p, struct civil *c)
{
	c->hour = two(p);
	c->minute = two(p + 3);
	c->second = two(p + 6);
	return p[2] == ':' && p[5] == ':' && c->hour >= 0 && c->hour < 24 && c->minute >= 0 && c->minute < 60 &&
	    c->second >= 0 && c->second < 60;
}

/* Nanoseconds since 1970 in 63 bits. */
static bool
year_fits(int year)
{
	return year >= 1970 && year < 2200;
}

static bool
date_at(const char *p, struct civil *c)
{
	int century = two(p), year = two(p + 2);

	c->year = century * 100 + year;
	c->month = two(p + 5);
	c->day = two(p + 8);
	return century >= 0 && year >= 0 && year_fits(c->year) && (p[4] == '-' || p[4] == '/') && p[7] == p[4];
}

/* True when the run does not go on: what follows the token must not be a part of it. */
static bool
ends(struct str s, size_t at)
{
	return at >= s.n || !token_byte(s.p[at]);
}

static bool
take(struct token *ret, uint8_t type, uint8_t param, size_t len, uint64_t value)
{
	ret->type = type;
	ret->param = param;
	ret->len = (uint32_t)len;
	ret->value = value;
	return true;
}

/* ".123456" or ",123" at s: its digits go to *ns. Returns the bytes taken. */
static size_t
fraction(struct str s, uint8_t *param, uint64_t *ns)
{
	uint64_t v = 0;
	size_t n = 1;

	if (s.n < 2 || (s.p[0] != '.' && s.p[0] != ',') || !is_digit(s.p[1]))
		return 0;
	while (n < s.n && n <= FRACTION_MAX && is_digit(s.p[n]))
		v = v * 10 + (uint64_t)(s.p[n++] - '0');
	for (size_t i = n; i <= FRACTION_MAX; i++)
		v *= 10;
	*ns = v;
	*param |= (uint8_t)((n - 1) | (s.p[0] == ',' ? TOKEN_ISO_COMMA : 0));
	return n;
}

static bool
iso(struct str s, struct civil *c, struct token *ret)
{
	uint64_t ns = 0;
	uint8_t param = 0;
	size_t n = 19;

	if (s.n < n || s.p[4] != '-' || (s.p[10] != 'T' && s.p[10] != ' ') || !clock_at(s.p + 11, c) || !when_valid(c))
		return false;
	if (s.p[10] == ' ')
		param |= TOKEN_ISO_BLANK;
	n += fraction(str_from(s, n), &param, &ns);
	if (n < s.n && s.p[n] == 'Z') {
		param |= TOKEN_ISO_Z;
		n++;
	}
	return ends(s, n) && take(ret, TOKEN_ISO, param, n, (uint64_t)when_from_civil(c) * NS_PER_US + ns);
}

static bool
numeric_date(struct str s, struct token *ret)
{
	struct civil c = { 0 };

	if (s.n < 10 || !date_at(s.p, &c))
		return false;
	if (iso(s, &c, ret))
		return true;
	c.hour = c.minute = c.second = 0;
	return ends(s, 10) && when_valid(&c) &&
	    take(ret, TOKEN_DATE, (uint8_t)s.p[4], 10, (uint64_t)(when_from_civil(&c) / WHEN_DAY));
}

static bool
clf(struct str s, struct token *ret)
{
	struct civil c = { 0 };
	int century, year;

	if (s.n < 20 || s.p[2] != '/' || s.p[6] != '/' || s.p[11] != ':' || !clock_at(s.p + 12, &c) || !ends(s, 20))
		return false;
	century = two(s.p + 7);
	year = two(s.p + 9);
	c.day = two(s.p);
	c.month = month_of(s.p + 3);
	c.year = century * 100 + year;
	return century >= 0 && year >= 0 && year_fits(c.year) && when_valid(&c) &&
	    take(ret, TOKEN_CLF, 0, 20, (uint64_t)when_from_civil(&c) * NS_PER_US);
}

static bool
bsd(struct str s, struct token *ret)
{
	struct civil c = { .year = BSD_YEAR };
	uint8_t param = 0;
	size_t at = 4;

	if (s.n < 14 || s.p[3] != ' ' || (c.month = month_of(s.p)) == 0)
		return false;
	if (is_digit(s.p[4]) && s.p[5] == ' ') {
		param = 2;
		c.day = s.p[4] - '0';
		at = 6;
	} else {
		param = s.p[4] == '0';
		c.day = s.p[4] == ' ' ? (is_digit(s.p[5]) ? s.p[5] - '0' : -1) : two(s.p + 4);
		at = 7;
		if (s.p[6] != ' ' || s.n < 15)
			return false;
	}
	return clock_at(s.p + at, &c) && when_valid(&c) && ends(s, at + 8) &&
	    take(ret, TOKEN_BSD, c.day < 10 ? param : 0, at + 8, (uint64_t)when_from_civil(&c) * NS_PER_US);
}

bool
token_time(struct str s, struct token *ret)
{
	struct civil c = { 0 };

	if (s.n < 8)
		return false;
	if (!is_digit(s.p[0]))
		return bsd(s, ret);
	if (s.p[2] == ':')
		return clock_at(s.p, &c) && ends(s, 8) &&
		    take(ret, TOKEN_CLOCK, 0, 8, (uint64_t)(c.hour * 3600 + c.minute * 60 + c.second));
	return s.p[2] == '/' ? clf(s, ret) : numeric_date(s, ret);
}

char *
token_digits(char *p, uint64_t value, unsigned digits)
{
	unsigned i = digits;

	/* Two at a time; 32 bits are divided faster than 64. */
	for (; i >= 2 && value > UINT32_MAX; i -= 2, value /= 100) {
		unsigned pair = (unsigned)(value % 100);

		p[i - 1] = (char)('0' + pair % 10);
		p[i - 2] = (char)('0' + pair / 10);
	}
	if (value <= UINT32_MAX) {
		uint32_t small = (uint32_t)value;

		for (; i > 0; i--, small /= 10)
			p[i - 1] = (char)('0' + small % 10);
	} else if (i > 0) {
		p[0] = (char)('0' + value % 10);
	}
	return p + digits;
}

static char *
put_clock(char *p, const struct civil *c)
{
	p = token_digits(p, (uint64_t)c->hour, 2);
	*p++ = ':';
	p = token_digits(p, (uint64_t)c->minute, 2);
	*p++ = ':';
	return token_digits(p, (uint64_t)c->second, 2);
}

static char *
put_date(char *p, const struct civil *c, char sep)
{
	p = token_digits(p, (uint64_t)c->year, 4);
	*p++ = sep;
	p = token_digits(p, (uint64_t)c->month, 2);
	*p++ = sep;
	return token_digits(p, (uint64_t)c->day, 2);
}

static char *
put_iso(char *p, uint8_t param, const struct civil *c, uint64_t ns)
{
	unsigned digits = param & TOKEN_ISO_DIGITS;

	p = put_date(p, c, '-');
	*p++ = param & TOKEN_ISO_BLANK ? ' ' : 'T';
	p = put_clock(p, c);
	if (digits > FRACTION_MAX)
		digits = FRACTION_MAX;
	for (unsigned i = digits; i < FRACTION_MAX; i++)
		ns /= 10;
	if (digits > 0) {
		*p++ = param & TOKEN_ISO_COMMA ? ',' : '.';
		p = token_digits(p, ns, digits);
	}
	if (param & TOKEN_ISO_Z)
		*p++ = 'Z';
	return p;
}

static char *
put_bsd(char *p, uint8_t param, const struct civil *c)
{
	memcpy(p, months[c->month - 1], 3);
	p += 3;
	*p++ = ' ';
	if (c->day >= 10 || param == 1) {
		p = token_digits(p, (uint64_t)c->day, 2);
	} else {
		if (param == 0)
			*p++ = ' ';
		*p++ = (char)('0' + c->day);
	}
	*p++ = ' ';
	return put_clock(p, c);
}

static char *
put_clf(char *p, const struct civil *c)
{
	p = token_digits(p, (uint64_t)c->day, 2);
	*p++ = '/';
	memcpy(p, months[c->month - 1], 3);
	p += 3;
	*p++ = '/';
	p = token_digits(p, (uint64_t)c->year, 4);
	*p++ = ':';
	return put_clock(p, c);
}

size_t
token_time_render(uint8_t type, uint8_t param, uint64_t value, char *dst)
{
	struct civil c = { 0 };
	char *p = dst;

	if (type == TOKEN_CLOCK) {
		c = (struct civil){ .hour = (int)(value / 3600 % 24), .minute = (int)(value / 60 % 60), .second = (int)(value % 60) };
		return (size_t)(put_clock(p, &c) - dst);
	}
	if (type == TOKEN_DATE) {
		when_to_civil((int64_t)(value % 1000000) * WHEN_DAY, &c);
		return (size_t)(put_date(p, &c, (char)param) - dst);
	}
	when_to_civil((int64_t)(value / NS_PER_US), &c);
	if (type == TOKEN_ISO)
		p = put_iso(p, param, &c, value % (NS_PER_US * (uint64_t)WHEN_SECOND));
	else
		p = type == TOKEN_BSD ? put_bsd(p, param, &c) : put_clf(p, &c);
	return (size_t)(p - dst);
}
