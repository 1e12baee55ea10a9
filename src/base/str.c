/*
 * str: searching and cutting slices. Never allocates, never looks past a slice, never asks the
 * locale.
 */
#include "base/str.h"

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
str_starts_nocase(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq_nocase(str_head(s, prefix.n), prefix);
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	if (order)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

size_t
str_find(struct str s, struct str needle)
{
	const char *hit;

	if (needle.n == 0)
		return 0;
	if (needle.n > s.n)
		return s.n;
	hit = memmem(s.p, s.n, needle.p, needle.n);
	return hit ? (size_t)(hit - s.p) : s.n;
}

size_t
str_rfind(struct str s, struct str needle)
{
	size_t end;

	if (needle.n == 0 || needle.n > s.n)
		return s.n;
	for (end = s.n - needle.n + 1; end > 0;) {
		const char *hit = memrchr(s.p, needle.p[0], end);
		if (!hit)
			break;
		if (memcmp(hit, needle.p, needle.n) == 0)
			return (size_t)(hit - s.p);
		end = (size_t)(hit - s.p);
	}
	return s.n;
}

/* First place of c at or after `from`, or `end`. */
static size_t
next_byte(struct str s, size_t from, size_t end, char c)
{
	const char *hit = from < end ? memchr(s.p + from, c, end - from) : NULL;

	return hit ? (size_t)(hit - s.p) : end;
}

#define SHORT 24 /* bytes below which a search by memchr costs more than it saves */

static size_t
find_short_nocase(struct str s, struct str needle, size_t end)
{
	char first = ascii_lower(needle.p[0]);

	for (size_t i = 0; i < end; i++)
		if (((s.p[i] ^ first) & ~0x20) == 0 && str_eq_nocase(str_of(s.p + i, needle.n), needle))
			return i;
	return s.n;
}

size_t
str_find_nocase(struct str s, struct str needle)
{
	size_t end, low, up;
	char lower, upper;

	if (needle.n == 0)
		return 0;
	if (needle.n > s.n)
		return s.n;
	end = s.n - needle.n + 1;
	if (s.n < SHORT)
		return find_short_nocase(s, needle, end);
	lower = ascii_lower(needle.p[0]);
	upper = (unsigned)(lower - 'a') < 26 ? (char)(lower & ~0x20) : lower;
	low = next_byte(s, 0, end, lower);
	up = upper == lower ? end : next_byte(s, 0, end, upper);
	while (low < end || up < end) {
		size_t at = low < up ? low : up;
		if (str_eq_nocase(str_of(s.p + at, needle.n), needle))
			return at;
		if (at == low)
			low = next_byte(s, at + 1, end, lower);
		else
			up = next_byte(s, at + 1, end, upper);
	}
	return s.n;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_edge(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n && is_edge(s.p[s.n - 1]))
		s.n--;
	while (s.n && is_edge(s.p[0])) {
		s.p++;
		s.n--;
	}
	return s;
}

bool
str_split(struct str *rest, char sep, struct str *ret_piece)
{
	size_t at;

	if (rest->n == 0)
		return false;
	at = str_find_byte(*rest, sep);
	*ret_piece = str_head(*rest, at);
	*rest = str_from(*rest, at + 1);
	return true;
}

bool
str_word(struct str *rest, struct str *ret_word)
{
	struct str s = *rest;
	size_t n = 0;

	while (s.n && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (n < s.n && !is_blank(s.p[n]))
		n++;
	*rest = str_from(s, n);
	if (n == 0)
		return false;
	*ret_word = str_head(s, n);
	return true;
}
