/*
 * Lines that need few looks mean what they mean without them: each is read by a lens that knows its second, and by one
 * that has seen nothing. Most are broken at random places, for the quick road must stand back wherever it is not certain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "event/lens.h"
#include "wire/syslog.h"

#define RECEIVED (INT64_C(1718000000) * WHEN_SECOND)   /* 2024-06-10T06:13:20Z */
#define STAMP "Jan  2 03:04:05 "
#define ROUNDS 30000

static const char *const lines[] = {
	STAMP "gw sshd[12]: Failed password for root", STAMP "gw.example.com kernel: [  12.345678] eth0: link up",
	STAMP "GW1 CRON[77]: (root) CMD (x)", STAMP "10.0.0.1 postfix/smtpd[9]: 12AB: removed", STAMP "2026 sshd[1]: x",
	STAMP "last message repeated 3 times", STAMP "mail.info sshd[1]: x y", STAMP "gw %SYS-5-CONFIG: x", STAMP "gw a[1]: %ASA-6-302013: Built",
	STAMP "UTC: %SYS-5-X: y", STAMP "gw [sshd]: x", STAMP "gw gw sshd[3]: x", STAMP "gw su: \x1b[1mroot", STAMP "gw sshd[1]: [ID 8 auth.info] x",
	STAMP "gw sshd[1]: kernel:[  970.69]: Failed", STAMP "gw 123: x", STAMP "gw CEF: 0|a|b", STAMP "gw a(b)[1]: x", STAMP "gw sshd [12]: x",
	"192.0.2.7 - - [01/Jan/2026:00:00:07 +0000] \"GET / HTTP/1.1\" 200 5", "192.0.2.7 - [x", "192.0.2.7  - y", "192.0.2.777 - y z",
	"1.2.3.4 - joe[12]: x", "1.2.3.4 sshd[1]: x",
};

static void
read_one(struct lens *l, struct str line, struct buf *extra, struct record *ret)
{
	record_begin(ret, line, extra, RECEIVED);
	lens_read(l, ret);
}

static bool
same_slot(struct slot a, struct slot b)
{
	return a.off == b.off && a.len == b.len;
}

static struct lens *
new_lens(struct zone_book *z)
{
	struct lens_opts o = { .place = STR("/var/log/x"), .anchor_us = RECEIVED };
	struct lens *l = lens_new(z, &o);

	assert_non_null(l);
	return l;
}

static void
check_line(struct str line)
{
	struct zone_book *zones = zone_book_new(60);
	struct lens *known = new_lens(zones), *fresh = new_lens(zones);
	struct buf extra[3] = { BUF_INIT(RECORD_EXTRA_MAX), BUF_INIT(RECORD_EXTRA_MAX), BUF_INIT(RECORD_EXTRA_MAX) };
	struct record before, a, b;
	struct syslog_head h;

	read_one(known, STR(STAMP "gw sshd[12]: x"), &extra[0], &before);
	read_one(known, line, &extra[1], &a);
	read_one(fresh, line, &extra[2], &b);
	if (a.dialect != b.dialect || a.pid != b.pid || a.facility != b.facility || !same_slot(a.host, b.host) ||
	    !same_slot(a.program, b.program) || !same_slot(a.message, b.message) || !same_slot(a.data, b.data) ||
	    a.stamp.form != b.stamp.form || a.stamp.flags != b.stamp.flags)
		fail_msg("read otherwise: '%.*s'", STR_FMT(line));
	/* What has no time of its own takes that of the line before. */
	if (b.stamp.flags == 0)
		assert_true(a.time_us == b.time_us && a.time_guessed == b.time_guessed);
	/* Both lenses know these lines: the whole parser is their judge. It sees no colours. */
	syslog_parse(line, 0, &h);
	if (line.n && (unsigned char)(*line.p - '0') < 10 && str_find_byte(line, '\x1b') == line.n)
		assert_int_equal(a.dialect == DIALECT_NONE, h.form == SYSLOG_BARE);
	for (size_t i = 0; i < ARRAY_LEN(extra); i++)
		buf_free(&extra[i]);
	lens_free(known);
	lens_free(fresh);
	zone_book_free(zones);
}

static void
quick_lines_are_read_as_others(void **state)
{
	static const char marks[] = " :[]-%#\x1b(){}<1.aZ\t/\0";
	uint64_t seed = 11;
	char text[128];

	for (int round = 0; round < ROUNDS; round++) {
		struct str line = str_z(lines[(size_t)round % ARRAY_LEN(lines)]);

		memcpy(text, line.p, line.n);
		for (int k = round / (int)ARRAY_LEN(lines) % 4; k > 0; k--) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			text[(seed >> 33) % line.n] = marks[(seed >> 20) % (sizeof(marks) - 1)];
		}
		check_line(str_of(text, line.n - (size_t)(round % 7 == 0)));
	}
}

/* A header that names columns keeps lines whole, whatever second was known before. */
static void
columns_keep_lines_whole(void **state)
{
	struct zone_book *zones = zone_book_new(0);
	struct lens *l = new_lens(zones);
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct record r;

	read_one(l, STR(STAMP "gw sshd[12]: x"), &extra, &r);
	assert_int_equal(r.dialect, DIALECT_RFC3164);
	read_one(l, STR("#Fields: date time c-ip"), &extra, &r);
	read_one(l, STR(STAMP "gw sshd[12]: x"), &extra, &r);
	assert_int_equal(r.dialect, DIALECT_NONE);
	assert_int_equal(r.message.off, 0);
	buf_free(&extra);
	lens_free(l);
	zone_book_free(zones);
}

/* What a zone has taught in between changes what a stamp without one means. */
static void
a_zone_learnt_in_between_counts(void **state)
{
	struct zone_book *zones = zone_book_new(0);
	struct lens *l = new_lens(zones);
	struct buf extra = BUF_INIT(RECORD_EXTRA_MAX);
	struct record r;
	int64_t first;

	read_one(l, STR(STAMP "gw sshd[12]: x"), &extra, &r);
	first = r.time_us;
	read_one(l, STR("2024-01-02T03:04:05+02:00 gw sshd[12]: y"), &extra, &r);
	read_one(l, STR(STAMP "gw sshd[12]: x"), &extra, &r);
	assert_int_equal(r.time_us, first - 2 * WHEN_HOUR);
	buf_free(&extra);
	lens_free(l);
	zone_book_free(zones);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quick_lines_are_read_as_others),
		cmocka_unit_test(columns_keep_lines_whole),
		cmocka_unit_test(a_zone_learnt_in_between_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
