/*
 * granule_encode: writing.
 *
 * The directory: u8 version, then varints: rows; blobs, each stored, raw, 16 bytes digest; words, blob of their bytes,
 * colset of their lengths; colset of the head; names, each a word; groups, each rows, template (length, bytes),
 * variants (count, each its places: count, name, first, last), extra columns (count, each a name), colset.
 * A colset: blob of its small columns + 1 or 0, then each column's description and where its numbers are:
 * 0 nowhere, 1 next in the small blob, n + 2 in blob n.
 */
#include <errno.h>
#include <stdlib.h>

#include "vault/column.h"
#include "vault/granule_writing.h"

#define COLUMN_BUF_MAX (8u << 20)

struct granule_encoder *
granule_encoder_new(void)
{
	struct granule_encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->work = column_work_new();
	e->blobs = blob_writer_new();
	e->directory = BUF_INIT(BLOB_MAX);
	e->columns = BUF_INIT(BLOB_MAX);
	e->small = BUF_INIT(BLOB_MAX);
	e->payload = BUF_INIT(COLUMN_BUF_MAX);
	e->filter = BUF_INIT(BLOB_MAX);
	e->text = BUF_INIT(BLOB_MAX);
	if (!e->work || !e->blobs) {
		granule_encoder_free(e);
		return NULL;
	}
	return e;
}

void
granule_encoder_free(struct granule_encoder *e)
{
	if (!e)
		return;
	column_work_free(e->work);
	blob_writer_free(e->blobs);
	keyset_free(&e->keys);
	buf_free(&e->directory);
	buf_free(&e->columns);
	buf_free(&e->small);
	buf_free(&e->payload);
	buf_free(&e->filter);
	buf_free(&e->text);
	free(e->list);
	free(e->matrix);
	free(e->slot);
	free(e->count);
	free(e->final);
	free(e->order);
	free(e);
}

static int
put_blob(struct writing *w, struct str raw, struct str zipped, int level, uint32_t *ret)
{
	struct granule_encoder *e = w->e;
	struct blob b;
	int rc;

	if (e->nblobs == e->list_size) {
		uint32_t size = e->list_size ? 2 * e->list_size : 256;
		struct blob *list = realloc(e->list, size * sizeof(*list));

		if (!list)
			return -ENOMEM;
		e->list = list;
		e->list_size = size;
	}
	rc = blob_write(e->blobs, w->seal, e->nblobs, raw, zipped, level, w->out, &b);
	if (rc < 0)
		return rc;
	e->list[e->nblobs] = b;
	*ret = e->nblobs++;
	return 0;
}

/* One column of a colset: its description, and its numbers into the small ones or a blob. */
static int
put_column(struct writing *w, const uint64_t *v, uint32_t rows, const struct column_ref *others, size_t nothers,
    struct column *ret)
{
	struct granule_encoder *e = w->e;
	struct str stored;
	uint32_t blob;
	int rc;

	buf_reset(&e->payload);
	rc = column_encode(e->work, v, rows, others, nothers, &e->payload, ret, &stored);
	if (rc < 0)
		return rc;
	column_describe(ret, &e->columns);
	if (e->payload.n == 0) {
		varint_add(&e->columns, 0);
	} else if (!stored.p) {
		varint_add(&e->columns, 1);
		buf_add(&e->small, buf_str(&e->payload));
	} else {
		rc = put_blob(w, buf_str(&e->payload), ret->packed ? STR_NULL : stored, 0, &blob);
		if (rc == 0)
			varint_add(&e->columns, (uint64_t)blob + 2);
	}
	return rc;
}

/* Columns of `rows` values each, one after the other in v. */
static int
put_colset(struct writing *w, const uint64_t *v, uint32_t rows, uint32_t ncolumns)
{
	struct granule_encoder *e = w->e;
	struct column_ref *others = calloc(ncolumns + 1u, sizeof(*others));
	uint32_t blob = 0;
	size_t nothers = 0;
	int rc = others ? 0 : -ENOMEM;

	buf_reset(&e->columns);
	buf_reset(&e->small);
	for (uint32_t i = 0; rc == 0 && i < ncolumns; i++) {
		const uint64_t *column = v + (size_t)i * rows;
		struct column c;

		rc = put_column(w, column, rows, others, nothers, &c);
		if (rc == 0 && c.mode != COLUMN_SAME && c.mode != COLUMN_LIKE && c.mode != COLUMN_MAP)
			others[nothers++] = (struct column_ref){ .v = column, .number = (uint16_t)i, .min = c.min, .max = c.max };
	}
	free(others);
	if (rc == 0 && e->small.n > 0)
		rc = put_blob(w, buf_str(&e->small), STR_NULL, 1, &blob);
	if (rc < 0)
		return rc;
	varint_add(&e->directory, e->small.n > 0 ? (uint64_t)blob + 1 : 0);
	buf_add(&e->directory, buf_str(&e->columns));
	return buf_ok(&e->directory) && buf_ok(&e->columns) ? 0 : -ENOMEM;
}

static int
room_for_matrix(struct granule_encoder *e, size_t n)
{
	if (n > e->matrix_size) {
		free(e->matrix);
		e->matrix = malloc(n * sizeof(*e->matrix));
		e->matrix_size = e->matrix ? n : 0;
	}
	return e->matrix ? 0 : -ENOMEM;
}

static int
put_words(struct writing *w)
{
	struct granule_encoder *e = w->e;
	uint32_t blob;
	int rc = room_for_matrix(e, w->nwords);

	buf_reset(&e->text);
	for (uint32_t i = 0; rc == 0 && i < w->nwords; i++) {
		struct str text = ordered_word(w, i);

		e->matrix[i] = text.n;
		buf_add(&e->text, text);
	}
	if (rc == 0 && !buf_ok(&e->text))
		rc = -ENOMEM;
	if (rc == 0)
		rc = put_blob(w, buf_str(&e->text), STR_NULL, w->level, &blob);
	if (rc < 0)
		return rc;
	varint_add(&e->directory, w->nwords);
	varint_add(&e->directory, blob);
	return put_colset(w, e->matrix, w->nwords, 1);
}

static int
put_head(struct writing *w)
{
	const struct granule *g = w->g;
	uint64_t last[TOKEN_TYPES] = { 0 }, *v;
	uint32_t n = g->nrows;
	int rc = room_for_matrix(w->e, (size_t)n * HEAD_COLUMNS);

	if (rc < 0)
		return rc;
	v = w->e->matrix;
	for (uint32_t r = 0; r < n; r++) {
		const struct row *row = &g->rows[r];
		const struct template *t = &g->groups[row->group]->template;
		uint8_t type = t->parts[t->stamp].type;

		v[(size_t)HEAD_GROUP * n + r] = g->groups[row->group]->number;
		v[(size_t)HEAD_RECV * n + r] = (uint64_t)row->recv_ns;
		v[(size_t)HEAD_SOURCE * n + r] = w->e->final[row->source];
		v[(size_t)HEAD_TRANSPORT * n + r] = row->transport;
		v[(size_t)HEAD_FLAGS * n + r] = row->flags;
		/* Steps from the line before that tells the time in the same way. */
		v[(size_t)HEAD_STAMP * n + r] = t->stamp < t->n ? zigzag((int64_t)(row->stamp - last[type])) : 0;
		last[type] = row->stamp;
	}
	return put_colset(w, v, n, HEAD_COLUMNS);
}

static void
put_variants(struct writing *w, const struct group *group)
{
	struct buf *d = &w->e->directory;

	varint_add(d, group->nvariants);
	for (uint32_t i = 0; i < group->nvariants; i++) {
		varint_add(d, group->variants[i].n);
		for (uint32_t k = 0; k < group->variants[i].n; k++) {
			const struct place *p = &group->variants[i].places[k];

			varint_add(d, p->name);
			buf_add_byte(d, (char)p->first);
			buf_add_byte(d, (char)p->last);
		}
	}
	varint_add(d, group->nextras);
	for (uint32_t i = 0; i < group->nextras; i++)
		varint_add(d, group->extras[i].name);
}

static int
add_value_keys(struct writing *w, const struct template *t, uint32_t part, const uint64_t *v, uint32_t rows)
{
	const struct part *p = &t->parts[part];
	bool hex = p->type == TOKEN_HEX || p->type == TOKEN_HEX_UPPER;
	bool pairs = (p->type == TOKEN_PAIRS || p->type == TOKEN_PAIRS_UPPER) && p->param == 6;

	/* What follows in the same run is no beginning of a word. */
	if (!(hex && !template_attached(t, part)) && !pairs && p->type != TOKEN_IPV4)
		return 0;
	for (uint32_t r = 0; r < rows; r++) {
		char text[TOKEN_RENDER_MAX];
		struct str stem;
		int rc = 0;

		if (r > 0 && v[r] == v[r - 1])
			continue;
		if (hex) {
			stem = token_stem(str_of(text, token_render(p->type, p->param, v[r], text)));
			if (stem.n > 0)
				rc = keyset_add(&w->e->keys, token_key(stem, w->salt));
		} else {
			rc = keyset_add(&w->e->keys, token_key_value(pairs ? TOKEN_PAIRS : TOKEN_IPV4, v[r], w->salt));
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
put_group(struct writing *w, const struct group *group)
{
	struct granule_encoder *e = w->e;
	uint32_t n = group->rows, parts = group->template.n;
	int rc = room_for_matrix(e, (size_t)n * (group->width + group->nextras));

	if (rc < 0)
		return rc;
	for (uint32_t c = 0; rc == 0 && c < group->width; c++) {
		uint64_t *v = e->matrix + (size_t)c * n;
		bool name = c < parts && token_is_name(group->template.parts[c].type);

		for (uint32_t r = 0; r < n; r++)
			v[r] = group->values[(size_t)r * group->width + c];
		for (uint32_t r = 0; name && r < n; r++)
			v[r] = e->final[v[r]];
		if (c < parts && c == group->template.stamp)
			memset(v, 0, n * sizeof(*v));       /* it is in the head */
		else if (c < parts && !name)
			rc = add_value_keys(w, &group->template, c, v, n);
	}
	for (uint32_t i = 0; i < group->nextras; i++) {
		const struct extra *x = &group->extras[i];
		uint64_t *v = e->matrix + (size_t)(group->width + i) * n;

		for (uint32_t r = 0; r < n; r++)
			v[r] = r < x->n && x->ids[r] ? (uint64_t)e->final[x->ids[r] - 1] + 1 : 0;
	}
	return rc < 0 ? rc : put_colset(w, e->matrix, n, group->width + group->nextras);
}

static int
add_word_keys(struct writing *w, struct str text)
{
	struct token t;
	struct str run, stem;
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && token_run(text, &at, &run)) {
		stem = token_stem(run);
		if (stem.n > 0)
			rc = keyset_add(&w->e->keys, token_key(stem, w->salt));
	}
	for (at = 0; rc == 0 && text.n >= 7 && token_value_next(text, &at, &t);)
		rc = keyset_add(&w->e->keys, token_key_value(t.type, t.value, w->salt));
	return rc;
}

static int
put_filter(struct writing *w, struct granule_info *info)
{
	struct granule_encoder *e = w->e;
	uint32_t blob;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < w->nwords; i++)
		rc = add_word_keys(w, ordered_word(w, i));
	if (rc < 0)
		return rc;
	buf_reset(&e->filter);
	rc = token_filter_build(&e->keys, &e->filter);
	if (rc == -EAGAIN)
		return 0;
	if (rc == 0)
		rc = put_blob(w, buf_str(&e->filter), STR_NULL, 0, &blob);
	if (rc == 0)
		info->filter = e->list[info->filter_number = blob];
	return rc;
}

static int
put_directory(struct writing *w, struct granule_info *info)
{
	struct granule_encoder *e = w->e;
	struct str stored;
	int rc;

	buf_reset(&e->text);
	buf_add_byte(&e->text, DIRECTORY_VERSION);
	varint_add(&e->text, w->g->nrows);
	varint_add(&e->text, e->nblobs);
	for (uint32_t i = 0; i < e->nblobs; i++) {
		varint_add(&e->text, e->list[i].stored);
		varint_add(&e->text, e->list[i].raw);
		buf_add(&e->text, str_of((const char *)e->list[i].digest, BLOB_DIGEST_BYTES));
	}
	buf_add(&e->text, buf_str(&e->directory));
	if (!buf_ok(&e->text) || !buf_ok(&e->directory))
		return -ENOMEM;
	rc = blob_write(e->blobs, w->seal, BLOB_DIRECTORY, buf_str(&e->text), STR_NULL, w->level, w->out, &info->directory);
	if (rc < 0)
		return rc;
	stored = str_of(w->out->p + info->directory.off, info->directory.stored);
	memcpy(info->directory_digest, digest_of(&stored, 1).b, DIGEST_BYTES);
	return 0;
}

static int
write_all(struct writing *w, struct granule_info *info)
{
	struct granule_encoder *e = w->e;
	struct granule *g = w->g;
	uint32_t *names = ARENA_ARRAY(&g->arena, uint32_t, g->nnames + 1);
	int rc = names ? order_groups(w) : -ENOMEM;

	if (rc == 0)
		rc = order_words(w, names);
	if (rc == 0)
		rc = put_words(w);
	if (rc == 0)
		rc = put_head(w);
	varint_add(&e->directory, g->nnames);
	for (size_t i = 0; rc == 0 && i < g->nnames; i++)
		varint_add(&e->directory, e->final[names[i]]);
	varint_add(&e->directory, w->ngroups);
	for (uint32_t i = 0; rc == 0 && i < w->ngroups; i++) {
		const struct group *group = g->groups[w->groups[i]];

		varint_add(&e->directory, group->rows);
		varint_add(&e->directory, group->template.bytes.n);
		buf_add(&e->directory, group->template.bytes);
		put_variants(w, group);
		rc = put_group(w, group);
	}
	if (rc == 0)
		rc = put_filter(w, info);
	return rc < 0 ? rc : put_directory(w, info);
}

int
granule_encode(struct granule_encoder *e, struct granule *g, const struct blob_seal *seal, uint64_t salt, int level,
    struct buf *out, struct granule_info *ret)
{
	struct writing w = { .e = e, .g = g, .seal = seal, .salt = salt, .level = level, .out = out, .base = out->n };
	struct granule_info info = { .first_index = g->first_index, .rows = g->nrows, .raw_bytes = g->raw_bytes };
	int rc;

	if (g->nrows == 0)
		return -EINVAL;
	buf_reset(&e->directory);
	e->nblobs = 0;
	keyset_reset(&e->keys);
	info.min_ns = info.max_ns = g->rows[0].recv_ns;
	for (uint32_t r = 0; r < g->nrows; r++) {
		info.min_ns = g->rows[r].recv_ns < info.min_ns ? g->rows[r].recv_ns : info.min_ns;
		info.max_ns = g->rows[r].recv_ns > info.max_ns ? g->rows[r].recv_ns : info.max_ns;
	}
	rc = write_all(&w, &info);
	if (rc < 0) {
		out->n = w.base;
		return rc;
	}
	info.stored = out->n - w.base;
	info.filter.off -= w.base;
	info.directory.off -= w.base;
	*ret = info;
	return 0;
}
