/*
 * lex: bytes to words, one pass, no look-behind. It must stay fast: the rule files of all decoders
 * pass here at every start. It decides nothing about meaning.
 */
#include "conf/lex.h"

#include "base/text.h"

enum { X, B, W, S, U };   /* bad outside quotes, blank, word, special, a byte of UTF-8 */

static const uint8_t lex_class[256] = {
	X, X, X, X, X, X, X, X, X, B, S, X, X, B, X, X,
	X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	B, W, S, S, W, W, W, S, X, X, W, W, S, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, S, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, W, X, W, W, W,
	S, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
	W, W, W, W, W, W, W, W, W, W, W, S, W, S, W, X,
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
};

static int
class_at(const struct lexer *lx, const char *p)
{
	return p < lx->end ? lex_class[(unsigned char)*p] : B;
}

/* The place of p, which is at or after lx->p, perhaps some lines on. */
static struct conf_pos
lex_pos(const struct lexer *lx, const char *p)
{
	struct conf_pos pos = { .file = lx->file, .line = lx->line };
	const char *start = lx->line_start;

	for (const char *q = lx->p; q < p; q++) {
		if (*q == '\n') {
			pos.line++;
			start = q + 1;
		}
	}
	pos.col = (uint32_t)(p - start) + 1;
	return pos;
}

static void
lex_newline(struct lexer *lx)
{
	lx->p++;
	lx->line++;
	lx->line_start = lx->p;
}

static void
lex_skip(struct lexer *lx)
{
	while (lx->p < lx->end) {
		switch (*lx->p) {
		case ' ': case '\t': case '\r':
			lx->p++;
			break;
		case '\n':
			lex_newline(lx);
			break;
		case '#': {
			char *eol = memchr(lx->p, '\n', (size_t)(lx->end - lx->p));
			lx->p = eol ? eol : lx->end;
			break;
		}
		default:
			return;
		}
	}
}

static void
lex_bad_byte(struct lexer *lx, const char *p)
{
	unsigned char c = (unsigned char)*p;

	lx->faulty = true;
	if (c == 0)
		diag_error(lx->d, lex_pos(lx, p), 1, "is this really a text file?",
		    "a NUL byte in the text");
	else if (c < 0x20 || c == 0x7f)
		diag_error(lx->d, lex_pos(lx, p), 1, "inside double quotes it is written \\xHH",
		    "a control byte (0x%02x) in the text", c);
	else if (c >= 0x80)
		diag_error(lx->d, lex_pos(lx, p), 1,
		    "save the file as UTF-8; a single byte is \"\\xHH\" in double quotes",
		    "byte 0x%02x is not UTF-8 here", c);
	else
		diag_error(lx->d, lex_pos(lx, p), 1, "put the whole word in quotes",
		    "`%c` is only allowed in quotes", c);
}

/* The rest of a bare word that has bytes other than plain ASCII: one fault a word is enough. */
static void
lex_word_slow(struct lexer *lx)
{
	bool told = false;

	for (int class; (class = class_at(lx, lx->p)) != B && class != S; ) {
		size_t n = class == U ? utf8_len(str_of(lx->p, (size_t)(lx->end - lx->p))) : 1;
		if ((n == 0 || class == X) && !told) {
			lex_bad_byte(lx, lx->p);
			told = true;
		}
		lx->p += n ? n : 1;
	}
}

static void
lex_glued(struct lexer *lx)
{
	lx->faulty = true;
	diag_error(lx->d, lex_pos(lx, lx->p), 1,
	    "put a blank between them, or the whole word in quotes",
	    "`%c` touches the word before it", *lx->p);
}

static void
lex_bare(struct lexer *lx, struct conf_word *w)
{
	char *from = lx->p;

	while (class_at(lx, lx->p) == W)
		lx->p++;
	int class = class_at(lx, lx->p);
	if (class == U || class == X)
		lex_word_slow(lx);
	w->quote = CONF_BARE;
	w->text = str_of(from, (size_t)(lx->p - from));
	w->span = (uint32_t)w->text.n;
	if (lx->p < lx->end && strchr("\"'`#", *lx->p) && *lx->p != '\0')
		lex_glued(lx);
}

/* Bytes inside quotes are those of the file, but they must be text. One fault a word is enough. */
static void
lex_check_quoted(struct lexer *lx, struct str s)
{
	for (size_t i = 0; i < s.n; ) {
		unsigned char c = (unsigned char)s.p[i];
		size_t n = c < 0x80 ? 1 : utf8_len(str_from(s, i));
		if (n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
			lex_bad_byte(lx, s.p + i);
			return;
		}
		i += n;
	}
}

static void
lex_unterminated(struct lexer *lx, char *from)
{
	char *eol = memchr(from, '\n', (size_t)(lx->end - from));

	lx->faulty = true;
	diag_error(lx->d, lex_pos(lx, from), 1,
	    *from == '"' ? "a quote inside the text is written \\\"" :
	    "such a text ends on the line where it begins",
	    "the text that begins with %c here never ends", *from);
	lx->p = eol ? eol : lx->end;
}

/* After the closing quote only a blank or punctuation may come. */
static void
lex_check_after(struct lexer *lx)
{
	int class = class_at(lx, lx->p);

	if (class == W || class == U || class == X || (class == S && strchr("\"'`", *lx->p)))
		lex_glued(lx);
}

static void
lex_raw(struct lexer *lx, struct conf_word *w)
{
	char *from = lx->p, quote = *from;
	size_t left = (size_t)(lx->end - from) - 1;
	char *eol = memchr(from + 1, '\n', left);
	char *close = memchr(from + 1, quote, eol ? (size_t)(eol - from) - 1 : left);

	w->quote = CONF_RAW;
	if (close == NULL) {
		w->text = STR("");
		w->span = 1;
		lex_unterminated(lx, from);
		return;
	}
	w->text = str_of(from + 1, (size_t)(close - from) - 1);
	w->span = (uint32_t)w->text.n + 2;
	lex_check_quoted(lx, w->text);
	lx->p = close + 1;
	lex_check_after(lx);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/*
 * One escape at p (the backslash); *ret_byte is what it means. Bytes taken, or 0 when it is none.
 */
static size_t
lex_escape(const struct lexer *lx, const char *p, char *ret_byte)
{
	static const char from[] = "\"\\nrt", to[] = "\"\\\n\r\t";

	if (lx->end - p < 2)
		return 0;
	const char *known = p[1] ? strchr(from, p[1]) : NULL;
	if (known) {
		*ret_byte = to[known - from];
		return 2;
	}
	if (p[1] != 'x' || lx->end - p < 4 || hex_digit(p[2]) < 0 || hex_digit(p[3]) < 0)
		return 0;
	*ret_byte = (char)(hex_digit(p[2]) * 16 + hex_digit(p[3]));
	return 4;
}

/* The closing quote of the text that opens at `from`, or NULL. */
static char *
lex_find_close(const struct lexer *lx, char *from)
{
	for (char *p = from + 1; p < lx->end; p++) {
		if (*p == '"')
			return p;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

/*
 * A forgotten quote takes the text up to the next text's opening. It shows: the text spans lines,
 * and something that is no punctuation follows at once.
 */
static bool
lex_close_is_doubtful(const struct lexer *lx, char *from, char *close)
{
	int class = class_at(lx, close + 1);

	if (class == B || (class == S && strchr(",;{}#\n", close[1])))
		return false;
	return memchr(from, '\n', (size_t)(close - from)) != NULL;
}

/* Resolves escapes from lx->p up to `close`, in place; returns the length of the result at `to`. */
static size_t
lex_unescape(struct lexer *lx, char *to, char *close)
{
	char *begin = to;

	while (lx->p < close) {
		char byte = *lx->p;
		size_t taken = byte == '\\' ? lex_escape(lx, lx->p, &byte) : 1;
		if (taken == 0) {
			lx->faulty = true;
			diag_error(lx->d, lex_pos(lx, lx->p), 2,
			    "known are \\\" \\\\ \\n \\r \\t \\xHH; a backslash itself is \\\\",
			    "unknown escape in the text");
			taken = 1;
		}
		if (*lx->p == '\n')
			lex_newline(lx);
		else
			lx->p += taken;
		*to++ = byte;      /* never past lx->p */
	}
	return (size_t)(to - begin);
}

static void
lex_quoted(struct lexer *lx, struct conf_word *w)
{
	char *from = lx->p, *close = lex_find_close(lx, from);

	w->quote = CONF_QUOTED;
	if (close == NULL || lex_close_is_doubtful(lx, from, close)) {
		w->text = STR("");
		w->span = 1;
		lex_unterminated(lx, from);
		return;
	}
	w->span = (uint32_t)(close - from) + 1;
	lex_check_quoted(lx, str_of(from + 1, w->span - 2));
	lx->p++;
	if (memchr(lx->p, '\\', w->span - 2) || memchr(lx->p, '\n', w->span - 2))
		w->text = str_of(from + 1, lex_unescape(lx, from + 1, close));
	else
		w->text = str_of(from + 1, w->span - 2);
	lx->p = close + 1;
	lex_check_after(lx);
}

static enum lex_kind
lex_punctuation(struct lexer *lx, struct conf_word *w, enum lex_kind kind)
{
	w->text = str_of(lx->p++, 1);
	w->span = 1;
	return kind;
}

enum lex_kind
lex_next(struct lexer *lx, struct conf_word *w)
{
	lex_skip(lx);
	w->pos = lex_pos(lx, lx->p);
	w->comma = false;
	if (lx->p == lx->end)
		return LEX_END;
	switch (*lx->p) {
	case ',':
		return lex_punctuation(lx, w, LEX_COMMA);
	case ';':
		return lex_punctuation(lx, w, LEX_SEMI);
	case '{':
		return lex_punctuation(lx, w, LEX_OPEN);
	case '}':
		return lex_punctuation(lx, w, LEX_CLOSE);
	case '"':
		lex_quoted(lx, w);
		return LEX_WORD;
	case '\'': case '`':
		lex_raw(lx, w);
		return LEX_WORD;
	default:
		lex_bare(lx, w);
		return LEX_WORD;
	}
}
