/*
 * The gate's words: any text is either refused with a place, or becomes a policy whose nft text
 * is of the form that ours has: nothing of the operator's ends a line or a block. Its messages follow one another without
 * a gap, numbered one by one, and each rule has its own.
 */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "fuzz.h"
#include "gate/nft/batch.h"

static void
check_text(const struct policy *p)
{
	struct buf out = BUF_INIT(64u << 20);
	struct str rest, line;

	nft_text(p, NULL, &out);
	CLAIM(buf_ok(&out));
	size_t rules = 0, braces = 0;
	for (rest = buf_str(&out); str_split(&rest, '\n', &line);) {
		rules += str_find(line, STR("counter name \"c")) < line.n;
		braces += str_eq(line, STR("}"));
	}
	/* A line a rule; one end for each chain, and one for the table. */
	CLAIM(rules == p->nrules && braces == POLICY_HOOKS + 1);
	buf_free(&out);
}

static void
check_messages(struct arena *a, const struct policy *p)
{
	struct buf out = BUF_INIT(64u << 20);
	uint32_t *seqs = ARENA_ARRAY(a, uint32_t, p->nrules + 1u), seq = 5, rules = 0;
	int64_t last = seqs ? nft_batch(p, NULL, seq, &out, seqs) : -ENOMEM;

	CLAIM(last > 0);
	for (size_t at = 0; at < out.n; seq++) {
		struct nlmsghdr h;
		CLAIM(out.n - at >= sizeof(h));
		memcpy(&h, out.p + at, sizeof(h));
		CLAIM(h.nlmsg_len >= sizeof(h) && h.nlmsg_len <= out.n - at && h.nlmsg_len % NLMSG_ALIGNTO == 0);
		CLAIM(h.nlmsg_seq == seq);
		if ((h.nlmsg_type & 0xff) == NFT_MSG_NEWRULE)
			CLAIM(rules < p->nrules && seqs[rules++] == seq);
		at += h.nlmsg_len;
	}
	CLAIM(rules == p->nrules && last == (int64_t)seq - 1);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { .max = 64u << 20 };
	struct diags *d = diags_new();
	struct config *c;
	struct policy *p = NULL;

	CLAIM(d);
	if (config_load(&a, d, STR("t"), fuzz_input(data, size), NULL, &c) == 0) {
		size_t before = diags_errors(d);
		int r = policy_build(&a, c, d, &p);
		CLAIM((r == 0) == (p != NULL));
		CLAIM(r != -22 || diags_errors(d) > before);
		if (p) {
			check_text(p);
			check_messages(&a, p);
		}
	}
	diags_free(d);
	arena_free(&a);
	return 0;
}
