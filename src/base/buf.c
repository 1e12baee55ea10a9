/*
 * buf: growing bytes with a sticky error. Never grows past its maximum; one byte more is kept for
 * buf_cstr().
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define BUF_FIRST 128

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void
buf_wipe(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->size);
	buf_free(b);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

static bool
buf_grow(struct buf *b, size_t need)
{
	size_t size = b->size ? b->size : BUF_FIRST;
	char *p;

	while (size < need)
		size = size > b->max / 2 ? b->max : size * 2;
	if (size > b->max)
		size = b->max;
	p = size < SIZE_MAX ? realloc(b->p, size + 1) : NULL;
	if (!p)
		return false;
	b->p = p;
	b->size = size;
	return true;
}

bool
buf_reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return false;
	if (more <= b->size - b->n)
		return true;
	if (b->n > b->max || more > b->max - b->n || !buf_grow(b, b->n + more))
		b->failed = true;
	return !b->failed;
}

void
buf_add(struct buf *b, struct str s)
{
	if (s.n == 0 || !buf_reserve(b, s.n))
		return;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

void
buf_add_byte(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		b->p[b->n++] = c;
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, str_of(digits + at, sizeof(digits) - at));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

/* Most texts fit what is there already: those are formatted once. */
void
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->p ? b->size - b->n : 0;
	va_list again;
	int n;

	if (b->failed)
		return;
	va_copy(again, ap);
	n = vsnprintf(b->p ? b->p + b->n : NULL, b->p ? room + 1 : 0, fmt, again);
	va_end(again);
	if (n < 0)
		b->failed = true;
	if (n <= 0 || !buf_reserve(b, (size_t)n))
		return;
	if ((size_t)n > room)
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	b->n += (size_t)n;
}

/* Length of the printable ASCII bytes at the head of s, without those in `special`. */
static size_t
plain_span(struct str s, const char *special)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != special[0] &&
	    s.p[n] != special[1])
		n++;
	return n;
}

/*
 * Sequences that are valid UTF-8 and yet steer a terminal or its reader: C1 controls (U+0080-9F, a
 * CSI in one character) and those that turn the direction of what follows (U+200E-F, 202A-E,
 * 2066-9).
 */
static bool
steers_terminal(struct str s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s.p;

	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (n != 3 || p[0] != 0xe2)
		return false;
	if (p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae);
	return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

void
buf_add_escaped(struct buf *b, struct str s)
{
	while (s.n && !b->failed) {
		size_t n = plain_span(s, "\0");
		if (n == 0 && (n = utf8_len(s)) >= 2 && steers_terminal(s, n))
			n = 0;
		if (n == 1 && ((uint8_t)s.p[0] < 0x20 || s.p[0] == 0x7f))
			n = 0;
		if (n)
			buf_add(b, str_head(s, n));
		else
			buf_addf(b, "\\x%02x", (uint8_t)s.p[0]);
		s = str_from(s, n ? n : 1);
	}
}

/* A sequence that steers_terminal(): all of them are of two or three bytes. */
static void
add_json_steering(struct buf *b, struct str s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s.p;
	unsigned code = n == 2 ? (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu)
			       : (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);

	buf_addf(b, "\\u%04x", code);
}

static void
add_json_byte(struct buf *b, uint8_t c)
{
	static const char letters[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'
	};

	if (c >= 0x80) {
		buf_add(b, STR("\xef\xbf\xbd"));
	} else if (c == '"' || c == '\\') {
		buf_add_byte(b, '\\');
		buf_add_byte(b, (char)c);
	} else if (c < sizeof(letters) && letters[c]) {
		buf_add_byte(b, '\\');
		buf_add_byte(b, letters[c]);
	} else {
		buf_addf(b, "\\u%04x", c);
	}
}

void
buf_add_json(struct buf *b, struct str s)
{
	buf_add_byte(b, '"');
	while (s.n && !b->failed) {
		size_t n = plain_span(s, "\"\\");
		if (n == 0 && (n = utf8_len(s)) == 1)
			n = 0;
		if (n >= 2 && steers_terminal(s, n))
			add_json_steering(b, s, n);
		else if (n)
			buf_add(b, str_head(s, n));
		else
			add_json_byte(b, (uint8_t)s.p[0]);
		s = str_from(s, n ? n : 1);
	}
	buf_add_byte(b, '"');
}

const char *
buf_cstr(struct buf *b)
{
	if (b->failed || !b->p)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}
