/* view: see view.h. This half reads the directory; view_row.c puts lines together. */
#include "vault/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/granule_private.h"

#define BLOBS_MAX (1u << 20)
#define VIEW_GROUPS_MAX (GROUPS_MAX + 2)
#define DIRECTORY_MAX (16u << 20)
#define NAMES_MAX 4096u

struct view_blob {
	struct str bytes;
	void *owned;
	bool done;
};

static int
fault(struct view *v, const char *what, uint32_t number)
{
	snprintf(v->fault, sizeof(v->fault), "%s %u", what, number);
	return -EBADMSG;
}

static int
read_blob(struct view *v, uint32_t number, struct str *ret)
{
	struct view_blob *b;
	int rc;

	if (number >= v->nblobs)
		return fault(v, "there is no blob", number);
	b = &v->read[number];
	if (!b->done) {
		const struct blob *blob = &v->blobs[number];

		rc = blob_read(blob, &v->seal, v->encrypted, number, str_head(str_from(v->bytes, blob->off), blob->stored),
		    &b->bytes, &b->owned);
		if (rc == -EBADMSG)
			return fault(v, "damaged blob", number);
		if (rc < 0)
			return rc;
		b->done = true;
		v->held += b->owned ? b->bytes.n : 0;
	}
	*ret = b->bytes;
	return 0;
}

static void
free_colset(struct colset *set)
{
	for (uint32_t i = 0; set->values && i < set->n; i++)
		free(set->values[i]);
}

void
view_close(struct view *v)
{
	if (!v)
		return;
	for (uint32_t i = 0; v->read && i < v->nblobs; i++)
		free(v->read[i].owned);
	free_colset(&v->word_lengths);
	free_colset(&v->head);
	for (uint32_t i = 0; v->groups && i < v->ngroups; i++)
		free_colset(&v->groups[i].set);
	free(v->word_at);
	free(v->folded);
	free(v->group_of);
	free(v->ordinal);
	free(v->row_of);
	free(v->stamps);
	free(v->directory_owned);
	arena_free(&v->arena);
	free(v);
}

static int
parse_blobs(struct view *v, struct cur *in)
{
	uint64_t off = 0, n = varint_get(in);

	if (n > BLOBS_MAX || n * (BLOB_DIGEST_BYTES + 2) > in->n)
		return fault(v, "directory: too many blobs", (uint32_t)n);
	v->blobs = ARENA_ARRAY(&v->arena, struct blob, n + 1);
	v->read = ARENA_ARRAY(&v->arena, struct view_blob, n + 1);
	if (!v->blobs || !v->read)
		return -ENOMEM;
	for (v->nblobs = 0; v->nblobs < n; v->nblobs++) {
		struct blob *b = &v->blobs[v->nblobs];
		uint64_t stored = varint_get(in), raw = varint_get(in);
		struct str digest = cur_bytes(in, BLOB_DIGEST_BYTES);

		if (!cur_ok(in) || stored > v->bytes.n - off || raw > BLOB_MAX)
			return fault(v, "directory: wrong size of blob", v->nblobs);
		*b = (struct blob){ .off = off, .stored = (uint32_t)stored, .raw = (uint32_t)raw };
		memcpy(b->digest, digest.p, BLOB_DIGEST_BYTES);
		off += stored;
	}
	return 0;
}

/* A column whose numbers cannot fit the bytes that are there is refused before anything is allocated for it. */
static int
check_column(struct view *v, const struct colset *set, uint32_t i)
{
	const struct column *c = &set->columns[i];
	size_t need = column_payload(c, set->rows);

	if ((set->where[i] == 0) != (need == 0) || (set->where[i] == 1 && set->small == 0) ||
	    (set->where[i] >= 2 && set->where[i] - 2 >= v->nblobs))
		return fault(v, "directory: misplaced column", i);
	return 0;
}

static int
parse_colset(struct view *v, struct cur *in, uint32_t rows, uint32_t n, struct colset *ret)
{
	struct colset set = { .rows = rows, .n = n };
	uint64_t at = 0, small = varint_get(in);
	int rc = 0;

	if (small > v->nblobs || n > in->n)
		return fault(v, "directory: wrong set of columns", n);
	set.small = (uint32_t)small;
	set.columns = ARENA_ARRAY(&v->arena, struct column, n + 1);
	set.where = ARENA_ARRAY(&v->arena, uint32_t, n + 1);
	set.at = ARENA_ARRAY(&v->arena, uint32_t, n + 1);
	set.values = ARENA_ARRAY(&v->arena, uint64_t *, n + 1);
	if (!set.columns || !set.where || !set.at || !set.values)
		return -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		uint64_t where;

		if (column_parse(in, (uint16_t)i, &set.columns[i]) < 0)
			return fault(v, "directory: wrong column", i);
		where = varint_get(in);
		set.where[i] = where > UINT32_MAX ? UINT32_MAX : (uint32_t)where;
		set.at[i] = (uint32_t)at;
		rc = check_column(v, &set, i);
		if (where == 1)
			at += column_payload(&set.columns[i], rows);
		if (at > BLOB_MAX)
			return fault(v, "directory: column too large", i);
	}
	*ret = set;
	return rc;
}

static int
parse_variants(struct view *v, struct cur *in, struct view_group *g)
{
	uint64_t n = varint_get(in), places;

	if (n == 0 || n > VARIANTS_MAX || n > in->n)
		return fault(v, "directory: wrong variants of group", g->number);
	g->variants = ARENA_ARRAY(&v->arena, struct view_variant, n);
	if (!g->variants)
		return -ENOMEM;
	for (g->nvariants = 0; g->nvariants < n; g->nvariants++) {
		struct view_variant *variant = &g->variants[g->nvariants];

		places = varint_get(in);
		if (places > FACTS_MAX)
			return fault(v, "directory: too many facts in group", g->number);
		variant->places = ARENA_ARRAY(&v->arena, struct view_place, places + 1);
		if (!variant->places)
			return -ENOMEM;
		for (variant->n = 0; variant->n < places; variant->n++) {
			struct view_place *p = &variant->places[variant->n];
			uint64_t name = varint_get(in);

			p->first = cur_u8(in);
			p->last = cur_u8(in);
			p->name = (uint16_t)name;
			if (!cur_ok(in) || name >= v->nnames || p->first > p->last || p->last >= g->template.n)
				return fault(v, "directory: misplaced fact in group", g->number);
		}
	}
	return 0;
}

static int
parse_extras(struct view *v, struct cur *in, struct view_group *g)
{
	uint64_t n = varint_get(in);

	if (n > v->nnames)
		return fault(v, "directory: wrong facts of group", g->number);
	g->extras = ARENA_ARRAY(&v->arena, uint16_t, n + 1);
	if (!g->extras)
		return -ENOMEM;
	for (g->nextras = 0; g->nextras < n; g->nextras++) {
		uint64_t name = varint_get(in);

		if (name >= v->nnames)
			return fault(v, "directory: unknown fact of group", g->number);
		g->extras[g->nextras] = (uint16_t)name;
	}
	return 0;
}

static int
parse_group(struct view *v, struct cur *in, struct view_group *g)
{
	uint64_t rows = varint_get(in);
	struct str template = cur_bytes(in, (size_t)varint_get(in));
	int rc;

	if (rows == 0 || rows > v->rows)
		return fault(v, "directory: wrong size of group", g->number);
	rc = template_parse(&v->arena, template, &g->template);
	if (rc == -EBADMSG)
		return fault(v, "directory: wrong template of group", g->number);
	if (rc == 0)
		rc = parse_variants(v, in, g);
	if (rc == 0)
		rc = parse_extras(v, in, g);
	if (rc == 0)
		rc = parse_colset(v, in, (uint32_t)rows, g->template.n + 1 + g->nextras, &g->set);
	if (rc == 0 && g->set.columns[g->template.n].max >= g->nvariants)
		rc = fault(v, "directory: unknown variant in group", g->number);
	return rc;
}

static int
parse_groups(struct view *v, struct cur *in)
{
	uint64_t n = varint_get(in), rows = 0;
	int rc = 0;

	if (n == 0 || n > VIEW_GROUPS_MAX || n > in->n || v->head.columns[HEAD_GROUP].max >= n)
		return fault(v, "directory: wrong number of groups:", (uint32_t)n);
	v->groups = ARENA_ARRAY(&v->arena, struct view_group, n);
	if (!v->groups)
		return -ENOMEM;
	for (v->ngroups = 0; rc == 0 && v->ngroups < n;) {
		struct view_group *g = &v->groups[v->ngroups];

		g->number = v->ngroups++;
		g->start = (uint32_t)rows;
		rc = parse_group(v, in, g);
		rows += g->set.rows;
	}
	return rc == 0 && rows != v->rows ? fault(v, "directory: rows of groups do not sum up to", v->rows) : rc;
}

static int
parse_names(struct view *v, struct cur *in)
{
	uint64_t n = varint_get(in);

	if (n > NAMES_MAX || n > in->n)
		return fault(v, "directory: too many names", (uint32_t)n);
	v->names = ARENA_ARRAY(&v->arena, uint32_t, n + 1);
	if (!v->names)
		return -ENOMEM;
	for (v->nnames = 0; v->nnames < n; v->nnames++) {
		uint64_t word = varint_get(in);

		if (word >= v->nwords)
			return fault(v, "directory: no word for name", v->nnames);
		v->names[v->nnames] = (uint32_t)word;
	}
	return 0;
}

static int
parse(struct view *v, uint32_t rows)
{
	struct cur in = cur_of(v->directory);
	uint64_t words, blob;
	uint8_t version = cur_u8(&in);
	int rc;

	v->rows = (uint32_t)varint_get(&in);
	if (!cur_ok(&in) || version != DIRECTORY_VERSION || v->rows != rows || rows == 0 || rows > GRANULE_ROWS)
		return fault(v, "directory: wrong version or rows", version);
	rc = parse_blobs(v, &in);
	if (rc < 0)
		return rc;
	words = varint_get(&in);
	blob = varint_get(&in);
	if (words == 0 || words > COLUMN_ROWS_MAX || blob >= v->nblobs)
		return fault(v, "directory: wrong words", 0);
	v->nwords = (uint32_t)words;
	v->words_blob = (uint32_t)blob;
	rc = parse_colset(v, &in, v->nwords, 1, &v->word_lengths);
	if (rc == 0)
		rc = parse_colset(v, &in, rows, HEAD_COLUMNS, &v->head);
	if (rc == 0)
		rc = parse_names(v, &in);
	if (rc == 0)
		rc = parse_groups(v, &in);
	return rc == 0 && !cur_done(&in) ? fault(v, "directory: bytes left over", (uint32_t)in.n) : rc;
}

int
view_open(const struct granule_info *info, struct str bytes, const struct blob_seal *seal, bool encrypted, struct view **ret)
{
	struct view *v = calloc(1, sizeof(*v));
	struct str stored;
	struct digest d;
	int rc;

	if (!v)
		return -ENOMEM;
	v->bytes = bytes;
	v->seal = *seal;
	v->encrypted = encrypted;
	stored = str_head(str_from(bytes, info->directory.off), info->directory.stored);
	d = digest_of(&stored, 1);
	if (memcmp(d.b, info->directory_digest, DIGEST_BYTES) != 0)
		rc = fault(v, "directory: not what the segment's head says", 0);
	else if (info->directory.raw > DIRECTORY_MAX)
		rc = fault(v, "directory: too large:", info->directory.raw);
	else
		rc = blob_read(&info->directory, seal, encrypted, BLOB_DIRECTORY, stored, &v->directory, &v->directory_owned);
	if (rc == 0)
		rc = parse(v, info->rows);
	/* Also with a fault the view is handed out: it says what was wrong. */
	*ret = v;
	return rc;
}

static int
payload_of(struct view *v, const struct colset *set, uint32_t i, struct str *ret)
{
	size_t need = column_payload(&set->columns[i], set->rows);
	struct str bytes = STR_NULL;
	int rc = 0;

	if (set->where[i] == 1) {
		rc = read_blob(v, set->small - 1, &bytes);
		bytes = str_head(str_from(bytes, set->at[i]), need);
	} else if (set->where[i] >= 2) {
		rc = read_blob(v, set->where[i] - 2, &bytes);
	}
	if (rc == 0 && bytes.n != need)
		rc = fault(v, "numbers missing in column", i);
	*ret = bytes;
	return rc;
}

int
view_column(struct view *v, struct colset *set, uint32_t column, const uint64_t **ret)
{
	const struct column *c = &set->columns[column];
	const uint64_t *other = NULL;
	struct str payload;
	uint64_t *values;
	int rc;

	if (set->values[column]) {
		*ret = set->values[column];
		return 0;
	}
	rc = payload_of(v, set, column, &payload);
	/* A column follows only an earlier one: this ends. */
	if (rc == 0 && (c->mode == COLUMN_LIKE || c->mode == COLUMN_MAP))
		rc = view_column(v, set, c->of, &other);
	if (rc < 0)
		return rc;
	values = malloc((size_t)set->rows * sizeof(*values));
	if (!values)
		return -ENOMEM;
	rc = column_decode(c, payload, other, set->rows, values);
	if (rc < 0) {
		free(values);
		return rc == -EBADMSG ? fault(v, "wrong numbers in column", column) : rc;
	}
	set->values[column] = values;
	v->held += set->rows * sizeof(*values);
	*ret = values;
	return 0;
}

bool
view_may_hold(struct view *v, struct colset *set, uint32_t column, uint64_t value)
{
	const struct column *c = &set->columns[column];
	struct str payload;

	if (value < c->min || value > c->max)
		return false;
	if (c->mode == COLUMN_RANGE && c->scale > 1 && (value - c->base) % c->scale != 0)
		return false;
	/* A fault will be met, and told, when the column is decoded. */
	if (c->mode != COLUMN_SET || set->values[column] || payload_of(v, set, column, &payload) < 0)
		return true;
	return column_set_has(c, payload, value);
}

int
view_value(struct view *v, struct colset *set, uint32_t column, uint32_t row, uint64_t *ret)
{
	const struct column *c = &set->columns[column];
	const uint64_t *values;
	struct str payload;
	int rc;

	if (c->mode == COLUMN_SAME) {
		*ret = c->base;
		return 0;
	}
	if (!set->values[column] && c->packed && c->mode == COLUMN_RANGE) {
		rc = payload_of(v, set, column, &payload);
		if (rc == 0)
			*ret = column_at(c, payload, row);
		return rc;
	}
	rc = view_column(v, set, column, &values);
	if (rc == 0)
		*ret = values[row];
	return rc;
}

int
view_words(struct view *v)
{
	const uint64_t *lengths;
	uint64_t at = 0;
	int rc;

	if (v->word_at)
		return 0;
	rc = read_blob(v, v->words_blob, &v->word_text);
	if (rc == 0)
		rc = view_column(v, &v->word_lengths, 0, &lengths);
	if (rc < 0)
		return rc;
	v->word_at = malloc(((size_t)v->nwords + 1) * sizeof(*v->word_at));
	if (!v->word_at)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->nwords; i++) {
		v->word_at[i] = (uint32_t)at;
		at += lengths[i] <= v->word_text.n ? lengths[i] : v->word_text.n + 1;
	}
	v->word_at[v->nwords] = (uint32_t)at;
	if (at != v->word_text.n) {
		free(v->word_at);
		v->word_at = NULL;
		return fault(v, "words: wrong lengths", v->nwords);
	}
	free(v->word_lengths.values[0]);
	v->word_lengths.values[0] = NULL;
	v->held += v->nwords * sizeof(*v->word_at);
	return 0;
}

struct str
view_word(const struct view *v, uint64_t id)
{
	if (id >= v->nwords)
		return STR_NULL;
	return str_of(v->word_text.p + v->word_at[id], v->word_at[id + 1] - v->word_at[id]);
}

int
view_folded(struct view *v, struct str *ret)
{
	if (!v->folded) {
		v->folded = malloc(v->word_text.n + 1);
		if (!v->folded)
			return -ENOMEM;
		for (size_t i = 0; i < v->word_text.n; i++)
			v->folded[i] = ascii_lower(v->word_text.p[i]);
		v->held += v->word_text.n;
	}
	*ret = str_of(v->folded, v->word_text.n);
	return 0;
}

struct str
view_name(const struct view *v, uint16_t name)
{
	return name < v->nnames ? view_word(v, v->names[name]) : STR_NULL;
}

int
view_check(struct view *v)
{
	const uint64_t *values;
	int rc = view_words(v);

	for (uint32_t i = 0; rc == 0 && i < v->nblobs; i++) {
		struct str bytes;

		rc = read_blob(v, i, &bytes);
	}
	for (uint32_t i = 0; rc == 0 && i < HEAD_COLUMNS; i++)
		rc = view_column(v, &v->head, i, &values);
	for (uint32_t g = 0; rc == 0 && g < v->ngroups; g++) {
		for (uint32_t i = 0; rc == 0 && i < v->groups[g].set.n; i++)
			rc = view_column(v, &v->groups[g].set, i, &values);
	}
	return rc;
}
