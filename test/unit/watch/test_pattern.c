/* Patterns: every type of hole from both sides, forks, wildcards, hostile text, and the promise of linear work. */
#include "engine_help.h"

static void
expect(const char *pattern, const char *text, const char *field, const char *value)
{
	struct engine *e = calloc(1, sizeof(*e));
	bool matched = engine_match(e, pattern, text);
	char got[256] = "";

	if (matched && field)
		snprintf(got, sizeof(got), "%s", engine_field(e, field));
	engine_close(e);
	free(e);
	if (!matched)
		fail_msg("'%s' does not take '%s'", pattern, text);
	if (field && strcmp(got, value) != 0)
		fail_msg("'%s' on '%s': %s is '%s', not '%s'", pattern, text, field, got, value);
}

static void
refuse(const char *pattern, const char *text)
{
	struct engine *e = calloc(1, sizeof(*e));
	bool matched = engine_match(e, pattern, text);

	engine_close(e);
	free(e);
	if (matched)
		fail_msg("'%s' takes '%s'", pattern, text);
}

static void
literals_match_whole_messages(void **state)
{
	expect("abc def", "abc def", NULL, NULL);
	expect("abc def", "abc \t def  ", NULL, NULL);
	refuse("abc def", "abcdef");
	refuse("abc def", "abc def g");
	refuse("abc def", "xabc def");
	expect("a\\<b\\>\\{c\\}\\|\\\\", "a<b>{c}|\\", NULL, NULL);
	refuse("Abc", "abc");
}

static void
holes_from_the_left(void **state)
{
	expect("a <x:ip>", "a 192.0.2.7", "x", "192.0.2.7");
	expect("a <x:ip>.", "a 192.0.2.7.", "x", "192.0.2.7");
	expect("a <x:ip>", "a 192.0.2.7.", "x", "192.0.2.7");
	expect("a <x:ip> b", "a 2001:db8::1%eth0 b", "x", "2001:db8::1");
	expect("a <x:ip>: b", "a 2001:db8::1: b", "x", "2001:db8::1");
	expect("a <x:ip>:<y:port>", "a [2001:db8::1]:22", "y", "22");
	expect("a <x:ip>.<y:port> >", "a 192.0.2.7.1026 >", "y", "1026");
	refuse("a <x:ip>", "a 192.0.2.256");
	refuse("a <x:ip>", "a 192.0.2");
	refuse("a <x:ip>", "a 192.0.2.7.in-addr.arpa");
	expect("a <src>", "a gw.example.com.", "src_host", "gw.example.com");
	expect("a <src>", "a gw.example.com.", "src", "(absent)");
	expect("a <src>", "a ::ffff:192.0.2.7", "src", "192.0.2.7");
	expect("a <src>", "a 2001:DB8:0:0::1", "src", "2001:db8::1");
	expect("a <src> b", "a unknown b", "src_host", "(absent)");
	expect("a <src_host>[<src>]", "a gw.example.com[192.0.2.7]", "src", "192.0.2.7");
	expect("a <x:host>-<y:int>", "a my-host-12", "x", "my-host");
	expect("a <src_port>", "a imap", "src_port", "143");
	expect("a <src_port>", "a 65535", "src_port", "65535");
	refuse("a <src_port>", "a 65536");
	expect("a <x:int> b", "a -12 b", "x", "-12");
	expect("a <x:num>s", "a 1.25s", "x", "1.25");
	expect("a <x:hex>:", "a 0xDEADbeef:", "x", "0xDEADbeef");
	expect("a <x:word>: b", "a x:y: b", "x", "x:y");
	expect("a <x:word>", "a b/c", "x", "b/c");
	refuse("a <x:word> c", "a b d c");
	expect("a <x:quoted> b", "a \"x \\\" y\" b", "x", "x \\\" y");
	expect("[<x:time>] b", "[10/Oct/2000:13:55:36 -0700] b", "x", "10/Oct/2000:13:55:36 -0700");
	expect("a <x:mac> b", "a 00:11:22:aa:bb:cc b", "x", "00:11:22:aa:bb:cc");
	refuse("a <x:mac> b", "a 00:11:22:aa:bb b");
	expect("a <x:rest>", "a b c d", "x", "b c d");
	expect("a <-:kv>", "a ttl=5 Rule=\"x y\" SYN ACK", "rule", "x y");
	expect("a <-:kv>", "a ttl=5 SYN ACK", "flags", "SYN ACK");
}

static void
wildcards_take_the_first_place(void **state)
{
	expect("<*>from <src>", "x from y from 192.0.2.7", "src", "192.0.2.7");
	expect("a <x:text> b <y:rest>", "a 1 b 2 b 3", "x", "1");
	expect("a <x:text> b <y:rest>", "a 1 b 2 b 3", "y", "2 b 3");
	expect("a <x:text> b", "a 1 b 2 b", "x", "1 b 2");
	expect("a <x:text> b", "a  b", "x", "");
	expect("<*>n<x:int>", "ann12", "x", "12");
	expect("<*> end", "many words here end", NULL, NULL);
	refuse("<*> end", "many words here the end x");
}

static void
forks(void **state)
{
	expect("a {b|c {d|e} |}f", "a f", NULL, NULL);
	expect("a {b|c {d|e} |}f", "a bf", NULL, NULL);
	expect("a {b|c {d|e} |}f", "a c e f", NULL, NULL);
	refuse("a {b|c {d|e} |}f", "a c f");
	expect("for {invalid user |}<user> from <src>{ port <src_port>|}{ ssh2|}", "for joe from 192.0.2.7", "user", "joe");
	expect("for {invalid user |}<user> from <src>{ port <src_port>|}{ ssh2|}",
	    "for invalid user joe from 192.0.2.7 port 22 ssh2", "user", "joe");
	expect("x {<src>|<-:word>} y", "x 192.0.2.7 y", "src", "192.0.2.7");
	/* A fork that fails late must not leave what it captured. */
	expect("{<vhost:word> |}<src> <-:word> [<x:int>]", "192.0.2.7 - [5]", "vhost", "(absent)");
	/* Far more ways than could be listed. */
	expect("{a|b} {a|b} {a|b} {a|b} {a|b} {a|b} {a|b} {a|b} {a|b} {a|b} {a|b} <x:int>", "b a b a b a b a b a b 7", "x", "7");
}

/* What stands behind an untrusted name is read from the right: no name can forge it. */
static void
names_cannot_forge(void **state)
{
	static const char *const failed =
	    "Failed <method:word> for {invalid user |}<user> from <src> port <src_port>{ ssh2|}";
	static const char *const request = "\"<method:word> <path:text!> HTTP/<-:num>\" <status>";

	expect(failed, "Failed password for root from 203.0.113.9 port 5 ssh2 from 192.0.2.7 port 4000 ssh2", "src",
	    "192.0.2.7");
	expect(failed, "Failed password for root from 203.0.113.9 port 5 ssh2 from 192.0.2.7 port 4000 ssh2", "user",
	    "root from 203.0.113.9 port 5 ssh2");
	expect(failed, "Failed password for invalid user  from 192.0.2.7 port 4000 ssh2", "user", "");
	expect(request, "\"GET /x HTTP/1.0\" 200 HTTP/1.1\" 404", "status", "404");
	expect(request, "\"GET /x HTTP/1.0\" 200 HTTP/1.1\" 404", "path", "/x HTTP/1.0\" 200");
	expect("user <user>: rhost=<src>", "user a: rhost=203.0.113.9: rhost=192.0.2.7", "src", "192.0.2.7");
	/* A tail that may say anything: the last place counts. */
	expect("user <user> from <src>: <reason:text>", "user a from 203.0.113.9: x from 192.0.2.7: y", "src", "192.0.2.7");
}

static void
holes_from_the_right(void **state)
{
	expect("<user> at <x:ip>", "u at 2001:db8::7", "x", "2001:db8::7");
	expect("<user> at [<x:ip>]:<y:port>", "u at [2001:db8::7]:22", "y", "22");
	expect("<user> rhost:<x:ip>", "u rhost:192.0.2.7", "x", "192.0.2.7");
	expect("<user> rhost:<x:ip>", "u rhost:2001:db8::1", "x", "2001:db8::1");
	expect("<user> on <x:host> <y:int>", "u on a-b.example.com -5", "y", "-5");
	expect("<user> <x:num> <y:hex>", "u 1.5 ff", "x", "1.5");
	expect("<user>=<x:word>", "a=b=c", "x", "c");
	expect("<user> <x:quoted>", "u \"a \\\" b\"", "x", "a \\\" b");
	expect("<user> [<x:time>]", "u [10/Oct/2000:13:55:36 -0700]", "x", "10/Oct/2000:13:55:36 -0700");
	expect("<user> <x:mac>", "u 00:11:22:aa:bb:cc", "x", "00:11:22:aa:bb:cc");
	expect("<user> <src_port>", "u domain", "src_port", "53");
	refuse("<user> at <x:ip>", "u at 192.0.2.999");
}

static void
caseless_literals(void **state)
{
	struct engine *e = calloc(1, sizeof(*e));

	engine_open(e, "decoder t { program p; caseless; line info 'Login FAILED for <user> from <src>'; "
	    "line daemon.info '<*>WORD x'; }");
	engine_decode(e, "p", STR("login failed FOR joe fROM 192.0.2.7"));
	assert_string_equal(engine_field(e, "user"), "joe");
	engine_decode(e, "p", STR("a word X"));
	assert_string_equal(engine_kind(e), "daemon.info");
	engine_close(e);
	free(e);
}

/* Work is counted, not timed: a megabyte of text made to hurt takes no more than so many steps a byte. */
static void
hostile_megabytes_stay_linear(void **state)
{
	static const struct {
		const char *pattern, *unit;
	} cases[] = {
		{ "<*>a<x:word> y", "a" },
		{ "<*>from <src> x", "from " },
		{ "<*>a <x:text> b <y:text> c <z:text> d", "a b c " },
		{ "<*>\"<x:quoted> y", "\"" },
		{ "for {invalid user |}<user> from <src> port <src_port>{ ssh2|}", "for from 192.0.2.7 port " },
		{ "<user> from <x:text> port <y:text> end", " from  port " },
		{ "{<a:text> |}{<b:text> |}{<c:text> |}x<d:int>", "x x " },
		{ "<*>=<x:host>", "=a." },
		{ "<*><src>", "1." },
	};
	size_t size = 1u << 20;
	char *text = malloc(size);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct engine *e = calloc(1, sizeof(*e));
		char rules[512];
		uint64_t before;

		for (size_t k = 0; k < size; k++)
			text[k] = cases[i].unit[k % strlen(cases[i].unit)];
		text[size - 1] = '!';
		snprintf(rules, sizeof(rules), "decoder t { program p; line info `%s`; }", cases[i].pattern);
		engine_open(e, rules);
		before = e->w->match.steps;
		engine_decode(e, "p", str_of(text, size));
		if (e->w->match.steps - before > 4 * MATCH_STEPS_MAX(size))
			fail_msg("'%s': %llu steps", cases[i].pattern, (unsigned long long)(e->w->match.steps - before));
		engine_close(e);
		free(e);
	}
	free(text);
}

static void
faulty_patterns_are_shown(void **state)
{
	static const struct {
		const char *pattern, *fault, *place;
	} cases[] = {
		{ "a <x:ipp>", "unknown type 'ipp'", ":38: " },
		{ "a {b|c", "'{' without '}'", ":37: " },
		{ "a } b", "'}' without '{'", ":37: " },
		{ "a <x", "'<' without '>'", ":37: " },
		{ "a\\q", "'\\q' means nothing", ":36: " },
		{ "a <x:text><user>", "two wildcards with nothing between", ":35: " },
		{ "a <x:rest> b", "something follows a hole of type rest", ":35: " },
		{ "a <Bad Name>", "bad field name", ":38: " },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char rules[256];
		const char *shown;

		snprintf(rules, sizeof(rules), "decoder t { program p; line info `%s`; }", cases[i].pattern);
		shown = engine_faults(rules);
		if (!strstr(shown, cases[i].fault) || !strstr(shown, cases[i].place))
			fail_msg("'%s' gives: %s", cases[i].pattern, shown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_match_whole_messages),
		cmocka_unit_test(holes_from_the_left),
		cmocka_unit_test(wildcards_take_the_first_place),
		cmocka_unit_test(forks),
		cmocka_unit_test(names_cannot_forge),
		cmocka_unit_test(holes_from_the_right),
		cmocka_unit_test(caseless_literals),
		cmocka_unit_test(hostile_megabytes_stay_linear),
		cmocka_unit_test(faulty_patterns_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
