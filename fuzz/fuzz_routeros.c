/*
 * An export of RouterOS, however broken: it is read, every statement gets exactly one fate, no password comes out, and
 * what is written is a text that our own language can read.
 */
#include "conf/tree.h"
#include "fuzz.h"
#include "gate/routeros/routeros.h"

static void
check_syntax(struct str text)
{
	struct diags *d = diags_new();
	struct arena a = { 0 };

	CLAIM(d);
	(void)conf_parse(&a, d, diags_file(d, STR("imported"), text), text);
	if (diags_errors(d) > 0) {
		struct buf shown = BUF_INIT(1u << 20);

		diags_show(d, &shown);
		fprintf(stderr, "%s", buf_cstr(&shown));
	}
	CLAIM(diags_errors(d) == 0);
	diags_free(d);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT(64u << 20);
	struct routeros_counts n;
	struct arena a = { 0 };
	struct routeros r;

	CLAIM(routeros_parse(&a, fuzz_input(data, size), &r) == 0);
	CLAIM(routeros_convert(&a, &r, &out, &n) == 0);
	CLAIM(n.converted + n.needless + n.not_converted == r.n + r.skipped);
	for (uint32_t i = 0; i < r.n; i++)
		CLAIM(r.v[i].fate != ROUTEROS_OPEN);
	check_syntax(buf_str(&out));
	buf_free(&out);
	arena_free(&a);
	return 0;
}
