/*
 * granule_order: what is decided before a granule is written. Templates of few lines would cost more in columns than they
 * save: their lines are kept as texts. Words are numbered anew by the column that uses them, the most frequent first, so
 * that the ids of a column lie close together and are small.
 */
#include <errno.h>
#include <stdlib.h>

#include "vault/granule_writing.h"

#define TEXT_BELOW 12u          /* rows: measured, a corpus of 1 M lines is smallest so */

/* The line of a row as it was, with the facts that stand in it. */
static uint32_t
line_again(struct granule *g, const struct group *group, uint32_t ordinal, struct buf *text, struct fact *facts)
{
	const struct template *t = &group->template;
	const uint64_t *v = group->values + (size_t)ordinal * group->width;
	const struct variant *variant = &group->variants[v[t->n]];
	size_t from[TOKENS_MAX], to[TOKENS_MAX];
	uint32_t n = 0;

	buf_reset(text);
	for (uint32_t i = 0; i <= t->n; i++) {
		char value[TOKEN_RENDER_MAX];

		buf_add(text, t->parts[i].literal);
		if (i == t->n)
			break;
		from[i] = text->n;
		if (token_is_name(t->parts[i].type))
			buf_add(text, word_text(&g->words, (uint32_t)v[i]));
		else
			buf_add(text, str_of(value, token_render(t->parts[i].type, t->parts[i].param, v[i], value)));
		to[i] = text->n;
	}
	for (uint32_t i = 0; i < variant->n; i++) {
		const struct place *p = &variant->places[i];

		facts[n++] = (struct fact){ .name = p->name, .value = str_of(text->p + from[p->first], to[p->last] - from[p->first]) };
	}
	return n;
}

/* Facts of a row that do not stand in its line. Their texts are copied: the words may move while others are added. */
static uint32_t
explicit_facts(struct granule *g, const struct group *group, uint32_t ordinal, struct arena *a, struct fact *facts, uint32_t n)
{
	for (uint32_t i = 0; i < group->nextras; i++) {
		const struct extra *x = &group->extras[i];

		if (ordinal < x->n && x->ids[ordinal] != 0 && n < FACTS_MAX)
			facts[n++] = (struct fact){ .name = x->name, .value = arena_str(a, word_text(&g->words, x->ids[ordinal] - 1)) };
	}
	return n;
}

/* Rows of small groups move to one group of texts. */
static int
gather_small(struct writing *w)
{
	struct granule *g = w->g;
	uint32_t *ordinal = calloc(g->ngroups + 1u, sizeof(*ordinal)), ngroups = g->ngroups;
	struct group *texts = NULL;
	struct fact facts[FACTS_MAX];
	int rc = ordinal ? 0 : -ENOMEM;

	for (uint32_t r = 0; rc == 0 && r < g->nrows; r++) {
		struct group *from = g->groups[g->rows[r].group];
		uint32_t at = ordinal[from->number]++, n;

		if (from->rows >= TEXT_BELOW || from->number >= ngroups)
			continue;
		if (!texts) {
			tokens_none(STR("x"), &g->tokens);
			texts = granule_new_group(g, str_of((const char *)g->tokens.template, g->tokens.template_len), 0);
			if (!texts) {
				rc = -ENOMEM;
				break;
			}
		}
		n = line_again(g, from, at, &w->e->text, facts);
		n = explicit_facts(g, from, at, &g->arena, facts, n);
		tokens_none(buf_str(&w->e->text), &g->tokens);
		rc = group_add(g, texts, buf_str(&w->e->text), facts, n);
		g->rows[r].group = texts->number;
		g->rows[r].stamp = 0;
	}
	free(ordinal);
	for (uint32_t i = 0; rc == 0 && i < ngroups; i++) {
		if (g->groups[i]->rows < TEXT_BELOW)
			g->groups[i]->rows = 0;
	}
	return rc;
}

static int
by_rows(const void *a, const void *b, void *ctx)
{
	const struct granule *g = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (g->groups[x]->rows != g->groups[y]->rows)
		return g->groups[x]->rows > g->groups[y]->rows ? -1 : 1;
	return x < y ? -1 : x > y;
}

int
order_groups(struct writing *w)
{
	struct granule *g = w->g;
	int rc = gather_small(w);

	if (rc < 0)
		return rc;
	w->groups = ARENA_ARRAY(&g->arena, uint32_t, g->ngroups + 1u);
	if (!w->groups)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->ngroups; i++) {
		if (g->groups[i]->rows > 0)
			w->groups[w->ngroups++] = i;
	}
	qsort_r(w->groups, w->ngroups, sizeof(*w->groups), by_rows, g);
	for (uint32_t i = 0; i < w->ngroups; i++)
		g->groups[w->groups[i]]->number = i;
	return 0;
}

static int
room_for_words(struct granule_encoder *e, size_t n)
{
	if (n < e->words_size)
		return 0;
	free(e->slot);
	free(e->count);
	free(e->final);
	free(e->order);
	e->words_size = n + n / 2 + 1024;
	e->slot = malloc(e->words_size * sizeof(*e->slot));
	e->count = malloc(e->words_size * sizeof(*e->count));
	e->final = malloc(e->words_size * sizeof(*e->final));
	e->order = malloc(e->words_size * sizeof(*e->order));
	if (e->slot && e->count && e->final && e->order)
		return 0;
	e->words_size = 0;
	return -ENOMEM;
}

static void
use_word(struct writing *w, uint32_t id)
{
	if (w->e->count[id]++ == 0)
		w->e->slot[id] = w->slots;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

#define ORDER_COUNT_BITS 18     /* rows and more; frequent beyond that is frequent enough */

/* By the column that used it first, then the most frequent, then by first appearance. */
static int
number_words(struct writing *w)
{
	struct granule_encoder *e = w->e;
	uint32_t n = w->g->words.n, used = 0, count_max = (1u << ORDER_COUNT_BITS) - 1;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t count = e->count[i] < count_max ? e->count[i] : count_max;

		if (count > 0)
			e->order[used++] = (uint64_t)e->slot[i] << (ORDER_ID_BITS + ORDER_COUNT_BITS) |
			    (uint64_t)(count_max - count) << ORDER_ID_BITS | i;
	}
	qsort(e->order, used, sizeof(*e->order), by_number);
	for (uint32_t i = 0; i < used; i++)
		e->final[e->order[i] & ((1u << ORDER_ID_BITS) - 1)] = i;
	w->nwords = used;
	return w->slots < 1u << (64 - ORDER_ID_BITS - ORDER_COUNT_BITS) ? 0 : -E2BIG;
}

static void
use_group(struct writing *w, const struct group *group)
{
	for (uint32_t c = 0; c < group->template.n; c++) {
		if (!token_is_name(group->template.parts[c].type))
			continue;
		for (uint32_t r = 0; r < group->rows; r++)
			use_word(w, (uint32_t)group->values[(size_t)r * group->width + c]);
		w->slots++;
	}
	for (uint32_t i = 0; i < group->nextras; i++) {
		for (uint32_t r = 0; r < group->extras[i].n; r++) {
			if (group->extras[i].ids[r])
				use_word(w, group->extras[i].ids[r] - 1);
		}
		w->slots++;
	}
}

int
order_words(struct writing *w, uint32_t *names)
{
	struct granule *g = w->g;
	int rc;

	for (size_t i = 0; i < g->nnames; i++) {
		names[i] = words_add(&g->words, g->names[i]);
		if (names[i] == UINT32_MAX)
			return -ENOMEM;
	}
	rc = room_for_words(w->e, g->words.n);
	if (rc < 0)
		return rc;
	memset(w->e->count, 0, g->words.n * sizeof(*w->e->count));
	for (size_t i = 0; i < g->nnames; i++)
		use_word(w, names[i]);
	w->slots++;
	for (uint32_t r = 0; r < g->nrows; r++)
		use_word(w, g->rows[r].source);
	w->slots++;
	for (uint32_t i = 0; i < w->ngroups; i++)
		use_group(w, g->groups[w->groups[i]]);
	return number_words(w);
}
