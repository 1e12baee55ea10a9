/* rule: what the parser refuses, and how plainly it says so. */
#include "watch/rule.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void
load(const char *text, struct buf *out, int want)
{
	struct rules_text t = { .name = STR("t.rules"), .text = str_z(text) };
	struct buf fresh = BUF_INIT(256u << 20);
	struct ruleset_cache cache = { .ret_fresh = &fresh };
	struct diags *d = diags_new();
	struct ruleset *rs = NULL;
	int rc = ruleset_load(&t, 1, &cache, d, &rs);

	diags_show(d, out);
	if (rc != want)
		fail_msg("%d for %s\n%s", rc, text, buf_cstr(out));
	if (rc == 0)
		ruleset_free(rs);
	diags_free(d);
	buf_free(&fresh);
}

static void
faults_are_told_with_place_and_hint(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "rule r { open auth.brute; }", "no shape" },
		{ "rule r { each auth.fail by src; }", "opens no incident" },
		{ "rule r { each auth.fial by src; open auth.brute; }", "auth.fail" },
		{ "rule r { each auth.fail bi src; open auth.brute; }", "expected `by`" },
		{ "rule r { count 1 of auth.fail by src within 1m; open auth.brute; }",
		    "from 2 to" },
		{ "rule r { count 3 of auth.fail by src within soon; open auth.brute; }",
		    "expected a duration" },
		{ "rule r { count 3 of auth.fail by src within 1h; quiet 5m; open auth.brute; }",
		    "shorter than the window" },
		{ "rule r { each auth.fail by src; count 3 of auth.fail by src within 1h; open auth.brute; }", "one shape only" },
		{ "rule r { sequence su.ok by user, host within 1h; open su.ok; }",
		    "at least two steps" },
		{ "rule r { sequence su.ok then not su.fail then su.ok by user within 1h; open su.ok; }", "is the last step" },
		{ "rule r { each auth.fail by src; open auth.brute; absorb q; }\nrule quiet { each auth.ok by src; open auth.ok; }",
			"no rule is called q" },
		{ "rule a { each auth.fail by src; open auth.brute; absorb b; }\n"
		    "rule b { each auth.fail by src; open auth.brute; absorb a; }", "in a circle" },
		{ "rule a { each auth.fail by src; open auth.brute; absorb b; }\n"
		    "rule b { each auth.fail by user; open auth.brute; }", "a field in common" },
		{ "rule r { each auth.fail by src; open auth.brute; say \"{src\"; }",
		    "not closed" },
		{ "rule r { each auth.fail by src; open auth.brute; severity grave; }",
		    "not a severity" },
		{ "rule r { each auth.fail by src; open auth.brute; attack brute; }",
		    "not an ATT&CK" },
		{ "rule r { each auth.fail by src; open auth.brute; when src exists; }",
		    "unknown" },
		{ "rule r { each nothing.* by src; open auth.brute; }", "no kind of the family" },
		{ "rule r { each auth.fail by src; open auth.brute; }\nrule r { each auth.ok by src; open auth.ok; }",
			"of this name exists" },
		{ "rule { each auth.fail by src; open auth.brute; }", "one name and a block" },
		{ "rule r { count 3 of auth.fail by src within 1m; same user within 1h; open auth.brute; }", "for `each` only" },
		{ "rule r { count 3 of auth.fail by src within 1m; context by host, pid; open auth.brute; }", "for `each` only" },
		{ "join j { by host, pid; carry src; }", "needs `by`, `open` and `carry`" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct buf out = BUF_INIT(1u << 20);

		load(bad[i].text, &out, -EINVAL);
		if (!strstr(buf_cstr(&out), bad[i].says))
			fail_msg("%s\nsays not '%s' but:\n%s", bad[i].text, bad[i].says,
			    buf_cstr(&out));
		assert_non_null(strstr(buf_cstr(&out), "t.rules:"));
		buf_free(&out);
	}
}

static void
every_shape_loads(void **state)
{
	struct buf out = BUF_INIT(1u << 20);

	load("list bots { curl; wget; }\n"
	    "rule a { each auth.*, exploit.web by src; open record; }\n"
	    "rule b { count 5 of auth.fail where user is root by net:src, host within 1h30m distinct user; open auth.brute;\n"
	    "  where service is ssh; where src external; worse count 10, 20; mark none; same host, net:src within 1d; }\n"
	    "rule c { sequence 3 of auth.fail where user is root then auth.ok then not session.closed by src within 5m;\n"
	    "  open auth.brute_ok; severity critical; attack T1110.001; risk 50; }\n"
	    "rule d { first auth.ok by user, src after 7d; open auth.ok; where agent is $bots; }\n"
	    "rule e { rare proc.exec by user, command below 3 within 30d after 1d; open proc.exec; }\n"
	    "rule f { silence of any by host for 1h; open log.silent; }\n"
	    "rule g { risk 100 by src within 1h; open risk.high; say \"{src}[ as {user}] {count} {span} {title} {rule}\"; }\n"
	    "join h { by host, program, pid; open conn.open; where session absent; carry src, user; for 2h; end conn.closed; }\n",
	    &out, 0);
	buf_free(&out);
}

static void
a_rule_answers_for_its_samples(void **state)
{
	struct buf out = BUF_INIT(1u << 20);

	load("decoder d { program sshd; line auth.fail 'Failed <user> from <src>'; sample 'Failed x from 192.0.2.1' is auth.fail; }\n"
	    "rule r { each auth.fail by src; open auth.brute;\n"
	    "  sample { lines 'Mar  3 10:00:01 h sshd[1]: Failed bob from 192.0.2.7'; expect auth.brute { src 192.0.2.7; count 1; } }\n"
	    "}\n", &out, 0);
	load("decoder d { program sshd; line auth.fail 'Failed <user> from <src>'; sample 'Failed x from 192.0.2.1' is auth.fail; }\n"
	    "rule r { each auth.fail by src; open auth.brute;\n"
	    "  sample { lines 'Mar  3 10:00:01 h sshd[1]: Failed bob from 192.0.2.7'; expect none; } }\n", &out, -EINVAL);
	assert_non_null(strstr(buf_cstr(&out), "an incident came that is not expected"));
	buf_reset(&out);
	load("rule r { each auth.fail by src; open auth.brute;\n"
	    "  sample { lines 'Mar  3 10:00:01 h sshd[1]: hello'; expect auth.brute { src 192.0.2.7; } } }\n", &out, -EINVAL);
	assert_non_null(strstr(buf_cstr(&out), "no such incident came"));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_told_with_place_and_hint),
		cmocka_unit_test(every_shape_loads),
		cmocka_unit_test(a_rule_answers_for_its_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
