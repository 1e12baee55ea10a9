/*
 * token: one pass over the line, each run judged by the set of letters it is made of. A random value must always get
 * the same type, whatever its digits happen to be, or templates multiply: that is why fractions, clock times, addresses
 * and hardware addresses are recognised as a whole.
 */
#include "vault/token.h"

#define LITERAL_MAX 255u
#define INT_DIGITS_MAX 18u      /* below 2^63 */
#define HEX_MAX 16u             /* nibbles of one value */
#define HEX_MIN 6u
#define PAIRS_MIN 5u
#define PAIRS_MAX 6u            /* of one value; a longer row is cut into several */
#define V6_MAX 45u

enum {                          /* what a byte is; runs are judged by the union */
	IS_DIGIT = 1, IS_HEX_LOWER = 2, IS_HEX_UPPER = 4, IS_OTHER = 8,
};

static const uint8_t byte_class[256] = {
	['0' ... '9'] = IS_DIGIT,
	['a' ... 'f'] = IS_HEX_LOWER,
	['A' ... 'F'] = IS_HEX_UPPER,
	['g' ... 'z'] = IS_OTHER,
	['G' ... 'Z'] = IS_OTHER,
	['_'] = IS_OTHER,
	[0x80 ... 0xff] = IS_OTHER,
};

static inline uint8_t
class_of(char c)
{
	return byte_class[(uint8_t)c];
}

bool
token_byte(char c)
{
	return class_of(c) != 0;
}

bool
token_run(struct str s, size_t *pos, struct str *ret_run)
{
	size_t from = *pos, to;

	while (from < s.n && !class_of(s.p[from]))
		from++;
	for (to = from; to < s.n && class_of(s.p[to]);)
		to++;
	*pos = to;
	*ret_run = str_of(s.p + from, to - from);
	return to > from;
}

struct cutter {
	struct str line;
	struct tokens *t;
	size_t end;             /* of the token before */
	bool full;
};

/* Adds a token and the literal before it. */
static void
put(struct cutter *c, uint8_t type, uint8_t param, size_t off, size_t len, uint64_t value)
{
	struct tokens *t = c->t;
	size_t literal = off - c->end;
	uint8_t *p = t->template + t->template_len;

	if (t->n == TOKENS_MAX || literal > LITERAL_MAX || t->template_len + literal + 6 > TEMPLATE_MAX) {
		c->full = true;
		return;
	}
	*p++ = (uint8_t)literal;
	if (literal > 0 && literal <= 2) {
		p[0] = (uint8_t)c->line.p[c->end];
		p[literal - 1] = (uint8_t)c->line.p[off - 1];
	} else if (literal > 0) {
		memcpy(p, c->line.p + c->end, literal);
	}
	p += literal;
	*p++ = type;
	*p = param;
	t->template_len += (uint32_t)literal + 3;
	t->at[t->n++] = (struct token){ .type = type, .param = param, .off = (uint32_t)off, .len = (uint32_t)len,
		.value = value };
	c->end = off + len;
}

static uint64_t
decimal(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint64_t)(p[i] - '0');
	return v;
}

static uint64_t
hex(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 4 | (uint64_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

/* Length of the run at s.p[from], and the union of its classes. */
static size_t
run_at(struct str s, size_t from, uint8_t *ret_mask)
{
	uint8_t mask = 0, c;
	size_t i = from;

	for (; i < s.n && (c = class_of(s.p[i])) != 0; i++)
		mask |= c;
	*ret_mask = mask;
	return i - from;
}

static bool
one_case(uint8_t mask)
{
	return !(mask & IS_OTHER) && (mask & (IS_HEX_LOWER | IS_HEX_UPPER)) != (IS_HEX_LOWER | IS_HEX_UPPER);
}

/* One number of an address in dotted form; its length, 0 when it is none. */
static size_t
octet(struct str s, size_t at, uint32_t *address)
{
	uint32_t v = 0;
	size_t n = 0;

	while (n < 4 && at + n < s.n && class_of(s.p[at + n]) == IS_DIGIT)
		v = v * 10 + (uint32_t)(s.p[at + n++] - '0');
	if (n == 0 || n > 3 || v > 255 || (n > 1 && s.p[at] == '0'))
		return 0;
	*address = *address << 8 | v;
	return n;
}

/* The whole address at s.p[from]; its length or 0. */
static size_t
ipv4_at(struct str s, size_t from, uint32_t *ret)
{
	uint32_t address = 0;
	size_t at = from, n;

	for (int i = 0; i < 4; i++) {
		if (i > 0 && (at >= s.n || s.p[at++] != '.'))
			return 0;
		n = octet(s, at, &address);
		if (n == 0)
			return 0;
		at += n;
	}
	if (at < s.n && class_of(s.p[at]))
		return 0;
	*ret = address;
	return at - from;
}

static bool
ipv4(struct cutter *c, size_t from)
{
	uint32_t address;
	size_t n = ipv4_at(c->line, from, &address);

	if (n > 0)
		put(c, TOKEN_IPV4, 0, from, n, address);
	return n > 0;
}

/* How many hex pairs with ':' between them stand at s.p[from]; all of one case. */
static size_t
count_pairs(struct str s, size_t from, uint8_t *ret_mask)
{
	uint8_t mask = 0, one;
	size_t n = 0, at = from;

	while (run_at(s, at, &one) == 2 && one_case(mask | one)) {
		mask |= one;
		n++;
		at += 2;
		if (at >= s.n || s.p[at] != ':')
			break;
		at++;
	}
	*ret_mask = mask;
	return n;
}

static uint64_t
pairs_value(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | hex(p + 3 * i, 2);
	return v;
}

static bool
pairs(struct cutter *c, size_t from)
{
	uint8_t mask;
	size_t n = count_pairs(c->line, from, &mask);

	if (n < PAIRS_MIN)
		return false;
	while (n > 0 && !c->full) {
		size_t now = n < PAIRS_MAX ? n : PAIRS_MAX;

		put(c, mask & IS_HEX_UPPER ? TOKEN_PAIRS_UPPER : TOKEN_PAIRS, (uint8_t)now, from, 3 * now - 1,
		    pairs_value(c->line.p + from, now));
		from += 3 * now;
		n -= now;
	}
	return true;
}

/* An IPv6 address with "::" or all its seven colons, taken as text: its groups come and go. */
static bool
ipv6(struct cutter *c, size_t from)
{
	struct str s = c->line;
	size_t at = from, colons = 0, digits = 0;
	bool gap = false;

	for (; at < s.n && at - from <= V6_MAX; at++) {
		if (s.p[at] == ':') {
			gap = gap || (at > from && s.p[at - 1] == ':');
			colons++;
			digits = 0;
		} else if (!class_of(s.p[at])) {
			break;
		} else if ((class_of(s.p[at]) & IS_OTHER) || ++digits > 4) {
			return false;
		}
	}
	if (at - from > V6_MAX || colons > 7 || !(gap || colons == 7))
		return false;
	while (s.p[at - 1] == ':' && !(at - from > 1 && s.p[at - 2] == ':'))
		at--;
	put(c, TOKEN_TEXT, 0, from, at - from, 0);
	return true;
}

/* 8-4-4-4-12 nibbles. */
static bool
uuid(struct cutter *c, size_t from)
{
	static const uint8_t lengths[] = { 8, 4, 4, 4, 12 };
	uint8_t mask = 0, one;
	size_t at = from;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		if (i > 0 && (at >= c->line.n || c->line.p[at++] != '-'))
			return false;
		if (run_at(c->line, at, &one) != lengths[i])
			return false;
		mask |= one;
		at += lengths[i];
	}
	if (!one_case(mask))
		return false;
	at = from;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		put(c, mask & IS_HEX_UPPER ? TOKEN_HEX_UPPER : TOKEN_HEX, lengths[i], at, lengths[i],
		    hex(c->line.p + at, lengths[i]));
		at += lengths[i] + 1u;
	}
	return true;
}

/* "+01:00 " or "-0300 " or " ": what may stand between a stamp and the name of a host. Its length, or 0. */
static size_t
zone_at(struct str s, size_t at)
{
	size_t n = 0;

	if (at < s.n && (s.p[at] == '+' || s.p[at] == '-')) {
		for (n = 1; n < 6 && at + n < s.n && (class_of(s.p[at + n]) == IS_DIGIT || (n == 3 && s.p[at + n] == ':'));)
			n++;
	}
	return at + n < s.n && s.p[at + n] == ' ' && n != 1 ? n + 1 : 0;
}

/*
 * The word behind the first stamp of a line is the host in most dialects. It is one text whatever it is made of:
 * else each form of name would have a template of its own.
 */
static void
host(struct cutter *c)
{
	size_t from = c->end + zone_at(c->line, c->end), to = from;
	bool name = false;
	uint32_t address;

	if (from == c->end || from >= c->line.n || !class_of(c->line.p[from]))
		return;
	for (; to < c->line.n && (class_of(c->line.p[to]) || c->line.p[to] == '-' || c->line.p[to] == '.'); to++)
		name = name || class_of(c->line.p[to]) > IS_DIGIT;
	if (name && to < c->line.n && c->line.p[to] == ' ' && class_of(c->line.p[to - 1]) && !ipv4_at(c->line, from, &address))
		put(c, TOKEN_TEXT, 0, from, to - from, 0);
}

static bool
stamp(struct cutter *c, size_t from)
{
	struct token t = { 0 };
	bool first = true;

	if (!token_time(str_from(c->line, from), &t))
		return false;
	for (uint32_t i = 0; i < c->t->n; i++)
		first = first && !token_is_stamp(c->t->at[i].type);
	put(c, t.type, t.param, from, t.len, t.value);
	if (first && !c->full && (t.type == TOKEN_ISO || t.type == TOKEN_BSD))
		host(c);
	return true;
}

static void
number(struct cutter *c, size_t from, size_t n)
{
	const char *p = c->line.p + from;
	const struct token *before = c->t->n > 0 ? &c->t->at[c->t->n - 1] : NULL;
	/* "0.045" and "0.450" are of one template: what follows a point has as many digits as it is written with. */
	bool fraction = before && (before->type == TOKEN_INT || before->type == TOKEN_FIXED) && c->end + 1 == from && p[-1] == '.';

	if (n > INT_DIGITS_MAX)
		put(c, TOKEN_WORD, 0, from, n, 0);
	else if (fraction || (p[0] == '0' && n > 1))
		put(c, TOKEN_FIXED, (uint8_t)n, from, n, decimal(p, n));
	else
		put(c, TOKEN_INT, 0, from, n, decimal(p, n));
}

static void
hex_run(struct cutter *c, uint8_t mask, size_t from, size_t n)
{
	for (size_t now; n > 0 && !c->full; from += now, n -= now) {
		now = n < HEX_MAX ? n : HEX_MAX;
		put(c, mask & IS_HEX_UPPER ? TOKEN_HEX_UPPER : TOKEN_HEX, (uint8_t)now, from, now,
		    hex(c->line.p + from, now));
	}
}

/* Letters and digits mixed: an identifier, or a name with a number behind it ("eth0", "host17"). */
static void
mixed(struct cutter *c, uint8_t mask, size_t from, size_t n)
{
	const char *p = c->line.p + from;
	size_t letters = 0, digits;

	if (n >= HEX_MIN && !(mask & IS_OTHER)) {
		if (one_case(mask))
			hex_run(c, mask, from, n);
		else
			put(c, TOKEN_WORD, 0, from, n, 0);
		return;
	}
	while (letters < n && class_of(p[letters]) != IS_DIGIT)
		letters++;
	for (digits = letters; digits < n && class_of(p[digits]) == IS_DIGIT;)
		digits++;
	if (letters == 0 || letters == n || digits < n || n - letters > INT_DIGITS_MAX ||
	    (p[letters] == '0' && n - letters > 1)) {
		put(c, TOKEN_WORD, 0, from, n, 0);
		return;
	}
	put(c, TOKEN_WORD, 0, from, letters, 0);
	if (!c->full)
		put(c, TOKEN_INT, 0, from + letters, n - letters, decimal(p + letters, n - letters));
}

/* What a run that only its surroundings explain may be part of. */
static bool
compound(struct cutter *c, uint8_t mask, size_t from, size_t n)
{
	char next = from + n < c->line.n ? c->line.p[from + n] : '\0';

	if (mask == IS_DIGIT && next == '.' && n <= 3)
		return ipv4(c, from);
	/* Before the clock: "00:11:22" may go on. */
	if (next == ':' && n == 2 && pairs(c, from))
		return true;
	if (mask == IS_DIGIT && ((n == 4 && (next == '-' || next == '/')) || (n == 2 && (next == '/' || next == ':'))) &&
	    stamp(c, from))
		return true;
	if (next == ':' && !(mask & IS_OTHER))
		return n <= 4 && ipv6(c, from);
	if (next == '-' && n == 8 && !(mask & IS_OTHER))
		return uuid(c, from);
	return next == ' ' && n == 3 && mask != IS_DIGIT && stamp(c, from);
}

void
tokens_none(struct str line, struct tokens *t)
{
	t->n = 1;
	t->at[0] = (struct token){ .type = TOKEN_TEXT, .len = (uint32_t)line.n };
	memcpy(t->template, (uint8_t[]){ 0, TOKEN_TEXT, 0, 0, TOKEN_END, 0 }, 6);
	t->template_len = 6;
}

void
tokens_cut(struct str line, struct tokens *t)
{
	struct cutter c = { .line = line, .t = t };
	size_t at = 0, n;
	uint8_t mask;

	t->n = t->template_len = 0;
	while (at < line.n && !c.full) {
		if (!class_of(line.p[at])) {
			at++;
			continue;
		}
		n = run_at(line, at, &mask);
		if (compound(&c, mask, at, n)) {
			at = c.end;
			continue;
		}
		if (mask == IS_DIGIT)
			number(&c, at, n);
		else if (mask & IS_DIGIT)
			mixed(&c, mask, at, n);
		else
			put(&c, TOKEN_WORD, 0, at, n, 0);
		at += n;
	}
	if (!c.full)
		put(&c, TOKEN_END, 0, line.n, 0, 0);
	if (c.full)
		tokens_none(line, t);
	else
		t->n--;
}

bool
token_value_next(struct str s, size_t *pos, struct token *ret)
{
	uint8_t mask;
	size_t n;

	for (size_t at = *pos; at < s.n; at += n > 0 ? n : 1) {
		char next;
		uint32_t address;

		n = run_at(s, at, &mask);
		next = at + n < s.n ? s.p[at + n] : '\0';
		*ret = (struct token){ .off = (uint32_t)at };
		if (n > 0 && n <= 3 && mask == IS_DIGIT && next == '.' && (ret->len = (uint32_t)ipv4_at(s, at, &address)) > 0) {
			ret->type = TOKEN_IPV4;
			ret->value = address;
		} else if (n == 2 && next == ':' && count_pairs(s, at, &mask) >= PAIRS_MIN) {
			ret->type = TOKEN_PAIRS;
			ret->param = (uint8_t)(count_pairs(s, at, &mask) < PAIRS_MAX ? PAIRS_MIN : PAIRS_MAX);
			ret->len = 3u * ret->param - 1;
			ret->value = pairs_value(s.p + at, ret->param);
		}
		if (ret->len > 0) {
			*pos = at + ret->len;
			return true;
		}
	}
	*pos = s.n;
	return false;
}

/* Decimal digits of v: the count first, so that they are written where they belong. */
static char *
put_int(char *p, uint64_t v)
{
	unsigned digits = 1;

	for (uint64_t limit = 10; v >= limit && digits < 19; limit *= 10)
		digits++;
	if (digits == 19 && v >= UINT64_C(10000000000000000000))
		digits = 20;
	return token_digits(p, v, digits);
}

static char *
put_hex(char *p, uint64_t v, unsigned nibbles, const char *digits)
{
	for (unsigned i = 0; i < nibbles; i++)
		p[i] = digits[v >> 4 * (nibbles - 1 - i) & 15];
	return p + nibbles;
}

static char *
put_pairs(char *p, uint64_t v, unsigned n, const char *digits)
{
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			*p++ = ':';
		p = put_hex(p, v >> 8 * (n - 1 - i), 2, digits);
	}
	return p;
}

static char *
put_ipv4(char *p, uint64_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		p = put_int(p, v >> shift & 255);
		if (shift > 0)
			*p++ = '.';
	}
	return p;
}

static unsigned
at_most(uint8_t param, unsigned max)
{
	return param < max ? param : max;
}

size_t
token_render(uint8_t type, uint8_t param, uint64_t value, char dst[TOKEN_RENDER_MAX])
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

	switch (type) {
	case TOKEN_INT:
		return (size_t)(put_int(dst, value) - dst);
	case TOKEN_FIXED:
		return (size_t)(token_digits(dst, value, at_most(param, INT_DIGITS_MAX)) - dst);
	case TOKEN_HEX:
		return (size_t)(put_hex(dst, value, at_most(param, HEX_MAX), lower) - dst);
	case TOKEN_HEX_UPPER:
		return (size_t)(put_hex(dst, value, at_most(param, HEX_MAX), upper) - dst);
	case TOKEN_PAIRS:
		return (size_t)(put_pairs(dst, value, at_most(param, PAIRS_MAX), lower) - dst);
	case TOKEN_PAIRS_UPPER:
		return (size_t)(put_pairs(dst, value, at_most(param, PAIRS_MAX), upper) - dst);
	case TOKEN_IPV4:
		return (size_t)(put_ipv4(dst, value) - dst);
	case TOKEN_CLOCK:
	case TOKEN_DATE:
	case TOKEN_ISO:
	case TOKEN_BSD:
	case TOKEN_CLF:
		return token_time_render(type, param, value, dst);
	default:
		return 0;
	}
}
