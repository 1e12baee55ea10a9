/*
 * The rarer forms of time stamp, one row each, and the engine that reads a row. A new form is a new
 * row. Never looks further than the row's own length asks.
 *
 * Format letters: Y year of four digits, y of two; m d H M S two digits; n D h one or two, D and h
 * perhaps after one blank; b month name; a weekday; F fraction, if any; Z zone, if any; w a zone
 * word that must be there; P AM or PM, if any; _ blanks; u an underscore; t is T or t. All else stands
 * for itself.
 */
#include "wire/stamp_form.h"

#define EITHER (STAMP_EITHER_ORDER | STAMP_NO_ZONE)

const struct stamp_row stamp_rows_month[] = {
	{ "b_D_H:M:SF", STAMP_SYSLOG, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_STRONG },
	{ "b_D_Y_H:M:SFZ", STAMP_SYSLOG, STAMP_NO_ZONE, STAMP_STRONG },
	{ "b_D,_Y_h:M:SFP", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "b_D,_Y_@_h:M:SFP", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "b_D_h:M:SF", STAMP_SYSLOG, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_STRONG },
	{ "b-D-Y_H:M:SF", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "b/D/Y_H:M:SF", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "b-D-y_H:M:SF", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "b_D_H:M", STAMP_DATED, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_FAIR },
	{ NULL },
};

const struct stamp_row stamp_rows_weekday[] = {
	{ "a_b_D_H:M:SF_YZ", STAMP_CTIME, STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_b_D_H:M:SF_w_Y", STAMP_CTIME, STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_b_D_Y_H:M:SFZ", STAMP_CTIME, STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_b_D,_Y_h:M:SFP", STAMP_CTIME, STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_b_D_H:M:SFZ", STAMP_CTIME, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_D_b_Y_H:M:SFPZ", STAMP_CTIME, STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_D-b-Y_H:M:SFZ", STAMP_CTIME, STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_D-b-y_H:M:SFZ", STAMP_CTIME, STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_Y-m-d_H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "a_b_D_H:M", STAMP_DATED, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_FAIR },
	{ NULL },
};

const struct stamp_row stamp_rows_digits2[] = {
	{ "D/b/Y:H:M:SFZ", STAMP_CLF, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D/b/Y_H:M:SFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D-b-Y_H:M:SFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D-b-y_H:M:SFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D-b-Y:H:M:SFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D_b_Y_H:M:SFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D_b_Y,_H:M:SFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D_b_H:M:SF", STAMP_DATED, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_FAIR },
	{ "D.m.Y_h:M:SFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D.m.y_h:M:SFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_FAIR },
	{ "D.m.Y,_h:M:SF", STAMP_DATED, STAMP_NO_ZONE, STAMP_STRONG },
	{ "D/n/Y_h:M:SFPZ", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "D/n/Y,_h:M:SFPZ", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "D/n/Y:H:M:SFZ", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "D-n-Y_h:M:SFPZ", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "n/D/Y-H:M:SF", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "n/D/Y_-_H:M:SF", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "n/D/y-H:M:SF", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "n/D/y_h:M:SFPZ", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "n/D/y,H:M:S", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "n/D/y,_h:M:SFPZ", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "D/n/Y_h:MP", STAMP_DATED, EITHER, STAMP_FAIR },
	{ "n/D/y_h:MP", STAMP_DATED, EITHER, STAMP_WEAK },
	{ "y/n/D@H:M:S", STAMP_DATED, STAMP_NO_ZONE, STAMP_FAIR },
	{ "m/d-H:M:SF", STAMP_DATED, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_FAIR },
	{ "m/d_H:M:SF", STAMP_DATED, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_FAIR },
	{ "m-d_H:M:SF", STAMP_DATED, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_FAIR },
	{ "n/D_H:M", STAMP_DATED, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_WEAK },
	{ "h:M:SFP", STAMP_CLOCK, STAMP_NO_DATE | STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_WEAK },
	{ "D/n/Y", STAMP_DATED, EITHER | STAMP_NO_CLOCK, STAMP_WEAK },
	{ "D.m.Y", STAMP_DATED, STAMP_NO_ZONE | STAMP_NO_CLOCK, STAMP_WEAK },
	{ "D-b-Y", STAMP_DATED, STAMP_NO_ZONE | STAMP_NO_CLOCK, STAMP_WEAK },
	{ NULL },
};

const struct stamp_row stamp_rows_digits4[] = {
	{ "Y-m-dtH:M:SFZ", STAMP_ISO_T, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-d_H:M:SFPZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y/m/d_H:M:SFPZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-dtH:MZ", STAMP_ISO_T, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-duH:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-d_h:M:SFPZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-n-D_h:M:SFPZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y/n/D_h:M:SFPZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-d,_H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-d-H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-d:H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-d-H.M.SF", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-d_H.M.SF", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y/m/dtH:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y/m/d-H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y/m/d,_H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y.m.d_H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y:m:d-H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-b-D_H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y/b/D_H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y_b_D_H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Y-m-d_H:MZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_FAIR },
	{ "Y/m/d_H:MZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_FAIR },
	{ "Y-m-d", STAMP_ISO, STAMP_NO_ZONE | STAMP_NO_CLOCK, STAMP_WEAK },
	{ "Y/m/d", STAMP_ISO, STAMP_NO_ZONE | STAMP_NO_CLOCK, STAMP_WEAK },
	{ NULL },
};

const struct stamp_row stamp_rows_digits6[] = {
	{ "ymd_h:M:SF", STAMP_DATED, STAMP_NO_ZONE, STAMP_FAIR },
	{ "ymd_HMS", STAMP_DATED, STAMP_NO_ZONE, STAMP_WEAK },
	{ NULL },
};

const struct stamp_row stamp_rows_digits8[] = {
	{ "Ymd_H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "YmdtHMSFZ", STAMP_ISO_T, STAMP_NO_ZONE, STAMP_FAIR },
	{ "YmdtH:M:SFZ", STAMP_ISO_T, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Ymd-H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Ymd:H:M:SFZ", STAMP_ISO, STAMP_NO_ZONE, STAMP_STRONG },
	{ "Ymd-HMSF", STAMP_ISO, STAMP_NO_ZONE, STAMP_FAIR },
	{ "Ymd.HMSF", STAMP_ISO, STAMP_NO_ZONE, STAMP_FAIR },
	{ "Ymd_HMS", STAMP_ISO, STAMP_NO_ZONE, STAMP_FAIR },
	{ NULL },
};

const struct stamp_row stamp_rows_digits14[] = {
	{ "YmdHMSFZ", STAMP_DATED, STAMP_NO_ZONE, STAMP_WEAK },
	{ NULL },
};

const struct stamp_row stamp_rows_glog[] = {
	{ "md_H:M:SF", STAMP_DATED, STAMP_NO_YEAR | STAMP_NO_ZONE, STAMP_STRONG },
	{ NULL },
};

struct work {
	const char *p, *end;
	struct civil civil;
	struct stamp st;
	bool pm, am;
};

static bool
number(struct work *w, int least, int most, int *ret)
{
	int v = 0, n = 0;
	while (n < most && w->p < w->end && stamp_digit(*w->p)) {
		v = v * 10 + (*w->p++ - '0');
		n++;
	}
	*ret = v;
	return n >= least;
}

static bool
blanks(struct work *w)
{
	const char *start = w->p;
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t') && w->p - start < 8)
		w->p++;
	return w->p > start;
}

static void
one_blank(struct work *w)
{
	if (w->p < w->end && *w->p == ' ')
		w->p++;
}

static bool
two_digit_year(struct work *w, int *ret)
{
	if (!number(w, 2, 2, ret))
		return false;
	*ret += *ret < 70 ? 2000 : 1900;
	return true;
}

static bool
weekday(struct work *w)
{
	static const char names[] = "sunmontuewedthufrisat";
	if (w->end - w->p < 4)
		return false;
	for (size_t i = 0; i < sizeof(names) - 1; i += 3) {
		if ((w->p[0] | 0x20) != names[i] || (w->p[1] | 0x20) != names[i + 1] ||
		    (w->p[2] | 0x20) != names[i + 2])
			continue;
		w->p += 3;
		for (int k = 0; k < 6 && w->p < w->end && stamp_alpha(*w->p); k++)
			w->p++;
		if (w->p < w->end && *w->p == ',')
			w->p++;
		return true;
	}
	return false;
}

static void
noon(struct work *w)
{
	const char *p = w->p;
	if (p < w->end && *p == ' ')
		p++;
	if (w->end - p < 2 || (p[1] | 0x20) != 'm' ||
	    ((p[0] | 0x20) != 'a' && (p[0] | 0x20) != 'p'))
		return;
	if (w->end - p > 2 && (stamp_alpha(p[2]) || stamp_digit(p[2])))
		return;
	w->pm = (p[0] | 0x20) == 'p';
	w->am = !w->pm;
	w->p = p + 2;
}

/* ctime with a zone word: a known one is used, any other is taken for local time. */
static bool
zone_word(struct work *w)
{
	const char *start = w->p;
	struct stamp st = { .flags = 0 };
	size_t n = stamp_zone(str_of(w->p, (size_t)(w->end - w->p)), &st);
	if (n) {
		w->st.flags = (uint8_t)((w->st.flags & ~STAMP_NO_ZONE) | st.flags);
		w->st.offset_min = st.offset_min;
		w->p += n;
		return true;
	}
	while (w->p < w->end && w->p - start < 6 && stamp_alpha(*w->p))
		w->p++;
	return w->p - start >= 2;
}

/* "November" as well as "Nov": only where the row asks for a month, so no other word is in question. */
static size_t
month_in_full(struct str s, int *ret_month)
{
	static const char *const names[] = { "January", "February", "March", "April", "June",
		"July", "August", "September", "October", "November", "December" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_starts(s, str_z(names[i])))
			return stamp_month(str_head(s, 3), ret_month) ? strlen(names[i]) : 0;
	return 0;
}

static bool
month_name(struct work *w)
{
	struct str rest = str_of(w->p, (size_t)(w->end - w->p));
	size_t n = stamp_month(rest, &w->civil.month);
	if (!n)
		n = month_in_full(rest, &w->civil.month);
	w->p += n;
	return n != 0;
}

static bool
optional(struct work *w, char code)
{
	struct str rest = str_of(w->p, (size_t)(w->end - w->p));
	switch (code) {
	case 'F':
		w->p += stamp_fraction(rest, &w->civil.us);
		break;
	case 'Z':
		w->p += stamp_zone(rest, &w->st);
		break;
	default:
		noon(w);
	}
	return true;
}

static bool
piece(struct work *w, char code)
{
	struct civil *c = &w->civil;
	switch (code) {
	case 'Y': return number(w, 4, 4, &c->year);
	case 'y': return two_digit_year(w, &c->year);
	case 'm': return number(w, 2, 2, &c->month);
	case 'n': return number(w, 1, 2, &c->month);
	case 'd': return number(w, 2, 2, &c->day);
	case 'D': one_blank(w); return number(w, 1, 2, &c->day);
	case 'H': return number(w, 2, 2, &c->hour);
	case 'h': one_blank(w); return number(w, 1, 2, &c->hour);
	case 'M': return number(w, 2, 2, &c->minute);
	case 'S': return number(w, 2, 2, &c->second);
	case 'b': return month_name(w);
	case 'a': return weekday(w);
	case 'w': return zone_word(w);
	case '_': return blanks(w);
	case 'F': case 'Z': case 'P': return optional(w, code);
	case 't':
		return w->p < w->end && (*w->p++ | 0x20) == 't';
	case 'u':
		return w->p < w->end && *w->p++ == '_';
	}
	return w->p < w->end && *w->p++ == code;
}

static bool
apply_noon(struct work *w)
{
	struct civil *c = &w->civil;
	if (!w->am && !w->pm)
		return true;
	if (c->hour < 1 || c->hour > 12)
		return c->hour > 12 && c->hour < 24 && w->pm;
	c->hour = c->hour % 12 + (w->pm ? 12 : 0);
	return true;
}

/*
 * Day and month in unknown order: what can only be one way is turned that way; AM and PM speak for
 * the US order.
 */
static void
settle_order(struct work *w, const char *format)
{
	struct civil *c = &w->civil;
	if (!(w->st.flags & STAMP_EITHER_ORDER))
		return;
	bool us = w->am || w->pm;
	bool swap = c->month > 12 || (us && *format == 'D' && c->day <= 12);
	if (c->month > 12 || c->day > 12 || us || c->month == c->day)
		w->st.flags &= (uint8_t)~STAMP_EITHER_ORDER;
	if (swap) {
		int t = c->month;
		c->month = c->day;
		c->day = t;
	}
}

/*
 * A stamp does not end within a word, nor a time of day before a colon that goes on: "12:34:56:78"
 * is a link address.
 */
static bool
ends_here(const struct work *w, const struct stamp_row *row)
{
	if (w->p >= w->end)
		return true;
	if (stamp_digit(*w->p) || stamp_alpha(*w->p))
		return false;
	bool loose = row->form == STAMP_CLOCK || !strchr(row->format, 'S');
	return !loose || *w->p != ':' || w->end - w->p < 2 ||
	    (!stamp_digit(w->p[1]) && !stamp_alpha(w->p[1]));
}

static size_t
try_row(const struct stamp_row *row, struct str s, struct stamp *ret)
{
	struct work w = { .p = s.p, .end = s.p + s.n };
	w.st = (struct stamp){ .form = row->form, .flags = row->flags, .trust = row->trust };
	for (const char *f = row->format; *f; f++)
		if (!piece(&w, *f))
			return 0;
	if (!ends_here(&w, row))
		return 0;
	settle_order(&w, row->format);
	if (!apply_noon(&w) || !stamp_check(&w.civil, w.st.flags))
		return 0;
	stamp_set_civil(&w.st, &w.civil);
	*ret = w.st;
	return (size_t)(w.p - s.p);
}

size_t
stamp_try(const struct stamp_row *rows, struct str s, struct stamp *ret)
{
	for (; rows->format; rows++) {
		size_t n = try_row(rows, s, ret);
		if (n)
			return n;
	}
	return 0;
}

size_t
stamp_try_sign(const struct stamp_row *rows, size_t digits, struct str s, struct stamp *ret)
{
	if (digits >= s.n)
		return 0;
	/* A second number of three digits is no month and no day: an address. */
	size_t second = digits + 1;
	while (second < s.n && second < digits + 4 && stamp_digit(s.p[second]))
		second++;
	if (second == digits + 4)
		return 0;
	char sign = s.p[digits] == ' ' || s.p[digits] == '\t' ? '_' : s.p[digits];
	for (; rows->format; rows++) {
		size_t n = rows->format[1] == sign ? try_row(rows, s, ret) : 0;
		if (n)
			return n;
	}
	return 0;
}
