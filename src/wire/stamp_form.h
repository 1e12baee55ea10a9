/*
 * stamp_form: the slow road of stamp.c: forms written as short format texts, and the engine that
 * reads them. Private to wire/stamp*.c.
 */
#ifndef GUARITA_WIRE_STAMP_FORM_H
#define GUARITA_WIRE_STAMP_FORM_H

#include "wire/stamp.h"

struct stamp_row {
	const char *format;
	uint8_t form, flags, trust;
};

/* Each list ends with a NULL format; the first row that matches wins. */
extern const struct stamp_row stamp_rows_month[]; /* first word is a month */
extern const struct stamp_row stamp_rows_weekday[];
extern const struct stamp_row stamp_rows_digits2[]; /* one or two digits first */
extern const struct stamp_row stamp_rows_digits4[];
extern const struct stamp_row stamp_rows_digits6[];
extern const struct stamp_row stamp_rows_digits8[];
extern const struct stamp_row stamp_rows_digits14[];
extern const struct stamp_row stamp_rows_glog[];

size_t stamp_try(const struct stamp_row *rows, struct str s, struct stamp *ret);
/*
 * Only rows whose sign behind the first number is the one found there: an address never costs more
 * than a look.
 */
size_t stamp_try_sign(const struct stamp_row *rows, size_t digits, struct str s, struct stamp *ret);

/*
 * Pieces shared with the fast road. Each returns the bytes it took, 0 when its piece is not there.
 */
size_t stamp_month(struct str s, int *ret_month);  /* three letters, not followed by a letter */
size_t stamp_fraction(struct str s, int *ret_us);  /* [.,] and digits */
size_t stamp_zone(struct str s, struct stamp *st); /* with the blank before it */
/* Ranges of what is present, by the flags. */
bool stamp_check(const struct civil *c, unsigned flags);
/* Sets the civil part of a stamp. */
void stamp_set_civil(struct stamp *st, const struct civil *c);

/* Forms that count from 1970, at the start of s: a number of so many digits; "@" and a label of TAI64. */
size_t stamp_epoch_first(struct str s, size_t digits, struct stamp *ret);
size_t stamp_tai64(struct str s, struct stamp *ret);

static inline bool
stamp_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline bool
stamp_alpha(char c)
{
	return (unsigned char)((c | 0x20) - 'a') < 26;
}

static inline bool
stamp_ends_word(struct str s, size_t at)
{
	return at >= s.n || (!stamp_digit(s.p[at]) && !stamp_alpha(s.p[at]) && s.p[at] != '_');
}

/* Two digits at p, or a number above 99 when they are not. */
static inline unsigned
stamp_two(const char *p)
{
	unsigned a = (unsigned char)(p[0] - '0'), b = (unsigned char)(p[1] - '0');
	return a > 9 || b > 9 ? 100 : a * 10 + b;
}

#endif
