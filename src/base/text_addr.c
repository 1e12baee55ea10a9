/*
 * text_addr: addresses and networks from text and back. Written by hand because it runs on every
 * line: inet_pton wants a terminated copy. Never resolves a name, never accepts octal or short
 * forms.
 */
#include "base/text.h"

#include <errno.h>

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

/* Four decimal numbers without leading zeros (some readers take those for octal). */
static bool
parse_v4(struct str s, uint8_t dst[4])
{
	const char *p = s.p, *end = s.p + s.n;

	for (int part = 0; part < 4; part++) {
		const char *from = p;
		unsigned v = 0, digit;

		for (; p < end && p < from + 3 && (digit = (unsigned)(*p - '0')) < 10; p++)
			v = v * 10 + digit;
		if (p == from || v > 255 || (*from == '0' && p > from + 1))
			return false;
		dst[part] = (uint8_t)v;
		if (part < 3 && (p == end || *p++ != '.'))
			return false;
	}
	return p == end;
}

/* A number up to 255 without zeros in front: its digits, or 0. */
static inline size_t
octet(const char *p, const char *end)
{
	unsigned v = p < end ? (unsigned char)(*p - '0') : 10, digit;
	size_t n = 1;

	if (v > 9)
		return 0;
	for (; p + n < end && n < 3 && (digit = (unsigned char)(p[n] - '0')) < 10; n++)
		v = v * 10 + digit;
	return v > 255 || (n > 1 && *p == '0') ? 0 : n;
}

size_t
text_quad(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;

	for (int part = 0; part < 4; part++) {
		size_t n = octet(p, end);

		p += n;
		if (n == 0 || (part < 3 && (p == end || *p++ != '.')))
			return 0;
	}
	return p < end && (unsigned char)(*p - '0') < 10 ? 0 : (size_t)(p - s.p);
}

static int
hex_value(char c)
{
	if ((unsigned)(c - '0') < 10)
		return c - '0';
	c = ascii_lower(c);
	return (unsigned)(c - 'a') < 6 ? c - 'a' + 10 : -1;
}

/* One to four hex digits at s; their number, or 0. */
static size_t
parse_group(struct str s, unsigned *ret_value)
{
	unsigned v = 0;
	size_t n = 0;
	int digit;

	for (; n < s.n && n < 4 && (digit = hex_value(s.p[n])) >= 0; n++)
		v = v << 4 | (unsigned)digit;
	*ret_value = v;
	return n;
}

/* Opens the place of "::": what was written after it moves to the end. */
static void
spread_gap(uint8_t b[16], size_t gap, size_t n)
{
	size_t tail = n - gap;

	memmove(b + 16 - tail, b + gap, tail);
	memset(b + gap, 0, 16 - n);
}

static bool
parse_v6(struct str s, uint8_t b[16])
{
	size_t n = 0, gap = SIZE_MAX;
	unsigned v;

	if (str_starts(s, STR("::"))) {
		gap = 0;
		s = str_from(s, 2);
	}
	while (s.n) {
		size_t digits = parse_group(s, &v);
		if (digits == 0 || n == 16)
			return false;
		if (digits < s.n && s.p[digits] == '.') {
			if (n > 12 || !parse_v4(s, b + n))
				return false;
			n += 4;
			break;
		}
		b[n++] = (uint8_t)(v >> 8);
		b[n++] = (uint8_t)v;
		s = str_from(s, digits);
		if (s.n == 0)
			break;
		if (s.p[0] != ':' || s.n == 1)
			return false;
		s = str_from(s, 1);
		if (s.p[0] == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
			s = str_from(s, 1);
		}
	}
	if (gap == SIZE_MAX)
		return n == 16;
	if (n > 14)
		return false;
	spread_gap(b, gap, n);
	return true;
}

/* Cuts "%eth0" off; false when nothing follows the sign or what follows is no interface name. */
static bool
cut_zone(struct str *s)
{
	size_t at = str_find_byte(*s, '%');
	struct str zone = str_from(*s, at + 1);

	if (at == s->n)
		return true;
	if (zone.n == 0 || zone.n > 15)
		return false;
	for (size_t i = 0; i < zone.n; i++)
		if (zone.p[i] <= ' ' || zone.p[i] >= 0x7f ||
		    str_find_byte(STR("/%[]"), zone.p[i]) < 4)
			return false;
	s->n = at;
	return true;
}

int
addr_parse(struct str s, struct addr *ret)
{
	struct addr a;

	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = str_of(s.p + 1, s.n - 2);
	if (s.n < 2)
		return -EINVAL;
	memcpy(a.b, v4_prefix, sizeof(v4_prefix));
	if (s.n <= 15 && parse_v4(s, a.b + 12)) {
		*ret = a;
		return 0;
	}
	if (!cut_zone(&s) || s.n > 45 || !parse_v6(s, a.b))
		return -EINVAL;
	*ret = a;
	return 0;
}

bool
addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_prefix, sizeof(v4_prefix)) == 0;
}

static char *
show_byte(char *p, unsigned v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *
show_v4(const uint8_t b[4], char *p)
{
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			*p++ = '.';
		p = show_byte(p, b[i]);
	}
	return p;
}

static unsigned
group_at(const struct addr *a, int i)
{
	return (unsigned)a->b[2 * i] << 8 | a->b[2 * i + 1];
}

/* RFC 5952 4.2: the longest run of zero groups, at least two, the first of equals. */
static void
longest_zeros(const struct addr *a, int *ret_from, int *ret_len)
{
	int from = -1, len = 1;

	for (int i = 0; i < 8; i++) {
		int n = 0;
		while (i + n < 8 && group_at(a, i + n) == 0)
			n++;
		if (n > len) {
			from = i;
			len = n;
		}
		i += n;
	}
	*ret_from = from;
	*ret_len = len;
}

static char *
show_group(char *p, unsigned v)
{
	static const char hex[] = "0123456789abcdef";
	int shift = 12;

	while (shift > 0 && v >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*p++ = hex[v >> shift & 15];
	return p;
}

static char *
show_v6(const struct addr *a, char *p)
{
	int from, len;

	longest_zeros(a, &from, &len);
	for (int i = 0; i < 8; i++) {
		if (i == from) {
			*p++ = ':';
			*p++ = ':';
			i += len - 1;
			continue;
		}
		if (i > 0 && i != from + len)
			*p++ = ':';
		else if (i > 0 && from < 0)
			*p++ = ':';
		p = show_group(p, group_at(a, i));
	}
	return p;
}

size_t
addr_show(const struct addr *a, char dst[46])
{
	char *end = addr_is_v4(a) ? show_v4(a->b + 12, dst) : show_v6(a, dst);

	*end = '\0';
	return (size_t)(end - dst);
}

/* True when all bits of a from `bits` on are zero. */
static bool
host_bits_zero(const struct addr *a, unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		if (a->b[i / 8] & 0x80 >> i % 8)
			return false;
	return true;
}

int
cidr_parse(struct str s, struct cidr *ret)
{
	size_t slash = str_find_byte(s, '/');
	struct str net = str_head(s, slash), length = str_from(s, slash + 1);
	bool v6 = str_find_byte(net, ':') < net.n;
	struct cidr c = { .bits = 128 };
	uint64_t bits;

	if (addr_parse(net, &c.net) < 0)
		return -EINVAL;
	if (slash < s.n) {
		if (length.n > 3 || text_u64(length, &bits) < 0 || bits > (v6 ? 128 : 32))
			return -EINVAL;
		c.bits = (uint8_t)(v6 ? bits : bits + 96);
	}
	if (!host_bits_zero(&c.net, c.bits))
		return -EDOM;
	*ret = c;
	return 0;
}

bool
cidr_has(const struct cidr *c, const struct addr *a)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;

	if (memcmp(c->net.b, a->b, whole) != 0)
		return false;
	return rest == 0 || (c->net.b[whole] ^ a->b[whole]) >> (8 - rest) == 0;
}
