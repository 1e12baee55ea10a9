/*
 * pieces: a text as words, addresses and numbers, with what stands between them. Only the beginning of a long text
 * is read. Private to gist.
 */
#ifndef GUARITA_WATCH_GIST_PIECES_H
#define GUARITA_WATCH_GIST_PIECES_H

#include "watch/gist/gist.h"

#define GIST_TEXT_MAX 4096u
#define GIST_PIECES_MAX 192u

/* What a word is; a word may be several things. */
enum {
	AUTH = 1 << 0, FAIL = 1 << 1, NEARLY_FAIL = 1 << 2, OK = 1 << 3, NOT = 1 << 4, SUCH = 1 << 5,
	LOG = 1 << 6, IN = 1 << 7, OUT = 1 << 8, LEFT = 1 << 9,
	DENY = 1 << 10, ALLOW = 1 << 11, ALLOWED = 1 << 12, PROTO = 1 << 13, CONN = 1 << 14, ENTRY = 1 << 15,
	BAN = 1 << 16, UNBAN = 1 << 17, ATTACK = 1 << 18, MALWARE = 1 << 19, SEEN = 1 << 20,
	SRC = 1 << 21, DST = 1 << 22, PLAIN = 1 << 23, FILLER = 1 << 24, PORT = 1 << 25, VERSION = 1 << 26,
	USER = 1 << 27, USERKEY = 1 << 28, FOR = 1 << 29, SERVICE = 1 << 30,
};
/* Few words are these, beside another thing; they share a bit with what no such word is. */
#define UNASKED SUCH                   /* "unauthorized": a failure by itself where entry was asked */
#define HOST FILLER                    /* beside PLAIN */
#define BEHIND VERSION                 /* beside DST: a server that we asked ourselves */
#define ECHO (1u << 31)

enum piece_type { PIECE_WORD, PIECE_ADDR, PIECE_NUMBER };

/* What stands between a piece and the one before. */
enum {
	BY_CLAUSE = 1 << 0,            /* a full stop, comma, semicolon */
	BY_BIND = 1 << 1,              /* = or : */
	BY_JOIN = 1 << 2,              /* parts of one name */
	BY_OPEN = 1 << 3,              /* a bracket, a bar, < */
	BY_ARROW = 1 << 4,
	BY_AT = 1 << 5,
	BY_URL = 1 << 6,
	BY_BLANK = 1 << 7,
};

struct piece {
	enum piece_type type;
	uint32_t is;                   /* of a word */
	uint16_t off, len;
	uint16_t port_off, port_len;   /* of an address, written behind it */
	uint8_t before;
	uint8_t quote;                 /* number of the quoted text that it stands in, 0: none */
	bool whole;                    /* an address that is all of its quoted text */
};

struct pieces {
	struct str text;
	struct piece v[GIST_PIECES_MAX];
	uint32_t n;
	bool json;
};

uint32_t gist_word(const struct gist_words *w, struct str word);
void gist_pieces(const struct gist_words *w, struct str text, struct pieces *ret);

#endif
