/* Queries: what is understood, what a single line must have to match, and faults that say where and what to do. */
#include "../base/cmocka_std.h"

#include <errno.h>

#include "vault/query.h"

static bool
matches_from(const char *source, const char *text, const char *line)
{
	static const struct query_fact facts[] = {
		{ STR_INIT("user"), STR_INIT("Ana") }, { STR_INIT("src"), STR_INIT("10.1.2.3") }, { STR_INIT("bytes"), STR_INIT("5000") },
		{ STR_INIT("kind"), STR_INIT("auth.fail") }, { STR_INIT("host"), STR_INIT("fe80::1") }, { STR_INIT("url"), STR_INIT("/admin/x") },
	};
	struct query_line l = { .raw = str_z(line), .source = str_z(source), .facts = facts, .nfacts = ARRAY_LEN(facts) };
	struct query_scratch *s;
	struct query q;
	bool hit;

	if (query_parse(&q, str_z(text)) < 0)
		fail_msg("%s: %s at %zu", text, q.fault, q.fault_at);
	s = query_scratch_new(&q);
	hit = query_match(&q, s, &l);
	query_scratch_free(s);
	query_free(&q);
	return hit;
}

static bool
matches(const char *text, const char *line)
{
	return matches_from("/var/log/x", text, line);
}

static void
words_and_phrases(void **state)
{
	assert_true(matches("failed", "sshd: Failed password"));
	assert_false(matches("fail", "sshd: Failed password"));
	assert_true(matches("fail*", "sshd: Failed password"));
	assert_true(matches("\"failed password\"", "sshd: Failed password"));
	assert_false(matches("\"failed passw\"", "sshd: Failed password"));
	assert_true(matches("\"[403]\"", "x [403] y"));
	assert_true(matches("user=ana", "x user=ana y"));
	assert_true(matches("http://a/b", "GET http://a/b HTTP"));
	assert_true(matches("", "anything"));
	assert_true(matches("52:54:00:aa:bb:cc", "MAC=52:54:00:AA:BB:CC"));
	assert_true(matches("2001:db8::1", "from 2001:db8::1 port"));
	assert_true(matches("\"a \\\"b\\\"\"", "x a \"b\" y"));
}

static void
addresses(void **state)
{
	assert_true(matches("10.0.0.1", "from 10.0.0.1:80"));
	assert_false(matches("10.0.0.1", "from 10.0.0.11"));
	assert_false(matches("10.0.0.1", "version 10.0.0.1x"));
	assert_true(matches("10.0.0.0/8", "SRC=10.200.1.1"));
	assert_false(matches("10.0.0.0/8", "SRC=11.200.1.1"));
	assert_true(matches("0.0.0.0/0", "SRC=11.200.1.1"));
}

static void
fields(void **state)
{
	assert_true(matches("user:ana", ""));
	assert_true(matches("user:an*", ""));
	assert_false(matches("user:an", ""));
	assert_true(matches("src:10.0.0.0/8", ""));
	assert_true(matches("src:10.1.2.3", ""));
	assert_false(matches("src:10.1.2.4", ""));
	assert_true(matches("host:fe80:0:0:0:0:0:0:1", ""));
	assert_true(matches("bytes>4999 bytes>=5000 bytes<5001 bytes<=5000 bytes:5000 bytes:1..5K", ""));
	assert_false(matches("bytes>5000 OR bytes<5000 OR bytes:..4999", ""));
	assert_true(matches("kind:auth kind:auth.fail", ""));
	assert_false(matches("kind:aut", ""));
	assert_true(matches("url~/adm.n/ url:/admin/x url:/admin*", ""));
	assert_true(matches("source:/var/log/x source:/var*", ""));
	assert_true(matches_from("site filial30 udp 192.0.2.1", "source:\"site filial30\" source:site source:\"site filial30 udp\"", ""));
	assert_false(matches_from("site filial30 udp 192.0.2.1", "source:\"site filial3\" OR source:filial30 OR source:s", ""));
	assert_false(matches("nosuch:1", ""));
}

static void
joined(void **state)
{
	assert_true(matches("a b", "a b"));
	assert_false(matches("a b", "a c"));
	assert_true(matches("a OR b AND c", "a"));
	assert_false(matches("(a OR b) c", "a"));
	assert_true(matches("a -b", "a c"));
	assert_false(matches("a NOT b", "a b"));
	assert_true(matches("NOT (a b)", "a"));
	assert_true(matches("/a+b/ -/c$/", "xaaab c d"));
	assert_true(matches("/A/", "a"));
	assert_false(matches("/A/s", "a"));
	assert_true(matches("/a\\/b/", "x a/b y"));
}

static void
assert_fault(const char *text, size_t at, const char *says)
{
	struct query q;

	assert_int_equal(query_parse(&q, str_z(text)), -EINVAL);
	if (q.fault_at != at || str_find(str_z(q.fault), str_z(says)) == strlen(q.fault))
		fail_msg("`%s`: at %zu: %s", text, q.fault_at, q.fault);
	query_free(&q);
}

static void
faults_have_a_place_and_a_remedy(void **state)
{
	assert_fault("\"abc", 0, "partner");
	assert_fault("a /b", 2, "partner");
	assert_fault("(a", 2, ") is missing");
	assert_fault("a)", 1, "closes nothing");
	assert_fault("a OR", 4, "expected");
	assert_fault("OR b", 0, "quote it");
	assert_fault("a AND OR b", 6, "quote it");
	assert_fault("user:", 5, "value is missing");
	assert_fault("bytes>x", 6, "number");
	assert_fault("bytes:5..2", 6, "ends before");
	assert_fault("user~x", 5, "/regular expression/");
	assert_fault("x /(a/", 2, "cannot be used: missing closing parenthesis");
	assert_fault("...", 0, "no word");
	assert_fault("10.0.0.1/8", 0, "first address");
	assert_fault("a | sort", 4, "count");
	assert_fault("a | count of x", 10, "count by FIELD");
	assert_fault("a | top 5", 9, "name of a field");
	assert_fault("a | histogram soon", 14, "1h");
	assert_fault("a | count by b c", 15, "nothing more");
	assert_fault("(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a", 64, "deeply");
}

/* An expression that backtracks without end is given up, and that is known. */
static void
costly_expressions_are_given_up(void **state)
{
	struct query q;
	struct query_scratch *s;
	struct query_line l = { .raw = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!") };

	assert_int_equal(query_parse(&q, STR("/^(a+)+b$/ OR /^(a|aa)+$/")), 0);
	s = query_scratch_new(&q);
	assert_false(query_match(&q, s, &l));
	assert_true(query_scratch_gave_up(s) > 0);
	query_scratch_free(s);
	query_free(&q);
}

static void
what_follows_the_bar(void **state)
{
	struct query q;

	assert_int_equal(query_parse(&q, STR("a | count by src")), 0);
	assert_int_equal(q.then, QUERY_COUNT);
	assert_true(str_eq(q.by, STR("src")) && q.wants_facts);
	query_free(&q);
	assert_int_equal(query_parse(&q, STR("|top 3 user")), 0);
	assert_int_equal(q.then, QUERY_TOP);
	assert_int_equal(q.top, 3);
	query_free(&q);
	assert_int_equal(query_parse(&q, STR("a|histogram 5m")), 0);
	assert_int_equal(q.then, QUERY_HISTOGRAM);
	assert_true(q.bucket_us == 300000000);
	query_free(&q);
}

static void
literals_of_a_regex(void **state)
{
	static const struct {
		const char *pattern, *needs;
	} rows[] = {
		{ "failed password", "failed,password" }, { "fail(ed)? pass", "fail,pass" }, { "passwords?", "password" }, { "a|password", "" },
		{ "(password)", "" }, { "pass\\w+word", "pass,word" }, { "xy+z", "" }, { "\\x41user", "" }, { "deadbeef", "" }, { "[user]host", "host" },
		{ "user{2}name", "use,name" }, { "(?i)user", "" }, { "^sshd\\[", "sshd" }, { "jan", "" }, { "[]user]kernel", "kernel" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = { 0 };
		struct buf got = BUF_INIT(256);
		struct str needs[8];
		uint32_t n = query_regex_needs(str_z(rows[i].pattern), &a, needs, 8);

		for (uint32_t k = 0; k < n; k++)
			buf_addf(&got, "%s%.*s", k ? "," : "", STR_FMT(needs[k]));
		assert_string_equal(buf_cstr(&got), rows[i].needs);
		buf_free(&got);
		arena_free(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_phrases),
		cmocka_unit_test(addresses),
		cmocka_unit_test(fields),
		cmocka_unit_test(joined),
		cmocka_unit_test(faults_have_a_place_and_a_remedy),
		cmocka_unit_test(costly_expressions_are_given_up),
		cmocka_unit_test(what_follows_the_bar),
		cmocka_unit_test(literals_of_a_regex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
