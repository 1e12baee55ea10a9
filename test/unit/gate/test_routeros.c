/* Exports of RouterOS: how they are read, what becomes of each statement, and that the result is accepted. */
#include <stdio.h>

#include "../base/cmocka_std.h"
#include "gate/policy/policy.h"
#include "gate/routeros/routeros.h"
#include "sys/file.h"

struct import {
	struct arena arena;
	struct routeros r;
	struct routeros_counts n;
	struct buf out;
};

static const char *
import(struct import *m, const char *text)
{
	*m = (struct import){ .out = BUF_INIT(16u << 20) };
	assert_int_equal(routeros_parse(&m->arena, str_z(text), &m->r), 0);
	assert_int_equal(routeros_convert(&m->arena, &m->r, &m->out, &m->n), 0);
	return buf_cstr(&m->out);
}

static void
done(struct import *m)
{
	buf_free(&m->out);
	arena_free(&m->arena);
}

/* The text holds the wanted line, and is a configuration whose names all mean something. */
static void
expect(const char *theirs, const char *ours)
{
	struct diags *d = diags_new();
	struct import m;
	struct config *c;
	struct policy *p;
	const char *text = import(&m, theirs);

	if (!strstr(text, ours))
		fail_msg("`%s` is not in:\n%s", ours, text);
	if (config_load(&m.arena, d, STR("t"), buf_str(&m.out), NULL, &c) < 0 || policy_build(&m.arena, c, d, &p) < 0) {
		struct buf shown = BUF_INIT(1 << 20);

		diags_show(d, &shown);
		fail_msg("refused:\n%s\n%s", text, buf_cstr(&shown));
	}
	diags_free(d);
	done(&m);
}

static void
test_language(void **state)
{
	struct import m;

	import(&m, "# a comment\r\n/ip address\r\nadd address=10.0.0.1/24 \\\r\n    comment=\"two \\\"words\\\"\\_\\41\" interface=lan\n"
	    "/ip firewall filter add chain=input action=drop\n:put 1\nadd\n");
	assert_int_equal(m.r.n, 4);
	assert_int_equal(m.r.v[0].line, 3);
	assert_true(str_eq(m.r.v[0].menu, STR("/ip address")));
	assert_true(str_eq(routeros_get(&m.r.v[0], "comment"), STR("two \"words\" A")));
	assert_true(str_eq(routeros_get(&m.r.v[0], "interface"), STR("lan")));
	assert_true(routeros_is(&m.r.v[1], "/ip firewall filter", "add"));
	assert_true(str_eq(routeros_get(&m.r.v[1], "action"), STR("drop")));
	assert_true(str_eq(m.r.v[2].menu, STR("script")));
	assert_int_equal(m.r.v[2].line, 6);
	done(&m);
	import(&m, "/interface ethernet\nset [ find default-name=ether1 ] name=wan\nset 0 name=lan\n");
	assert_true(str_eq(m.r.v[0].find, STR("default-name=ether1")));
	assert_true(str_eq(m.r.v[1].find, STR("0")));
	done(&m);
}

#define LAN "/ip address add address=192.168.0.1/24 interface=lan\n/ip address add address=203.0.113.9/24 interface=wan\n" \
	"/ip route add gateway=203.0.113.1\n"

static void
test_sections(void **state)
{
	expect("/system identity set name=\"matriz Porto\"\n" LAN, "site matriz-Porto;");
	expect("/system clock set time-zone-name=America/Sao_Paulo\n" LAN, "timezone \"America/Sao_Paulo\";");
	expect(LAN, "interface wan { zone internet; address 203.0.113.9/24; gateway 203.0.113.1; }");
	expect(LAN, "interface lan { address 192.168.0.1/24; }");
	expect(LAN "/ip route add dst-address=10.0.0.0/8 gateway=192.168.0.9 distance=5\n",
	    "route 10.0.0.0/8 via 192.168.0.9 { metric 5; }");
	expect(LAN "/interface l2tp-server add name=vpn30 user=filial30\n"
		   "/ppp secret add name=filial30 password=x local-address=172.31.30.1 remote-address=172.31.30.2\n"
		   "/ip route add dst-address=192.168.30.0/24 gateway=vpn30\n",
	    "branch filial30 192.168.30.0/24 { tunnel 172.31.30.1, 172.31.30.2; interface vpn30; }");
	expect(LAN "/ppp secret add name=filial40 password=x remote-address=172.31.40.2\n"
		   "/ip route add dst-address=192.168.40.0/24 gateway=172.31.40.2\n",
	    "branch filial40 192.168.40.0/24 { tunnel 172.31.40.2; interface filial40; }");
	expect(LAN "/ip firewall address-list add list=bad address=192.0.2.1\n"
		   "/ip firewall address-list add list=bad address=198.51.100.7/24\n",
	    "list bad { always 192.0.2.1, 198.51.100.0/24; }");
}

/* All but the password, as a comment: nothing may let anyone in before there is one. */
static void
test_tunnels_stand_ready(void **state)
{
	expect(LAN "/interface l2tp-server server set enabled=yes mrru=1600\n"
		   "/ppp secret add name=ana password=x local-address=10.9.0.1 remote-address=10.9.0.7 service=l2tp\n",
	    "\n#l2tp server { address 10.9.0.1; mrru 1600; }\n#secret ana \"\" { address 10.9.0.7; interface ana; }\n");
	expect(LAN "/ppp profile add name=people use-encryption=required dns-server=192.168.0.1,192.168.0.2 wins-server=192.168.0.10\n"
		   "/ppp secret add name=\"a b\" password=x profile=people\n",
	    "\n#profile people { encryption required; dns 192.168.0.1, 192.168.0.2; wins 192.168.0.10; }\n"
	    "#secret \"a b\" \"\" { profile people; }\n");
	expect(LAN "/interface l2tp-client add name=up connect-to=vpn.example.com user=filial30 password=x add-default-route=yes\n"
		   "/ip route add dst-address=192.168.0.0/16 gateway=up\n",
	    "\n#headquarters \"vpn.example.com\" { user filial30; password \"\"; network 192.168.0.0/16; interface up; default-route; }\n");
	expect(LAN "/ppp secret add name=p password=x service=pptp\n", "of all tunnels only L2TP is served here");
	expect(LAN "/ppp secret add name=p password=x disabled=yes\n", "it is disabled");
	/* A name cannot end the comment that it stands in. */
	expect(LAN "/ppp secret add name=\"p\\nallow any to gateway;\" password=x\n", "#secret \"p\\x0aallow any to gateway;\" \"\" {");
}

#define FILTER LAN "/ip firewall filter add "

static void
test_rules(void **state)
{
	expect(FILTER "chain=input action=drop protocol=tcp dst-port=22,8000-8100 in-interface=wan\n",
	    "rule input deny { service tcp/22, tcp/8000-8100; in wan; }");
	expect(FILTER "chain=forward connection-state=established,related in-interface=lan\n",
	    "rule forward allow { state established; in lan; }");
	expect(FILTER "chain=input action=reject src-address=192.168.0.7/24 log=yes\n",
	    "rule input reject { from 192.168.0.0/24; log; }");
	expect(FILTER "chain=input protocol=icmp icmp-options=8:0 limit=5,10:packet\n",
	    "rule input allow { service icmp/8; limit 5 per 1s; }");
	expect(FILTER "action=add-src-to-address-list address-list=k address-list-timeout=1d chain=input protocol=tcp dst-port=1\n",
	    "rule input count { remember k for 1d; service tcp/1; }");
	expect(FILTER "chain=input action=drop disabled=yes comment=\"a } \\\"b\\\"\"\n",
	    "rule input deny { disabled; comment \"a } \\x22b\\x22\"; }");
	expect(LAN "/interface list member add list=IN interface=lan\n/ip firewall filter add chain=input in-interface-list=IN\n",
	    "rule input allow { in lan; }");
}

static void
test_translation(void **state)
{
	expect(LAN "/ip firewall nat add action=masquerade chain=srcnat out-interface=wan src-address=192.168.0.0/24\n",
	    "masquerade 192.168.0.0/24 to internet;");
	expect(LAN "/ip firewall nat add action=src-nat chain=srcnat out-interface=lan to-addresses=192.168.0.1\n",
	    "masquerade any to lan { as 192.168.0.1; }");
	expect(LAN "/ip firewall nat add action=dst-nat chain=dstnat protocol=tcp dst-port=8080 in-interface=wan "
		   "to-addresses=192.168.0.10 to-ports=80\n",
	    "forward tcp/8080 from internet to 192.168.0.10 port 80;");
}

static void
test_p2p(void **state)
{
	static const char mark[] = LAN "/ip firewall mangle add action=mark-packet chain=prerouting new-packet-mark=pck p2p=all-p2p\n";
	static const char drop[] = LAN "/ip firewall mangle add action=mark-packet chain=prerouting new-packet-mark=pck p2p=all-p2p\n"
				   "/ip firewall filter add action=drop chain=forward packet-mark=pck\n";

	expect(mark, "p2p mark;");
	expect(drop, "p2p block;");
}

/* A condition less would be another rule: such a statement is left to the operator, and said. */
static void
test_nothing_is_half_converted(void **state)
{
	static const char *const left[] = {
		"chain=input action=drop src-address=!192.168.0.0/16", "chain=input action=drop connection-limit=5,32",
		"chain=input action=drop src-address=192.168.0.1-192.168.0.9", "chain=mine action=drop",
		"chain=input action=jump jump-target=mine", "chain=input action=tarpit protocol=tcp",
		"chain=input dst-port=80", "chain=input connection-state=new,established", "chain=input protocol=ospf",
	};

	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		struct import m;
		char text[1024];

		snprintf(text, sizeof(text), FILTER "%s\n", left[i]);
		import(&m, text);
		if (m.n.not_converted != 1 || strstr(buf_cstr(&m.out), "\nrule "))
			fail_msg("half converted: %s\n%s", left[i], buf_cstr(&m.out));
		assert_non_null(strstr(buf_cstr(&m.out), left[i]));
		done(&m);
	}
}

static void
test_passwords_are_not_shown(void **state)
{
	struct import m;
	const char *text = import(&m, "/ppp secret add name=a password=\"hunter\\\"2 x\" service=l2tp\n/ppp secret add name=b password=geheim\n"
				      "/ip ipsec peer add secret=verysecret address=192.0.2.1\n/interface wireguard add private-key=\"abc=\"\n");

	assert_null(strstr(text, "hunter"));
	assert_null(strstr(text, "geheim"));
	assert_null(strstr(text, "verysecret"));
	assert_null(strstr(text, "abc="));
	assert_non_null(strstr(text, "service=l2tp"));
	assert_int_equal(m.n.not_converted, 4);
	done(&m);
}

static void
test_names_of_interfaces_fit_the_kernel(void **state)
{
	expect("/ip address add address=192.168.0.1/24 interface=\"ether1 - internet do operador\"\n"
	       "/ip address add address=192.168.1.1/24 interface=\"ether1 - internet do vizinho\"\n",
	    "interface ether1---in-2 { address 192.168.1.1/24; }  # there: ether1 - internet do vizinho");
	expect("/ip address add address=192.168.0.1/24 interface=gateway\n", "interface gateway-2 {");
}

/* What a router's port was open to there, and no more. */
static void
test_ports_are_opened_to_no_one_else(void **state)
{
	static const char *const left[] = {
		"dst-address=203.0.113.77", "in-interface-list=GUESTS", "src-address=192.0.2.1-192.0.2.9", "src-address-list=support",
	};

	expect(LAN "/ip firewall nat add action=dst-nat chain=dstnat protocol=tcp dst-port=3389 src-address=198.51.100.7 to-addresses=192.168.0.5",
	    "forward tcp/3389 from 198.51.100.7 to 192.168.0.5;\n");
	expect(LAN "/ip firewall nat add action=dst-nat chain=dstnat protocol=tcp dst-port=80 dst-address=203.0.113.9 to-addresses=192.168.0.5",
	    "forward tcp/80 from internet to 192.168.0.5;\n");
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		char theirs[512];
		struct import m;

		snprintf(theirs, sizeof(theirs), LAN "/ip firewall nat add action=dst-nat chain=dstnat protocol=tcp dst-port=80 %s "
		    "to-addresses=192.168.0.5", left[i]);
		if (strstr(import(&m, theirs), "\nforward"))
			fail_msg("opened to more: %s\n%s", left[i], buf_cstr(&m.out));
		assert_int_equal(m.n.not_converted, 1);
		done(&m);
	}
}

static void
test_not_from_the_inside(void **state)
{
	expect(LAN "/interface list member add list=INSIDE interface=lan\n"
	    "/ip firewall filter add chain=input action=drop in-interface-list=!INSIDE", "rule input deny { in wan; }\n");
}

static void
test_open_ends_are_shown(void **state)
{
	struct import m;

	expect(LAN "/ip firewall filter add chain=input action=drop in-interface=wan", "#rule input allow { in lan; }\n");
	assert_null(strstr(import(&m, LAN "/ip firewall filter add chain=input action=drop\n"
	    "/ip firewall filter add chain=forward action=reject reject-with=icmp-network-unreachable"), "#rule"));
	done(&m);
}

/* Whole exports, as routers of several makes write them: accepted, and every statement has a fate. */
static void
test_whole_exports(void **state)
{
	static const struct { const char *name, *line; } files[] = {
		{ "defconf-hap", "masquerade any to internet { comment \"defconf: masquerade\"; }\n" },
		{ "small-office", "branch filial1 192.168.2.0/24 { tunnel 10.255.0.2; interface l2tp-filial1; }\n" },
		{ "pppoe-v7", "rule input allow { in pppoe-out1; service tcp/8291, tcp/22; source-list support; }\n" },
		{ "dual-wan", "interface WAN2 { zone internet; address 198.51.100.10/29; gateway 198.51.100.9; }\n" },
		{ "hotspot", "rule forward deny { service tcp/25; in br-hotspot; log; }\n" },
		{ "capsman", "masquerade 192.168.30.0/24 to internet;\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct buf text = BUF_INIT(1u << 20);
		char path[512];
		struct import m;

		snprintf(path, sizeof(path), "%s/%s.rsc", ROUTEROS_EXPORTS, files[i].name);
		assert_int_equal(file_read(path, &text), 0);
		expect(buf_cstr(&text), files[i].line);
		import(&m, buf_cstr(&text));
		assert_int_equal(m.n.converted + m.n.needless + m.n.not_converted, m.r.n);
		done(&m);
		buf_free(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_translation),
		cmocka_unit_test(test_p2p),
		cmocka_unit_test(test_nothing_is_half_converted),
		cmocka_unit_test(test_tunnels_stand_ready),
		cmocka_unit_test(test_passwords_are_not_shown),
		cmocka_unit_test(test_names_of_interfaces_fit_the_kernel),
		cmocka_unit_test(test_ports_are_opened_to_no_one_else),
		cmocka_unit_test(test_not_from_the_inside),
		cmocka_unit_test(test_open_ends_are_shown),
		cmocka_unit_test(test_whole_exports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
