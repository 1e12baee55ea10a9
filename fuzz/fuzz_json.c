/* JSON: items come in bounded number, values lie in the text, unescaped strings are valid UTF-8. */
#include "base/text.h"
#include "fuzz.h"
#include "wire/json.h"

struct walk {
	struct str in;
	struct buf text;
	size_t items;
};

static bool
each(void *ctx, const struct json_item *item)
{
	struct walk *w = ctx;

	CLAIM(fuzz_within(w->in, item->value));
	CLAIM(item->key.n <= JSON_PATH_MAX || fuzz_within(w->in, item->key));
	CLAIM(item->depth >= 1 && item->depth <= JSON_DEPTH_MAX);
	CLAIM(item->type <= JSON_EMPTY);
	CLAIM(++w->items <= JSON_ITEMS_MAX);
	if (item->type == JSON_STRING) {
		buf_reset(&w->text);
		json_unescape(item->value, &w->text);
		CLAIM(buf_ok(&w->text) && w->text.n <= item->value.n * 3);
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct walk w = { .in = fuzz_input(data, size), .text = BUF_INIT(1 << 20) };
	size_t used = 0;

	if (json_walk(w.in, each, &w, &used) == 0)
		CLAIM(used >= 2);
	CLAIM(used <= size);
	buf_free(&w.text);
	return 0;
}
