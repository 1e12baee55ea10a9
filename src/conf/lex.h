/*
 * lex: a text to tokens, with places. Private to tree.c; reads no file and keeps nothing after the
 * text's end.
 */
#ifndef GUARITA_CONF_LEX_H
#define GUARITA_CONF_LEX_H

#include "conf/tree.h"

enum lex_kind { LEX_WORD, LEX_COMMA, LEX_SEMI, LEX_OPEN, LEX_CLOSE, LEX_END };

struct lexer {
	char *p;                  /* next byte, in the lexer's own copy of the text */
	char *end;
	char *line_start;
	uint32_t line;
	uint16_t file;
	bool faulty;              /* set by a fault; the parser clears it per statement */
	struct diags *d;
};

/*
 * Next token; *ret_word has its place, and for LEX_WORD its text. Faults go to lx->d and set
 * lx->faulty.
 */
enum lex_kind lex_next(struct lexer *lx, struct conf_word *ret_word);

#endif
