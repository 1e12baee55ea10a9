/* Selectors as syslog.conf(5) has them, and lines in the forms that other hosts expect, read again by our own reader. */
#include "../base/cmocka_std.h"

#include <errno.h>

#include "base/when.h"
#include "wire/syslog_select.h"
#include "wire/syslog_write.h"

static bool
has(const char *text, int facility, int severity)
{
	struct syslog_select s = { .mask = { 0 } };
	struct str bad;

	assert_int_equal(syslog_select_add(&s, str_z(text), &bad), 0);
	return syslog_select_has(&s, facility, severity);
}

static void
selectors_mean_what_the_manual_says(void **state)
{
	/* The severity and all graver ones. */
	assert_true(has("mail.err", 2, 3) && has("mail.err", 2, 0) && !has("mail.err", 2, 4) && !has("mail.err", 3, 3));
	assert_true(has("*.debug", 23, 7) && has("*.*", 0, 7) && has("kern.*", 0, 7));
	/* Only this one; all but those. */
	assert_true(has("*.=info", 4, 6) && !has("*.=info", 4, 5));
	assert_true(has("mail.*;mail.!=info", 2, 5) && !has("mail.*;mail.!=info", 2, 6));
	assert_true(has("mail.info;mail.!err", 2, 4) && !has("mail.info;mail.!err", 2, 3));
	/* none takes away what stands before it. */
	assert_false(has("*.info;mail.none", 2, 0));
	assert_true(has("*.info;mail.none", 3, 6));
	assert_true(has("mail,news.err", 7, 3) && has("mail , news.err", 2, 3));
	assert_true(has("*.EMERG", 1, 0) && has("*.panic", 1, 0) && has("security.warn", 4, 4));
	assert_false(syslog_select_has(&(struct syslog_select){ .mask = { 0xff } }, 24, 0));
	assert_false(syslog_select_has(&(struct syslog_select){ .mask = { 0xff } }, -1, 0));
}

static void
what_is_no_selector_is_refused_whole(void **state)
{
	static const char *const bad[] = { "", ";", "mail", "mail.", ".err", "mail.loud", "snail.err", "*.=*", "*.!none", "mail.err;news" };
	struct syslog_select s = { .mask = { 1, 2, 3 } };
	struct str word;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(syslog_select_add(&s, str_z(bad[i]), &word), -EINVAL);
		assert_true(s.mask[0] == 1 && s.mask[1] == 2 && s.mask[2] == 3);
	}
}

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
		cmocka_unit_test(selectors_mean_what_the_manual_says), cmocka_unit_test(what_is_no_selector_is_refused_whole),
		cmocka_unit_test(lines_keep_their_form_or_get_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
