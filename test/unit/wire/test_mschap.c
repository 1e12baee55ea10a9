/* Hashes, ciphers, MS-CHAPv2 and MPPE against the vectors of their RFCs, and MPPE over a lossy path. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "wire/mppe.h"

#include <errno.h>
#include <stdlib.h>

static void
assert_hex(const uint8_t *p, size_t n, const char *hex)
{
	assert_int_equal(strlen(hex), 2 * n);
	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], 0 };
		assert_int_equal(p[i], strtoul(two, NULL, 16));
	}
}

static void
unhex(const char *hex, uint8_t *dst)
{
	for (; hex[0] && hex[1]; hex += 2) {
		char two[3] = { hex[0], hex[1], 0 };
		*dst++ = (uint8_t)strtoul(two, NULL, 16);
	}
}

/* RFC 1320 A.5, RFC 1321 A.5, RFC 3174 7.3. */
static void
test_digests(void **state)
{
	static const struct { const char *text, *md4, *md5, *sha1; } cases[] = {
		{ "", "31d6cfe0d16ae931b73c59d7e0c089c0", "d41d8cd98f00b204e9800998ecf8427e",
		  "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abc", "a448017aaf21d8525fc10ae87aa6729d", "900150983cd24fb0d6963f7d28e17f72",
		  "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
		  "e33b4ddc9c38f2199c3e7b164fcc0536", "57edf4a22be3c955ac49da2e2107b67a",
		  "50abf5706a150990a08b2c5ea40fa0e585554732" },
	};
	uint8_t out[SHA1_SIZE];
	struct digest d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t cut = 0; cut <= strlen(cases[i].text); cut++) {
			struct str s = str_z(cases[i].text);
			md4_begin(&d);
			md4_add(&d, str_head(s, cut));
			md4_add(&d, str_from(s, cut));
			md4_end(&d, out);
			assert_hex(out, MD4_SIZE, cases[i].md4);
			md5_begin(&d);
			md5_add(&d, str_head(s, cut));
			md5_add(&d, str_from(s, cut));
			md5_end(&d, out);
			assert_hex(out, MD5_SIZE, cases[i].md5);
			sha1_begin(&d);
			sha1_add(&d, str_head(s, cut));
			sha1_add(&d, str_from(s, cut));
			sha1_end(&d, out);
			assert_hex(out, SHA1_SIZE, cases[i].sha1);
		}
	}
}

static void
test_sha1_million(void **state)
{
	char a[1000];
	struct digest d;
	uint8_t out[SHA1_SIZE];

	(void)state;
	memset(a, 'a', sizeof(a));
	sha1_begin(&d);
	for (int i = 0; i < 1000; i++)
		sha1_add(&d, str_of(a, sizeof(a)));
	sha1_end(&d, out);
	assert_hex(out, sizeof(out), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

/* RFC 2202 section 2. */
static void
test_hmac_md5(void **state)
{
	uint8_t out[MD5_SIZE];
	char key[80];

	(void)state;
	memset(key, 0x0b, 16);
	hmac_md5(str_of(key, 16), STR("Hi There"), out);
	assert_hex(out, sizeof(out), "9294727a3638bb1c13f48ef8158bfc9d");
	hmac_md5(STR("Jefe"), STR("what do ya want for nothing?"), out);
	assert_hex(out, sizeof(out), "750c783e6ab0b503eaa86e310a5db738");
	memset(key, 0xaa, sizeof(key));
	hmac_md5(str_of(key, 80), STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	assert_hex(out, sizeof(out), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
}

static void
test_rc4(void **state)
{
	static const struct { const char *key, *text, *want; } cases[] = {
		{ "Key", "Plaintext", "bbf316e8d940af0ad3" },
		{ "Wiki", "pedia", "1021bf0420" },
		{ "Secret", "Attack at dawn", "45a01f645fc35b383552544b9bf5" },
	};
	uint8_t out[32];
	struct rc4 r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = strlen(cases[i].text);
		rc4_key(&r, (const uint8_t *)cases[i].key, strlen(cases[i].key));
		rc4_crypt(&r, (const uint8_t *)cases[i].text, out, n);
		assert_hex(out, n, cases[i].want);
	}
}

/* In pieces of any size, and two key schedules at once: the same stream as byte by byte and one by one. */
static void
test_rc4_pieces(void **state)
{
	static const uint8_t keys[2][16] = { { 1, 2, 3, 255 }, { 9, 0, 7, 16, [15] = 128 } };
	uint8_t in[1500], want[1500], out[1500];
	struct rc4 one, two[2];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	for (size_t piece = 1; piece < 40; piece++) {
		rc4_key_two(&two[0], keys[0], &two[1], keys[1], 16);
		for (unsigned k = 0; k < 2; k++) {
			rc4_key(&one, keys[k], 16);
			for (size_t i = 0; i < sizeof(in); i++)
				rc4_crypt(&one, in + i, want + i, 1);
			for (size_t i = 0; i < sizeof(in); i += piece)
				rc4_crypt(&two[k], in + i, out + i, sizeof(in) - i < piece ? sizeof(in) - i : piece);
			assert_memory_equal(out, want, sizeof(in));
		}
	}
}

/* RFC 2759 section 9.2, and RFC 3079 section 3.5.3 for the keys that follow. */
static void
test_mschap_vectors(void **state)
{
	uint8_t authenticator[16], hash[16], send[16], recv[16];
	struct mschap_response r;
	char proof[MSCHAP_PROOF];

	(void)state;
	unhex("5B5D7C7D7B3F2F3E3C2C602132262628", authenticator);
	unhex("21402324255E262A28295F2B3A337C7E", r.peer_challenge);
	assert_int_equal(mschap_nt_hash(STR("clientPass"), hash), 0);
	assert_hex(hash, 16, "44EBBA8D5312B8D611474411F56989AE");
	mschap_answer(authenticator, r.peer_challenge, mschap_user(STR("FILIAL\\User")), hash, r.nt_response);
	assert_hex(r.nt_response, 24, "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF");
	mschap_proof(hash, authenticator, &r, STR("User"), proof);
	assert_memory_equal(proof, "S=407A5589115FD0D6209F510FE9C04566932CDA56", MSCHAP_PROOF);
	mschap_keys(hash, r.nt_response, true, send, recv);
	assert_hex(send, 16, "8B7CDC149B993A1BA118CB153F56DCCB");
	uint8_t client_send[16], client_recv[16];
	mschap_keys(hash, r.nt_response, false, client_send, client_recv);
	assert_memory_equal(client_recv, send, 16);
	assert_memory_equal(client_send, recv, 16);
}

static void
test_passwords(void **state)
{
	uint8_t hash[16];
	char longest[MSCHAP_PASSWORD_MAX + 2];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(mschap_nt_hash(str_of(longest, MSCHAP_PASSWORD_MAX - 1), hash), 0);
	assert_int_equal(mschap_nt_hash(str_of(longest, sizeof(longest)), hash), -EINVAL);
	assert_int_equal(mschap_nt_hash(STR("\xff"), hash), -EINVAL);
	/* "a\u0301\U0001F600" in UTF-16LE, through the MD4 that the test above has proved. */
	uint8_t want[16];
	struct digest d;
	md4_begin(&d);
	md4_add(&d, str_of("a\0\x01\x03\x3d\xd8\0\xde", 8));
	md4_end(&d, want);
	assert_int_equal(mschap_nt_hash(STR("a\xcc\x81\xf0\x9f\x98\x80"), hash), 0);
	assert_memory_equal(hash, want, 16);
}

/* RFC 3079 section 3.5.3: the first change of a 128-bit key, and what it encrypts. */
static void
test_mppe_vector(void **state)
{
	uint8_t start[16], out[64];
	struct rc4 stream;
	struct mppe m;

	(void)state;
	unhex("8B7CDC149B993A1BA118CB153F56DCCB", start);
	mppe_begin(&m, start, MPPE_128, &stream);
	assert_hex(m.session, 16, "405CB2247A7956E6E211007AE27B22D4");
	rc4_crypt(&stream, (const uint8_t *)"test message", out, 12);
	assert_hex(out, 12, "81848317DF68846272FB5ABE");
}

static const uint32_t agreed[] = {
	MPPE_128 | MPPE_STATELESS, MPPE_56 | MPPE_STATELESS, MPPE_40 | MPPE_STATELESS, MPPE_128, MPPE_56, MPPE_40,
};

/* What a lossy path lets through is read right, and the link always comes back. */
static void
test_mppe_loss(void **state)
{
	uint8_t start[16], plain[64], cipher[70], back[70];

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(agreed); k++) {
		struct mppe tx, rx;
		struct rc4 streams[2];
		uint64_t seed = k + 1;
		unsigned read = 0, lost = 0;
		memset(start, (int)k + 1, sizeof(start));
		mppe_begin(&tx, start, agreed[k], &streams[0]);
		mppe_begin(&rx, start, agreed[k], &streams[1]);
		for (unsigned i = 0; i < 20000; i++) {
			size_t n = 1 + prng_below(&seed, sizeof(plain) - 1);
			for (size_t b = 0; b < n; b++)
				plain[b] = (uint8_t)prng_next(&seed);
			size_t sent = mppe_encrypt(&tx, str_of((char *)plain, n), cipher);
			assert_int_equal(sent, n + 2);
			if (prng_below(&seed, 10) == 0) {
				lost++;
				continue;
			}
			int r = mppe_decrypt(&rx, str_of((char *)cipher, sent), back);
			if (r == -EAGAIN) {
				mppe_reset(&tx);
				lost++;
				continue;
			}
			assert_int_equal(r, n);
			assert_memory_equal(back, plain, n);
			read++;
			assert_int_equal(mppe_decrypt(&rx, str_of((char *)cipher, 2), back), -EBADMSG);
			if (agreed[k] & MPPE_STATELESS)
				assert_int_equal(mppe_decrypt(&rx, str_of((char *)cipher, sent), back), -EALREADY);
		}
		assert_int_equal(read + lost, 20000);
		assert_true(read > 12000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests), cmocka_unit_test(test_sha1_million), cmocka_unit_test(test_hmac_md5),
		cmocka_unit_test(test_rc4), cmocka_unit_test(test_rc4_pieces), cmocka_unit_test(test_mschap_vectors), cmocka_unit_test(test_passwords),
		cmocka_unit_test(test_mppe_vector), cmocka_unit_test(test_mppe_loss),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
