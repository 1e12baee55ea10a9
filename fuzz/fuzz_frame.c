/*
 * Streams to lines: the same lines come out whether the bytes come in one piece or one by one; none
 * is longer than allowed.
 */
#include "base/buf.h"
#include "fuzz.h"
#include "role/frame.h"

/*
 * All lines, each with its length before it; the stream is handed over in pieces of `step` bytes.
 */
static void
lines_of(struct str in, enum frame_mode mode, size_t step, struct buf *out)
{
	struct framer f = { .mode = mode, .max = mode == FRAME_JOURNAL ? 1 << 20 : 64 };
	struct buf pending = BUF_INIT(1 << 20);
	struct str rest, line;
	int r = 0;

	for (size_t at = 0; at < in.n && r >= 0; at += step) {
		buf_add(&pending, str_head(str_from(in, at), step));
		rest = buf_str(&pending);
		while ((r = frame_next(&f, &rest, &line)) > 0) {
			CLAIM(fuzz_within(buf_str(&pending), line) && line.n <= f.max);
			buf_addf(out, "%zu:", line.n);
			buf_add(out, line);
		}
		CLAIM(rest.n <= pending.n);
		memmove(pending.p, pending.p + (pending.n - rest.n), rest.n);
		pending.n = rest.n;
	}
	if (r >= 0 && frame_last(&f, buf_str(&pending), &line)) {
		CLAIM(fuzz_within(buf_str(&pending), line) && line.n <= f.max);
		buf_addf(out, "%zu:", line.n);
		buf_add(out, line);
	}
	buf_addf(out, " %d", r);
	buf_free(&pending);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	for (int mode = FRAME_AUTO; mode <= FRAME_JOURNAL; mode++) {
		struct buf whole = BUF_INIT(1 << 20), bytes = BUF_INIT(1 << 20);
		lines_of(in, (enum frame_mode)mode, size ? size : 1, &whole);
		lines_of(in, (enum frame_mode)mode, 1, &bytes);
		CLAIM(str_eq(buf_str(&whole), buf_str(&bytes)));
		buf_free(&whole);
		buf_free(&bytes);
	}
	return 0;
}
