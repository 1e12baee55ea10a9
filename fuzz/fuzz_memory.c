/*
 * What is remembered of account files, and what is sealed of them: whatever the text, reading stays inside it; what was
 * read and written again reads the same. The closing hash is made to fit, else nothing would ever come past it.
 */
#include "console/accounts/seal.h"
#include "fuzz.h"
#include "watch/accounts/integrity_memory.h"

#define SEED 77

static void
as_text(const struct integrity_memory *all, size_t n, struct buf *out)
{
	integrity_memory_start(out, SEED);
	for (size_t i = 0; i < n; i++)
		integrity_memory_write(&all[i], out);
	integrity_memory_seal(out, SEED);
	CLAIM(buf_ok(out));
}

static void
drop(struct integrity_memory *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		integrity_memory_free(&all[i]);
	free(all);
}

static void
try_memory(struct str body)
{
	struct buf first = BUF_INIT(64u << 20), second = BUF_INIT(64u << 20), third = BUF_INIT(64u << 20);
	struct integrity_memory *all = NULL, *again = NULL;
	size_t n = 0, m = 0;
	uint64_t seed;

	CLAIM(integrity_memory_read(body, &all, &n, &seed) < 0 || str_starts(body, STR("guarita-integrity 1 ")));
	drop(all, n);
	all = NULL;
	n = 0;
	integrity_memory_start(&first, SEED);
	buf_add(&first, body);
	if (body.n > 0 && body.p[body.n - 1] != '\n')
		buf_add_byte(&first, '\n');
	integrity_memory_seal(&first, SEED);
	if (integrity_memory_read(buf_str(&first), &all, &n, &seed) == 0) {
		CLAIM(seed == SEED);
		as_text(all, n, &second);
		CLAIM(integrity_memory_read(buf_str(&second), &again, &m, &seed) == 0 && m == n);
		as_text(again, m, &third);
		CLAIM(str_eq(buf_str(&second), buf_str(&third)));
	}
	drop(all, n);
	drop(again, m);
	buf_free(&first);
	buf_free(&second);
	buf_free(&third);
}

static void
try_seal(struct str line)
{
	struct buf path = BUF_INIT(1u << 20), out = BUF_INIT(8u << 20), path_again = BUF_INIT(8u << 20);
	struct account_seal s, again;

	if (account_seal_read(line, &s, &path) == 0) {
		buf_add_byte(&out, '{');
		account_seal_write(&s, buf_str(&path), &out);
		CLAIM(buf_ok(&out));
		CLAIM(account_seal_read(buf_str(&out), &again, &path_again) == 0);
		CLAIM(s.kind == again.kind && s.dev == again.dev && s.ino == again.ino && s.first == again.first);
		CLAIM(s.count == again.count && s.last_us == again.last_us && digest_eq(&s.digest, &again.digest));
	}
	buf_free(&path);
	buf_free(&out);
	buf_free(&path_again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);

	try_memory(in);
	try_seal(in);
	return 0;
}
