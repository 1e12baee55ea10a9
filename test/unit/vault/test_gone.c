/* What stays of deleted lines: enough to make the tree whole again, and nothing else. */
#include "../base/cmocka_std.h"

#include <errno.h>


#include "vault/gone.h"
#include "vault/segment_key.h"

#define LINES 1000

static struct digest
leaf(uint64_t i)
{
	const struct str s = str_of((const char *)&i, sizeof(i));

	return digest_of(&s, 1);
}

static struct tree
grown(uint64_t n)
{
	struct tree t = { .size = 0 };

	for (uint64_t i = 0; i < n; i++) {
		struct digest d = leaf(i);
		tree_add(&t, &d);
	}
	return t;
}

static struct gone
made(uint64_t first, uint64_t end)
{
	struct gone_maker m;
	struct gone g;

	gone_begin(&m, &g, first, end, 5000);
	for (uint64_t i = first; i < end; i++) {
		struct digest d = leaf(i);
		gone_add(&m, &d);
	}
	return g;
}

static void
the_tree_is_whole_again(void **state)
{
	struct tree whole = grown(LINES);
	struct digest want = tree_root(&whole);

	for (uint64_t first = 0; first < 70; first += 3)
		for (uint64_t end = first + 1; end < LINES; end += 41) {
			struct gone g = made(first, end), again;
			struct tree t = grown(first);
			struct buf text = BUF_INIT(GONE_TEXT_MAX);

			gone_show(&g, &text);
			assert_int_equal(gone_read(buf_str(&text), &again), 0);
			gone_add_to(&again, &t);
			for (uint64_t i = end; i < LINES; i++) {
				struct digest d = leaf(i);
				tree_add(&t, &d);
			}
			struct digest root = tree_root(&t);
			assert_true(digest_eq(&root, &want));
			buf_free(&text);
		}
}

static void
a_changed_text_is_another_or_none(void **state)
{
	struct gone g = made(3, 900), again;
	struct buf text = BUF_INIT(GONE_TEXT_MAX), shown = BUF_INIT(GONE_TEXT_MAX);

	gone_show(&g, &text);
	for (size_t i = 0; i < text.n; i++) {
		text.p[i] ^= 1;
		if (gone_read(buf_str(&text), &again) == 0) {
			buf_reset(&shown);
			gone_show(&again, &shown);
			assert_true(str_eq(buf_str(&shown), buf_str(&text)));
		}
		text.p[i] ^= 1;
	}
	assert_int_equal(gone_read(str_head(buf_str(&text), text.n - 1), &again), 0);
	assert_int_equal(gone_read(str_head(buf_str(&text), text.n - 50), &again), -EBADMSG);
	buf_free(&text);
	buf_free(&shown);
}

static void
orders_are_read_as_they_are_said(void **state)
{
	struct gone_order o;

	assert_int_equal(gone_order_read(STR("<45>1 2026-11-22T05:00:00Z h guarita 1 - - vault.erase index=17 by=\"ana\" "
	    "reason=\"she said \\\"please\\\"\""), &o), 0);
	assert_true(o.first == 17 && o.end == 18 && !o.by_rule && str_eq(o.who, STR("ana")));
	assert_true(str_eq(o.why, STR("she said \\\"please\\\"")));
	assert_int_equal(gone_order_read(STR("<45>1 2026-11-22T05:00:00Z h guarita 1 - - vault.expire first=0 end=90 lines=4 "
	    "rule=\"squid 180d\""), &o), 0);
	assert_true(o.first == 0 && o.end == 90 && o.by_rule && str_eq(o.why, STR("squid 180d")));
	assert_int_equal(gone_order_read(STR("<45>1 - h guarita 1 - - vault.opened size=4"), &o), -EINVAL);
	assert_int_equal(gone_order_read(STR("<45>1 - h guarita 1 - - vault.erase index=x by=\"ana\" reason=\"\""), &o), -EINVAL);
	assert_int_equal(gone_order_read(STR(""), &o), -EINVAL);
}

static void
a_key_is_wrapped_under_one_master(void **state)
{
	uint8_t master[BLOB_KEY_BYTES] = { 1 }, other[BLOB_KEY_BYTES] = { 2 }, key[BLOB_KEY_BYTES], back[BLOB_KEY_BYTES];
	uint8_t wrapped[SEGMENT_KEY_WRAPPED];

	memset(key, 0x5a, sizeof(key));
	assert_int_equal(segment_key_wrap(master, key, wrapped), 0);
	struct str kept = str_of((const char *)wrapped, sizeof(wrapped));
	assert_int_equal(segment_key_unwrap(master, kept, back), 0);
	assert_memory_equal(key, back, sizeof(key));
	assert_int_equal(segment_key_unwrap(other, kept, back), -EBADMSG);
	assert_int_equal(segment_key_unwrap(master, str_head(kept, 39), back), -EBADMSG);
	for (size_t i = 0; i < sizeof(wrapped); i++) {
		wrapped[i] ^= 8;
		assert_int_equal(segment_key_unwrap(master, kept, back), -EBADMSG);
		wrapped[i] ^= 8;
	}
}

/* RFC 3394 section 4.6: 256 bits of key data with a 256-bit key. */
static void
wrapping_agrees_with_the_rfc(void **state)
{
	static const uint8_t want[SEGMENT_KEY_WRAPPED] = {
		0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4, 0xcb, 0xcc, 0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26, 0x3f, 0x57, 0x86, 0xe2,
		0xd8, 0x0e, 0xd3, 0x26, 0xcb, 0xc7, 0xf0, 0xe7, 0x1a, 0x99, 0xf4, 0x3b, 0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21,
	};
	static const uint8_t half[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	uint8_t master[BLOB_KEY_BYTES], key[BLOB_KEY_BYTES], got[SEGMENT_KEY_WRAPPED];

	for (uint8_t i = 0; i < BLOB_KEY_BYTES; i++)
		master[i] = i;
	memcpy(key, half, 16);
	for (uint8_t i = 0; i < 16; i++)
		key[16 + i] = i;
	assert_int_equal(segment_key_wrap(master, key, got), 0);
	assert_memory_equal(got, want, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_is_whole_again),
		cmocka_unit_test(a_changed_text_is_another_or_none),
		cmocka_unit_test(orders_are_read_as_they_are_said),
		cmocka_unit_test(a_key_is_wrapped_under_one_master),
		cmocka_unit_test(wrapping_agrees_with_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
