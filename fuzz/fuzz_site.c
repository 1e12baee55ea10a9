/* Frames between sites: what is accepted is encoded again to the very same bytes, and its entries end. */
#include "fuzz.h"
#include "wire/site.h"

static void
walk_entries(struct str entries)
{
	struct cur c = cur_of(entries);
	struct site_entry e;

	while (site_entry_next(&c, &e) == 1)
		CLAIM(fuzz_within(entries, e.record));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct buf out = BUF_INIT(2 * SITE_FRAME_MAX);
	struct site_frame f;
	size_t used;

	while (site_decode(in, &f, &used) == 1) {
		CLAIM(used > 4 && used <= in.n && used <= SITE_FRAME_MAX);
		buf_reset(&out);
		site_encode(&f, &out);
		CLAIM(buf_ok(&out) && str_eq(buf_str(&out), str_head(in, used)));
		if (f.type == SITE_lines)
			walk_entries(f.lines.entries);
		in = str_from(in, used);
	}
	buf_free(&out);
	return 0;
}
