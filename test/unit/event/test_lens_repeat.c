/* Repeat markers: counted, capped, and not seen where they are only talked about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "event/lens.h"
#include "event/repeat.h"

static const struct row {
	const char *line;
	enum repeat_form form;
	uint32_t repeat;
	const char *message;
} rows[] = {
	{ "Feb 10 15:23:01 gw last message repeated 3 times", REPEAT_PREVIOUS, 3, "last message repeated 3 times" },
	{ "Feb 10 15:23:01 last message repeated 1 time", REPEAT_PREVIOUS, 1, "last message repeated 1 time" },
	{ "Feb 10 15:23:01 --- last message repeated 2 times ---", REPEAT_PREVIOUS, 2, "--- last message repeated 2 times ---" },
	{ "Feb 10 15:23:01 gw sshd[1]: message repeated 5 times: [ Failed password for root from 192.0.2.1 port 1 ssh2]",
	    REPEAT_INNER, 5, "Failed password for root from 192.0.2.1 port 1 ssh2" },
	{ "Feb 10 15:23:01 gw last message repeated 99999999999 times", REPEAT_PREVIOUS, REPEAT_MAX,
	    "last message repeated 99999999999 times" },
	{ "Feb 10 15:23:01 gw last message repeated 0 times", REPEAT_NONE, 1, "last message repeated 0 times" },
	{ "Feb 10 15:23:01 gw a: user 'last message repeated 9 times'", REPEAT_NONE, 1, "user 'last message repeated 9 times'" },
	{ "Feb 10 15:23:01 gw a: last message repeated 9 times by someone else", REPEAT_NONE, 1,
	    "last message repeated 9 times by someone else" },
	{ "Feb 10 15:23:01 gw a: message repeated 9 times", REPEAT_NONE, 1, "message repeated 9 times" },
	{ "Feb 10 15:23:01 gw a: message repeated 9 times: [ cut", REPEAT_NONE, 1, "message repeated 9 times: [ cut" },
};

static void
test_repeats(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct lens_opts o = { .place = STR("x"), .anchor_us = INT64_C(1718000000) * WHEN_SECOND };
	struct lens *l = lens_new(z, &o);
	(void)state;
	assert_non_null(l);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct record r;
		record_begin(&r, str_z(rows[i].line), NULL, WHEN_NONE);
		lens_read(l, &r);
		enum repeat_form form = repeat_read(&r);
		if (form != rows[i].form || r.repeat != rows[i].repeat ||
		    !str_eq(record_text(&r, r.message), str_z(rows[i].message)))
			fail_msg("%s: form %d, %u times, '%.*s'", rows[i].line, form, r.repeat,
			    STR_FMT(record_text(&r, r.message)));
	}
	lens_free(l);
	zone_book_free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_repeats) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
