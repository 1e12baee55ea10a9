/* The gist of any bytes: slices of the text, an address that is one, and the same again when asked again. */
#include "base/text.h"
#include "fuzz.h"
#include "watch/gist/gist.h"

static bool
is_address(struct str s)
{
	struct addr a;

	return s.n == 0 || addr_parse(s, &a) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of((const char *)data, size);
	struct gist_words *w = gist_words_new();
	struct gist g, again;

	if (!w)
		return 0;
	bool said = gist_read(w, in, &g);
	CLAIM(gist_read(w, in, &again) == said);
	if (said) {
		CLAIM(g.said != GIST_NOTHING && g.said == again.said && str_eq(g.src, again.src) && str_eq(g.user, again.user));
		CLAIM(fuzz_within(in, g.src) && fuzz_within(in, g.dst) && fuzz_within(in, g.user));
		CLAIM(fuzz_within(in, g.src_port) && fuzz_within(in, g.dst_port));
		CLAIM(is_address(g.src) && is_address(g.dst));
	}
	gist_words_free(w);
	return 0;
}
