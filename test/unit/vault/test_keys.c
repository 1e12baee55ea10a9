/* Keys that evolve, epochs that sign, nonces that can be forgotten. */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdlib.h>

#include "vault/checkpoint.h"
#include "vault/epoch.h"
#include "vault/keys.h"
#include "vault/nonce.h"

static const struct digest a0 = { "the auditor's first key" }, s0 = { "the first signing secret" };

static bool
holds(const uint8_t *bytes, size_t n, const struct digest *d)
{
	return memmem(bytes, n, d->b, DIGEST_BYTES) != NULL;
}

static void
what_was_stepped_over_is_not_in_the_file(void **state)
{
	uint8_t file[KEYS_FILE_BYTES] = { 0 };
	struct keys k, old, back;
	struct digest seal = digest_of(NULL, 0);

	keys_begin(&k, &a0, &s0);
	old = k;
	for (int i = 0; i < 2; i++) {
		keys_step(&k, &seal, 10, &seal);
		keys_pack(&k, file + keys_slot_offset(&k));
	}
	assert_false(holds(file, sizeof(file), &old.frame_key));
	assert_int_equal(keys_load(str_of((char *)file, sizeof(file)), &back), 0);
	assert_int_equal(back.frame, 2);
	for (int i = 0; i < 2; i++) {
		keys_next_epoch(&k);
		keys_pack(&k, file + keys_slot_offset(&k));
	}
	assert_false(holds(file, sizeof(file), &old.sign));
	assert_false(holds(file, sizeof(file), &old.next_epoch));
	assert_int_equal(keys_load(str_of((char *)file, sizeof(file)), &back), 0);
	assert_int_equal(back.epoch, 2);
	assert_int_equal(back.frame, 2);
}

/* Whoever keeps A(0) arrives at the same keys. */
static void
the_auditor_arrives_at_the_same_seals(void **state)
{
	const struct str text = STR("a frame");
	struct digest zero = { { 0 } };
	struct keys log, auditor;

	keys_begin(&log, &a0, &s0);
	keys_begin(&auditor, &a0, &zero);
	for (int i = 0; i < 5; i++) {
		struct digest x = keys_seal(&log, &text, 1), y = keys_seal(&auditor, &text, 1);
		assert_true(digest_eq(&x, &y));
		keys_step(&log, &x, 0, &zero);
		keys_step(&auditor, &x, 0, &zero);
		x = keys_seal(&log, &text, 1);
		assert_false(digest_eq(&x, &y));
		if (i == 2) {
			keys_next_epoch(&log);
			keys_next_epoch(&auditor);
		}
	}
}

static void
a_torn_slot_leaves_the_one_before(void **state)
{
	uint8_t file[KEYS_FILE_BYTES] = { 0 };
	struct digest d = digest_of(NULL, 0);
	struct keys k, back;

	assert_int_equal(keys_load(str_of((char *)file, sizeof(file)), &back), -EBADMSG);
	keys_begin(&k, &a0, &s0);
	keys_pack(&k, file + keys_slot_offset(&k));
	keys_step(&k, &d, 3, &d);
	keys_pack(&k, file + keys_slot_offset(&k));
	for (size_t i = 0; i < 8 * 239; i++) {
		file[KEYS_SLOT_BYTES + i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(keys_load(str_of((char *)file, sizeof(file)), &back), 0);
		assert_int_equal(back.frame, 0);
		file[KEYS_SLOT_BYTES + i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t n = 0; n < sizeof(file); n++) {
		int r = keys_load(str_of((char *)file, n), &back);
		assert_true(r == -EBADMSG || back.frame <= 1);
	}
}

static void
epochs_sign_under_one_identity(void **state)
{
	uint8_t nodes[15 * DIGEST_BYTES], seed[SIGN_SEED_BYTES];
	struct checkpoint c = { .origin = STR("example.com/log"), .size = 5, .root = digest_of(NULL, 0) };
	struct buf text = BUF_INIT(1000), out = BUF_INIT(20000), shown = BUF_INIT(1000);
	struct epoch_tree t;
	struct epoch_key k = { .name = c.origin }, again;
	struct epoch_mark m = { 0 };
	struct keys keys;
	struct note n;

	assert_int_equal(epoch_tree_make(&s0, 3, nodes), 0);
	assert_int_equal(epoch_tree_open(str_of((char *)nodes, sizeof(nodes)), &t), 0);
	assert_int_equal(t.height, 3);
	k.identity = epoch_identity(&t);
	epoch_key_show(&k, &shown);
	assert_int_equal(epoch_key_read(buf_str(&shown), &again), 0);
	assert_true(digest_eq(&again.identity, &k.identity));
	checkpoint_show(&c, &text);
	keys_begin(&keys, &a0, &s0);
	for (uint32_t e = 0; e < 8; e++) {
		struct epoch_mark mark = { .epoch = e, .time_s = 1000 + e }, wrong = { .epoch = (e + 1) % 8 };
		keys_sign_seed(&keys, seed);
		buf_reset(&out);
		note_begin(&out, buf_str(&text));
		assert_int_equal(epoch_sign(&out, buf_str(&text), k.name, &t, seed, wrong), -EDOM);
		assert_int_equal(epoch_sign(&out, buf_str(&text), k.name, &t, seed, mark), 0);
		assert_int_equal(note_read(buf_str(&out), &n), 0);
		assert_int_equal(epoch_check(&n, &k, &m), 0);
		assert_int_equal(m.epoch, e);
		assert_int_equal(m.time_s, 1000 + e);
		keys_next_epoch(&keys);
	}
	struct epoch_mark beyond = { .epoch = 8 };
	keys_sign_seed(&keys, seed);
	assert_int_equal(epoch_sign(&out, buf_str(&text), k.name, &t, seed, beyond), -EDOM);
	k.identity.b[0] ^= 1;
	assert_int_equal(epoch_check(&n, &k, &m), -ENOKEY);
	buf_free(&text);
	buf_free(&out);
	buf_free(&shown);
}

static void
nonces_agree_whichever_way(void **state)
{
	struct nonce_node node = { .level = NONCE_BLOCK_LEVELS, .seed = "seed of a block" };
	struct nonce_block b = { .n = 1, .nodes = &node };
	uint8_t x[VAULT_NONCE_BYTES], y[VAULT_NONCE_BYTES];
	struct nonce_walk w;

	nonce_walk_begin(&w, node.seed);
	for (uint32_t i = 0; i < NONCE_BLOCK; i++) {
		nonce_walk_next(&w, x);
		if (i % 61 && i < NONCE_BLOCK - 3)
			continue;
		assert_int_equal(nonce_at(&b, i, y), 0);
		assert_memory_equal(x, y, sizeof(x));
	}
	nonce_walk_seek(&w, 777);
	nonce_walk_next(&w, x);
	assert_int_equal(nonce_at(&b, 777, y), 0);
	assert_memory_equal(x, y, sizeof(x));
}

static void
one_is_forgotten_and_no_other(void **state)
{
	static const uint32_t gone[] = { 0, 65535, 4711, 4712, 4710 };
	struct nonce_node *nodes = calloc(NONCE_NODES_MAX, sizeof(*nodes)), whole = { .level = NONCE_BLOCK_LEVELS };
	struct nonce_node *again = calloc(NONCE_NODES_MAX, sizeof(*again));
	struct nonce_block b = { .n = 1, .nodes = &whole }, all = b;
	struct buf file = BUF_INIT(4u << 20);
	uint8_t x[VAULT_NONCE_BYTES], y[VAULT_NONCE_BYTES];

	assert_true(nodes && again);
	for (size_t k = 0; k < ARRAY_LEN(gone); k++) {
		struct nonce_set set = { .bits = { 0 } };
		nonce_set_add(&set, gone[k]);
		size_t left = 0;
		assert_int_equal(nonce_forget(&b, &set, again, NONCE_NODES_MAX, &left), 0);
		b = (struct nonce_block){ .n = left, .nodes = again };
		assert_int_equal(nonce_at(&b, gone[k], x), -ENOENT);
		/* As it is kept, and read again. */
		buf_reset(&file);
		nonce_block_pack(&b, 9, &file);
		assert_int_equal(nonce_block_read(buf_str(&file), 8, nodes, &left), -EBADMSG);
		assert_int_equal(nonce_block_read(buf_str(&file), 9, nodes, &left), 0);
		assert_int_equal(left, b.n);
		b.nodes = nodes;
	}
	for (uint32_t i = 1; i < NONCE_BLOCK - 1; i += i > 4700 && i < 4720 ? 1 : 97) {
		if (i >= 4710 && i <= 4712)
			continue;
		assert_int_equal(nonce_at(&b, i, x), 0);
		assert_int_equal(nonce_at(&all, i, y), 0);
		assert_memory_equal(x, y, sizeof(x));
	}
	struct nonce_set one = { .bits = { 1u << 7 } };
	assert_int_equal(nonce_forget(&b, &one, again, b.n - 1, &b.n), -ENOSPC);
	for (size_t i = 0; i < file.n; i += 13) {
		file.p[i] ^= 4;
		assert_int_equal(nonce_block_read(buf_str(&file), 9, again, &b.n), -EBADMSG);
		file.p[i] ^= 4;
	}
	buf_free(&file);
	free(nodes);
	free(again);
}

static void
every_second_one_is_forgotten(void **state)
{
	struct nonce_node *nodes = calloc(NONCE_NODES_MAX, sizeof(*nodes)), whole = { .level = NONCE_BLOCK_LEVELS };
	struct nonce_block b = { .n = 1, .nodes = &whole };
	struct nonce_set set = { .bits = { 0 } };
	uint8_t x[VAULT_NONCE_BYTES];

	assert_non_null(nodes);
	memset(&set, 0x55, sizeof(set));
	assert_int_equal(nonce_forget(&b, &set, nodes, NONCE_NODES_MAX, &b.n), 0);
	assert_int_equal(b.n, NONCE_BLOCK / 2);
	b.nodes = nodes;
	assert_int_equal(nonce_at(&b, 4710, x), -ENOENT);
	assert_int_equal(nonce_at(&b, 4711, x), 0);
	memset(&set, 0xff, sizeof(set));
	assert_int_equal(nonce_forget(&b, &set, nodes, NONCE_NODES_MAX, &b.n), 0);
	assert_int_equal(b.n, 0);
	free(nodes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_stepped_over_is_not_in_the_file),
		cmocka_unit_test(the_auditor_arrives_at_the_same_seals),
		cmocka_unit_test(a_torn_slot_leaves_the_one_before),
		cmocka_unit_test(epochs_sign_under_one_identity),
		cmocka_unit_test(nonces_agree_whichever_way),
		cmocka_unit_test(one_is_forgotten_and_no_other),
		cmocka_unit_test(every_second_one_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
