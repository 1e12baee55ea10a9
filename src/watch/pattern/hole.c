/*
 * hole: the types of holes in patterns: how each takes its text forward and backward. A hole decides from its own
 * bytes and from the literal beside it, never from the rest of the pattern, so that no match is ever taken back.
 * Must never look further than the named limits, save for runs of non-blanks, which are passed once.
 */
#include "watch/pattern/hole.h"

#include <assert.h>

#include "base/text.h"
#include "watch/pattern/pattern.h"
#include "watch/services.h"
#include "wire/stamp.h"

#define IP_MAX 45
#define NUMBER_MAX 20

enum {
	DIGIT = 1 << 0,
	ALPHA = 1 << 1,
	HEX = 1 << 2,
	HOST = 1 << 3,        /* letters, digits and . - _ */
	IP6 = 1 << 4,         /* hex digits : . */
	BLANK = 1 << 5,
	ADDRESS = 1 << 6,     /* anything that an address or a name may hold: also : % [ ] */
	NUMBER = 1 << 7,      /* digits and + - . */
	HEXADECIMAL = 1 << 8, /* hex digits and x */
	LINK = 1 << 9,        /* hex digits and : - . */
	TIME = 1 << 10,       /* what a time may hold */
};

#define OF_NAME (HOST | ADDRESS | TIME)
#define OF_HEX (HEX | IP6 | OF_NAME | HEXADECIMAL | LINK)

__extension__ static const uint16_t classes[256] = {
	['\t'] = BLANK | TIME, [' '] = BLANK | TIME,
	['0' ... '9'] = DIGIT | NUMBER | OF_HEX,
	['a' ... 'f'] = ALPHA | OF_HEX, ['A' ... 'F'] = ALPHA | OF_HEX,
	['g' ... 'w'] = ALPHA | OF_NAME, ['G' ... 'W'] = ALPHA | OF_NAME,
	['x'] = ALPHA | OF_NAME | HEXADECIMAL, ['X'] = ALPHA | OF_NAME | HEXADECIMAL,
	['y' ... 'z'] = ALPHA | OF_NAME, ['Y' ... 'Z'] = ALPHA | OF_NAME,
	['-'] = OF_NAME | NUMBER | LINK, ['_'] = OF_NAME, ['.'] = OF_NAME | IP6 | NUMBER | LINK,
	[':'] = IP6 | ADDRESS | LINK | TIME, ['+'] = NUMBER | TIME, ['%'] = ADDRESS, ['['] = ADDRESS, [']'] = ADDRESS,
	['/'] = TIME, [','] = TIME, ['@'] = TIME, ['*'] = TIME, ['('] = TIME, [')'] = TIME,
};

static const struct {
	const char *name;
	unsigned weight;
	bool wild;
} types[HOLE_TYPES] = {
	[HOLE_IP] = { "ip", 6, false },
	[HOLE_ADDR] = { "addr", 5, false },
	[HOLE_HOST] = { "host", 3, false },
	[HOLE_PORT] = { "port", 5, false },
	[HOLE_INT] = { "int", 5, false },
	[HOLE_NUM] = { "num", 5, false },
	[HOLE_HEX] = { "hex", 4, false },
	[HOLE_WORD] = { "word", 2, false },
	[HOLE_QUOTED] = { "quoted", 5, false },
	[HOLE_TIME] = { "time", 7, false },
	[HOLE_MAC] = { "mac", 7, false },
	[HOLE_TEXT] = { "text", 0, true },
	[HOLE_REST] = { "rest", 0, true },
	[HOLE_KV] = { "kv", 0, true },
	[HOLE_USER] = { "user", 0, true },
	[HOLE_TEXT_UNTRUSTED] = { "text!", 0, true },
};

enum hole_type
hole_type_of(struct str name)
{
	enum hole_type t = 0;

	while (t < HOLE_TYPES && !str_eq(name, str_z(types[t].name)))
		t++;
	return t;
}

const char *
hole_type_name(enum hole_type t)
{
	return types[t].name;
}

bool
hole_is_wild(enum hole_type t)
{
	return types[t].wild;
}

unsigned
hole_weight(enum hole_type t)
{
	return types[t].weight;
}

static inline bool
is(char c, unsigned class)
{
	return classes[(unsigned char)c] & class;
}

/* Is text[i] of the class? False past the end. */
static inline bool
is_at(struct str text, size_t i, unsigned class)
{
	return i < text.n && is(text.p[i], class);
}

static inline char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* May the step after a hole begin at pos? A hole beside nothing that binds it ends at the end of a name. */
static bool
may_end(struct str text, size_t pos, const struct step *next)
{
	if (!next)
		return pos == text.n;
	if (next->code == STEP_BLANKS)
		return is_at(text, pos, BLANK);
	if (next->code == STEP_LIT)
		return step_literal_at(next, text, pos);
	return !is_at(text, pos, DIGIT | ALPHA);
}

static bool
may_begin(struct str text, size_t low, size_t pos, const struct step *prev)
{
	if (prev && prev->code == STEP_BLANKS)
		return pos > low && is(text.p[pos - 1], BLANK);
	if (prev && prev->code == STEP_LIT)
		return step_literal_before(prev, text, low, pos);
	return pos == low || !is(text.p[pos - 1], DIGIT | ALPHA);
}

static size_t
run_of(struct str text, size_t pos, unsigned class, size_t max)
{
	size_t end = pos;

	while (end - pos < max && is_at(text, end, class))
		end++;
	return end;
}

/* Length of a dotted quad at text[pos], or 0. */
static size_t
quad_at(struct str text, size_t pos)
{
	size_t at = pos;

	for (int part = 0; part < 4; part++) {
		unsigned value = 0;
		size_t from = at;

		if (part && !(at < text.n && text.p[at++] == '.'))
			return 0;
		from = at;
		while (at - from < 3 && is_at(text, at, DIGIT))
			value = value * 10 + (unsigned)(text.p[at++] - '0');
		if (at == from || value > 255)
			return 0;
	}
	return is_at(text, at, DIGIT) ? 0 : at - pos;
}

static bool
is_address(struct str s)
{
	struct addr a;

	return addr_parse(s, &a) == 0;
}

/* IPv4, perhaps with a full stop that belongs to the sentence. */
static size_t
take_quad(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t n = quad_at(text, pos), end = pos + n;

	if (n == 0)
		return HOLE_MISS;
	*ret = str_of(text.p + pos, n);
	if (may_end(text, end, next))
		return end;
	if (end < text.n && text.p[end] == '.' && !is_at(text, end + 1, HOST) && may_end(text, end + 1, next))
		return end + 1;
	return HOLE_MISS;
}

/* IPv6 with an optional zone; the longest that is an address and lets the next step begin. */
static size_t
take_six(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t end = run_of(text, pos, IP6, IP_MAX);
	size_t zone = end;

	if (str_find_byte(str_of(text.p + pos, end - pos), ':') == end - pos)
		return HOLE_MISS;
	if (end < text.n && text.p[end] == '%')
		zone = run_of(text, end + 1, HOST, 16);
	if (zone > end && may_end(text, zone, next) && is_address(str_of(text.p + pos, end - pos))) {
		*ret = str_of(text.p + pos, end - pos);
		return zone;
	}
	for (; end > pos + 1; end--) {
		if (!may_end(text, end, next) || !is_address(str_of(text.p + pos, end - pos)))
			continue;
		*ret = str_of(text.p + pos, end - pos);
		return end;
	}
	return HOLE_MISS;
}

static size_t
take_bracketed(struct str text, size_t pos, struct str *ret)
{
	struct str inside = str_head(str_from(text, pos + 1), IP_MAX + 18);
	size_t n = str_find_byte(inside, ']');
	size_t zone = str_find_byte(str_head(inside, n), '%');

	if (n == inside.n || !is_address(str_head(inside, n)))
		return HOLE_MISS;
	*ret = str_head(inside, zone);
	return pos + n + 2;
}

static size_t
take_ip(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t end;

	if (text.p[pos] == '[')
		return take_bracketed(text, pos, ret);
	end = take_quad(text, pos, next, ret);
	return end != HOLE_MISS ? end : take_six(text, pos, next, ret);
}

static size_t
take_host(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t end = is(text.p[pos], DIGIT | ALPHA) ? run_of(text, pos, HOST, HOLE_HOST_MAX) : pos;

	while (end > pos && !may_end(text, end, next))
		end--;
	if (end == pos)
		return HOLE_MISS;
	*ret = str_of(text.p + pos, end - pos);
	while (ret->n > 1 && ret->p[ret->n - 1] == '.')
		ret->n--;
	return end;
}

static size_t
take_addr(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t end = HOLE_MISS;

	if (is(text.p[pos], IP6) || text.p[pos] == '[')
		end = take_ip(text, pos, next, ret);
	return end != HOLE_MISS ? end : take_host(text, pos, next, ret);
}

static size_t
take_port(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t end = run_of(text, pos, DIGIT, 6);
	unsigned value = 0;

	for (size_t i = pos; i < end; i++)
		value = value * 10 + (unsigned)(text.p[i] - '0');
	if (end > pos && value <= 65535 && !is_at(text, end, ALPHA)) {
		*ret = str_of(text.p + pos, end - pos);
		return end;
	}
	end = run_of(text, pos, DIGIT | ALPHA | HOST, 32);
	while (end > pos && !may_end(text, end, next))
		end--;
	*ret = str_of(text.p + pos, end - pos);
	return service_port(*ret).n ? end : HOLE_MISS;
}

static size_t
take_int(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t digits = pos + (text.p[pos] == '-' || text.p[pos] == '+');
	size_t end = run_of(text, digits, DIGIT, NUMBER_MAX);

	if (end == digits)
		return HOLE_MISS;
	*ret = str_of(text.p + pos, end - pos);
	return end;
}

static size_t
take_num(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t end = take_int(text, pos, next, ret), more;

	if (end == HOLE_MISS)
		return HOLE_MISS;
	more = end < text.n && text.p[end] == '.' ? run_of(text, end + 1, DIGIT, NUMBER_MAX) : end;
	if (more > end + 1)
		end = more;
	*ret = str_of(text.p + pos, end - pos);
	return end;
}

static size_t
take_hex(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t from = pos, end;

	if (text.n - pos > 2 && text.p[pos] == '0' && fold(text.p[pos + 1]) == 'x')
		from += 2;
	end = run_of(text, from, HEX, 64);
	while (end > from && !may_end(text, end, next))
		end--;
	if (end == from)
		return HOLE_MISS;
	*ret = str_of(text.p + pos, end - pos);
	return end;
}

static inline size_t
run_of_word(struct str text, size_t pos)
{
	const char *p = text.p + pos, *end = text.p + text.n;

	while (p < end && !is_blank(*p))
		p++;
	return (size_t)(p - text.p);
}

/* Up to a blank, or to the first place where the literal that follows stands. */
static size_t
take_word(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	const struct step *lit = next && next->code == STEP_LIT ? next : NULL;
	size_t end = pos;

	if (!lit)
		end = run_of_word(text, pos);
	while (lit && end < text.n && !is(text.p[end], BLANK) &&
	    !(end > pos && (lit->nocase || text.p[end] == lit->lit[0]) && step_ends_word(lit, text, end)))
		end++;
	if (end == pos)
		return HOLE_MISS;
	*ret = str_of(text.p + pos, end - pos);
	return end;
}

/* The quote that ends what begins at pos, behind the opening one; text.n when there is none. */
static size_t
closing_quote(struct str text, size_t pos)
{
	size_t plain = pos + str_find_byte(str_from(text, pos), '"');

	/* Without a backslash before it the first quote is the one: most are found so. */
	if (plain == text.n || !memchr(text.p + pos, '\\', plain - pos))
		return plain;
	while (pos < text.n && text.p[pos] != '"')
		pos += text.p[pos] == '\\' ? 2 : 1;
	return pos < text.n ? pos : text.n;
}

static size_t
take_quoted(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t end;

	if (text.p[pos] != '"')
		return HOLE_MISS;
	end = closing_quote(text, pos + 1);
	if (end == text.n)
		return HOLE_MISS;
	*ret = str_of(text.p + pos + 1, end - pos - 1);
	return end + 1;
}

static size_t
take_time(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	struct stamp stamp;
	size_t n = stamp_parse(str_head(str_from(text, pos), HOLE_TIME_MAX), &stamp);

	if (n == 0)
		return HOLE_MISS;
	*ret = str_of(text.p + pos, n);
	return pos + n;
}

/* Six bytes of one or two hex digits between : or -, or three groups of four between dots. */
static size_t
take_mac(struct str text, size_t pos, const struct step *next, struct str *ret)
{
	size_t at = run_of(text, pos, HEX, 4);
	char sep = at < text.n ? text.p[at] : '\0';
	size_t parts = sep == '.' ? 3 : 6, width = sep == '.' ? 4 : 2;

	if (at == pos || at - pos > width || !(sep == ':' || sep == '-' || sep == '.'))
		return HOLE_MISS;
	for (size_t part = 1; part < parts; part++) {
		size_t from = at + 1;

		if (at >= text.n || text.p[at] != sep)
			return HOLE_MISS;
		at = run_of(text, from, HEX, width);
		if (at == from)
			return HOLE_MISS;
	}
	*ret = str_of(text.p + pos, at - pos);
	return is_at(text, at, HEX) ? HOLE_MISS : at;
}

typedef size_t take_fn(struct str text, size_t pos, const struct step *next, struct str *ret);

static take_fn *const takers[HOLE_TYPES] = {
	[HOLE_IP] = take_ip, [HOLE_ADDR] = take_addr, [HOLE_HOST] = take_host, [HOLE_PORT] = take_port,
	[HOLE_INT] = take_int, [HOLE_NUM] = take_num, [HOLE_HEX] = take_hex, [HOLE_WORD] = take_word,
	[HOLE_QUOTED] = take_quoted, [HOLE_TIME] = take_time, [HOLE_MAC] = take_mac,
};

size_t
hole_forward(enum hole_type t, struct str text, size_t pos, const struct step *next, struct str *ret_value,
    uint64_t *steps)
{
	size_t end;

	*steps += 1;
	if (pos >= text.n)
		return HOLE_MISS;
	end = takers[t](text, pos, next, ret_value);
	if (end != HOLE_MISS)
		*steps += (end - pos) / 8;
	else if (t == HOLE_QUOTED)
		*steps += (text.n - pos) / 8;
	return end;
}

bool
hole_may_begin(enum hole_type t, char c)
{
	static const unsigned first[HOLE_TYPES] = {
		[HOLE_IP] = IP6, [HOLE_ADDR] = IP6 | DIGIT | ALPHA, [HOLE_HOST] = DIGIT | ALPHA, [HOLE_PORT] = DIGIT | ALPHA,
		[HOLE_INT] = DIGIT, [HOLE_NUM] = DIGIT, [HOLE_HEX] = HEX, [HOLE_MAC] = HEX,
	};

	switch (t) {
	case HOLE_IP:
	case HOLE_ADDR:
		return c == '[' || is(c, first[t]);
	case HOLE_INT:
	case HOLE_NUM:
		return c == '-' || c == '+' || is(c, DIGIT);
	case HOLE_QUOTED:
		return c == '"';
	case HOLE_WORD:
		return !is(c, BLANK);
	case HOLE_TIME:            /* what stamp_parse() looks at: a digit, a mark, or the name of a day or month */
		return is(c, DIGIT) || (c && strchr("[@*.JFMASONDTWIE", c));
	default:
		return first[t] == 0 || is(c, first[t]);
	}
}

enum run_phase {
	RUN_BEFORE,
	RUN_WITHIN,          /* may end */
	RUN_QUOTED,          /* within quotes */
	RUN_ESCAPED,         /* behind a backslash within quotes */
	RUN_BRACKETED,       /* a time within brackets */
	RUN_OVER,            /* must end */
};

bool
hole_run_may_end(unsigned phase)
{
	return phase == RUN_WITHIN || phase == RUN_OVER;
}

bool
hole_run_is_over(unsigned phase)
{
	return phase == RUN_OVER;
}

/* The bytes that may follow the first; 0: all but blanks. */
static const unsigned run_classes[HOLE_TYPES] = {
	[HOLE_IP] = ADDRESS, [HOLE_ADDR] = ADDRESS, [HOLE_HOST] = HOST, [HOLE_PORT] = HOST, [HOLE_INT] = NUMBER,
	[HOLE_NUM] = NUMBER, [HOLE_HEX] = HEXADECIMAL, [HOLE_TIME] = TIME, [HOLE_MAC] = LINK,
};

unsigned
hole_run_class(char c)
{
	static const char apart[] = "\"\\[]@*JFMASONDTWIE";
	const char *at = c ? strchr(apart, c) : NULL;

	return (unsigned)classes[(unsigned char)c] << 8 | (at ? (unsigned)(at - apart) + 1 : 0);
}

unsigned
hole_run(enum hole_type t, unsigned phase, char c)
{
	switch ((enum run_phase)phase) {
	case RUN_BEFORE:
		if (!hole_may_begin(t, c))
			return HOLE_RUN_DEAD;
		return t == HOLE_QUOTED ? RUN_QUOTED : t == HOLE_TIME && c == '[' ? RUN_BRACKETED : RUN_WITHIN;
	case RUN_WITHIN:
		if (t == HOLE_WORD)
			return is(c, BLANK) ? HOLE_RUN_DEAD : RUN_WITHIN;
		return is(c, run_classes[t]) ? RUN_WITHIN : HOLE_RUN_DEAD;
	case RUN_QUOTED:
		return c == '\\' ? RUN_ESCAPED : c == '"' ? RUN_OVER : RUN_QUOTED;
	case RUN_ESCAPED:
		return RUN_QUOTED;
	case RUN_BRACKETED:
		return c == ']' ? RUN_OVER : is(c, TIME) ? RUN_BRACKETED : HOLE_RUN_DEAD;
	case RUN_OVER:
		break;
	}
	return HOLE_RUN_DEAD;
}

/* Words and quotations reach back to the nearest place where the step before may end. */
static size_t
word_backward(struct str text, size_t low, size_t end, const struct step *prev, struct str *ret)
{
	size_t pos = end;

	while (pos > low && !is(text.p[pos - 1], BLANK)) {
		pos--;
		if (prev && prev->code == STEP_LIT && step_literal_before(prev, text, low, pos))
			break;
	}
	*ret = str_of(text.p + pos, end - pos);
	return pos < end ? pos : HOLE_MISS;
}

static bool
escaped(struct str text, size_t low, size_t pos)
{
	size_t n = 0;

	while (pos - n > low && n < 64 && text.p[pos - n - 1] == '\\')
		n++;
	return n % 2;
}

static size_t
quoted_backward(struct str text, size_t low, size_t end, struct str *ret)
{
	size_t pos = end;

	if (end - low < 2 || text.p[end - 1] != '"')
		return HOLE_MISS;
	for (pos = end - 1; pos-- > low;) {
		if (text.p[pos] != '"' || escaped(text, low, pos))
			continue;
		*ret = str_of(text.p + pos + 1, end - pos - 2);
		return pos;
	}
	return HOLE_MISS;
}

/* How far back each bounded type may reach, and the bytes that it is made of (0: any). */
static const struct {
	size_t max;
	unsigned class;
} reach[HOLE_TYPES] = {
	[HOLE_IP] = { IP_MAX + 18, ADDRESS }, [HOLE_ADDR] = { HOLE_HOST_MAX, ADDRESS },
	[HOLE_HOST] = { HOLE_HOST_MAX, HOST }, [HOLE_PORT] = { 32, HOST }, [HOLE_INT] = { NUMBER_MAX + 1, NUMBER },
	[HOLE_NUM] = { 2 * NUMBER_MAX, NUMBER }, [HOLE_HEX] = { 66, HEXADECIMAL }, [HOLE_TIME] = { HOLE_TIME_MAX, 0 },
	[HOLE_MAC] = { 17, LINK },
};

/* The longest text of the type that ends at end and begins where the step before may end. */
static size_t
bounded_backward(enum hole_type t, struct str text, size_t low, size_t end, const struct step *prev, struct str *ret)
{
	struct str upto = str_head(text, end);
	size_t pos = end, least = end - low > reach[t].max ? end - reach[t].max : low;
	unsigned class = reach[t].class;

	while (pos > least && (class == 0 || is(text.p[pos - 1], class)))
		pos--;
	for (; pos < end; pos++) {
		if (may_begin(text, low, pos, prev) && takers[t](upto, pos, NULL, ret) == end)
			return pos;
	}
	return HOLE_MISS;
}

size_t
hole_backward(enum hole_type t, struct str text, size_t low, size_t end, const struct step *prev,
    struct str *ret_value, uint64_t *steps)
{
	size_t pos;

	*steps += 1;
	if (end <= low)
		return HOLE_MISS;
	if (t == HOLE_WORD)
		pos = word_backward(text, low, end, prev, ret_value);
	else if (t == HOLE_QUOTED)
		pos = quoted_backward(text, low, end, ret_value);
	else
		pos = bounded_backward(t == HOLE_ADDR ? HOLE_IP : t, text, low, end, prev, ret_value);
	if (pos == HOLE_MISS && t == HOLE_ADDR)
		pos = bounded_backward(HOLE_HOST, text, low, end, prev, ret_value);
	if (pos != HOLE_MISS)
		*steps += (end - pos) / 8;
	else if (t == HOLE_QUOTED)
		*steps += (end - low) / 8;
	return pos;
}
