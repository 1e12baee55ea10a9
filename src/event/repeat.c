/* repeat: reads the count, no more. Who is multiplied by it is for the correlator to know. */
#include "event/repeat.h"

static size_t
count_at(struct str s, uint32_t *ret)
{
	uint32_t v = 0;
	size_t n = 0;
	while (n < s.n && (unsigned char)(s.p[n] - '0') < 10) {
		v = v < REPEAT_MAX ? v * 10 + (uint32_t)(s.p[n] - '0') : REPEAT_MAX;
		n++;
	}
	*ret = v > REPEAT_MAX ? REPEAT_MAX : v;
	return v ? n : 0;
}

/* "message repeated N time[s]" at the start of s: the bytes it takes. */
static size_t
phrase(struct str s, uint32_t *ret_count)
{
	size_t n = STR("message repeated ").n, digits = 0;
	if (!str_starts(s, STR("message repeated ")) ||
	    !(digits = count_at(str_from(s, n), ret_count)))
		return 0;
	n += digits;
	if (!str_starts(str_from(s, n), STR(" time")))
		return 0;
	n += 5;
	return n < s.n && s.p[n] == 's' ? n + 1 : n;
}

static struct str
without(struct str s, struct str word)
{
	return str_starts(s, word) ? str_from(s, word.n) : s;
}

enum repeat_form
repeat_read(struct record *r)
{
	struct str m = record_text(r, r->message), s = m;
	uint32_t count;
	if (s.n < 20 || (*s.p != 'l' && *s.p != 'm' && *s.p != '-'))
		return REPEAT_NONE;
	s = without(without(s, STR("--- ")), STR("last "));
	size_t n = phrase(s, &count);
	if (!n)
		return REPEAT_NONE;
	struct str rest = str_from(s, n);
	if (!str_starts(rest, STR(": [")) || rest.p[rest.n - 1] != ']') {
		if (s.p == m.p || rest.n > 8)
			return REPEAT_NONE;
		r->repeat = count;
		return REPEAT_PREVIOUS;
	}
	rest = str_trim(str_of(rest.p + 3, rest.n - 4));
	r->repeat = count;
	r->message.off += (uint32_t)(rest.p - m.p);
	r->message.len = (uint32_t)rest.n;
	return REPEAT_INNER;
}
