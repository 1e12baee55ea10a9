/*
 * search_tally: counting by field. Where the field is one word of the dictionary its ids are counted and no text is
 * touched; numbers are counted as numbers; the rest is put together row by row.
 */
#include <errno.h>
#include <stdlib.h>

#include "vault/search_private.h"

#define ROWS_MAX (1u << 22)     /* different values */

int
tally_add(struct tally *t, struct str value, uint64_t count)
{
	uint32_t at = strmap_get(&t->map, value);

	if (at == STRMAP_NONE) {
		struct str copy;

		if (t->n == ROWS_MAX)
			return -E2BIG;
		if (t->n == t->size) {
			uint32_t size = t->size ? 2 * t->size : 256;
			struct tally_row *rows = realloc(t->rows, size * sizeof(*rows));

			if (!rows)
				return -ENOMEM;
			t->rows = rows;
			t->size = size;
		}
		copy = value.n > 0 ? arena_str(&t->arena, value) : STR("");
		if (!copy.p || strmap_put(&t->map, copy, t->n) < 0)
			return -ENOMEM;
		at = t->n++;
		t->rows[at] = (struct tally_row){ .value = copy };
	}
	t->rows[at].count += count;
	return 0;
}

static int
largest_first(const void *a, const void *b)
{
	const struct tally_row *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return str_cmp(x->value, y->value);
}

void
tally_sort(struct tally *t)
{
	strmap_free(&t->map);
	t->map = (struct strmap){ .seed = t->map.seed };
	if (t->n > 0)
		qsort(t->rows, t->n, sizeof(*t->rows), largest_first);
}

void
tally_free(struct tally *t)
{
	strmap_free(&t->map);
	arena_free(&t->arena);
	free(t->rows);
	free(t->buckets);
	*t = (struct tally){ 0 };
}

/* Of one granule: how often each word, and each number of one part. */
struct counts {
	struct eval *e;
	struct tally *t;
	const uint64_t *rows;
	uint64_t *words;                /* per id: the search's, clean but for low to high */
	uint32_t low, high;
};

static void
touch(struct counts *c, const struct column *column, uint64_t shift)
{
	c->low = column->min - shift < c->low ? (uint32_t)(column->min - shift) : c->low;
	c->high = column->max - shift > c->high ? (uint32_t)(column->max - shift) : c->high;
}

/* Room for each word; what is there is zero. */
static int
ready(struct counts *c)
{
	struct search *s = c->e->s;
	uint32_t n = c->e->view->nwords;

	if (n > s->counts_size) {
		free(s->counts);
		s->counts = calloc(n, sizeof(*s->counts));
		s->counts_size = s->counts ? n : 0;
	}
	c->words = s->counts;
	c->low = UINT32_MAX;
	return c->words ? 0 : -ENOMEM;
}

static bool
wanted(const struct counts *c, const struct view_group *g, uint32_t row)
{
	return rows_has(c->rows, c->e, g, row);
}

struct number {
	uint64_t value, count;
};

static uint32_t
number_cell(const struct number *cells, uint32_t mask, uint64_t v)
{
	uint32_t i = (uint32_t)(v * 0x9e3779b97f4a7c15ull >> 40) & mask;

	while (cells[i].count > 0 && cells[i].value != v)
		i = (i + 1) & mask;
	return i;
}

static int
count_numbers(struct counts *c, struct view_group *g, uint32_t part, const uint64_t *v, const uint64_t *variant, uint64_t k,
    uint64_t *found)
{
	const struct part *p = &g->template.parts[part];
	uint32_t mask = 1;
	struct number *cells;
	int rc = 0;

	while (mask < 2 * g->set.rows)
		mask = 2 * mask + 1;
	cells = calloc((size_t)mask + 1, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->set.rows; i++) {
		uint32_t at;

		if (!wanted(c, g, i) || (variant && variant[i] != k))
			continue;
		at = number_cell(cells, mask, v[i]);
		cells[at].value = v[i];
		cells[at].count++;
		++*found;
	}
	for (uint32_t i = 0; rc == 0 && i <= mask; i++) {
		char text[TOKEN_RENDER_MAX];

		if (cells[i].count > 0)
			rc = tally_add(c->t, str_of(text, token_render(p->type, p->param, cells[i].value, text)), cells[i].count);
	}
	free(cells);
	return rc;
}

static int
count_place(struct counts *c, struct view_group *g, const struct view_place *p, const uint64_t *variant, uint64_t k,
    uint64_t *found)
{
	bool single = p->first == p->last && p->first != g->template.stamp;
	bool name = single && token_is_name(g->template.parts[p->first].type);
	const uint64_t *v = NULL;
	int rc = single ? view_column(c->e->view, &g->set, p->first, &v) : 0;

	if (rc == 0 && name && g->set.columns[p->first].max >= c->e->view->nwords)
		return -EBADMSG;
	if (rc == 0 && name)
		touch(c, &g->set.columns[p->first], 0);
	if (rc == 0 && single && !name)
		return count_numbers(c, g, p->first, v, variant, k, found);
	for (uint32_t i = 0; rc == 0 && i < g->set.rows; i++) {
		struct str value;

		if (!wanted(c, g, i) || (variant && variant[i] != k))
			continue;
		++*found;
		if (name) {
			c->words[v[i]]++;
			continue;
		}
		rc = eval_span(c->e, g, i, p->first, p->last, &value);
		if (rc == 0)
			rc = tally_add(c->t, value, 1);
		else if (rc == -EAGAIN)
			rc = tally_add(c->t, STR("(a time)"), 1);
	}
	return rc;
}

static uint64_t
rows_in(const struct counts *c, const struct view_group *g)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < (g->set.rows + 63) / 64; i++)
		n += (uint64_t)__builtin_popcountll(c->rows[c->e->base[g->number] + i]);
	return n;
}

/* One value for the whole group: nothing to go through. */
static bool
count_same(struct counts *c, struct view_group *g, const struct view_place *p, bool one_variant, uint64_t *found)
{
	const struct column *column = &g->set.columns[p->first];

	if (!one_variant || p->first != p->last || !token_is_name(g->template.parts[p->first].type) ||
	    column->mode != COLUMN_SAME || column->base >= c->e->view->nwords)
		return false;
	touch(c, column, 0);
	c->words[column->base] += rows_in(c, g);
	*found += rows_in(c, g);
	return true;
}

/* Texts of their own: ids, one up; 0 is none. */
static int
count_extra(struct counts *c, struct view_group *g, uint32_t column, uint64_t *found)
{
	const struct column *k = &g->set.columns[column];
	const uint64_t *v;
	int rc;

	if (k->max == 0)
		return 0;
	if (k->max > c->e->view->nwords)
		return -EBADMSG;
	rc = view_column(c->e->view, &g->set, column, &v);
	if (rc == 0) {
		touch(c, k, 1);
		c->low = k->min == 0 ? 0 : c->low;
	}
	for (uint32_t r = 0; rc == 0 && r < g->set.rows; r++) {
		if (v[r] > 0 && wanted(c, g, r)) {
			c->words[v[r] - 1]++;
			++*found;
		}
	}
	return rc;
}

static int
count_group(struct counts *c, struct view_group *g, uint32_t name, uint64_t *found)
{
	const struct column *variants = &g->set.columns[g->template.n];
	const uint64_t *variant = NULL;
	int rc = 0;

	if (variants->mode != COLUMN_SAME)
		rc = view_column(c->e->view, &g->set, g->template.n, &variant);
	for (uint32_t k = 0; rc == 0 && k < g->nvariants; k++) {
		if (!variant && k != variants->base)
			continue;
		for (uint32_t i = 0; rc == 0 && i < g->variants[k].n; i++) {
			if (g->variants[k].places[i].name == name && !count_same(c, g, &g->variants[k].places[i], !variant, found))
				rc = count_place(c, g, &g->variants[k].places[i], variant, k, found);
		}
	}
	for (uint32_t i = 0; rc == 0 && i < g->nextras; i++) {
		if (g->extras[i] != name)
			continue;
		rc = count_extra(c, g, g->template.n + 1 + i, found);
	}
	return rc;
}

static int
count_by(struct counts *c)
{
	struct view *v = c->e->view;
	uint64_t total = 0, found = 0;
	int rc = view_words(v);

	if (rc == 0)
		rc = ready(c);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < c->e->nwords; i++)
		total += (uint64_t)__builtin_popcountll(c->rows[i]);
	for (uint32_t name = 0; rc == 0 && name < v->nnames; name++) {
		if (!str_eq(view_name(v, (uint16_t)name), c->e->s->opts.query->by))
			continue;
		for (uint32_t i = 0; rc == 0 && i < v->ngroups; i++)
			rc = count_group(c, &v->groups[i], name, &found);
	}
	for (uint32_t i = c->low; i <= c->high && i < v->nwords; i++) {
		if (c->words[i] > 0 && rc == 0)
			rc = tally_add(c->t, view_word(v, i), c->words[i]);
		c->words[i] = 0;
	}
	c->t->total += total;
	c->t->without += total > found ? total - found : 0;
	return rc;
}

static int
fill_buckets(struct eval *e, const uint64_t *rows, struct tally *t)
{
	struct view *v = e->view;
	const uint64_t *times = NULL;
	int rc = view_rows(v);

	if (rc == 0)
		rc = view_column(v, &v->head, HEAD_RECV, &times);
	for (uint32_t r = 0; rc == 0 && r < v->rows; r++) {
		int64_t at = (int64_t)times[r] - t->first_ns;

		if (!rows_has(rows, e, &v->groups[v->group_of[r]], v->ordinal[r]))
			continue;
		t->total++;
		if (at >= 0 && (uint64_t)(at / t->bucket_ns) < t->nbuckets)
			t->buckets[at / t->bucket_ns]++;
	}
	return rc;
}

int
tally_granule(struct eval *e, const uint64_t *rows, struct tally *t)
{
	struct counts c = { .e = e, .t = t, .rows = rows };

	if (t->bucket_ns > 0)
		return fill_buckets(e, rows, t);
	if (e->s->opts.query->by.n > 0)
		return count_by(&c);
	for (uint32_t i = 0; i < e->nwords; i++)
		t->total += (uint64_t)__builtin_popcountll(rows[i]);
	return 0;
}
