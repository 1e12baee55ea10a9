/*
 * json: the walk is a loop over bytes with a stack of open containers; strings are skipped eight
 * bytes at a time.
 */
#include "wire/json.h"

#include <endian.h>
#include <errno.h>

struct level {
	uint16_t path; /* length of the path up to here, dot included */
	bool array;
	bool lost;      /* the path did not fit: leaves below are counted, not handed over */
	uint32_t index; /* next element of an array */
};

struct walk {
	const char *p, *end;
	json_each *each;
	void *ctx;
	struct str key; /* of the member being read; raw */
	unsigned depth;
	uint32_t items;
	bool lost; /* something was left out: -E2BIG at the end */
	struct level levels[JSON_DEPTH_MAX + 1];
	char path[JSON_PATH_MAX];
};

#define LOW UINT64_C(0x0101010101010101)
#define HIGH UINT64_C(0x8080808080808080)

static uint64_t
zero_bytes(uint64_t v)
{
	return (v - LOW) & ~v & HIGH;
}

/* The first quote or backslash at or after p, or end. */
static const char *
string_stop(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		v = le64toh(v);
		uint64_t hit = zero_bytes(v ^ (LOW * '"')) | zero_bytes(v ^ (LOW * '\\'));
		if (hit)
			return p + (__builtin_ctzll(hit) >> 3);
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* p behind the opening quote. False when the text ends first. */
static bool
string(struct walk *w, struct str *ret, bool *ret_escaped)
{
	const char *start = w->p, *p = start;
	*ret_escaped = false;
	for (;;) {
		p = string_stop(p, w->end);
		if (p >= w->end)
			return false;
		if (*p == '"')
			break;
		*ret_escaped = true;
		p += 2;
		if (p > w->end)
			return false;
	}
	*ret = str_of(start, (size_t)(p - start));
	w->p = p + 1;
	return true;
}

static void
blanks(struct walk *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\n' || *w->p == '\r'))
		w->p++;
}

/* Decimal digits of an array index; at least ten bytes. */
static size_t
digits(uint32_t v, char *dst)
{
	char turned[10];
	size_t n = 0;
	do
		turned[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (size_t i = 0; i < n; i++)
		dst[i] = turned[n - 1 - i];
	return n;
}

/* The dotted key of the leaf or container at hand, written behind the path of its level. */
static bool
place(struct walk *w, struct str *ret)
{
	struct level *l = &w->levels[w->depth];
	char number[10];
	struct str last = w->key;
	if (l->array)
		last = str_of(number, digits(l->index++, number));
	else if (l->path == 0) {
		*ret = last;
		return !l->lost;
	}
	if (l->lost || l->path + last.n > sizeof(w->path))
		return false;
	if (last.n)
		memcpy(w->path + l->path, last.p, last.n);
	*ret = str_of(w->path, l->path + last.n);
	return true;
}

static int
leaf(struct walk *w, enum json_type type, struct str value, bool escaped)
{
	struct json_item item = {
		.value = value, .type = type, .escaped = escaped, .depth = w->depth
	};
	if (++w->items > JSON_ITEMS_MAX)
		return -E2BIG;
	if (!place(w, &item.key)) {
		w->lost = true;
		return 0;
	}
	return w->each(w->ctx, &item) ? 0 : -ECANCELED;
}

static int
push(struct walk *w, bool array)
{
	struct level below = { .array = array };
	if (w->depth >= JSON_DEPTH_MAX)
		return -E2BIG;
	if (w->depth > 0) {
		struct str key;
		if (!place(w, &key) || key.n + 1 > sizeof(w->path)) {
			below.lost = w->lost = true;
		} else {
			/* A key of the outermost object still lies in the text only. */
			if (key.n && key.p != w->path)
				memcpy(w->path, key.p, key.n);
			w->path[key.n] = '.';
			below.path = (uint16_t)(key.n + 1);
		}
	}
	w->levels[++w->depth] = below;
	return 0;
}

static int
word(struct walk *w, struct str text, enum json_type type)
{
	struct str rest = str_of(w->p, (size_t)(w->end - w->p));
	if (!str_starts(rest, text))
		return -EBADMSG;
	w->p += text.n;
	return leaf(w, type, str_head(rest, text.n), false);
}

static int
number(struct walk *w)
{
	const char *start = w->p;
	while (w->p < w->end &&
	    ((unsigned char)(*w->p - '0') < 10 || *w->p == '.' || *w->p == '-' || *w->p == '+' ||
		*w->p == 'e' || *w->p == 'E'))
		w->p++;
	if (w->p == start)
		return -EBADMSG;
	return leaf(w, JSON_NUMBER, str_of(start, (size_t)(w->p - start)), false);
}

static int
container(struct walk *w, bool array)
{
	const char *start = w->p++;
	blanks(w);
	if (w->p < w->end && *w->p == (array ? ']' : '}') && w->depth > 0) {
		w->p++;
		return leaf(w, JSON_EMPTY, str_of(start, (size_t)(w->p - start)), false);
	}
	return push(w, array);
}

static int
value(struct walk *w)
{
	struct str s;
	bool escaped;
	if (w->p >= w->end)
		return -EBADMSG;
	switch (*w->p) {
	case '"':
		w->p++;
		return string(w, &s, &escaped) ? leaf(w, JSON_STRING, s, escaped) : -EBADMSG;
	case '{':
		return container(w, false);
	case '[':
		return container(w, true);
	case 't':
		return word(w, STR("true"), JSON_TRUE);
	case 'f':
		return word(w, STR("false"), JSON_FALSE);
	case 'n':
		return word(w, STR("null"), JSON_NULL);
	}
	return number(w);
}

/* `"key" :` of an object's member. */
static int
member_key(struct walk *w)
{
	bool escaped;
	if (w->p >= w->end || *w->p != '"')
		return -EBADMSG;
	w->p++;
	if (!string(w, &w->key, &escaped))
		return -EBADMSG;
	blanks(w);
	if (w->p >= w->end || *w->p != ':')
		return -EBADMSG;
	w->p++;
	return 0;
}

/* One step inside the container at hand: its end, a comma, or a value. */
static int
step(struct walk *w, bool *io_first)
{
	struct level *l = &w->levels[w->depth];
	blanks(w);
	if (w->p >= w->end)
		return -EBADMSG;
	if (*w->p == (l->array ? ']' : '}')) {
		w->p++;
		w->depth--;
		*io_first = false;
		return 0;
	}
	if (!*io_first) {
		if (*w->p != ',')
			return -EBADMSG;
		w->p++;
		blanks(w);
	}
	if (!l->array) {
		int r = member_key(w);
		if (r < 0)
			return r;
		blanks(w);
	}
	unsigned depth = w->depth;
	int r = value(w);
	*io_first = w->depth > depth;
	return r;
}

int
json_walk(struct str text, json_each *each, void *ctx, size_t *ret_used)
{
	struct walk w;
	w.p = text.p;
	w.end = text.p + text.n;
	w.each = each;
	w.ctx = ctx;
	w.key = STR_NULL;
	w.depth = 0;
	w.items = 0;
	w.lost = false;
	w.levels[0] = (struct level){ .path = 0 };
	blanks(&w);
	bool first = true;
	int r = -EBADMSG;
	if (w.p < w.end && (*w.p == '{' || *w.p == '['))
		r = container(&w, *w.p == '[');
	while (r == 0 && w.depth > 0)
		r = step(&w, &first);
	if (ret_used)
		*ret_used = (size_t)(w.p - text.p);
	if (r == -ECANCELED)
		return 0;
	return r == 0 && w.lost ? -E2BIG : r;
}

static int
hex4(const char *p)
{
	int v = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int d = (unsigned char)(c - '0') < 10        ? c - '0'
		    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							     : -1;
		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

static void
add_utf8(struct buf *out, uint32_t c)
{
	char b[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n; i > 1; i--) {
		b[i - 1] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	b[0] = (char)(lead[n] | c);
	buf_add(out, str_of(b, n));
}

/*
 * "uXXXX" behind a backslash, perhaps the first of a surrogate pair. Returns the bytes taken, 0
 * when it is none.
 */
static size_t
unicode(struct str s, struct buf *out)
{
	int hi = s.n >= 5 ? hex4(s.p + 1) : -1;
	if (hi < 0)
		return 0;
	if (hi < 0xd800 || hi > 0xdfff) {
		add_utf8(out, (uint32_t)hi);
		return 5;
	}
	int lo = hi < 0xdc00 && s.n >= 11 && s.p[5] == '\\' && s.p[6] == 'u' ? hex4(s.p + 7) : -1;
	if (lo < 0xdc00 || lo > 0xdfff) {
		add_utf8(out, 0xfffd);
		return 5;
	}
	add_utf8(out, 0x10000 + ((uint32_t)(hi - 0xd800) << 10) + (uint32_t)(lo - 0xdc00));
	return 11;
}

void
json_unescape(struct str raw, struct buf *out)
{
	static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	while (raw.n) {
		size_t slash = str_find_byte(raw, '\\');
		bool last = slash + 1 == raw.n;
		buf_add(out, str_head(raw, slash + last));
		raw = str_from(raw, slash + 1);
		if (!raw.n)
			return;
		const char *hit = *raw.p ? strchr(plain, *raw.p) : NULL;
		size_t n = hit ? 1 : *raw.p == 'u' ? unicode(raw, out) : 0;
		if (hit)
			buf_add_byte(out, meant[hit - plain]);
		else if (!n)
			buf_add_byte(out, '\\');
		raw = str_from(raw, n);
	}
}
