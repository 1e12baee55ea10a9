/* RADIUS beside the examples of RFC 2865 section 7, what is proved and what is forged, and damage at every byte. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "wire/legacy.h"
#include "wire/radius.h"

#include <stdlib.h>

static const struct str secret = STR_INIT("xyzzy5461");
/* Section 7.1: nemo logs in on port 3 with the password arctangent. */
static const uint8_t request[] = {
	0x01, 0x00, 0x00, 0x38, 0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57, 0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a,
	0x01, 0x06, 0x6e, 0x65, 0x6d, 0x6f, 0x02, 0x12, 0x0d, 0xbe, 0x70, 0x8d, 0x93, 0xd4, 0x13, 0xce, 0x31, 0x96, 0xe4, 0x3f,
	0x78, 0x2a, 0x0a, 0xee, 0x04, 0x06, 0xc0, 0xa8, 0x01, 0x10, 0x05, 0x06, 0x00, 0x00, 0x00, 0x03,
};
static const uint8_t accept_nemo[] = {
	0x02, 0x00, 0x00, 0x26, 0x86, 0xfe, 0x22, 0x0e, 0x76, 0x24, 0xba, 0x2a, 0x10, 0x05, 0xf6, 0xbf, 0x9b, 0x55, 0xe0, 0xb2,
	0x06, 0x06, 0x00, 0x00, 0x00, 0x01, 0x0f, 0x06, 0x00, 0x00, 0x00, 0x00, 0x0e, 0x06, 0xc0, 0xa8, 0x01, 0x03,
};

static struct str
bytes(const uint8_t *p, size_t n)
{
	return str_of((const char *)p, n);
}

static void
the_example_is_written(void **state)
{
	uint8_t room[RADIUS_MAX];
	struct enc e = enc_of(room, sizeof(room));

	(void)state;
	radius_begin(&e, RADIUS_ACCESS_REQUEST, 0, request + 4, false);
	radius_put(&e, RADIUS_USER_NAME, STR("nemo"));
	radius_put_password(&e, STR("arctangent"), secret, request + 4);
	radius_put_number(&e, RADIUS_NAS_ADDRESS, 0xc0a80110);
	radius_put_number(&e, RADIUS_NAS_PORT, 3);
	assert_int_equal(radius_end_access(&e, secret), sizeof(request));
	assert_memory_equal(room, request, sizeof(request));
}

static void
the_example_is_read(void **state)
{
	struct radius_packet p;
	struct str v;

	(void)state;
	assert_int_equal(radius_read(bytes(accept_nemo, sizeof(accept_nemo)), &p), 0);
	assert_int_equal(p.code, RADIUS_ACCESS_ACCEPT);
	assert_true(radius_find(&p, 0, 14, &v) && radius_number(v) == 0xc0a80103);
	assert_true(radius_answer_is_good(&p, request + 4, secret, false));
	assert_false(radius_answer_is_good(&p, request + 4, STR("xyzzy5462"), false));
	/* It carries no Message-Authenticator: to us it proves nothing. */
	assert_false(radius_answer_is_good(&p, request + 4, secret, true));
}

/* A packet of each kind, proved. */
static size_t
write_answer(uint8_t room[RADIUS_MAX], bool proved)
{
	struct enc e = enc_of(room, RADIUS_MAX);

	radius_begin(&e, RADIUS_ACCESS_ACCEPT, 7, request + 4, proved);
	radius_put_number(&e, RADIUS_FRAMED_ADDRESS, 0x0a090007);
	radius_put_vendor(&e, RADIUS_MICROSOFT, RADIUS_MS_SUCCESS2, STR("\1S=00112233445566778899AABBCCDDEEFF00112233"));
	radius_put_vendor(&e, RADIUS_WISPR, RADIUS_WISPR_DOWN, STR("\0\0\x10\0"));
	return radius_end_answer(&e, secret, request + 4);
}

static void
one_changed_bit_is_seen(void **state)
{
	uint8_t room[RADIUS_MAX];
	size_t n = write_answer(room, true);
	struct radius_packet p;
	struct str v;

	(void)state;
	assert_int_equal(radius_read(bytes(room, n), &p), 0);
	assert_true(radius_answer_is_good(&p, request + 4, secret, true));
	assert_true(radius_find(&p, RADIUS_MICROSOFT, RADIUS_MS_SUCCESS2, &v) && v.n == 43);
	assert_true(radius_find(&p, RADIUS_WISPR, RADIUS_WISPR_DOWN, &v) && radius_number(v) == 0x1000);
	assert_false(radius_find(&p, 0, RADIUS_MS_SUCCESS2, &v));
	for (size_t bit = 0; bit < n * 8; bit++) {
		room[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (radius_read(bytes(room, n), &p) == 0)
			assert_false(radius_answer_is_good(&p, request + 4, secret, true));
		room[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* BlastRADIUS needs an answer without its proof, or with one that nobody checks. */
static void
the_second_proof_counts_alone(void **state)
{
	uint8_t room[RADIUS_MAX];
	size_t n = write_answer(room, true);
	struct enc e = enc_of(room, sizeof(room));
	struct radius_packet p;

	(void)state;
	room[RADIUS_HEAD + 2] ^= 1;
	e.n = n;
	/* The first proof is made anew over the damage, as a collision would. */
	room[RADIUS_HEAD] = 79;
	assert_int_equal(radius_end_answer(&e, secret, request + 4), n);
	assert_int_equal(radius_read(bytes(room, n), &p), 0);
	assert_true(radius_answer_is_good(&p, request + 4, secret, false));
	assert_false(radius_answer_is_good(&p, request + 4, secret, true));
}

static void
requests_to_us(void **state)
{
	static const uint8_t none[RADIUS_AUTHENTICATOR];
	uint8_t room[RADIUS_MAX];
	struct radius_packet p;

	(void)state;
	for (int proved = 0; proved < 2; proved++) {
		struct enc e = enc_of(room, sizeof(room));
		radius_begin(&e, RADIUS_DISCONNECT, 9, none, proved);
		radius_put(&e, RADIUS_SESSION_ID, STR("abc"));
		size_t n = radius_end_request(&e, secret);
		assert_int_equal(radius_read(bytes(room, n), &p), 0);
		assert_true(radius_request_is_good(&p, secret));
		assert_false(radius_request_is_good(&p, STR("other")));
		room[n - 1] ^= 1;
		assert_int_equal(radius_read(bytes(room, n), &p), 0);
		assert_false(radius_request_is_good(&p, secret));
	}
}

/* RFC 2548 section 2.4.2 backwards: what a server writes. */
static size_t
hide_key(const uint8_t *key, size_t n, uint8_t out[50])
{
	size_t size = (n + 1 + MD5_SIZE - 1) / MD5_SIZE * MD5_SIZE;
	uint8_t plain[48] = { (uint8_t)n }, mask[MD5_SIZE];
	struct digest d;

	memcpy(plain + 1, key, n);
	out[0] = 0x80;
	out[1] = 0x17;
	for (size_t at = 0; at < size; at += MD5_SIZE) {
		md5_begin(&d);
		md5_add(&d, secret);
		md5_add(&d, bytes(at ? out + 2 + at - MD5_SIZE : request + 4, MD5_SIZE));
		md5_add(&d, bytes(out, at ? 0 : 2));
		md5_end(&d, mask);
		for (size_t i = 0; i < MD5_SIZE; i++)
			out[2 + at + i] = plain[at + i] ^ mask[i];
	}
	return size + 2;
}

static void
keys(void **state)
{
	static const uint8_t key[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	uint8_t hidden[50], got[32];
	size_t n = hide_key(key, sizeof(key), hidden);

	(void)state;
	assert_int_equal(n, 34);
	assert_int_equal(radius_key(bytes(hidden, n), secret, request + 4, got), 16);
	assert_memory_equal(got, key, sizeof(key));
	assert_true(radius_key(bytes(hidden, 17), secret, request + 4, got) < 0);
	assert_true(radius_key(bytes(hidden, 33), secret, request + 4, got) < 0);
	hidden[2] ^= 0x80;
	assert_true(radius_key(bytes(hidden, n), secret, request + 4, got) < 0);
}

static void
damage_stays_inside(void **state)
{
	uint8_t room[RADIUS_MAX];
	size_t n = write_answer(room, true);
	uint64_t seed = 1;
	struct radius_packet p;
	struct radius_value v;

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = malloc(cut + 1);
		assert_non_null(exact);
		memcpy(exact, room, cut);
		assert_true(radius_read(bytes(exact, cut), &p) < 0);
		free(exact);
	}
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t copy[RADIUS_MAX];
		memcpy(copy, room, n);
		for (unsigned k = 0; k < 3; k++)
			copy[prng_below(&seed, n)] = (uint8_t)prng_next(&seed);
		if (radius_read(bytes(copy, n), &p) < 0)
			continue;
		struct radius_walk w = radius_walk(&p);
		size_t total = 0;
		while (radius_next(&w, &v))
			total += v.value.n + 2;
		assert_true(total <= p.attributes.n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_is_written), cmocka_unit_test(the_example_is_read),
		cmocka_unit_test(one_changed_bit_is_seen), cmocka_unit_test(the_second_proof_counts_alone),
		cmocka_unit_test(requests_to_us), cmocka_unit_test(keys), cmocka_unit_test(damage_stays_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
