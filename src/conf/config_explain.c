/*
 * config_explain: what is in effect, and why: each value with the line it comes from, or that it is
 * a default, or what it was derived from. Shows; never changes.
 */
#include "conf/config_in.h"

#include "conf/schema_doc.h"

void
config_show(const struct config *c, struct buf *out)
{
	struct config written = *c;

	/* What is implied follows again from what implies it. */
	written.gate.nbranches -= c->gate.nimplied;
	written.vpn.nsecrets -= c->vpn.nimplied;
	schema_write(&config_schema, &written, 0, out);
}

/*
 * A block of the configuration: its rows, its struct, and the statement it was read from, if any.
 */
struct place {
	const struct schema *schema;
	const void *in;
	const struct conf_stmt *head;      /* NULL: the top level, or a block that was not given */
	const struct conf_stmt *first;
	const struct diags *d;
};

static void
show_from(const struct place *p, const struct schema_row *row, struct buf *out)
{
	const struct conf_stmt *s = row->keyword ? config_stmt(p->first, row->keyword) : p->head;

	if (s && (row->keyword || s->nwords > 1)) {
		struct str file = diags_file_name(p->d, s->words[0].pos.file);
		buf_addf(out, "    # %.*s:%u\n", STR_FMT(file), s->words[0].pos.line);
	} else if (row->derived) {
		buf_addf(out, "    # derived from %s\n", row->derived);
	} else {
		buf_addf(out, "    # default\n");
	}
}

static void
show_option(const struct place *p, const struct schema_row *row, struct buf *out)
{
	struct buf value = BUF_INIT(1 << 20);

	buf_add(out, STR("    "));
	if (p->head)
		buf_addf(out, "%.*s%s%.*s: ", STR_FMT(p->head->words[0].text),
		    p->head->nwords > 1 ? " " : "",
		    STR_FMT(p->head->words[p->head->nwords > 1 ? 1 : 0].text));
	schema_value_write(row, (const uint8_t *)p->in + row->offset, &value);
	buf_addf(out, "%s ", row->keyword ? row->keyword : schema_row_arg(row));
	buf_add(out, row->secret ? STR("(secret)") : value.n > 0 ? buf_str(&value) : STR("none"));
	show_from(p, row, out);
	buf_free(&value);
}

static void show_path(const struct place *p, struct str path, struct buf *out);

/* The nth statement of a row's keyword, for the nth block that it made. */
static const struct conf_stmt *
nth_stmt(const struct conf_stmt *first, const struct schema_row *row, uint32_t n)
{
	const struct conf_stmt *s = first ? config_stmt(first, row->keyword) : NULL;

	while (s && n-- > 0)
		s = config_stmt(s->next, row->keyword);
	return s;
}

static void
show_block(const struct place *p, const struct schema_row *row, struct str rest, struct buf *out)
{
	const uint8_t *at = (const uint8_t *)p->in + row->offset, *block = at;
	uint32_t n = 1, mine = 0;

	if (row->kind != SCHEMA_BLOCK)
		memcpy(&block, at, sizeof(block));
	if (row->kind == SCHEMA_BLOCKS)
		memcpy(&n, (const uint8_t *)p->in + row->count_offset, sizeof(n));
	for (uint32_t i = 0; block && i < n; i++, block += row->sub->size) {
		if (!schema_is(row->sub, block))
			continue;
		const struct conf_stmt *s = nth_stmt(p->first, row, mine++);
		struct place in = {
			.schema = row->sub, .in = block, .head = s, .first = s ? s->child : NULL,
			.d = p->d,
		};
		show_path(&in, rest, out);
	}
}

static bool
show_is_value(const struct schema_row *row)
{
	return (row->keyword || schema_is_head(row)) && !schema_is_block(row) &&
	    row->kind != SCHEMA_INCLUDE;
}

/* Shows the option at the end of the path, in every block that the path leads through. */
static void
show_path(const struct place *p, struct str path, struct buf *out)
{
	size_t n = 0;

	while (n < path.n && path.p[n] != '.' && path.p[n] != ' ')
		n++;
	const struct schema_row *row = n > 0 ? schema_row(p->schema, str_head(path, n)) : NULL;
	struct str rest = str_from(path, n + 1);
	if (n == 0) {
		for (size_t i = 0; i < p->schema->nrows; i++)
			if (show_is_value(&p->schema->rows[i]))
				show_option(p, &p->schema->rows[i], out);
	} else if (row && schema_is_block(row)) {
		show_block(p, row, rest, out);
	} else if (row && show_is_value(row)) {
		show_option(p, row, out);
	}
}

int
config_explain(const struct config *c, const struct diags *d, struct str path, struct buf *out)
{
	int r = schema_explain(&config_schema, path, out);

	if (r < 0 || c == NULL)
		return r;
	struct buf values = BUF_INIT(1 << 20);
	struct place top = { .schema = &config_schema, .in = c, .first = c->tree, .d = d };
	show_path(&top, path, &values);
	if (values.n > 0) {
		buf_add(out, STR("\n  in effect:\n"));
		buf_add(out, buf_str(&values));
	}
	buf_free(&values);
	return 0;
}
