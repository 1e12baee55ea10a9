/*
 * Framing: the same frames come out of a stream in one piece, byte by byte, or in pieces of any size;
 * none is longer than allowed; journal entries are walked to their end.
 */
#include "fuzz.h"
#include "wire/framing.h"
#include "wire/journal.h"

#define FRAME_MAX 64
#define JOURNAL_MAX 4096

static void
each(void *ctx, struct str frame, bool cut)
{
	struct buf *out = ctx;

	buf_addf(out, "%zu%c", frame.n, cut ? '!' : ':');
	buf_add(out, frame);
}

/*
 * Every frame with its length before it, and the counters at the end. Returns how many were cut.
 */
static uint64_t
frames_of(struct str in, enum framing_mode mode, size_t step, struct buf *out)
{
	struct framing f;
	uint64_t cut;
	size_t max = mode == FRAMING_JOURNAL ? JOURNAL_MAX : FRAME_MAX;

	framing_init(&f, mode, max);
	for (size_t at = 0; at < in.n; at += step)
		CLAIM(framing_feed(&f, str_head(str_from(in, at), step), each, out) == 0);
	framing_finish(&f, each, out);
	CLAIM(f.buf.size <= 2 * max + 64);
	buf_addf(out, " %llu %llu %llu %llu", (unsigned long long)f.frames,
	    (unsigned long long)f.cut, (unsigned long long)f.skipped, (unsigned long long)f.broken);
	cut = f.cut;
	framing_free(&f);
	return cut;
}

/*
 * Two things may depend on the splitting: whether AUTO sees the NUL that parts the first two messages
 * in one chunk, and how much is shown of a journal entry that is malformed.
 */
static void
check_splittings(struct str in, enum framing_mode mode)
{
	const size_t steps[] = { 1, 2, 3, 7, 64 };
	struct buf whole = BUF_INIT(1 << 20), pieces = BUF_INIT(1 << 20);

	uint64_t cut = frames_of(in, mode, in.n ? in.n : 1, &whole);
	bool vague = mode == FRAMING_AUTO ? str_find_byte(in, '\0') < in.n
					  : mode == FRAMING_JOURNAL && cut;

	CLAIM(buf_ok(&whole));
	for (size_t i = 0; i < ARRAY_LEN(steps) && !vague; i++) {
		buf_reset(&pieces);
		frames_of(in, mode, steps[i], &pieces);
		CLAIM(str_eq(buf_str(&whole), buf_str(&pieces)));
	}
	buf_free(&whole);
	buf_free(&pieces);
}

static void
check_journal(struct str in)
{
	struct str rest = in, key, value;
	size_t rounds = 0;

	while (journal_next(&rest, &key, &value)) {
		CLAIM(fuzz_within(in, key) && fuzz_within(in, value) && fuzz_within(in, rest));
		CLAIM(++rounds <= in.n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	for (int mode = FRAMING_AUTO; mode <= FRAMING_JOURNAL; mode++)
		check_splittings(in, (enum framing_mode)mode);
	check_journal(in);
	return 0;
}
