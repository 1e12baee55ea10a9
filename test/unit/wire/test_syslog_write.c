/* Lines in the forms that other syslog hosts expect. */
#include "../base/cmocka_std.h"

#include "base/when.h"
#include "wire/syslog_write.h"

static const char *
written(const char *raw, enum syslog_style style, struct buf *out)
{
	struct syslog_line l;

	syslog_line_read(str_z(raw), SYSLOG_EXPECTED, &l);
	l.host = STR("fallback");
	l.received_us = 1767323045 * WHEN_SECOND;
	l.offset_min = -180;
	buf_reset(out);
	syslog_write(&l, style, out);
	return buf_cstr(out);
}

static void
lines_keep_their_form_or_get_one(void **state)
{
	struct buf out = BUF_INIT(8192);

	assert_string_equal(written("<34>Oct 11 22:14:15 mymachine su: 'su root' failed", SYSLOG_AS_RFC3164, &out),
	    "<34>Oct 11 22:14:15 mymachine su: 'su root' failed");
	assert_string_equal(written("<34>Oct 11 22:14:15 mymachine su: 'su root' failed", SYSLOG_AS_FILE, &out),
	    "Oct 11 22:14:15 mymachine su: 'su root' failed");
	assert_string_equal(written("<34>Oct 11 22:14:15 mymachine su[7]: 'su root' failed", SYSLOG_AS_RFC5424, &out),
	    "<34>1 2026-01-02T03:04:05Z mymachine su 7 - - 'su root' failed");
	assert_string_equal(written("<165>1 2003-10-11T22:14:15.003Z m.example.com evntslog - ID47 [x@1 a=\"1\"] An event", SYSLOG_AS_RFC5424, &out),
	    "<165>1 2003-10-11T22:14:15.003Z m.example.com evntslog - ID47 [x@1 a=\"1\"] An event");
	assert_string_equal(written("<165>1 2003-10-11T22:14:15.003Z m.example.com app 9 - - An event", SYSLOG_AS_FILE, &out),
	    "Jan  2 00:04:05 m.example.com app[9]: An event");
	/* Without any head: user.notice of who sent it. */
	assert_string_equal(written("no head at all", SYSLOG_AS_RFC5424, &out), "<13>1 2026-01-02T03:04:05Z fallback - - - - no head at all");
	/* Bytes that would end a line, or play with a terminal. */
	assert_string_equal(written("<13>Oct 11 22:14:15 h a: one\ntwo\x1b[0m", SYSLOG_AS_FILE, &out), "Oct 11 22:14:15 h a: one#012two#033[0m");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_keep_their_form_or_get_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
