/* Selectors as syslog.conf(5) has them. */
#include "../base/cmocka_std.h"

#include <errno.h>

#include "conf/syslog_select.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_mean_what_the_manual_says), cmocka_unit_test(what_is_no_selector_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
