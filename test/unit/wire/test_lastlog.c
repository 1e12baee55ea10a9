/* lastlog and the tables of failures: round trip in every layout, recognised from wherever the first data lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/lastlog.h"

static const struct lastlog entry = {
	.time_s = 1700000000, .line = STR_INIT("pts/3"), .host = STR_INIT("gw.example.com"),
};

static struct lastlog
entry_for(enum lastlog_layout l)
{
	struct lastlog e = entry;

	if (lastlog_is_fails(l)) {
		e.fails = 3;
		e.host = l >= TALLYLOG_LE ? e.host : STR_NULL;
		e.line = l >= TALLYLOG_LE ? STR_NULL : e.line;
	}
	return e;
}

static void
test_round_trip(void **state)
{
	static const size_t sizes[] = { 292, 292, 296, 296, 24, 32, 32, 64, 64 };

	for (enum lastlog_layout l = 0; l < LASTLOG_LAYOUTS; l++) {
		uint8_t once[LASTLOG_SIZE_MAX], again[LASTLOG_SIZE_MAX];
		struct lastlog e = entry_for(l), back;
		struct str bytes = str_of((char *)once, lastlog_size(l));

		assert_int_equal(lastlog_size(l), sizes[l]);
		lastlog_write(l, &e, once);
		lastlog_read(l, bytes, &back);
		assert_int_equal(back.time_s, e.time_s);
		assert_int_equal(back.fails, e.fails);
		assert_true(str_eq(back.line, e.line) && str_eq(back.host, e.host));
		assert_true(lastlog_plausible(l, bytes));
		lastlog_write(l, &back, again);
		assert_memory_equal(once, again, lastlog_size(l));
	}
}

/* The file is sparse: what is read first is a page in the middle of it, cut out of step with the records. */
static void
test_found_in_the_middle(void **state)
{
	static char page[16384];

	for (enum lastlog_layout l = 0; l < LASTLOG_LAYOUTS; l++) {
		const uint64_t uid = 65534, size = lastlog_size(l), page_at = uid * size / 4096 * 4096;
		struct lastlog e = entry_for(l);
		enum lastlog_layout found;

		memset(page, 0, sizeof(page));
		lastlog_write(l, &e, (uint8_t *)page + (uid * size - page_at));
		lastlog_write(l, &e, (uint8_t *)page + (uid * size + size - page_at));
		assert_int_equal(lastlog_detect(str_of(page, sizeof(page)), page_at, lastlog_is_fails(l), &found), 0);
		assert_int_equal(found, l);
	}
}

static void
test_other_files_are_refused(void **state)
{
	static char page[4096];
	enum lastlog_layout l;

	assert_int_equal(lastlog_detect(str_of(page, sizeof(page)), 0, false, &l), -2);
	memset(page, 'x', sizeof(page));
	assert_int_equal(lastlog_detect(str_of(page, sizeof(page)), 0, false, &l), -2);
	assert_int_equal(lastlog_detect(str_of(page, sizeof(page)), 0, true, &l), -2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_found_in_the_middle),
		cmocka_unit_test(test_other_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
