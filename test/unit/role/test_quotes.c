/* The ring of quoted lines: what is given back is what was put in, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "role/watch/quotes.h"

static struct str
text_of(char dst[64], uint64_t ref)
{
	int n = snprintf(dst, 64, "line number %llu", (unsigned long long)ref);

	return str_of(dst, (size_t)n);
}

static void
test_newest_are_there_and_older_are_never_wrong(void **state)
{
	struct quotes *q = quotes_new(4096);
	char text[64];
	struct str got;
	unsigned found = 0;

	(void)state;
	for (uint64_t ref = 1; ref <= 5000; ref++)
		quotes_add(q, ref, text_of(text, ref));
	for (uint64_t ref = 1; ref <= 5000; ref++)
		if (quotes_get(q, ref, &got)) {
			assert_true(str_eq(got, text_of(text, ref)));
			found++;
		}
	assert_true(found > 4096 / 32 && found < 4096 / 12);
	assert_true(quotes_get(q, 5000, &got));
	assert_false(quotes_get(q, 1, &got));
	assert_false(quotes_get(q, 5001, &got));
	quotes_free(q);
}

static void
test_long_lines_are_quoted_in_part(void **state)
{
	struct quotes *q = quotes_new(4096);
	static char line[10000];
	struct str got;

	(void)state;
	memset(line, 'x', sizeof(line));
	quotes_add(q, 9, str_of(line, sizeof(line)));
	assert_true(quotes_get(q, 9, &got));
	assert_int_equal(got.n, QUOTE_BYTES_MAX);
	quotes_free(q);
}

static void
test_what_counts_is_quoted_over_a_restart(void **state)
{
	struct quotes *q = quotes_new(4096), *again = quotes_new(4096);
	struct buf saved = BUF_INIT(1u << 20);
	char text[100];
	struct cur in;
	struct str got;

	(void)state;
	for (uint64_t ref = 1; ref <= 20; ref++)
		quotes_add(q, ref, text_of(text, ref));
	quotes_mark(q, 7);
	quotes_mark(q, 7);
	quotes_mark(q, 15);
	quotes_mark(q, 5000);
	quotes_save(q, &saved);
	in = cur_of(str_head(buf_str(&saved), saved.n - 1));
	assert_false(quotes_load(again, &in));
	in = cur_of(buf_str(&saved));
	assert_true(quotes_load(again, &in));
	assert_int_equal(in.n, 0);
	assert_true(quotes_get(again, 7, &got));
	assert_true(str_eq(got, text_of(text, 7)));
	assert_true(quotes_get(again, 15, &got));
	assert_false(quotes_get(again, 8, &got));
	/* Saved once: what is not marked again is not needed any more. */
	buf_reset(&saved);
	quotes_save(q, &saved);
	assert_int_equal(saved.n, 12);
	quotes_free(q);
	quotes_free(again);
	buf_free(&saved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_are_there_and_older_are_never_wrong),
		cmocka_unit_test(test_what_counts_is_quoted_over_a_restart),
		cmocka_unit_test(test_long_lines_are_quoted_in_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
