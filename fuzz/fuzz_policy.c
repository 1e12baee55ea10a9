/*
 * The gate's words: any text is either refused with a place, or becomes a policy whose nft text
 * is of the form that ours has: nothing of the operator's ends a line or a block.
 */
#include "fuzz.h"
#include "gate/nft_text.h"

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
		if (p)
			check_text(p);
	}
	diags_free(d);
	arena_free(&a);
	return 0;
}
