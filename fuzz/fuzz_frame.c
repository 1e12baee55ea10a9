/*
 * Files of a vault's log: a reader never leaves its bytes, whatever stands in them; a record that is taken has one form;
 * and a log that is not what the keys say is never called whole.
 */
#include <errno.h>

#include "fuzz.h"
#include "vault/recover.h"

static int
block(void *ctx, uint64_t number, struct nonce_block *ret)
{
	struct nonce_node *node = ctx;

	*node = (struct nonce_node){ .level = NONCE_BLOCK_LEVELS, .seed = "a seed" };
	*ret = (struct nonce_block){ .n = 1, .nodes = node };
	return 0;
}

static void
check_lines(struct str in, const struct frame *f)
{
	struct cur lines = cur_of(f->lines);
	uint8_t again[VAULT_RECORD_MAX];
	struct vault_entry e;
	struct str record;

	while (frame_record(&lines, &record) == 1) {
		struct enc out = enc_of(again, sizeof(again));
		CLAIM(fuzz_within(in, record));
		if (vault_entry_decode(record, 0, &e) < 0)
			continue;
		CLAIM(fuzz_within(record, e.source) && fuzz_within(record, e.raw));
		vault_entry_encode(&e, &out);
		CLAIM(enc_ok(&out) && out.n == record.n && memcmp(again, record.p, out.n) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size), rest = in;
	struct digest secret = { "nobody guesses it" };
	struct nonce_node node;
	struct nonce_store nonces = { .ctx = &node, .block = block };
	struct recover judged;
	struct frame f;
	struct keys k;

	static const uint8_t key[LOG_KEY_BYTES] = "a key of a file of the log";
	struct frame_cipher *cipher = frame_cipher_new(key);

	CLAIM(cipher);
	while (frame_read(rest, cipher, &f) == 1) {
		CLAIM(frame_bytes(&f) <= rest.n && f.lines.n + f.side.n + FRAME_HEAD == frame_bytes(&f));
		CLAIM(f.encrypted || (fuzz_within(in, f.lines) && fuzz_within(in, f.side)));
		CLAIM(!f.encrypted || frame_read(rest, NULL, &f) == -EACCES);
		check_lines(f.encrypted ? f.lines : in, &f);
		rest = str_from(rest, frame_bytes(&f));
	}
	keys_begin(&k, &secret, &secret);
	k.frame = 2;
	CLAIM(recover(in, cipher, &k, &nonces, NULL, &judged) == 0);
	CLAIM(judged.verdict == RECOVER_TAMPERED && judged.good_bytes + judged.torn_bytes == size);
	CLAIM(keys_load(in, &k) < 0 || size >= KEYS_SLOT_BYTES / 4);
	frame_cipher_free(cipher);
	return 0;
}
