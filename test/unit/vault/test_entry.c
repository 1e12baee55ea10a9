/* Entries: one form for each, exact round trips, and nothing accepted that encode would not write. */
#include "../base/cmocka_std.h"

#include <errno.h>
#include <stdlib.h>

#include "vault/entry.h"


static const uint8_t nonce[VAULT_NONCE_BYTES] = "0123456789abcdef";

static const struct vault_entry sample = {
	.index = 7,
	.recv_ns = 1700000000123456789,
	.source = STR_INIT("udp 192.0.2.1"),
	.transport = VAULT_UDP,
	.flags = VAULT_CUT,
	.raw = STR_INIT("<34>Oct 11 22:14:15 mymachine su: 'su root' failed\0 for lonvick"),
};

static struct str
encoded(const struct vault_entry *e, uint8_t *dst, size_t size)
{
	struct enc out = enc_of(dst, size);

	vault_entry_encode(e, &out);
	assert_true(enc_ok(&out));
	assert_int_equal(out.n, vault_entry_bytes(e));
	return str_of((const char *)dst, out.n);
}

static void
the_form_is_fixed(void **state)
{
	static const char head[] = "\x01\x02\x02\x00\x0d\x17\x97\x9c\xfe\x3d\x85\xcd\x15udp 192.0.2.1<34>";
	uint8_t bytes[256];
	struct str got = encoded(&sample, bytes, sizeof(bytes));

	assert_memory_equal(got.p, head, sizeof(head) - 1);
}

static void
comes_back_as_it_was(void **state)
{
	uint8_t bytes[256];
	struct str got = encoded(&sample, bytes, sizeof(bytes));
	struct vault_entry back;

	assert_int_equal(vault_entry_decode(got, 7, &back), 0);
	assert_int_equal(back.index, 7);
	assert_true(back.recv_ns == sample.recv_ns);
	assert_int_equal(back.transport, VAULT_UDP);
	assert_int_equal(back.flags, VAULT_CUT);
	assert_true(str_eq(back.source, sample.source));
	assert_true(str_eq(back.raw, sample.raw));
}

static void
nothing_else_is_accepted(void **state)
{
	uint8_t bytes[256];
	struct str got = encoded(&sample, bytes, sizeof(bytes));
	struct vault_entry back = { .index = 99 };

	for (size_t n = 0; n < VAULT_RECORD_HEAD + sample.source.n; n++)
		assert_int_equal(vault_entry_decode(str_head(got, n), 0, &back), -EBADMSG);
	bytes[0] = 2;
	assert_int_equal(vault_entry_decode(got, 0, &back), -EBADMSG);
	bytes[0] = 1;
	bytes[1] = VAULT_TRANSPORTS;
	assert_int_equal(vault_entry_decode(got, 0, &back), -EBADMSG);
	bytes[1] = VAULT_UDP;
	bytes[2] = VAULT_ERASED;
	assert_int_equal(vault_entry_decode(got, 0, &back), -EBADMSG);
	assert_int_equal(back.index, 99);
}

static void
the_longest_fits_a_bundle(void **state)
{
	uint8_t *bytes = calloc(1, 65535);
	struct vault_entry e = { .source = str_of((char *)bytes, VAULT_SOURCE_MAX) };
	struct enc out;

	assert_non_null(bytes);
	e.raw = str_of((char *)bytes, VAULT_RAW_MAX);
	assert_true(vault_entry_valid(&e));
	assert_int_equal(vault_entry_bytes(&e) + VAULT_NONCE_BYTES, 65535);
	e.raw.n++;
	assert_false(vault_entry_valid(&e));
	e.raw.n = 10;
	out = enc_of(bytes, VAULT_RECORD_HEAD + VAULT_SOURCE_MAX + 9);
	e.source.p = e.raw.p = "";
	e.source.n = 0;
	e.raw.n = 0;
	vault_entry_encode(&e, &out);
	assert_int_equal(out.n, VAULT_RECORD_HEAD);
	free(bytes);
}

/* The leaf is computed over pieces where the entry is at hand and over bytes where they are: one value. */
static void
both_ways_to_the_leaf_agree(void **state)
{
	uint8_t bytes[256];
	struct str got = encoded(&sample, bytes, sizeof(bytes));
	struct digest a = vault_leaf(nonce, got), b = vault_entry_leaf(&sample, nonce);
	struct vault_entry erased = { .index = 7, .flags = VAULT_ERASED, .raw = digest_str(&a) };
	struct digest kept = vault_entry_leaf(&erased, nonce);

	assert_true(digest_eq(&a, &b));
	assert_true(digest_eq(&a, &kept));
	bytes[got.n - 1] ^= 1;
	b = vault_leaf(nonce, got);
	assert_false(digest_eq(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_form_is_fixed),
		cmocka_unit_test(comes_back_as_it_was),
		cmocka_unit_test(nothing_else_is_accepted),
		cmocka_unit_test(the_longest_fits_a_bundle),
		cmocka_unit_test(both_ways_to_the_leaf_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
