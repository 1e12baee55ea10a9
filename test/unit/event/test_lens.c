/* Lines of every dialect through the lens: which part goes where, envelopes, heads within heads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "event/lens.h"

#define RECEIVED (INT64_C(1718000000) * WHEN_SECOND) /* 2024-06-10T06:13:20Z */

struct view {
	struct record r;
	char time[40];
};

struct bench {
	struct zone_book *zones;
	struct lens *lens;
	struct buf extra;
};

static struct bench
bench_new(bool envelope, int offset_min)
{
	struct lens_opts o = { .place = STR("/var/log/x"),
		.anchor_us = envelope ? WHEN_NONE : RECEIVED,
		.envelope = envelope };
	struct bench b = { .zones = zone_book_new(offset_min),
		.extra = BUF_INIT(RECORD_EXTRA_MAX) };
	assert_non_null(b.zones);
	b.lens = lens_new(b.zones, &o);
	assert_non_null(b.lens);
	return b;
}

static void
bench_free(struct bench *b)
{
	lens_free(b->lens);
	zone_book_free(b->zones);
	buf_free(&b->extra);
}

static struct view
look(struct bench *b, struct str line)
{
	struct view v = { .time = "" };
	record_begin(&v.r, line, &b->extra, RECEIVED);
	lens_read(b->lens, &v.r);
	lens_time(b->lens, &v.r);
	if (v.r.time_us != WHEN_NONE)
		when_show(v.r.time_us, 0, v.time);
	return v;
}

static bool
same(const struct record *r, struct slot at, const char *want)
{
	return str_eq(record_text(r, at), str_z(want));
}

static const struct row {
	bool envelope;
	const char *line;
	enum dialect dialect;
	const char *time, *host, *program;
	int64_t pid;
	const char *message;
} rows[] = {
	{ false, "Feb 10 15:23:01 gw sshd[12]: x y", DIALECT_RFC3164, "2024-02-10T15:23:01Z", "gw", "sshd", 12, "x y" },
	{ false, "Jul 10 15:23:01 gw sshd[12]: x", DIALECT_RFC3164, "2023-07-10T15:23:01Z", "gw", "sshd", 12, "x" },
	{ true, "<34>1 2024-01-02T03:04:05.5+02:00 h su 9 ID [a@1 b=\"c\"] m", DIALECT_RFC5424, "2024-01-02T01:04:05.500000Z",
	    "h", "su", 9, "m" },
	{ true, "<14>1 2024-01-02T03:04:05Z srx RT_FLOW - RT_FLOW_SESSION_DENY [junos@2636 a=\"b\"]", DIALECT_RFC5424,
	    "2024-01-02T03:04:05Z", "srx", "RT_FLOW", -1, "RT_FLOW_SESSION_DENY [junos@2636 a=\"b\"]" },
	{ true, "<14>1 2024-01-02T03:04:05Z cp1 CheckPoint 3 - [action:\"Drop\"; src:\"192.0.2.7\"]", DIALECT_RFC5424,
	    "2024-01-02T03:04:05Z", "cp1", "CheckPoint", 3, "[action:\"Drop\"; src:\"192.0.2.7\"]" },
	{ true, "<5>1 2024-01-02T03:04:05Z VAULT CEF:0|Cyber-Ark|Vault|12.2|8|Logon|5|suser=a", DIALECT_RFC5424, "2024-01-02T03:04:05Z",
	    "VAULT", "", -1, "CEF:0|Cyber-Ark|Vault|12.2|8|Logon|5|suser=a" },
	{ false, "Feb  2 08:00:00 bigip1 notice httpd[6]: m", DIALECT_RFC3164, "2024-02-02T08:00:00Z", "bigip1", "httpd", 6, "m" },
	/* written for a terminal */
	{ false, "\x1b[0m\x1b[32mFeb 10 \x1b[33m15:23:01\x1b[0m gw \x1b[1;31msshd\x1b[0m[12]: x \x1b[31my", DIALECT_RFC3164,
	    "2024-02-10T15:23:01Z", "gw", "sshd", 12, "x y" },
	{ false, "2024-01-02T03:04:05Z \x1b[33mWARN\x1b[0m low", DIALECT_STAMP, "2024-01-02T03:04:05Z", "", "", -1, "WARN low" },
	{ false, "Feb 10 15:23:01 gw systemd[1]: #033[0;1;39mssh#033[0m", DIALECT_RFC3164, "2024-02-10T15:23:01Z", "gw", "systemd", 1,
	    "ssh" },
	{ false, "Feb 10 15:23:01 gw sshd[12]: Failed password for ro\x1b[0mot", DIALECT_RFC3164, "2024-02-10T15:23:01Z", "gw",
	    "sshd", 12, "Failed password for ro\x1b[0mot" },
	{ true, "<13>no head at all", DIALECT_RFC3164, "2024-06-10T06:13:20Z", "", "", -1, "no head at all" },
	{ false, "2024/01/02 03:04:05 [error] 1#1: *2 x", DIALECT_STAMP, "2024-01-02T03:04:05Z", "", "", -1,
	    "[error] 1#1: *2 x" },
	{ false, "192.0.2.1 - - [02/Jan/2024:03:04:05 -0300] \"GET / HTTP/1.0\" 200 1", DIALECT_NONE, "2024-01-02T06:04:05Z", "",
	    "", -1, "192.0.2.1 - - [02/Jan/2024:03:04:05 -0300] \"GET / HTTP/1.0\" 200 1" },
	{ false, "type=LOGIN msg=audit(1704164645.123:7): pid=1", DIALECT_NONE, "2024-01-02T03:04:05.123000Z", "", "", -1,
	    "type=LOGIN msg=audit(1704164645.123:7): pid=1" },
	{ false, "[2024/01/02 03:04:05.5,  0] ../x.c:1(f)", DIALECT_NONE, "2024-01-02T03:04:05.500000Z", "", "", -1,
	    "[2024/01/02 03:04:05.5,  0] ../x.c:1(f)" },
	{ false, "Mar 1 15:29:00 192.0.2.77 112369: 5w6d: %SEC-6-IPACCESSLOGP: list", DIALECT_CISCO, "2024-03-01T15:29:00Z",
	    "192.0.2.77", "%SEC-6-IPACCESSLOGP", -1, "%SEC-6-IPACCESSLOGP: list" },
	{ true, "<30>system,error,critical login failure for user a", DIALECT_ROUTEROS, "2024-06-10T06:13:20Z", "",
	    "system,error,critical", -1, "system,error,critical login failure for user a" },
	/* envelopes */
	{ false, "{\"__REALTIME_TIMESTAMP\":\"1704164645123456\",\"_HOSTNAME\":\"h\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"_PID\":\"7\","
	    "\"PRIORITY\":\"6\",\"MESSAGE\":\"a \\\"b\\\"\"}", DIALECT_JOURNAL, "2024-01-02T03:04:05.123456Z", "h", "sshd", 7,
	    "a \"b\"" },
	{ false, "{\"MESSAGE\":[97,98,255],\"_COMM\":\"x\",\"__REALTIME_TIMESTAMP\":\"1704164645123456\"}", DIALECT_JOURNAL,
	    "2024-01-02T03:04:05.123456Z", "", "x", -1, "ab\xff" },
	{ false, "__REALTIME_TIMESTAMP=1704164645123456\n_HOSTNAME=h\nSYSLOG_IDENTIFIER=su\nMESSAGE=m\n", DIALECT_JOURNAL,
	    "2024-01-02T03:04:05.123456Z", "h", "su", -1, "m" },
	{ false, "{\"log\":\"2024-01-02 03:04:04 [warn] x\\n\",\"stream\":\"stderr\",\"time\":\"2024-01-02T03:04:05Z\"}",
	    DIALECT_JSON, "2024-01-02T03:04:05Z", "", "", -1, "[warn] x" },
	{ false, "2024-01-02T03:04:05.5Z stdout F Jan  2 03:04:05 h sshd[3]: m", DIALECT_RFC3164, "2024-01-02T03:04:05.500000Z", "h",
	    "sshd", 3, "m" },
	{ false, "2024-01-02T03:04:05.5Z stdout F {\"a\":1}", DIALECT_JSON, "2024-01-02T03:04:05.500000Z", "", "", -1,
	    "{\"a\":1}" },
	{ false, "{\"@timestamp\":\"2024-01-02T03:04:05Z\",\"host\":{\"name\":\"h\"},\"agent\":{\"type\":\"filebeat\"},"
	    "\"message\":\"Jan  2 03:04:04 web sshd[5]: m\"}", DIALECT_JSON, "2024-01-02T03:04:05Z", "web", "sshd", 5, "m" },
	{ false, "{\"version\":\"1.1\",\"host\":\"h\",\"short_message\":\"m\",\"timestamp\":1704164645.5}", DIALECT_JSON,
	    "2024-01-02T03:04:05.500000Z", "h", "", -1, "m" },
	{ false, "{\"ident\":\"sshd\",\"pid\":\"4\",\"host\":\"h\",\"message\":\"m\",\"time\":1704164645}", DIALECT_JSON,
	    "2024-01-02T03:04:05Z", "h", "sshd", 4, "m" },
	{ false, "{\"labels\":{},\"line\":\"m\",\"timestamp\":\"2024-01-02T03:04:05Z\"}", DIALECT_JSON, "2024-01-02T03:04:05Z",
	    "", "", -1, "m" },
	{ false, "{\"level\":\"info\",\"msg\":\"login\",\"ts\":1704164645.25}", DIALECT_JSON, "2024-01-02T03:04:05.250000Z", "",
	    "", -1, "{\"level\":\"info\",\"msg\":\"login\",\"ts\":1704164645.25}" },
	{ false, "web-1  | 2024-01-02T03:04:05Z WARN x", DIALECT_STAMP, "2024-01-02T03:04:05Z", "", "", -1, "WARN x" },
	/* heads within heads */
	{ true, "<13>Jun 10 06:13:20 relay root: Jan  2 03:04:05 h sshd[6]: m", DIALECT_RFC3164, "2024-01-02T03:04:05Z", "h",
	    "sshd", 6, "m" },
	{ true, "<13>1 2024-06-10T06:13:20Z relay root - - - Jan  2 03:04:05 h su: m", DIALECT_RFC5424, "2024-01-02T03:04:05Z",
	    "h", "su", -1, "m" },
	{ true, "<13>Jun 10 06:13:20 relay nginx: 2024/01/02 03:04:05 [error] x", DIALECT_RFC3164, "2024-06-10T06:13:20Z", "relay",
	    "nginx", -1, "2024/01/02 03:04:05 [error] x" },
	{ true, "<13>1 2024-06-10T06:13:20Z relay - - - [a@1 b=\"c\"] 2023/01/02 03:04:05 [error] x", DIALECT_RFC5424,
	    "2023-01-02T03:04:05Z", "relay", "", -1, "[error] x" },
	{ true, "<13>1 2024-06-10T06:13:20Z relay - - - - 2024/06/10 05:13:20 [error] x", DIALECT_RFC5424,
	    "2024-06-10T06:13:20Z", "relay", "", -1, "[error] x" },
	/* a collector's columns before the line it received */
	{ false, "2024-02-02 08:00:00\tAuth.Info\t192.0.2.1\tFeb  2 08:00:00 h sshd[6]: m", DIALECT_RFC3164, "2024-02-02T08:00:00Z",
	    "h", "sshd", 6, "m" },
	{ false, "2024-02-02 08:00:00\tLocal4.Warning\t192.0.2.1\t%ASA-4-106023: Deny tcp", DIALECT_CISCO, "2024-02-02T08:00:00Z",
	    "192.0.2.1", "%ASA-4-106023", -1, "%ASA-4-106023: Deny tcp" },
	{ false, "2024-02-02T08:00:00.5Z 192.0.2.1 <86>Feb  2 08:00:00 h sshd[6]: m", DIALECT_RFC3164, "2024-02-02T08:00:00.500000Z",
	    "h", "sshd", 6, "m" },
	{ false, "2024-02-02T08:00:00Z <nick> Feb  2 08:00:00 h sshd[6]: m", DIALECT_STAMP, "2024-02-02T08:00:00Z", "", "", -1,
	    "<nick> Feb  2 08:00:00 h sshd[6]: m" },
	{ false, "{\"@timestamp\":\"2024-01-02T03:04:05Z\",\"message\":\"Jan  2 03:04:04 web sshd[5]: m\"}", DIALECT_JSON,
	    "2024-01-02T03:04:05Z", "web", "sshd", 5, "m" },
	{ false, "{\"event\":{\"original\":\"Jan  2 03:04:04 web sshd[5]: m\"},\"message\":\"m\"}", DIALECT_JSON,
	    "2024-01-02T03:04:04Z", "web", "sshd", 5, "m" },
	{ false, "{\"time\":\"2024-01-02T03:04:05Z\",\"level\":\"info\",\"message\":\"Jan  2 03:04:04 v sshd[5]: m\"}", DIALECT_JSON,
	    "2024-01-02T03:04:05Z", "", "", -1,
	    "{\"time\":\"2024-01-02T03:04:05Z\",\"level\":\"info\",\"message\":\"Jan  2 03:04:04 v sshd[5]: m\"}" },
	/* what is no syslog line stays what it is in a file when it comes with a PRI alone */
	{ true, "<13>Fri May 8 21:45:30 1998 1 h.example 12422 /pub/x", DIALECT_RFC3164, "1998-05-08T21:45:30Z", "", "", -1,
	    "1 h.example 12422 /pub/x" },
	{ true, "<13>16-Apr-1999 07:13:57.425 security: info: x", DIALECT_RFC3164, "1999-04-16T07:13:57.425000Z", "", "", -1,
	    "security: info: x" },
	{ true, "<13>Warning: possible SYN flood", DIALECT_RFC3164, "2024-06-10T06:13:20Z", "", "", -1,
	    "Warning: possible SYN flood" },
	/* in a file, what a daemon says is never a head: it may be a stranger's words */
	{ false, "Jun 10 06:13:20 h app[1]: Jan  2 03:04:05 victim sshd[6]: m", DIALECT_RFC3164, "2024-06-10T06:13:20Z", "h",
	    "app", 1, "Jan  2 03:04:05 victim sshd[6]: m" },
	{ false, "", DIALECT_NONE, "2024-06-10T06:13:20Z", "", "", -1, "" },
	{ false, "{\"broken", DIALECT_NONE, "2024-06-10T06:13:20Z", "", "", -1, "{\"broken" },
};

static void
test_dialects(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *w = &rows[i];
		struct bench b = bench_new(w->envelope, 0);
		struct view v = look(&b, str_z(w->line));
		const struct record *r = &v.r;
		if (r->dialect != w->dialect || strcmp(v.time, w->time) != 0 ||
		    !same(r, r->host, w->host) || !same(r, r->program, w->program) ||
		    r->pid != w->pid || !same(r, r->message, w->message))
			fail_msg(
			    "%s\ngave dialect %d time %s host '%.*s' program '%.*s' pid %lld message '%.*s'",
			    w->line, r->dialect, v.time, STR_FMT(record_text(r, r->host)),
			    STR_FMT(record_text(r, r->program)), (long long)r->pid,
			    STR_FMT(record_text(r, r->message)));
		bench_free(&b);
	}
}

/* What is indented behind a line goes on with it; alone, from the network, or behind nothing it does not. */
static void
test_continued_lines(void **state)
{
	struct bench b = bench_new(false, 0);
	(void)state;
	assert_false(look(&b, STR("\tat the very beginning")).r.continues);
	assert_false(look(&b, STR("Oct 11 22:14:15 h db[7]: syntax error")).r.continues);
	assert_true(look(&b, STR("\tselect *")).r.continues);
	assert_false(look(&b, STR("no blank before it")).r.continues);
	assert_false(look(&b, STR("\tnor is what follows that")).r.continues);
	bench_free(&b);
	b = bench_new(true, 0);
	look(&b, STR("<34>Oct 11 22:14:15 h su: m"));
	assert_false(look(&b, STR("\tanother datagram")).r.continues);
	bench_free(&b);
}

static void
test_priority(void **state)
{
	struct bench b = bench_new(true, 0);
	struct view v = look(&b, STR("<165>1 - h a - - - m"));
	(void)state;
	assert_int_equal(v.r.facility, 20);
	assert_int_equal(v.r.severity, 5);
	v = look(&b, STR("<34>Oct 11 22:14:15 h su: m"));
	assert_int_equal(v.r.facility, 4);
	v = look(&b,
	    STR("{\"MESSAGE\":\"m\",\"SYSLOG_IDENTIFIER\":\"x\",\"PRIORITY\":\"3\",\"SYSLOG_FACILITY\":\"10\"}"));
	assert_int_equal(v.r.facility, 10);
	assert_int_equal(v.r.severity, 3);
	v = look(&b, STR("<30>firewall,info input: x"));
	assert_true(same(&v.r, v.r.data, "firewall,info"));
	bench_free(&b);
}

/*
 * Under a header of columns the line stays whole, its stamp is still read; "#Date:" gives the day.
 */
static void
test_columns(void **state)
{
	struct bench b = bench_new(false, 0);
	(void)state;
	look(&b, STR("#Fields: date time c-ip"));
	struct view v = look(&b, STR("2024-01-02 03:04:05 192.0.2.1"));
	assert_int_equal(v.r.dialect, DIALECT_NONE);
	assert_true(same(&v.r, v.r.message, "2024-01-02 03:04:05 192.0.2.1"));
	assert_string_equal(v.time, "2024-01-02T03:04:05Z");
	look(&b, STR("#Date: 2001-02-03 04:05:06"));
	v = look(&b, STR("04:06:07 192.0.2.1"));
	assert_string_equal(v.time, "2001-02-03T04:06:07Z");
	bench_free(&b);
}

/*
 * A time found by search in a line nobody decoded is for that line only: a stranger's words must
 * not move the clock.
 */
static void
test_search_teaches_nothing(void **state)
{
	struct bench b = bench_new(false, 0);
	(void)state;
	struct view v = look(&b, STR("2024-01-02 03:04:05 a"));
	v = look(&b, STR("query for 1999-09-09 09:09:09 by someone"));
	assert_string_equal(v.time, "1999-09-09T09:09:09Z");
	assert_true(v.r.time_guessed);
	v = look(&b, STR("no time here"));
	assert_string_equal(v.time, "2024-01-02T03:04:05Z");
	assert_true(v.r.time_guessed);
	bench_free(&b);
}

/* A hole's time wins over the head's, but a time of day alone does not. */
static void
test_time_of_a_hole(void **state)
{
	struct bench b = bench_new(false, 0);
	struct record r;
	struct str line = STR("Jan  2 03:04:05 h app[1]: at 2023-12-24T01:02:03Z done");
	(void)state;
	record_begin(&r, line, &b.extra, RECEIVED);
	lens_read(b.lens, &r);
	struct str m = record_text(&r, r.message);
	assert_true(stamp_parse(str_from(m, 3), &r.stamp) > 0);
	lens_time(b.lens, &r);
	assert_int_equal(r.time_us, INT64_C(1703379723) * WHEN_SECOND);
	assert_false(r.time_guessed);
	record_begin(&r, line, &b.extra, RECEIVED);
	lens_read(b.lens, &r);
	int64_t head = r.time_us;
	assert_true(stamp_parse(STR("10:11:12 x"), &r.stamp) > 0);
	lens_time(b.lens, &r);
	assert_int_equal(r.time_us, head);
	bench_free(&b);
}

/* Random bytes and broken forms: every slot lies in raw or extra, whatever comes. */
static void
test_bounds(void **state)
{
	struct bench b[2] = { bench_new(false, 0), bench_new(true, 60) };
	uint64_t seed = 99;
	(void)state;
	for (int round = 0; round < 30000; round++) {
		struct str base = str_z(rows[(size_t)round % ARRAY_LEN(rows)].line);
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		size_t n = round % 3 ? base.n : (seed >> 20) % (base.n + 1);
		char *exact = malloc(n ? n : 1);
		assert_non_null(exact);
		memcpy(exact, base.p, n);
		for (int k = 0; k < round % 4 && n; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			exact[(seed >> 33) % n] = (char)(seed >> 55);
		}
		struct bench *one = &b[round & 1];
		struct view v = look(one, str_of(exact, n));
		struct slot slots[] = { v.r.host, v.r.program, v.r.message, v.r.data };
		for (size_t i = 0; i < ARRAY_LEN(slots); i++)
			assert_true((uint64_t)slots[i].off + slots[i].len <= n + one->extra.n);
		free(exact);
	}
	bench_free(&b[0]);
	bench_free(&b[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialects), cmocka_unit_test(test_continued_lines), cmocka_unit_test(test_priority), cmocka_unit_test(test_columns),
		cmocka_unit_test(test_search_teaches_nothing), cmocka_unit_test(test_time_of_a_hole), cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
