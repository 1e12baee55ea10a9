/*
 * The gate's words: any text is either refused with a place, or becomes a policy whose nft text
 * holds nothing but one command a line.
 */
#include "fuzz.h"
#include "gate/nft_text.h"

static void
check_text(const struct policy *p)
{
	struct buf out = BUF_INIT(64u << 20);
	struct str rest, line;

	nft_text(p, NULL, 0, &out);
	CLAIM(buf_ok(&out));
	for (rest = buf_str(&out); str_split(&rest, '\n', &line);)
		CLAIM(str_starts(line, STR("add ")) || str_starts(line, STR("flush chain inet guarita ")));
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
