/*
 * search_field: what lines mean, answered from columns. A fact is a place in the lines of a variant or a text of its own;
 * one that is a single value is judged by its column, one that spans several is put together row by row.
 */
#include <errno.h>

#include "vault/search_private.h"

int
eval_span(struct eval *e, struct view_group *g, uint32_t ordinal, uint32_t first, uint32_t last, struct str *ret)
{
	struct buf *out = &e->s->value;

	buf_reset(out);
	for (uint32_t i = first; i <= last; i++) {
		const struct part *p = &g->template.parts[i];
		uint64_t v;
		int rc;

		if (i > first)
			buf_add(out, p->literal);
		if (i == g->template.stamp)
			return -EAGAIN;                 /* its value is by row, not by group: the line must be read */
		rc = view_value(e->view, &g->set, i, ordinal, &v);
		if (rc < 0)
			return rc;
		if (token_is_name(p->type))
			buf_add(out, view_word(e->view, v));
		else if (buf_reserve(out, TOKEN_RENDER_MAX))
			out->n += token_render(p->type, p->param, v, out->p + out->n);
	}
	*ret = buf_str(out);
	return buf_ok(out) ? 0 : -ENOMEM;
}

/* The words that pass the test, each tested once. */
static int
passing_words(struct eval *e, const struct query_node *n, struct word_set *ret)
{
	struct word_set set = { .low = UINT32_MAX };
	int rc = view_words(e->view);

	if (rc < 0)
		return rc;
	set.bits = ARENA_ARRAY(&e->s->work, uint64_t, e->view->nwords / 64 + 1u);
	if (!set.bits)
		return -ENOMEM;
	for (uint32_t i = 0; i < e->view->nwords; i++) {
		if (!query_test_value(n, e->s->scratch, view_word(e->view, i)))
			continue;
		set.bits[i / 64] |= UINT64_C(1) << i % 64;
		set.n++;
		set.low = i < set.low ? i : set.low;
		set.high = i;
	}
	*ret = set;
	return 0;
}

static bool
test_number(const struct eval *e, const struct query_node *n, const struct part *p, uint64_t v)
{
	char text[TOKEN_RENDER_MAX];

	if (n->test == QUERY_BETWEEN && (p->type == TOKEN_INT || p->type == TOKEN_FIXED))
		return v >= n->low && v <= n->high;
	return query_test_value(n, e->s->scratch, str_of(text, token_render(p->type, p->param, v, text)));
}

/* One value per row, its test remembered for the next: neighbours are often alike. */
static int
single_value(struct eval *e, const struct query_node *n, struct view_group *g, uint32_t part, const struct word_set *words,
    const uint64_t *variant, uint64_t wanted, struct rows *r)
{
	const struct part *p = &g->template.parts[part];
	const struct column *c = &g->set.columns[part];
	bool name = token_is_name(p->type), pass = false;
	const uint64_t *v;
	uint64_t last = 0;
	int rc;

	if (name && (words->n == 0 || words->high < c->min || words->low > c->max))
		return 0;
	if (n->test == QUERY_BETWEEN && p->type == TOKEN_INT && (n->high < c->min || n->low > c->max))
		return 0;
	if (name && c->max >= e->view->nwords)
		return -EBADMSG;
	rc = view_column(e->view, &g->set, part, &v);
	for (uint32_t i = 0; rc == 0 && i < g->set.rows; i++) {
		if (variant && variant[i] != wanted)
			continue;
		if (name) {
			pass = words->bits[v[i] / 64] >> v[i] % 64 & 1;
		} else if (i == 0 || v[i] != last) {
			pass = test_number(e, n, p, v[i]);
			last = v[i];
		}
		if (pass) {
			rows_set(r->may, e, g, i);
			rows_set(r->sure, e, g, i);
		}
	}
	return rc;
}

static int
span_of_values(struct eval *e, const struct query_node *n, struct view_group *g, const struct view_place *p,
    const uint64_t *variant, uint64_t wanted, struct rows *r)
{
	for (uint32_t i = 0; i < g->set.rows; i++) {
		struct str value;
		int rc;

		if (variant && variant[i] != wanted)
			continue;
		rc = eval_span(e, g, i, p->first, p->last, &value);
		if (rc < 0 && rc != -EAGAIN)
			return rc;
		if (rc == -EAGAIN) {
			rows_set(r->may, e, g, i);
		} else if (query_test_value(n, e->s->scratch, value)) {
			rows_set(r->may, e, g, i);
			rows_set(r->sure, e, g, i);
		}
	}
	return 0;
}

static int
in_variants(struct eval *e, const struct query_node *n, uint32_t name, struct view_group *g, const struct word_set *words,
    struct rows *r)
{
	const uint64_t *variant = NULL;
	int rc = 0;

	if (g->set.columns[g->template.n].mode != COLUMN_SAME)
		rc = view_column(e->view, &g->set, g->template.n, &variant);
	for (uint32_t k = 0; rc == 0 && k < g->nvariants; k++) {
		if (!variant && k != g->set.columns[g->template.n].base)
			continue;
		for (uint32_t i = 0; rc == 0 && i < g->variants[k].n; i++) {
			const struct view_place *p = &g->variants[k].places[i];

			if (p->name != name)
				continue;
			if (p->first == p->last && p->first != g->template.stamp)
				rc = single_value(e, n, g, p->first, words, variant, k, r);
			else
				rc = span_of_values(e, n, g, p, variant, k, r);
		}
	}
	return rc;
}

static int
in_extra(struct eval *e, struct view_group *g, uint32_t extra, const struct word_set *words, struct rows *r)
{
	uint32_t column = g->template.n + 1 + extra;
	const struct column *c = &g->set.columns[column];
	const uint64_t *v;
	int rc;

	if (words->n == 0 || (uint64_t)words->high + 1 < c->min || (uint64_t)words->low + 1 > c->max)
		return 0;
	if (c->max > e->view->nwords)
		return -EBADMSG;
	rc = view_column(e->view, &g->set, column, &v);
	for (uint32_t i = 0; rc == 0 && i < g->set.rows; i++) {
		if (v[i] > 0 && words->bits[(v[i] - 1) / 64] >> (v[i] - 1) % 64 & 1) {
			rows_set(r->may, e, g, i);
			rows_set(r->sure, e, g, i);
		}
	}
	return rc;
}

/* Where lines come from is known per row of the head: one source for all is decided, else the lines are looked at. */
static int
eval_source(struct eval *e, const struct query_node *n, struct rows *r)
{
	const struct column *c = &e->view->head.columns[HEAD_SOURCE];
	bool pass;
	int rc = view_words(e->view);

	if (rc < 0)
		return rc;
	if (c->mode != COLUMN_SAME) {
		memcpy(r->may, e->valid, e->nwords * sizeof(*r->may));
		return 0;
	}
	pass = query_test_value(n, e->s->scratch, view_word(e->view, c->base));
	if (pass) {
		memcpy(r->may, e->valid, e->nwords * sizeof(*r->may));
		memcpy(r->sure, e->valid, e->nwords * sizeof(*r->sure));
	}
	return 0;
}

int
eval_field(struct eval *e, const struct query_node *n, struct rows *r)
{
	struct word_set words;
	int rc;

	if (n->field == QUERY_SOURCE)
		return eval_source(e, n, r);
	rc = passing_words(e, n, &words);
	for (uint32_t name = 0; rc == 0 && name < e->view->nnames; name++) {
		if (!str_eq(view_name(e->view, (uint16_t)name), n->name))
			continue;
		for (uint32_t i = 0; rc == 0 && i < e->view->ngroups; i++) {
			struct view_group *g = &e->view->groups[i];

			rc = in_variants(e, n, name, g, &words, r);
			for (uint32_t k = 0; rc == 0 && k < g->nextras; k++) {
				if (g->extras[k] == name)
					rc = in_extra(e, g, k, &words, r);
			}
		}
	}
	return rc;
}
