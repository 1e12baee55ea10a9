/* The book of changes: its steps, its text, and a machine that loses power at any moment. */
#include <errno.h>
#include <stdio.h>

#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "gate/change.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define BOOT STR("boot-one")

static const struct change_by by = { .hash = HASH, .who = STR_INIT("root"), .from = STR_INIT("192.0.2.7") };

static struct change_now
at(int64_t s)
{
	return (struct change_now){ .wall_us = 1700000000000000 + s * 1000000, .boot_us = s * 1000000, .boot_id = BOOT };
}

static void
adopted(struct change_book *b, struct arena *a)
{
	struct change_now now = at(0);

	assert_int_equal(change_parse(b, a, STR_NULL), 0);
	assert_int_equal(change_adopt(b, &now, &by), 1);
}

static void
test_confirmed(void **state)
{
	struct arena a = { 0 };
	struct change_book b;
	struct change_now t1 = at(1), t2 = at(120), t3 = at(500);

	adopted(&b, &a);
	assert_int_equal(change_begin(&b, &t1, &by, CHANGE_CONFIRM_US), 2);
	assert_int_equal(change_runs(&b, &t2), 2);
	assert_int_equal(b.boots, 1);
	assert_int_equal(change_begin(&b, &t2, &by, CHANGE_CONFIRM_US), -EBUSY);
	assert_int_equal(change_confirm(&b, &t2, STR("seen")), 0);
	assert_int_equal(b.boots, 2);
	assert_int_equal(change_runs(&b, &t3), 2);
	assert_int_equal(change_confirm(&b, &t3, STR("seen")), -ENOENT);
	assert_int_equal(change_before(&b)->number, 1);
	arena_free(&a);
}

static void
test_not_confirmed_in_time(void **state)
{
	struct arena a = { 0 };
	struct change_book b;
	struct change_now t1 = at(1), late = at(121);

	adopted(&b, &a);
	assert_int_equal(change_begin(&b, &t1, &by, CHANGE_CONFIRM_US), 2);
	assert_int_equal(change_runs(&b, &late), 1);
	assert_int_equal(change_confirm(&b, &late, STR("too late")), -ETIME);
	assert_int_equal(b.boots, 1);
	assert_int_equal(b.pending, 0);
	assert_int_equal(change_of(&b, 2)->fate, CHANGE_ROLLED_BACK);
	assert_null(change_before(&b));
	arena_free(&a);
}

static void
test_another_boot_ends_it(void **state)
{
	struct arena a = { 0 };
	struct change_book b;
	struct change_now t1 = at(1), reborn = { .wall_us = 1, .boot_us = 1, .boot_id = STR("boot-two") };

	adopted(&b, &a);
	assert_int_equal(change_begin(&b, &t1, &by, CHANGE_CONFIRM_US), 2);
	assert_int_equal(change_runs(&b, &reborn), 1);
	assert_true(change_settle(&b, &reborn));
	assert_false(change_settle(&b, &reborn));
	assert_int_equal(change_begin(&b, &reborn, &by, CHANGE_CONFIRM_US), 3);
	arena_free(&a);
}

static void
test_nothing_begins_without_something_to_go_back_to(void **state)
{
	struct arena a = { 0 };
	struct change_book b;
	struct change_now now = at(0);

	assert_int_equal(change_parse(&b, &a, STR_NULL), 0);
	assert_int_equal(change_begin(&b, &now, &by, 1), -ENOENT);
	assert_int_equal(change_runs(&b, &now), 0);
	assert_int_equal(change_adopt(&b, &now, &by), 1);
	assert_int_equal(change_adopt(&b, &now, &by), -EEXIST);
	arena_free(&a);
}

static void
test_the_one_that_boots_is_never_forgotten(void **state)
{
	struct arena a = { 0 };
	struct change_book b;

	adopted(&b, &a);
	for (int i = 1; i < 3 * CHANGE_KEPT_MAX; i++) {
		struct change_now now = at(i);

		assert_int_equal(change_begin(&b, &now, &by, CHANGE_CONFIRM_US), i + 1);
		assert_int_equal(change_roll_back(&b, &now, STR("no")), 0);
		assert_non_null(change_of(&b, 1));
	}
	assert_int_equal(b.nchanges, CHANGE_KEPT_MAX);
	arena_free(&a);
}

static void
test_bad_books_are_refused(void **state)
{
	static const char *const bad[] = {
		"", /* an empty book is good */
		"boots 1; pending 1 5 \"x\"; change 1 confirmed 1 2 " HASH " a b c;",
		"boots 1; change 1 pending 1 2 " HASH " a b c;",
		"boots 2; change 1 confirmed 1 2 " HASH " a b c;",
		"boots 1; change 1 confirmed 1 2 short a b c;",
		"boots 1; change 1 confirmed 1 2 " HASH " a b c; change 1 confirmed 1 2 " HASH " a b c;",
		"boots 1; change 1 confirmed -1 2 " HASH " a b c;",
		"boots 1; change 1 lost 1 2 " HASH " a b c;",
		"boots 1; change 1 confirmed 1 2 " HASH " a b c",
		"nonsense;",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct arena a = { 0 };
		struct change_book b;

		if (change_parse(&b, &a, str_z(bad[i])) != (i == 0 ? 0 : -EBADMSG))
			fail_msg("taken: %s", bad[i]);
		arena_free(&a);
	}
}

static void
test_only_a_new_connection_counts(void **state)
{
	struct str known = STR("192.0.2.7:50000 198.51.100.1:22\n[2001:db8::1]:40000 [2001:db8::2]:22\n");

	assert_false(change_is_new_connection(known, STR("192.0.2.7:50000 198.51.100.1:22")));
	assert_false(change_is_new_connection(known, STR("[2001:db8::1]:40000 [2001:db8::2]:22")));
	assert_true(change_is_new_connection(known, STR("192.0.2.7:50001 198.51.100.1:22")));
	assert_true(change_is_new_connection(STR_NULL, STR("192.0.2.7:50001 198.51.100.1:22")));
}

/*
 * A disk that holds one book, and a machine that may be cut off before or after any writing, and may wake up in
 * another boot. What boots was always confirmed; what runs is what boots or waits with time left.
 */
static void
test_any_order_of_steps_and_cuts(void **state)
{
	uint64_t seed = 11;
	struct buf disk = BUF_INIT(CHANGE_BOOK_MAX), text = BUF_INIT(CHANGE_BOOK_MAX);
	char boot_id[16] = "b0";
	bool confirmed[4096] = { false };
	int64_t s = 0;
	int boots = 0;

	for (int i = 0; i < 3000; i++) {
		struct arena a = { 0 };
		struct change_book b;
		struct change_now now;
		uint32_t before;
		int n = 0, step = (int)prng_below(&seed, 6);

		s += (int64_t)prng_below(&seed, 60);
		now = at(s);
		now.boot_id = str_z(boot_id);
		assert_int_equal(change_parse(&b, &a, buf_str(&disk)), 0);
		before = b.pending;
		if (step == 0)
			n = change_adopt(&b, &now, &by);
		else if (step <= 2)
			n = change_begin(&b, &now, &by, CHANGE_CONFIRM_US);
		else if (step == 3)
			n = change_confirm(&b, &now, STR("a \"quoted\" \\ reason\n")) == 0 ? (int)before : -1;
		else if (step == 4)
			(void)change_settle(&b, &now);
		else
			assert_int_equal(change_roll_back(&b, &now, STR("no")), before ? 0 : -ENOENT);
		buf_reset(&text);
		change_write(&b, &text);
		assert_true(buf_ok(&text));
		if (prng_below(&seed, 4) > 0) {
			/* The writing got through. */
			buf_reset(&disk);
			buf_add(&disk, buf_str(&text));
			if (n > 0 && (step == 0 || step == 3))
				confirmed[n] = true;
		} else {
			snprintf(boot_id, sizeof(boot_id), "b%d", ++boots);
			s = 0;
		}
		arena_free(&a);
		assert_int_equal(change_parse(&b, &a, buf_str(&disk)), 0);
		now = at(s);
		now.boot_id = str_z(boot_id);
		assert_true(b.boots == 0 || confirmed[b.boots]);
		assert_true(change_runs(&b, &now) == b.boots || change_left_us(&b, &now) > 0);
		buf_reset(&text);
		change_write(&b, &text);
		assert_true(str_eq(buf_str(&text), buf_str(&disk)) || disk.n == 0);
		arena_free(&a);
	}
	assert_true(boots > 100);
	buf_free(&disk);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confirmed),
		cmocka_unit_test(test_not_confirmed_in_time),
		cmocka_unit_test(test_another_boot_ends_it),
		cmocka_unit_test(test_nothing_begins_without_something_to_go_back_to),
		cmocka_unit_test(test_the_one_that_boots_is_never_forgotten),
		cmocka_unit_test(test_bad_books_are_refused),
		cmocka_unit_test(test_only_a_new_connection_counts),
		cmocka_unit_test(test_any_order_of_steps_and_cuts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
