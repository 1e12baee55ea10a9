/*
 * kv: pairs, CEF, LEEF. Hostile text can make pairs of its own here; which keys count is the rules'
 * decision.
 */
#include "wire/kv.h"

#define KEY_MAX 64

enum {
	BLANK = 1 << 0,
	KEY = 1 << 1,        /* may stand in a key */
	STOP = 1 << 2,       /* may end a value without quotes */
};

__extension__ static const unsigned char classes[256] = {
	[' '] = BLANK | STOP, ['\t'] = BLANK | STOP, [','] = STOP, [';'] = STOP,
	['a' ... 'z'] = KEY, ['A' ... 'Z'] = KEY, ['0' ... '9'] = KEY,
	['_'] = KEY, ['.'] = KEY, ['-'] = KEY, ['@'] = KEY, ['/'] = KEY, ['['] = KEY, [']'] = KEY,
};

static inline bool
is(char c, unsigned class)
{
	return classes[(unsigned char)c] & class;
}

static inline bool
blank(char c)
{
	return is(c, BLANK);
}

static inline bool
key_byte(char c)
{
	return is(c, KEY);
}

/* Length of a key with '=' behind it at the start of s, or 0. */
static size_t
key_length(struct str s)
{
	size_t n = 0;
	while (n < s.n && n < KEY_MAX && key_byte(s.p[n]))
		n++;
	return n && n < s.n && s.p[n] == '=' ? n : 0;
}

/* The index of the closing quote, or s.n; s begins behind the opening one. */
static size_t
quoted_length(struct str s, char quote, bool *ret_escaped)
{
	size_t i = 0;
	*ret_escaped = false;
	for (; i < s.n && s.p[i] != quote; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n) {
			*ret_escaped = true;
			i++;
		}
	}
	return i < s.n ? i : s.n;
}

static size_t
plain_length(struct str s)
{
	size_t i = 0;
	for (; i < s.n; i++) {
		if (!is(s.p[i], STOP))
			continue;
		if (blank(s.p[i]))
			break;
		if (i + 1 >= s.n || blank(s.p[i + 1]) || key_length(str_from(s, i + 1)))
			break;
	}
	return i;
}

/* What encloses the whole list, not the value: "(hostname=?, res=failed)'" */
static struct str
without_closers(struct str v)
{
	if (v.n && v.p[v.n - 1] == '\'' && str_find_byte(v, '\'') == v.n - 1)
		v.n--;
	if (v.n && v.p[v.n - 1] == ')' && str_find_byte(v, '(') == v.n)
		v.n--;
	return v;
}

static bool
sign_only(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (key_byte(s.p[i]) && s.p[i] != '-' && s.p[i] != '.' && s.p[i] != '/')
			return false;
	return true;
}

static void
take_value(struct str *rest, struct kv *ret)
{
	char quote = rest->n ? *rest->p : 0;
	if (quote == '"' || quote == '\'') {
		*rest = str_from(*rest, 1);
		size_t n = quoted_length(*rest, quote, &ret->escaped);
		ret->value = str_head(*rest, n);
		ret->quoted = true;
		*rest = str_from(*rest, n + 1);
		return;
	}
	size_t n = plain_length(*rest);
	ret->value = without_closers(str_head(*rest, n));
	*rest = str_from(*rest, n);
}

bool
kv_next(struct str *rest, struct kv *ret)
{
	for (;;) {
		while (rest->n &&
		    (blank(*rest->p) || *rest->p == ',' || *rest->p == ';' || *rest->p == '('))
			*rest = str_from(*rest, 1);
		if (!rest->n)
			return false;
		*ret = (struct kv){ .key = STR_NULL };
		size_t n = key_length(*rest);
		if (!n) {
			take_value(rest, ret);
			if (ret->quoted || !sign_only(ret->value))
				return true;
			/* A sign that plain_length() stops at is no progress. */
			if (rest->n && !ret->value.n)
				*rest = str_from(*rest, 1);
			continue;
		}
		ret->key = str_head(*rest, n);
		*rest = str_from(*rest, n + 1);
		if (str_eq(ret->key, STR("msg")) && rest->n > 1 && *rest->p == '\'' &&
		    key_length(str_from(*rest, 1))) {
			*rest = str_from(*rest, 1);
			continue;
		}
		take_value(rest, ret);
		return true;
	}
}

static int
hex(char c)
{
	if ((unsigned char)(c - '0') < 10)
		return c - '0';
	return (unsigned char)((c | 0x20) - 'a') < 6 ? (c | 0x20) - 'a' + 10 : -1;
}

void
kv_unescape(struct str raw, struct buf *out)
{
	static const char plain[] = "\"\\'nrt=|", meant[] = "\"\\'\n\r\t=|";
	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i];
		const char *hit = c == '\\' && i + 1 < raw.n && raw.p[i + 1]
		    ? strchr(plain, raw.p[i + 1])
		    : NULL;
		if (hit) {
			buf_add_byte(out, meant[hit - plain]);
			i++;
		} else if (c == '\\' && i + 3 < raw.n && raw.p[i + 1] == 'x' &&
		    hex(raw.p[i + 2]) >= 0 && hex(raw.p[i + 3]) >= 0) {
			buf_add_byte(out, (char)(hex(raw.p[i + 2]) << 4 | hex(raw.p[i + 3])));
			i += 3;
		} else {
			buf_add_byte(out, c);
		}
	}
}

/* A header part up to an unescaped '|'. */
static bool
header_part(struct str *rest, struct str *ret)
{
	for (size_t i = 0; i < rest->n; i++) {
		if (rest->p[i] == '\\') {
			i++;
		} else if (rest->p[i] == '|') {
			*ret = str_head(*rest, i);
			*rest = str_from(*rest, i + 1);
			return true;
		}
	}
	return false;
}

static bool
cef_header(struct str s, struct cef *ret)
{
	struct str version;
	struct cef c = { .separator = ' ' };
	if (!header_part(&s, &version) || !header_part(&s, &c.vendor) ||
	    !header_part(&s, &c.product) || !header_part(&s, &c.version) ||
	    !header_part(&s, &c.id) || !header_part(&s, &c.name) || !header_part(&s, &c.severity))
		return false;
	c.extension = s;
	*ret = c;
	return true;
}

/* LEEF 2 may name its separator: "|^|" or "|x5E|". */
static void
leef_separator(struct str *s, struct cef *c)
{
	size_t bar = str_find_byte(str_head(*s, 6), '|');
	if (bar >= s->n || bar > 5)
		return;
	if (bar == 1) {
		c->separator = *s->p;
	} else if (bar >= 3 && (*s->p == 'x' || s->p[1] == 'x') && hex(s->p[bar - 2]) >= 0 &&
	    hex(s->p[bar - 1]) >= 0) {
		c->separator = (char)(hex(s->p[bar - 2]) << 4 | hex(s->p[bar - 1]));
	} else if (bar) {
		return;
	}
	*s = str_from(*s, bar + 1);
}

static bool
leef_header(struct str s, struct cef *ret)
{
	struct str version;
	struct cef c = { .leef = true, .separator = '\t' };
	if (!header_part(&s, &version) || !header_part(&s, &c.vendor) ||
	    !header_part(&s, &c.product) || !header_part(&s, &c.version) || !header_part(&s, &c.id))
		return false;
	if (str_starts(version, STR("2")))
		leef_separator(&s, &c);
	c.extension = s;
	*ret = c;
	return true;
}

bool
cef_parse(struct str s, struct cef *ret)
{
	size_t at = str_find(str_head(s, 512), STR("CEF:"));
	if (at < s.n && at < 512 && cef_header(str_from(s, at + 4), ret))
		return true;
	at = str_find(str_head(s, 512), STR("LEEF:"));
	return at < s.n && at < 512 && leef_header(str_from(s, at + 5), ret);
}

/* The next '=' that no backslash shields, or s.n. */
static size_t
equals(struct str s, size_t from, bool *ret_escaped)
{
	for (size_t i = from; i < s.n; i++) {
		if (s.p[i] == '\\') {
			*ret_escaped = true;
			i++;
		} else if (s.p[i] == '=') {
			return i;
		}
	}
	return s.n;
}

static bool
leef_next(const struct cef *c, struct str *rest, struct kv *ret)
{
	struct str pair;
	while (str_split(rest, c->separator, &pair)) {
		size_t eq = str_find_byte(pair, '=');
		if (eq == 0 || eq == pair.n)
			continue;
		*ret = (struct kv){ .key = str_trim(str_head(pair, eq)),
			.value = str_from(pair, eq + 1) };
		return true;
	}
	return false;
}

bool
cef_next(const struct cef *c, struct str *rest, struct kv *ret)
{
	if (c->leef)
		return leef_next(c, rest, ret);
	*rest = str_trim(*rest);
	bool ignored = false;
	size_t eq = equals(*rest, 0, &ignored), start = eq;
	if (eq == rest->n)
		return false;
	while (start > 0 && !blank(rest->p[start - 1]))
		start--;
	*ret = (struct kv){ .key = str_of(rest->p + start, eq - start) };
	*rest = str_from(*rest, eq + 1);
	/*
	 * The value ends at the blank before the next key; an '=' in a value that shields none is
	 * the writer's fault.
	 */
	size_t next = equals(*rest, 0, &ret->escaped), end = next;
	if (next < rest->n) {
		while (end > 0 && key_byte(rest->p[end - 1]))
			end--;
		if (end == next || end == 0 || !blank(rest->p[end - 1]))
			end = plain_length(*rest);
	}
	ret->value = str_trim(str_head(*rest, end));
	*rest = str_from(*rest, end);
	return true;
}
