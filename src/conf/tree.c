/*
 * tree: tokens to statements, and statements to the rows that take them. It knows punctuation and
 * counting only; what a word means is the row's matter. After a fault it goes on with the next
 * statement.
 */
#include "conf/tree.h"

#include <assert.h>
#include <stdio.h>

#include "base/text.h"
#include "conf/lex.h"

#define TREE_WORDS_MAX 65536u     /* words of one statement */
#define TREE_ROWS_MAX 256u        /* rows of one table */

struct level {                    /* one open block */
	struct conf_stmt *owner;  /* NULL: the text itself */
	struct conf_stmt **tail;
	struct conf_word brace;
	uint32_t margin_line;     /* first statement inside that is not indented more; 0: none */
};

struct parser {
	struct lexer lx;
	struct arena *arena;
	struct conf_word *words;  /* of the statement being read */
	uint32_t nwords, words_size;
	struct conf_pos end;      /* just after the last word */
	struct level levels[CONF_DEPTH_MAX + 1];
	uint32_t depth;
	bool full;                /* out of memory: told once, then the parser stops */
};

static void
parse_full(struct parser *ps, struct conf_pos pos)
{
	if (!ps->full)
		diag_error(ps->lx.d, pos, 1, NULL, "no memory left for this text");
	ps->full = true;
}

static void
parse_add_word(struct parser *ps, const struct conf_word *w)
{
	if (ps->nwords == TREE_WORDS_MAX) {
		if (!ps->lx.faulty)
			diag_error(ps->lx.d, w->pos, w->span, "is a `;` missing?",
			    "a statement of more than %u words", TREE_WORDS_MAX);
		ps->lx.faulty = true;
		return;
	}
	if (ps->nwords == ps->words_size) {
		uint32_t size = ps->words_size ? ps->words_size * 2 : 64;
		struct conf_word *words = ARENA_ARRAY(ps->arena, struct conf_word, size);
		if (words == NULL) {
			parse_full(ps, w->pos);
			return;
		}
		if (ps->nwords > 0)
			memcpy(words, ps->words, ps->nwords * sizeof(*words));
		ps->words = words;
		ps->words_size = size;
	}
	ps->words[ps->nwords++] = *w;
	ps->end = w->pos;
	ps->end.col += w->span ? w->span - 1 : 0;
}

static void
parse_comma(struct parser *ps, const struct conf_word *w)
{
	if (ps->nwords == 0 || ps->words[ps->nwords - 1].comma) {
		diag_error(ps->lx.d, w->pos, 1, "commas stand between the words of a list",
		    "a word is expected before this comma");
		ps->lx.faulty = true;
		return;
	}
	ps->words[ps->nwords - 1].comma = true;
}

/*
 * The words so far become a statement of the open block; NULL when there are none or they are not
 * to be trusted.
 */
static struct conf_stmt *
parse_end_stmt(struct parser *ps, bool block)
{
	struct level *l = &ps->levels[ps->depth];
	struct conf_stmt *s = NULL;

	if (ps->nwords > 0 && ps->words[ps->nwords - 1].comma) {
		const struct conf_word *last = &ps->words[ps->nwords - 1];
		diag_error(ps->lx.d, last->pos, last->span,
		    "remove the comma, or go on with the list",
		    "a word is expected after the comma");
		ps->lx.faulty = true;
	}
	if (ps->nwords > 0 && (block || !ps->lx.faulty)) {
		struct conf_word *words = ARENA_ARRAY(ps->arena, struct conf_word, ps->nwords);
		s = ARENA_NEW(ps->arena, struct conf_stmt);
		if (words == NULL || s == NULL) {
			parse_full(ps, ps->words[0].pos);
			return NULL;
		}
		memcpy(words, ps->words, ps->nwords * sizeof(*words));
		*s = (struct conf_stmt){
			.words = words, .nwords = ps->nwords, .block = block, .parent = l->owner,
		};
		if (l->owner && l->margin_line == 0 &&
		    words[0].pos.line != l->owner->words[0].pos.line &&
		    words[0].pos.col <= l->owner->words[0].pos.col)
			l->margin_line = words[0].pos.line;
		*l->tail = s;
		l->tail = &s->next;
	}
	ps->nwords = 0;
	ps->lx.faulty = false;
	return s;
}

/* Reads over a block that cannot be kept, up to its closing brace. */
static void
parse_skip_block(struct parser *ps, const struct conf_word *brace)
{
	struct conf_word w;

	for (uint32_t open = 1; open > 0; ) {
		enum lex_kind k = lex_next(&ps->lx, &w);
		if (k == LEX_END) {
			diag_error(ps->lx.d, brace->pos, 1, NULL,
			    "the block that opens here is never closed");
			break;
		}
		open += k == LEX_OPEN;
		open -= k == LEX_CLOSE;
	}
	ps->nwords = 0;
	ps->lx.faulty = false;
}

static void
parse_open(struct parser *ps, const struct conf_word *w)
{
	if (ps->nwords == 0) {
		diag_error(ps->lx.d, w->pos, 1, NULL, "a keyword is expected before `{`");
		parse_skip_block(ps, w);
		return;
	}
	if (ps->depth == CONF_DEPTH_MAX) {
		diag_error(ps->lx.d, w->pos, 1, NULL, "blocks nest deeper than %d", CONF_DEPTH_MAX);
		parse_skip_block(ps, w);
		return;
	}
	struct conf_stmt *s = parse_end_stmt(ps, true);
	if (s == NULL)
		return;
	ps->levels[++ps->depth] = (struct level){ .owner = s, .tail = &s->child, .brace = *w };
}

static void
parse_missing_semi(struct parser *ps, const char *before)
{
	if (!ps->lx.faulty)
		diag_error(ps->lx.d, ps->end, 1, "every statement ends in `;`",
		    "a `;` is missing here, before %s", before);
	(void)parse_end_stmt(ps, false);
}

static void
parse_close(struct parser *ps, const struct conf_word *w)
{
	if (ps->nwords > 0)
		parse_missing_semi(ps, "the `}`");
	if (ps->depth == 0)
		diag_error(ps->lx.d, w->pos, 1, "remove it, or look for a `}` too many above",
		    "no block is open here");
	else
		ps->depth--;
	ps->lx.faulty = false;
}

static void
parse_end(struct parser *ps)
{
	if (ps->nwords > 0)
		parse_missing_semi(ps, "the end of the text");
	for (; ps->depth > 0; ps->depth--) {
		const struct level *l = &ps->levels[ps->depth];
		char hint[80] = "its `}` is missing";
		if (l->margin_line)
			snprintf(hint, sizeof(hint), "is its `}` missing before line %u?",
			    l->margin_line);
		diag_error(ps->lx.d, l->brace.pos, 1, hint,
		    "the block `%.*s` that opens here is never closed",
		    STR_FMT(str_head(l->owner->words[0].text, 64)));
	}
}

static void
parse_semi(struct parser *ps, const struct conf_word *w, enum lex_kind before)
{
	bool told = ps->lx.faulty || before == LEX_CLOSE;   /* `};` is a habit from elsewhere */

	if (ps->nwords == 0 && !told)
		diag_error(ps->lx.d, w->pos, 1, "remove it", "no statement before this `;`");
	(void)parse_end_stmt(ps, false);
}

static void
parse_text(struct parser *ps)
{
	struct conf_word w = { 0 };

	for (enum lex_kind k = LEX_SEMI, before; !ps->full; ) {
		before = k;
		k = lex_next(&ps->lx, &w);
		switch (k) {
		case LEX_WORD:
			parse_add_word(ps, &w);
			break;
		case LEX_COMMA:
			parse_comma(ps, &w);
			break;
		case LEX_SEMI:
			parse_semi(ps, &w, before);
			break;
		case LEX_OPEN:
			parse_open(ps, &w);
			break;
		case LEX_CLOSE:
			parse_close(ps, &w);
			break;
		case LEX_END:
			parse_end(ps);
			return;
		}
	}
}

struct conf_stmt *
conf_parse_apart(struct arena *texts, struct arena *trees, struct diags *d, uint16_t file, struct str text)
{
	struct conf_stmt *first = NULL;
	struct conf_pos top = { .file = file, .line = 1, .col = 1 };

	if (text.n > CONF_TEXT_MAX) {
		diag_error(d, top, 1, "split it and use include", "the text is longer than %u MiB",
		    CONF_TEXT_MAX >> 20);
		return NULL;
	}
	size_t mark = str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0;   /* put there by some editors */
	char *copy = arena_strdup(texts, text);
	if (copy == NULL) {
		diag_error(d, top, 1, NULL, "no memory left for this text");
		return NULL;
	}
	struct parser ps = {
		.lx = {
			.p = copy + mark, .end = copy + text.n, .line_start = copy,
			.line = 1, .file = file, .d = d,
		},
		.arena = trees,
		.levels[0].tail = &first,
	};
	parse_text(&ps);
	return first;
}

struct conf_stmt *
conf_parse(struct arena *a, struct diags *d, uint16_t file, struct str text)
{
	return conf_parse_apart(a, a, d, file, text);
}

/* The keyword of the block that s stands in, for messages. */
static struct str
walk_block(const struct conf_stmt *s)
{
	return s->parent ? str_head(s->parent->words[0].text, 64) : STR_NULL;
}

static void
walk_known(struct str word, const struct conf_row *rows, size_t nrows, struct buf *hint)
{
	struct str names[TREE_ROWS_MAX];

	for (size_t i = 0; i < nrows; i++)
		names[i] = str_z(rows[i].keyword);
	struct str near = text_nearest(word, names, nrows);
	if (near.n > 0) {
		buf_addf(hint, "did you mean `%.*s`?", STR_FMT(near));
		return;
	}
	buf_add(hint, STR("known here: "));
	for (size_t i = 0; i < nrows; i++)
		buf_addf(hint, "%s%s", i ? ", " : "", rows[i].keyword);
}

static void
walk_unknown(const struct conf_stmt *s, const struct conf_row *rows, size_t nrows, conf_belongs *belongs, void *ctx, struct diags *d)
{
	struct str word = str_head(s->words[0].text, 64), block = walk_block(s);
	struct buf hint = BUF_INIT(1024);

	/* Beyond so many faults nothing is kept: no time is spent on hints. */
	if (diags_count(d) < DIAG_MAX && !(belongs && belongs(ctx, word, &hint)))
		walk_known(word, rows, nrows, &hint);
	diag_error(d, s->words[0].pos, s->words[0].span, buf_cstr(&hint),
	    "unknown word `%.*s`%s%.*s%s", STR_FMT(word), block.n ? " in `" : "", STR_FMT(block),
	    block.n ? "`" : "");
	buf_free(&hint);
}

static void
walk_too_few(const struct conf_stmt *s, const struct conf_row *row, struct diags *d)
{
	char hint[256], have[32] = "there is none";
	const struct conf_word *last = &s->words[s->nwords - 1];

	snprintf(hint, sizeof(hint), "example: %s", row->example ? row->example : row->keyword);
	if (s->nwords > 1)
		snprintf(have, sizeof(have), "it has %u", s->nwords - 1);
	diag_error(d, last->pos, last->span, hint, "`%s` needs %s%u word%s after it, %s",
	    row->keyword, row->max_args > row->min_args ? "at least " : "", row->min_args,
	    row->min_args == 1 ? "" : "s", have);
}

/*
 * The first word that begins a line without a comma before it: most likely a `;` was forgotten
 * there. 0: none.
 */
static uint32_t
walk_line_break(const struct conf_stmt *s)
{
	for (uint32_t i = 1; i < s->nwords; i++)
		if (s->words[i].pos.line != s->words[i - 1].pos.line && !s->words[i - 1].comma)
			return i;
	return 0;
}

/* A word or block too many; `at` is the word to blame when no `;` was forgotten. */
static void
walk_surplus(const struct conf_stmt *s, const struct conf_row *row, uint32_t at, const char *what,
    struct diags *d)
{
	char hint[256];
	uint32_t i = walk_line_break(s);

	if (i > 0)
		snprintf(hint, sizeof(hint), "is a `;` missing at the end of line %u?",
		    s->words[i - 1].pos.line);
	else
		snprintf(hint, sizeof(hint), "example: %s",
		    row->example ? row->example : row->keyword);
	const struct conf_word *w = &s->words[i ? i : at];
	diag_error(d, w->pos, w->span, hint, "`%s` takes %s", row->keyword, what);
}

static void
walk_too_many(const struct conf_stmt *s, const struct conf_row *row, struct diags *d)
{
	char what[64];

	snprintf(what, sizeof(what), "%s%u word%s", row->max_args > row->min_args ? "at most " : "",
	    row->max_args, row->max_args == 1 ? "" : "s");
	walk_surplus(s, row, row->max_args + 1u, row->max_args ? what : "no words", d);
}

/* Whether the statement has the shape its row wants. */
static bool
walk_shape(const struct conf_stmt *s, const struct conf_row *row, struct diags *d)
{
	const struct conf_word *last = &s->words[s->nwords - 1];

	if (s->nwords - 1 < row->min_args) {
		walk_too_few(s, row, d);
		return false;
	}
	if (row->max_args != UINT16_MAX && s->nwords - 1 > row->max_args) {
		walk_too_many(s, row, d);
		return false;
	}
	if (s->block && row->block == CONF_NO_BLOCK) {
		walk_surplus(s, row, s->nwords - 1, "no block in braces", d);
		return false;
	}
	if (!s->block && row->block == CONF_MUST_BLOCK) {
		diag_error(d, last->pos, last->span, row->example, "`%s` needs a block in braces",
		    row->keyword);
		return false;
	}
	return true;
}

void
conf_walk(const struct conf_stmt *first, const struct conf_row *rows, size_t nrows, void *ctx,
    struct diags *d)
{
	conf_walk_among(first, rows, nrows, NULL, ctx, d);
}

void
conf_walk_among(const struct conf_stmt *first, const struct conf_row *rows, size_t nrows, conf_belongs *belongs, void *ctx,
    struct diags *d)
{
	uint32_t seen[TREE_ROWS_MAX] = { 0 };       /* the line where a row was met first */

	assert(nrows <= TREE_ROWS_MAX);
	for (const struct conf_stmt *s = first; s; s = s->next) {
		size_t i = 0;
		while (i < nrows && !str_eq(s->words[0].text, str_z(rows[i].keyword)))
			i++;
		if (i == nrows) {
			walk_unknown(s, rows, nrows, belongs, ctx, d);
		} else if (rows[i].once && seen[i]) {
			diag_error(d, s->words[0].pos, s->words[0].span, "remove one of them",
			    "`%s` is already given in line %u", rows[i].keyword, seen[i]);
		} else {
			seen[i] = s->words[0].pos.line;
			if (walk_shape(s, &rows[i], d))
				rows[i].take(ctx, s, d);
		}
	}
}
