/*
 * token: a line cut into what changes and what stays. A token is a run of letters and digits with a type (a number, an
 * address, a time stamp, a word); everything between tokens is literal. The sequence of literals and types is the
 * line's template; lines of one template differ only in the values of their tokens, and each value can be turned back
 * into exactly the bytes it stood for. Never allocates, never looks at what a line means.
 */
#ifndef GUARITA_VAULT_TOKEN_H
#define GUARITA_VAULT_TOKEN_H

#include "base/str.h"

#define TOKENS_MAX 160          /* per line; a line with more is one text */
#define TEMPLATE_MAX 2048       /* bytes of a template; a longer one likewise */
#define TOKEN_RENDER_MAX 64     /* bytes that any typed value takes as text */

/* Stored in segments: numbers never change. */
enum token_type {
	TOKEN_END,              /* of a template */
	TOKEN_WORD,             /* a run of letters, digits, '_' and bytes from 0x80 on: value is an id of the dictionary */
	TOKEN_TEXT,             /* any bytes; id of the dictionary */
	TOKEN_INT,              /* decimal, no leading zero */
	TOKEN_FIXED,            /* decimal of `param` digits */
	TOKEN_HEX,              /* `param` nibbles, lower case */
	TOKEN_HEX_UPPER,
	TOKEN_PAIRS,            /* `param` bytes as lower-case hex pairs with ':' between them: a MAC address */
	TOKEN_PAIRS_UPPER,
	TOKEN_IPV4,
	TOKEN_CLOCK,            /* hh:mm:ss, value in seconds */
	TOKEN_DATE,             /* YYYY-MM-DD or with '/' (param), value in days */
	TOKEN_ISO,              /* RFC 3339 up to the zone; param: enum token_iso; value in ns since 1970 */
	TOKEN_BSD,              /* "Nov  1 10:00:00"; param: 0 blank, 1 zero, 2 nothing before a single digit */
	TOKEN_CLF,              /* 01/Nov/2026:10:00:00, value in ns since 1970 */
	TOKEN_TYPES,
};

/* param of TOKEN_ISO: low four bits are the digits of the fraction. */
enum token_iso {
	TOKEN_ISO_DIGITS = 0x0f,
	TOKEN_ISO_COMMA = 0x10,
	TOKEN_ISO_BLANK = 0x20, /* between date and time, instead of 'T' */
	TOKEN_ISO_Z = 0x40,
};

struct token {
	uint8_t type, param;
	uint32_t off, len;
	uint64_t value;         /* of typed tokens; TOKEN_WORD and TOKEN_TEXT have none yet */
};

struct tokens {
	uint32_t n;
	uint32_t template_len;
	struct token at[TOKENS_MAX];
	/* Per token: length of the literal before it (u8), its bytes, type, param. Last: literal, TOKEN_END, 0. */
	uint8_t template[TEMPLATE_MAX];
};

/* Cuts a line. One that has too many tokens, or literals of more than 255 bytes, becomes a single TOKEN_TEXT. */
void tokens_cut(struct str line, struct tokens *t);
/* The whole line as a single TOKEN_TEXT. */
void tokens_none(struct str line, struct tokens *t);
/* The text of a typed value (not WORD, TEXT); never more than TOKEN_RENDER_MAX bytes, whatever type, param and value. */
size_t token_render(uint8_t type, uint8_t param, uint64_t value, char dst[TOKEN_RENDER_MAX]);

static inline bool
token_is_name(uint8_t type)     /* value is an id of the dictionary */
{
	return type == TOKEN_WORD || type == TOKEN_TEXT;
}

static inline bool
token_is_stamp(uint8_t type)    /* a date with its time: what may head a line */
{
	return type == TOKEN_ISO || type == TOKEN_BSD || type == TOKEN_CLF;
}

/* True for the bytes that make up runs. */
bool token_byte(char c);
/* The next run in s from *pos on; false when there is none. */
bool token_run(struct str s, size_t *pos, struct str *ret_run);

/*
 * The next address or hardware address (TOKEN_IPV4, TOKEN_PAIRS whatever its case) in s from *pos on, however long s is:
 * for texts that were not cut. Finds at least what cutting would.
 */
bool token_value_next(struct str s, size_t *pos, struct token *ret);

/* token_time.c: a stamp, date or clock at the beginning of s, which begins with a digit or a month's name. */
bool token_time(struct str s, struct token *ret);
size_t token_time_render(uint8_t type, uint8_t param, uint64_t value, char *dst);
/* "0042": value with exactly `digits` digits, the upper ones dropped. */
char *token_digits(char *p, uint64_t value, unsigned digits);

#endif
