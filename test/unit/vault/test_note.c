/*
 * Signed notes and checkpoints against published examples: the note of golang.org/x/mod/sumdb/note, the examples of C2SP
 * signed-note, tlog-checkpoint and tlog-cosignature, RFC 8032's vectors; a checkpoint of a public log with the signatures of
 * four public witnesses, none of them software of ours; and every bit of a note changed.
 */
#include "../base/cmocka_std.h"

#include <errno.h>

#include "base/base64.h"
#include "vault/checkpoint.h"

#define DASH "\xe2\x80\x94 "
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

/* The key behind it makes the published note, byte for byte. */
static void
a_published_note_is_made_again(void **state)
{
	struct str text = str_head(STR(GO_NOTE), str_find(STR(GO_NOTE), STR("\n\n")) + 1);
	uint8_t private[1 + SIGN_SEED_BYTES];
	struct buf out = BUF_INIT(1000);
	struct note_key k;

	assert_int_equal(base64_read_exact(STR("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"), private, sizeof(private)), 0);
	assert_int_equal(private[0], NOTE_ED25519);
	assert_int_equal(note_key_read(STR(GO_KEY), &k), 0);
	note_begin(&out, text);
	assert_int_equal(note_sign(&out, text, &k, private + 1, 0), 0);
	assert_string_equal(buf_cstr(&out), GO_NOTE);
	buf_free(&out);
}

/* Staging log of transparency.dev, in May 2026; signature lines of other kinds and of unknown keys stand between the known ones. */
#define LOG_NOTE "arche2025h1.staging.ct.transparency.dev\n" \
	"1432088532\n" \
	"U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n" \
	"\n" \
	DASH "arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQ" \
	"IgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n" \
	DASH "arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei5" \
	"9RA23oHP7Ry1k3ZFWwQ=\n" \
	DASH "transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v" \
	"7sEodkRAErumC2q44vdgJY096st5BQ==\n" \
	DASH "witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWV" \
	"uE0tgh0XwzdZsDsUAQ==\n" \
	DASH "remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0D" \
	"rAWfBw==\n" \
	DASH "witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKF" \
	"Ye/TmN9DAg==\n"

static const char *const log_keys[] = {
	"arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f",
	"transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
	"witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
	"remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
	"witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
};

static void
a_public_log_and_its_witnesses_are_checked(void **state)
{
	struct buf changed = BUF_INIT(4000);
	struct checkpoint c;
	struct note n, false_note;

	assert_int_equal(note_read(STR(LOG_NOTE), &n), 0);
	assert_int_equal(n.nsigs, 6);
	assert_int_equal(checkpoint_read(n.text, &c), 0);
	assert_true(c.size == 1432088532 && str_eq(c.origin, STR("arche2025h1.staging.ct.transparency.dev")));
	/* The same signatures under a checkpoint of one line less. */
	buf_add(&changed, STR(LOG_NOTE));
	changed.p[str_find(buf_str(&changed), STR("532\n")) + 2] = '1';
	assert_int_equal(note_read(buf_str(&changed), &false_note), 0);
	for (size_t i = 0; i < ARRAY_LEN(log_keys); i++) {
		uint64_t time_s = 0;
		struct note_key k;

		assert_int_equal(note_key_read(str_z(log_keys[i]), &k), 0);
		assert_int_equal(k.type, i ? NOTE_COSIGNATURE : NOTE_ED25519);
		assert_int_equal(note_check(&n, &k, &time_s), 0);
		assert_true(time_s == (i ? 0x6a122120 : 0));
		assert_int_equal(note_check(&false_note, &k, NULL), -EBADMSG);
	}
	buf_free(&changed);
}

/* The examples of the texts of C2SP, whose keys are not published: they are taken apart as the texts say. */
static void
the_examples_of_c2sp_are_read(void **state)
{
	static const char poem[] = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n"
		"ed \xc3\xa8 subito sera.\n\n" DASH "quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9o"
		"JKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
	static const char cosigned[] = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
		DASH "example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE"
		"+xeMcTOAYQ8=\n" DASH "witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1n"
		"PZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
	uint8_t sig[NOTE_SIG_BYTES_MAX];
	struct checkpoint c;
	struct note_key k;
	struct note n;

	/* The last empty line is the one that ends the text. */
	assert_int_equal(note_read(str_z(poem), &n), 0);
	assert_true(n.nsigs == 1 && str_ends(n.text, STR("sera.\n")) && n.sigs[0].id == 0x367ba04b);
	assert_int_equal(note_read(str_z(cosigned), &n), 0);
	assert_int_equal(checkpoint_read(n.text, &c), 0);
	assert_true(c.size == 20852163 && n.nsigs == 2);
	assert_true(n.sigs[0].id == 0x033de0ae && note_sig_bytes(&n.sigs[0], sig) == SIGN_BYTES);
	/* timestamped_signature: 1679315147 in eight bytes, then the signature. */
	assert_true(n.sigs[1].id == 0x8d66cf3f && note_sig_bytes(&n.sigs[1], sig) == 8 + SIGN_BYTES);
	assert_memory_equal(sig, "\0\0\0\0\x64\x18\x50\xcb", 8);
	assert_int_equal(note_key_read(STR("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"), &k), 0);
	assert_true(note_id(&k) == 0x530d903a && k.type == NOTE_ED25519);
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
		cmocka_unit_test(a_published_note_is_made_again),
		cmocka_unit_test(a_public_log_and_its_witnesses_are_checked),
		cmocka_unit_test(the_examples_of_c2sp_are_read),
		cmocka_unit_test(signatures_are_those_of_the_rfc),
		cmocka_unit_test(written_notes_are_read_again),
		cmocka_unit_test(no_bit_can_be_changed),
		cmocka_unit_test(what_is_no_note_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
