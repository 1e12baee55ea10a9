/* Tests of the policy: what words of the configuration become, and what is refused. */
#include "gate_test.h"
#include "gate/eval.h"

#include <stdio.h>

#define TWO "interface wan { zone internet; } interface lan; "
#define SITE TWO "branch filial30 192.168.30.0/24 { tunnel 172.31.30.0/30; interface vpn0; } "

static void
expect(const char *text, enum policy_hook hook, const char *word, const char *want)
{
	struct gate g;

	gate_open(&g, text);
	assert_string_equal(gate_rules(&g, hook, word), want);
	gate_close(&g);
}

static void
expect_fault(const char *text, const char *want)
{
	struct gate g;

	gate_open(&g, text);
	assert_null(g.policy);
	if (!strstr(gate_faults(&g), want))
		fail_msg("`%s` is not in:\n%s", want, gate_faults(&g));
	gate_close(&g);
}

static void
test_ends_choose_the_hook(void **state)
{
	expect(TWO "allow lan to gateway ssh, snmp;", POLICY_INPUT, "allow",
	    "in lan, tcp 22: allow\nin lan, udp 161: allow\n");
	expect(TWO "deny gateway to internet netbios;", POLICY_OUTPUT, "deny",
	    "out wan, tcp 139,445: drop\nout wan, udp 137,138: drop\n");
	expect(TWO "reject lan to internet smtp;", POLICY_FORWARD, "reject",
	    "in lan, out wan, tcp 25: reject\n");
	expect(TWO "allow lan to any;", POLICY_FORWARD, "allow", "in lan: allow\n");
	expect(TWO "allow any to gateway gre;", POLICY_INPUT, "allow", "gre: allow\n");
	expect(TWO "allow lan, 192.0.2.0/24 to gateway;", POLICY_INPUT, "allow",
	    "in lan: allow\nfrom 192.0.2.0/24: allow\n");
	expect(TWO "allow lan to gateway, internet ssh;", POLICY_FORWARD, "allow",
	    "in lan, out wan, tcp 22: allow\n");
}

static void
test_families_are_kept_apart(void **state)
{
	expect(TWO "network n 192.0.2.0/24, 2001:db8::/32; allow n to gateway tcp/80;", POLICY_INPUT,
	    "allow", "from 192.0.2.0/24, tcp 80: allow\nfrom 2001:db8::/32, tcp 80: allow\n");
	expect(TWO "allow 192.0.2.1 to 2001:db8::1;", POLICY_FORWARD, "allow", "");
	expect(TWO "allow 192.0.2.1 to gateway ping;", POLICY_INPUT, "allow",
	    "from 192.0.2.1, icmp 8: allow\n");
}

static void
test_services(void **state)
{
	expect(TWO "service pabx udp/5060, udp/10000-20000, ssh; allow lan to gateway pabx;",
	    POLICY_INPUT, "allow",
	    "in lan, udp 5060,10000-20000: allow\nin lan, tcp 22: allow\n");
	expect(TWO "service ssh tcp/2222; allow lan to gateway ssh;", POLICY_INPUT, "allow",
	    "in lan, tcp 2222: allow\n");
	expect(TWO "allow lan to gateway tcp/22, tcp;", POLICY_INPUT, "allow", "in lan, tcp: allow\n");
	expect_fault(TWO "allow lan to gateway shs;", "did you mean `ssh`?");
	expect_fault(TWO "allow lan to gateway tcp/70000;", "`tcp/70000` has no such ports");
	expect_fault(TWO "allow lan to gateway gre/3;", "has no such ports");
	expect_fault(TWO "service a b; service b a; allow lan to gateway a;", "leads back to itself");
}

static void
test_names(void **state)
{
	expect_fault(TWO "allow lna to gateway;", "did you mean `lan`?");
	expect_fault(TWO "network lan 192.0.2.0/24;", "is the name of something else");
	expect_fault(TWO "zone dmz;", "no interface leads to the zone");
	expect_fault("interface lan; interface lan2, lan;", "is in the zone `lan` already");
	expect_fault("interface abcdefghijklmnop;", "cannot be the name of an interface");
	expect_fault("interface \"a*b\";", "cannot be the name of an interface");
	expect_fault("interface lo;", "cannot be the name of an interface");
	expect_fault(TWO "allow gateway to gateway;", "says to itself");
}

static void
test_branch_implies(void **state)
{
	struct gate g;

	expect(SITE, POLICY_INPUT, "branch",
	    "in vpn0, from 192.168.30.0/24,172.31.30.0/30: allow\n");
	expect(SITE, POLICY_FORWARD, "branch",
	    "in vpn0, out lan,vpn0, from 192.168.30.0/24,172.31.30.0/30: allow\n"
	    "in lan,vpn0, out vpn0, to 192.168.30.0/24,172.31.30.0/30: allow\n");
	gate_open(&g, SITE);
	assert_int_equal(g.policy->nroutes, 1);
	assert_true(str_eq(g.policy->routes[0].interface, STR("vpn0")));
	const struct policy_zone *z = policy_zone_of(g.policy, STR("vpn0"));
	assert_non_null(z);
	assert_true(str_eq(z->name, STR("vpn")));
	assert_false(z->outside);
	gate_close(&g);
}

/* Bans and the drop of marked connections come before what lets live ones pass. */
/* The VPN's port is open without a word, and a headquarters is a branch too, unless one is written. */
static void
test_vpn_implies(void **state)
{
	static const char base[] = "interface wan { zone internet; address 203.0.113.9/24; } interface lan { address 192.168.30.1/24; }";
	char text[1000];
	struct gate g;

	(void)state;
	snprintf(text, sizeof(text), "%s l2tp server { address 10.9.0.1; pool 10.9.0.0/24; listen 203.0.113.9:1701; }"
	    " branch filial1 192.168.40.0/24 { secret x; }", base);
	gate_open(&g, text);
	assert_string_equal(gate_rules(&g, POLICY_INPUT, "l2tp"), "to 203.0.113.9, udp 1701: allow\n");
	assert_int_equal(g.config->vpn.nsecrets, 1);
	assert_true(str_eq(g.config->vpn.secrets[0].interface, STR("vpn-filial1")));
	assert_true(strstr(gate_rules(&g, POLICY_FORWARD, "branch"), "out vpn-filial1") != NULL);
	buf_reset(&g.out);
	config_show(g.config, &g.out);
	assert_null(strstr(buf_cstr(&g.out), "secret filial1"));
	gate_close(&g);
	/* Of two RADIUS servers one may end sessions: from its address, nobody else's. */
	snprintf(text, sizeof(text), "%s l2tp server { address 10.9.0.1; pool 10.9.0.0/24; } radius 192.168.30.5 { secret x; }"
	    " radius 192.168.30.6 { secret x; changes; }", base);
	gate_open(&g, text);
	assert_string_equal(gate_rules(&g, POLICY_INPUT, "radius"), "from 192.168.30.6, udp 3799: allow\n");
	gate_close(&g);
	snprintf(text, sizeof(text), "%s headquarters v.example.com { user a; password b; network 192.168.0.0/24; }", base);
	gate_open(&g, text);
	assert_true(strstr(gate_rules(&g, POLICY_FORWARD, "branch"), "in matriz") != NULL);
	assert_string_equal(gate_rules(&g, POLICY_INPUT, "l2tp"), "");
	assert_int_equal(g.policy->nroutes, 1);
	gate_close(&g);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), " branch hq 192.168.0.0/24 { interface matriz; services http; }");
	gate_open(&g, text);
	assert_int_equal(g.config->gate.nbranches, 1);
	gate_close(&g);
}

static void
test_what_cuts_comes_before_what_lets_live(void **state)
{
	static const enum policy_hook both[] = { POLICY_INPUT, POLICY_FORWARD };
	struct gate g;

	gate_open(&g, TWO "p2p block;");
	for (size_t h = 0; h < ARRAY_LEN(both); h++) {
		uint32_t drop = UINT32_MAX, live = UINT32_MAX;
		for (uint32_t i = g.policy->first[both[h]]; i < g.policy->first[both[h] + 1]; i++) {
			const struct policy_rule *r = &g.policy->rules[i];
			if (r->verdict == POLICY_DROP && r->ct_mark == POLICY_P2P_MARK && i < drop)
				drop = i;
			if (r->states & POLICY_ESTABLISHED && i < live)
				live = i;
		}
		assert_true(drop < live && live != UINT32_MAX);
	}
	gate_close(&g);
}

static void
test_last_rule_of_each_zone_refuses(void **state)
{
	expect(TWO "zone internet { unknown reject; log no; }", POLICY_FORWARD, "zone",
	    "in wan, established, related: allow\nin lan, established, related: allow\n"
	    "in wan: reject\n"
	    "in lan, at most 200 per 1s: count, log\nin lan: drop\n");
	expect(TWO "gateway { unzoned allow; }", POLICY_INPUT, "unzoned", "allow\n");
}

static void
test_translation(void **state)
{
	expect(TWO "masquerade lan to internet;", POLICY_SNAT, NULL,
	    "in lan, out wan, IPv4: masquerade\n");
	expect(TWO "masquerade 192.168.30.0/24 to lan { as 192.168.0.222; }", POLICY_SNAT, NULL,
	    "out lan, from 192.168.30.0/24: source becomes 192.168.0.222\n");
	expect(TWO "forward tcp/8080 from internet to 192.168.0.10 port 80;", POLICY_DNAT, NULL,
	    "in wan, tcp 8080, to this machine: leads to 192.168.0.10 port 80\n");
	expect(TWO "forward tcp/8080 from internet to 192.168.0.10 port 80;", POLICY_FORWARD, "forward",
	    "in wan, to 192.168.0.10, was forwarded: allow\n");
	expect_fault(TWO "forward gre from internet to 192.168.0.10 port 80;", "only TCP and UDP");
}

static void
test_low_level_rules(void **state)
{
	expect(TWO "list bad { timeout 1h; always 192.0.2.9; } "
	    "rule forward deny { in wan; source-list bad; service tcp/139; }", POLICY_FORWARD, "deny",
	    "in wan, tcp 139, sender in bad: drop\nin wan, tcp 139, sender in bad: drop\n"
	    "in wan, from 192.0.2.9, tcp 139: drop\n");
	expect(TWO "rule prerouting count { from 10.0.0.0/8; set-mark voice; } "
	    "rule forward allow { mark voice; state new; }", POLICY_FORWARD, "allow",
	    "new, marked voice: allow\n");
	expect_fault(TWO "rule input deny { out wan; }", "leaves by is not known");
	expect_fault(TWO "rule output deny { in wan; }", "came in by is not known");
	expect_fault(TWO "rule input deny { from lan; in wan; }", "both a zone and an interface");
	expect_fault(TWO "rule input deny { source-list x; }", "there is no list `x`");
	expect_fault(TWO "rule input deny { set-mark x; }", "only a rule that counts");
	expect_fault(TWO "rule input deny { limit 5 per 2s; }", "per 1s, 1m, 1h or 1d");
	expect(TWO "allow lan to gateway { disabled; }", POLICY_INPUT, "allow", "");
}

static void
test_ids_last_while_a_rule_says_the_same(void **state)
{
	struct gate a, b;

	gate_open(&a, TWO "allow lan to gateway ssh; deny lan to internet smtp;");
	gate_open(&b, TWO "\n\n# moved\ndeny lan to internet telnet; deny lan to internet smtp;\n"
	    "allow lan to gateway ssh;");
	uint32_t same = 0;
	for (uint32_t i = 0; i < a.policy->nrules; i++)
		for (uint32_t k = 0; k < b.policy->nrules; k++)
			same += a.policy->rules[i].id == b.policy->rules[k].id;
	assert_int_equal(same, a.policy->nrules);
	assert_int_equal(b.policy->nrules, a.policy->nrules + 1);
	gate_close(&a);
	gate_close(&b);
}

/* Whatever the words, every rule has an id of its own. */
static void
test_ids_are_all_different(void **state)
{
	struct gate g;

	gate_open(&g, TWO "allow lan to gateway ssh; allow lan to gateway ssh; allow lan to gateway ssh;"
	    "p2p block;");
	for (uint32_t i = 0; i < g.policy->nrules; i++)
		for (uint32_t k = 0; k < i; k++)
			assert_true(g.policy->rules[i].id != g.policy->rules[k].id);
	gate_close(&g);
}

static void
test_fallback(void **state)
{
	struct gate g;

	gate_open(&g, TWO "fallback lan to internet around 10.1.1.3:3128;");
	assert_int_equal(g.policy->nfallbacks, 1);
	assert_int_equal(g.policy->sets[g.policy->fallbacks[0].set].kind, POLICY_SET_IFACE);
	assert_string_equal(gate_rules(&g, POLICY_FORWARD, "fallback"), "out wan, while open: allow\n");
	assert_string_equal(gate_rules(&g, POLICY_SNAT, "fallback"),
	    "out wan, IPv4, while open: masquerade\n");
	gate_close(&g);
	expect_fault(TWO "fallback 10.0.0.0/8 to internet around 10.1.1.3:3128;", "are zones");
	expect_fault("interface wan { zone internet; } interface ppp* { zone lan; } "
	    "fallback lan to internet around 10.1.1.3:3128;", "no single interface");
}

static void
test_routes(void **state)
{
	struct gate g;

	gate_open(&g, "interface wan { zone internet; gateway 203.0.113.1; gateway6 2001:db8::1; } "
	    "route 10.20.0.0/16 via 192.168.0.1 { metric 7; } route 10.30.0.0/16 through vpn0;");
	assert_non_null(g.policy);
	assert_int_equal(g.policy->nroutes, 4);
	assert_int_equal(g.policy->routes[0].to.bits, 96);
	assert_int_equal(g.policy->routes[1].to.bits, 0);
	assert_int_equal(g.policy->routes[2].metric, 7);
	gate_close(&g);
	expect_fault(TWO "route 10.0.0.0/8;", "neither `via` whom nor `through` what");
	expect_fault(TWO "route 10.0.0.0/8 via 2001:db8::1;", "needs an IPv4 router");
}

/* What nobody outside may reach has no limit; what is published is asked for in the order of the text, and sent on so. */
static void
test_floods(void **state)
{
	static const char deny[] = TWO "deny 192.0.2.9 to lan http; allow internet to gateway ssh; "
	    "forward http from internet to 192.168.0.10; allow lan to internet;";

	expect(TWO "allow lan to internet; allow lan to gateway ssh;", POLICY_RAW_IN, "syn-flood", "");
	expect(TWO "allow internet to gateway udp/1701;", POLICY_RAW_IN, "syn-flood", "");
	expect(deny, POLICY_INPUT, "syn-flood",
	    "in wan, tcp 80, invalid, untracked, to this machine: ask for a cookie\n"
	    "in wan, tcp 22, invalid, untracked: ask for a cookie\n");
	expect(deny, POLICY_DNAT_OUT, "syn-flood",
	    "tcp 80, to this machine, in the name of others: leads to 192.168.0.10\n");
	expect(deny, POLICY_OUTPUT, "syn-flood",
	    "tcp, established, in the name of others: allow\n"
	    "tcp, to this machine, in the name of others: allow\n"
	    "from 192.0.2.9, tcp 80, in the name of others: drop\n"
	    "to 192.168.0.10, tcp, was forwarded, in the name of others: allow\n"
	    "tcp, in the name of others: drop\n");
	expect(TWO "gateway { syn-source 0; syn-proxy no; log no; } allow internet to gateway ssh;", POLICY_RAW_IN, "syn-flood",
	    "in wan, tcp, beginning, more than 1000 per 1s: count, mark too many\ntcp, marked too many: drop\n");
	expect(TWO "gateway { syn-source 0; syn-total 0; } allow internet to gateway ssh;", POLICY_RAW_IN, "syn-flood", "");
}

/* Beyond the rate the packet belongs to no connection: neither translated, nor let in, nor passed on. */
static void
test_a_flood_is_asked_for_cookies(void **state)
{
	struct gate g;
	struct eval_way way;
	struct eval_world calm = { .ctx = NULL }, flood = { .over_rate = true };
	struct eval_packet p = { .in = STR_INIT("wan"), .protocol = 6, .sport = 4000, .dport = 80, .state = POLICY_NEW };

	gate_open(&g, "interface wan { zone internet; address 203.0.113.10/24; gateway 203.0.113.1; } "
	    "interface lan { address 192.168.0.222/24; } gateway { syn-source 0; } forward http from internet to 192.168.0.10;");
	assert_non_null(g.policy);
	assert_int_equal(addr_parse(STR("203.0.113.10"), &p.dst), 0);
	assert_int_equal(addr_parse(STR("192.0.2.80"), &p.src), 0);
	eval(g.policy, &calm, &p, &way);
	assert_int_equal(way.verdict, POLICY_ACCEPT);
	assert_int_equal(way.hook, POLICY_FORWARD);
	eval(g.policy, &flood, &p, &way);
	assert_true(way.untracked);
	assert_int_equal(way.hook, POLICY_INPUT);
	assert_int_equal(way.by->verdict, POLICY_SYNPROXY);
	p.dport = 81;
	eval(g.policy, &flood, &p, &way);
	assert_string_equal(way.by->word, "invalid");
	gate_close(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_choose_the_hook),
		cmocka_unit_test(test_families_are_kept_apart),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_branch_implies),
		cmocka_unit_test(test_vpn_implies),
		cmocka_unit_test(test_what_cuts_comes_before_what_lets_live),
		cmocka_unit_test(test_last_rule_of_each_zone_refuses),
		cmocka_unit_test(test_translation),
		cmocka_unit_test(test_low_level_rules),
		cmocka_unit_test(test_ids_last_while_a_rule_says_the_same),
		cmocka_unit_test(test_ids_are_all_different),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_a_flood_is_asked_for_cookies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
