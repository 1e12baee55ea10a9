/*
 * Whole configurations: a text is refused with a fault or loaded; what is loaded and shown loads
 * again to the same.
 */
#include "base/buf.h"
#include "conf/config.h"
#include "fuzz.h"

/* Loads text and shows what was understood; false when it was refused. */
static bool
load(struct str text, struct buf *shown)
{
	struct arena arena = { .max = 64u << 20 };
	struct diags *d = diags_new();
	struct config *c = NULL;
	int r;

	CLAIM(d);
	r = config_load(&arena, d, STR("fuzz.conf"), text, &(struct conf_reader){ 0 }, &c);
	if (r == 0) {
		CLAIM(c && diags_errors(d) == 0);
		config_show(c, shown);
		CLAIM(buf_ok(shown));
	} else {
		CLAIM(diags_errors(d) > 0);
	}
	diags_free(d);
	arena_free(&arena);
	return r == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first = BUF_INIT(16u << 20), second = BUF_INIT(16u << 20);

	if (load(fuzz_input(data, size), &first)) {
		CLAIM(load(buf_str(&first), &second));
		CLAIM(str_eq(buf_str(&first), buf_str(&second)));
	}
	buf_free(&first);
	buf_free(&second);
	return 0;
}
