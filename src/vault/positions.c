/*
 * positions: see positions.h. The reader of expressions knows PCRE2's syntax as far as it can be expressed; at everything
 * else it gives up, so a construct it has never heard of cannot be misread.
 */
#include "vault/positions.h"

#include <errno.h>
#include <string.h>

#define DEPTH_MAX 64u
#define STEPS_MAX 20000u        /* pieces read: repeats of repeats of nothing end */
#define REPEAT_MAX 255u

struct piece {
	struct posset first, last;
	bool nullable;
};

struct reader {
	struct positions *p;
	struct str text;
	size_t at;
	bool fold;
	unsigned depth, steps;
};

static const struct piece nothing = { .nullable = true };

static int read_alternatives(struct reader *r, struct piece *ret);

static bool
more(const struct reader *r)
{
	return r->at < r->text.n;
}

static char
peek(const struct reader *r)
{
	return more(r) ? r->text.p[r->at] : '\0';
}

static bool
take(struct reader *r, struct str word)
{
	if (!str_starts(str_from(r->text, r->at), word))
		return false;
	r->at += word.n;
	return true;
}

static void
add_range(struct posset *bytes, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		posset_add(bytes, c);
}

static void
invert(struct posset *bytes)
{
	for (int i = 0; i < 4; i++)
		bytes->w[i] = ~bytes->w[i];
}

/* The classes of bytes that a letter behind '\' means, as in PCRE2 without UTF. */
static bool
class_of(char letter, struct posset *ret)
{
	struct posset b = { 0 };

	switch (letter | 0x20) {
	case 'd':
		add_range(&b, '0', '9');
		break;
	case 'w':
		add_range(&b, '0', '9');
		add_range(&b, 'A', 'Z');
		add_range(&b, 'a', 'z');
		posset_add(&b, '_');
		break;
	case 's':
		add_range(&b, '\t', '\r');
		posset_add(&b, ' ');
		break;
	default:
		return false;
	}
	if (!(letter & 0x20))
		invert(&b);
	*ret = b;
	return true;
}

static const struct {
	struct str name;
	const char *ranges;             /* pairs: from, to */
} posix_classes[] = {
	{ STR_INIT("alpha"), "AZaz" }, { STR_INIT("digit"), "09" }, { STR_INIT("alnum"), "09AZaz" }, { STR_INIT("upper"), "AZ" },
	{ STR_INIT("lower"), "az" }, { STR_INIT("xdigit"), "09AFaf" }, { STR_INIT("space"), "\t\r  " }, { STR_INIT("punct"), "!/:@[`{~" },
	{ STR_INIT("word"), "09AZaz__" }, { STR_INIT("blank"), "\t\t  " },
};

/* "[:name:]" within brackets. */
static int
read_posix(struct reader *r, struct posset *bytes)
{
	for (size_t i = 0; i < ARRAY_LEN(posix_classes); i++) {
		const char *range = posix_classes[i].ranges;
		struct str rest = str_from(r->text, r->at + 2);

		if (!str_starts(rest, posix_classes[i].name) || !str_starts(str_from(rest, posix_classes[i].name.n), STR(":]")))
			continue;
		for (; *range; range += 2)
			add_range(bytes, (unsigned char)range[0], (unsigned char)range[1]);
		r->at += posix_classes[i].name.n + 4;
		return 0;
	}
	return -ENOTSUP;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\xHH" behind the x. */
static int
read_hex(struct reader *r, unsigned char *ret)
{
	int high = nibble(peek(r)), low;

	if (high < 0)
		return -ENOTSUP;
	r->at++;
	low = nibble(peek(r));
	if (low < 0)
		return -ENOTSUP;
	r->at++;
	*ret = (unsigned char)(high << 4 | low);
	return 0;
}

/* One byte that is written with '\': a sign that stands for itself, or a name of a control byte. */
static int
read_escaped_byte(struct reader *r, unsigned char *ret)
{
	static const char names[] = "tnrfea", bytes[] = "\t\n\r\f\x1b\a";
	char c = peek(r);
	const char *name = c ? strchr(names, c) : NULL;

	r->at++;
	if (name)
		*ret = (unsigned char)bytes[name - names];
	else if (c == 'x')
		return read_hex(r, ret);
	else if ((unsigned)((c | 0x20) - 'a') < 26 || (unsigned)(c - '0') < 10 || c == '\0')
		return -ENOTSUP;
	else
		*ret = (unsigned char)c;
	return 0;
}

/* A member of a class: a byte, or a whole class (*ret_class). */
static int
read_member(struct reader *r, struct posset *bytes, unsigned char *ret, bool *ret_class)
{
	struct posset class;

	*ret_class = false;
	if (peek(r) == '[' && r->at + 1 < r->text.n && strchr(":.=", r->text.p[r->at + 1])) {
		*ret_class = true;
		return r->text.p[r->at + 1] == ':' ? read_posix(r, bytes) : -ENOTSUP;
	}
	if (peek(r) != '\\') {
		*ret = (unsigned char)r->text.p[r->at++];
		return 0;
	}
	r->at++;
	if (class_of(peek(r), &class)) {
		r->at++;
		posset_join(bytes, &class);
		*ret_class = true;
		return 0;
	}
	return read_escaped_byte(r, ret);
}

static void
fold(struct posset *bytes)
{
	for (unsigned c = 'a'; c <= 'z'; c++) {
		if (posset_has(bytes, c) || posset_has(bytes, c - 0x20)) {
			posset_add(bytes, c);
			posset_add(bytes, c - 0x20);
		}
	}
}

/* Behind '['. A '-' that is not between two bytes stands for itself; beside a class that is read with care: refused. */
static int
read_class(struct reader *r, struct posset *ret)
{
	struct posset bytes = { 0 };
	bool inverted = take(r, STR("^")), begun = false, class;
	unsigned char from, to;
	int rc;

	while (more(r) && (peek(r) != ']' || !begun)) {
		begun = true;
		rc = read_member(r, &bytes, &from, &class);
		if (rc < 0)
			return rc;
		if (peek(r) == '-' && r->at + 1 < r->text.n && r->text.p[r->at + 1] != ']') {
			r->at++;
			if (class)
				return -ENOTSUP;
			rc = read_member(r, &bytes, &to, &class);
			if (rc < 0 || class || to < from)
				return -ENOTSUP;
			add_range(&bytes, from, to);
		} else if (!class) {
			posset_add(&bytes, from);
		}
	}
	if (!take(r, STR("]")))
		return -ENOTSUP;
	if (r->fold)
		fold(&bytes);
	if (inverted)
		invert(&bytes);
	*ret = bytes;
	return 0;
}

static int
add_position(struct reader *r, const struct posset *bytes, struct piece *ret)
{
	struct positions *p = r->p;
	struct piece piece = { 0 };

	if (p->n == POSITIONS_MAX)
		return -ENOTSUP;
	for (unsigned c = 0; c < 256; c++) {
		if (posset_has(bytes, c))
			posset_add(&p->at[c], p->n);
	}
	posset_add(&piece.first, p->n);
	piece.last = piece.first;
	p->n++;
	*ret = piece;
	return 0;
}

/* What stands for no byte: it is taken for always true, so more may match than PCRE2 says. */
static int
read_assertion(struct reader *r, struct piece *ret)
{
	r->p->exact = false;
	*ret = nothing;
	return 0;
}

static int
read_escape(struct reader *r, struct piece *ret)
{
	struct posset bytes = { 0 };
	unsigned char byte;
	int rc;

	if (peek(r) && strchr("bBAzZ", peek(r))) {
		r->at++;
		return read_assertion(r, ret);
	}
	if (class_of(peek(r), &bytes)) {
		r->at++;
		return add_position(r, &bytes, ret);
	}
	rc = read_escaped_byte(r, &byte);
	if (rc < 0)
		return rc;
	posset_add(&bytes, byte);
	if (r->fold)
		fold(&bytes);
	return add_position(r, &bytes, ret);
}

static int
read_group(struct reader *r, struct piece *ret)
{
	int rc;

	if (peek(r) == '*' || (peek(r) == '?' && !take(r, STR("?:"))) || r->depth == DEPTH_MAX)
		return -ENOTSUP;
	r->depth++;
	rc = read_alternatives(r, ret);
	r->depth--;
	if (rc == 0 && !take(r, STR(")")))
		rc = -ENOTSUP;
	return rc;
}

static int
read_atom(struct reader *r, struct piece *ret)
{
	struct posset bytes = { 0 };
	char c = r->text.p[r->at++];
	int rc;

	switch (c) {
	case '(':
		return read_group(r, ret);
	case '[':
		rc = read_class(r, &bytes);
		return rc < 0 ? rc : add_position(r, &bytes, ret);
	case '\\':
		return read_escape(r, ret);
	case '^':
	case '$':
		return read_assertion(r, ret);
	case '.':
		/* What ends a line is a setting of PCRE2: here it is any byte. */
		r->p->exact = false;
		invert(&bytes);
		return add_position(r, &bytes, ret);
	case '?':
	case '*':
	case '+':
	case '{':
		return -ENOTSUP;
	default:
		posset_add(&bytes, (unsigned char)c);
		if (r->fold)
			fold(&bytes);
		return add_position(r, &bytes, ret);
	}
}

/* Every last position of one piece may be followed by the first ones of another. */
static void
link_pieces(struct positions *p, const struct posset *last, const struct posset *first)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (posset_has(last, i))
			posset_join(&p->follow[i], first);
	}
}

static void
append(struct positions *p, struct piece *a, const struct piece *b)
{
	link_pieces(p, &a->last, &b->first);
	if (a->nullable)
		posset_join(&a->first, &b->first);
	if (b->nullable)
		posset_join(&a->last, &b->last);
	else
		a->last = b->last;
	a->nullable = a->nullable && b->nullable;
}

static bool
read_number(struct reader *r, unsigned *ret)
{
	unsigned n = 0;
	size_t begin = r->at;

	for (; (unsigned)(peek(r) - '0') < 10 && r->at < begin + 5; r->at++)
		n = n * 10 + (unsigned)(peek(r) - '0');
	*ret = n;
	return r->at > begin;
}

struct repeat {
	unsigned least, most;           /* most UINT_MAX: without end */
};

/* "{3}", "{3,}", "{3,5}" behind the brace. Other braces mean one thing or another by PCRE2's version: refused. */
static int
read_braces(struct reader *r, struct repeat *ret)
{
	if (!read_number(r, &ret->least))
		return -ENOTSUP;
	ret->most = ret->least;
	if (take(r, STR(",")) && !read_number(r, &ret->most))
		ret->most = UINT32_MAX;
	if (!take(r, STR("}")) || ret->least > REPEAT_MAX || (ret->most > REPEAT_MAX && ret->most != UINT32_MAX))
		return -ENOTSUP;
	return 0;
}

static int
read_repeat(struct reader *r, struct repeat *ret)
{
	int rc = 0;

	*ret = (struct repeat){ .least = 1, .most = 1 };
	if (take(r, STR("*")))
		*ret = (struct repeat){ .least = 0, .most = UINT32_MAX };
	else if (take(r, STR("+")))
		ret->most = UINT32_MAX;
	else if (take(r, STR("?")))
		ret->least = 0;
	else if (take(r, STR("{")))
		rc = read_braces(r, ret);
	else
		return 0;
	/* Lazy: the same texts match. Possessive: fewer. */
	if (rc == 0 && !take(r, STR("?")) && take(r, STR("+")))
		r->p->exact = false;
	return rc;
}

/* An atom with its repeat. Each copy of it has positions of its own: it is read again. */
static int
read_repeated(struct reader *r, struct piece *ret)
{
	size_t begin = r->at, end;
	struct piece all = nothing, one;
	struct repeat times = { .least = 1, .most = 1 };
	int rc = ++r->steps > STEPS_MAX ? -ENOTSUP : read_atom(r, &one);

	if (rc == 0)
		rc = read_repeat(r, &times);
	if (rc < 0 || times.most == 0)
		return rc < 0 ? rc : -ENOTSUP;
	end = r->at;
	for (unsigned i = 0; rc == 0 && (i == 0 || i < times.least || (times.most != UINT32_MAX && i < times.most)); i++) {
		if (i > 0) {
			r->at = begin;
			rc = ++r->steps > STEPS_MAX ? -ENOTSUP : read_atom(r, &one);
		}
		if (rc < 0)
			return rc;
		if (times.most == UINT32_MAX && i + 1 >= times.least)
			link_pieces(r->p, &one.last, &one.first);
		one.nullable = one.nullable || i >= times.least;
		append(r->p, &all, &one);
	}
	r->at = end;
	*ret = all;
	return rc;
}

static int
read_sequence(struct reader *r, struct piece *ret)
{
	struct piece all = nothing, one;

	while (more(r) && peek(r) != '|' && peek(r) != ')') {
		int rc = read_repeated(r, &one);

		if (rc < 0)
			return rc;
		append(r->p, &all, &one);
	}
	*ret = all;
	return 0;
}

static int
read_alternatives(struct reader *r, struct piece *ret)
{
	struct piece all, one;
	int rc = read_sequence(r, &all);

	while (rc == 0 && take(r, STR("|"))) {
		rc = read_sequence(r, &one);
		if (rc < 0)
			return rc;
		posset_join(&all.first, &one.first);
		posset_join(&all.last, &one.last);
		all.nullable = all.nullable || one.nullable;
	}
	if (rc == 0)
		*ret = all;
	return rc;
}

int
positions_parse(struct positions *p, struct str pattern, bool minds_case)
{
	struct reader r = { .p = p, .text = pattern, .fold = !minds_case };
	struct piece all;
	int rc;

	memset(p, 0, sizeof(*p));
	p->exact = true;
	rc = read_alternatives(&r, &all);
	if (rc < 0 || more(&r))
		return rc < 0 ? rc : -ENOTSUP;
	p->first = all.first;
	p->last = all.last;
	p->nullable = all.nullable;
	for (unsigned i = 0; i < p->n; i++) {
		for (unsigned k = 0; k < p->n; k++) {
			if (posset_has(&p->follow[i], k))
				posset_add(&p->before[k], i);
		}
	}
	return 0;
}

struct posset
positions_step(const struct positions *p, struct posset s, const struct posset *at)
{
	struct posset next = p->first;

	for (int i = 0; i < 4; i++) {
		for (uint64_t left = s.w[i]; left; left &= left - 1)
			posset_join(&next, &p->follow[i * 64 + __builtin_ctzll(left)]);
	}
	for (int i = 0; i < 4; i++)
		next.w[i] &= at->w[i];
	return next;
}

struct posset
positions_back(const struct positions *p, struct posset s, const struct posset *at)
{
	struct posset from = { 0 };

	posset_join(&s, &p->last);
	for (int i = 0; i < 4; i++) {
		for (uint64_t left = s.w[i] & at->w[i]; left; left &= left - 1)
			posset_join(&from, &p->before[i * 64 + __builtin_ctzll(left)]);
	}
	return from;
}

struct posset
positions_of(const struct positions *p, const struct posset *bytes)
{
	struct posset all = { 0 };

	for (unsigned c = 0; c < 256; c++) {
		if (posset_has(bytes, c))
			posset_join(&all, &p->at[c]);
	}
	return all;
}
