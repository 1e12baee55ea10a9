/* Decoding: who is asked first, what a match becomes, the forms that are no sentences, second looks, explain. */
#include "engine_help.h"

static void
kind_is(struct engine *e, const char *program, const char *text, const char *kind)
{
	engine_decode(e, program, str_z(text));
	if (strcmp(engine_kind(e), kind) != 0)
		fail_msg("'%s' is %s, not %s", text, engine_kind(e), kind);
}

static void
field_is(const struct engine *e, const char *name, const char *value)
{
	if (strcmp(engine_field(e, name), value) != 0)
		fail_msg("%s is '%s', not '%s'", name, engine_field(e, name), value);
}

static void
programs_are_asked_before_any(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { line info 'hello <x:word>'; line daemon.stop 'only any'; }"
	    "decoder b { program SSHD, \"postfix/*\", \"/usr/sbin/cron\"; line auth.ok 'hello <x:word>'; }"
	    "decoder c { program \"postfix/smtpd\"; line mail.info 'hello <x:word>'; }"
	    "decoder d { program postfix; line mail.sent 'sent <x:word>'; line mail.info '<message:rest>'; }"
	    "decoder e { program su; line su.ok 'hello <x:word>'; }"
	    "decoder f { guess; line daemon.info '<*>hello<*>'; }");
	kind_is(e, "sshd", "hello x", "auth.ok");
	kind_is(e, "SSHd", "hello x", "auth.ok");
	kind_is(e, "/usr/local/sbin/sshd", "hello x", "auth.ok");
	kind_is(e, "sshd[77]", "hello x", "auth.ok");
	kind_is(e, "cron", "hello x", "auth.ok");
	kind_is(e, "postfix/qmgr", "hello x", "auth.ok");
	kind_is(e, "postfix/smtpd", "hello x", "mail.info");
	kind_is(e, "postfix/smtpd", "sent x", "mail.sent");
	kind_is(e, "su(pam_unix)", "hello x", "su.ok");
	kind_is(e, "nobody", "hello x", "info");
	kind_is(e, NULL, "hello x", "info");
	/* What takes anything is asked after those of any program. */
	kind_is(e, "postfix", "only any", "daemon.stop");
	kind_is(e, "postfix", "what", "mail.info");
	assert_true(e->r.sure);
	kind_is(e, "nobody", "oh hello there", "daemon.info");
	assert_false(e->r.sure);
	kind_is(e, "nobody", "nothing of it", "unknown");
	assert_int_equal(e->r.decoder, UINT32_MAX);
	engine_close(e);
	free(e);
}

static void
a_guess_that_tells_something_goes_before_what_takes_anything(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { program p; line daemon.info '<message:rest>'; }"
	    "decoder f { guess; line auth.fail '<*>login failed<*>'; }"
	    "decoder g { guess last; line info 'INFO: <*>'; }");
	kind_is(e, "p", "sorry, login failed", "auth.fail");
	assert_false(e->r.sure);
	kind_is(e, "p", "INFO: all is well", "daemon.info");
	assert_true(e->r.sure);
	kind_is(e, "q", "INFO: all is well", "info");
	kind_is(e, "q", "INFO: login failed", "auth.fail");
	engine_close(e);
	free(e);
}

static void
lines_of_no_program_have_decoders_of_their_own(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { program p, none; line auth.ok 'hello <x:word>'; }"
	    "decoder b { line info 'hello <x:word>'; }");
	kind_is(e, "p", "hello x", "auth.ok");
	kind_is(e, NULL, "hello x", "auth.ok");
	kind_is(e, "q", "hello x", "info");
	engine_close(e);
	free(e);
}

/* A message begins with no blank: one before it in a pattern asks for nothing, and takes nothing. */
static void
a_leading_blank_asks_for_nothing(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { program p; line auth.ok ' hello <x:word>'; line auth.fail '{ |}bye'; line info ' <*>late'; }");
	kind_is(e, "p", "hello x", "auth.ok");
	kind_is(e, "p", "bye", "auth.fail");
	kind_is(e, "p", "too late", "info");
	kind_is(e, "p", "something else", "unknown");
	kind_is(e, "p", "x", "unknown");
	engine_close(e);
	free(e);
}

static void
the_longest_literal_wins(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { program p; line info 'error: <*>'; line auth.fail '<*>authentication failure for <user>';"
	    " line daemon.info 'error: <x:word> <y:word>'; line daemon.stop 'error: <x:int> <y:word>'; }");
	kind_is(e, "p", "error: x", "info");
	kind_is(e, "p", "error: authentication failure for joe", "auth.fail");
	kind_is(e, "p", "error: a b", "daemon.info");
	kind_is(e, "p", "error: 1 b", "daemon.stop");
	engine_close(e);
	free(e);
}

static void
a_line_knows_its_service_better(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e, "decoder a { program p; service mail; line info 'web <x:word>' { set service http; } line info 'any <x:word>'; }");
	kind_is(e, "p", "web a", "info");
	field_is(e, "service", "http");
	kind_is(e, "p", "any a", "info");
	field_is(e, "service", "mail");
	engine_close(e);
	free(e);
}

static void
files_route_lines_without_program(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct decode_route route;
	struct str line = STR("OK joe");

	engine_open(e, "decoder a { program x; file \"vsftpd.log*\"; line ftp.info 'OK <user>'; }");
	decode_route(e->rs, STR("/var/log/vsftpd.log.1"), &route);
	assert_int_equal(route.n, 1);
	record_begin(&e->r, line, &e->extra, 0);
	e->r.message = (struct slot){ .off = 0, .len = (uint32_t)line.n };
	decode_routed(e->rs, e->w, &route, &e->r);
	assert_string_equal(engine_kind(e), "ftp.info");
	decode_route(e->rs, STR("/var/log/other.log"), &route);
	assert_int_equal(route.n, 0);
	kind_is(e, NULL, "OK joe", "unknown");
	engine_close(e);
	free(e);
}

static void
options_of_a_line(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { program p; service web;"
	    " line http.ok 'req <from_addr:word> <fallback:word> <status> <path:word>' {"
	    "   set method GET; map src from none, from_addr, fallback; drop from_addr, fallback;"
	    "   when path starts '/'; refine http.not_found when status is 404 and path lacks 'x'; }"
	    " line auth.info 'req <*>' { hostile; }"
	    " line auth.fail 'bad <user>' { benign; } }");
	kind_is(e, "p", "req - 192.0.2.7:44 200 /a", "http.ok");
	field_is(e, "src", "192.0.2.7");
	field_is(e, "src_port", "44");
	field_is(e, "method", "GET");
	field_is(e, "service", "web");
	field_is(e, "fallback", "(absent)");
	assert_false(e->r.hostile);
	kind_is(e, "p", "req [2001:db8::1]:44 - 404 /a", "http.not_found");
	field_is(e, "src", "2001:db8::1");
	kind_is(e, "p", "req gw.example.com - 404 /x", "http.ok");
	field_is(e, "src_host", "gw.example.com");
	/* A refused line leaves nothing behind. */
	kind_is(e, "p", "req 192.0.2.7 - 200 a", "auth.info");
	field_is(e, "src", "(absent)");
	field_is(e, "status", "(absent)");
	assert_true(e->r.hostile);
	kind_is(e, "p", "bad joe", "auth.fail");
	assert_false(e->r.hostile);
	engine_close(e);
	free(e);
}

static void
json_is_flattened(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { json; need request.remote_ip exists; need level is info, warn;"
	    " line http.ok { map src from request.remote_ip; map path from request.uri; map time from ts;"
	    "   refine http.not_found when status is 404; when status exists; }"
	    " line auth.fail 'bad password for <user>' { on msg; map src from request.remote_ip; }"
	    " line info { set category other; } }");
	kind_is(e, NULL, "{\"level\":\"info\",\"ts\":1612345678.5,\"request\":{\"remote_ip\":\"192.0.2.7\",\"uri\":\"/a\\\"\\u00e9\"},"
	    "\"status\":404}", "http.not_found");
	field_is(e, "path", "/a\"\xc3\xa9");
	field_is(e, "src", "192.0.2.7");
	assert_int_equal(e->r.stamp.form, STAMP_EPOCH);
	kind_is(e, NULL, "{\"Level\":\"WARN\",\"msg\":\"bad password for joe\",\"request\":{\"remote_ip\":\"192.0.2.7:5\"}}",
	    "auth.fail");
	field_is(e, "user", "joe");
	field_is(e, "src_port", "5");
	kind_is(e, NULL, "{\"level\":\"info\",\"request\":{\"remote_ip\":\"x\"},\"unnamed\":1}", "info");
	kind_is(e, NULL, "{\"level\":\"debug\",\"request\":{\"remote_ip\":\"x\"}}", "unknown");
	kind_is(e, NULL, "{\"level\":\"info\",\"request\":{\"remote_ip\":\"x\"}", "unknown");
	assert_int_equal(e->r.nfields, 0);
	engine_close(e);
	free(e);
}

static void
pairs_cef_and_csv(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { kv; need type is USER_AUTH; line auth.fail { map user from acct; map src from addr; when res is failed; }"
	    " line auth.ok { map user from acct; } }"
	    "decoder b { cef; need cef.vendor is Acme; line ids.alert { map dst_port from dpt; drop dpt; } }"
	    "decoder c { program filterlog; csv -, -, iface, action, src; line fw.deny { when action is block; } }"
	    "decoder d { program kernel; line fw.deny '<*>DROP <-:kv>' { map dst_port from dpt; } }");
	kind_is(e, NULL, "type=USER_AUTH msg=audit(1.2:3): pid=5 acct=\"joe\" addr=192.0.2.7 res=failed", "auth.fail");
	field_is(e, "user", "joe");
	field_is(e, "src", "192.0.2.7");
	kind_is(e, NULL, "type=USER_AUTH acct=\"joe\" res=success", "auth.ok");
	kind_is(e, NULL, "type=CWD acct=\"joe\" res=success", "unknown");
	kind_is(e, NULL, "CEF:0|Acme|Gate|1|100|Port scan|5|src=192.0.2.7 dpt=22 msg=a b", "ids.alert");
	field_is(e, "src", "192.0.2.7");
	field_is(e, "dst_port", "22");
	field_is(e, "cef.vendor", "Acme");
	kind_is(e, NULL, "CEF:0|Other|Gate|1|100|Port scan|5|src=192.0.2.7", "unknown");
	kind_is(e, "filterlog", "5,,em0,block,192.0.2.7,more", "fw.deny");
	field_is(e, "iface", "em0");
	kind_is(e, "kernel", "[ 1.5] DROP IN=eth0 OUT= SRC=192.0.2.7 DST=198.51.100.2 DPT=22 SYN URGP=0", "fw.deny");
	field_is(e, "dst", "198.51.100.2");
	field_is(e, "flags", "SYN");
	engine_close(e);
	free(e);
}

static void
columns_need_their_header(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e, "decoder a { columns; need sc-status exists; line http.ok { map src from c-ip; map status from sc-status; } }");
	kind_is(e, NULL, "2024-01-02 03:04:05 192.0.2.7 200", "unknown");
	kind_is(e, NULL, "#Fields: date time c-ip cs(User-Agent) sc-status", "info");
	kind_is(e, NULL, "2024-01-02 03:04:05 192.0.2.7 x 200", "http.ok");
	field_is(e, "src", "192.0.2.7");
	field_is(e, "status", "200");
	assert_int_equal(e->r.stamp.year, 2024);
	assert_int_equal(e->r.stamp.second, 5);
	kind_is(e, NULL, "2024-01-02 03:04:05 192.0.2.7 200", "unknown");
	kind_is(e, NULL, "any other line of five", "http.ok");
	field_is(e, "src", "(absent)");
	engine_close(e);
	free(e);
}

static void
refine_looks_twice(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e,
	    "decoder a { program w; line http.ok '<status> <path:rest>' { refine http.not_found when status is 404; } }"
	    "refine one { of http.*; field path;"
	    "  to exploit.web_traversal has '../..', '..%2f' { when status not 404; }"
	    "  to exploit.web_cgi has '/cgi-bin/phf';"
	    "  to http.probe like '/wp-<*>.php';"
	    "  to http.proxy_abuse starts 'http://'; }"
	    "refine two { of http.not_found; field path; to exploit.worm has 'default.ida'; }");
	kind_is(e, "w", "200 /a/../../etc", "exploit.web_traversal");
	assert_true(e->r.hostile);
	kind_is(e, "w", "200 /a/..%2F..", "exploit.web_traversal");
	kind_is(e, "w", "404 /a/../../etc", "http.not_found");
	kind_is(e, "w", "404 /CGI-bin/PHF?../..", "exploit.web_cgi");
	kind_is(e, "w", "200 /wp-login.php", "http.probe");
	kind_is(e, "w", "200 /x/wp-login.php", "http.ok");
	kind_is(e, "w", "200 HTTP://x/", "http.proxy_abuse");
	kind_is(e, "w", "200 /http://x/", "http.ok");
	kind_is(e, "w", "404 /default.ida?X", "exploit.worm");
	kind_is(e, "w", "200 /default.ida?X", "http.ok");
	engine_close(e);
	free(e);
}

struct tries {
	unsigned n, matched;
	char stopped[64], wanted[64];
};

static void
count_try(void *ctx, const struct decode_try *t)
{
	struct tries *tries = ctx;

	tries->n++;
	tries->matched += t->matched;
	if (t->matched)
		return;
	snprintf(tries->stopped, sizeof(tries->stopped), "%.*s", STR_FMT(t->stopped_at));
	snprintf(tries->wanted, sizeof(tries->wanted), "%.*s", STR_FMT(t->wanted));
}

static void
explain_says_where_it_stopped(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct str text = STR("Failed password for joe from nowhere? port 5");
	struct tries tries = { .n = 0 };

	engine_open(e, "decoder a { program p; line auth.fail 'Failed password for joe from <src> port <src_port>'; }");
	record_begin(&e->r, text, &e->extra, 0);
	e->r.message = (struct slot){ .off = 0, .len = (uint32_t)text.n };
	buf_add(&e->extra, STR("p"));
	e->r.program = (struct slot){ .off = (uint32_t)text.n, .len = 1 };
	decode_explain(e->rs, e->w, &e->r, count_try, &tries);
	assert_int_equal(tries.n, 1);
	assert_int_equal(tries.matched, 0);
	assert_string_equal(tries.stopped, "nowhere? port 5");
	assert_string_equal(tries.wanted, "<addr>");
	engine_close(e);
	free(e);
}

/* Values that move the extra buffer while a message that lies in it is read. */
static void
messages_in_extra_survive_its_growth(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));
	struct str raw = STR("{}");
	char big[3000];

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)('a' + i % 23);
	engine_open(e, "decoder a { program p; line auth.fail 'user <user> from <src> port <src_port> <reason:rest>' { set method pam; set outcome 'failure'; } }");
	record_begin(&e->r, raw, &e->extra, 0);
	buf_add(&e->extra, STR("p"));
	e->r.program = (struct slot){ .off = (uint32_t)raw.n, .len = 1 };
	buf_add(&e->extra, STR("user joe from 2001:DB8::7 port imap "));
	buf_add(&e->extra, str_of(big, sizeof(big)));
	e->r.message = (struct slot){ .off = (uint32_t)raw.n + 1, .len = (uint32_t)e->extra.n - 1 };
	decode(e->rs, e->w, &e->r);
	field_is(e, "user", "joe");
	field_is(e, "src", "2001:db8::7");
	field_is(e, "src_port", "143");
	field_is(e, "outcome", "failure");
	assert_int_equal(record_value(&e->r, FIELD_reason).n, sizeof(big));
	engine_close(e);
	free(e);
}

/* "Jan  2 03:04:05 joe" had made "Jan  2 03:04:05 2026" end at the seconds. */
static void
a_time_that_goes_on_is_not_the_one_remembered(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e, "decoder t { program p; line info 'at <time:time> <user:word> came'; }");
	engine_decode(e, "p", STR("at Jan  2 03:04:05 joe came"));
	assert_string_equal(engine_kind(e), "info");
	assert_int_equal(e->r.stamp.year, 0);
	engine_decode(e, "p", STR("at Jan  2 03:04:05 2026 joe came"));
	assert_string_equal(engine_kind(e), "info");
	assert_int_equal(e->r.stamp.year, 2026);
	engine_close(e);
	free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_that_goes_on_is_not_the_one_remembered),
		cmocka_unit_test(programs_are_asked_before_any),
		cmocka_unit_test(a_guess_that_tells_something_goes_before_what_takes_anything),
		cmocka_unit_test(lines_of_no_program_have_decoders_of_their_own),
		cmocka_unit_test(a_leading_blank_asks_for_nothing),
		cmocka_unit_test(the_longest_literal_wins),
		cmocka_unit_test(files_route_lines_without_program),
		cmocka_unit_test(options_of_a_line),
		cmocka_unit_test(json_is_flattened),
		cmocka_unit_test(pairs_cef_and_csv),
		cmocka_unit_test(columns_need_their_header),
		cmocka_unit_test(refine_looks_twice),
		cmocka_unit_test(explain_says_where_it_stopped),
		cmocka_unit_test(messages_in_extra_survive_its_growth),
		cmocka_unit_test(a_line_knows_its_service_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
