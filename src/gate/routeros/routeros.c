/*
 * routeros: the language of exports: a menu line, then commands of that menu; lines continued by a backslash; values
 * bare, quoted, or in brackets. Must never run a script: what is not a plain command is kept as text.
 */
#include "gate/routeros/routeros.h"

#include <errno.h>

struct reader {
	struct arena *arena;
	struct str rest;
	uint32_t line;
	struct str menu;
	bool full;
};

/* One logical line: continued ones are joined, the blanks that begin them dropped. */
static bool
next_line(struct reader *r, uint32_t *ret_line, struct str *ret)
{
	struct buf joined = BUF_INIT(ROUTEROS_TEXT_MAX);
	bool more = r->rest.n > 0;

	*ret_line = r->line;
	for (bool continued = more; continued && r->rest.n > 0;) {
		size_t nl = str_find_byte(r->rest, '\n');
		struct str piece = str_head(r->rest, nl);

		r->rest = str_from(r->rest, nl + 1);
		r->line++;
		if (str_ends(piece, STR("\r")))
			piece.n--;
		continued = str_ends(piece, STR("\\"));
		if (continued)
			piece.n--;
		if (joined.n > 0) {
			while (piece.n > 0 && (piece.p[0] == ' ' || piece.p[0] == '\t'))
				piece = str_from(piece, 1);
		}
		buf_add(&joined, piece);
	}
	*ret = arena_str(r->arena, str_trim(buf_str(&joined)));
	r->full |= !buf_ok(&joined) || (joined.n > 0 && !ret->p);
	buf_free(&joined);
	return more;
}

/* Words. */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What stands behind a backslash inside quotes: two capital hexadecimal digits, a letter, or itself. */
static size_t
add_escape(struct str s, struct buf *out)
{
	static const char letters[] = "nrt_\"\\$?", means[] = "\n\r\t \"\\$?";
	const char *hit = s.n > 0 ? memchr(letters, s.p[0], sizeof(letters) - 1) : NULL;

	if (s.n == 0)
		return 0;
	if (s.n >= 2 && hex_digit(s.p[0]) >= 0 && hex_digit(s.p[1]) >= 0) {
		buf_add_byte(out, (char)(hex_digit(s.p[0]) << 4 | hex_digit(s.p[1])));
		return 2;
	}
	buf_add_byte(out, hit ? means[hit - letters] : s.p[0]);
	return 1;
}

/* Up to the closing quote; what follows is left in *s. */
static void
take_quoted(struct str *s, struct buf *out)
{
	*s = str_from(*s, 1);
	while (s->n > 0 && s->p[0] != '"') {
		if (s->p[0] == '\\') {
			*s = str_from(*s, 1);
			*s = str_from(*s, add_escape(*s, out));
		} else {
			buf_add_byte(out, s->p[0]);
			*s = str_from(*s, 1);
		}
	}
	*s = str_from(*s, 1);
}

/* [ ... ] with what is inside kept as it is, brackets within it too. */
static void
take_bracket(struct str *s, struct buf *out)
{
	size_t depth = 0, i = 0;

	for (; i < s->n; i++) {
		depth += s->p[i] == '[';
		if (s->p[i] == ']' && --depth == 0)
			break;
	}
	buf_add(out, str_head(*s, i + 1));
	*s = str_from(*s, i + 1);
}

/* The next word, quotes resolved; *ret_key is what stands before a bare `=`. */
static bool
take_word(struct reader *r, struct str *s, struct str *ret_key, struct str *ret_value)
{
	struct buf word = BUF_INIT(ROUTEROS_TEXT_MAX);
	size_t key = SIZE_MAX;

	while (s->n > 0 && is_blank(s->p[0]))
		*s = str_from(*s, 1);
	if (s->n == 0)
		return false;
	while (s->n > 0 && !is_blank(s->p[0])) {
		if (s->p[0] == '"') {
			take_quoted(s, &word);
		} else if (s->p[0] == '[') {
			take_bracket(s, &word);
		} else {
			if (s->p[0] == '=' && key == SIZE_MAX)
				key = word.n;
			buf_add_byte(&word, s->p[0]);
			*s = str_from(*s, 1);
		}
	}
	struct str copy = arena_str(r->arena, buf_str(&word));
	r->full |= !buf_ok(&word) || (word.n > 0 && !copy.p);
	*ret_key = key == SIZE_MAX ? STR_NULL : str_head(copy, key);
	*ret_value = key == SIZE_MAX ? copy : str_from(copy, key + 1);
	buf_free(&word);
	return true;
}

/* Statements. */

static const char *const verbs[] = { "add", "set", "remove", "disable", "enable", "print", "move", "unset", "export" };

static bool
is_verb(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (str_eq(word, str_z(verbs[i])))
			return true;
	}
	return false;
}

/* "[ find default-name=ether1 ]" to "default-name=ether1". */
static struct str
inside_find(struct str word)
{
	struct str s = str_trim(str_of(word.p + 1, word.n >= 2 ? word.n - 2 : 0));

	return str_starts(s, STR("find")) ? str_trim(str_from(s, 4)) : s;
}

static void
take_pairs(struct reader *r, struct str rest, struct routeros_statement *st)
{
	struct routeros_pair pairs[ROUTEROS_PAIRS_MAX];
	struct str key, value;

	while (take_word(r, &rest, &key, &value)) {
		if (key.n == 0 && str_starts(value, STR("[")))
			st->find = inside_find(value);
		else if (key.n == 0 && st->npairs == 0 && st->find.n == 0)
			st->find = value;
		else if (st->npairs < ROUTEROS_PAIRS_MAX)
			pairs[st->npairs++] = (struct routeros_pair){ .key = key, .value = value };
		else
			st->why = "it has more words than can be read";
	}
	st->pairs = ARENA_ARRAY(r->arena, struct routeros_pair, st->npairs ? st->npairs : 1);
	if (st->pairs)
		memcpy(st->pairs, pairs, st->npairs * sizeof(pairs[0]));
	r->full |= !st->pairs;
	if (st->why)
		st->fate = ROUTEROS_NOT;
}

/* The words of a menu up to a verb, joined by single blanks. */
static struct str
take_menu(struct reader *r, struct str *rest)
{
	struct buf menu = BUF_INIT(4096);
	struct str peek = *rest, key, value;

	while (take_word(r, &peek, &key, &value) && key.n == 0 && !is_verb(value) && !str_starts(value, STR("["))) {
		buf_addf(&menu, "%s%.*s", menu.n ? " " : "", STR_FMT(value));
		*rest = peek;
	}
	struct str copy = arena_str(r->arena, buf_str(&menu));
	r->full |= menu.n > 0 && !copy.p;
	buf_free(&menu);
	return copy;
}

/* A line of a menu alone only sets the stage. False when there is no statement in it. */
static bool
take_statement(struct reader *r, uint32_t line, struct str text, struct routeros_statement *st)
{
	struct str rest = text, key;

	*st = (struct routeros_statement){ .line = line, .text = text };
	if (text.p[0] == ':' || text.p[0] == '{' || text.p[0] == '}') {
		st->menu = STR("script");
		st->fate = ROUTEROS_NOT;
		st->why = "a script";
		return true;
	}
	if (text.p[0] == '/')
		r->menu = take_menu(r, &rest);
	st->menu = r->menu;
	if (str_trim(rest).n == 0)
		return false;
	if (!take_word(r, &rest, &key, &st->verb) || key.n > 0 || !is_verb(st->verb)) {
		st->fate = ROUTEROS_NOT;
		st->why = "no command that is known";
		return true;
	}
	take_pairs(r, rest, st);
	return true;
}

int
routeros_parse(struct arena *a, struct str text, struct routeros *ret)
{
	struct reader r = { .arena = a, .rest = text, .line = 1 };
	struct routeros out = { 0 };
	struct str s = text, any, line;
	uint32_t room = 1, at;

	if (str_starts(text, STR("\xef\xbb\xbf")))
		r.rest = s = str_from(text, 3);
	while (str_split(&s, '\n', &any))
		room += room < ROUTEROS_STATEMENTS_MAX;
	out.v = ARENA_ARRAY(a, struct routeros_statement, room);
	if (!out.v)
		return -ENOMEM;
	while (!r.full && next_line(&r, &at, &line)) {
		struct routeros_statement st;

		if (line.n == 0 || line.p[0] == '#' || !take_statement(&r, at, line, &st))
			continue;
		if (out.n == room)
			out.skipped++;
		else
			out.v[out.n++] = st;
	}
	if (r.full)
		return -ENOMEM;
	*ret = out;
	return 0;
}

struct str
routeros_get(const struct routeros_statement *s, const char *key)
{
	for (uint32_t i = 0; i < s->npairs; i++) {
		if (str_eq(s->pairs[i].key, str_z(key)))
			return s->pairs[i].value;
	}
	return STR_NULL;
}

bool
routeros_is(const struct routeros_statement *s, const char *menu, const char *verb)
{
	return str_eq(s->menu, str_z(menu)) && str_eq(s->verb, str_z(verb));
}
