/*
 * Proofs, notes and identities as strangers hand them in: what is read is written again as it was, every slice lies in the
 * input, and nothing is proved under an identity that did not sign it.
 */
#include "fuzz.h"
#include "vault/prove.h"

/* A vault that nobody has: its keys are of an all but random text. */
#define WHO "guarita-vault 1\n" \
	"origin example.com/scene\n" \
	"key example.com/scene+00000000+AQ==\n" \
	"epochs e\nid 0000000000000000\nmade 0\n"

static void
check_line(struct str in)
{
	struct buf decoded = BUF_INIT(1 << 20), again = BUF_INIT(1 << 22);
	struct trust nobody = { .identity = NULL };
	struct line_proof p;
	struct verdict v;

	if (line_proof_read(in, &decoded, &p) == 0) {
		CLAIM(fuzz_within(in, p.note));
		line_proof_show(&p, &again);
		CLAIM(buf_ok(&again) && str_eq(buf_str(&again), in));
		if (line_proof_check(&p, &nobody, &v) == 0)
			CLAIM(!v.known && p.index < v.checkpoint.size);
	}
	buf_free(&decoded);
	buf_free(&again);
}

static void
check_range(struct str in)
{
	struct buf decoded = BUF_INIT(1 << 22), again = BUF_INIT(1 << 23);
	struct trust nobody = { .identity = NULL };
	struct range_proof p;
	struct verdict v;

	if (range_proof_read(in, &decoded, &p) == 0) {
		range_proof_show(&p, &again);
		CLAIM(buf_ok(&again) && str_eq(buf_str(&again), in));
		if (range_proof_check(&p, &nobody, &v) == 0)
			CLAIM(p.first + p.count <= v.checkpoint.size);
	}
	buf_free(&decoded);
	buf_free(&again);
}

static void
check_note(struct str in)
{
	struct checkpoint c;
	struct buf again = BUF_INIT(1 << 20);
	struct note n;

	if (note_read(in, &n) < 0)
		return;
	CLAIM(fuzz_within(in, n.text) && str_ends(n.text, STR("\n")));
	for (unsigned i = 0; i < n.nsigs; i++)
		CLAIM(fuzz_within(in, n.sigs[i].name) && note_name_valid(n.sigs[i].name));
	if (checkpoint_read(n.text, &c) == 0) {
		checkpoint_show(&c, &again);
		CLAIM(str_starts(n.text, buf_str(&again)));
	}
	buf_free(&again);
}

static void
check_identity(struct str in)
{
	struct identity who;
	struct buf again = BUF_INIT(1 << 16);

	if (identity_read(in, &who) == 0) {
		identity_show(&who, &again);
		CLAIM(buf_ok(&again) && str_starts(buf_str(&again), STR("guarita-vault 1\norigin ")));
	}
	CLAIM(identity_read(STR(WHO), &who) < 0);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	if (size > 1 << 18)
		return 0;
	check_line(in);
	check_range(in);
	check_note(in);
	check_identity(in);
	return 0;
}
