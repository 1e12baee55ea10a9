/*
 * The tree: published roots and paths of Certificate Transparency's eight leaves, and every proof of every small tree
 * against the recursive definition of RFC 6962 section 2.1.
 */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/tree.h"


#define LEAVES 70

static const struct str published[] = {
	STR_INIT(""), STR_INIT("\x00"), STR_INIT("\x10"), STR_INIT("\x20\x21"), STR_INIT("\x30\x31"),
	STR_INIT("\x40\x41\x42\x43"), STR_INIT("\x50\x51\x52\x53\x54\x55\x56\x57"),
	STR_INIT("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"),
};

static const char *const published_roots[] = {
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

struct leaves {
	struct digest v[LEAVES];
};

static struct digest
leaf_of(struct str data)
{
	const struct str pieces[] = { str_of("", 1), data };

	return digest_of(pieces, 2);
}

static void
is_hex(struct digest d, const char *hex)
{
	char got[65];

	for (int i = 0; i < 32; i++)
		snprintf(got + 2 * i, 3, "%02x", d.b[i]);
	assert_string_equal(got, hex);
}

/* MTH as the RFC writes it down. */
static struct digest
mth(const struct digest *v, uint64_t n)
{
	uint64_t k = 1;

	if (n == 0)
		return digest_of(NULL, 0);
	if (n == 1)
		return v[0];
	while (2 * k < n)
		k *= 2;
	struct digest l = mth(v, k), r = mth(v + k, n - k);
	return tree_join(&l, &r);
}

static int
node(void *ctx, unsigned level, uint64_t index, struct digest *ret)
{
	const struct leaves *l = ctx;

	assert_true((index + 1) << level <= LEAVES);
	*ret = mth(l->v + (index << level), UINT64_C(1) << level);
	return 0;
}

static void
fill(struct leaves *l)
{
	for (uint64_t i = 0; i < LEAVES; i++)
		l->v[i] = leaf_of(str_of((const char *)&i, sizeof(i)));
}

static void
agrees_with_the_published_roots(void **state)
{
	struct tree t = { .size = 0 };

	is_hex(tree_root(&t), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < ARRAY_LEN(published); i++) {
		struct digest leaf = leaf_of(published[i]);
		tree_add(&t, &leaf);
		is_hex(tree_root(&t), published_roots[i]);
	}
}

/* All that Certificate Transparency's own tests publish for these leaves; first and second are sizes, or leaf and size. */
static const struct { bool consistency; uint64_t first, second; unsigned n; const char *path[3]; } published_paths[] = {
	{ false, 0, 1, 0, { NULL } },
	{ false, 0, 8, 3, { "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" } },
	{ false, 5, 8, 3, { "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" } },
	{ false, 2, 3, 1, { "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" } },
	{ false, 1, 5, 3, { "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" } },
	{ true, 1, 1, 0, { NULL } },
	{ true, 1, 8, 3, { "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" } },
	{ true, 6, 8, 3, { "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" } },
	{ true, 2, 5, 2, { "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" } },
};

static void
agrees_with_the_published_paths(void **state)
{
	struct leaves l;
	struct tree_source s = { &l, node };
	struct tree_path p;

	fill(&l);
	for (size_t i = 0; i < ARRAY_LEN(published); i++)
		l.v[i] = leaf_of(published[i]);
	for (size_t i = 0; i < ARRAY_LEN(published_paths); i++) {
		uint64_t first = published_paths[i].first, second = published_paths[i].second;
		if (published_paths[i].consistency)
			assert_int_equal(tree_prove_consistency(&s, first, second, &p), 0);
		else
			assert_int_equal(tree_prove_inclusion(&s, first, second, &p), 0);
		assert_int_equal(p.n, published_paths[i].n);
		for (unsigned k = 0; k < p.n; k++)
			is_hex(p.path[k], published_paths[i].path[k]);
	}
}

static void
every_leaf_of_every_small_tree_is_proved(void **state)
{
	struct leaves l;
	struct tree_source s = { &l, node };
	struct tree_path p;

	fill(&l);
	for (uint64_t n = 1; n <= LEAVES; n++) {
		struct digest root = mth(l.v, n);
		for (uint64_t i = 0; i < n; i++) {
			assert_int_equal(tree_prove_inclusion(&s, i, n, &p), 0);
			assert_int_equal(tree_check_inclusion(&l.v[i], i, n, &p, &root), 0);
			assert_int_equal(tree_check_inclusion(&l.v[i], i + 1, n, &p, &root), -EBADMSG);
			assert_int_equal(tree_check_inclusion(&l.v[(i + 1) % LEAVES], i, n, &p, &root), -EBADMSG);
			if (p.n) {
				p.path[i % p.n].b[n % 32] ^= 1;
				assert_int_equal(tree_check_inclusion(&l.v[i], i, n, &p, &root), -EBADMSG);
				p.path[i % p.n].b[n % 32] ^= 1;
				p.n--;
				assert_int_equal(tree_check_inclusion(&l.v[i], i, n, &p, &root), -EBADMSG);
				p.n++;
			}
			p.path[p.n++] = root;
			assert_int_equal(tree_check_inclusion(&l.v[i], i, n, &p, &root), -EBADMSG);
		}
	}
}

static void
every_growth_is_proved_and_no_other(void **state)
{
	struct leaves l;
	struct tree_source s = { &l, node };
	struct tree_path p;

	fill(&l);
	for (uint64_t n = 1; n <= LEAVES; n++)
		for (uint64_t old = 0; old <= n; old++) {
			struct digest a = mth(l.v, old), b = mth(l.v, n), other = mth(l.v + 1, old ? old - 1 : 0);
			assert_int_equal(tree_prove_consistency(&s, old, n, &p), 0);
			assert_int_equal(tree_check_consistency(old, n, &a, &b, &p), 0);
			if (old > 1)
				assert_int_equal(tree_check_consistency(old, n, &other, &b, &p), -EBADMSG);
			for (unsigned i = 0; i < p.n; i++) {
				p.path[i].b[3] ^= 0x80;
				assert_int_equal(tree_check_consistency(old, n, &a, &b, &p), -EBADMSG);
				p.path[i].b[3] ^= 0x80;
			}
			p.path[p.n++] = a;
			assert_int_equal(tree_check_consistency(old, n, &a, &b, &p), -EBADMSG);
		}
}

static int
range_holds(const struct leaves *l, uint64_t first, uint64_t end, uint64_t size, uint64_t without,
    const struct tree_path *before, const struct tree_path *behind)
{
	struct digest root = mth(l->v, size);
	struct tree t;

	if (tree_open_range(&t, first, before) < 0)
		return -EBADMSG;
	for (uint64_t i = first; i < end; i++)
		if (i != without)
			tree_add(&t, &l->v[i]);
	return tree_close_range(&t, size, behind, &root);
}

static void
a_range_shows_that_nothing_is_missing(void **state)
{
	struct leaves l;
	struct tree_source s = { &l, node };
	struct tree_path before, behind;

	fill(&l);
	for (uint64_t first = 0; first < LEAVES; first += 3)
		for (uint64_t end = first + 1; end <= LEAVES; end += 2) {
			assert_int_equal(tree_prove_range(&s, first, end, LEAVES, &before, &behind), 0);
			assert_int_equal(range_holds(&l, first, end, LEAVES, LEAVES, &before, &behind), 0);
			assert_int_equal(range_holds(&l, first, end, LEAVES, first, &before, &behind), -EBADMSG);
			assert_int_equal(range_holds(&l, first, end, LEAVES, end - 1, &before, &behind), -EBADMSG);
		}
}

struct told {
	unsigned level;
	uint64_t n8, n16;
	struct digest last8;
};

static void
on_node(void *ctx, unsigned level, uint64_t index, const struct digest *d)
{
	struct told *told = ctx;

	assert_true(level == 8 || level == 16);
	assert_true(index == (level == 8 ? told->n8 : told->n16));
	if (level == 8) {
		told->n8++;
		told->last8 = *d;
	} else {
		told->n16++;
	}
}

static void
nodes_are_told_once_in_order(void **state)
{
	struct digest leaves[256];
	struct told told = { 0 };
	struct tree t = { .on_node = on_node, .ctx = &told };

	for (uint64_t i = 0; i < 65536 + 700; i++) {
		struct digest leaf = leaf_of(str_of((const char *)&i, sizeof(i)));
		leaves[i % 256] = leaf;
		tree_add(&t, &leaf);
		if (i % 256 == 255) {
			struct digest want = mth(leaves, 256);
			assert_true(digest_eq(&told.last8, &want));
		}
	}
	assert_int_equal(told.n8, 258);
	assert_int_equal(told.n16, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_published_roots),
		cmocka_unit_test(agrees_with_the_published_paths),
		cmocka_unit_test(every_leaf_of_every_small_tree_is_proved),
		cmocka_unit_test(every_growth_is_proved_and_no_other),
		cmocka_unit_test(a_range_shows_that_nothing_is_missing),
		cmocka_unit_test(nodes_are_told_once_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
