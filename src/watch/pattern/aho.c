/*
 * aho: an Aho-Corasick automaton over literals (Aho and Corasick, CACM 18(6), 1975), for machines where Vectorscan
 * cannot run. Letters are folded on the way in; a hit of a literal that minds its case is compared once more. Children hang in
 * lists, so that thousands of literals take kilobytes, not megabytes.
 */
#include "watch/pattern/aho.h"

#include <errno.h>
#include <stdlib.h>

#define NONE UINT32_MAX
#define ROOT 0u

struct node {
	uint32_t child, sibling;
	uint32_t fail;           /* longest proper suffix that is a node */
	uint32_t hit;            /* first literal ending here, or NONE */
	uint32_t more;           /* nearest node on the fail path with a hit, or NONE */
	char byte;
};

struct aho {
	const struct literal *v;
	uint32_t *next_hit;      /* per literal: another one that ends at the same node */
	struct node *nodes;
	uint32_t n, size;
	uint32_t root[256];
};

static char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static uint32_t
child_of(const struct aho *a, uint32_t node, char c)
{
	uint32_t i;

	if (node == ROOT)
		return a->root[(unsigned char)c];
	for (i = a->nodes[node].child; i != NONE && a->nodes[i].byte != c; i = a->nodes[i].sibling)
		;
	return i;
}

static uint32_t
add_child(struct aho *a, uint32_t node, char c)
{
	uint32_t i = a->n;

	if (i == a->size) {
		uint32_t size = a->size ? a->size * 2 : 256;
		struct node *more = reallocarray(a->nodes, size, sizeof(*more));

		if (!more)
			return NONE;
		a->nodes = more;
		a->size = size;
	}
	a->n++;
	a->nodes[i] = (struct node){ .child = NONE, .sibling = NONE, .hit = NONE, .more = NONE, .byte = c };
	if (i == ROOT)
		return i;
	a->nodes[i].sibling = a->nodes[node].child;
	a->nodes[node].child = i;
	if (node == ROOT)
		a->root[(unsigned char)c] = i;
	return i;
}

static int
add_literal(struct aho *a, uint32_t id)
{
	struct str s = a->v[id].text;
	uint32_t node = ROOT;

	for (size_t i = 0; i < s.n; i++) {
		uint32_t next = child_of(a, node, fold(s.p[i]));

		node = next != NONE ? next : add_child(a, node, fold(s.p[i]));
		if (node == NONE)
			return -ENOMEM;
	}
	a->next_hit[id] = a->nodes[node].hit;
	a->nodes[node].hit = id;
	return 0;
}

/* Where the automaton goes from `node` with c. */
static uint32_t
step_from(const struct aho *a, uint32_t node, char c)
{
	for (;;) {
		uint32_t next = child_of(a, node, c);

		if (next != NONE)
			return next;
		if (node == ROOT)
			return ROOT;
		node = a->nodes[node].fail;
	}
}

/* Fail links, nearest nodes first. */
static int
link_nodes(struct aho *a)
{
	uint32_t *queue = calloc(a->n, sizeof(*queue));
	uint32_t head = 0, tail = 0;

	if (!queue)
		return -ENOMEM;
	queue[tail++] = ROOT;
	while (head < tail) {
		uint32_t node = queue[head++];

		for (uint32_t i = a->nodes[node].child; i != NONE; i = a->nodes[i].sibling) {
			struct node *n = &a->nodes[i];

			n->fail = node == ROOT ? ROOT : step_from(a, a->nodes[node].fail, n->byte);
			n->more = a->nodes[n->fail].hit != NONE ? n->fail : a->nodes[n->fail].more;
			queue[tail++] = i;
		}
	}
	free(queue);
	return 0;
}

int
aho_new(const struct literal *v, size_t n, struct aho **ret)
{
	struct aho *a = calloc(1, sizeof(*a));
	int err = 0;

	if (!a)
		return -ENOMEM;
	a->v = v;
	memset(a->root, 0xff, sizeof(a->root));
	a->next_hit = calloc(n ? n : 1, sizeof(*a->next_hit));
	if (!a->next_hit || add_child(a, ROOT, '\0') == NONE)
		err = -ENOMEM;
	for (uint32_t i = 0; i < n && err == 0; i++)
		err = add_literal(a, i);
	if (err == 0)
		err = link_nodes(a);
	if (err < 0) {
		aho_free(a);
		return err;
	}
	*ret = a;
	return 0;
}

void
aho_free(struct aho *a)
{
	if (!a)
		return;
	free(a->nodes);
	free(a->next_hit);
	free(a);
}

/* Every literal whose last byte is text[end - 1], the automaton being at `node`. */
static void
report(const struct aho *a, uint32_t node, struct str text, size_t end, void (*hit)(void *, uint32_t), void *ctx)
{
	for (; node != NONE; node = a->nodes[node].more) {
		for (uint32_t id = a->nodes[node].hit; id != NONE; id = a->next_hit[id]) {
			struct str s = a->v[id].text;

			if (a->v[id].nocase || memcmp(text.p + end - s.n, s.p, s.n) == 0)
				hit(ctx, id);
		}
	}
}

void
aho_scan(const struct aho *a, struct str text, void (*hit)(void *ctx, uint32_t id), void *ctx)
{
	uint32_t node = ROOT;

	for (size_t i = 0; i < text.n; i++) {
		node = step_from(a, node, fold(text.p[i]));
		if (a->nodes[node].hit != NONE || a->nodes[node].more != NONE)
			report(a, node, text, i + 1, hit, ctx);
	}
}
