/* schema_man: the option part of a manual page in mdoc(7), from the rows of a schema. */
#include "conf/schema_doc.h"

#define MAN_COLUMNS 78

/*
 * Foreign to roff: a backslash, a dot or quote that begins a line, and in a macro's arguments a
 * double quote.
 */
static void
man_word(struct buf *out, struct str s)
{
	if (s.n > 0 && (s.p[0] == '.' || s.p[0] == '\''))
		buf_add(out, STR("\\&"));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			buf_add(out, STR("\\e"));
		else if (s.p[i] == '"')
			buf_add(out, STR("\\(dq"));
		else
			buf_add_byte(out, s.p[i]);
	}
}

/*
 * Running text, broken into lines at blanks; a sentence begins a line, as mdoc wants it. No line
 * end after it.
 */
static void
man_text(struct buf *out, const char *text)
{
	struct str rest = str_z(text), word;
	size_t column = 0;
	bool sentence = false;

	while (str_word(&rest, &word)) {
		bool new_line = column > 0 && (sentence || column + 1 + word.n > MAN_COLUMNS);
		if (column > 0)
			buf_add_byte(out, new_line ? '\n' : ' ');
		column = (new_line ? 0 : column + (column > 0)) + word.n;
		man_word(out, word);
		sentence = str_ends(word, STR("."));
	}
}

/* One argument of a macro, in quotes. */
static void
man_quoted(struct buf *out, const char *macro, const char *text)
{
	buf_addf(out, " %s \"", macro);
	man_word(out, str_z(text));
	buf_add_byte(out, '"');
}

/* A help line becomes a sentence. */
static void
man_sentence(struct buf *out, const char *help)
{
	struct buf b = BUF_INIT(4096);

	buf_addf(&b, "%s.", help);
	if (buf_ok(&b) && b.p[0] >= 'a' && b.p[0] <= 'z')
		b.p[0] = (char)(b.p[0] - 'a' + 'A');
	man_text(out, buf_cstr(&b));
	buf_add_byte(out, '\n');
	buf_free(&b);
}

static void
man_value(struct buf *out, const struct schema_row *row)
{
	bool optional = row->keyword == NULL && !row->required;

	if (optional)
		buf_add(out, STR(" Oo"));
	if (row->lead)
		buf_addf(out, " Cm %s", row->lead);
	if (*schema_row_arg(row))
		man_quoted(out, "Ar", schema_row_arg(row));
	if (optional)
		buf_add(out, STR(" Oc"));
}

/* The tag of an item: the statement's form. */
static void
man_item(struct buf *out, const struct schema_row *row)
{
	buf_add(out, STR(".It"));
	if (row->keyword)
		buf_addf(out, " Ic %s", row->keyword);
	if (row->kind == SCHEMA_BOOL)
		buf_add(out, STR(" Op Cm yes | no"));
	else if (!schema_is_block(row))
		man_value(out, row);
	else
		for (size_t i = 0; i < row->sub->nrows; i++)
			if (schema_is_head(&row->sub->rows[i]))
				man_value(out, &row->sub->rows[i]);
	buf_add_byte(out, '\n');
}

static void
man_number(struct buf *out, const struct schema_row *row, int64_t v, const char *after)
{
	buf_add(out, STR(".Cm "));
	schema_number_write(row, v, out);
	buf_addf(out, "%s\n", after);
}

static void
man_range(struct buf *out, const struct schema_row *row)
{
	if (row->kind == SCHEMA_ENUM) {
		buf_add(out, STR("One of\n"));
		for (size_t i = 0; row->names[i]; i++)
			buf_addf(out, ".Cm %s%s\n", row->names[i], row->names[i + 1] ? " ," : " .");
	} else if (schema_has_range(row)) {
		buf_add(out, STR("From\n"));
		man_number(out, row, row->min, "");
		buf_add(out, STR("to\n"));
		man_number(out, row, row->max, row->zero ? " ," : " .");
		if (row->zero)
			buf_addf(out, "or\n.Cm %s .\n", row->zero);
	}
}

static void
man_default(struct buf *out, const struct schema_row *row)
{
	if (row->derived) {
		buf_add(out, STR("The default is taken from: "));
		man_text(out, row->derived);
		buf_add(out, STR(".\n"));
	} else if (row->def) {
		buf_add(out, STR("The default is\n.Cm "));
		man_word(out, str_z(row->def));
		buf_add(out, STR(" .\n"));
	}
	if (row->reload == SCHEMA_RESTART)
		buf_add(out, STR("A change takes effect after a restart.\n"));
}

static void
man_row(struct buf *out, const struct schema_row *row)
{
	man_item(out, row);
	man_sentence(out, row->help);
	if (row->text) {
		man_text(out, row->text);
		buf_add_byte(out, '\n');
	}
	man_range(out, row);
	man_default(out, row);
	if (row->example) {
		buf_add(out, STR(".Pp\n.Dl "));
		man_word(out, str_z(row->example));
		buf_add_byte(out, '\n');
	}
}

static void
man_list(struct buf *out, const struct schema *s, bool common)
{
	bool any = false;

	for (size_t i = 0; i < s->nrows; i++) {
		const struct schema_row *row = &s->rows[i];
		if ((row->keyword == NULL && !schema_is_head(row)) || row->common != common)
			continue;
		if (!any)
			buf_add(out, STR(".Bl -tag -width Ds\n"));
		any = true;
		man_row(out, row);
	}
	if (any)
		buf_add(out, STR(".El\n"));
}

/* The head of a block's own section: what it is for, and its form with its path in the text. */
static void
man_block(struct buf *out, const struct schema_row *row, const char *within)
{
	buf_addf(out, ".Ss %s%s%s\n", row->keyword, within ? " in " : "", within ? within : "");
	man_sentence(out, row->help);
	man_list(out, row->sub, false);
	for (size_t i = 0; i < row->sub->nrows; i++)
		if (schema_is_block(&row->sub->rows[i]))
			man_block(out, &row->sub->rows[i], row->keyword);
}

/* Rows that several blocks share are told once, after the last of these blocks. */
static const struct schema *
man_common(const struct schema *s)
{
	for (size_t i = 0; i < s->nrows; i++)
		for (size_t j = 0; s->rows[i].sub && j < s->rows[i].sub->nrows; j++)
			if (s->rows[i].sub->rows[j].common)
				return s->rows[i].sub;
	return NULL;
}

static void
man_common_section(const struct schema *s, struct buf *out)
{
	const struct schema *common = man_common(s);

	if (common == NULL)
		return;
	buf_add(out, STR(".Ss Options of every source\n"));
	man_list(out, common, true);
}

void
schema_man(const struct schema *s, struct buf *out)
{
	buf_add(out, STR(".Ss Top level\n"));
	man_list(out, s, false);
	for (size_t i = 0; i < s->nrows; i++)
		if (schema_is_block(&s->rows[i]))
			man_block(out, &s->rows[i], NULL);
	man_common_section(s, out);
}
