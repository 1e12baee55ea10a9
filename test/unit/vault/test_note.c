/*
 * Signed notes and checkpoints against published examples: the note of golang.org/x/mod/sumdb/note, RFC 8032's vectors;
 * cosignatures and the C2SP example's shape; and every bit of a note changed.
 */
#include "../base/cmocka_std.h"

#include <errno.h>

#include "base/base64.h"
#include "vault/checkpoint.h"

#define GO_KEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define GO_NOTE "If you think cryptography is the answer to your problem,\n" \
	"then you don't know what your problem is.\n" \
	"\n" \
	"\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

static void
a_published_note_is_read_and_checked(void **state)
{
	struct note_key k;
	struct note n;
	struct buf out = BUF_INIT(1000);

	assert_int_equal(note_key_read(STR(GO_KEY), &k), 0);
	assert_true(str_eq(k.name, STR("PeterNeumann")));
	note_key_show(&k, &out);
	assert_string_equal(buf_cstr(&out), GO_KEY);
	assert_int_equal(note_read(STR(GO_NOTE), &n), 0);
	assert_int_equal(n.nsigs, 1);
	assert_true(str_ends(n.text, STR("problem is.\n")));
	assert_int_equal(note_check(&n, &k, NULL), 0);
	buf_free(&out);
}

/* RFC 8032 section 7.1, test 2: signing gives the published bytes. */
static void
signatures_are_those_of_the_rfc(void **state)
{
	static const uint8_t seed[] = "\x4c\xcd\x08\x9b\x28\xff\x96\xda\x9d\xb6\xc3\x46\xec\x11\x4e\x0f"
		"\x5b\x8a\x31\x9f\x35\xab\xa6\x24\xda\x8c\xf6\xed\x4f\xb8\xa6\xfb";
	static const uint8_t want[] = "\x92\xa0\x09\xa9\xf0\xd4\xca\xb8\x72\x0e\x82\x0b\x5f\x64\x25\x40"
		"\xa2\xb2\x7b\x54\x16\x50\x3f\x8f\xb3\x76\x22\x23\xeb\xdb\x69\xda"
		"\x08\x5a\xc1\xe4\x3e\x15\x99\x6e\x45\x8f\x36\x13\xd0\xf1\x1d\x8c"
		"\x38\x7b\x2e\xae\xb4\x30\x2a\xee\xb0\x0d\x29\x16\x12\xbb\x0c\x00";
	uint8_t sig[SIGN_BYTES], public[SIGN_PUBLIC_BYTES];

	assert_int_equal(sign_make(seed, STR("\x72"), sig), 0);
	assert_memory_equal(sig, want, sizeof(sig));
	assert_int_equal(sign_public(seed, public), 0);
	assert_int_equal(sign_check(public, STR("\x72"), sig), 0);
	assert_int_equal(sign_check(public, STR("\x73"), sig), -EBADMSG);
}

static void
written_notes_are_read_again(void **state)
{
	uint8_t seed[SIGN_SEED_BYTES] = "a log's seed", witness_seed[SIGN_SEED_BYTES] = "a witness's seed";
	struct note_key log = { .name = STR("example.com/matriz"), .type = NOTE_ED25519 };
	struct note_key witness = { .name = STR("example.com/filial1"), .type = NOTE_COSIGNATURE };
	struct checkpoint c = { .origin = log.name, .size = 20852163, .root = digest_of(NULL, 0) }, back;
	struct buf text = BUF_INIT(1000), out = BUF_INIT(4000);
	uint64_t time_s = 0;
	struct note n;

	assert_int_equal(sign_public(seed, log.public), 0);
	assert_int_equal(sign_public(witness_seed, witness.public), 0);
	checkpoint_show(&c, &text);
	note_begin(&out, buf_str(&text));
	assert_int_equal(note_sign(&out, buf_str(&text), &log, seed, 0), 0);
	assert_int_equal(note_sign(&out, buf_str(&text), &witness, witness_seed, 1679315147), 0);
	assert_int_equal(note_read(buf_str(&out), &n), 0);
	assert_int_equal(n.nsigs, 2);
	assert_int_equal(note_check(&n, &log, NULL), 0);
	assert_int_equal(note_check(&n, &witness, &time_s), 0);
	assert_true(time_s == 1679315147);
	assert_int_equal(checkpoint_read(n.text, &back), 0);
	assert_true(str_eq(back.origin, c.origin) && back.size == c.size && digest_eq(&back.root, &c.root));
	witness.name = STR("example.com/filial2");
	assert_int_equal(note_check(&n, &witness, NULL), -ENOKEY);
	buf_free(&text);
	buf_free(&out);
}

/* A changed bit makes it unreadable, unknown, or false: never signed. */
static void
no_bit_can_be_changed(void **state)
{
	char bytes[sizeof(GO_NOTE)];
	struct note_key k;
	struct note n;

	assert_int_equal(note_key_read(STR(GO_KEY), &k), 0);
	for (size_t i = 0; i < (sizeof(GO_NOTE) - 1) * 8; i++) {
		memcpy(bytes, GO_NOTE, sizeof(GO_NOTE));
		bytes[i / 8] ^= (char)(1 << i % 8);
		if (note_read(str_of(bytes, sizeof(GO_NOTE) - 1), &n) == 0)
			assert_true(note_check(&n, &k, NULL) < 0);
	}
}

static void
what_is_no_note_is_refused(void **state)
{
	static const char *const bad[] = { "", "\n", "text\n", "text\n\n", "text\n\n\xe2\x80\x94 a", "text\n\nno dash AAAAAAAA\n",
		"text\n\n\xe2\x80\x94 a AAAA\n", "te\x01xt\n\n\xe2\x80\x94 a AAAAAAAA\n", "t\xff\n\n\xe2\x80\x94 a AAAAAAAA\n",
		"text\n\n\xe2\x80\x94 a+b AAAAAAAA\n", "text\n\n\xe2\x80\x94  AAAAAAAA\n" };
	static const char *const bad_heads[] = { "", "o\n", "o\n1\n", "o\n01\nAAAA\n", "\n1\nAAAA\n", "o\n-1\nAAAA\n",
		"o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n",
		"o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" };
	struct checkpoint c;
	struct note n;
	struct note_key k;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(note_read(str_z(bad[i]), &n), -EBADMSG);
	for (size_t i = 0; i < ARRAY_LEN(bad_heads); i++)
		assert_int_equal(checkpoint_read(str_z(bad_heads[i]), &c), -EBADMSG);
	assert_int_equal(checkpoint_read(STR("o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n"), &c), 0);
	assert_int_equal(note_key_read(STR("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &k), -EBADMSG);
	assert_int_equal(note_key_read(STR("PeterNeumann"), &k), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_published_note_is_read_and_checked),
		cmocka_unit_test(signatures_are_those_of_the_rfc),
		cmocka_unit_test(written_notes_are_read_again),
		cmocka_unit_test(no_bit_can_be_changed),
		cmocka_unit_test(what_is_no_note_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
