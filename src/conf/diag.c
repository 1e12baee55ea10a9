/*
 * diag: keeps what is wrong in a set of texts and shows it with place, line, caret and hint. It
 * prints nothing and knows nothing of the language: it only collects and lays out. Foreign text is
 * escaped when shown, never before.
 */
#include "conf/diag.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define DIAG_TEXT_MAX 1024       /* bytes of one message or hint; longer ones are cut */
#define DIAG_WINDOW 160          /* bytes of a source line that are shown around the caret */
#define DIAG_FILES_MAX 4096

struct diag_file {
	struct str name, text;
};

struct diags {
	struct arena arena;
	struct diag *rows;
	size_t nrows, size;
	size_t count, errors;    /* the ones beyond DIAG_MAX included */
	struct diag_file *files;
	size_t nfiles;
};

struct diags *
diags_new(void)
{
	return calloc(1, sizeof(struct diags));
}

void
diags_free(struct diags *d)
{
	if (d == NULL)
		return;
	arena_free(&d->arena);
	free(d->rows);
	free(d->files);
	free(d);
}

uint16_t
diags_file(struct diags *d, struct str name, struct str text)
{
	assert(d->nfiles < DIAG_FILES_MAX);
	struct diag_file *files = realloc(d->files, (d->nfiles + 1) * sizeof(*files));
	assert(files != NULL);
	d->files = files;
	files[d->nfiles] = (struct diag_file){ .name = arena_str(&d->arena, name), .text = text };
	return (uint16_t)d->nfiles++;
}

struct str
diags_file_name(const struct diags *d, uint16_t file)
{
	return file < d->nfiles ? d->files[file].name : STR_NULL;
}

/*
 * A place for one more row, or NULL when there are enough (or no memory): then it is only counted.
 */
static struct diag *
diag_new(struct diags *d)
{
	if (d->nrows >= DIAG_MAX)
		return NULL;
	if (d->nrows == d->size) {
		size_t size = d->size ? d->size * 2 : 16;
		struct diag *rows = realloc(d->rows, size * sizeof(*rows));
		if (rows == NULL)
			return NULL;
		d->rows = rows;
		d->size = size;
	}
	return &d->rows[d->nrows++];
}

static void __attribute__((format(printf, 6, 0)))
diag_add(struct diags *d, enum diag_level level, struct conf_pos pos, uint32_t span,
    const char *hint, const char *fmt, va_list ap)
{
	char text[DIAG_TEXT_MAX];

	d->count++;
	d->errors += level == DIAG_ERROR;
	struct diag *row = diag_new(d);
	if (row == NULL)
		return;
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	*row = (struct diag){
		.level = level,
		.pos = pos,
		.span = span ? span : 1,
		.message = arena_str(&d->arena, str_of(text, len)),
		.hint = arena_str(&d->arena, str_head(str_z(hint), DIAG_TEXT_MAX)),
	};
}

void
diag_error(struct diags *d, struct conf_pos pos, uint32_t span, const char *hint, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(d, DIAG_ERROR, pos, span, hint, fmt, ap);
	va_end(ap);
}

void
diag_warn(struct diags *d, struct conf_pos pos, uint32_t span, const char *hint, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_add(d, DIAG_WARNING, pos, span, hint, fmt, ap);
	va_end(ap);
}

size_t
diags_errors(const struct diags *d)
{
	return d->errors;
}

size_t
diags_count(const struct diags *d)
{
	return d->nrows;
}

const struct diag *
diags_at(const struct diags *d, size_t i)
{
	return i < d->nrows ? &d->rows[i] : NULL;
}

/*
 * Where the last line was found: rows are shown in order, so that a long text is walked only once.
 */
struct diag_walk {
	uint16_t file;
	uint32_t line;          /* 0: nothing walked yet */
	struct str rest;        /* the text from that line on */
};

/* Line `line` (from 1) of the walk's text, without its end; empty when there is no such line. */
static struct str
diag_line(struct diag_walk *w, uint32_t line)
{
	while (w->line < line && w->rest.n > 0) {
		w->rest = str_from(w->rest, str_find_byte(w->rest, '\n') + 1);
		w->line++;
	}
	struct str s = str_head(w->rest, str_find_byte(w->rest, '\n'));
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static bool
utf8_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/*
 * Cuts a long line to what lies around the caret, on whole characters; *at becomes the caret's
 * offset in it.
 */
static struct str
diag_window(struct str line, size_t *at)
{
	size_t from = 0, to = line.n;

	if (*at > line.n)
		*at = line.n;
	if (line.n > DIAG_WINDOW) {
		from = *at > DIAG_WINDOW / 2 ? *at - DIAG_WINDOW / 2 : 0;
		to = from + DIAG_WINDOW < line.n ? from + DIAG_WINDOW : line.n;
	}
	for (int i = 0; i < 3 && from > 0 && utf8_tail(line.p[from]); i++)
		from--;
	for (int i = 0; i < 3 && to < line.n && utf8_tail(line.p[to]); i++)
		to++;
	*at -= from;
	return str_of(line.p ? line.p + from : "", to - from);
}

/* Foreign text made safe for a terminal, but with its tabs: the caret below keeps the same tabs. */
static void
diag_add_text(struct buf *out, struct str s)
{
	for (struct str piece; s.n > 0; s = str_from(s, piece.n + 1)) {
		piece = str_head(s, str_find_byte(s, '\t'));
		buf_add_escaped(out, piece);
		if (piece.n < s.n)
			buf_add_byte(out, '\t');
	}
}

static size_t
diag_columns(struct str s)
{
	struct buf b = BUF_INIT(16 * DIAG_WINDOW);

	buf_add_escaped(&b, s);
	size_t columns = utf8_columns(buf_str(&b));
	buf_free(&b);
	return columns;
}

static void
diag_add_run(struct buf *out, char c, size_t n)
{
	while (n-- > 0)
		buf_add_byte(out, c);
}

static void
diag_add_caret(struct buf *out, struct str line, size_t at, size_t span)
{
	struct str before = str_head(line, at), under = str_head(str_from(line, at), span);

	for (struct str piece; before.n > 0; before = str_from(before, piece.n + 1)) {
		piece = str_head(before, str_find_byte(before, '\t'));
		diag_add_run(out, ' ', diag_columns(piece));
		if (piece.n < before.n)
			buf_add_byte(out, '\t');
	}
	size_t columns = diag_columns(under);
	diag_add_run(out, '^', columns ? columns : 1);
	buf_add_byte(out, '\n');
}

static void
diag_show_source(const struct diags *d, const struct diag *row, struct diag_walk *walk,
    struct buf *out)
{
	size_t at = row->pos.col ? row->pos.col - 1 : 0;

	if (row->pos.file >= d->nfiles)
		return;
	if (walk->line == 0 || walk->file != row->pos.file)
		*walk = (struct diag_walk){
			.file = row->pos.file, .line = 1, .rest = d->files[row->pos.file].text,
		};
	struct str line = diag_window(diag_line(walk, row->pos.line), &at);
	buf_add(out, STR("    "));
	diag_add_text(out, line);
	buf_add(out, STR("\n    "));
	diag_add_caret(out, line, at, row->span);
}

static void
diag_show(const struct diags *d, const struct diag *row, struct diag_walk *walk, struct buf *out)
{
	buf_add_escaped(out, diags_file_name(d, row->pos.file));
	buf_addf(out, ":%u:%u: %s: ", row->pos.line, row->pos.col,
	    row->level == DIAG_ERROR ? "error" : "warning");
	buf_add_escaped(out, row->message);
	buf_add_byte(out, '\n');
	diag_show_source(d, row, walk, out);
	if (row->hint.n > 0) {
		buf_add(out, STR("    "));
		buf_add_escaped(out, row->hint);
		buf_add_byte(out, '\n');
	}
}

static int
place_cmp(struct conf_pos a, struct conf_pos b)
{
	if (a.file != b.file)
		return a.file < b.file ? -1 : 1;
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	return a.col < b.col ? -1 : a.col > b.col;
}

/* By place; at the same place, in the order found. */
static int
order_cmp(const void *va, const void *vb, void *ctx)
{
	const struct diags *d = ctx;
	uint16_t a = *(const uint16_t *)va, b = *(const uint16_t *)vb;
	int r = place_cmp(d->rows[a].pos, d->rows[b].pos);

	return r ? r : a - b;
}

void
diags_show(const struct diags *d, struct buf *out)
{
	uint16_t order[DIAG_MAX] = { 0 };
	struct diag_walk walk = { 0 };

	for (size_t i = 0; i < d->nrows; i++)
		order[i] = (uint16_t)i;
	qsort_r(order, d->nrows, sizeof(order[0]), order_cmp, (void *)(uintptr_t)d);
	for (size_t i = 0; i < d->nrows; i++)
		diag_show(d, &d->rows[order[i]], &walk, out);
	if (d->count > d->nrows)
		buf_addf(out, "and %zu more\n", d->count - d->nrows);
}
