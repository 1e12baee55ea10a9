/*
 * tree: the block language of guarita.conf and of rules. A text is a list of statements; a statement is words, then
 * either `;` or a block in braces. Words may be joined to lists by commas. `#` starts a comment.
 *
 *   word        letters (of any script), digits and . _ - / : * % @ + = ! $ ? ~ < > & ^ | [ ]
 *               (anything else must be quoted)
 *   "text"      with escapes \" \\ \n \r \t \xHH; may span lines
 *   'text'  `text`   raw: no escapes at all, may not span lines
 */
#ifndef GUARITA_CONF_TREE_H
#define GUARITA_CONF_TREE_H

#include "conf/diag.h"

enum conf_quote { CONF_BARE, CONF_QUOTED, CONF_RAW };

struct conf_word {
	struct str text;               /* without quotes, escapes resolved; lives in the arena */
	enum conf_quote quote;
	bool comma;                    /* a comma follows: the next word belongs to the same list */
	struct conf_pos pos;           /* of the first byte, the quote included */
	uint32_t span;                 /* bytes in the source, quotes and escapes included */
};

struct conf_stmt {
	struct conf_word *words;       /* words[0] is the keyword; nwords >= 1 */
	uint32_t nwords;
	bool block;                    /* had braces, perhaps empty */
	struct conf_stmt *child;       /* first statement of the block */
	struct conf_stmt *next;        /* next statement beside this one */
	struct conf_stmt *parent;
};

#define CONF_DEPTH_MAX 16
#define CONF_TEXT_MAX (16u << 20)

/*
 * Parses a whole text; on faults goes on with the next statement, so that all are reported. Returns the first
 * statement or NULL (empty, or nothing but faults). Everything lives in the arena.
 */
struct conf_stmt *conf_parse(struct arena *a, struct diags *d, uint16_t file, struct str text);
/* The same; what the words say lives in `texts`, statements in `trees`, which may go sooner. */
struct conf_stmt *conf_parse_apart(struct arena *texts, struct arena *trees, struct diags *d, uint16_t file,
    struct str text);

static inline struct str
conf_arg(const struct conf_stmt *s, uint32_t i)
{
	return i < s->nwords ? s->words[i].text : STR_NULL;
}

/* One keyword of a block and who takes it. Rows are the one truth: unknown words are reported with the nearest row. */
struct conf_row {
	const char *keyword;
	uint16_t min_args, max_args;   /* words after the keyword; max UINT16_MAX: any number */
	enum { CONF_NO_BLOCK, CONF_MAY_BLOCK, CONF_MUST_BLOCK } block;
	bool once;                     /* at most one in a block */
	/* Called in order of the text. Reports faults into d and returns; no return code. */
	void (*take)(void *ctx, const struct conf_stmt *s, struct diags *d);
	const char *help;              /* one line */
	const char *example;           /* a whole statement */
};

/*
 * Hands each statement of the list to its row; reports unknown keywords, wrong counts, missing or needless blocks. The second also
 * asks where else a word is known: belongs says it as a sentence in hint, or false.
 */
void conf_walk(const struct conf_stmt *first, const struct conf_row *rows, size_t nrows, void *ctx, struct diags *d);
typedef bool conf_belongs(void *ctx, struct str word, struct buf *hint);
void conf_walk_among(const struct conf_stmt *first, const struct conf_row *rows, size_t nrows, conf_belongs *belongs, void *ctx,
    struct diags *d);

#endif
