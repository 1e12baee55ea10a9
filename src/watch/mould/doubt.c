/*
 * doubt: which other lines of a group the long way might try before the line of a mould, for some text that fits.
 * Lines are tried by rank, and the rank is that of the way by which a line is proposed; of the mould's own line that way
 * is known. Must name every line that could come first and is not certain to fail.
 */
#include <stdlib.h>

#include "watch/mould/model.h"
#include "watch/pattern/places.h"
#include "watch/pattern/ways.h"

#define WORK_MAX 20000u                /* for one pattern; then it is taken for one that may match */

struct search {
	struct model *model;
	const struct index *x;
	const struct trail *trail;     /* of the mould's own line */
	uint32_t own;                  /* the rank by which that line is proposed at the latest */
	bool to_end;                   /* it is followed up to the end of the text */
};

/* The ways of one pattern, best first, as in the index. False without memory. */
static bool
ways_of(const struct pattern *p, struct ways *ret)
{
	*ret = (struct ways){ .v = NULL };
	if (ways_add(ret, p, 0) < 0) {
		ways_free(ret);
		return false;
	}
	ways_sort(ret);
	return true;
}

static bool
is_own_way(const struct search *s, const struct pattern *p, const struct way *w)
{
	for (uint16_t i = 0; i < w->n; i++)
		if (i >= s->trail->n || w->steps[i] != &p->steps[s->trail->passed[i].step])
			return false;
	return w->n > 0;
}

/* The rank of the best way that is the way of the mould; UINT32_MAX when none is. */
static uint32_t
own_rank(const struct search *s, const struct pattern *p, uint32_t item)
{
	struct ways ways;
	uint32_t rank = 0, found = UINT32_MAX;

	if (!ways_of(p, &ways))
		return UINT32_MAX;
	for (uint32_t i = 0; i < ways.n && found == UINT32_MAX; i++, rank++) {
		while (rank < s->x->nways && s->x->ways[rank].item != item)
			rank++;
		if (is_own_way(s, p, &ways.v[i]))
			found = rank;
	}
	ways_free(&ways);
	return found;
}

/* Is it certain that no text that fits goes along this way? It is asked as a pattern without forks. */
static bool
way_fails(struct model *m, const struct way *w)
{
	struct step *steps = calloc(w->n + 1u, sizeof(*steps));
	uint16_t *links = calloc(w->n + 1u, sizeof(*links));
	bool fails = false;

	if (steps && links && w->n > 0) {
		struct pattern p = { .steps = steps, .links = links, .nsteps = (uint16_t)(w->n + 1) };

		for (uint16_t i = 0; i < w->n; i++) {
			steps[i] = *w->steps[i];
			steps[i].next = i;
			steps[i].nnext = 1;
			links[i] = (uint16_t)(i + 1);
		}
		steps[w->n] = (struct step){ .code = STEP_SKIP, .next = w->n, .nnext = 1 };
		links[w->n] = STEP_END;
		fails = model_fails(m, &p, 0, 0);
	}
	free(steps);
	free(links);
	return fails;
}

/* Is every way by which the line at rank could come first certain to fail? */
static bool
comes_later(const struct search *s, uint32_t rank)
{
	uint32_t item = s->x->ways[rank].item;
	struct ways ways;
	bool later = true;

	/* Once the mould's own line is proposed, others may be by a way that they do not go to its end. */
	if (!s->to_end || !ways_of(s->x->ways[rank].pattern, &ways))
		return false;
	for (uint32_t i = 0; i < ways.n && rank < s->own && later; i++, rank++) {
		while (rank < s->own && s->x->ways[rank].item != item)
			rank++;
		later = rank >= s->own || way_fails(s->model, &ways.v[i]);
	}
	ways_free(&ways);
	return later;
}

/*
 * Does the mould's line go on to the end of the text, without a wildcard that takes the rest? One that is reached only
 * there does no harm.
 */
static bool
goes_to_end(const struct pattern *p, const struct trail *t)
{
	for (uint16_t i = 0; i < t->n; i++) {
		const struct step *s = &p->steps[t->passed[i].step];
		const struct step *before = i > 0 ? &p->steps[t->passed[i - 1].step] : NULL;

		if (before && before->code != STEP_HOLE && i + 1 == t->n && t->passed[i].from == t->passed[i].to)
			break;
		for (uint16_t k = 0; step_is_wild(s) && k < s->nnext; k++)
			if (p->links[s->next + k] == STEP_END)
				return false;
	}
	return true;
}

/* Moves the places of one pattern over all texts that fit at once. */
struct passing {
	const struct index *x;
	struct places_set at, next, fresh;
	uint32_t work;                 /* places moved over a byte */
	bool arrived;                  /* the pattern may match, for all that is known */
};

static void
pass_byte(struct passing *p, const struct places_set *from, char c)
{
	places_step(p->x, from->v, from->n, c, &p->next);
	p->work += 1 + from->n;
	p->arrived |= p->next.narrived > 0 || p->next.failed || p->work > WORK_MAX;
}

static bool
add_place(struct passing *p, struct places_set *s, place v)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i] == v)
			return false;
	if (!places_room(&s->v, s->n, &s->size, sizeof(*s->v))) {
		p->arrived = true;
		return false;
	}
	s->v[s->n++] = v;
	return true;
}

static void
swap(struct places_set *a, struct places_set *b)
{
	struct places_set t = *a;

	*a = *b;
	*b = t;
}

/* One byte at least of those that the run may hold, then as many as lead to new places. */
static void
pass_run(struct passing *p, const struct model_run *run)
{
	struct places_set all = { .n = 0 }, from = { .n = 0 };

	for (uint32_t i = 0; run->kind == RUN_QUOTED && i < p->at.n; i++)
		add_place(p, &all, p->at.v[i]);
	swap(&p->fresh, &p->at);
	while (p->fresh.n && !p->arrived) {
		bool seen[256] = { false };

		swap(&from, &p->fresh);
		p->fresh.n = 0;
		for (int c = 0; c < 256 && !p->arrived; c++) {
			if (!run->has[c] || seen[p->x->class[c]])
				continue;
			seen[p->x->class[c]] = true;
			pass_byte(p, &from, (char)c);
			for (uint32_t i = 0; i < p->next.n; i++)
				if (add_place(p, &all, p->next.v[i]))
					add_place(p, &p->fresh, p->next.v[i]);
		}
	}
	swap(&p->at, &all);
	places_free(&all);
	places_free(&from);
}

/* Is it certain that the pattern of a way matches no text that fits? Holes are taken for runs of bytes. */
static bool
never_matches(const struct model *m, const struct index *x, uint32_t rank)
{
	struct passing p = { .x = x };

	places_of_one(x, rank, &p.at);
	p.arrived = p.at.narrived > 0 || p.at.failed;
	for (size_t pos = 0; pos < m->text.n && !p.arrived && p.at.n;) {
		const struct model_run *run = m->run_at[pos] == MODEL_FIXED ? NULL : &m->runs[m->run_at[pos]];

		if (run) {
			pass_run(&p, run);
			pos = run->end;
		} else {
			pass_byte(&p, &p.at, m->text.p[pos++]);
			swap(&p.at, &p.next);
		}
	}
	if (!p.arrived) {
		places_at_end(x, p.at.v, p.at.n, &p.next);
		p.arrived = p.next.narrived > 0 || p.next.failed;
	}
	places_free(&p.at);
	places_free(&p.next);
	places_free(&p.fresh);
	return !p.arrived;
}

/* The longest literal that every match of the pattern holds, and this text does not: few that fit will. Or NULL. */
static const struct step *
absent_literal(const struct pattern *p, struct str text)
{
	const struct step *best = NULL;

	for (uint16_t i = 0; i < p->nsteps; i++) {
		const struct step *s = &p->steps[i];

		if (s->code == STEP_LIT && (!best || s->len > best->len) && !step_stands_in(s, text) && pattern_always_passes(p, i))
			best = s;
	}
	return best;
}

static bool
find(const struct search *s, const struct group *g, bool *asked, struct mould *m)
{
	memset(asked, false, s->x->nways);
	for (uint32_t rank = 0; rank < s->own; rank++) {
		uint32_t item = s->x->ways[rank].item;
		const struct line *l = g->lines[item];

		if (asked[item] || l == m->line)
			continue;
		asked[item] = true;
		if (model_refuses(s->model, &l->pattern) || comes_later(s, rank) || never_matches(s->model, s->x, rank))
			continue;
		if (m->ndoubts == MOULD_DOUBTS_MAX)
			return false;
		m->absent[m->ndoubts] = absent_literal(&l->pattern, s->model->text);
		m->doubts[m->ndoubts++] = l;
	}
	return true;
}

/* In the mould's own group only what may come before it. */
static bool
find_own(const struct group *g, struct model *model, const struct trail *trail, bool *asked, struct mould *m)
{
	const struct pattern *p = &m->line->pattern;
	struct search s = { .model = model, .x = &g->index, .trail = trail, .to_end = goes_to_end(p, trail) };
	uint32_t item = UINT32_MAX, worst = 0;

	for (uint32_t rank = 0; rank < s.x->nways; rank++) {
		if (g->lines[s.x->ways[rank].item] != m->line)
			continue;
		item = s.x->ways[rank].item;
		worst = rank;
	}
	s.own = item == UINT32_MAX ? UINT32_MAX : own_rank(&s, p, item);
	s.own = s.own < worst ? s.own : worst;
	if (item == UINT32_MAX || s.own >= s.x->vague)
		return false;
	return find(&s, g, asked, m);
}

bool
mould_doubts(const struct mould_groups *g, struct model *model, const struct trail *trail, struct mould *m)
{
	uint32_t most = 1;
	bool *asked, done;

	for (uint32_t i = 0; i < g->n; i++)
		most = g->v[i]->index.nways > most ? g->v[i]->index.nways : most;
	asked = malloc(most * sizeof(*asked));
	done = asked != NULL;
	for (uint32_t i = 0; i + 1 < g->n && done; i++) {
		struct search s = { .model = model, .x = &g->v[i]->index, .own = g->v[i]->index.vague };

		model->no_lead = model->foreign && g->lead_limited[i];
		done = g->v[i]->nforms == 0 && find(&s, g->v[i], asked, m);
	}
	model->no_lead = model->foreign && g->lead_limited[g->n - 1];
	done = done && find_own(g->v[g->n - 1], model, trail, asked, m);
	free(asked);
	return done;
}
