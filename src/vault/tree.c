/* tree: growing, and proofs made and checked. Must never take a proof on trust: every check ends in a comparison. */
#include "vault/tree.h"

#include <assert.h>
#include <errno.h>

struct digest
tree_join(const struct digest *left, const struct digest *right)
{
	uint8_t bytes[1 + 2 * DIGEST_BYTES];

	bytes[0] = 0x01;
	memcpy(bytes + 1, left->b, DIGEST_BYTES);
	memcpy(bytes + 1 + DIGEST_BYTES, right->b, DIGEST_BYTES);
	return digest_of(&(struct str){ .p = (const char *)bytes, .n = sizeof(bytes) }, 1);
}

void
tree_add_subtree(struct tree *t, unsigned level, const struct digest *node)
{
	struct digest d = *node;
	unsigned l = level;

	assert((t->size & ((UINT64_C(1) << level) - 1)) == 0);
	for (; t->size >> l & 1; l++) {
		d = tree_join(&t->edge[l], &d);
		if (t->on_node && (l + 1) % TREE_STEP == 0)
			t->on_node(t->ctx, l + 1, t->size >> (l + 1), &d);
	}
	t->edge[l] = d;
	t->size += UINT64_C(1) << level;
}

void
tree_add(struct tree *t, const struct digest *leaf)
{
	tree_add_subtree(t, 0, leaf);
}

struct digest
tree_root(const struct tree *t)
{
	struct digest root = { { 0 } };
	bool any = false;

	for (unsigned l = 0; l < TREE_LEVELS; l++) {
		if (!(t->size >> l & 1))
			continue;
		root = any ? tree_join(&t->edge[l], &root) : t->edge[l];
		any = true;
	}
	return any ? root : digest_of(NULL, 0);
}

unsigned
tree_level_at(uint64_t at, uint64_t end)
{
	unsigned fits = 63 - (unsigned)__builtin_clzll(end - at);
	unsigned aligned = at ? (unsigned)__builtin_ctzll(at) : TREE_LEVELS - 1;

	return fits < aligned ? fits : aligned;
}

/* The complete subtrees that make up the leaves from `at` to before `end`, appended to p. */
static int
cover(const struct tree_source *s, uint64_t at, uint64_t end, struct tree_path *p)
{
	while (at < end) {
		unsigned level = tree_level_at(at, end);
		assert(p->n < ARRAY_LEN(p->path));
		int r = s->node(s->ctx, level, at >> level, &p->path[p->n]);
		if (r < 0)
			return r;
		p->n++;
		at += UINT64_C(1) << level;
	}
	return 0;
}

/* MTH of the leaves from `at` to before `end`, where `at` is aligned for such a subtree. */
static int
subtree_root(const struct tree_source *s, uint64_t at, uint64_t end, struct digest *ret)
{
	struct tree_path p = { .n = 0 };
	int r = cover(s, at, end, &p);

	if (r < 0)
		return r;
	struct digest d = p.path[p.n - 1];
	for (unsigned i = p.n - 1; i-- > 0;)
		d = tree_join(&p.path[i], &d);
	*ret = d;
	return 0;
}

/* The largest power of two below n; n > 1. */
static uint64_t
split(uint64_t n)
{
	return UINT64_C(1) << (63 - (unsigned)__builtin_clzll(n - 1));
}

/* The path is gathered from the root downwards; the RFC wants it from the leaf upwards. */
static void
reverse(struct tree_path *p)
{
	for (unsigned i = 0, j = p->n; i + 1 < j; i++) {
		struct digest d = p->path[i];
		p->path[i] = p->path[--j];
		p->path[j] = d;
	}
}

int
tree_prove_inclusion(const struct tree_source *s, uint64_t index, uint64_t size, struct tree_path *ret)
{
	struct tree_path p = { .n = 0 };
	uint64_t at = 0, end = size;
	int r = 0;

	assert(index < size);
	while (end - at > 1 && r == 0) {
		uint64_t middle = at + split(end - at);
		bool right = index >= middle;
		r = right ? subtree_root(s, at, middle, &p.path[p.n]) : subtree_root(s, middle, end, &p.path[p.n]);
		p.n++;
		at = right ? middle : at;
		end = right ? end : middle;
	}
	if (r < 0)
		return r;
	reverse(&p);
	*ret = p;
	return 0;
}

int
tree_prove_consistency(const struct tree_source *s, uint64_t old, uint64_t size, struct tree_path *ret)
{
	struct tree_path p = { .n = 0 };
	uint64_t at = 0, end = size;
	int r = 0;

	assert(old <= size);
	if (old == 0 || old == size) {
		ret->n = 0;
		return 0;
	}
	while (old != end && r == 0) {
		uint64_t middle = at + split(end - at);
		bool right = old > middle;
		r = right ? subtree_root(s, at, middle, &p.path[p.n]) : subtree_root(s, middle, end, &p.path[p.n]);
		p.n++;
		at = right ? middle : at;
		end = right ? end : middle;
	}
	/* The old tree as a whole is known to the checker, any other subtree is not. */
	if (r == 0 && at != 0)
		r = subtree_root(s, at, end, &p.path[p.n++]);
	if (r < 0)
		return r;
	reverse(&p);
	*ret = p;
	return 0;
}

int
tree_prove_range(const struct tree_source *s, uint64_t first, uint64_t end, uint64_t size, struct tree_path *ret_before,
    struct tree_path *ret_behind)
{
	struct tree_path before = { .n = 0 }, behind = { .n = 0 };

	assert(first <= end && end <= size);
	int r = cover(s, 0, first, &before);
	if (r == 0)
		r = cover(s, end, size, &behind);
	if (r < 0)
		return r;
	*ret_before = before;
	*ret_behind = behind;
	return 0;
}

int
tree_follow(const struct digest *leaf, uint64_t index, uint64_t size, const struct tree_path *p, struct digest *ret_root)
{
	struct digest d = *leaf;
	uint64_t fn = index, sn = size - 1;

	if (index >= size)
		return -EBADMSG;
	for (unsigned i = 0; i < p->n; i++) {
		if (sn == 0)
			return -EBADMSG;
		if (fn & 1 || fn == sn) {
			d = tree_join(&p->path[i], &d);
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			d = tree_join(&d, &p->path[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return -EBADMSG;
	*ret_root = d;
	return 0;
}

int
tree_check_inclusion(const struct digest *leaf, uint64_t index, uint64_t size, const struct tree_path *p,
    const struct digest *root)
{
	struct digest d;

	return tree_follow(leaf, index, size, p, &d) == 0 && digest_eq(&d, root) ? 0 : -EBADMSG;
}

/* Both roots grow from one node along one path; the old one only by what stands to its left. */
static int
check_continues(uint64_t old, uint64_t size, const struct digest *old_root, const struct digest *root,
    const struct tree_path *p)
{
	bool whole = (old & (old - 1)) == 0;
	uint64_t fn = old - 1, sn = size - 1;
	unsigned i = whole ? 0 : 1;

	if (p->n == 0)
		return -EBADMSG;
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	struct digest fr = whole ? *old_root : p->path[0], sr = fr;
	for (; i < p->n; i++) {
		if (sn == 0)
			return -EBADMSG;
		if (fn & 1 || fn == sn) {
			fr = tree_join(&p->path[i], &fr);
			sr = tree_join(&p->path[i], &sr);
			for (; !(fn & 1) && fn; fn >>= 1)
				sn >>= 1;
		} else {
			sr = tree_join(&sr, &p->path[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && digest_eq(&fr, old_root) && digest_eq(&sr, root) ? 0 : -EBADMSG;
}

int
tree_check_consistency(uint64_t old, uint64_t size, const struct digest *old_root, const struct digest *root,
    const struct tree_path *p)
{
	struct digest nothing = digest_of(NULL, 0);

	if (old > size)
		return -EBADMSG;
	if (old == size)
		return p->n == 0 && digest_eq(old_root, root) ? 0 : -EBADMSG;
	if (old == 0)
		return p->n == 0 && digest_eq(old_root, &nothing) ? 0 : -EBADMSG;
	return check_continues(old, size, old_root, root, p);
}

static int
add_cover(struct tree *t, uint64_t end, const struct tree_path *p)
{
	unsigned i = 0;

	for (; t->size < end && i < p->n; i++)
		tree_add_subtree(t, tree_level_at(t->size, end), &p->path[i]);
	return t->size == end && i == p->n ? 0 : -EBADMSG;
}

int
tree_open_range(struct tree *t, uint64_t first, const struct tree_path *before)
{
	*t = (struct tree){ .size = 0 };
	return add_cover(t, first, before);
}

int
tree_close_range(struct tree *t, uint64_t size, const struct tree_path *behind, const struct digest *root)
{
	if (add_cover(t, size, behind) < 0)
		return -EBADMSG;
	struct digest d = tree_root(t);
	return digest_eq(&d, root) ? 0 : -EBADMSG;
}
