/*
 * A witness: its memory file is read again as it was written, or not at all; and whatever a peer shows, nothing is signed
 * that the log's own key did not sign, and no slice of the verdict leads out of what was shown.
 */
#include "fuzz.h"
#include "base/cur.h"
#include "vault/witness.h"

static void
check_memory(struct str in)
{
	struct buf once = BUF_INIT(1u << 20), twice = BUF_INIT(1u << 20);
	struct witness_memory m, again;

	if (witness_memory_read(in, &m) == 0) {
		CLAIM(fuzz_within(in, m.site) && fuzz_within(in, m.key));
		witness_memory_show(&m, &once);
		CLAIM(buf_ok(&once) && witness_memory_read(buf_str(&once), &again) == 0);
		CLAIM(str_eq(again.site, m.site) && str_eq(again.key, m.key) && again.seen.size == m.seen.size);
		CLAIM(digest_eq(&again.seen.root, &m.seen.root));
		witness_memory_show(&again, &twice);
		CLAIM(str_eq(buf_str(&once), buf_str(&twice)));
		/* But for the number's form it is the file itself. */
		CLAIM(once.n <= in.n);
	}
	buf_free(&once);
	buf_free(&twice);
}

/* Eight bytes the old size, a byte the count of digests; what is left is the note. Twice: first seen, and seen before. */
static void
check_request(struct str in)
{
	struct epoch_key key = { .name = STR("guarita/filial30") };
	struct cur c = cur_of(in);
	struct witness_request r = { .old = cur_u64(&c) };

	r.path = cur_bytes(&c, (size_t)cur_u8(&c) * DIGEST_BYTES);
	r.note = cur_ok(&c) ? cur_bytes(&c, c.n) : STR_NULL;
	if (!cur_ok(&c))
		return;
	for (uint64_t size = 0; size < 2; size++) {
		struct witness_seen seen = { .size = size * r.old };
		struct witness_verdict v = { .status = 0 };

		witness_judge(&seen, &key, &r, &v);
		CLAIM(v.status != 0 && v.status != WITNESS_COSIGNED);
		CLAIM(!v.alarm == !v.what);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	check_memory(in);
	check_request(in);
	return 0;
}
