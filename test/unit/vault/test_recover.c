/*
 * A log that is killed at every byte it writes, and a log that is attacked. The one must always be called a crash and
 * keep what was acknowledged; the other must always be called tampering.
 */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/recover.h"
#include "vault/sealer.h"

#include "../base/prng.h"

#define FRAMES 6
#define LINES 5

/* What is on the disk, and what it was before each writing. */
struct disk {
	struct buf wal;
	uint8_t keys[KEYS_FILE_BYTES];
};

struct moment {                        /* the disk when a frame and its keys were durable */
	size_t wal_bytes;
	uint8_t keys[KEYS_FILE_BYTES];
	struct keys state;
};

struct world {
	struct disk disk;
	struct moment after[FRAMES + 1];
	struct sealer sealer;
	struct nonce_node node;
	struct nonce_store nonces;
	struct frame_cipher *cipher;   /* NULL: in the clear */
};

static const uint8_t file_key[LOG_KEY_BYTES] = "of this file alone";

static int
seed(void *ctx, uint64_t block, uint8_t ret[VAULT_NONCE_BYTES])
{
	(void)ctx;
	memset(ret, (int)block + 1, VAULT_NONCE_BYTES);
	return 0;
}

static int
block(void *ctx, uint64_t number, struct nonce_block *ret)
{
	struct world *w = ctx;

	w->node = (struct nonce_node){ .level = NONCE_BLOCK_LEVELS };
	memset(w->node.seed, (int)number + 1, VAULT_NONCE_BYTES);
	*ret = (struct nonce_block){ .n = 1, .nodes = &w->node };
	return 0;
}

static void
write_frame(struct world *w, unsigned i)
{
	struct sealer *s = &w->sealer;
	struct buf bytes;
	char line[64];

	sealer_begin(s, i ? FRAME_LINES : FRAME_START);
	if (i) {
		for (unsigned k = 0; k < LINES; k++) {
			struct vault_entry e = { .source = STR("udp 192.0.2.1"), .transport = VAULT_UDP, .recv_ns = 1000 + k };
			snprintf(line, sizeof(line), "line %u of frame %u", k, i);
			e.raw = str_z(line);
			assert_true(sealer_add(s, &e) >= 0);
		}
	}
	assert_int_equal(sealer_finish(s, STR("positions"), 5000 + i, i, &bytes), 0);
	buf_add(&w->disk.wal, buf_str(&bytes));
	buf_free(&bytes);
	keys_pack(&s->keys, w->disk.keys + keys_slot_offset(&s->keys));
	w->after[i] = (struct moment){ .wal_bytes = w->disk.wal.n, .state = s->keys };
	memcpy(w->after[i].keys, w->disk.keys, KEYS_FILE_BYTES);
}

/* encrypted: NULL, or anything. */
static void
make(struct world *w, void **encrypted)
{
	const struct digest a = { "a" }, s = { "s" };
	struct sealer_opts o = { .seed = seed, .boot = "this boot" };
	struct tree empty = { .size = 0 };
	struct keys k;

	*w = (struct world){ .disk.wal = BUF_INIT(1 << 20), .nonces = { .ctx = w, .block = block } };
	keys_begin(&k, &a, &s);
	keys_pack(&k, w->disk.keys);
	sealer_open(&w->sealer, &o, &empty, &k);
	w->cipher = *encrypted ? frame_cipher_new(file_key) : NULL;
	assert_true(w->cipher || !*encrypted);
	w->sealer.cipher = w->cipher;
	for (unsigned i = 0; i <= FRAMES; i++)
		write_frame(w, i);
}

static void
unmake(struct world *w)
{
	sealer_close(&w->sealer);
	frame_cipher_free(w->cipher);
	buf_free(&w->disk.wal);
}

static enum recover_verdict
judge(struct world *w, struct str wal, const uint8_t keys[KEYS_FILE_BYTES], struct recover *ret)
{
	struct keys k;

	assert_int_equal(keys_load(str_of((const char *)keys, KEYS_FILE_BYTES), &k), 0);
	assert_int_equal(recover(wal, w->cipher, &k, &w->nonces, NULL, ret), 0);
	return ret->verdict;
}

static void
killed_while_writing_a_frame(void **state)
{
	struct recover r;
	struct world w;

	make(&w, state);
	for (unsigned i = 1; i <= FRAMES; i++)
		for (size_t n = w.after[i - 1].wal_bytes; n <= w.after[i].wal_bytes; n++) {
			assert_int_equal(judge(&w, str_of(w.disk.wal.p, n), w.after[i - 1].keys, &r), RECOVER_CRASH);
			assert_true(r.tree.size >= (i - 1) * LINES);
			assert_int_equal(r.adopt, n == w.after[i].wal_bytes);
			assert_int_equal(r.torn_bytes, r.adopt ? 0 : n - w.after[i - 1].wal_bytes);
		}
	unmake(&w);
}

/* The disk may keep any of the sectors of a torn writing, the others holding zeros. */
static void
killed_while_sectors_were_written_in_any_order(void **state)
{
	struct recover r;
	struct world w;
	uint64_t rnd = 7;

	make(&w, state);
	for (unsigned i = 1; i <= FRAMES; i++)
		for (int k = 0; k < 1500; k++) {
			size_t from = w.after[i - 1].wal_bytes, n = w.after[i].wal_bytes;
			char *torn = malloc(n);
			assert_non_null(torn);
			memcpy(torn, w.disk.wal.p, n);
			for (size_t at = from; at < n; at += 64)
				if (prng_next(&rnd) & 1)
					memset(torn + at, 0, n - at < 64 ? n - at : 64);
			assert_int_equal(judge(&w, str_of(torn, n), w.after[i - 1].keys, &r), RECOVER_CRASH);
			assert_int_equal(r.tree.size, r.adopt ? i * LINES : (i - 1) * LINES);
			free(torn);
		}
	unmake(&w);
}

static void
killed_while_writing_the_keys(void **state)
{
	uint8_t keys[KEYS_FILE_BYTES];
	struct recover r;
	struct world w;

	make(&w, state);
	for (unsigned i = 1; i <= FRAMES; i++)
		for (size_t n = 0; n <= KEYS_SLOT_BYTES; n++) {
			size_t at = keys_slot_offset(&w.after[i].state);
			memcpy(keys, w.after[i - 1].keys, sizeof(keys));
			memcpy(keys + at, w.after[i].keys + at, n);
			assert_int_equal(judge(&w, str_of(w.disk.wal.p, w.after[i].wal_bytes), keys, &r), RECOVER_CRASH);
			assert_int_equal(r.tree.size, i * LINES);
		}
	unmake(&w);
}

static void
an_orderly_end_is_known(void **state)
{
	struct recover r;
	struct world w;
	struct buf bytes;

	make(&w, state);
	sealer_begin(&w.sealer, FRAME_CLOSE);
	assert_int_equal(sealer_finish(&w.sealer, STR(""), 1, 1, &bytes), 0);
	buf_add(&w.disk.wal, buf_str(&bytes));
	buf_free(&bytes);
	keys_pack(&w.sealer.keys, w.disk.keys + keys_slot_offset(&w.sealer.keys));
	assert_int_equal(judge(&w, buf_str(&w.disk.wal), w.disk.keys, &r), RECOVER_CLEAN);
	buf_add_byte(&w.disk.wal, 'x');
	assert_int_equal(judge(&w, buf_str(&w.disk.wal), w.disk.keys, &r), RECOVER_TAMPERED);
	unmake(&w);
}

static void
every_cut_is_seen(void **state)
{
	struct recover r;
	struct world w;

	make(&w, state);
	for (size_t n = 0; n < w.disk.wal.n; n++)
		assert_int_equal(judge(&w, str_of(w.disk.wal.p, n), w.disk.keys, &r), RECOVER_TAMPERED);
	unmake(&w);
}

static void
every_bit_is_seen(void **state)
{
	struct recover r;
	struct world w;

	make(&w, state);
	for (size_t i = 0; i < w.disk.wal.n * 8; i++) {
		w.disk.wal.p[i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(judge(&w, buf_str(&w.disk.wal), w.disk.keys, &r), RECOVER_TAMPERED);
		w.disk.wal.p[i / 8] ^= (char)(1 << i % 8);
	}
	unmake(&w);
}

static void
set_back_keys_are_seen(void **state)
{
	struct recover r;
	struct world w;

	make(&w, state);
	for (unsigned i = 0; i + 1 < FRAMES; i++)
		assert_int_equal(judge(&w, buf_str(&w.disk.wal), w.after[i].keys, &r), RECOVER_TAMPERED);
	unmake(&w);
}

/* Today's keys seal nothing of yesterday; what is put behind the end without a key is never taken. */
static void
a_forged_tail_is_not_taken(void **state)
{
	struct recover r;
	struct world w;

	make(&w, state);
	/* Without the wiped key of the last frame, its seal cannot be made. */
	struct frame f;
	assert_int_equal(frame_read(str_from(buf_str(&w.disk.wal), w.after[FRAMES - 1].wal_bytes), w.cipher, &f), 1);
	assert_false(frame_sealed(&f, &w.after[FRAMES].state));
	assert_true(frame_sealed(&f, &w.after[FRAMES - 1].state));
	/* A frame put behind the last, sealed with a guess. */
	struct str again = str_from(buf_str(&w.disk.wal), w.after[FRAMES - 1].wal_bytes);
	struct buf longer = BUF_INIT(1 << 20);
	buf_add(&longer, buf_str(&w.disk.wal));
	buf_add(&longer, again);
	assert_int_equal(judge(&w, buf_str(&longer), w.disk.keys, &r), RECOVER_CRASH);
	assert_int_equal(r.good_bytes, w.disk.wal.n);
	assert_int_equal(r.torn_bytes, again.n);
	assert_int_equal(r.tree.size, FRAMES * LINES);
	buf_free(&longer);
	unmake(&w);
}

/* Of an encrypted log nothing is read without its key, and with another one everything is wrong. */
static void
nothing_stands_in_the_clear(void **state)
{
	static const uint8_t other[LOG_KEY_BYTES] = "of another file";
	struct frame_cipher *wrong = frame_cipher_new(other);
	struct recover r;
	struct frame f;
	struct world w;
	struct keys k;

	make(&w, state);
	assert_non_null(wrong);
	assert_null(memmem(w.disk.wal.p, w.disk.wal.n, "line 1 of frame 1", 17));
	assert_null(memmem(w.disk.wal.p, w.disk.wal.n, "positions", 9));
	assert_int_equal(frame_read(buf_str(&w.disk.wal), NULL, &f), -EACCES);
	assert_int_equal(frame_read(buf_str(&w.disk.wal), wrong, &f), -EBADMSG);
	assert_int_equal(keys_load(str_of((const char *)w.disk.keys, KEYS_FILE_BYTES), &k), 0);
	assert_int_equal(recover(buf_str(&w.disk.wal), NULL, &k, &w.nonces, NULL, &r), -EACCES);
	assert_int_equal(recover(buf_str(&w.disk.wal), wrong, &k, &w.nonces, NULL, &r), 0);
	assert_int_equal(r.verdict, RECOVER_TAMPERED);
	frame_cipher_free(wrong);
	unmake(&w);
}

/* A frame of one line, put where another would have come, had the power not gone. */
static void
seal_one(const struct world *w, const char *line, char ret[64])
{
	struct sealer s = w->sealer;
	struct buf bytes;
	struct vault_entry e = { .source = STR("udp 192.0.2.1"), .transport = VAULT_UDP, .raw = str_z(line) };

	sealer_begin(&s, FRAME_LINES);
	assert_true(sealer_add(&s, &e) >= 0);
	assert_int_equal(sealer_finish(&s, STR("positions"), 5000, 1, &bytes), 0);
	assert_true(bytes.n >= FRAME_HEAD + 64);
	memcpy(ret, bytes.p + FRAME_HEAD, 64);
	buf_free(&bytes);
}

static void
what_is_written_again_at_one_place_meets_another_key_stream(void **state)
{
	const char *texts[] = { "a line as it was when the power went ......", "a line that came instead of it behind that" };
	char a[64], b[64], same[64];
	unsigned equal = 0;
	struct world w;

	make(&w, state);
	seal_one(&w, texts[0], a);
	seal_one(&w, texts[1], b);
	seal_one(&w, texts[0], same);
	assert_memory_equal(a, same, sizeof(a));
	/* Two texts under one key stream differ where the texts do, and nowhere else: heads and source are alike. */
	for (unsigned i = 0; i < 28; i++)
		equal += a[i] == b[i];
	assert_in_range(equal, 0, 4);
	unmake(&w);
}

#define BOTH(test) { #test, test, NULL, NULL, NULL }, { #test " (encrypted)", test, NULL, NULL, (void *)file_key }
#define ENCRYPTED(test) { #test, test, NULL, NULL, (void *)file_key }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(killed_while_writing_a_frame),
		BOTH(killed_while_sectors_were_written_in_any_order),
		BOTH(killed_while_writing_the_keys),
		BOTH(an_orderly_end_is_known),
		BOTH(every_cut_is_seen),
		BOTH(every_bit_is_seen),
		BOTH(set_back_keys_are_seen),
		BOTH(a_forged_tail_is_not_taken),
		ENCRYPTED(nothing_stands_in_the_clear),
		ENCRYPTED(what_is_written_again_at_one_place_meets_another_key_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
