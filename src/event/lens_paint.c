/*
 * lens_paint: lines that were written for a terminal. Colours and movements of the cursor (control
 * sequences of ECMA-48, 5.4) are left out of what is read; the raw line keeps them. Only lines that
 * begin in colour are touched: further behind, such bytes may be a stranger's and are evidence.
 */
#include "event/lens_private.h"

/* Bytes of "\x1b[1;32m" or of "#033[1;32m", as syslogd writes it; 0 when there is none. */
static size_t
sequence(struct str s)
{
	size_t i = 0;
	if (s.n > 2 && s.p[0] == '\x1b' && s.p[1] == '[')
		i = 2;
	else if (str_starts(s, STR("#033[")))
		i = 5;
	if (!i)
		return 0;
	while (i < s.n && (unsigned char)(s.p[i] - 0x20) < 0x20)
		i++;
	return i < s.n && (unsigned char)(s.p[i] - 0x40) < 0x3f ? i + 1 : 0;
}

/* Does a sequence that begins with this byte stand near the beginning? */
static bool
painted_by(struct str s, char lead)
{
	size_t most = s.n < PAINT_LOOK ? s.n : PAINT_LOOK, i = 0;
	while (i < most && (i += str_find_byte(str_of(s.p + i, most - i), lead)) < most)
		if (sequence(str_from(s, i++)))
			return true;
	return false;
}

struct str
lens_unpaint(struct record *r, struct str s)
{
	if (!r->extra || (!painted_by(s, '\x1b') && !painted_by(s, '#')))
		return s;
	size_t start = r->extra->n, from = 0;
	for (size_t i = 0; i < s.n;) {
		size_t n = s.p[i] == '\x1b' || s.p[i] == '#' ? sequence(str_from(s, i)) : 0;
		if (!n) {
			i++;
			continue;
		}
		buf_add(r->extra, str_of(s.p + from, i - from));
		from = i += n;
	}
	buf_add(r->extra, str_from(s, from));
	return buf_ok(r->extra) ? str_from(buf_str(r->extra), start) : s;
}
