/*
 * index: sorts the ways of all patterns of a group by weight, and announces those that begin with a wildcard by a
 * literal. It only proposes: pattern_match() decides.
 */
#include "watch/pattern/index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "watch/pattern/find.h"
#include "watch/pattern/ways.h"

#define NEEDLE_MIN 3               /* shorter ones slow the search down and announce too much */
#define NEEDLES_BY_HAND 4          /* up to so many are looked for one by one */

struct builder {
	struct arena *a;
	struct index *x;
	const struct way *ways;        /* by rank */
};

struct needle {
	struct literal lit;
	uint32_t rank;
};

static int
by_needle(const void *a, const void *b)
{
	const struct needle *x = a, *y = b;
	int c = str_cmp(x->lit.text, y->lit.text);

	if (c == 0)
		c = x->lit.nocase - y->lit.nocase;
	return c ? c : x->rank < y->rank ? -1 : 1;
}

static bool
same_needle(const struct needle *a, const struct needle *b)
{
	return a->lit.nocase == b->lit.nocase && str_eq(a->lit.text, b->lit.text);
}

static void
group_needles(const struct builder *b, struct index *x, const struct needle *v, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t first;

		if (i == 0 || !same_needle(&v[i - 1], &v[i])) {
			x->needle_first[x->nneedles] = kept;
			x->needles[x->nneedles++] = v[i].lit;
		}
		first = x->needle_first[x->nneedles - 1];
		if (!ways_propose(b->ways, x->needle_ways + first, kept - first, v[i].rank))
			x->needle_ways[kept++] = v[i].rank;
	}
	x->needle_first[x->nneedles] = kept;
}

static int
build_needles(struct builder *b)
{
	struct index *x = b->x;
	struct needle *v = calloc(x->nways ? x->nways : 1, sizeof(*v));
	uint32_t n = 0;

	x->best_search = UINT32_MAX;
	for (uint32_t i = 0; v && i < x->nways; i++) {
		const struct step *s = b->ways[i].needle;

		if (b->ways[i].n)
			continue;
		if (x->best_search == UINT32_MAX)
			x->best_search = i;
		if (s && s->len >= NEEDLE_MIN)
			v[n++] = (struct needle){ { str_of(s->lit, s->len), s->nocase }, i };
		else
			x->nalways++;
	}
	x->needles = ARENA_ARRAY(b->a, struct literal, n + 1);
	x->needle_first = ARENA_ARRAY(b->a, uint32_t, n + 1);
	x->needle_ways = ARENA_ARRAY(b->a, uint32_t, n + 1);
	x->always = ARENA_ARRAY(b->a, uint32_t, x->nalways + 1);
	if (!v || !x->needles || !x->needle_first || !x->needle_ways || !x->always) {
		free(v);
		return -ENOMEM;
	}
	x->nalways = 0;
	for (uint32_t i = 0; i < x->nways; i++)
		if (!b->ways[i].n && !(b->ways[i].needle && b->ways[i].needle->len >= NEEDLE_MIN) &&
		    !ways_propose(b->ways, x->always, x->nalways, i))
			x->always[x->nalways++] = i;
	qsort(v, n, sizeof(*v), by_needle);
	group_needles(b, x, v, n);
	free(v);
	return 0;
}

static void
mark_literals(const struct pattern *p, bool *alone)
{
	for (uint16_t i = 0; i < p->nsteps; i++) {
		const struct step *s = &p->steps[i];

		for (uint16_t k = 0; s->code == STEP_LIT && k < s->len; k++) {
			char c = s->lit[k];

			alone[(unsigned char)c] = true;
			if (s->nocase && c >= 'a' && c <= 'z')
				alone[(unsigned char)(c - 32)] = true;
		}
	}
}

/* A byte that stands in no literal is the same as others of its kind. */
static void
find_classes(const struct pattern *const *patterns, uint32_t n, struct index *x)
{
	bool alone[256] = { false };
	uint64_t kind[256];

	for (uint32_t i = 0; i < n; i++)
		mark_literals(patterns[i], alone);
	for (unsigned c = 0; c < 256; c++) {
		unsigned k = 0;

		kind[c] = (uint64_t)hole_run_class((char)c) << 1 | is_blank((char)c);
		while (k < c && (alone[c] || alone[k] || kind[k] != kind[c]))
			k++;
		x->class[c] = k < c ? x->class[k] : (uint8_t)x->nclasses++;
	}
}

static void
find_leads(const struct ways *ways, struct index *x)
{
	for (uint32_t i = 0; i < x->vague; i++) {
		const struct step *s = ways->v[i].lead;
		unsigned char c = s ? (unsigned char)s->lit[0] : 0;

		if (ways->v[i].n)
			continue;
		if (!s)
			memset(x->leads, true, sizeof(x->leads));
		x->leads[c] = true;
		if (s && s->nocase && c >= 'a' && c <= 'z')
			x->leads[c - 32] = true;
	}
}

int
index_build(struct arena *a, const struct pattern *const *patterns, uint32_t n, struct index *ret)
{
	struct index x = { .nways = 0 };
	struct ways ways = { .v = NULL };
	struct builder b = { .a = a, .x = &x };
	int err = 0;

	for (uint32_t i = 0; i < n && err == 0; i++)
		err = ways_add(&ways, patterns[i], i);
	ways_sort(&ways);
	find_classes(patterns, n, &x);
	x.ways = ARENA_ARRAY(a, struct index_way, ways.n + 1);
	x.nways = ways.n;
	b.ways = ways.v;
	if (err == 0)
		err = x.ways ? tree_build(a, ways.v, ways.n, &x.tree) : -ENOMEM;
	for (uint32_t i = 0; i < ways.n && err == 0; i++)
		x.vague += ways.v[i].weight >= WAY_LITERAL;
	find_leads(&ways, &x);
	for (uint32_t i = 0; i < ways.n && err == 0; i++)
		x.ways[i] = (struct index_way){ ways.v[i].pattern, ways.v[i].item };
	if (err == 0)
		err = build_needles(&b);
	ways_free(&ways);
	if (err == 0)
		*ret = x;
	return err;
}

int
index_literals(struct index *x, struct str cached, bool plain, bool *ret_compiled)
{
	if (x->nneedles <= NEEDLES_BY_HAND)
		return 0;
	return literals_new(x->needles, x->nneedles, cached, plain, &x->literals, ret_compiled);
}

void
index_free(struct index *x)
{
	literals_free(x->literals);
	x->literals = NULL;
}

void
candidates_add(struct candidates *c, uint32_t rank)
{
	uint32_t at = c->n;

	while (at > 0 && c->rank[at - 1] > rank)
		at--;
	if (at > 0 && c->rank[at - 1] == rank)
		return;
	if (c->n == CANDIDATES_MAX) {
		c->cut++;
		if (at == c->n)
			return;
		c->n--;
	}
	memmove(&c->rank[at + 1], &c->rank[at], (c->n - at) * sizeof(c->rank[0]));
	c->rank[at] = rank;
	c->n++;
}

struct found {
	const struct index *x;
	struct candidates *c;
};

static void
on_needle(void *ctx, uint32_t id)
{
	const struct found *f = ctx;

	for (uint32_t i = f->x->needle_first[id]; i < f->x->needle_first[id + 1]; i++)
		candidates_add(f->c, f->x->needle_ways[i]);
}

bool
index_may_lead(const struct index *x, struct str text)
{
	return text.n > 0 && x->leads[(unsigned char)text.p[0]];
}

void
index_search(const struct index *x, struct literals_work *w, struct str text, struct candidates *c)
{
	struct found f = { .x = x, .c = c };

	for (uint32_t i = 0; i < x->nalways; i++)
		candidates_add(c, x->always[i]);
	if (x->literals) {
		literals_scan(x->literals, w, text, on_needle, &f);
		return;
	}
	for (uint32_t i = 0; i < x->nneedles; i++) {
		const struct literal *l = &x->needles[i];
		size_t at = find_literal(text, l->text, l->nocase);

		if (at < text.n)
			on_needle(&f, i);
	}
}
