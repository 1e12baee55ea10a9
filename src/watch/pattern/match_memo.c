/*
 * match_memo: what is found out about a text once and asked by many patterns: the times in it, and where foreign text may
 * begin. Times are also remembered from line to line. Never decides whether a pattern matches.
 */
#include "watch/pattern/pattern.h"

/* What may follow a time and still have a say in it: a zone, or the year that some put behind a syslog stamp. */
#define ZONE_MAX 8u

static void
remember_time(struct time_memo *memo, struct str s, size_t n, const struct stamp *stamp)
{
	size_t decided = n + ZONE_MAX;

	memo->to_end = decided >= s.n;
	memo->n = (uint8_t)(memo->to_end ? s.n : decided);
	memo->read = (uint8_t)n;
	memo->stamp = *stamp;
	memcpy(memo->text, s.p, memo->n);
}

/* stamp_parse(), unless the last time looked the same. */
static size_t
read_time(struct time_memo *memo, struct str s, struct stamp *ret)
{
	size_t n;

	s = str_head(s, HOLE_TIME_MAX);
	if (memo->n && s.n >= memo->n && memo->to_end == (s.n == memo->n) && memcmp(memo->text, s.p, memo->n) == 0) {
		*ret = memo->stamp;
		return memo->read;
	}
	n = stamp_parse(s, ret);
	if (n > 0)
		remember_time(memo, s, n, ret);
	return n;
}

size_t
match_time(struct match *m, struct str text, size_t pos)
{
	const char *at = text.p + pos;
	bool slot = pos > 0;
	size_t n;

	if (m->times.v[slot].at == at && (m->times.v[slot].n == HOLE_MISS || m->times.v[slot].n <= text.n - pos))
		return m->times.v[slot].n == HOLE_MISS ? HOLE_MISS : pos + m->times.v[slot].n;
	m->steps++;
	n = pos < text.n ? read_time(&m->memo, str_from(text, pos), &m->times.v[slot].stamp) : 0;
	m->times.v[slot].at = at;
	m->times.v[slot].n = n ? n : HOLE_MISS;
	return n ? pos + n : HOLE_MISS;
}

const struct stamp *
match_stamp(const struct match *m, const char *at)
{
	for (size_t i = 0; i < ARRAY_LEN(m->times.v); i++)
		if (m->times.v[i].at == at && m->times.v[i].n != HOLE_MISS)
			return &m->times.v[i].stamp;
	return NULL;
}

/*
 * Where foreign text may begin in a line of whoever: at the first quote, or behind the first address. A pattern of the
 * groups that any text may come to must not search beyond that, or what a stranger sends (a user agent, a path) could
 * pass for another program's message and blame whom he likes.
 */
static size_t
foreign_from(struct str text)
{
	size_t limit = str_find_byte(text, '"');

	for (size_t i = 0; i < limit; i++) {
		struct addr a;
		size_t n = i;

		if ((unsigned)(text.p[i] - '0') > 9)
			continue;
		while (n < limit && (text.p[n] == '.' || (unsigned)(text.p[n] - '0') <= 9))
			n++;
		if (n - i >= 7 && n - i <= 15 && addr_parse(str_of(text.p + i, n - i), &a) == 0)
			return i;
		i = n;
	}
	return limit;
}

size_t
match_lead(struct match *m, struct str text)
{
	if (m->lead_max == SIZE_MAX)
		m->lead_max = foreign_from(text);
	return m->lead_max;
}
