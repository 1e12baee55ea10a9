/* Batches of lines: every slice lies in the batch; what is read and packed again is the same. */
#include "fuzz.h"
#include "msg/entry.h"

static void
check_source(struct str bytes)
{
	struct entry_source source;
	uint8_t out[BATCH_MAX];
	struct enc e = enc_of(out, sizeof(out));

	if (bytes.n > ENTRY_BYTES_MAX || entry_source_read(bytes, &source) < 0)
		return;
	CLAIM(fuzz_within(bytes, source.name) && fuzz_within(bytes, source.program));
	CLAIM(fuzz_within(bytes, source.host));
	entry_pack_source(&e, &source);
	CLAIM(enc_ok(&e));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct cur c = cur_of(in);
	struct entry one;
	uint8_t *out = malloc(size + 1);
	struct enc e = enc_of(out, size);
	int r;

	CLAIM(out);
	while ((r = entry_next(&c, &one)) > 0) {
		CLAIM(fuzz_within(in, one.bytes));
		entry_pack(&e, &one);
		if (one.flags & ENTRY_SOURCE)
			check_source(one.bytes);
	}
	CLAIM(enc_ok(&e));
	CLAIM(memcmp(out, data, e.n) == 0);
	CLAIM(r < 0 || e.n == size);
	check_source(in);
	free(out);
	return 0;
}
