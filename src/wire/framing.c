/*
 * framing: a small state machine per stream. A frame that lies whole in a chunk is handed over
 * without being copied.
 */
#include "wire/framing.h"

#include <errno.h>

#include "base/cur.h"

enum state {
	START,     /* before a frame: its count, or in AUTO its first bytes */
	BODY,      /* `left` bytes of an octet-counted frame */
	SKIP_BODY, /* `left` bytes of one that was cut */
	LINE,
	SKIP_LINE,
};

struct out {
	framing_each *each;
	void *ctx;
	bool no_memory;
};

void
framing_init(struct framing *f, enum framing_mode mode, size_t max)
{
	*f = (struct framing){ .mode = mode, .max = max };
	f->buf = BUF_INIT(max + sizeof(f->head) + 16);
	f->state = mode == FRAMING_LF || mode == FRAMING_NUL ? LINE : START;
}

void
framing_free(struct framing *f)
{
	buf_free(&f->buf);
}

static void
deliver(struct framing *f, struct out *o, struct str frame, bool cut)
{
	f->frames++;
	f->cut += cut;
	o->each(o->ctx, frame, cut);
}

static void
keep(struct framing *f, struct out *o, struct str s)
{
	buf_add(&f->buf, s);
	if (buf_ok(&f->buf))
		return;
	buf_reset(&f->buf);
	f->broken++;
	o->no_memory = true;
}

/* Hands over what is kept together with `more`, which is not copied when nothing was kept. */
static void
flush(struct framing *f, struct out *o, struct str more, bool cut)
{
	if (!f->buf.n) {
		deliver(f, o, more, cut);
		return;
	}
	keep(f, o, more);
	if (f->buf.n)
		deliver(f, o, buf_str(&f->buf), cut);
	buf_reset(&f->buf);
}

static struct str
body(struct framing *f, struct out *o, struct str s)
{
	size_t room = f->max - f->buf.n, n = s.n < f->left ? s.n : (size_t)f->left;
	if (n > room) {
		flush(f, o, str_head(s, room), true);
		f->left -= room;
		f->skipped += f->left;
		f->state = SKIP_BODY;
		return str_from(s, room);
	}
	f->left -= n;
	if (f->left == 0) {
		flush(f, o, str_head(s, n), false);
		f->state = START;
	} else {
		keep(f, o, str_head(s, n));
	}
	return str_from(s, n);
}

static struct str
skip_body(struct framing *f, struct str s)
{
	size_t n = s.n < f->left ? s.n : (size_t)f->left;
	f->left -= n;
	if (f->left == 0)
		f->state = START;
	return str_from(s, n);
}

/* Empty lines are padding. A carriage return before the line feed belongs to the trailer. */
static void
line_end(struct framing *f, struct out *o, struct str s)
{
	if (f->mode != FRAMING_NUL && s.n && s.p[s.n - 1] == '\r')
		s.n--;
	else if (f->mode != FRAMING_NUL && !s.n && f->buf.n && f->buf.p[f->buf.n - 1] == '\r')
		f->buf.n--;
	if (s.n || f->buf.n)
		flush(f, o, s, false);
	buf_reset(&f->buf);
	f->state = f->mode == FRAMING_OCTET ? START : LINE;
}

static struct str
line(struct framing *f, struct out *o, struct str s)
{
	size_t end = str_find_byte(s, f->mode == FRAMING_NUL ? '\0' : '\n'),
	       room = f->max - f->buf.n;
	if (end > room) {
		flush(f, o, str_head(s, room), true);
		f->state = SKIP_LINE;
		return str_from(s, room);
	}
	if (end == s.n)
		keep(f, o, s);
	else
		line_end(f, o, str_head(s, end));
	return str_from(s, end + 1);
}

static struct str
skip_line(struct framing *f, struct str s)
{
	size_t end = str_find_byte(s, f->mode == FRAMING_NUL ? '\0' : '\n');
	f->skipped += end;
	if (end < s.n)
		f->state = f->mode == FRAMING_OCTET ? START : LINE;
	return str_from(s, end + 1);
}

/* The head was no count: it is the beginning of a line. */
static void
head_to_line(struct framing *f, struct out *o)
{
	f->state = LINE;
	struct str head = str_of(f->head, f->nhead);
	f->nhead = 0;
	while (head.n)
		head = f->state == SKIP_LINE ? skip_line(f, head) : line(f, o, head);
}

static void
counted(struct framing *f)
{
	uint64_t n = 0;
	for (size_t i = 0; i + 1 < f->nhead; i++)
		n = n * 10 + (uint64_t)(f->head[i] - '0');
	f->nhead = 0;
	f->left = n;
	f->state = BODY;
}

/* One byte of a count: digits, then a blank. */
static void
count_byte(struct framing *f, struct out *o, char c)
{
	if (f->nhead == 0 && (c == '\n' || c == '\r' || c == ' ' || c == '\0'))
		return;
	f->head[f->nhead++] = c;
	bool digit = (unsigned char)(c - '0') < 10 && (f->nhead > 1 || c != '0');
	if (c == ' ' && f->nhead > 1) {
		counted(f);
	} else if (!digit || f->nhead > FRAMING_DIGITS_MAX) {
		f->broken++;
		head_to_line(f, o);
	}
}

/* AUTO: bytes of the first message, until they tell. */
static void
first_byte(struct framing *f, struct out *o, char c)
{
	bool digits = f->nhead > 0;
	for (size_t i = 0; i < f->nhead; i++)
		digits &= (unsigned char)(f->head[i] - '0') < 10;
	bool blank_before = f->nhead > 1 && f->head[f->nhead - 1] == ' ';
	bool digit = (unsigned char)(c - '0') < 10 && (f->nhead || c != '0');
	f->head[f->nhead++] = c;
	if (blank_before && c == '<') {
		f->mode = FRAMING_OCTET;
		f->nhead--;
		counted(f);
		body(f, o, STR("<"));
		return;
	}
	if (((digits || f->nhead == 1) && digit && f->nhead <= FRAMING_DIGITS_MAX) ||
	    (digits && c == ' '))
		return;
	f->mode = FRAMING_LF;
	head_to_line(f, o);
}

/*
 * The first line of an AUTO stream ends with a NUL where the next message begins: all of them end
 * so.
 */
static void
maybe_nul(struct framing *f, struct str s)
{
	size_t nul = str_find_byte(s, '\0'), lf = str_find_byte(s, '\n');
	if (nul < lf && nul + 1 < s.n && (s.p[nul + 1] == '<' || s.p[nul + 1] == '{'))
		f->mode = FRAMING_NUL;
}

/*
 * Bytes of the field of a journal entry at `scan`; 0 when more must come, SIZE_MAX when it can
 * never be right.
 */
static size_t
journal_field(const struct framing *f)
{
	struct str s = str_from(buf_str(&f->buf), f->scan);
	size_t lf = str_find_byte(s, '\n');
	if (lf == s.n)
		return 0;
	if (lf == 0 || str_find_byte(str_head(s, lf), '=') < lf)
		return lf + 1;
	struct cur c = cur_of(str_from(s, lf + 1));
	uint64_t n = cur_u64le(&c);
	if (!cur_ok(&c))
		return 0;
	if (n > f->max)
		return SIZE_MAX;
	return c.n < n + 1 ? 0 : lf + 1 + 8 + (size_t)n + 1;
}

/* Drops what was handed over from the front of the buffer. */
static void
forget(struct framing *f, size_t used)
{
	if (!used)
		return;
	memmove(f->buf.p, f->buf.p + used, f->buf.n - used);
	f->buf.n -= used;
	f->scan -= used;
}

/* Too long or nonsense: given as far as it goes, found again behind the next empty line. */
static void
journal_cut(struct framing *f, struct out *o, size_t start)
{
	deliver(f, o, str_from(buf_str(&f->buf), start), true);
	buf_reset(&f->buf);
	f->scan = 0;
	f->nhead = 0;
	f->state = SKIP_BODY;
}

static struct str
journal_fields(struct framing *f, struct out *o, struct str s)
{
	size_t room = f->max - f->buf.n, n = s.n < room ? s.n : room, start = 0, field;
	keep(f, o, str_head(s, n));
	while ((field = journal_field(f)) != 0 && field != SIZE_MAX) {
		f->scan += field;
		if (field > 1)
			continue;
		if (f->scan - 1 > start)
			deliver(f, o, str_of(f->buf.p + start, f->scan - 1 - start), false);
		start = f->scan;
	}
	if (field == SIZE_MAX || (start == 0 && f->buf.n >= f->max))
		journal_cut(f, o, start);
	else
		forget(f, start);
	return str_from(s, n);
}

/* nhead counts line feeds in a row. */
static struct str
journal_skip(struct framing *f, struct str s)
{
	size_t i = 0;
	while (i < s.n && f->nhead < 2)
		f->nhead = s.p[i++] == '\n' ? (uint8_t)(f->nhead + 1) : 0;
	f->skipped += i;
	if (f->nhead == 2) {
		f->nhead = 0;
		f->state = START;
	}
	return str_from(s, i);
}

static struct str
start(struct framing *f, struct out *o, struct str s)
{
	char c = *s.p;
	if (f->mode == FRAMING_OCTET) {
		count_byte(f, o, c);
		return str_from(s, 1);
	}
	if (f->nhead == 0 && !((unsigned char)(c - '0') < 10)) {
		/* A first chunk too short to tell is taken for lines. */
		f->mode = FRAMING_LF;
		f->state = LINE;
		maybe_nul(f, s);
		return s;
	}
	first_byte(f, o, c);
	return str_from(s, 1);
}

static struct str
step(struct framing *f, struct out *o, struct str s)
{
	if (f->mode == FRAMING_JOURNAL)
		return f->state == SKIP_BODY ? journal_skip(f, s) : journal_fields(f, o, s);
	switch ((enum state)f->state) {
	case START:
		return start(f, o, s);
	case BODY:
		return body(f, o, s);
	case SKIP_BODY:
		return skip_body(f, s);
	case LINE:
		return line(f, o, s);
	case SKIP_LINE:
		return skip_line(f, s);
	}
	return STR_NULL;
}

int
framing_feed(struct framing *f, struct str chunk, framing_each *each, void *ctx)
{
	struct out o = { .each = each, .ctx = ctx };
	while (chunk.n)
		chunk = step(f, &o, chunk);
	return o.no_memory ? -ENOMEM : 0;
}

void
framing_finish(struct framing *f, framing_each *each, void *ctx)
{
	struct out o = { .each = each, .ctx = ctx };
	if (f->mode != FRAMING_JOURNAL && f->state == START && f->nhead)
		head_to_line(f, &o);
	if (f->buf.n && (f->state == LINE || f->state == BODY || f->mode == FRAMING_JOURNAL))
		deliver(f, &o, buf_str(&f->buf), f->state == BODY);
	buf_reset(&f->buf);
	f->scan = 0;
	f->nhead = 0;
	f->state = f->mode == FRAMING_LF || f->mode == FRAMING_NUL ? LINE : START;
}
