/*
 * schema_doc: help, words and sample from the rows of a schema. Never says anything that is not in
 * a row.
 */
#include "conf/schema_doc.h"

#include <errno.h>

/* Cuts the next word of a path; dots and blanks both separate. */
static bool
path_next(struct str *rest, struct str *ret)
{
	size_t n = 0;

	while (rest->n > 0 && (rest->p[0] == '.' || rest->p[0] == ' '))
		*rest = str_from(*rest, 1);
	while (n < rest->n && rest->p[n] != '.' && rest->p[n] != ' ')
		n++;
	*ret = str_head(*rest, n);
	*rest = str_from(*rest, n);
	return n > 0;
}

const struct schema_row *
schema_find(const struct schema *s, struct str path)
{
	const struct schema_row *row = NULL;
	struct str word;

	while (path_next(&path, &word)) {
		if (s == NULL)
			return NULL;
		row = schema_row(s, word);
		if (row == NULL)
			return NULL;
		s = row->sub;
	}
	return row;
}

static void
usage_value(const struct schema_row *row, struct buf *out)
{
	buf_addf(out, " %s%s%s%s%s", row->required || row->keyword ? "" : "[",
	    row->lead ? row->lead : "", row->lead ? " " : "", schema_row_arg(row),
	    row->required || row->keyword ? "" : "]");
}

static void
usage_head(const struct schema_row *row, struct buf *out)
{
	for (size_t i = 0; i < row->sub->nrows; i++)
		if (schema_is_head(&row->sub->rows[i]))
			usage_value(&row->sub->rows[i], out);
}

static bool
has_braces(const struct schema_row *row)
{
	for (size_t i = 0; i < row->sub->nrows; i++)
		if (row->sub->rows[i].keyword)
			return true;
	return false;
}

struct str
schema_example_head(const struct schema_row *row)
{
	struct str s = str_z(row->example);
	bool quoted = false;
	size_t n = 0;

	for (; n < s.n && (quoted || (s.p[n] != '{' && s.p[n] != ';')); n++)
		quoted ^= s.p[n] == '"';
	return str_trim(str_head(s, n));
}

void
schema_usage(const struct schema_row *row, struct buf *out)
{
	buf_addf(out, "%s", row->keyword ? row->keyword : "");
	if (schema_is_block(row)) {
		usage_head(row, out);
		if (has_braces(row))
			buf_add(out, STR(" { ... }"));
	} else if (row->kind == SCHEMA_BOOL) {
		buf_add(out, STR(" [yes|no]"));
	} else {
		usage_value(row, out);
	}
}

static void
explain_values(const struct schema_row *row, struct buf *out)
{
	if (row->kind == SCHEMA_ENUM) {
		for (size_t i = 0; row->names[i]; i++)
			buf_addf(out, "%s%s", i ? ", " : "", row->names[i]);
		return;
	}
	if (schema_has_range(row)) {
		schema_number_write(row, row->min, out);
		buf_add(out, STR(" to "));
		schema_number_write(row, row->max, out);
	} else {
		buf_addf(out, "%s", schema_kind_wants(row->kind));
	}
	if (row->zero)
		buf_addf(out, ", or %s", row->zero);
}

static void
explain_option(const struct schema_row *row, struct buf *out)
{
	buf_add(out, STR("    values:   "));
	explain_values(row, out);
	buf_addf(out, "\n    default:  %s\n", row->derived ? row->derived : row->def ? row->def :
	    row->required ? "none, it must be given" : row->kind == SCHEMA_BOOL ? "no" : "none");
}

static void
explain_row(const struct schema_row *row, struct buf *out)
{
	buf_addf(out, "    %s\n", row->help ? row->help : "");
	if (row->text)
		buf_addf(out, "    %s\n", row->text);
	if (!schema_is_block(row))
		explain_option(row, out);
	if (row->example)
		buf_addf(out, "    example:  %s\n", row->example);
	if (!schema_is_block(row) && row->kind != SCHEMA_INCLUDE)
		buf_addf(out, "    change:   %s\n",
		    row->reload == SCHEMA_RESTART ?
		    "takes effect after a restart" : "takes effect on reload");
}

static void
explain_block(const struct schema_row *row, struct buf *out)
{
	for (size_t i = 0; i < row->sub->nrows; i++) {
		const struct schema_row *sub = &row->sub->rows[i];
		if (schema_is_head(sub)) {
			buf_addf(out, "\n  %s\n", schema_row_arg(sub));
			explain_row(sub, out);
		}
	}
	for (size_t i = 0; i < row->sub->nrows; i++) {
		const struct schema_row *sub = &row->sub->rows[i];
		if (sub->keyword) {
			buf_add(out, STR("\n  "));
			schema_usage(sub, out);
			buf_addf(out, "\n    %s\n", sub->help);
		}
	}
}

static void
words_under(const struct schema *s, const struct str prefix, struct buf *out)
{
	for (size_t i = 0; i < s->nrows; i++) {
		const struct schema_row *row = &s->rows[i];
		struct buf path = BUF_INIT(1024);
		if (row->keyword == NULL)
			continue;
		buf_addf(&path, "%.*s%s%s", STR_FMT(prefix), prefix.n ? "." : "", row->keyword);
		buf_add(out, buf_str(&path));
		buf_add_byte(out, '\n');
		if (schema_is_block(row))
			words_under(row->sub, buf_str(&path), out);
		buf_free(&path);
	}
}

void
schema_words(const struct schema *s, struct buf *out)
{
	words_under(s, STR(""), out);
}

static struct str
path_last(struct str path)
{
	size_t dot = str_rfind(path, STR("."));

	return dot < path.n ? str_from(path, dot + 1) : path;
}

/* Names the options whose path ends in the word asked for, or in the word nearest to it. */
static void
unknown_option(const struct schema *s, struct str path, struct buf *out)
{
	struct str paths[512], lasts[512], rest, line, word = str_head(path_last(path), 64);
	struct buf words = BUF_INIT(1 << 20);
	const char *before = "    see ";
	size_t n = 0;

	schema_words(s, &words);
	for (rest = buf_str(&words);
	     n < ARRAY_LEN(paths) && str_split(&rest, '\n', &line) && line.n > 0; n++) {
		paths[n] = line;
		lasts[n] = path_last(line);
	}
	buf_addf(out, "there is no option `%.*s`\n", STR_FMT(str_head(path, 128)));
	struct str near = text_nearest(word, lasts, n);
	for (size_t i = 0; i < n && near.n > 0; i++) {
		if (str_eq(lasts[i], near)) {
			buf_addf(out, "%s%.*s", before, STR_FMT(paths[i]));
			before = ", ";
		}
	}
	buf_add(out, near.n > 0 ? STR("\n") : STR(""));
	buf_free(&words);
}

int
schema_explain(const struct schema *s, struct str path, struct buf *out)
{
	const struct schema_row *row = schema_find(s, path);

	if (row == NULL) {
		unknown_option(s, path, out);
		return -ENOENT;
	}
	schema_usage(row, out);
	buf_add_byte(out, '\n');
	explain_row(row, out);
	if (schema_is_block(row))
		explain_block(row, out);
	return 0;
}

/*
 * Everything is commented out: a statement comes into force when the `#` at its margin is removed.
 */
static void
sample_line(unsigned indent, struct buf *out)
{
	buf_add_byte(out, '#');
	while (indent-- > 0)
		buf_add_byte(out, '\t');
}

static void sample_rows(const struct schema *s, unsigned indent, struct buf *out);

static void
sample_block(const struct schema_row *row, unsigned indent, struct buf *out)
{
	buf_addf(out, "%.*s {\n", STR_FMT(schema_example_head(row)));
	sample_rows(row->sub, indent + 1, out);
	sample_line(indent, out);
	buf_add(out, STR("}\n"));
}

static void
sample_rows(const struct schema *s, unsigned indent, struct buf *out)
{
	for (size_t i = 0; i < s->nrows; i++) {
		const struct schema_row *row = &s->rows[i];
		if (row->keyword == NULL)
			continue;
		buf_add(out, indent == 0 ? STR("\n# ") : STR(""));
		if (indent > 0) {
			sample_line(indent, out);
			buf_add(out, STR("# "));
		}
		buf_addf(out, "%s\n", row->help);
		sample_line(indent, out);
		if (schema_is_block(row) && has_braces(row))
			sample_block(row, indent, out);
		else if (row->def && !schema_is_block(row))
			buf_addf(out, "%s %s%s%s;\n", row->keyword, row->lead ? row->lead : "",
			    row->lead ? " " : "", row->def);
		else
			buf_addf(out, "%s\n", row->example);
	}
}

void
schema_sample(const struct schema *s, struct buf *out)
{
	buf_addf(out,
	    "# Every option of %s. What has a default is shown with it, else with an example.\n",
	    s->name);
	sample_rows(s, 0, out);
}
