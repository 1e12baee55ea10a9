/*
 * schema: blocks of rows read into structs and written back. Knows nothing of any single option;
 * what a value looks like is schema_value.c's matter.
 */
#include "conf/schema.h"

#include <assert.h>
#include <stdio.h>

static void *
row_at(const struct schema_row *row, void *base)
{
	return (uint8_t *)base + row->offset;
}

static const void *
row_in(const struct schema_row *row, const void *base)
{
	return (const uint8_t *)base + row->offset;
}

static uint32_t *
row_count(const struct schema_row *row, void *base)
{
	return (uint32_t *)(void *)((uint8_t *)base + row->count_offset);
}

const struct schema_row *
schema_row(const struct schema *s, struct str keyword)
{
	for (size_t i = 0; i < s->nrows; i++)
		if (s->rows[i].keyword && str_eq(keyword, str_z(s->rows[i].keyword)))
			return &s->rows[i];
	return NULL;
}

bool
schema_is(const struct schema *s, const void *in)
{
	for (size_t i = 0; i < s->nrows; i++) {
		int v;
		memcpy(&v, row_in(&s->rows[i], in),
		    s->rows[i].kind == SCHEMA_CONST ? sizeof(v) : 0);
		if (s->rows[i].kind == SCHEMA_CONST && v != s->rows[i].min)
			return false;
	}
	return true;
}

/*
 * A row's default goes the same way as what a user writes, so it is checked like that. Lists have
 * none: what a user writes would add to it.
 */
static void
default_value(const struct schema_row *row, void *out)
{
	struct conf_word word = { .text = str_z(row->def), .span = 1 };
	struct diags *d = diags_new();
	uint32_t used;

	assert(d != NULL && !schema_is_list(row));
	bool ok = schema_value_read(row, &word, 1, NULL, d, out, &used);
	assert(ok && used == 1);
	diags_free(d);
}

void
schema_defaults(const struct schema *s, void *out)
{
	memset(out, 0, s->size);
	for (size_t i = 0; i < s->nrows; i++) {
		const struct schema_row *row = &s->rows[i];
		void *at = row_at(row, out);
		if (row->kind == SCHEMA_CONST) {
			int v = (int)row->min;
			memcpy(at, &v, sizeof(v));
		} else if (row->kind == SCHEMA_BLOCK) {
			schema_defaults(row->sub, at);
		} else if (row->def) {
			default_value(row, at);
		}
	}
}

#define HOMES_MAX 4                    /* blocks named for a word that stands in the wrong one */

struct reading {
	const struct schema *whole;    /* what all of the text may say */
	const struct schema *s;
	const struct conf_stmt *head;
	struct arena *arena;
	struct diags *d;
	void *out;
};

static void
word_wanted(const struct reading *r, const struct conf_stmt *s, const struct schema_row *row)
{
	const struct conf_word *last = &s->words[s->nwords - 1];
	char hint[256];

	snprintf(hint, sizeof(hint), "example: %s",
	    row->example ? row->example : schema_row_arg(row));
	diag_error(r->d, last->pos, last->span, hint, "missing after this: %s%s%s",
	    row->lead ? row->lead : "", row->lead ? " " : "", schema_row_arg(row));
}

static void
word_unwanted(const struct reading *r, const struct conf_stmt *s, uint32_t i, bool after_list,
    const char *example)
{
	char hint[256] = "";
	const struct conf_word *w = &s->words[i];

	if (i > 0 && w->pos.line != s->words[i - 1].pos.line)
		snprintf(hint, sizeof(hint), "is a `;` missing at the end of line %u?",
		    s->words[i - 1].pos.line);
	else if (after_list)
		snprintf(hint, sizeof(hint), "is a comma missing before it?");
	else if (example)
		snprintf(hint, sizeof(hint), "example: %s", example);
	diag_error(r->d, w->pos, w->span, hint, "`%.*s` is not expected here",
	    STR_FMT(str_head(w->text, 64)));
}

/* One value of a statement at words[*i], with its lead; false after a fault. */
static bool
read_value(const struct reading *r, const struct conf_stmt *s, const struct schema_row *row,
    uint32_t *i)
{
	uint32_t used;

	if (row->lead && *i < s->nwords && str_eq(s->words[*i].text, str_z(row->lead)))
		++*i;
	else if (row->lead && row->required && *i < s->nwords) {
		diag_error(r->d, s->words[*i].pos, s->words[*i].span, row->example,
		    "`%s` is expected here", row->lead);
		return false;
	} else if (row->lead && !row->required) {
		return true;
	}
	if (*i >= s->nwords) {
		if (row->required || row->lead || row->keyword)
			word_wanted(r, s, row);
		return !row->required && !row->lead && !row->keyword;
	}
	bool ok = schema_value_read(row, &s->words[*i], s->nwords - *i, r->arena, r->d, row_at(row,
	    r->out), &used);
	*i += used;
	return ok;
}

/* The words between the keyword and the braces. */
static void
read_head(const struct reading *r)
{
	uint32_t i = 1;
	bool list = false, ok = true;
	const char *example = NULL;

	for (size_t n = 0; n < r->s->nrows && ok; n++) {
		const struct schema_row *row = &r->s->rows[n];
		uint32_t from = i;
		if (!schema_is_head(row))
			continue;
		ok = read_value(r, r->head, row, &i);
		list = schema_is_list(row) && i > from;
		example = row->example ? row->example : example;
	}
	if (ok && i < r->head->nwords)
		word_unwanted(r, r->head, i, list, example);
}

/* How many of the statements from s on go to the same array: sources of all types share one. */
static uint32_t
count_blocks(const struct schema *schema, const struct conf_stmt *s, const struct schema_row *like)
{
	uint32_t n = 0;

	for (; s && (like->max == 0 || n < like->max); s = s->next) {
		const struct schema_row *row = schema_row(schema, s->words[0].text);
		n += row && row->kind == SCHEMA_BLOCKS && row->offset == like->offset;
	}
	return n;
}

/* The next struct of an array of blocks; NULL when there are enough of them. */
static void *
next_block(const struct reading *r, const struct conf_stmt *s, const struct schema_row *row,
    void *first)
{
	uint32_t *n = row_count(row, r->out);

	if (row->max == 0 || *n < row->max)
		return (uint8_t *)first + (size_t)(*n)++ * row->sub->size;
	diag_error(r->d, s->words[0].pos, s->words[0].span, NULL,
	    "more than %lld blocks of this kind", (long long)row->max);
	return NULL;
}

/* The struct that a block statement fills; NULL after a fault. */
static void *
block_struct(const struct reading *r, const struct conf_stmt *s, const struct schema_row *row)
{
	void *at = row_at(row, r->out), *block;

	if (row->kind == SCHEMA_BLOCK)
		return at;
	memcpy(&block, at, sizeof(block));
	if (block == NULL) {
		block = arena_array(r->arena,
		    row->kind == SCHEMA_BLOCKS ? count_blocks(r->s, s, row) : 1, row->sub->size);
		memcpy(at, &block, sizeof(block));
	}
	if (block == NULL)
		diag_error(r->d, s->words[0].pos, s->words[0].span, NULL,
		    "no memory left for this block");
	else if (row->kind == SCHEMA_BLOCKS)
		block = next_block(r, s, row, block);
	return block;
}

static void read_within(const struct schema *whole, const struct schema *s, const struct conf_stmt *head,
    const struct conf_stmt *first, struct arena *a, struct diags *d, void *out);

static void
read_block(const struct reading *r, const struct conf_stmt *s, const struct schema_row *row)
{
	void *block = block_struct(r, s, row);

	if (block)
		read_within(r->whole, row->sub, s, s->child, r->arena, r->d, block);
}

/* Called by conf_walk for every statement that has a row and the right shape. */
static void
take(void *ctx, const struct conf_stmt *s, struct diags *d)
{
	const struct reading *r = ctx;
	const struct schema_row *row = schema_row(r->s, s->words[0].text);
	uint32_t i = 1;

	assert(row != NULL);
	if (row->kind == SCHEMA_INCLUDE) {
		diag_error(d, s->words[0].pos, s->words[0].span, NULL,
		    "no other file can be read here");
	} else if (schema_is_block(row)) {
		read_block(r, s, row);
	} else if (row->kind == SCHEMA_BOOL && s->nwords == 1) {
		*(bool *)row_at(row, r->out) = true;
	} else {
		struct schema_row must = *row;        /* the lead of a statement is no choice */
		must.required = true;
		if (read_value(r, s, &must, &i) && i < s->nwords)
			word_unwanted(r, s, i, schema_is_list(row), row->example);
	}
}

/* The shape that conf_walk checks: fewest and most words, and braces. */
static struct conf_row
shape(const struct schema_row *row)
{
	struct conf_row c = {
		.keyword = row->keyword, .take = take, .help = row->help, .example = row->example,
	};
	bool heads = false, keywords = false;

	c.once = row->kind != SCHEMA_BLOCKS && row->kind != SCHEMA_INCLUDE && !schema_is_list(row);
	c.max_args = UINT16_MAX;
	if (!schema_is_block(row)) {
		c.min_args = row->kind == SCHEMA_BOOL ? 0 : 1;
		return c;
	}
	for (size_t i = 0; i < row->sub->nrows; i++) {
		const struct schema_row *sub = &row->sub->rows[i];
		heads |= schema_is_head(sub);
		keywords |= sub->keyword != NULL;
		c.min_args += schema_is_head(sub) && sub->required;
	}
	c.max_args = heads ? UINT16_MAX : 0;
	c.block = keywords ? CONF_MAY_BLOCK : CONF_NO_BLOCK;
	if (keywords && !heads && row->kind == SCHEMA_BLOCK)
		c.block = CONF_MUST_BLOCK;
	return c;
}

static void
fill_where(const struct reading *r)
{
	for (size_t i = 0; i < r->s->nrows; i++)
		if (r->s->rows[i].kind == SCHEMA_WHERE)
			*(struct conf_pos *)row_at(&r->s->rows[i], r->out) = r->head->words[0].pos;
}

/* Rows that must be given, when no other fault hides why they are not. */
static void
check_required(const struct reading *r, const struct conf_stmt *first)
{
	struct conf_pos top = { .line = 1, .col = 1 };

	for (size_t i = 0; i < r->s->nrows; i++) {
		const struct schema_row *row = &r->s->rows[i];
		const struct conf_stmt *s = first;
		if (row->keyword == NULL || !row->required)
			continue;
		while (s && !str_eq(s->words[0].text, str_z(row->keyword)))
			s = s->next;
		if (s == NULL)
			diag_error(r->d, r->head ? r->head->words[0].pos : top,
			    r->head ? r->head->words[0].span : 1, row->example,
			    "`%s` is missing%s%s%s", row->keyword, r->head ? " in `" : "",
			    r->head ? r->s->name : "", r->head ? "`" : "");
	}
}

/* Blocks that know the word, outermost first; the text's own level counts as one. */
static void
find_homes(const struct schema *s, const char *path, struct str word, unsigned *n, struct buf *out)
{
	char deeper[256];

	for (size_t i = 0; i < s->nrows && *n < HOMES_MAX; i++) {
		const struct schema_row *row = &s->rows[i];
		if (!row->keyword)
			continue;
		if (str_eq(word, str_z(row->keyword))) {
			buf_addf(out, "%s%s%s%s", *n ? ", or " : "", *path ? "in `" : "outside of any block", path, *path ? "`" : "");
			(*n)++;
		}
	}
	for (size_t i = 0; i < s->nrows && *n < HOMES_MAX; i++) {
		const struct schema_row *row = &s->rows[i];
		if (!row->keyword || !schema_is_block(row) ||
		    (size_t)snprintf(deeper, sizeof(deeper), "%s%s%s", path, *path ? "." : "", row->keyword) >= sizeof(deeper))
			continue;
		find_homes(row->sub, deeper, word, n, out);
	}
}

static bool
belongs(void *ctx, struct str word, struct buf *hint)
{
	const struct reading *r = ctx;
	struct buf homes = BUF_INIT(1024);
	unsigned n = 0;

	find_homes(r->whole, "", word, &n, &homes);
	if (n)
		buf_addf(hint, "it belongs %.*s", STR_FMT(buf_str(&homes)));
	buf_free(&homes);
	return n > 0;
}

static void
read_within(const struct schema *whole, const struct schema *s, const struct conf_stmt *head, const struct conf_stmt *first,
    struct arena *a, struct diags *d, void *out)
{
	struct reading r = { .whole = whole, .s = s, .head = head, .arena = a, .d = d, .out = out };
	struct conf_row rows[SCHEMA_ROWS_MAX];
	size_t n = 0, before = diags_errors(d);

	schema_defaults(s, out);
	if (head) {
		fill_where(&r);
		read_head(&r);
	}
	for (size_t i = 0; i < s->nrows; i++) {
		assert(n < SCHEMA_ROWS_MAX);
		if (s->rows[i].keyword)
			rows[n++] = shape(&s->rows[i]);
	}
	conf_walk_among(first, rows, n, belongs, &r, d);
	if (diags_errors(d) == before)
		check_required(&r, first);
}

void
schema_read(const struct schema *s, const struct conf_stmt *head, const struct conf_stmt *first,
    struct arena *a, struct diags *d, void *out)
{
	read_within(s, s, head, first, a, d, out);
}

static void
write_indent(struct buf *out, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		buf_add_byte(out, '\t');
}

static void
write_words(const struct schema_row *row, const void *in, struct buf *out)
{
	struct buf value = BUF_INIT(CONF_TEXT_MAX);

	if (row->secret)
		return;
	schema_value_write(row, row_in(row, in), &value);
	if (value.n > 0) {
		buf_addf(out, " %s%s", row->lead ? row->lead : "", row->lead ? " " : "");
		buf_add(out, buf_str(&value));
	}
	buf_free(&value);
}

static void
write_option(const struct schema_row *row, const void *in, unsigned indent, struct buf *out)
{
	struct buf words = BUF_INIT(CONF_TEXT_MAX);

	write_words(row, in, &words);
	if (words.n > 0) {
		write_indent(out, indent);
		buf_addf(out, "%s", row->keyword);
		buf_add(out, buf_str(&words));
		buf_add(out, STR(";\n"));
	}
	buf_free(&words);
}

static void
write_block(const struct schema_row *row, const void *in, unsigned indent, struct buf *out)
{
	struct buf body = BUF_INIT(CONF_TEXT_MAX);
	bool braces = false;

	write_indent(out, indent);
	buf_addf(out, "%s", row->keyword);
	for (size_t i = 0; i < row->sub->nrows; i++) {
		if (schema_is_head(&row->sub->rows[i]))
			write_words(&row->sub->rows[i], in, out);
		braces |= row->sub->rows[i].keyword != NULL;
	}
	schema_write(row->sub, in, indent + 1, &body);
	if (braces) {
		buf_add(out, STR(" {\n"));
		buf_add(out, buf_str(&body));
		write_indent(out, indent);
	}
	buf_add(out, braces ? STR("}\n") : STR(";\n"));
	buf_free(&body);
}

/* The blocks of one row: none, one, or those of its type in an array that several rows share. */
static void
write_blocks(const struct schema_row *row, const void *in, unsigned indent, struct buf *out)
{
	const void *at = row_in(row, in);
	const uint8_t *block = at;
	uint32_t n = 1;

	if (row->kind != SCHEMA_BLOCK)
		memcpy(&block, at, sizeof(block));
	if (row->kind == SCHEMA_BLOCKS)
		memcpy(&n, (const uint8_t *)in + row->count_offset, sizeof(n));
	for (uint32_t i = 0; block && i < n; i++, block += row->sub->size)
		if (schema_is(row->sub, block))
			write_block(row, block, indent, out);
}

void
schema_write(const struct schema *s, const void *in, unsigned indent, struct buf *out)
{
	for (size_t i = 0; i < s->nrows; i++) {
		const struct schema_row *row = &s->rows[i];
		if (row->keyword == NULL || row->kind == SCHEMA_INCLUDE)
			continue;
		if (schema_is_block(row))
			write_blocks(row, in, indent, out);
		else
			write_option(row, in, indent, out);
	}
}
