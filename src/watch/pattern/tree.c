/*
 * tree: sorts ways by their next step, level by level, until those of one pattern are left. Runs at load only.
 */
#include "watch/pattern/tree.h"

#include <errno.h>
#include <stdlib.h>

#define JUMP_MIN 5                 /* children from which a jump table pays */

struct entry {                         /* a way on its path down the tree */
	uint32_t rank;
	const struct way *way;
	uint16_t at;                   /* step */
	uint16_t off;                  /* byte within a literal step */
	uint16_t edge;                 /* edge_of() while a node is built: to be compared often */
};

struct builder {
	struct arena *a;
	const struct way *of;          /* by rank */
	struct tree_node *nodes;
	uint32_t nnodes, nodes_size;
	struct tree_way *ways;
	uint32_t nways, ways_size;
};

static const struct step *
step_of(const struct entry *e)
{
	return e->at < e->way->n ? e->way->steps[e->at] : NULL;
}

static bool
ends_here(const struct entry *e)
{
	return step_of(e) == NULL;
}

/* Literals first, those that mind case before the others; then by first byte, then the rest. */
static unsigned
edge_class(const struct step *s)
{
	return s->code == STEP_LIT ? s->nocase : 2u + s->code;
}

/* Where the entry goes on from a node, as a number in the order of children; 0: it ends there. */
static uint16_t
edge_of(const struct entry *e)
{
	const struct step *s = step_of(e);
	unsigned sign;

	if (!s)
		return 0;
	sign = s->code == STEP_LIT ? (unsigned char)s->lit[e->off] : s->code == STEP_BLANKS ? 0 : s->type;
	return (uint16_t)(1 + (edge_class(s) << 8) + sign);
}

static int
by_edge(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->edge != y->edge)
		return x->edge < y->edge ? -1 : 1;
	return x->rank < y->rank ? -1 : 1;
}

static uint32_t
add_nodes(struct builder *b, uint32_t n)
{
	uint32_t first = b->nnodes;

	if (b->nnodes + n > b->nodes_size) {
		uint32_t size = (b->nodes_size + n) * 2;
		struct tree_node *more = reallocarray(b->nodes, size, sizeof(*more));

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
take_edge(struct tree_node *node, struct entry *e, uint32_t n)
{
	const struct step *s = step_of(e);

	node->code = s->code;
	node->type = s->type;
	node->nocase = s->nocase;
	if (s->code == STEP_LIT) {
		node->len = common(e, n);
		node->lit = s->lit + e->off;
	}
	advance(e, n, node->len);
}

static int
make_jump(struct builder *b, uint32_t at)
{
	struct tree_node *n = &b->nodes[at];

	if (n->nlit < JUMP_MIN)
		return 0;
	n->jump = ARENA_ARRAY(b->a, uint16_t, 256);
	if (!n->jump)
		return -ENOMEM;
	for (uint16_t i = 0; i < n->nlit; i++)
		n->jump[(unsigned char)b->nodes[n->kids + i].lit[0]] = (uint16_t)(i + 1);
	return 0;
}

static uint32_t
count_groups(const struct entry *e, uint32_t n)
{
	uint32_t groups = n > 0;

	for (uint32_t i = 1; i < n; i++)
		groups += e[i - 1].edge != e[i].edge;
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
		if (to < n && e[from].edge == e[to].edge)
			continue;
		b->nodes[at].nlit = (uint16_t)(b->nodes[at].nlit + (edge_class(step_of(&e[from])) == 0));
		take_edge(&b->nodes[kid], &e[from], to - from);
		if (build_node(b, kid++, &e[from], to - from) < 0)
			return -ENOMEM;
		from = to;
	}
	return make_jump(b, at);
}

static void
sum_up(struct tree_node *node, const struct entry *e, uint32_t n)
{
	node->alone = true;
	node->best = UINT32_MAX;
	for (uint32_t i = 0; i < n; i++) {
		node->alone &= e[i].way->item == e[0].way->item;
		node->best = e[i].rank < node->best ? e[i].rank : node->best;
	}
}

static struct tree_way
leaving(const struct entry *e)
{
	const struct way *w = e->way;
	const struct step *steps = w->pattern->steps;
	const struct step *last = w->steps[w->n - 1];

	if (!ends_here(e))
		return (struct tree_way){ e->rank, (uint16_t)(step_of(e) - steps), e->off };
	if (w->whole)
		return (struct tree_way){ e->rank, STEP_END, 0 };
	if (w->behind)
		return (struct tree_way){ e->rank, (uint16_t)(w->behind - steps), 0 };
	return (struct tree_way){ e->rank, (uint16_t)(last - steps), last->code == STEP_LIT ? last->len : 1 };
}

/* Ways of one pattern that go on at one place of it are one: the best of them. */
static int
add_leaving(struct builder *b, struct tree_node *node, const struct entry *e)
{
	struct tree_way w = leaving(e), *v = b->ways + node->ways;

	for (uint16_t i = 0; i < node->nways; i++) {
		if (b->of[v[i].rank].item != e->way->item || v[i].step != w.step || v[i].off != w.off)
			continue;
		v[i].rank = w.rank < v[i].rank ? w.rank : v[i].rank;
		return 0;
	}
	if (b->nways == b->ways_size) {
		uint32_t size = b->ways_size ? b->ways_size * 2 : 256;
		struct tree_way *more = reallocarray(b->ways, size, sizeof(*more));

		if (!more)
			return -ENOMEM;
		b->ways = more;
		b->ways_size = size;
	}
	b->ways[b->nways++] = w;
	node->nways++;
	return 0;
}

static int
build_node(struct builder *b, uint32_t at, struct entry *e, uint32_t n)
{
	struct tree_node *node = &b->nodes[at];
	uint32_t left = 0;
	int err = 0;

	sum_up(node, e, n);
	node->alone &= at > 0;
	node->ways = b->nways;
	for (uint32_t i = 0; i < n; i++)
		e[i].edge = edge_of(&e[i]);
	if (n > 1)
		qsort(e, n, sizeof(*e), by_edge);
	for (; left < n && err == 0 && (node->alone || ends_here(&e[left])); left++)
		err = add_leaving(b, node, &e[left]);
	return err < 0 ? err : build_kids(b, at, e + left, n - left);
}

int
tree_build(struct arena *a, const struct way *ways, uint32_t n, struct tree *ret)
{
	struct builder b = { .a = a, .of = ways };
	struct entry *e = calloc(n ? n : 1, sizeof(*e));
	struct tree t = { .nodes = NULL };
	uint32_t kept = 0;
	int err = e ? 0 : -ENOMEM;

	for (uint32_t i = 0; e && i < n; i++)
		if (ways[i].n)
			e[kept++] = (struct entry){ .rank = i, .way = &ways[i] };
	if (err == 0)
		err = add_nodes(&b, 1) == 0 ? build_node(&b, 0, e, kept) : -ENOMEM;
	if (err == 0) {
		t = (struct tree){ ARENA_ARRAY(a, struct tree_node, b.nnodes), b.nnodes,
		    ARENA_ARRAY(a, struct tree_way, b.nways + 1), b.nways };
		err = t.nodes && t.ways ? 0 : -ENOMEM;
	}
	if (err == 0) {
		memcpy(t.nodes, b.nodes, b.nnodes * sizeof(*b.nodes));
		if (b.nways)
			memcpy(t.ways, b.ways, b.nways * sizeof(*b.ways));
		*ret = t;
	}
	free(b.nodes);
	free(b.ways);
	free(e);
	return err;
}
