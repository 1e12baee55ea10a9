/* frame: lines out of a stream. Must never look at a byte twice for each byte that comes: long lines stay linear. */
#include "role/frame.h"

#include <errno.h>

static struct str
without_cr(struct str s)
{
	return s.n && s.p[s.n - 1] == '\r' ? str_head(s, s.n - 1) : s;
}

static int
cut_line(struct framer *f, struct str *rest, struct str *ret_line)
{
	f->skipping = true;
	f->cut++;
	*ret_line = str_head(*rest, f->max);
	*rest = str_from(*rest, f->max);
	return 1;
}

static int
next_line(struct framer *f, struct str *rest, struct str *ret_line)
{
	for (;;) {
		size_t lf = str_find_byte(*rest, '\n');
		if (f->skipping) {
			f->skipping = lf == rest->n;
			*rest = str_from(*rest, lf + 1);
			if (f->skipping)
				return 0;
			continue;
		}
		if (lf > f->max)
			return cut_line(f, rest, ret_line);
		if (lf == rest->n)
			return 0;
		*ret_line = without_cr(str_head(*rest, lf));
		*rest = str_from(*rest, lf + 1);
		/* Empty lines between messages are padding, not messages. */
		if (ret_line->n)
			return 1;
	}
}

/* The count at the front: its digits and the blank. 1 found, 0 more needed, -EBADMSG none. */
static int
read_count(struct str s, uint64_t *ret_count, size_t *ret_head)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s.n && i <= FRAME_DIGITS_MAX && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	if (i == s.n && i <= FRAME_DIGITS_MAX)
		return 0;
	if (i == 0 || i > FRAME_DIGITS_MAX || s.p[0] == '0' || s.p[i] != ' ')
		return -EBADMSG;
	*ret_count = v;
	*ret_head = i + 1;
	return 1;
}

static int
next_octets(struct framer *f, struct str *rest, struct str *ret_line)
{
	uint64_t n;
	size_t head;
	int r = read_count(*rest, &n, &head);

	if (r <= 0)
		return r;
	size_t take = n < f->max ? (size_t)n : f->max;
	if (rest->n - head < take)
		return 0;
	*ret_line = str_head(str_from(*rest, head), take);
	*rest = str_from(*rest, head + take);
	if (n > take) {
		f->skip = n - take;
		f->cut++;
	}
	/* Some senders count and end the line too. */
	if (ret_line->n && ret_line->p[ret_line->n - 1] == '\n')
		*ret_line = without_cr(str_head(*ret_line, ret_line->n - 1));
	return 1;
}

static int
next_auto(struct framer *f, struct str *rest, struct str *ret_line)
{
	uint64_t n;
	size_t head;

	if (f->skipping || rest->n == 0 || rest->p[0] < '1' || rest->p[0] > '9')
		return next_line(f, rest, ret_line);
	int r = read_count(*rest, &n, &head);
	if (r == 0 || (r == 1 && rest->n == head))
		return 0;
	return r == 1 && rest->p[head] == '<' ? next_octets(f, rest, ret_line) : next_line(f, rest, ret_line);
}

static uint64_t
le64(const char *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | (uint8_t)p[i];
	return v;
}

/* Length of the field at the front, its LF included; 0 when it is not whole. */
static uint64_t
journal_field(struct str s)
{
	size_t lf = str_find_byte(s, '\n');

	if (lf == s.n)
		return 0;
	if (lf == 0 || str_find_byte(str_head(s, lf), '=') < lf)
		return lf + 1;
	/* A name alone: a 64-bit little-endian size and the bytes follow. */
	if (s.n - lf - 1 < 8)
		return 0;
	uint64_t n = le64(s.p + lf + 1), all = lf + 1 + 8 + n + 1;
	return n < s.n && all <= s.n ? all : 0;
}

static int
next_journal(struct framer *f, struct str *rest, struct str *ret_line)
{
	size_t at = 0;

	for (;;) {
		uint64_t n = journal_field(str_from(*rest, at));
		if (n == 0)
			return rest->n > f->max ? -EBADMSG : 0;
		if (n == 1 && at > 0)
			break;
		at += (size_t)n;
		if (at == 1)
			*rest = str_from(*rest, 1), at = 0;
	}
	*ret_line = str_head(*rest, at);
	*rest = str_from(*rest, at + 1);
	return 1;
}

int
frame_next(struct framer *f, struct str *rest, struct str *ret_line)
{
	if (f->skip) {
		size_t n = f->skip < rest->n ? (size_t)f->skip : rest->n;
		*rest = str_from(*rest, n);
		f->skip -= n;
	}
	switch (f->mode) {
	case FRAME_AUTO:
		return next_auto(f, rest, ret_line);
	case FRAME_OCTET:
		return next_octets(f, rest, ret_line);
	case FRAME_LINE:
		return next_line(f, rest, ret_line);
	case FRAME_JOURNAL:
		return next_journal(f, rest, ret_line);
	}
	return -EBADMSG;
}

bool
frame_last(struct framer *f, struct str rest, struct str *ret_line)
{
	if (f->skipping || f->skip || rest.n == 0)
		return false;
	*ret_line = without_cr(str_head(rest, f->max));
	return ret_line->n > 0;
}
