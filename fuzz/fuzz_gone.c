/*
 * What stays of deleted lines, and the work left for packd: what is read is written again as it was; every node that is
 * handed out stands in the text; no order is read from a line that is none.
 */
#include "fuzz.h"
#include "vault/gone.h"
#include "vault/nonce.h"

static void
check_text(struct str in)
{
	struct buf again = BUF_INIT(GONE_TEXT_MAX);
	struct digest node;
	struct gone g;

	if (gone_read(in, &g) == 0) {
		gone_show(&g, &again);
		CLAIM(buf_ok(&again) && str_eq(buf_str(&again), in));
		CLAIM(gone_node(&g, tree_level_at(g.first, g.end), g.first >> tree_level_at(g.first, g.end), &node) == 0);
		CLAIM(digest_eq(&node, &g.node[0]));
		CLAIM(gone_node(&g, 0, g.end, &node) == -2);
	}
	buf_free(&again);
}

static void
check_work(struct str in)
{
	struct buf again = BUF_INIT(1u << 22);
	struct gone_work w;
	struct digest leaf;
	uint32_t row, n = 0;

	if (gone_work_read(in, &w) == 0) {
		gone_work_begin(&w, &again);
		for (; gone_work_next(&w.rows, &row, &leaf) == 1; n++)
			gone_work_add(&again, row, &leaf);
		CLAIM(n == w.n && str_eq(buf_str(&again), in));
	}
	buf_free(&again);
}

static void
check_order(struct str in)
{
	struct gone_order o = { .first = 7 };

	if (gone_order_read(in, &o) == 0) {
		CLAIM(fuzz_within(in, o.why) && fuzz_within(in, o.who));
		CLAIM(str_find(in, STR("vault.e")) < in.n);
	}
}

static void
check_block(struct str in)
{
	static struct nonce_node nodes[NONCE_NODES_MAX];
	struct buf again = BUF_INIT(4u << 20);
	size_t n = 0;

	if (nonce_block_read(in, 9, nodes, &n) == 0) {
		struct nonce_block b = { .n = n, .nodes = nodes };
		nonce_block_pack(&b, 9, &again);
		CLAIM(str_eq(buf_str(&again), in));
	}
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	check_text(in);
	check_work(in);
	check_order(in);
	check_block(in);
	return 0;
}
