/*
 * What stamps leave out: years at the turn of the year, zones and summer time, dates, leap seconds
 * and days.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "event/lens.h"

static int64_t
at(int year, int month, int day, int hour, int minute, int second)
{
	struct civil c = { year, month, day, hour, minute, second, 0 };
	return when_from_civil(&c);
}

struct source {
	struct zone_book *zones;
	struct lens *lens;
	bool guessed;
};

static struct source
source_new(struct zone_book *zones, const char *place, int64_t anchor, bool envelope)
{
	struct lens_opts o = { .place = str_z(place), .anchor_us = anchor, .envelope = envelope };
	struct source s = { .zones = zones, .lens = lens_new(zones, &o) };
	assert_non_null(s.lens);
	return s;
}

static int64_t
read_at(struct source *s, const char *line, int64_t received)
{
	struct record r;
	record_begin(&r, str_z(line), NULL, received);
	lens_read(s->lens, &r);
	lens_time(s->lens, &r);
	s->guessed = r.time_guessed;
	return r.time_us;
}

static int64_t
read_line(struct source *s, const char *line)
{
	return read_at(s, line, WHEN_NONE);
}

static void
test_year_end_in_a_file(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct source s = source_new(z, "/v/messages", at(2024, 1, 3, 10, 0, 0), false);
	(void)state;
	assert_int_equal(read_line(&s, "Dec 31 23:59:59 h a: x"), at(2023, 12, 31, 23, 59, 59));
	assert_int_equal(read_line(&s, "Jan  1 00:00:00 h a: x"), at(2024, 1, 1, 0, 0, 0));
	assert_int_equal(read_line(&s, "Jan  4 09:00:00 h a: x"), at(2024, 1, 4, 9, 0, 0));
	/* More than a day after the file's last change: it was last year. */
	assert_int_equal(read_line(&s, "Jan  4 11:00:00 h a: x"), at(2023, 1, 4, 11, 0, 0));
	assert_int_equal(read_line(&s, "Jan  3 11:00:00 h a: x"), at(2024, 1, 3, 11, 0, 0));
	assert_true(s.guessed);
	lens_free(s.lens);
	zone_book_free(z);
}

static void
test_year_end_live(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct source s = source_new(z, "192.0.2.1", WHEN_NONE, true);
	(void)state;
	/* The sender's clock runs ahead into the new year; then a late line of the old one. */
	assert_int_equal(read_at(&s, "<1>Dec 31 23:59:59 h a: x", at(2023, 12, 31, 23, 59, 58)),
	    at(2023, 12, 31, 23, 59, 59));
	assert_int_equal(read_at(&s, "<1>Jan  1 00:00:01 h a: x", at(2023, 12, 31, 23, 59, 59)),
	    at(2024, 1, 1, 0, 0, 1));
	assert_int_equal(read_at(&s, "<1>Dec 31 23:59:59 h a: x", at(2024, 1, 1, 0, 0, 2)),
	    at(2023, 12, 31, 23, 59, 59));
	lens_free(s.lens);
	zone_book_free(z);
}

/* A copy made years later keeps its order, once a stamp of the source has named a year. */
static void
test_year_named_in_the_source(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct source s = source_new(z, "/v/cisco", at(2024, 6, 1, 0, 0, 0), false);
	(void)state;
	assert_int_equal(read_line(&s, "2012-12-30 10:00:00 started"), at(2012, 12, 30, 10, 0, 0));
	assert_int_equal(read_line(&s, "Dec 31 23:59:59 h a: x"), at(2012, 12, 31, 23, 59, 59));
	assert_int_equal(read_line(&s, "Jan  1 00:00:00 h a: x"), at(2013, 1, 1, 0, 0, 0));
	assert_int_equal(read_line(&s, "Dec 31 23:59:59 h a: late"), at(2012, 12, 31, 23, 59, 59));
	lens_free(s.lens);
	zone_book_free(z);
}

static void
test_leap(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct source s = source_new(z, "/v/x", at(2023, 6, 1, 0, 0, 0), false);
	(void)state;
	assert_int_equal(read_line(&s, "Feb 29 12:00:00 h a: x"), at(2020, 2, 29, 12, 0, 0));
	assert_int_equal(read_line(&s, "2016-12-31T23:59:60Z h a: x"), at(2017, 1, 1, 0, 0, 0));
	lens_free(s.lens);
	zone_book_free(z);
}

/*
 * The offsets that one file shows are used for its neighbours without one, summer and winter apart.
 */
static void
test_zone_of_the_directory(void **state)
{
	struct zone_book *z = zone_book_new(60);
	int64_t anchor = at(2024, 12, 31, 0, 0, 0);
	struct source web = source_new(z, "/var/log/access_log", anchor, false);
	struct source sys = source_new(z, "/var/log/messages", anchor, false);
	struct source far = source_new(z, "/srv/log/messages", anchor, false);
	(void)state;
	lens_sniff(web.lens, STR("h - - [10/Jan/2024:12:00:00 -0200] \"GET /\" 200 1"));
	lens_sniff(web.lens, STR("h - - [10/Feb/2024:12:00:00 -0200] \"GET /\" 200 1"));
	lens_sniff(web.lens, STR("h - - [10/Jul/2024:12:00:00 -0300] \"GET /\" 200 1"));
	assert_int_equal(read_line(&sys, "Jan 20 12:00:00 h a: x"), at(2024, 1, 20, 14, 0, 0));
	assert_int_equal(read_line(&sys, "Jul 20 12:00:00 h a: x"), at(2024, 7, 20, 15, 0, 0));
	assert_int_equal(read_line(&sys, "Jun 20 12:00:00 h a: x"), at(2024, 6, 20, 15, 0, 0));
	assert_int_equal(read_line(&far, "Jan 20 12:00:00 h a: x"), at(2024, 1, 20, 11, 0, 0));
	lens_free(web.lens);
	lens_free(sys.lens);
	lens_free(far.lens);
	zone_book_free(z);
}

/* Z says what it says, but not where the machine stands. */
static void
test_utc_teaches_nothing(void **state)
{
	struct zone_book *z = zone_book_new(60);
	struct source s = source_new(z, "/var/log/x", at(2024, 12, 31, 0, 0, 0), false);
	(void)state;
	assert_int_equal(read_line(&s, "2024-01-10T12:00:00Z h a: x"), at(2024, 1, 10, 12, 0, 0));
	assert_int_equal(read_line(&s, "Jan 10 12:00:00 h a: x"), at(2024, 1, 10, 11, 0, 0));
	assert_int_equal(
	    read_line(&s, "2024-01-10T12:00:00+00:00 h a: x"), at(2024, 1, 10, 12, 0, 0));
	assert_int_equal(read_line(&s, "Jan 10 12:00:00 h a: x"), at(2024, 1, 10, 12, 0, 0));
	lens_free(s.lens);
	zone_book_free(z);
}

/* Summer time ends: the hour that comes twice is told apart by the offset alone. */
static void
test_hour_that_comes_twice(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct source s = source_new(z, "/v/x", at(2024, 12, 31, 0, 0, 0), false);
	(void)state;
	int64_t first = read_line(&s, "2024-10-27T02:30:00+02:00 h a: x");
	int64_t second = read_line(&s, "2024-10-27T02:30:00+01:00 h a: x");
	assert_int_equal(second - first, WHEN_HOUR);
	assert_false(s.guessed);
	lens_free(s.lens);
	zone_book_free(z);
}

static void
test_time_of_day(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct source s = source_new(z, "/v/tcpdump.txt", at(2024, 5, 2, 12, 0, 0), false);
	(void)state;
	assert_int_equal(read_line(&s, "23:59:58.5 IP a > b"), at(2024, 5, 1, 23, 59, 58) + 500000);
	assert_int_equal(read_line(&s, "00:00:01.0 IP a > b"), at(2024, 5, 2, 0, 0, 1));
	assert_int_equal(read_line(&s, "23:59:59.0 IP late > b"), at(2024, 5, 1, 23, 59, 59));
	assert_true(s.guessed);
	lens_free(s.lens);
	zone_book_free(z);
}

static void
test_lines_without_time(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct source file = source_new(z, "/v/x", at(2024, 5, 2, 12, 0, 0), false);
	struct source live = source_new(z, "192.0.2.1", WHEN_NONE, true);
	struct source none = source_new(z, "/v/y", WHEN_NONE, false);
	(void)state;
	lens_sniff(file.lens, STR("nothing"));
	lens_sniff(file.lens, STR("2024-05-01 10:00:00 x"));
	assert_int_equal(read_line(&file, "nothing"), at(2024, 5, 1, 10, 0, 0));
	assert_int_equal(read_line(&file, "2024-05-01 11:00:00 x"), at(2024, 5, 1, 11, 0, 0));
	assert_int_equal(read_line(&file, "nothing again"), at(2024, 5, 1, 11, 0, 0));
	assert_true(file.guessed);
	read_at(&live, "<1>2024-05-01T11:00:00Z h a: x", at(2024, 5, 1, 11, 0, 1));
	assert_int_equal(
	    read_at(&live, "<1>a: x", at(2024, 5, 1, 12, 0, 0)), at(2024, 5, 1, 12, 0, 0));
	assert_int_equal(read_line(&none, "nothing known"), WHEN_NONE);
	lens_free(file.lens);
	lens_free(live.lens);
	lens_free(none.lens);
	zone_book_free(z);
}

/* 03/04: nearer to the line before wins; with nothing before it, day first. */
static void
test_day_and_month(void **state)
{
	struct zone_book *z = zone_book_new(0);
	struct source a = source_new(z, "/v/x", at(2024, 12, 1, 0, 0, 0), false);
	struct source b = source_new(z, "/v/x", at(2024, 12, 1, 0, 0, 0), false);
	(void)state;
	assert_int_equal(read_line(&a, "03/04/2024 10:00:00 x"), at(2024, 4, 3, 10, 0, 0));
	assert_int_equal(read_line(&b, "03/31/2024 10:00:00 x"), at(2024, 3, 31, 10, 0, 0));
	assert_int_equal(read_line(&b, "04/01/2024 10:00:00 x"), at(2024, 4, 1, 10, 0, 0));
	lens_free(a.lens);
	lens_free(b.lens);
	zone_book_free(z);
}

/* The zone is taught by a neighbour of the same folder, the year by the line before: both outlive the reader. */
static void
test_what_was_learned_outlives_a_restart(void **state)
{
	struct zone_book *z = zone_book_new(0), *again = zone_book_new(0);
	struct source a = source_new(z, "/v/access", at(2024, 1, 3, 10, 0, 0), false);
	struct source b = source_new(z, "/v/messages", at(2024, 1, 3, 10, 0, 0), false), c;
	struct buf book = BUF_INIT(65536);
	uint8_t bytes[LENS_LEARNED_BYTES];
	struct enc e = enc_of(bytes, sizeof(bytes));
	struct cur in;
	(void)state;
	read_line(&a, "2023-08-01T10:00:00-03:00 h a: x");
	assert_int_equal(read_line(&b, "Aug  2 10:00:00 h a: x"), at(2023, 8, 2, 13, 0, 0));
	zone_book_save(z, &book);
	lens_save(b.lens, &e);
	assert_int_equal(e.n, LENS_LEARNED_BYTES);
	for (size_t n = 0; n < book.n; n++) {
		struct zone_book *torn = zone_book_new(0);
		in = cur_of(str_head(buf_str(&book), n));
		assert_int_equal(zone_book_load(torn, &in), -EBADMSG);
		zone_book_free(torn);
	}
	in = cur_of(buf_str(&book));
	assert_int_equal(zone_book_load(again, &in), 0);
	assert_int_equal(in.n, 0);
	c = source_new(again, "/v/messages", at(2024, 1, 3, 10, 0, 0), false);
	in = cur_of(str_of((char *)bytes, e.n));
	assert_int_equal(lens_load(c.lens, &in), 0);
	/* A line without a time has that of the line before. */
	assert_int_equal(read_line(&c, "no stamp at all"), at(2023, 8, 2, 13, 0, 0));
	assert_int_equal(read_line(&c, "Aug  2 10:00:05 h a: x"), at(2023, 8, 2, 13, 0, 5));
	in = cur_of(str_of((char *)bytes, e.n - 1));
	assert_int_equal(lens_load(c.lens, &in), -EBADMSG);
	lens_free(a.lens);
	lens_free(b.lens);
	lens_free(c.lens);
	zone_book_free(z);
	zone_book_free(again);
	buf_free(&book);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_learned_outlives_a_restart),
		cmocka_unit_test(test_year_end_in_a_file), cmocka_unit_test(test_year_end_live),
		cmocka_unit_test(test_year_named_in_the_source), cmocka_unit_test(test_leap),
		cmocka_unit_test(test_zone_of_the_directory), cmocka_unit_test(test_utc_teaches_nothing),
		cmocka_unit_test(test_hour_that_comes_twice), cmocka_unit_test(test_time_of_day),
		cmocka_unit_test(test_lines_without_time), cmocka_unit_test(test_day_and_month),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
