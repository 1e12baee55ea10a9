/*
 * The fast road of stamp_parse(): the first bytes choose the form; the three that make up nearly
 * all logs (syslog, ISO, CLF) are read at fixed places, the others go to the tables of
 * stamp_form.c. Never guesses what a stamp leaves out.
 */
#include "wire/stamp_form.h"

#define STAMP_LOOK_MAX 64

#define NAME3(a, b, c) ((unsigned)(a) << 16 | (unsigned)(b) << 8 | (unsigned)(c))

static int
month_of(const char *p)
{
	switch (NAME3(p[0] | 0x20, p[1] | 0x20, p[2] | 0x20)) {
	case NAME3('j', 'a', 'n'): return 1;
	case NAME3('f', 'e', 'b'): return 2;
	case NAME3('m', 'a', 'r'): return 3;
	case NAME3('a', 'p', 'r'): return 4;
	case NAME3('m', 'a', 'y'): return 5;
	case NAME3('j', 'u', 'n'): return 6;
	case NAME3('j', 'u', 'l'): return 7;
	case NAME3('a', 'u', 'g'): return 8;
	case NAME3('s', 'e', 'p'): return 9;
	case NAME3('o', 'c', 't'): return 10;
	case NAME3('n', 'o', 'v'): return 11;
	case NAME3('d', 'e', 'c'): return 12;
	/*
	 * Portuguese, Spanish, French and German, as journalctl and others write them where they
	 * differ.
	 */
	case NAME3('e', 'n', 'e'): return 1;
	case NAME3('f', 'e', 'v'): return 2;
	case NAME3('a', 'b', 'r'): case NAME3('a', 'v', 'r'): return 4;
	case NAME3('m', 'a', 'i'): return 5;
	case NAME3('a', 'g', 'o'): return 8;
	case NAME3('s', 'e', 't'): return 9;
	case NAME3('o', 'u', 't'): case NAME3('o', 'k', 't'): return 10;
	case NAME3('d', 'e', 'z'): case NAME3('d', 'i', 'c'): return 12;
	}
	return 0;
}

size_t
stamp_month(struct str s, int *ret_month)
{
	int m = s.n >= 3 ? month_of(s.p) : 0;
	if (!m || (s.n > 3 && stamp_alpha(s.p[3])))
		return 0;
	*ret_month = m;
	return 3;
}

size_t
stamp_fraction(struct str s, int *ret_us)
{
	if (s.n < 2 || (*s.p != '.' && *s.p != ',') || !stamp_digit(s.p[1]))
		return 0;
	int us = 0, scale = 1000000;
	size_t i = 1;
	for (; i < s.n && i <= 9 && stamp_digit(s.p[i]); i++) {
		scale /= 10;
		us += (s.p[i] - '0') * scale;
	}
	*ret_us = us;
	return i;
}

static const struct zone_name {
	char name[6];
	int16_t offset_min;
	bool utc;
} zone_names[] = {
	{ "UTC", 0, true }, { "GMT", 0, true }, { "Z", 0, true }, { "EST", -300 }, { "EDT", -240 },
	{ "CST", -360 }, { "CDT", -300 }, { "MST", -420 }, { "MDT", -360 }, { "PST", -480 },
	{ "PDT", -420 }, { "AKST", -540 }, { "AKDT", -480 }, { "HST", -600 }, { "BRT", -180 },
	{ "BRST", -120 }, { "ART", -180 }, { "CLT", -240 }, { "CLST", -180 }, { "PET", -300 },
	{ "UYT", -180 }, { "VET", -240 }, { "BOT", -240 }, { "WET", 0 }, { "WEST", 60 },
	{ "BST", 60 }, { "CET", 60 }, { "CEST", 120 }, { "MET", 60 }, { "MEST", 120 },
	{ "EET", 120 }, { "EEST", 180 }, { "MSK", 180 }, { "MSD", 240 }, { "SAST", 120 },
	{ "EAT", 180 }, { "WAT", 60 }, { "JST", 540 }, { "KST", 540 }, { "HKT", 480 },
	{ "SGT", 480 }, { "AWST", 480 }, { "ACST", 570 }, { "AEST", 600 }, { "AEDT", 660 },
	{ "NZST", 720 }, { "NZDT", 780 },
};

static size_t
zone_number(struct str s, struct stamp *st)
{
	if (s.n < 3 || (*s.p != '+' && *s.p != '-'))
		return 0;
	unsigned hour = stamp_two(s.p + 1), minute = 0;
	size_t n = 3, colon = s.n > 3 && s.p[3] == ':';
	if (s.n >= n + colon + 2 && (minute = stamp_two(s.p + n + colon)) < 60)
		n += colon + 2;
	else
		minute = 0;
	if (hour > 14 || !stamp_ends_word(s, n))
		return 0;
	int offset = (int)(hour * 60 + minute);
	st->offset_min = (int16_t)(*s.p == '-' ? -offset : offset);
	st->flags &= (uint8_t) ~(STAMP_NO_ZONE | STAMP_UTC_WORD);
	return n;
}

static size_t
zone_named(struct str s, struct stamp *st)
{
	size_t n = 0;
	while (n < s.n && n < 5 && s.p[n] >= 'A' && s.p[n] <= 'Z')
		n++;
	if (n == 5 || (n < s.n && (s.p[n] == '_' || stamp_alpha(s.p[n]))))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(zone_names); i++) {
		const struct zone_name *z = &zone_names[i];
		if (z->name[0] != *s.p || z->name[n] || memcmp(s.p, z->name, n) != 0)
			continue;
		struct stamp more = { .flags = STAMP_NO_ZONE };
		size_t extra = z->utc && s.n > n ? zone_number(str_from(s, n), &more) : 0;
		if (!extra && !stamp_ends_word(s, n))
			continue;
		st->flags = (uint8_t)((st->flags & ~STAMP_NO_ZONE) |
		    (z->utc && !extra ? STAMP_UTC_WORD : 0));
		st->offset_min = extra ? more.offset_min : z->offset_min;
		return n + extra;
	}
	return 0;
}

size_t
stamp_zone(struct str s, struct stamp *st)
{
	size_t blank = s.n && *s.p == ' ';
	struct str z = str_from(s, blank);
	size_t n = 0;
	if (z.n && (*z.p == '+' || *z.p == '-'))
		n = zone_number(z, st);
	else if (z.n && *z.p >= 'A' && *z.p <= 'Z')
		n = zone_named(z, st);
	return n ? n + blank : 0;
}

/* In some year: 29 February is a day. */
static bool
day_fits(int month, unsigned day)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return day - 1 < days[month - 1];
}

bool
stamp_check(const struct civil *c, unsigned flags)
{
	if ((unsigned)c->hour > 23 || (unsigned)c->minute > 59 || (unsigned)c->second > 60)
		return false;
	if (flags & STAMP_NO_DATE)
		return true;
	if (c->month < 1 || c->month > 12 || c->day < 1 || !day_fits(c->month, (unsigned)c->day))
		return false;
	return (flags & STAMP_NO_YEAR) || (c->year >= 1970 && c->year <= 2100 && when_valid(c));
}

void
stamp_set_civil(struct stamp *st, const struct civil *c)
{
	st->us = c->us;
	st->year = (int16_t)c->year;
	st->month = (uint8_t)c->month;
	st->day = (uint8_t)c->day;
	st->hour = (uint8_t)c->hour;
	st->minute = (uint8_t)c->minute;
	st->second = (uint8_t)c->second;
}

/* HH:MM:SS at p, eight bytes there. */
static bool
clock_at(const char *p, struct civil *c)
{
	unsigned h = stamp_two(p), m = stamp_two(p + 3), s = stamp_two(p + 6);
	c->hour = (int)h;
	c->minute = (int)m;
	c->second = (int)s;
	return p[2] == ':' && p[5] == ':' && h < 24 && m < 60 && s < 61;
}

static bool
year_at(const char *p, int *ret)
{
	unsigned hi = stamp_two(p), lo = stamp_two(p + 2);
	*ret = (int)(hi * 100 + lo);
	return (hi == 19 || hi == 20) && lo < 100;
}

/*
 * After a syslog stamp: Cisco's zone, known by the colon behind it, or the year that some daemons
 * add.
 */
static size_t
syslog_tail(struct str s, size_t at, struct stamp *st)
{
	struct stamp more = *st;
	size_t n = stamp_zone(str_from(s, at), &more);
	if (n && at + n < s.n && s.p[at + n] == ':') {
		*st = more;
		return at + n;
	}
	int year;
	if (!(st->flags & STAMP_NO_YEAR) || s.n < at + 5 || !year_at(s.p + at + 1, &year))
		return at;
	if (s.n > at + 5 && s.p[at + 5] != ' ' && s.p[at + 5] != ']' && s.p[at + 5] != ',')
		return at;
	st->year = (int16_t)year;
	st->flags &= (uint8_t)~STAMP_NO_YEAR;
	return at + 5;
}

/*
 * Only a capital, a sign or a 1 or 2 can begin what syslog_tail() looks for: host names seldom do.
 */
static bool
tail_wanted(struct str s, size_t at)
{
	if (at + 2 >= s.n || s.p[at] != ' ')
		return false;
	char c = s.p[at + 1];
	return (c >= 'A' && c <= 'Z') || c == '1' || c == '2' || c == '+' || c == '-';
}

/* "Mmm dd HH:MM:SS", the day padded with a blank, a zero, or not at all. */
static size_t
syslog_fast(struct str s, int month, struct stamp *ret)
{
	size_t at = 4 + (s.p[4] == ' ');
	unsigned day = (unsigned char)(s.p[at] - '0');
	struct civil c = { .month = month };
	if (s.p[3] != ' ' || day > 9)
		return 0;
	at++;
	if (stamp_digit(s.p[at]))
		day = day * 10 + (unsigned)(s.p[at++] - '0');
	if (s.n < at + 9 || s.p[at] != ' ' || !clock_at(s.p + at + 1, &c) || !day_fits(month, day))
		return 0;
	at += 9;
	if (!stamp_ends_word(s, at))
		return 0;
	if (at < s.n && (s.p[at] == '.' || s.p[at] == ','))
		at += stamp_fraction(str_from(s, at), &c.us);
	c.day = (int)day;
	*ret = (struct stamp){
		.form = STAMP_SYSLOG, .flags = STAMP_NO_YEAR | STAMP_NO_ZONE, .trust = STAMP_STRONG
	};
	stamp_set_civil(ret, &c);
	return at;
}

static size_t
month_first(struct str s, int month, struct stamp *ret)
{
	size_t n = s.n >= 14 ? syslog_fast(s, month, ret) : 0;
	if (!n)
		n = stamp_try(stamp_rows_month, s, ret);
	if (n && ret->form == STAMP_SYSLOG && tail_wanted(s, n))
		n = syslog_tail(s, n, ret);
	return n;
}

/* Behind the seconds of ISO and CLF: fraction and zone as they come. */
static size_t
seconds_tail(struct str s, size_t at, struct civil *c, struct stamp *st)
{
	if (at < s.n && (s.p[at] == '.' || s.p[at] == ','))
		at += stamp_fraction(str_from(s, at), &c->us);
	if (at < s.n && s.p[at] == 'Z' && stamp_ends_word(s, at + 1)) {
		st->flags = STAMP_UTC_WORD;
		at++;
	} else if (at < s.n) {
		at += stamp_zone(str_from(s, at), st);
	}
	return at < s.n && (stamp_digit(s.p[at]) || stamp_alpha(s.p[at])) ? 0 : at;
}

/* "YYYY-MM-DD", a T or a blank, "HH:MM:SS". */
static size_t
iso_fast(struct str s, struct stamp *ret)
{
	struct civil c = { 0 };
	if (s.n < 19 || s.p[4] != '-' || s.p[7] != '-')
		return 0;
	bool t = (s.p[10] | 0x20) == 't';
	if ((!t && s.p[10] != ' ') || !year_at(s.p, &c.year) || !clock_at(s.p + 11, &c))
		return 0;
	c.month = (int)stamp_two(s.p + 5);
	c.day = (int)stamp_two(s.p + 8);
	if (!stamp_check(&c, 0))
		return 0;
	struct stamp st = {
		.form = t ? STAMP_ISO_T : STAMP_ISO, .flags = STAMP_NO_ZONE, .trust = STAMP_STRONG
	};
	size_t at = seconds_tail(s, 19, &c, &st);
	if (!at)
		return 0;
	stamp_set_civil(&st, &c);
	*ret = st;
	return at;
}

/* "dd/Mmm/yyyy:HH:MM:SS +hhmm" */
static size_t
clf_fast(struct str s, struct stamp *ret)
{
	struct civil c = { 0 };
	if (s.n < 20 || s.p[2] != '/' || s.p[6] != '/' || s.p[11] != ':')
		return 0;
	if (!year_at(s.p + 7, &c.year) || !clock_at(s.p + 12, &c))
		return 0;
	c.day = (int)stamp_two(s.p);
	c.month = month_of(s.p + 3);
	if (!stamp_check(&c, 0))
		return 0;
	struct stamp st = { .form = STAMP_CLF, .flags = STAMP_NO_ZONE, .trust = STAMP_STRONG };
	size_t at = seconds_tail(s, 20, &c, &st);
	if (!at)
		return 0;
	stamp_set_civil(&st, &c);
	*ret = st;
	return at;
}

/* Four numbers between points are an address: half of all logs begin with one, and no time does. */
static bool
is_quad(struct str s)
{
	unsigned points = 0, digits = 0;
	for (size_t i = 0; i < s.n && i < 15; i++) {
		if (stamp_digit(s.p[i]) && ++digits <= 3)
			continue;
		if (s.p[i] != '.' || digits == 0 || digits > 3)
			break;
		digits = 0;
		points++;
	}
	return points == 3 && digits > 0;
}

static size_t
digit_first(struct str s, struct stamp *ret)
{
	size_t digits = 1, n = 0;
	if (is_quad(s))
		return 0;
	while (digits < s.n && digits < 20 && stamp_digit(s.p[digits]))
		digits++;
	switch (digits) {
	case 1:
		return stamp_try_sign(stamp_rows_digits2, 1, s, ret);
	case 2:
		n = clf_fast(s, ret);
		return n ? n : stamp_try_sign(stamp_rows_digits2, 2, s, ret);
	case 4:
		n = iso_fast(s, ret);
		return n ? n : stamp_try_sign(stamp_rows_digits4, 4, s, ret);
	case 6:
		return stamp_try(stamp_rows_digits6, s, ret);
	case 8:
		return stamp_try(stamp_rows_digits8, s, ret);
	case 14:
		return stamp_try(stamp_rows_digits14, s, ret);
	}
	return stamp_epoch_first(s, digits, ret);
}

/* "[   12.345678]": at most eight digits before the point, so that no epoch is meant. */
static size_t
uptime(struct str s, struct stamp *ret)
{
	size_t i = 1, start, point;
	while (i < s.n && i < 8 && s.p[i] == ' ')
		i++;
	for (start = i; i < s.n && stamp_digit(s.p[i]);)
		i++;
	if (i == start || i - start > 8 || i >= s.n || s.p[i] != '.')
		return 0;
	for (point = ++i; i < s.n && stamp_digit(s.p[i]);)
		i++;
	if (i - point < 3 || i - point > 9 || i >= s.n || s.p[i] != ']')
		return 0;
	*ret = (struct stamp){
		.form = STAMP_UPTIME, .flags = STAMP_NO_DATE | STAMP_NO_YEAR, .trust = STAMP_FAIR
	};
	return i + 1;
}

static size_t
bracketed(struct str s, struct stamp *ret)
{
	size_t n = uptime(s, ret), i = 1;
	if (n)
		return n;
	/* monit: "[PDT Apr 16 20:59:33]" */
	struct stamp zone = { .flags = STAMP_NO_ZONE };
	if (s.n > 4 && s.p[1] >= 'A' && s.p[1] <= 'Z' && s.p[2] >= 'A' && s.p[2] <= 'Z')
		i += zone_named(str_from(s, 1), &zone);
	for (size_t most = i + 3; i < s.n && i < most && s.p[i] == ' ';)
		i++;
	struct str in = str_from(s, i);
	struct stamp st;
	n = in.n && *in.p != '[' ? stamp_parse(in, &st) : 0;
	if (!n)
		return 0;
	for (n += i; n < s.n && s.p[n] == ' ';)
		n++;
	if (n >= s.n || s.p[n] != ']')
		return 0;
	if (st.trust == STAMP_WEAK && st.form != STAMP_CLOCK)
		st.trust = STAMP_FAIR;
	if (!(zone.flags & STAMP_NO_ZONE) && (st.flags & STAMP_NO_ZONE)) {
		st.flags = (uint8_t)((st.flags & ~STAMP_NO_ZONE) | zone.flags);
		st.offset_min = zone.offset_min;
	}
	*ret = st;
	return n + 1;
}

/* Cisco marks a clock that was never set with '*', one that lost its source with '.'. */
static size_t
unset_clock(struct str s, struct stamp *ret)
{
	struct str rest = str_from(s, 1);
	if (!rest.n || (!stamp_alpha(*rest.p) && !stamp_digit(*rest.p)))
		return 0;
	struct stamp st;
	size_t n = stamp_parse(rest, &st);
	if (!n || st.trust != STAMP_STRONG)
		return 0;
	st.flags |= STAMP_UNSET_CLOCK;
	*ret = st;
	return n + 1;
}

static size_t
quote(struct str s, size_t at)
{
	return at + (at < s.n && s.p[at] == '"');
}

/* Fortinet and Sophos: date=2024-10-14 time=13:46:40, each perhaps in quotes. */
static size_t
keyed(struct str s, struct stamp *ret)
{
	char iso[20];
	size_t at = quote(s, 5);
	if (!str_starts(s, STR("date=")) || s.n < at + 10)
		return 0;
	memcpy(iso, s.p + at, 10);
	iso[10] = ' ';
	at = quote(s, at + 10);
	if (at < s.n && s.p[at] == ',')
		at++;
	if (at < s.n && s.p[at] == ' ')
		at++;
	if (!str_starts(str_from(s, at), STR("time=")))
		return 0;
	at = quote(s, at + 5);
	if (s.n < at + 8)
		return 0;
	memcpy(iso + 11, s.p + at, 8);
	return iso_fast(str_of(iso, 19), ret) == 19 ? quote(s, at + 8) : 0;
}

enum letters { LETTERS_NONE, LETTERS_MONTH, LETTERS_GLOG, LETTERS_KEYED, LETTERS_WEEKDAY };

/* What a stamp that begins with a letter would be, to judge by the first five bytes. */
static enum letters
letters_of(const char *p)
{
	if (!stamp_alpha(p[3]) && month_of(p))
		return LETTERS_MONTH;
	if (p[1] >= '0' && p[1] <= '3' && p[0] < 'a' && strchr("IWEFDV", p[0]))
		return LETTERS_GLOG;
	if (p[0] == 'd' && p[4] == '=')
		return LETTERS_KEYED;
	switch (NAME3(p[0] | 0x20, p[1] | 0x20, p[2] | 0x20)) {
	case NAME3('s', 'u', 'n'):
	case NAME3('m', 'o', 'n'):
	case NAME3('t', 'u', 'e'):
	case NAME3('w', 'e', 'd'):
	case NAME3('t', 'h', 'u'):
	case NAME3('f', 'r', 'i'):
	case NAME3('s', 'a', 't'):
		return LETTERS_WEEKDAY;
	}
	return LETTERS_NONE;
}

static size_t
letter_first(struct str s, struct stamp *ret)
{
	size_t n = 0;
	switch (letters_of(s.p)) {
	case LETTERS_MONTH:
		return month_first(s, month_of(s.p), ret);
	case LETTERS_GLOG:
		n = stamp_try(stamp_rows_glog, str_from(s, 1), ret);
		return n ? n + 1 : 0;
	case LETTERS_KEYED:
		return keyed(s, ret);
	case LETTERS_WEEKDAY:
		return stamp_try(stamp_rows_weekday, s, ret);
	case LETTERS_NONE:
		break;
	}
	return 0;
}

bool
stamp_may_begin(struct str s)
{
	if (s.n < STAMP_BEGINS)
		return true;
	if (stamp_alpha(*s.p))
		return letters_of(s.p) != LETTERS_NONE;
	return stamp_digit(*s.p) || *s.p == '[' || *s.p == '@' || *s.p == '*' || *s.p == '.';
}

size_t
stamp_parse(struct str s, struct stamp *ret)
{
	if (s.n < 5)
		return 0;
	s = str_head(s, STAMP_LOOK_MAX);
	if (stamp_digit(*s.p))
		return digit_first(s, ret);
	if (stamp_alpha(*s.p))
		return letter_first(s, ret);
	switch (*s.p) {
	case '[':
		return bracketed(s, ret);
	case '@':
		return stamp_tai64(s, ret);
	case '*':
	case '.':
		return unset_clock(s, ret);
	}
	return 0;
}
