/*
 * A witness against C2SP tlog-witness: each answer it names; and a thousand histories in which a log is honest, set back,
 * or goes on from a copy, where every step that does not continue what was signed is refused and every honest one is not.
 */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vault/keys.h"
#include "vault/witness.h"

#define HEIGHT 3
#define LEAVES_MAX 2000

struct log {
	struct epoch_key key;
	struct epoch_tree epochs;
	uint8_t nodes[15 * DIGEST_BYTES];
	uint8_t seed[SIGN_SEED_BYTES];
	struct digest leaves[LEAVES_MAX];
	uint64_t size;
};

static int
node(void *ctx, unsigned level, uint64_t index, struct digest *ret)
{
	const struct log *l = ctx;
	struct digest a, b;

	if (level == 0) {
		*ret = l->leaves[index];
		return 0;
	}
	(void)!node(ctx, level - 1, 2 * index, &a);
	(void)!node(ctx, level - 1, 2 * index + 1, &b);
	*ret = tree_join(&a, &b);
	return 0;
}

static void
open_log(struct log *l)
{
	const struct str word = STR("a log's secret");
	struct digest s0 = digest_of(&word, 1);

	*l = (struct log){ .key.name = STR("guarita/filial30") };
	assert_int_equal(epoch_tree_make(&s0, HEIGHT, l->nodes), 0);
	assert_int_equal(epoch_tree_open(str_of((char *)l->nodes, sizeof(l->nodes)), &l->epochs), 0);
	l->key.identity = epoch_identity(&l->epochs);
	keys_seed_of(&s0, l->seed);
}

static void
add(struct log *l, unsigned n, unsigned salt)
{
	for (unsigned i = 0; i < n && l->size < LEAVES_MAX; i++) {
		char text[64];
		int k = snprintf(text, sizeof(text), "%llu of %u", (unsigned long long)l->size, salt);
		struct str s = str_of(text, (size_t)k);
		l->leaves[l->size++] = digest_of(&s, 1);
	}
}

static void
sign_note(const struct log *l, uint64_t size, struct buf *out)
{
	struct buf text = BUF_INIT(1000);
	struct tree t = { .size = 0 };
	struct epoch_mark mark = { .epoch = 0, .time_s = 1700000000 };

	for (uint64_t i = 0; i < size; i++)
		tree_add(&t, &l->leaves[i]);
	struct checkpoint c = { .origin = l->key.name, .size = size, .root = tree_root(&t) };
	buf_reset(out);
	checkpoint_show(&c, &text);
	note_begin(out, buf_str(&text));
	assert_int_equal(epoch_sign(out, buf_str(&text), l->key.name, &l->epochs, l->seed, mark), 0);
	buf_free(&text);
}

/* What the log shows to somebody who saw `old`. */
static struct witness_verdict
show(struct log *l, const struct witness_seen *seen, uint64_t old, uint64_t size, struct buf *note)
{
	struct buf path = BUF_INIT(WITNESS_PATH_MAX * DIGEST_BYTES);
	struct tree_source s = { .ctx = l, .node = node };
	struct tree_path p = { .n = 0 };
	struct witness_verdict v;

	if (old && old <= size)
		assert_int_equal(tree_prove_consistency(&s, old, size, &p), 0);
	assert_int_equal(witness_path(&p, &path), 0);
	sign_note(l, size, note);
	struct witness_request r = { .old = old, .path = buf_str(&path), .note = buf_str(note) };
	witness_judge(seen, &l->key, &r, &v);
	buf_free(&path);
	return v;
}

static void
take(struct witness_seen *seen, const struct witness_verdict *v)
{
	*seen = (struct witness_seen){ .size = v->checkpoint.size, .root = v->checkpoint.root };
}

static void
each_answer(void **state)
{
	struct log *l = malloc(sizeof(*l));
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct witness_seen seen = { .size = 0 };
	struct witness_verdict v;

	open_log(l);
	add(l, 100, 1);
	v = show(l, &seen, 0, 70, &note);
	assert_int_equal(v.status, WITNESS_COSIGNED);
	take(&seen, &v);
	/* The same again; then what continues it. */
	v = show(l, &seen, 70, 70, &note);
	assert_int_equal(v.status, WITNESS_COSIGNED);
	v = show(l, &seen, 70, 100, &note);
	assert_int_equal(v.status, WITNESS_COSIGNED);
	/* From another place than the one that was seen. */
	v = show(l, &seen, 60, 100, &note);
	assert_int_equal(v.status, WITNESS_CONFLICT);
	assert_null(v.alarm);
	v = show(l, &seen, 0, 100, &note);
	assert_int_equal(v.status, WITNESS_CONFLICT);
	assert_null(v.alarm);
	/* Fewer lines than were signed. */
	v = show(l, &seen, 0, 69, &note);
	assert_int_equal(v.status, WITNESS_CONFLICT);
	assert_string_equal(v.what, "rewound");
	/* old is larger than the checkpoint: C2SP 400. */
	v = show(l, &seen, 70, 60, &note);
	assert_int_equal(v.status, WITNESS_MALFORMED);
	/* Another log's name, and another key. */
	struct epoch_key key = l->key;
	struct witness_request r = { .old = 70, .note = buf_str(&note) };
	key.name = STR("guarita/filial31");
	witness_judge(&seen, &key, &r, &v);
	assert_int_equal(v.status, WITNESS_UNKNOWN);
	key = l->key;
	key.identity.b[0] ^= 1;
	witness_judge(&seen, &key, &r, &v);
	assert_int_equal(v.status, WITNESS_FORBIDDEN);
	/* A proof of 64 digests, and one that ends inside a digest. */
	char path[64 * DIGEST_BYTES] = { 0 };
	r.path = str_of(path, sizeof(path));
	witness_judge(&seen, &l->key, &r, &v);
	assert_int_equal(v.status, WITNESS_MALFORMED);
	r.path = str_of(path, 33);
	witness_judge(&seen, &l->key, &r, &v);
	assert_int_equal(v.status, WITNESS_MALFORMED);
	/* A first checkpoint needs no proof, and may have none. */
	struct witness_seen nothing = { .size = 0 };
	sign_note(l, 80, &note);
	r = (struct witness_request){ .old = 0, .path = str_of(path, DIGEST_BYTES), .note = buf_str(&note) };
	witness_judge(&nothing, &l->key, &r, &v);
	assert_int_equal(v.status, WITNESS_UNPROVED);
	buf_free(&note);
	free(l);
}

static void
another_history_is_never_signed(void **state)
{
	struct log *l = malloc(sizeof(*l)), *copy = malloc(sizeof(*copy));
	struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	struct witness_verdict v;
	unsigned forks = 0;

	open_log(l);
	srandom(7);
	for (unsigned round = 0; round < 1000; round++) {
		struct witness_seen seen = { .size = 0 };
		l->size = 0;
		add(l, 1 + (unsigned)random() % 40, 0);
		uint64_t common = l->size;
		*copy = *l;
		for (unsigned step = 0; step < 3; step++) {
			v = show(l, &seen, seen.size, l->size, &note);
			assert_int_equal(v.status, WITNESS_COSIGNED);
			take(&seen, &v);
			add(l, (unsigned)random() % 20, 0);
		}
		/* The copy goes on differently, and becomes larger, as large, or stays smaller. */
		add(copy, (unsigned)random() % 80, 1);
		v = show(copy, &seen, copy->size >= seen.size ? seen.size : 0, copy->size, &note);
		/* Nothing was signed behind the place where they part: the copy is as honest as the other. */
		if (seen.size == common) {
			assert_int_equal(v.status, WITNESS_COSIGNED);
			continue;
		}
		assert_true(v.status != WITNESS_COSIGNED);
		assert_non_null(v.alarm);
		forks += v.status == WITNESS_UNPROVED;
	}
	assert_true(forks > 100);
	buf_free(&note);
	free(copy);
	free(l);
}

/* C2SP tlog-cosignature: what is signed is "cosignature/v1", the time, and the note's text; 8 bytes of time stand before 64. */
static void
a_cosignature_is_as_the_text_says(void **state)
{
	uint8_t seed[SIGN_SEED_BYTES], bytes[NOTE_SIG_BYTES_MAX];
	struct buf note = BUF_INIT(4096), shown = BUF_INIT(1000);
	const struct str text = STR("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
	struct note_key k, again;
	struct note n;
	uint64_t time_s = 0;

	witness_seed((const uint8_t *)"thirty-two bytes of a site's key", seed);
	assert_int_equal(witness_key(seed, STR("guarita/matriz/witness"), &k), 0);
	note_key_show(&k, &shown);
	assert_int_equal(note_key_read(buf_str(&shown), &again), 0);
	assert_int_equal(again.type, NOTE_COSIGNATURE);
	note_begin(&note, text);
	assert_int_equal(note_sign(&note, text, &k, seed, 1679315147), 0);
	assert_int_equal(note_read(buf_str(&note), &n), 0);
	assert_int_equal(note_check(&n, &k, &time_s), 0);
	assert_int_equal(time_s, 1679315147);
	assert_int_equal(note_sig_bytes(&n.sigs[0], bytes), 72);
	assert_int_equal(sign_check(k.public, STR("cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
	    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"), bytes + 8), 0);
	assert_int_equal(witness_key(seed, STR("two words"), &k), -EINVAL);
	buf_free(&note);
	buf_free(&shown);
}

static void
the_memory_is_read_as_it_was_written(void **state)
{
	struct witness_memory m = { .site = STR("00ff"), .key = STR("guarita/f+0a0b0c0d+AAAA"), .seen.size = 4711 }, back;
	struct buf text = BUF_INIT(1000);

	memset(m.seen.root.b, 0x5a, DIGEST_BYTES);
	witness_memory_show(&m, &text);
	assert_int_equal(witness_memory_read(buf_str(&text), &back), 0);
	assert_true(str_eq(back.site, m.site) && str_eq(back.key, m.key) && back.seen.size == 4711 &&
	    digest_eq(&back.seen.root, &m.seen.root));
	for (size_t n = 0; n < text.n; n++)
		assert_int_equal(witness_memory_read(str_head(buf_str(&text), n), &back), -EBADMSG);
	buf_add(&text, STR("more\n"));
	assert_int_equal(witness_memory_read(buf_str(&text), &back), -EBADMSG);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer), cmocka_unit_test(another_history_is_never_signed),
		cmocka_unit_test(a_cosignature_is_as_the_text_says), cmocka_unit_test(the_memory_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
