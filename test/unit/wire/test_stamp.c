/*
 * Every form of time stamp seen in logs, what is near one but none, and that no byte outside the
 * slice is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/stamp.h"

#define LOCAL STAMP_NO_ZONE
#define NOYEAR (STAMP_NO_YEAR | STAMP_NO_ZONE)

/* `taken` bytes of text, then y-m-d h:m:s.us, offset, flags. */
static const struct row {
	const char *text;
	size_t taken;
	int form, year, month, day, hour, minute, second, us, offset;
	unsigned flags;
} rows[] = {
	{ "Feb 10 15:23:01 host x", 15, STAMP_SYSLOG, 0, 2, 10, 15, 23, 1, 0, 0, NOYEAR },
	{ "Aug  9 03:30:24 host x", 15, STAMP_SYSLOG, 0, 8, 9, 3, 30, 24, 0, 0, NOYEAR },
	{ "Aug 9 03:30:24 host x", 14, STAMP_SYSLOG, 0, 8, 9, 3, 30, 24, 0, 0, NOYEAR },
	{ "Aug 09 03:30:24", 15, STAMP_SYSLOG, 0, 8, 9, 3, 30, 24, 0, 0, NOYEAR },
	{ "Mar 29 03:30:24.123456 host", 22, STAMP_SYSLOG, 0, 3, 29, 3, 30, 24, 123456, 0, NOYEAR },
	{ "Feb 29 03:30:24 host", 15, STAMP_SYSLOG, 0, 2, 29, 3, 30, 24, 0, 0, NOYEAR },
	{ "fev 10 15:23:01 maquina sshd[1]: x", 15, STAMP_SYSLOG, 0, 2, 10, 15, 23, 1, 0, 0, NOYEAR },
	{ "*Mar  1 00:00:00.123 UTC: %SYS", 24, STAMP_SYSLOG, 0, 3, 1, 0, 0, 0, 123000, 0,
	    STAMP_NO_YEAR | STAMP_UTC_WORD | STAMP_UNSET_CLOCK },
	{ "*Mar  1 00:00:00.123: %SYS", 20, STAMP_SYSLOG, 0, 3, 1, 0, 0, 0, 123000, 0, NOYEAR | STAMP_UNSET_CLOCK },
	{ ".Mar  1 00:00:00: %SYS", 16, STAMP_SYSLOG, 0, 3, 1, 0, 0, 0, 0, 0, NOYEAR | STAMP_UNSET_CLOCK },
	{ "Mar 11 18:48:50 EST: %SYS", 19, STAMP_SYSLOG, 0, 3, 11, 18, 48, 50, 0, -300, STAMP_NO_YEAR },
	{ "Jan 01 2024 12:00:00: %ASA", 20, STAMP_SYSLOG, 2024, 1, 1, 12, 0, 0, 0, 0, LOCAL },
	{ "Sep 12 2023 14:25:10+02:00 sw1", 26, STAMP_SYSLOG, 2023, 9, 12, 14, 25, 10, 0, 120, 0 },
	{ "2023-9-3 9:05:07 x", 16, STAMP_ISO, 2023, 9, 3, 9, 5, 7, 0, 0, LOCAL },
	{ "2023-9-12 14:22:01-03:00 sw1", 24, STAMP_ISO, 2023, 9, 12, 14, 22, 1, 0, -180, 0 },
	{ "2023/9/3 9:05:07 x", 16, STAMP_ISO, 2023, 9, 3, 9, 5, 7, 0, 0, LOCAL },
	{ "2015-11-13_10:00:00.12345 x", 25, STAMP_ISO, 2015, 11, 13, 10, 0, 0, 123450, 0, LOCAL },
	{ "Friday, November 13, 2015 10:00:00 AM x", 37, STAMP_CTIME, 2015, 11, 13, 10, 0, 0, 0, 0, LOCAL },
	{ "13 November 2015 10:00:00 x", 25, STAMP_DATED, 2015, 11, 13, 10, 0, 0, 0, 0, LOCAL },
	{ "Feb 10 15:23:01 2019 host", 20, STAMP_SYSLOG, 2019, 2, 10, 15, 23, 1, 0, 0, LOCAL },
	{ "Jan 02, 2024 3:04:05 PM org.apache", 23, STAMP_DATED, 2024, 1, 2, 15, 4, 5, 0, 0, LOCAL },
	{ "2024-01-02T03:04:05Z", 20, STAMP_ISO_T, 2024, 1, 2, 3, 4, 5, 0, 0, STAMP_UTC_WORD },
	{ "2024-01-02T03:04:05.123456789+02:00 x", 35, STAMP_ISO_T, 2024, 1, 2, 3, 4, 5, 123456, 120, 0 },
	{ "2024-01-02T03:04:05+0530 x", 24, STAMP_ISO_T, 2024, 1, 2, 3, 4, 5, 0, 330, 0 },
	{ "2024-01-02T03:04:05-03 x", 22, STAMP_ISO_T, 2024, 1, 2, 3, 4, 5, 0, -180, 0 },
	{ "2024-01-02T03:04Z x", 17, STAMP_ISO_T, 2024, 1, 2, 3, 4, 0, 0, 0, STAMP_UTC_WORD },
	{ "2024-01-02 03:04:05,678 INFO", 23, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 678000, 0, LOCAL },
	{ "2024-01-02 03:04:05.678 UTC [1]", 27, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 678000, 0, STAMP_UTC_WORD },
	{ "2024-01-02 03:04:05 CEST [1]", 24, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 0, 120, 0 },
	{ "2024-01-02 03:04:05 +0200 [info]", 25, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 0, 120, 0 },
	{ "2024/01/02 03:04:05 [error]", 19, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 0, 0, LOCAL },
	{ "2024:01:02-03:04:05 utm x", 19, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 0, 0, LOCAL },
	{ "2024.01.02 03:04:05 LOG3", 19, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 0, 0, LOCAL },
	{ "2024 Jan  2 03:04:05 UTC: %ETH", 24, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 0, 0, STAMP_UTC_WORD },
	{ "20240102 03:04:05 x", 17, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 0, 0, LOCAL },
	{ "20240102T030405Z x", 16, STAMP_ISO_T, 2024, 1, 2, 3, 4, 5, 0, 0, STAMP_UTC_WORD },
	{ "20240102-03:04:05] x", 17, STAMP_ISO, 2024, 1, 2, 3, 4, 5, 0, 0, LOCAL },
	{ "02/Dec/1998:16:37:24 -0200] \"GET", 26, STAMP_CLF, 1998, 12, 2, 16, 37, 24, 0, -120, 0 },
	{ "[02/Dec/1998:16:37:24 -0200] \"GET", 28, STAMP_CLF, 1998, 12, 2, 16, 37, 24, 0, -120, 0 },
	{ "[10/Feb/2024:21:23:32.123] main", 26, STAMP_CLF, 2024, 2, 10, 21, 23, 32, 123000, 0, LOCAL },
	{ "Wed Dec 02 16:37:25 1998 x", 24, STAMP_CTIME, 1998, 12, 2, 16, 37, 25, 0, 0, LOCAL },
	{ "Wed Dec  2 16:37:25 1998", 24, STAMP_CTIME, 1998, 12, 2, 16, 37, 25, 0, 0, LOCAL },
	{ "Wed Dec 2 16:37:25 BRST 1998", 28, STAMP_CTIME, 1998, 12, 2, 16, 37, 25, 0, -120, 0 },
	{ "Wed Dec 2 16:37:25 XYZ 1998", 27, STAMP_CTIME, 1998, 12, 2, 16, 37, 25, 0, 0, LOCAL },
	{ "[Wed Dec 02 16:37:25.123456 1998] [error]", 33, STAMP_CTIME, 1998, 12, 2, 16, 37, 25, 123456, 0, LOCAL },
	{ "Wed, 02 Dec 1998 16:37:25 GMT x", 29, STAMP_CTIME, 1998, 12, 2, 16, 37, 25, 0, 0, STAMP_UTC_WORD },
	{ "Mon Feb 12 19:49 - 19:55", 16, STAMP_DATED, 0, 2, 12, 19, 49, 0, 0, 0, NOYEAR },
	{ "Feb 10 15:23", 12, STAMP_DATED, 0, 2, 10, 15, 23, 0, 0, 0, NOYEAR },
	{ "16-Apr-1999 07:13:57.425 x", 24, STAMP_DATED, 1999, 4, 16, 7, 13, 57, 425000, 0, LOCAL },
	{ "16.04.1999 07:13:57 x", 19, STAMP_DATED, 1999, 4, 16, 7, 13, 57, 0, 0, LOCAL },
	{ "16/04/1999 07:13:57 x", 19, STAMP_DATED, 1999, 4, 16, 7, 13, 57, 0, 0, LOCAL },
	{ "04/16/1999 07:13:57 x", 19, STAMP_DATED, 1999, 4, 16, 7, 13, 57, 0, 0, LOCAL },
	{ "03/04/1999 07:13:57 x", 19, STAMP_DATED, 1999, 4, 3, 7, 13, 57, 0, 0, LOCAL | STAMP_EITHER_ORDER },
	{ "3/4/1999 7:13:57 PM x", 19, STAMP_DATED, 1999, 3, 4, 19, 13, 57, 0, 0, LOCAL },
	{ "01/02/24,03:04:05,x", 17, STAMP_DATED, 2024, 1, 2, 3, 4, 5, 0, 0, LOCAL | STAMP_EITHER_ORDER },
	{ "11-06-2013 02:09:43 +0300 P", 25, STAMP_DATED, 2013, 6, 11, 2, 9, 43, 0, 180, STAMP_EITHER_ORDER },
	{ "240102  3:04:05 [W]", 15, STAMP_DATED, 2024, 1, 2, 3, 4, 5, 0, 0, LOCAL },
	{ "I0102 15:04:05.000123 1 f.go:1]", 21, STAMP_DATED, 0, 1, 2, 15, 4, 5, 123, 0, NOYEAR },
	{ "02/11 12:24 - ttyp3", 11, STAMP_DATED, 0, 2, 11, 12, 24, 0, 0, 0, NOYEAR },
	{ "02/11-12:24:25.5 [**]", 16, STAMP_DATED, 0, 2, 11, 12, 24, 25, 500000, 0, NOYEAR },
	{ "07:45:05.839587 IP", 15, STAMP_CLOCK, 0, 0, 0, 7, 45, 5, 839587, 0, STAMP_NO_DATE | NOYEAR },
	{ "date=2024-10-14 time=13:46:40 dev", 29, STAMP_ISO, 2024, 10, 14, 13, 46, 40, 0, 0, LOCAL },
	{ "[PDT Apr 16 20:59:33] error", 21, STAMP_SYSLOG, 0, 4, 16, 20, 59, 33, 0, -420, STAMP_NO_YEAR },
	{ "2016-12-31T23:59:60Z", 20, STAMP_ISO_T, 2016, 12, 31, 23, 59, 60, 0, 0, STAMP_UTC_WORD },
	{ "[    1.234567] usb", 14, STAMP_UPTIME, 0, 0, 0, 0, 0, 0, 0, 0, STAMP_NO_DATE | STAMP_NO_YEAR },
};

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct stamp st = { .form = STAMP_NONE };
		size_t n = stamp_parse(str_z(r->text), &st);
		bool same = n == r->taken && st.form == r->form && st.year == r->year &&
		    st.month == r->month && st.day == r->day && st.hour == r->hour &&
		    st.minute == r->minute && st.second == r->second && st.us == r->us &&
		    st.flags == r->flags &&
		    ((r->flags & STAMP_NO_ZONE) || st.offset_min == r->offset);
		if (!same)
			fail_msg("\"%s\": took %zu, form %d, %d-%d-%d %d:%d:%d.%06d %+d flags %#x",
			    r->text, n, st.form, st.year, st.month, st.day, st.hour, st.minute,
			    st.second, st.us, st.offset_min, st.flags);
	}
}

static void
test_epochs(void **state)
{
	static const struct { const char *text; size_t taken; int64_t us; } cases[] = {
		{ "1428634687 x", 10, INT64_C(1428634687000000) },
		{ "1428634687.123456 x", 17, INT64_C(1428634687123456) },
		{ "1428634687123 x", 13, INT64_C(1428634687123000) },
		{ "1428634687123456 x", 16, INT64_C(1428634687123456) },
		{ "1428634687123456789 x", 19, INT64_C(1428634687123456) },
		{ "924260628.5 x", 11, INT64_C(924260628500000) },
		{ "[1387348935] nsd", 12, INT64_C(1387348935000000) },
		{ "1373330717.000:4068): x", 14, INT64_C(1373330717000000) },
		{ "@4000000037c219bf2ef02e94 x", 25, INT64_C(935467445787492) },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stamp st = { .form = STAMP_NONE };
		size_t n = stamp_parse(str_z(cases[i].text), &st);
		if (n != cases[i].taken || st.form != STAMP_EPOCH || st.epoch_us != cases[i].us)
			fail_msg("\"%s\": took %zu, form %d, %lld", cases[i].text, n, st.form,
			    (long long)st.epoch_us);
	}
}

static void
test_none(void **state)
{
	static const char *const texts[] = {
		"", "Feb", "Feb 30 10:00:00", "Feb 10 25:00:00", "Feb 10 15:23:01x", "Februar 10 10:00:00", "5w6d: %SEC-6-X: y",
		"12:34:56:78:9a:bc", "192.0.2.1 - - [02/Dec", "10.20.30.40", "2024-13-01 10:00:00", "2023-02-29 10:00:00",
		"31/Apr/2024:10:00:00 +0000", "123456789 x", "9999999999999 x", "12345678901", "@400000003", "[1.2.3]", "[abc]",
		"[2024-01-02 03:04:05.123456,  0] ../source3", "Monday morning", "24010 10:00:00", "99:00:00", "date=today time=now",
		"1428634687-5", "fe80::1 x", "Mar", "2024-01-02T", "[[[[[[[[", "********", "2001:db8::1 - -",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct stamp st = { .form = 0x55 };
		size_t n = stamp_parse(str_z(texts[i]), &st);
		if (n != 0 || st.form != 0x55)
			fail_msg("\"%s\" was taken for a stamp of %zu bytes, form %d", texts[i], n,
			    st.form);
	}
}

/*
 * Each prefix of each form in memory of exactly its size: a sanitizer build shows any byte read
 * beyond.
 */
static void
test_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t whole = strlen(rows[i].text);
		for (size_t n = 0; n <= whole; n++) {
			char *exact = malloc(n ? n : 1);
			struct stamp st;
			assert_non_null(exact);
			memcpy(exact, rows[i].text, n);
			assert_true(stamp_parse(str_of(exact, n), &st) <= n);
			free(exact);
		}
	}
}

/*
 * Random changes of real forms: never more taken than there is, and what is taken is a valid time.
 */
static void
test_random(void **state)
{
	uint64_t seed = 42;
	(void)state;
	for (int round = 0; round < 200000; round++) {
		char text[64];
		const char *base = rows[(size_t)round % ARRAY_LEN(rows)].text;
		size_t n = strlen(base);
		memcpy(text, base, n);
		for (int k = 0; k < 2; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			text[(seed >> 33) % n] = "0123456789:/-. ZTJan\t[]+\xff"[(seed >> 48) % 24];
		}
		struct stamp st;
		size_t taken = stamp_parse(str_of(text, n), &st);
		assert_true(taken <= n);
		if (!taken || st.form == STAMP_EPOCH || st.form == STAMP_UPTIME)
			continue;
		assert_in_range(st.hour, 0, 23);
		assert_in_range(st.minute, 0, 59);
		assert_in_range(st.second, 0, 60);
		if (!(st.flags & STAMP_NO_DATE)) {
			struct civil c = stamp_civil(&st);
			c.year = st.flags & STAMP_NO_YEAR ? 2024 : c.year;
			assert_true(when_valid(&c));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms), cmocka_unit_test(test_epochs), cmocka_unit_test(test_none),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
