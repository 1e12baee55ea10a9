/*
 * utf16: UTF-16 in either order (RFC 2781), two bytes at a time. Must never write what is not UTF-8.
 */
#include "base/utf16.h"

#define MARK 0xfeffu
#define BROKEN 0xfffdu
#define PROBE_PAIRS 128u          /* so many characters tell whether every other byte is zero */
#define PROBE_PAIRS_LEAST 8u
#define NONE 0xffffffffu          /* no whole character is left */

static uint32_t
unit(enum utf16 order, struct str s, size_t at)
{
	const uint8_t *p = (const uint8_t *)s.p + at;

	return order == UTF16_LE ? p[0] | (uint32_t)p[1] << 8 : p[1] | (uint32_t)p[0] << 8;
}

static bool
is_plain(uint32_t c)
{
	return (c >= ' ' && c < 0x7f) || c == '\t' || c == '\r' || c == '\n';
}

/* Of the Latin letters of a log hardly one is beyond ASCII; a binary file has other things too. */
static bool
reads_as(enum utf16 order, struct str head)
{
	size_t pairs = head.n / 2 < PROBE_PAIRS ? head.n / 2 : PROBE_PAIRS, plain = 0;

	for (size_t i = 0; i < pairs; i++)
		plain += is_plain(unit(order, head, 2 * i));
	return pairs >= PROBE_PAIRS_LEAST && plain * 10 >= pairs * 9;
}

enum utf16
utf16_find(struct str head)
{
	if (head.n >= 2 && unit(UTF16_LE, head, 0) == MARK)
		return UTF16_LE;
	if (head.n >= 2 && unit(UTF16_BE, head, 0) == MARK)
		return UTF16_BE;
	if (reads_as(UTF16_LE, head))
		return UTF16_LE;
	return reads_as(UTF16_BE, head) ? UTF16_BE : UTF16_NOT;
}

size_t
utf16_find_lf(enum utf16 order, struct str s)
{
	for (size_t i = 0; i + 2 <= s.n; i += 2)
		if (unit(order, s, i) == '\n')
			return i;
	return s.n;
}

size_t
utf16_whole_lines(enum utf16 order, struct str s)
{
	for (size_t i = s.n / 2; i > 0; i--)
		if (unit(order, s, 2 * i - 2) == '\n')
			return 2 * i;
	return 0;
}

/* The character at `at` and the bytes that it takes; NONE where the rest is only its beginning. */
static uint32_t
character(enum utf16 order, struct str s, size_t at, bool end, size_t *ret_len)
{
	if (s.n - at < 2) {
		*ret_len = s.n - at;
		return end ? BROKEN : NONE;
	}
	uint32_t c = unit(order, s, at);
	*ret_len = 2;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff)
		return BROKEN;
	if (s.n - at < 4)
		return end ? BROKEN : NONE;
	uint32_t low = unit(order, s, at + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return BROKEN;
	*ret_len = 4;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* RFC 3629 section 3; the number of bytes, 0 when there is no room. */
static size_t
put(uint32_t c, char *dst, size_t room)
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n > room)
		return 0;
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		dst[i] = (char)(0x80 | (c & 0x3f));
	dst[0] = (char)(lead[n] | c);
	return n;
}

size_t
utf16_to_utf8(enum utf16 order, struct str s, bool end, char *dst, size_t size, size_t *ret_taken)
{
	size_t n = 0, at = 0, len;

	if (s.n >= 2 && unit(order, s, 0) == MARK)
		at = 2;
	while (at < s.n) {
		uint32_t c = character(order, s, at, end, &len);
		size_t wrote = c == NONE ? 0 : put(c, dst + n, size - n);
		if (wrote == 0)
			break;
		n += wrote;
		at += len;
	}
	*ret_taken = at;
	return n;
}
