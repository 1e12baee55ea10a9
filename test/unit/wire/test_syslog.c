/* Heads of log lines: one table per dialect, what must not be taken for a head, and bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/syslog.h"

static const struct row {
	const char *line;
	int form, facility, severity;
	const char *host, *program, *pid, *message;
} rows[] = {
	/* RFC 3164 and its dirt */
	{ "<34>Oct 11 22:14:15 mymachine su: 'su root' failed", SYSLOG_BSD, 4, 2, "mymachine", "su", "", "'su root' failed" },
	{ "Oct 11 22:14:15 m1.example.com sshd[123]: a b", SYSLOG_BSD, -1, -1, "m1.example.com", "sshd", "123", "a b" },
	{ "Oct 1 22:14:15 gw sshd[123]: a", SYSLOG_BSD, -1, -1, "gw", "sshd", "123", "a" },
	{ "<86>Oct 11 22:14:15 sshd[123]: no host", SYSLOG_BSD, 10, 6, "", "sshd", "123", "no host" },
	{ "<86>sshd[123]: no stamp", SYSLOG_BSD, 10, 6, "", "sshd", "123", "no stamp" },
	{ "<13>just text", SYSLOG_STAMPED, 1, 5, "", "", "", "just text" },
	{ "<192>just text", SYSLOG_BARE, -1, -1, "", "", "", "<192>just text" },
	{ "<>text", SYSLOG_BARE, -1, -1, "", "", "", "<>text" },
	{ "Oct 11 22:14:15 h postfix/smtpd[1]: x", SYSLOG_BSD, -1, -1, "h", "postfix/smtpd", "1", "x" },
	{ "Oct 11 22:14:15 h /kernel: ed1: device timeout", SYSLOG_BSD, -1, -1, "h", "/kernel", "", "ed1: device timeout" },
	{ "Oct 11 22:14:15 h sshd(pam_unix)[77]: x", SYSLOG_BSD, -1, -1, "h", "sshd", "77", "x" },
	{ "Oct 11 22:14:15 h (systemd)[77]: x", SYSLOG_BSD, -1, -1, "h", "systemd", "77", "x" },
	{ "Oct 11 22:14:15 h auth-worker(88): x", SYSLOG_BSD, -1, -1, "h", "auth-worker", "88", "x" },
	{ "Oct 11 22:14:15 h proftpd[9] h (192.0.2.1[192.0.2.1]): x", SYSLOG_BSD, -1, -1, "h", "proftpd", "9",
	    "h (192.0.2.1[192.0.2.1]): x" },
	{ "Oct 11 22:14:15 h com.apple.launchd[1] (com.x[2]): y", SYSLOG_BSD, -1, -1, "h", "com.apple.launchd", "1",
	    "(com.x[2]): y" },
	{ "Oct 11 22:14:15 mac Google Chrome Helper[12]: x", SYSLOG_BSD, -1, -1, "mac", "Google Chrome Helper", "12", "x" },
	{ "Oct 11 22:14:15 sogod [12]: x", SYSLOG_BSD, -1, -1, "", "sogod", "12", "x" },
	{ "Oct 11 22:14:15 [sshd] User x", SYSLOG_BSD, -1, -1, "", "sshd", "", "User x" },
	{ "Oct 11 22:14:15 h [sshd] User x", SYSLOG_BSD, -1, -1, "h", "sshd", "", "User x" },
	{ "2016-11-20T00:00:03.152+0100 [initandlisten] x", SYSLOG_STAMPED, -1, -1, "", "", "", "[initandlisten] x" },
	{ "Oct 11 22:14:15 h [error] x", SYSLOG_BSD, -1, -1, "h", "", "", "[error] x" },
	{ "Oct 11 22:14:15 [sshd]: x", SYSLOG_BSD, -1, -1, "", "sshd", "", "x" },
	{ "Oct 11 22:14:15 h last message repeated 2 times", SYSLOG_BSD, -1, -1, "h", "", "", "last message repeated 2 times" },
	{ "Oct 11 22:14:15 last message repeated 2 times", SYSLOG_BSD, -1, -1, "", "", "", "last message repeated 2 times" },
	{ "Oct 11 22:14:15 h -- MARK --", SYSLOG_BSD, -1, -1, "h", "", "", "-- MARK --" },
	{ "Oct 11 22:14:15 h syslogd 1.4.1: restart.", SYSLOG_BSD, -1, -1, "h", "", "", "syslogd 1.4.1: restart." },
	{ "Oct 11 22:14:15 2001:db8::7 sshd[1]: x", SYSLOG_BSD, -1, -1, "2001:db8::7", "sshd", "1", "x" },
	{ "Oct 11 22:14:15 192.0.2.9 app: x", SYSLOG_BSD, -1, -1, "192.0.2.9", "app", "", "x" },
	{ "Oct 11 22:14:15 h kernel: [12345.678901] IN=eth0", SYSLOG_BSD, -1, -1, "h", "kernel", "", "IN=eth0" },
	{ "Oct 11 22:14:15 h CEF:0|v|p|1|2|n|3|a=b", SYSLOG_BSD, -1, -1, "h", "", "", "CEF:0|v|p|1|2|n|3|a=b" },
	{ "Oct 11 22:14:15 h sshd[1]: [ID 800047 auth.info] x", SYSLOG_BSD, 4, 6, "h", "sshd", "1", "x" },
	{ "Oct 11 22:14:15 h auth|security:notice sshd[1]: x", SYSLOG_BSD, 4, 5, "h", "sshd", "1", "x" },
	{ "Oct 11 22:14:15 <auth.info> h sshd[1]: x", SYSLOG_BSD, 4, 6, "h", "sshd", "1", "x" },
	{ "Mon Feb 12 19:49:05 2018 authpriv.warn dropbear[1]: x", SYSLOG_BSD, 10, 4, "", "dropbear", "1", "x" },
	{ "Oct 11 22:14:15 router authpriv.warn dropbear[1]: x", SYSLOG_BSD, 10, 4, "router", "dropbear", "1", "x" },
	{ "Oct 11 22:14:15 sw1 00435 ports: port 1 is off", SYSLOG_BSD, -1, -1, "sw1", "ports", "", "port 1 is off" },
	{ "2024-01-02T03:04:05.123+02:00 h sshd[1]: x", SYSLOG_BSD, -1, -1, "h", "sshd", "1", "x" },
	{ "2024-01-02T03:04:05+0200 h kernel: x", SYSLOG_BSD, -1, -1, "h", "kernel", "", "x" },
	{ "Tue 2024-01-02 03:04:05 UTC h sshd[1]: x", SYSLOG_BSD, -1, -1, "h", "sshd", "1", "x" },
	{ "1704190000.123456 h sshd[1]: x", SYSLOG_BSD, -1, -1, "h", "sshd", "1", "x" },
	{ "2024:01:02-03:04:05 utm sshd[1]: x", SYSLOG_BSD, -1, -1, "utm", "sshd", "1", "x" },
	{ "[1387348935] nsd[23600]: info: x", SYSLOG_BSD, -1, -1, "", "nsd", "23600", "info: x" },
	{ "@4000000037c219bf2ef02e94 tcpserver: x", SYSLOG_BSD, -1, -1, "", "tcpserver", "", "x" },
	{ "srv sshd[1]: x", SYSLOG_BSD, -1, -1, "srv", "sshd", "1", "x" },
	{ "Oct 11 22:14:15 h sshd[1]: x\r\n", SYSLOG_BSD, -1, -1, "h", "sshd", "1", "x" },
	{ "\xef\xbb\xbf<34>Oct 11 22:14:15 h su: x", SYSLOG_BSD, 4, 2, "h", "su", "", "x" },
	{ "Oct 11 22:14:15 h gdm-password][77]: x", SYSLOG_BSD, -1, -1, "h", "gdm-password", "77", "x" },
	{ "Oct 11 22:14:15 h krb5kdc[704](info): x", SYSLOG_BSD, -1, -1, "h", "krb5kdc", "704", "x" },
	/* UniFi */
	{ "Oct 11 22:14:15 U7LT,788a20aabbcc,v4.0.21.9965: hostapd: x", SYSLOG_BSD, -1, -1, "U7LT", "hostapd", "", "x" },
	{ "Oct 11 22:14:15 ap1 788a20aabbcc,UAP-nanoHD-5.60.9+12980: hostapd[11]: x", SYSLOG_BSD, -1, -1, "ap1", "hostapd",
	    "11", "x" },
	{ "<30>Oct 11 22:14:15 (\"U7LT,788a20aabbcc,v4.0.21\") dropbear[4]: x", SYSLOG_BSD, 3, 6, "U7LT", "dropbear", "4", "x" },
	{ "Oct 11 22:14:15 ap1,U7PG2,v4.3.28 dropbear[4]: x", SYSLOG_BSD, -1, -1, "ap1", "dropbear", "4", "x" },
	{ "<4>Oct 11 22:14:15 UDM UDM kernel: x", SYSLOG_BSD, 0, 4, "UDM", "kernel", "", "x" },
	{ "Oct 11 22:14:15 a,b,c: hostapd: x", SYSLOG_STAMPED, -1, -1, "", "", "", "a,b,c: hostapd: x" },
	/* Cisco and the like */
	{ "Mar 1 15:29:00 192.0.2.77 112369: 5w6d: %SEC-6-IPACCESSLOGP: list 101", SYSLOG_CISCO, -1, 6, "192.0.2.77",
	    "%SEC-6-IPACCESSLOGP", "", "%SEC-6-IPACCESSLOGP: list 101" },
	{ "<189>12: router: 13: *Mar  1 00:00:00.123: %SYS-5-CONFIG_I: x", SYSLOG_CISCO, 23, 5, "router", "%SYS-5-CONFIG_I", "",
	    "%SYS-5-CONFIG_I: x" },
	{ "<189>29: *Mar  1 00:00:00.123 UTC: %SYS-5-CONFIG_I: x", SYSLOG_CISCO, 23, 5, "", "%SYS-5-CONFIG_I", "", "%SYS-5-CONFIG_I: x" },
	{ "112369: 5w6d: %SEC-6-IPACCESSLOGP: x", SYSLOG_CISCO, -1, 6, "", "%SEC-6-IPACCESSLOGP", "", "%SEC-6-IPACCESSLOGP: x" },
	{ "<166>Jan  5 08:52:35 192.0.2.8 %ASA-6-302013: Built x", SYSLOG_CISCO, 20, 6, "192.0.2.8", "%ASA-6-302013", "",
	    "%ASA-6-302013: Built x" },
	{ "<166>Jan 05 2024 08:52:35: %ASA-6-302013: Built x", SYSLOG_CISCO, 20, 6, "", "%ASA-6-302013", "", "%ASA-6-302013: Built x" },
	{ "Jan 05 2024 08:52:35 fw1 : %ASA-6-302013: x", SYSLOG_CISCO, -1, 6, "fw1", "%ASA-6-302013", "", "%ASA-6-302013: x" },
	{ "%ASA-session-6-302013: x", SYSLOG_CISCO, -1, 6, "", "%ASA-session-6-302013", "", "%ASA-session-6-302013: x" },
	{ ": 2024 Jan  2 03:04:05 UTC: %ETHPORT-5-IF_UP: x", SYSLOG_CISCO, -1, 5, "", "%ETHPORT-5-IF_UP", "", "%ETHPORT-5-IF_UP: x" },
	{ "Oct 11 22:14:15 sw1 %%01SHELL/5/LOGIN(l)[12]:VTY login", SYSLOG_CISCO, -1, 5, "sw1", "%%01SHELL/5/LOGIN", "",
	    "%%01SHELL/5/LOGIN(l)[12]:VTY login" },
	{ "Oct 11 22:14:15 router1: %SYS-5-CONFIG_I: x", SYSLOG_CISCO, -1, 5, "router1", "%SYS-5-CONFIG_I", "", "%SYS-5-CONFIG_I: x" },
	{ "Jul 7 08:00:01 xr1 RP/0/RSP0/CPU0:Jul 7 08:00:00.123 : exec[65]: %SECURITY-LOGIN-4-AUTHEN_FAILED : x", SYSLOG_CISCO, -1, 4,
	    "xr1", "%SECURITY-LOGIN-4-AUTHEN_FAILED", "", "%SECURITY-LOGIN-4-AUTHEN_FAILED : x" },
	/* what a daemon quotes is no head */
	{ "Oct 11 22:14:15 mx postfix/cleanup[8]: 4Bx1: warning: header Subject: %ASA-6-605004: x", SYSLOG_BSD, -1, -1, "mx",
	    "postfix/cleanup", "8", "4Bx1: warning: header Subject: %ASA-6-605004: x" },
	{ "Oct 11 22:14:15 gw openvpn[8]: 192.0.2.1:5 [ %ASA-6-605004: x", SYSLOG_BSD, -1, -1, "gw", "openvpn", "8",
	    "192.0.2.1:5 [ %ASA-6-605004: x" },
	/* RouterOS */
	{ "system,error,critical login failure for user a", SYSLOG_ROUTEROS, -1, 3, "", "system,error,critical", "", "system,error,critical login failure for user a" },
	{ "<30>Jan  1 00:00:00 MikroTik firewall,info input: x", SYSLOG_ROUTEROS, 3, 6, "MikroTik", "firewall,info", "", "firewall,info input: x" },
	{ "<30>firewall,info input: x", SYSLOG_ROUTEROS, 3, 6, "", "firewall,info", "", "firewall,info input: x" },
	{ "jan/02/2024 03:04:05 system,info,account user admin logged in", SYSLOG_ROUTEROS, -1, 6, "", "system,info,account", "",
	    "system,info,account user admin logged in" },
	/* RFC 5424 */
	{ "<34>1 2003-10-11T22:14:15.003Z h su - ID47 - 'su root' failed", SYSLOG_RFC5424, 4, 2, "h", "su", "",
	    "'su root' failed" },
	{ "<165>1 2003-10-11T22:14:15.003Z h evntslog 8710 ID47 [e@32473 iut=\"3\" a=\"b\\]c\"][x@1] msg", SYSLOG_RFC5424, 20, 5,
	    "h", "evntslog", "8710", "msg" },
	{ "<165>1 - - - - - - msg", SYSLOG_RFC5424, 20, 5, "", "", "", "msg" },
	{ "<165>1 2003-10-11T22:14:15Z h a - - - \xef\xbb\xbfmsg", SYSLOG_RFC5424, 20, 5, "h", "a", "", "msg" },
	{ "<165>1 2003-10-11T22:14:15Z h a - - -", SYSLOG_RFC5424, 20, 5, "h", "a", "", "" },
	{ "1 2003-10-11T22:14:15Z h a 12 - - no pri", SYSLOG_RFC5424, -1, -1, "h", "a", "12", "no pri" },
	/* as files keep it: neither PRI nor version; a field out of place, and it is no such head */
	{ "2003-10-11T22:14:15Z h filterlog 55 - [meta s=\"1\"] msg", SYSLOG_RFC5424, -1, -1, "h", "filterlog", "55", "msg" },
	{ "2003-10-11T22:14:15Z h a - ID4 - msg", SYSLOG_RFC5424, -1, -1, "h", "a", "", "msg" },
	{ "2019-09-06T01:45:18 srv mysqld: 2019-09-06  1:45:18 14 [Warning] x", SYSLOG_BSD, -1, -1, "srv", "mysqld", "",
	    "2019-09-06  1:45:18 14 [Warning] x" },
	{ "2019-09-06T01:45:18 srv mysqld: x", SYSLOG_STAMPED, -1, -1, "", "", "", "srv mysqld: x" },
	{ "srv sshd[20]: kernel:[  970.699396]: Failed x", SYSLOG_BSD, -1, -1, "srv", "sshd", "20", "Failed x" },
	{ "Oct 11 22:14:15 srv sshd[20]: kernel: [  970.699396] Failed x", SYSLOG_BSD, -1, -1, "srv", "sshd", "20", "Failed x" },
	{ "Oct 11 22:14:15 srv sshd[20]: kernel: refused", SYSLOG_BSD, -1, -1, "srv", "sshd", "20", "kernel: refused" },
	{ "2003-10-11T22:14:15Z h sshd[5]: x - y - z", SYSLOG_BSD, -1, -1, "h", "sshd", "5", "x - y - z" },
	{ "<165>2003-10-11T22:14:15Z h a b - - msg", SYSLOG_BSD, 20, 5, "h", "", "", "a b - - msg" },
	/* stamps of applications */
	{ "2024/01/02 03:04:05 [error] 1#1: *2 x", SYSLOG_STAMPED, -1, -1, "", "", "", "[error] 1#1: *2 x" },
	{ "[Wed Dec 02 16:37:25 1998] [error] x", SYSLOG_STAMPED, -1, -1, "", "", "", "[error] x" },
	{ "2024-01-02 03:04:05,123:WARN:x", SYSLOG_STAMPED, -1, -1, "", "", "", "WARN:x" },
	{ "2024-01-02 03:04:05 - x", SYSLOG_STAMPED, -1, -1, "", "", "", "x" },
	{ "2024-01-02 03:04:05|x|y", SYSLOG_STAMPED, -1, -1, "", "", "", "x|y" },
	{ "2024-01-02 03:04:05 INFO worker[12]: x", SYSLOG_STAMPED, -1, -1, "", "", "", "INFO worker[12]: x" },
	{ "[Dec 21 12:57:01] NOTICE[77]: x.c: y", SYSLOG_STAMPED, -1, -1, "", "", "", "NOTICE[77]: x.c: y" },
	{ "[    1.234567] usb 1-1: new device", SYSLOG_STAMPED, -1, -1, "", "", "", "usb 1-1: new device" },
	{ "date=2024-10-14 time=13:46:40 devname=\"f\"", SYSLOG_STAMPED, -1, -1, "", "", "",
	    "date=2024-10-14 time=13:46:40 devname=\"f\"" },
	{ "2024-01-02 03:04:05,123 fail2ban.actions [9]: NOTICE x", SYSLOG_BSD, -1, -1, "", "fail2ban.actions", "9", "NOTICE x" },
	/* no head */
	{ "192.0.2.1 - - [02/Dec/1998:16:37:24 -0200] \"GET /\" 200 1", SYSLOG_BARE, -1, -1, "", "", "",
	    "192.0.2.1 - - [02/Dec/1998:16:37:24 -0200] \"GET /\" 200 1" },
	{ "nina console Feb 10 15:23", SYSLOG_BARE, -1, -1, "", "", "", "nina console Feb 10 15:23" },
	{ "[2024/01/02 03:04:05.123456,  0] ../x.c:1(f)", SYSLOG_BARE, -1, -1, "", "", "",
	    "[2024/01/02 03:04:05.123456,  0] ../x.c:1(f)" },
	{ "100%-sure words,here of nobody", SYSLOG_BARE, -1, -1, "", "", "", "100%-sure words,here of nobody" },
	{ "", SYSLOG_BARE, -1, -1, "", "", "", "" },
};

static bool
same(struct str s, const char *want)
{
	return str_eq(s, str_z(want));
}

static void
test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct syslog_head h;
		syslog_parse(str_z(r->line), 0, &h);
		if (h.form != r->form || h.facility != r->facility || h.severity != r->severity ||
		    !same(h.host, r->host) || !same(h.program, r->program) ||
		    !same(h.pid, r->pid) || !same(h.message, r->message))
			fail_msg(
			    "\"%s\": form %d %d.%d host '%.*s' program '%.*s' pid '%.*s' message '%.*s'",
			    r->line, h.form, h.facility, h.severity, STR_FMT(h.host),
			    STR_FMT(h.program), STR_FMT(h.pid), STR_FMT(h.message));
	}
}

static void
test_pri(void **state)
{
	(void)state;
	for (int pri = 0; pri < 1000; pri++) {
		char text[16];
		int8_t facility = -1, severity = -1;
		int n = snprintf(text, sizeof(text), "<%d>x", pri);
		size_t taken = syslog_pri(str_of(text, (size_t)n), &facility, &severity);
		assert_int_equal(taken, pri <= 191 ? n - 1 : 0);
		assert_int_equal(facility, pri <= 191 ? pri / 8 : -1);
		assert_int_equal(severity, pri <= 191 ? pri % 8 : -1);
	}
}

static void
test_strict(void **state)
{
	static const struct { const char *text; int form; } cases[] = {
		{ "Oct 11 22:14:15 h sshd[1]: x", SYSLOG_BSD }, { "Oct 11 22:14:15 h su: x", SYSLOG_BSD },
		{ "Oct 11 22:14:15 x: y", SYSLOG_STAMPED }, { "srv sshd[1]: x", SYSLOG_BARE }, { "sshd[1]: x", SYSLOG_BARE },
		{ "Oct 11 22:14:15 a word and more", SYSLOG_STAMPED }, { "system,info x", SYSLOG_BARE },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct syslog_head h;
		syslog_parse(str_z(cases[i].text), SYSLOG_STRICT, &h);
		if (h.form != cases[i].form)
			fail_msg("\"%s\": form %d", cases[i].text, h.form);
	}
}

static void
test_structured_data(void **state)
{
	struct syslog_head h;
	struct syslog_param p = { .id = STR_NULL };
	char plain[64];
	(void)state;
	syslog_parse(STR("<1>1 - h a - - [x@1 k=\"v\" e=\"a\\\"b\\]\"][y@2][z@3 l=\"\"] m"), 0, &h);
	assert_true(same(h.data, "[x@1 k=\"v\" e=\"a\\\"b\\]\"][y@2][z@3 l=\"\"]"));
	struct str rest = h.data;
	assert_true(syslog_data_next(&rest, &p));
	assert_true(same(p.id, "x@1") && same(p.name, "k") && same(p.value, "v") && !p.escaped);
	assert_true(syslog_data_next(&rest, &p));
	assert_true(same(p.name, "e") && p.escaped);
	assert_int_equal(syslog_unescape(p.value, plain), 4);
	assert_memory_equal(plain, "a\"b]", 4);
	assert_true(syslog_data_next(&rest, &p));
	assert_true(same(p.id, "z@3") && same(p.name, "l") && p.value.n == 0);
	assert_false(syslog_data_next(&rest, &p));
}

static bool
inside(struct str whole, struct str s)
{
	return s.n == 0 || (s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

/* Prefixes and random changes of every line, in memory of their exact size. */
static void
test_bounds(void **state)
{
	uint64_t seed = 7;
	(void)state;
	for (int round = 0; round < 40000; round++) {
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
		struct str line = str_of(exact, n);
		struct syslog_head h;
		syslog_parse(line, (unsigned)round & 3, &h);
		assert_true(inside(line, h.host) && inside(line, h.program) &&
		    inside(line, h.pid) && inside(line, h.message));
		assert_true(
		    inside(line, h.data) && inside(line, h.module) && inside(line, h.msgid));
		free(exact);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads), cmocka_unit_test(test_pri), cmocka_unit_test(test_strict),
		cmocka_unit_test(test_structured_data), cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
