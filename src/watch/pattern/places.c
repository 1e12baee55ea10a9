/*
 * places: moves a set of places over a byte. In the tree of beginnings all ways go together; behind it each goes on in
 * its own pattern. Takes holes for runs of the bytes they may hold, so it finds more than matches, never less.
 */
#include "watch/pattern/places.h"

/*
 * A place: a step and how much of it is done (bytes of a literal, 1 within blanks, the phase of a hole). In the tree the
 * step is the edge to a node, and DONE is the node itself, before whatever comes next. Behind a way's first wildcard
 * the place is one in the way's pattern, and its rank is remembered.
 */
#define OFF_BITS 12
#define DONE 0xfffu
#define IN_PATTERN (UINT64_C(1) << 63)
#define RANK_AT 28                     /* the step's number stands between */
#define AT_END 0xffffu                 /* as a step: the text must end */

static inline place
place_in_tree(uint32_t node, unsigned off)
{
	return (uint64_t)node << OFF_BITS | off;
}

static inline place
place_in_pattern(uint32_t rank, uint16_t step, unsigned off)
{
	return IN_PATTERN | (uint64_t)rank << RANK_AT | (uint64_t)step << OFF_BITS | off;
}

static inline uint32_t
rank_of(place p)
{
	return (uint32_t)((p & ~IN_PATTERN) >> RANK_AT);
}

static inline uint16_t
step_number(place p)
{
	return (uint16_t)(p >> OFF_BITS);
}

static void
add_place(struct places_set *s, place p)
{
	if (places_room(&s->v, s->n, &s->size, sizeof(*s->v)))
		s->v[s->n++] = p;
	else
		s->failed = true;
}

/* Several ways of one pattern in one place are one proposal: the best of them. */
static void
add_arrived(struct places_set *s, const struct index *x, uint32_t rank)
{
	const struct index_way *w = &x->ways[rank];

	for (uint32_t i = 0; i < s->narrived; i++) {
		const struct index_way *have = &x->ways[s->arrived[i]];

		if (have->item != w->item)
			continue;
		s->arrived[i] = rank < s->arrived[i] ? rank : s->arrived[i];
		return;
	}
	if (places_room(&s->arrived, s->narrived, &s->arrived_size, sizeof(*s->arrived)))
		s->arrived[s->narrived++] = rank;
	else
		s->failed = true;
}

/*
 * A wildcard that every match passes: what the way still hoped for before it is no better than standing here. That
 * keeps the places of a way few, however often its literals come again.
 */
static void
forget_before(struct places_set *s, uint32_t rank, uint16_t step)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->n; i++)
		if (!(s->v[i] & IN_PATTERN) || rank_of(s->v[i]) != rank || step_number(s->v[i]) >= step)
			s->v[kept++] = s->v[i];
	s->n = kept;
}

static void enter_step(const struct index *x, struct places_set *s, uint32_t rank, uint16_t step, bool after_blank);

static void
enter_next(const struct index *x, struct places_set *s, uint32_t rank, const struct step *of, bool after_blank)
{
	for (uint16_t i = 0; i < of->nnext; i++)
		enter_step(x, s, rank, x->ways[rank].pattern->links[of->next + i], after_blank);
}

static bool
takes_the_rest(const struct pattern *p, const struct step *wild)
{
	for (uint16_t i = 0; i < wild->nnext; i++)
		if (p->links[wild->next + i] == STEP_END)
			return true;
	return false;
}

/* Before a step of a way's pattern, and what is reached from there without a byte. */
static void
enter_step(const struct index *x, struct places_set *s, uint32_t rank, uint16_t step, bool after_blank)
{
	const struct pattern *p = x->ways[rank].pattern;
	const struct step *at;

	if (step == STEP_END) {
		add_place(s, place_in_pattern(rank, AT_END, 0));
		return;
	}
	at = &p->steps[step];
	if (step_is_wild(at)) {
		if (takes_the_rest(p, at)) {
			add_arrived(s, x, rank);
			return;
		}
		if (pattern_always_passes(p, step))
			forget_before(s, rank, step);
	}
	add_place(s, place_in_pattern(rank, step, 0));
	if (step_is_wild(at) || (at->code == STEP_BLANKS && after_blank))
		enter_next(x, s, rank, at, after_blank);
}

/* Within a literal or blanks of a way's pattern, of which `off` is done. */
static void
go_on(const struct index *x, struct places_set *s, uint32_t rank, uint16_t step, unsigned off)
{
	const struct step *at = &x->ways[rank].pattern->steps[step];
	bool blanks = at->code == STEP_BLANKS;

	if (blanks || off < at->len)
		add_place(s, place_in_pattern(rank, step, off));
	if (blanks || off == at->len)
		enter_next(x, s, rank, at, blanks);
}

/* The edge to a node is done: what is proposed there, and what is reached from there without a byte. */
static void
reach(const struct index *x, struct places_set *s, uint32_t node, bool after_blank)
{
	const struct tree_node *n = &x->tree.nodes[node];

	for (uint32_t i = 0; i < n->nways; i++) {
		const struct tree_way *w = &x->tree.ways[n->ways + i];

		if (w->off)
			go_on(x, s, w->rank, w->step, w->off);
		else
			enter_step(x, s, w->rank, w->step, after_blank);
	}
	if (n->nkids)
		add_place(s, place_in_tree(node, DONE));
	for (uint32_t k = n->nlit; after_blank && k < n->nkids; k++)
		if (x->tree.nodes[n->kids + k].code == STEP_BLANKS)
			reach(x, s, n->kids + k, after_blank);
}

static inline char
folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Byte c on the edge to a node, of which `off` is done. */
static void
follow_edge(const struct index *x, struct places_set *s, uint32_t node, unsigned off, char c)
{
	const struct tree_node *n = &x->tree.nodes[node];

	if (n->code == STEP_LIT) {
		if ((n->nocase ? folded(c) : c) != n->lit[off])
			return;
		if (++off == n->len)
			reach(x, s, node, false);
		else
			add_place(s, place_in_tree(node, off));
		return;
	}
	off = n->code == STEP_BLANKS ? is_blank(c) : hole_run(n->type, off, c);
	if (off == 0)
		return;
	if (n->code == STEP_BLANKS || !hole_run_is_over(off))
		add_place(s, place_in_tree(node, off));
	if (n->code == STEP_BLANKS || hole_run_may_end(off))
		reach(x, s, node, is_blank(c));
}

/* Byte c at a node: the children that may begin with it. */
static void
leave(const struct index *x, struct places_set *s, uint32_t node, char c)
{
	const struct tree_node *n = &x->tree.nodes[node];
	uint32_t k = 0;

	if (n->jump) {
		uint16_t kid = n->jump[(unsigned char)c];

		if (kid)
			follow_edge(x, s, n->kids + kid - 1, 0, c);
		k = n->nlit;
	}
	for (; k < n->nkids; k++)
		follow_edge(x, s, n->kids + k, 0, c);
}

/* Byte c in a way's pattern. */
static void
follow_step(const struct index *x, struct places_set *s, place p, char c)
{
	uint32_t rank = rank_of(p);
	uint16_t step = step_number(p);
	const struct step *at;
	unsigned off = p & DONE;

	if (step == AT_END)
		return;
	at = &x->ways[rank].pattern->steps[step];
	if (step_is_wild(at)) {
		add_place(s, p);
		enter_next(x, s, rank, at, is_blank(c));
		return;
	}
	if (at->code == STEP_LIT) {
		if ((at->nocase ? folded(c) : c) != at->lit[off])
			return;
		go_on(x, s, rank, step, off + 1);
		return;
	}
	if (at->code == STEP_BLANKS) {
		if (is_blank(c))
			go_on(x, s, rank, step, 1);
		return;
	}
	off = hole_run(at->type, off, c);
	if (off && !hole_run_is_over(off))
		add_place(s, place_in_pattern(rank, step, off));
	if (off && hole_run_may_end(off))
		enter_next(x, s, rank, at, is_blank(c));
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
put_in_order(struct places_set *s)
{
	uint32_t kept = 0;

	/* They come almost in order: no sort is faster. */
	for (uint32_t i = 0; i < s->n; i++) {
		place p = s->v[i];
		uint32_t at = kept;

		while (at > 0 && s->v[at - 1] > p)
			at--;
		if (at > 0 && s->v[at - 1] == p)
			continue;
		memmove(&s->v[at + 1], &s->v[at], (kept - at) * sizeof(*s->v));
		s->v[at] = p;
		kept++;
	}
	s->n = kept;
	if (s->narrived > 1)
		qsort(s->arrived, s->narrived, sizeof(*s->arrived), by_value);
}

/* When all places are one pattern's there is nothing left to tell apart: it is proposed by its best way. */
static bool
conclude(const struct index *x, struct places_set *s)
{
	uint32_t best = UINT32_MAX;

	for (uint32_t i = 0; i < s->n; i++) {
		bool in_pattern = s->v[i] & IN_PATTERN;
		const struct tree_node *node = in_pattern ? NULL : &x->tree.nodes[s->v[i] >> OFF_BITS];
		uint32_t rank = in_pattern ? rank_of(s->v[i]) : node->best;

		if ((node && !node->alone) || (i > 0 && x->ways[rank].item != x->ways[best].item))
			return false;
		best = rank < best ? rank : best;
	}
	if (s->n)
		add_arrived(s, x, best);
	s->n = 0;
	return true;
}

static void
step_over(const struct index *x, const place *from, uint32_t n, char c, struct places_set *s)
{
	s->failed = false;
	s->n = 0;
	s->narrived = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t node = (uint32_t)(from[i] >> OFF_BITS);

		if (from[i] & IN_PATTERN)
			follow_step(x, s, from[i], c);
		else if ((from[i] & DONE) == DONE)
			leave(x, s, node, c);
		else
			follow_edge(x, s, node, from[i] & DONE, c);
	}
}

bool
places_advance(const struct index *x, const place *from, uint32_t n, char c, struct places_set *s)
{
	bool stop;

	step_over(x, from, n, c, s);
	stop = conclude(x, s);
	put_in_order(s);
	return stop;
}

void
places_of_one(const struct index *x, uint32_t rank, struct places_set *s)
{
	const struct pattern *p = x->ways[rank].pattern;

	s->failed = false;
	s->n = s->narrived = 0;
	for (uint16_t i = 0; i < p->nfirst; i++)
		enter_step(x, s, rank, p->links[p->first + i], true);
	put_in_order(s);
}

void
places_step(const struct index *x, const place *from, uint32_t n, char c, struct places_set *s)
{
	step_over(x, from, n, c, s);
	put_in_order(s);
}

/* May a way that stands before this step end where the text does? Blanks are not needed there. */
static bool
may_be_last(const struct pattern *p, uint16_t step)
{
	const struct step *at = &p->steps[step];

	if (step == STEP_END)
		return true;
	for (uint16_t i = 0; (at->code == STEP_BLANKS || step_is_wild(at)) && i < at->nnext; i++)
		if (may_be_last(p, p->links[at->next + i]))
			return true;
	return false;
}

/* The ways that may end at a node where the text does. */
static void
end_at(const struct index *x, struct places_set *s, uint32_t node)
{
	const struct tree_node *n = &x->tree.nodes[node];

	for (uint32_t i = 0; i < n->nways; i++) {
		const struct tree_way *w = &x->tree.ways[n->ways + i];

		if (w->off == 0 && may_be_last(x->ways[w->rank].pattern, w->step))
			add_arrived(s, x, w->rank);
	}
	for (uint32_t k = n->nlit; k < n->nkids; k++)
		if (x->tree.nodes[n->kids + k].code == STEP_BLANKS)
			end_at(x, s, n->kids + k);
}

void
places_at_end(const struct index *x, const place *v, uint32_t n, struct places_set *s)
{
	s->narrived = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t rank = rank_of(v[i]);
		uint16_t step = step_number(v[i]);

		if (!(v[i] & IN_PATTERN)) {
			if ((v[i] & DONE) == DONE)
				end_at(x, s, (uint32_t)(v[i] >> OFF_BITS));
		} else if (step == AT_END || ((v[i] & DONE) == 0 && may_be_last(x->ways[rank].pattern, step))) {
			add_arrived(s, x, rank);
		}
	}
}

/* A pattern that still has several ways needs the rest of the text to say which of them it takes. */
bool
places_few(const struct index *x, const struct places_set *s, uint32_t most, uint32_t *ret_ranks, uint32_t *ret_n)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t rank = rank_of(s->v[i]), k = 0;

		if (!(s->v[i] & IN_PATTERN))
			return false;
		while (k < n && ret_ranks[k] != rank && x->ways[ret_ranks[k]].item != x->ways[rank].item)
			k++;
		if (k == most || (k < n && ret_ranks[k] != rank))
			return false;
		if (k == n)
			ret_ranks[n++] = rank;
	}
	*ret_n = n;
	return true;
}

void
places_begin(const struct index *x, struct places_set *s)
{
	s->failed = false;
	s->n = s->narrived = 0;
	reach(x, s, 0, true);
	put_in_order(s);
}

void
places_free(struct places_set *s)
{
	free(s->v);
	free(s->arrived);
}
