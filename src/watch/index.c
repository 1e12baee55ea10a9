/*
 * index: from a text to the few patterns that could match it. The tree is built once from the sorted ways of all
 * patterns and walked without going back in the text further than its own branches; ways that begin with a wildcard
 * are announced by a literal. It only proposes: pattern_match() decides.
 */
#include "watch/index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "watch/find.h"
#include "watch/ways.h"

#define NEEDLE_MIN 3               /* shorter ones slow the search down and announce too much */
#define NEEDLES_BY_HAND 4          /* up to so many are looked for one by one */
#define LEAF_MAX 2                 /* patterns */
#define JUMP_MIN 9                 /* children from which a jump table pays */

struct index_node {
	uint8_t code, type;            /* what leads here: STEP_LIT, STEP_BLANKS or STEP_HOLE */
	bool nocase;
	char first;                    /* of the literal */
	uint16_t len;
	uint16_t nlit;                 /* the first so many children are literals that mind case */
	union {
		const char *lit;       /* the literal behind its first byte */
		const struct step *next;   /* the step after a hole, which bounds it */
	};
	uint16_t *jump;                /* by first byte: child number + 1, or NULL */
	uint32_t kids, ways;           /* first of each */
	uint16_t nkids, nways;
	bool leaf;                     /* its ways go on behind it: trying them is cheaper than more nodes */
};

struct entry {                         /* a way on its path down the tree */
	uint32_t rank;
	const struct way *way;
	uint16_t at;                   /* step */
	uint16_t off;                  /* byte within a literal step */
};

struct builder {
	struct arena *a;
	struct index *x;
	const struct way *ways;        /* by rank */
	struct index_node *nodes;
	uint32_t nnodes, nodes_size, nnode_ways;
};

static const struct step *
step_of(const struct entry *e)
{
	return e->at < e->way->n ? e->way->steps[e->at] : NULL;
}

static const struct step *
step_behind(const struct entry *e)
{
	return e->at + 1u < e->way->n ? e->way->steps[e->at + 1] : e->way->behind;
}

static bool
ends_here(const struct entry *e)
{
	return step_of(e) == NULL;
}

/* Steps that bound a hole the same way are the same neighbour. */
static int
compare_next(const struct step *a, const struct step *b)
{
	int ca = a ? a->code : -1, cb = b ? b->code : -1;

	if (ca != cb)
		return ca < cb ? -1 : 1;
	if (!a || a->code != STEP_LIT)
		return 0;
	if (a->nocase != b->nocase)
		return a->nocase ? 1 : -1;
	if (a->then_blank != b->then_blank)
		return a->then_blank ? 1 : -1;
	return str_cmp(str_of(a->lit, a->len), str_of(b->lit, b->len));
}

/* Literals first, those that mind case before the others; then by first byte, then the rest. */
static int
edge_class(const struct step *s)
{
	return s->code == STEP_LIT ? s->nocase : 2 + s->code;
}

static int
compare_edges(const struct entry *x, const struct entry *y)
{
	const struct step *a = step_of(x), *b = step_of(y);
	int ca = edge_class(a), cb = edge_class(b);

	if (ca != cb)
		return ca - cb;
	if (a->code == STEP_LIT)
		return (unsigned char)a->lit[x->off] - (unsigned char)b->lit[y->off];
	if (a->code == STEP_BLANKS)
		return 0;
	if (a->type != b->type)
		return a->type - b->type;
	return compare_next(step_behind(x), step_behind(y));
}

static int
by_edge(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	bool xe = ends_here(x), ye = ends_here(y);
	int c;

	if (xe || ye)
		return xe && ye ? (x->rank < y->rank ? -1 : 1) : xe ? -1 : 1;
	c = compare_edges(x, y);
	return c ? c : x->rank < y->rank ? -1 : 1;
}

static int
by_rank(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static uint32_t
add_nodes(struct builder *b, uint32_t n)
{
	uint32_t first = b->nnodes;

	if (b->nnodes + n > b->nodes_size) {
		uint32_t size = (b->nodes_size + n) * 2;
		struct index_node *more = reallocarray(b->nodes, size, sizeof(*more));

		if (!more)
			return UINT32_MAX;
		b->nodes = more;
		b->nodes_size = size;
	}
	memset(&b->nodes[first], 0, n * sizeof(*b->nodes));
	b->nnodes += n;
	return first;
}

/* How many literal bytes all n entries share from where they are. */
static uint16_t
common(const struct entry *e, uint32_t n)
{
	const struct step *first = step_of(&e[0]);
	uint16_t len = (uint16_t)(first->len - e[0].off);

	for (uint32_t i = 1; i < n; i++) {
		const struct step *s = step_of(&e[i]);
		uint16_t most = (uint16_t)(s->len - e[i].off), k = 0;

		while (k < len && k < most && first->lit[e[0].off + k] == s->lit[e[i].off + k])
			k++;
		len = k;
	}
	return len;
}

static void
advance(struct entry *e, uint32_t n, uint16_t len)
{
	for (uint32_t i = 0; i < n; i++) {
		e[i].off = (uint16_t)(e[i].off + len);
		if (len == 0 || e[i].off == step_of(&e[i])->len) {
			e[i].at++;
			e[i].off = 0;
		}
	}
}

/* The edge that leads to a child, from the first of its entries; moves them all behind it. */
static void
take_edge(struct index_node *node, struct entry *e, uint32_t n)
{
	const struct step *s = step_of(e);

	node->code = s->code;
	node->type = s->type;
	node->nocase = s->nocase;
	if (s->code == STEP_LIT) {
		uint16_t len = common(e, n);

		node->first = s->lit[e->off];
		node->lit = s->lit + e->off + 1;
		node->len = len;
		advance(e, n, len);
	} else {
		node->next = step_behind(e);
		advance(e, n, 0);
	}
}

static int
make_jump(struct builder *b, uint32_t at)
{
	struct index_node *n = &b->nodes[at];

	if (n->nlit < JUMP_MIN)
		return 0;
	n->jump = ARENA_ARRAY(b->a, uint16_t, 256);
	if (!n->jump)
		return -ENOMEM;
	for (uint16_t i = 0; i < n->nlit; i++)
		n->jump[(unsigned char)b->nodes[n->kids + i].first] = (uint16_t)(i + 1);
	return 0;
}

static uint32_t
count_groups(const struct entry *e, uint32_t n)
{
	uint32_t groups = n > 0;

	for (uint32_t i = 1; i < n; i++)
		groups += compare_edges(&e[i - 1], &e[i]) != 0;
	return groups;
}

static int build_node(struct builder *b, uint32_t at, struct entry *e, uint32_t n);

static int
build_kids(struct builder *b, uint32_t at, struct entry *e, uint32_t n)
{
	uint32_t groups = count_groups(e, n), kid, from = 0;

	if (groups == 0)
		return 0;
	kid = add_nodes(b, groups);
	if (kid == UINT32_MAX)
		return -ENOMEM;
	b->nodes[at].kids = kid;
	b->nodes[at].nkids = (uint16_t)groups;
	for (uint32_t to = 1; to <= n; to++) {
		if (to < n && compare_edges(&e[from], &e[to]) == 0)
			continue;
		b->nodes[at].nlit = (uint16_t)(b->nodes[at].nlit + (edge_class(step_of(&e[from])) == 0));
		take_edge(&b->nodes[kid], &e[from], to - from);
		if (build_node(b, kid++, &e[from], to - from) < 0)
			return -ENOMEM;
		from = to;
	}
	return make_jump(b, at);
}

/* Several ways of one pattern in one place are one proposal: the best of them. */
static bool
proposed(const struct builder *b, const uint32_t *ranks, uint32_t n, uint32_t rank)
{
	for (uint32_t i = 0; i < n; i++)
		if (b->ways[ranks[i]].item == b->ways[rank].item && b->ways[ranks[i]].whole == b->ways[rank].whole)
			return true;
	return false;
}

/*
 * So few patterns that trying them costs less than telling them apart. A pattern with several ways here has a rank for
 * each: beside others only the tree can say which of them the text takes.
 */
static bool
is_leaf(const struct entry *e, uint32_t n)
{
	uint32_t item[LEAF_MAX], items = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;

		while (k < items && item[k] != e[i].way->item)
			k++;
		if (k == LEAF_MAX)
			return false;
		if (k == items)
			item[items++] = e[i].way->item;
	}
	return items == 1 || items == n;
}

static int
build_node(struct builder *b, uint32_t at, struct entry *e, uint32_t n)
{
	uint32_t *ranks = b->x->node_ways + b->nnode_ways, ends = 0, kept = 0;
	bool leaf = at > 0 && is_leaf(e, n);

	qsort(e, n, sizeof(*e), leaf ? by_rank : by_edge);
	for (; ends < n && (leaf || ends_here(&e[ends])); ends++)
		if (!proposed(b, ranks, kept, e[ends].rank))
			ranks[kept++] = e[ends].rank;
	b->nodes[at].ways = b->nnode_ways;
	b->nodes[at].nways = (uint16_t)kept;
	b->nodes[at].leaf = leaf;
	b->nnode_ways += kept;
	return build_kids(b, at, e + ends, n - ends);
}

static int
build_tree(struct builder *b)
{
	struct index *x = b->x;
	struct entry *e = calloc(x->nways ? x->nways : 1, sizeof(*e));
	uint32_t n = 0;
	int err = -ENOMEM;

	for (uint32_t i = 0; e && i < x->nways; i++)
		if (b->ways[i].n)
			e[n++] = (struct entry){ .rank = i, .way = &b->ways[i] };
	if (e && add_nodes(b, 1) == 0)
		err = build_node(b, 0, e, n);
	if (err == 0)
		x->nodes = ARENA_ARRAY(b->a, struct index_node, b->nnodes);
	if (x->nodes)
		memcpy(x->nodes, b->nodes, b->nnodes * sizeof(*b->nodes));
	x->nnodes = b->nnodes;
	free(b->nodes);
	free(e);
	return x->nodes ? err : -ENOMEM;
}

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
		if (!proposed(b, x->needle_ways + first, kept - first, v[i].rank))
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
		    !proposed(b, x->always, x->nalways, i))
			x->always[x->nalways++] = i;
	qsort(v, n, sizeof(*v), by_needle);
	group_needles(b, x, v, n);
	free(v);
	return 0;
}

int
index_build(struct arena *a, const struct pattern *const *patterns, uint32_t n, bool search_holes, struct index *ret)
{
	struct index x = { .nways = 0 };
	struct ways ways = { .v = NULL };
	struct builder b = { .a = a, .x = &x };
	int err = 0;

	for (uint32_t i = 0; i < n && err == 0; i++)
		err = ways_add(&ways, patterns[i], i, search_holes);
	ways_sort(&ways);
	x.ways = ARENA_ARRAY(a, struct index_way, ways.n + 1);
	x.node_ways = ARENA_ARRAY(a, uint32_t, ways.n + 1);
	x.nways = ways.n;
	b.ways = ways.v;
	if (err == 0)
		err = x.ways && x.node_ways ? build_tree(&b) : -ENOMEM;
	for (uint32_t i = 0; i < ways.n && err == 0; i++)
		x.vague += ways.v[i].weight >= WAY_LITERAL;
	for (uint32_t i = 0; i < ways.n && err == 0; i++)
		x.ways[i] = (struct index_way){ ways.v[i].pattern, ways.v[i].item, ways.v[i].whole };
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

/* Keeps the list sorted and without doubles; when it is full the worst goes. */
static void
propose(struct candidates *c, uint32_t rank)
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

struct walk {
	const struct index *x;
	struct str text;
	struct candidates *c;
	struct match *m;
};

/* The ways that end here: worth a try when nothing speaks against their end. */
static void
arrive(const struct walk *w, const struct index_node *n, size_t pos)
{
	for (uint32_t i = 0; i < n->nways; i++) {
		uint32_t rank = w->x->node_ways[n->ways + i];
		const struct index_way *way = &w->x->ways[rank];

		if ((n->leaf || !way->whole || pos == w->text.n) && pattern_may_match(way->pattern, w->text))
			propose(w->c, rank);
	}
}

/* Blanks as in a match: none are needed at either end or after a blank. Returns HOLE_MISS when there is none. */
static size_t
walk_blanks(struct str text, size_t pos)
{
	size_t at = pos;

	while (at < text.n && is_blank(text.p[at]))
		at++;
	return at > pos || pos == 0 || pos == text.n || is_blank(text.p[pos - 1]) ? at : HOLE_MISS;
}

static inline bool
literal_here(const struct index_node *n, struct str text, size_t pos)
{
	if (pos >= text.n || text.n - pos < n->len)
		return false;
	if (!n->nocase)
		return n->first == text.p[pos] && memcmp(n->lit, text.p + pos + 1, n->len - 1u) == 0;
	return step_literal_nocase(&(struct step){ .lit = n->lit - 1, .len = n->len }, text.p + pos);
}

/* Does what must follow a hole follow it? Said at once, it spares the candidates behind. */
static inline bool
goes_on(const struct step *next, struct str text, size_t pos)
{
	if (!next)
		return pos == text.n;
	if (next->code == STEP_LIT)
		return step_literal_at(next, text, pos);
	return next->code != STEP_BLANKS || pos == text.n || is_blank(text.p[pos]);
}

static void walk(const struct walk *w, const struct index_node *n, size_t pos);

static void
walk_kid(const struct walk *w, const struct index_node *kid, size_t pos, struct hole_memo *memo)
{
	size_t at = HOLE_MISS;

	if (kid->code == STEP_LIT) {
		if (literal_here(kid, w->text, pos))
			at = pos + kid->len;
	} else if (kid->code == STEP_BLANKS) {
		at = walk_blanks(w->text, pos);
	} else if (pos < w->text.n && hole_may_begin(kid->type, w->text.p[pos])) {
		at = kid->type == HOLE_TIME ? match_time(w->m, w->text, pos) :
		    hole_peek(kid->type, w->text, pos, kid->next, memo);
		if (at != HOLE_MISS && !goes_on(kid->next, w->text, at))
			at = HOLE_MISS;
		w->m->steps++;
	}
	if (at != HOLE_MISS)
		walk(w, kid, at);
}

static void
walk(const struct walk *w, const struct index_node *n, size_t pos)
{
	const struct index_node *kids = w->x->nodes + n->kids;
	struct hole_memo memo = { .word_end = 0 };
	uint16_t i = 0;

	w->m->steps++;
	if (n->nways)
		arrive(w, n, pos);
	if (n->jump && pos < w->text.n) {
		uint16_t kid = n->jump[(unsigned char)w->text.p[pos]];

		if (kid && literal_here(&kids[kid - 1], w->text, pos))
			walk(w, &kids[kid - 1], pos + kids[kid - 1].len);
		i = n->nlit;
	}
	for (; i < n->nkids; i++)
		walk_kid(w, &kids[i], pos, &memo);
}

void
index_walk(const struct index *x, struct str text, struct candidates *c, struct match *m)
{
	struct walk w = { .x = x, .text = text, .c = c, .m = m };

	walk(&w, &x->nodes[0], 0);
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
		propose(f->c, f->x->needle_ways[i]);
}

void
index_search(const struct index *x, struct literals_work *w, struct str text, struct candidates *c)
{
	struct found f = { .x = x, .c = c };

	for (uint32_t i = 0; i < x->nalways; i++)
		propose(c, x->always[i]);
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
