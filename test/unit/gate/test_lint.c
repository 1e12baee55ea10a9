/* Each trap of the linter with a configuration that falls into it, and one beside it that does not. */
#include <stdio.h>

#include "gate_test.h"

#include "gate/lint.h"

#define TWO "interface wan { zone internet; } interface lan { address 192.168.0.1/24; } "

static const struct {
	enum lint_code code;
	const char *bad, *good;
} traps[] = {
	{ LINT_PUBLIC_INSIDE, TWO "branch f 192.168.30.0/24 { tunnel 172.60.30.0/30; interface v; }",
		TWO "branch f 192.168.30.0/24 { tunnel 172.31.30.0/30; interface v; }" },
	{ LINT_PUBLIC_INSIDE, "interface wan { zone internet; address 8.8.8.9/24; } interface lan { address 172.60.0.1/16; }",
		"interface wan { zone internet; address 8.8.8.9/24; } interface lan { address 172.16.0.1/16; }" },
	{ LINT_TELNET, TWO "allow lan to gateway telnet;", TWO "deny lan to gateway telnet;" },
	{ LINT_SMUX, TWO "allow lan to gateway smux;", TWO "allow lan to gateway snmp;" },
	{ LINT_GRE, TWO "allow internet to gateway gre;", TWO "allow lan to gateway gre;" },
	{ LINT_MANAGEMENT_OPEN, TWO "allow any to gateway ssh;", TWO "allow lan, 198.51.100.7 to gateway ssh;" },
	{ LINT_MANAGEMENT_OPEN, TWO "allow internet to gateway winbox;",
		TWO "deny internet to gateway winbox; allow any to gateway tcp/8291;" },
	{ LINT_RESOLVER_OPEN, TWO "allow any to gateway dns;", TWO "allow lan to gateway dns;" },
	{ LINT_PROXY_OPEN, TWO "allow internet to gateway proxy;", TWO "allow lan to gateway proxy;" },
	{ LINT_FILES_OPEN, TWO "allow any to gateway netbios;", TWO "allow lan to gateway netbios;" },
	{ LINT_HIDES_SOURCES, TWO "masquerade 192.168.30.0/24 to lan;", TWO "masquerade lan to internet;" },
	{ LINT_SHADOWED, TWO "deny lan to internet;\nallow lan to internet http;", TWO "allow lan to internet http;\ndeny lan to internet;" },
	{ LINT_SHADOWED, TWO "rule forward allow { from 192.168.0.0/16; }\nrule forward deny { from 192.168.1.0/24; service tcp/25; }",
		TWO "rule forward deny { from 192.168.1.0/24; service tcp/25; }\nrule forward allow { from 192.168.0.0/16; }" },
	{ LINT_OVERLAP, TWO "branch a 192.168.30.0/24 { interface v; } branch b 192.168.30.128/25 { interface w; }",
		TWO "branch a 192.168.30.0/25 { interface v; } branch b 192.168.30.128/25 { interface w; }" },
	{ LINT_OVERLAP, TWO "branch a 192.168.0.128/25 { interface v; }", TWO "branch a 192.168.1.0/24 { interface v; }" },
	{ LINT_ONE_FAMILY, TWO "deny 0.0.0.0/0 to lan;", TWO "deny any to lan;" },
	{ LINT_MARK_TOO_LATE, TWO "rule prerouting count { service udp; set-mark m; } rule forward deny { mark m; }", TWO "p2p block;" },
	{ LINT_MARK_IN_OUTPUT, TWO "rule prerouting count { service udp; set-mark m; } rule output deny { mark m; }",
		TWO "rule prerouting count { service udp; set-mark m; } rule forward allow { mark m; }" },
	{ LINT_L2TP_BARE, TWO "allow internet to gateway l2tp;", TWO "allow internet to gateway l2tp, ipsec;" },
	/* IKE let in where nothing speaks it. */
	{ LINT_L2TP_BARE, TWO "l2tp server { address 172.31.0.1; } allow internet to gateway ipsec;",
		TWO "l2tp server { address 172.31.0.1; } ipsec require { secret \"long and strange\"; }" },
	{ LINT_UNKNOWN_ALLOWED, TWO "zone internet { unknown allow; }", TWO "zone lan { unknown allow; }" },
	{ LINT_NO_SUCH_INTERFACE, TWO "rule input deny { in wna; }", TWO "rule input deny { in wan; }" },
};

static bool
finds(const char *text, enum lint_code code)
{
	struct gate g;
	char word[8];
	bool found;

	gate_open(&g, text);
	if (!g.policy)
		fail_msg("refused: %s\n%s", text, gate_faults(&g));
	(void)lint(g.policy, g.d);
	snprintf(word, sizeof(word), "G%03d:", code);
	found = strstr(gate_faults(&g), word) != NULL;
	assert_int_equal(diags_errors(g.d), 0);
	gate_close(&g);
	return found;
}

static void
test_traps(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(traps); i++) {
		if (!finds(traps[i].bad, traps[i].code))
			fail_msg("G%03d is not found in: %s", traps[i].code, traps[i].bad);
		if (finds(traps[i].good, traps[i].code))
			fail_msg("G%03d is found in: %s", traps[i].code, traps[i].good);
	}
}

static void
test_every_code_has_its_words(void **state)
{
	bool tried[LINT_CODES] = { false };

	for (size_t i = 0; i < ARRAY_LEN(traps); i++)
		tried[traps[i].code] = true;
	for (int code = LINT_PUBLIC_INSIDE; code < LINT_CODES; code++) {
		assert_non_null(lint_row((enum lint_code)code)->title);
		assert_non_null(lint_row((enum lint_code)code)->remedy);
		if (!tried[code])
			fail_msg("G%03d is not tried", code);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_traps), cmocka_unit_test(test_every_code_has_its_words) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
