/* pieces: one pass over the text. */
#include "watch/gist/pieces.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/text.h"

#define WORD_MAX 24u
#define SLOTS 2048u                    /* power of two, several times the words */
#define PORT_DIGITS_MAX 5u
#define PREFIX_MAX 128u                /* "/24" behind an address is a network, a larger number a port */

static const struct known {
	struct str word;
	uint32_t is;
} known[] = {
#define GIST(w, bits) { STR_INIT(w), bits },
#include "watch/gist/words.def"
#undef GIST
};

struct gist_words {
	uint16_t slots[SLOTS];         /* index in known + 1 */
};

static uint32_t
slot_of(struct str word)
{
	return (uint32_t)hash_bytes(word, 0) % SLOTS;
}

struct gist_words *
gist_words_new(void)
{
	struct gist_words *w = calloc(1, sizeof(*w));

	for (size_t i = 0; w && i < ARRAY_LEN(known); i++) {
		uint32_t at = slot_of(known[i].word);

		while (w->slots[at])
			at = (at + 1) % SLOTS;
		w->slots[at] = (uint16_t)(i + 1);
	}
	return w;
}

void
gist_words_free(struct gist_words *w)
{
	free(w);
}

/* Small letters; of those beyond ASCII the Latin ones (U+00C0 to U+00DE), which stand in pairs. */
static size_t
fold(struct str word, char out[WORD_MAX])
{
	for (size_t i = 0; i < word.n; i++) {
		unsigned char c = (unsigned char)word.p[i];
		bool latin = i > 0 && (unsigned char)word.p[i - 1] == 0xc3 && c >= 0x80 && c <= 0x9e;

		out[i] = (char)(latin || (c >= 'A' && c <= 'Z') ? c + 32 : c);
	}
	return word.n;
}

uint32_t
gist_word(const struct gist_words *w, struct str word)
{
	char small[WORD_MAX];

	if (word.n > WORD_MAX)
		return 0;
	struct str s = str_of(small, fold(word, small));
	for (uint32_t at = slot_of(s); w->slots[at]; at = (at + 1) % SLOTS)
		if (str_eq(known[w->slots[at] - 1].word, s))
			return known[w->slots[at] - 1].is;
	return 0;
}

struct reading {
	const struct gist_words *w;
	struct pieces *p;
	struct str s;
	size_t at;
	uint8_t before;
	uint8_t quote, quotes;         /* inside which, and how many there were */
	char mark;                     /* that ends it */
	size_t quote_at;               /* where it began */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_word_byte(char c)
{
	return is_digit(c) || is_lower(c) || is_upper(c) || (unsigned char)c >= 0x80;
}

static bool
is_addr_byte(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' || c == ':';
}

static char
byte_at(const struct reading *r, size_t at)
{
	return at < r->s.n ? r->s.p[at] : '\0';
}

static struct piece *
add(struct reading *r, enum piece_type type, size_t len)
{
	struct piece *p = &r->p->v[r->p->n++];

	*p = (struct piece){ .type = type, .off = (uint16_t)r->at, .len = (uint16_t)len, .before = r->before,
	    .quote = r->quote };
	r->before = 0;
	r->at += len;
	return p;
}

/* "10.0.0.1", not the beginning of "10.0.0.1.example.com" or of "10.0.0.1.5". */
static size_t
v4_len(const struct reading *r)
{
	size_t n = 0, dots = 0;
	struct addr a;

	for (; is_digit(byte_at(r, r->at + n)) || byte_at(r, r->at + n) == '.'; n++)
		dots += r->s.p[r->at + n] == '.';
	if (n && r->s.p[r->at + n - 1] == '.') {
		n--;
		dots--;
		if (is_word_byte(byte_at(r, r->at + n + 1)))
			return 0;
	}
	char next = byte_at(r, r->at + n);
	if (dots != 3 || is_word_byte(next) || next == '_' || addr_parse(str_of(r->s.p + r->at, n), &a) < 0)
		return 0;
	return n;
}

/* With "::", or so long that it is no time and no link address. */
static size_t
v6_len(const struct reading *r)
{
	size_t n = 0;
	struct addr a;

	while (is_addr_byte(byte_at(r, r->at + n)))
		n++;
	while (n && (r->s.p[r->at + n - 1] == '.' || (r->s.p[r->at + n - 1] == ':' &&
	    (n < 2 || r->s.p[r->at + n - 2] != ':'))))
		n--;
	struct str s = str_of(r->s.p + r->at, n);
	if (n < 3 || is_word_byte(byte_at(r, r->at + n)) || (str_find(s, STR("::")) == n && n < 24))
		return 0;
	return addr_parse(s, &a) < 0 ? 0 : n;
}

/* ":22", "#22", "/22000" behind an address, in or behind its brackets. */
static void
take_port(struct reading *r, struct piece *p)
{
	size_t at = r->at + (byte_at(r, r->at) == ']'), n = 0;
	char sign = byte_at(r, at);
	uint64_t value;

	if (sign != ':' && sign != '#' && sign != '/')
		return;
	while (n <= PORT_DIGITS_MAX && is_digit(byte_at(r, at + 1 + n)))
		n++;
	struct str digits = str_of(r->s.p + at + 1, n);
	char next = byte_at(r, at + 1 + n);
	if (n == 0 || is_word_byte(next) || (next == '.' && is_digit(byte_at(r, at + 2 + n))) ||
	    text_u64(digits, &value) < 0 || value > UINT16_MAX)
		return;
	if (sign == '/' && value <= PREFIX_MAX)
		p->type = PIECE_NUMBER;
	p->port_off = (uint16_t)(at + 1);
	p->port_len = (uint16_t)n;
	r->at = at + 1 + n;
}

static bool
take_addr(struct reading *r)
{
	char c = r->s.p[r->at], prev = r->at ? r->s.p[r->at - 1] : ' ';
	size_t n = 0;

	if (!is_addr_byte(c) || is_word_byte(prev) || prev == '.' || prev == '_' || prev == '-')
		return false;
	if (is_digit(c))
		n = v4_len(r);
	if (n == 0 && c != '.' && prev != ':')
		n = v6_len(r);
	if (n == 0)
		return false;
	size_t from = r->at;
	struct piece *p = add(r, PIECE_ADDR, n);
	take_port(r, p);
	p->whole = r->quote && from == r->quote_at + 1 && byte_at(r, r->at) == r->mark;
	return true;
}

/* A word ends where a capital begins the next part of its name. */
static void
take_word(struct reading *r)
{
	size_t n = 1;
	bool digits = is_digit(r->s.p[r->at]);

	while (is_word_byte(byte_at(r, r->at + n)) &&
	    !(is_upper(r->s.p[r->at + n]) && is_lower(r->s.p[r->at + n - 1]))) {
		digits &= is_digit(r->s.p[r->at + n]);
		n++;
	}
	struct str word = str_of(r->s.p + r->at, n);
	struct piece *p = add(r, digits ? PIECE_NUMBER : PIECE_WORD, n);
	if (!digits)
		p->is = gist_word(r->w, word);
	else if (str_eq(word, STR("0")))
		p->is = NOT;
	if (is_upper(byte_at(r, r->at)))
		r->before = BY_JOIN;
}

/* An apostrophe within a word is none. */
static void
take_quote(struct reading *r, char c)
{
	bool after_word = r->at > 0 && is_word_byte(r->s.p[r->at - 1]);
	bool before_word = is_word_byte(byte_at(r, r->at + 1));

	if (r->quote && c == r->mark && !(c == '\'' && after_word && before_word)) {
		r->quote = 0;
	} else if (!r->quote && !(c == '\'' && after_word) && r->quotes < UINT8_MAX &&
	    str_find_byte(str_from(r->s, r->at + 1), c) < r->s.n - r->at - 1) {
		r->quote = ++r->quotes;
		r->mark = c;
		r->quote_at = r->at;
	}
}

static uint8_t
between(const struct reading *r, char c)
{
	char next = byte_at(r, r->at + 1);

	switch (c) {
	case '.':
		return is_word_byte(next) ? BY_JOIN : BY_CLAUSE;
	case ',':
	case ';':
		return BY_CLAUSE;
	case ':':
		return next == '/' ? BY_URL : BY_BIND;
	case '=':
		return BY_BIND;
	case '_':
		return BY_JOIN;
	case '-':
		return next == '>' ? BY_ARROW : is_word_byte(next) ? BY_JOIN : BY_CLAUSE;
	case '@':
		return BY_AT;
	case '(':
	case '[':
	case '<':
	case '{':
	case '|':
		return BY_OPEN;
	case ' ':
	case '\t':
		return BY_BLANK;
	}
	return 0;
}

static void
take_between(struct reading *r)
{
	char c = r->s.p[r->at];

	if (c == '\\' && r->quote) {
		r->at += 2;
		return;
	}
	if (c == '"' || c == '\'' || c == '`')
		take_quote(r, c);
	r->before |= between(r, c);
	r->at++;
}

void
gist_pieces(const struct gist_words *w, struct str text, struct pieces *ret)
{
	struct reading r = { .w = w, .p = ret, .s = str_head(text, GIST_TEXT_MAX) };

	ret->text = r.s;
	ret->n = 0;
	ret->json = text.n && text.p[0] == '{';
	while (r.at < r.s.n && ret->n < GIST_PIECES_MAX) {
		char c = r.s.p[r.at];

		if ((is_word_byte(c) || c == ':') && take_addr(&r))
			continue;
		if (is_word_byte(c))
			take_word(&r);
		else
			take_between(&r);
	}
}
