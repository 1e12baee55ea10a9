/*
 * text: numbers, units and near words. Never allocates, never asks the locale, never accepts half a
 * number.
 */
#include "base/text.h"

#include <errno.h>
#include <stdio.h>

static bool
is_digit(char c)
{
	return (unsigned)(c - '0') < 10;
}

static size_t
digits_span(struct str s)
{
	size_t n = 0;

	while (n < s.n && is_digit(s.p[n]))
		n++;
	return n;
}

int
text_u64(struct str s, uint64_t *ret_value)
{
	uint64_t v = 0;

	if (s.n == 0 || digits_span(s) != s.n)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return -ERANGE;
	*ret_value = v;
	return 0;
}

int
text_i64(struct str s, int64_t *ret_value)
{
	bool negative = s.n && s.p[0] == '-';
	uint64_t v;
	int r;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = str_from(s, 1);
	r = text_u64(s, &v);
	if (r < 0)
		return r;
	if (v > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret_value = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

struct unit {
	struct str name;
	int64_t worth;
};

static const struct unit durations[] = {
	{ STR_INIT("us"), 1 },
	{ STR_INIT("ms"), 1000 },
	{ STR_INIT("s"), INT64_C(1000000) },
	{ STR_INIT("m"), INT64_C(60000000) },
	{ STR_INIT("h"), INT64_C(3600000000) },
	{ STR_INIT("d"), INT64_C(86400000000) },
	{ STR_INIT("w"), INT64_C(604800000000) },
	{ STR_INIT("y"), INT64_C(31536000000000) },
};

static const struct unit sizes[] = {
	{ STR_INIT("K"), INT64_C(1) << 10 },
	{ STR_INIT("M"), INT64_C(1) << 20 },
	{ STR_INIT("G"), INT64_C(1) << 30 },
	{ STR_INIT("T"), INT64_C(1) << 40 },
};

static int64_t
duration_unit(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(durations); i++)
		if (str_eq(durations[i].name, name))
			return durations[i].worth;
	return 0;
}

/* Cuts one "12h" of *s and adds its worth to *sum. */
static int
add_duration(struct str *s, int64_t *sum)
{
	size_t digits = digits_span(*s), n = digits;
	int64_t count, unit;
	int r;

	r = text_i64(str_head(*s, digits), &count);
	if (r < 0)
		return r;
	while (n < s->n && !is_digit(s->p[n]))
		n++;
	unit = duration_unit(str_of(s->p + digits, n - digits));
	if (unit == 0)
		return -EINVAL;
	*s = str_from(*s, n);
	if (__builtin_mul_overflow(count, unit, &count) || __builtin_add_overflow(*sum, count, sum))
		return -ERANGE;
	return 0;
}

int
text_duration(struct str s, int64_t *ret_us)
{
	int64_t sum = 0;
	int r;

	do {
		r = add_duration(&s, &sum);
		if (r < 0)
			return r;
	} while (s.n);
	*ret_us = sum;
	return 0;
}

int
text_size(struct str s, uint64_t *ret_bytes)
{
	size_t digits = digits_span(s);
	struct str name = str_from(s, digits);
	uint64_t v, unit = 1;
	int r;

	if (name.n) {
		unit = 0;
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
			if (str_eq_nocase(sizes[i].name, name))
				unit = (uint64_t)sizes[i].worth;
	}
	if (unit == 0)
		return -EINVAL;
	r = text_u64(str_head(s, digits), &v);
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(v, unit, &v))
		return -ERANGE;
	*ret_bytes = v;
	return 0;
}

/* The two largest units from days down to seconds: nobody reads a third. */
static void
show_seconds(uint64_t s, const char *sign, char *dst, size_t size)
{
	static const struct {
		const char *name;
		uint64_t worth;
	} units[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } };
	size_t i = 0;
	uint64_t major, minor;

	while (i < ARRAY_LEN(units) - 1 && s < units[i].worth)
		i++;
	major = s / units[i].worth;
	minor = i + 1 < ARRAY_LEN(units) ? s % units[i].worth / units[i + 1].worth : 0;
	if (minor)
		snprintf(dst, size, "%s%llu%s %llu%s", sign, (unsigned long long)major,
		    units[i].name, (unsigned long long)minor, units[i + 1].name);
	else
		snprintf(dst, size, "%s%llu%s", sign, (unsigned long long)major, units[i].name);
}

char *
text_show_duration(int64_t us, char *dst, size_t size)
{
	const char *sign = us < 0 ? "-" : "";
	uint64_t v = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

	if (v == 0 || v >= 1000000)
		show_seconds(v / 1000000, sign, dst, size);
	else if (v >= 1000)
		snprintf(dst, size, "%s%u ms", sign, (unsigned)(v / 1000));
	else
		snprintf(dst, size, "%s%u us", sign, (unsigned)v);
	return dst;
}

char *
text_show_size(uint64_t bytes, char *dst, size_t size)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	uint64_t tenths;
	size_t i = 0;
	uint64_t v = bytes, rest = 0;

	for (; v >= 1024 && i + 1 < ARRAY_LEN(names); i++) {
		rest = v % 1024;
		v /= 1024;
	}
	tenths = rest * 10 / 1024;
	if (v < 10 && tenths)
		snprintf(dst, size, "%llu.%llu %s", (unsigned long long)v,
		    (unsigned long long)tenths, names[i]);
	else
		snprintf(dst, size, "%llu %s", (unsigned long long)v, names[i]);
	return dst;
}

#define NEAR_MAX 63

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Counted from 1. */
static bool
same_letter(struct str a, size_t i, struct str b, size_t j)
{
	return ascii_lower(a.p[i - 1]) == ascii_lower(b.p[j - 1]);
}

/*
 * Insertions, deletions, replacements and swaps of neighbours (the commonest slip of the hand),
 * case aside.
 */
static unsigned
edit_distance(struct str a, struct str b)
{
	unsigned rows[3][NEAR_MAX + 1];

	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned d = above[j - 1] + !same_letter(a, i, b, j);
			d = least(d, least(row[j - 1], above[j]) + 1);
			if (i > 1 && j > 1 && same_letter(a, i, b, j - 1) &&
			    same_letter(a, i - 1, b, j))
				d = least(d, above2[j - 2] + 1);
			row[j] = d;
		}
	}
	return rows[a.n % 3][b.n];
}

struct str
text_nearest(struct str word, const struct str *candidates, size_t n)
{
	struct str best = STR_NULL;
	unsigned limit = (unsigned)(word.n / 3) + 1;

	if (word.n > NEAR_MAX)
		return best;
	for (size_t i = 0; i < n; i++) {
		unsigned d;
		if (candidates[i].n > NEAR_MAX)
			continue;
		d = edit_distance(word, candidates[i]);
		if (d < limit) {
			limit = d;
			best = candidates[i];
		}
	}
	return best;
}
