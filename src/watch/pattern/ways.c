/*
 * ways: walks the forks of a pattern, shortest way first, until all ways reach a wildcard or the end, or there are
 * enough of them. Runs at load only. A way that is cut short must end where no match can differ from it: behind a
 * literal or blanks, never behind a hole whose neighbour is not known.
 */
#include "watch/pattern/ways.h"

#include <errno.h>
#include <stdlib.h>

#define NEEDLE_GOOD 3

struct path {
	uint16_t *step;                /* room for all steps of the pattern */
	uint16_t n;
	bool closed;                   /* reached the end, or (for the tree) a wildcard */
	bool to_end;
};

struct paths {
	struct path *v;
	uint32_t n, max;
	bool search;
};

/* No more memory than this one pattern needs: it is done for thousands. */
static int
paths_init(struct paths *all, const struct pattern *p)
{
	uint32_t most = p->nfirst > WAYS_SEARCH_MAX ? p->nfirst : WAYS_SEARCH_MAX;
	uint16_t *steps = reallocarray(NULL, (size_t)most * (p->nsteps + 1u), sizeof(*steps));

	*all = (struct paths){ .v = reallocarray(NULL, most, sizeof(*all->v)) };
	if (!steps || !all->v) {
		free(steps);
		free(all->v);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < most; i++)
		all->v[i].step = steps + (size_t)i * (p->nsteps + 1u);
	return 0;
}

static void
paths_free(struct paths *all)
{
	free(all->v[0].step);
	free(all->v);
}

static const struct step *
last_of(const struct pattern *p, const struct path *path)
{
	return &p->steps[path->step[path->n - 1]];
}

/* path behind `next`; a search goes on through wildcards, for it looks for literals only. */
static void
extend(const struct pattern *p, struct path *path, uint16_t next, bool search)
{
	if (next == STEP_END) {
		path->closed = path->to_end = true;
		return;
	}
	path->step[path->n++] = next;
	path->closed = !search && step_is_wild(&p->steps[next]);
}

/* Replaces path i by one for each step that may follow; false when there would be too many. */
static bool
fork_path(const struct pattern *p, struct paths *all, uint32_t i)
{
	struct path *base = &all->v[i];
	const struct step *last = last_of(p, base);

	if (all->n - 1 + last->nnext > all->max)
		return false;
	for (uint16_t k = 1; k < last->nnext; k++) {
		struct path *to = &all->v[all->n++];

		memcpy(to->step, base->step, base->n * sizeof(*to->step));
		to->n = base->n;
		to->closed = to->to_end = false;
		extend(p, to, p->links[last->next + k], all->search);
	}
	extend(p, base, p->links[last->next], all->search);
	return true;
}

/* The shortest first, in order; stops where there would be too many. */
static void
fork_all(const struct pattern *p, struct paths *all)
{
	bool open = true;

	for (uint16_t length = 1; open; length++) {
		open = false;
		for (uint32_t i = 0; i < all->n; i++) {
			if (all->v[i].closed)
				continue;
			open = true;
			if (all->v[i].n == length && !fork_path(p, all, i))
				return;
		}
	}
}

/* Which beginnings: those with a wildcard, the others, or all of them. */
enum begin { BEGIN_WILD, BEGIN_PLAIN, BEGIN_ANY };

static bool
begins_wild(const struct pattern *p, uint16_t first)
{
	uint16_t v = p->links[p->first + first];

	return v != STEP_END && step_is_wild(&p->steps[v]);
}

static void
all_paths(const struct pattern *p, struct paths *all, bool search, enum begin begin)
{
	all->n = 0;
	all->search = search;
	all->max = search ? WAYS_SEARCH_MAX : WAYS_TREE_MAX;
	for (uint16_t i = 0; i < p->nfirst; i++) {
		struct path *path = &all->v[all->n];

		if (begin != BEGIN_ANY && begins_wild(p, i) != (begin == BEGIN_WILD))
			continue;
		all->n++;

		path->n = 0;
		path->closed = path->to_end = false;
		extend(p, path, p->links[p->first + i], search);
	}
	fork_all(p, all);
}

static uint32_t
weight_of(const struct step *s)
{
	return s->code == STEP_LIT ? s->len * WAY_LITERAL : s->code == STEP_HOLE ? hole_weight(s->type) : 0;
}

/* The least weight of what follows each step. */
static void
least_behind(const struct pattern *p, uint32_t *least)
{
	for (uint16_t i = p->nsteps; i-- > 0;) {
		const struct step *s = &p->steps[i];

		least[i] = UINT32_MAX;
		for (uint16_t k = 0; k < s->nnext; k++) {
			uint16_t v = p->links[s->next + k];
			uint32_t w = v == STEP_END ? 0 : least[v] + weight_of(&p->steps[v]);

			least[i] = w < least[i] ? w : least[i];
		}
	}
}

static const struct step *
needle_on(const struct pattern *p, const struct path *path)
{
	const struct step *best = NULL;

	for (uint16_t i = 0; i < path->n; i++) {
		const struct step *s = &p->steps[path->step[i]];

		if (s->code == STEP_LIT && (!best || s->len > best->len))
			best = s;
	}
	return best;
}

/* What must stand where the leading wildcard ends. */
static const struct step *
lead_on(const struct pattern *p, const struct path *path)
{
	uint16_t i = 1;

	while (i < path->n && p->steps[path->step[i]].code == STEP_BLANKS)
		i++;
	if (i >= path->n || !step_is_wild(&p->steps[path->step[0]]) || p->steps[path->step[i]].code != STEP_LIT)
		return NULL;
	return &p->steps[path->step[i]];
}

static struct way *
new_way(struct ways *w, const struct pattern *p, uint32_t item)
{
	if (w->n == w->size) {
		uint32_t size = w->size ? w->size * 2 : 256;
		struct way *more = reallocarray(w->v, size, sizeof(*more));

		if (!more)
			return NULL;
		w->v = more;
		w->size = size;
	}
	w->v[w->n] = (struct way){ .pattern = p, .item = item };
	return &w->v[w->n++];
}

/* The part of a path that the tree can follow. */
static int
set_steps(struct way *way, const struct pattern *p, const struct path *path)
{
	uint16_t n = path->n;

	way->whole = path->to_end;
	if (!path->to_end) {
		if (path->closed)                  /* ends in a wildcard, which bounds what is before it */
			way->behind = &p->steps[path->step[--n]];
		while (!path->closed && n && p->steps[path->step[n - 1]].code == STEP_HOLE)
			n--;
	}
	way->steps = calloc(n ? n : 1, sizeof(*way->steps));
	if (!way->steps)
		return -ENOMEM;
	for (uint16_t i = 0; i < n; i++) {
		const struct step *s = &p->steps[path->step[i]];

		if (s->code == STEP_BLANKS && way->n && way->steps[way->n - 1]->code == STEP_BLANKS)
			continue;
		way->steps[way->n++] = s;
	}
	return 0;
}

static int
add_path(struct ways *w, const struct pattern *p, uint32_t item, const struct path *path, const uint32_t *least,
    const struct step *common, bool search)
{
	struct way *way = new_way(w, p, item);

	if (!way)
		return -ENOMEM;
	for (uint16_t i = 0; i < path->n; i++)
		way->weight += weight_of(&p->steps[path->step[i]]);
	if (!path->to_end && path->n)
		way->weight += least[path->step[path->n - 1]];
	if (!search)
		return set_steps(way, p, path);
	way->needle = needle_on(p, path);
	way->lead = lead_on(p, path);
	if (common && (!way->needle || (common->len >= NEEDLE_GOOD && common->len + 2 >= way->needle->len)))
		way->needle = common;
	return 0;
}

/* A tree way that came out without a single step is a search after all. */
static bool
has_empty_way(const struct pattern *p, const struct paths *all)
{
	for (uint32_t i = 0; i < all->n; i++) {
		const struct path *path = &all->v[i];
		const struct step *s = path->n ? &p->steps[path->step[0]] : NULL;

		if (!s || step_is_wild(s))
			return true;
		if (!path->closed && path->n == 1 && s->code == STEP_HOLE)
			return true;
	}
	return false;
}

static int
add_paths(struct ways *w, const struct pattern *p, uint32_t item, const struct paths *all, bool search)
{
	uint32_t least[PATTERN_STEPS_MAX];
	const struct step *common = pattern_needle(p);
	int err = 0;

	least_behind(p, least);
	for (uint32_t i = 0; i < all->n && err == 0; i++)
		err = add_path(w, p, item, &all->v[i], least, common, search);
	return err;
}

int
ways_add(struct ways *w, const struct pattern *p, uint32_t item)
{
	struct paths all;
	enum begin begin = BEGIN_WILD;
	int err = paths_init(&all, p);

	if (err < 0)
		return err;
	all_paths(p, &all, false, BEGIN_PLAIN);
	if (has_empty_way(p, &all))
		begin = BEGIN_ANY;
	else
		err = add_paths(w, p, item, &all, false);
	if (err == 0) {
		all_paths(p, &all, true, begin);
		err = add_paths(w, p, item, &all, true);
	}
	paths_free(&all);
	return err;
}

static int
heavier_first(const void *a, const void *b)
{
	const struct way *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return x->item < y->item ? -1 : x->item > y->item;
}

void
ways_sort(struct ways *w)
{
	if (w->n)
		qsort(w->v, w->n, sizeof(*w->v), heavier_first);
}

void
ways_free(struct ways *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		free(w->v[i].steps);
	free(w->v);
}

bool
ways_propose(const struct way *ways, const uint32_t *ranks, uint32_t n, uint32_t rank)
{
	for (uint32_t i = 0; i < n; i++)
		if (ways[ranks[i]].item == ways[rank].item)
			return true;
	return false;
}
