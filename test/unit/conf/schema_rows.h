/*
 * schema_rows: tests that every row of any schema must pass: it is documented, its default and
 * example read, its range is kept at both ends. A new option is tested by being a row.
 */
#ifndef GUARITA_TEST_SCHEMA_ROWS_H
#define GUARITA_TEST_SCHEMA_ROWS_H

#include "conf/schema.h"
#include "conf/schema_doc.h"
#include "conf_test.h"

struct row_walk {
	const struct schema *top;
	const char *before[8], *after[8];      /* the blocks around the row, as text */
	uint32_t depth;
	size_t ranged, examples, names;        /* tested */
};

static inline size_t
read_text(const struct schema *s, struct str text, struct fixture *f)
{
	void *out = arena_alloc(&f->arena, s->size);
	struct conf_stmt *first = conf_parse(&f->arena, f->d, diags_file(f->d, STR("t"), text),
	    text);

	assert_non_null(out);
	schema_read(s, NULL, first, &f->arena, f->d, out);
	return diags_errors(f->d);
}

/* A statement, inside the blocks that it belongs in: how many errors. */
static inline size_t
read_inside(const struct row_walk *w, const char *stmt, struct buf *ret_faults)
{
	struct buf text = BUF_INIT(1 << 16);
	struct fixture f;

	for (uint32_t i = 0; i < w->depth; i++)
		buf_addf(&text, "%s", w->before[i]);
	buf_addf(&text, "%s\n", stmt);
	for (uint32_t i = w->depth; i-- > 0; )
		buf_addf(&text, "%s", w->after[i]);
	fixture_open(&f);
	size_t errors = read_text(w->top, buf_str(&text), &f);
	diags_show(f.d, ret_faults);
	fixture_close(&f);
	buf_free(&text);
	return errors;
}

static inline void
expect_good(const struct row_walk *w, const char *stmt)
{
	struct buf faults_text = BUF_INIT(1 << 20);

	if (read_inside(w, stmt, &faults_text) != 0)
		fail_msg("%s is refused:\n%s", stmt, buf_cstr(&faults_text));
	buf_free(&faults_text);
}

static inline void
check_number(const struct schema_row *row, int64_t v, bool want)
{
	struct fixture f;
	uint64_t out = 0;
	uint32_t used;

	fixture_open(&f);
	schema_number_write(row, v, &f.out);
	struct conf_word word = { .text = str_z(buf_cstr(&f.out)), .span = 1, .pos = { 0, 1, 1 } };
	bool ok = schema_value_read(row, &word, 1, &f.arena, f.d, &out, &used);
	if (ok != want)
		fail_msg("%s: %s is %s", row->keyword ? row->keyword : row->arg, buf_cstr(&f.out),
		    ok ? "taken" : "refused");
	if (ok)
		assert_true((int64_t)out == v);
	else
		assert_non_null(strstr(faults(&f),
		    v < 0 && row->kind != SCHEMA_INT ? "is not" : "must be between"));
	fixture_close(&f);
}

static inline void
check_range(struct row_walk *w, const struct schema_row *row)
{
	assert_true(row->min < row->max);
	check_number(row, row->min, true);
	check_number(row, row->max, true);
	check_number(row, row->max + 1, false);
	if (row->min - 1 != 0 || row->zero == NULL)
		check_number(row, row->min - 1, false);
	if (row->zero)
		check_number(row, 0, true);
	w->ranged++;
}

static inline void
check_names(struct row_walk *w, const struct schema_row *row)
{
	for (int i = 0; row->names[i]; i++) {
		struct fixture f;
		struct conf_word word = { .text = str_z(row->names[i]), .span = 1 };
		int v = -1;
		uint32_t used;
		fixture_open(&f);
		assert_true(schema_value_read(row, &word, 1, &f.arena, f.d, &v, &used));
		assert_int_equal(v, i);
		word.text = STR("no-such-name");
		assert_false(schema_value_read(row, &word, 1, &f.arena, f.d, &v, &used));
		assert_int_equal(v, i);
		fixture_close(&f);
		w->names++;
	}
}

static inline void
check_documented(const struct schema_row *row)
{
	if (row->help == NULL || row->example == NULL)
		fail_msg("`%s` has no help or no example",
		    row->keyword ? row->keyword : "a head row");
	assert_true(strlen(row->help) <= 100);
	assert_true(row->help[strlen(row->help) - 1] != '.');
}

static inline void check_rows(struct row_walk *w, const struct schema *s);

/* Goes into a block by its own example, without what that has in braces. */
static inline void
check_block(struct row_walk *w, const struct schema_row *row)
{
	struct buf before = BUF_INIT(4096);

	buf_addf(&before, "%.*s {\n", STR_FMT(schema_example_head(row)));
	assert_true(w->depth < ARRAY_LEN(w->before));
	w->before[w->depth] = buf_cstr(&before);
	w->after[w->depth++] = "}\n";
	check_rows(w, row->sub);
	w->depth--;
	buf_free(&before);
}

static inline void
check_rows(struct row_walk *w, const struct schema *s)
{
	for (size_t i = 0; i < s->nrows; i++) {
		const struct schema_row *row = &s->rows[i];
		if (row->kind == SCHEMA_CONST || row->kind == SCHEMA_WHERE)
			continue;
		check_documented(row);
		if (schema_has_range(row))
			check_range(w, row);
		if (row->kind == SCHEMA_ENUM)
			check_names(w, row);
		if (row->keyword && row->kind != SCHEMA_INCLUDE) {
			expect_good(w, row->example);
			w->examples++;
		} else if (row->keyword == NULL && w->depth == 1) {
			struct row_walk top = { .top = w->top };
			expect_good(&top,
			    row->example);       /* of a head row: the whole block statement */
		}
		if (schema_is_block(row))
			check_block(w, row);
	}
}

#endif
