/*
 * config_gate: the rows of the gate's words: interfaces, zones, services, branches, rules. Decides
 * nothing about packets: what the words mean together is gate/policy/policy.h.
 */
#include "base/when.h"
#include "conf/config_in.h"

static const char *const unknown_names[] = { "drop", "reject", "allow", NULL };
static const char *const spoof_names[] = { "strict", "loose", "off", NULL };
static const char *const chain_names[] = { "prerouting", "input", "forward", "output", NULL };
static const char *const action_names[] = { "allow", "deny", "reject", "count", NULL };
static const char *const state_names[] = { "any", "new", "established", "invalid", NULL };
static const char *const mode_names[] = { "auto", "on", "off", NULL };
static const char *const encrypted_names[] = { "tell", "slow", "block", NULL };
static const char *const p2p_names[] = { "observe", "mark", "block", NULL };

#define COMMENT_ROW(T) \
	STRING_ROW(T, comment, .keyword = "comment", .max = 200, .common = true, \
	    .help = "a remark, shown wherever this is shown", \
	    .example = "comment \"asked for by accounting\";")
#define DISABLED_ROW(T) \
	BOOL_ROW(T, disabled, .keyword = "disabled", .common = true, \
	    .help = "kept, but not in effect", .example = "disabled;")

static const struct schema_row gateway_rows[] = {
	BOOL_ROW(struct conf_gateway, forward4, .keyword = "ipv4", .def = "yes",
	    .help = "pass IPv4 packets from one interface to another",
	    .example = "ipv4 no;"),
	BOOL_ROW(struct conf_gateway, forward6, .keyword = "ipv6", .def = "yes",
	    .help = "pass IPv6 packets from one interface to another",
	    .example = "ipv6 no;"),
	ENUM_ROW(struct conf_gateway, anti_spoofing, .keyword = "anti-spoofing",
	    .names = spoof_names, .def = "strict",
	    .help = "refuse senders that the answer would not go back to by the same interface",
	    .text = "loose asks only that there is a way back at all, as with two operators.",
	    .example = "anti-spoofing loose;"),
	BOOL_ROW(struct conf_gateway, ping, .keyword = "ping", .def = "yes",
	    .help = "answer pings from everywhere, up to fifty a second",
	    .text = "Messages of ICMP that the network cannot do without always pass.",
	    .example = "ping no;"),
	BOOL_ROW(struct conf_gateway, log, .keyword = "log", .def = "yes",
	    .help = "hand refused packets to the watch as records",
	    .text = "Not through the log of the kernel, so it cannot be flooded.",
	    .example = "log no;"),
	INT_ROW(struct conf_gateway, log_rate, .keyword = "log-rate", .def = "200", .min = 1,
	    .max = 100000,
	    .help = "at most so many refused packets a second become records; all are counted",
	    .example = "log-rate 1000;"),
	INT_ROW(struct conf_gateway, syn_source, .keyword = "syn-source", .def = "200", .min = 0, .max = 1000000,
	    .help = "connections that one sender outside may begin a second with what is published; 0: any",
	    .text = "What is beyond is dropped before a connection is made of it. Of IPv6, a network of 64 bits is one sender.",
	    .example = "syn-source 50;"),
	INT_ROW(struct conf_gateway, syn_total, .keyword = "syn-total", .def = "1000", .min = 0, .max = 10000000,
	    .help = "connections that all senders outside together may begin a second; 0: any",
	    .text = "Beyond it, senders are asked for a cookie before anything is kept of them: a flood in forged names ends there, "
		    "and who is real gets on.",
	    .example = "syn-total 5000;"),
	BOOL_ROW(struct conf_gateway, syn_proxy, .keyword = "syn-proxy", .def = "yes",
	    .help = "beyond syn-total ask for cookies; no: drop",
	    .text = "Where the kernel has no synproxy, what is beyond is dropped.",
	    .example = "syn-proxy no;"),
	ENUM_ROW(struct conf_gateway, unzoned, .keyword = "unzoned", .names = unknown_names,
	    .def = "drop",
	    .help = "what comes in by an interface that the configuration does not name",
	    .example = "unzoned allow;"),
};
const struct schema gateway_schema = SCHEMA_OF("gateway", struct conf_gateway, gateway_rows);

static const struct schema_row interface_rows[] = {
	WHERE_ROW(struct conf_interface, where),
	WORDS_ROW(struct conf_interface, names, .required = true, .arg = "NAME, ...",
	    .help = "names of interfaces; ppp* is every one that begins so",
	    .text = "It need not be there: what is said of it counts as soon as it comes.",
	    .example = "interface wan { zone internet; }"),
	WORD_ROW(struct conf_interface, zone, .keyword = "zone", .derived = "the interface's name",
	    .help = "the zone that this interface leads to",
	    .example = "zone internet;"),
	PREFIXES_ROW(struct conf_interface, addresses, .keyword = "address",
	    .help = "the gateway's own addresses here",
	    .text = "Network and broadcast follow from them.",
	    .example = "address 192.168.0.222/24, 2001:db8::1/64;"),
	ADDRESS_ROW(struct conf_interface, gateway, .keyword = "gateway",
	    .help = "the router to everywhere else: a default route",
	    .example = "gateway 203.0.113.1;"),
	ADDRESS_ROW(struct conf_interface, gateway6, .keyword = "gateway6",
	    .help = "likewise for IPv6",
	    .example = "gateway6 2001:db8::1;"),
	INT_ROW(struct conf_interface, mtu, .keyword = "mtu", .zero = "auto", .def = "auto",
	    .min = 576, .max = 65535,
	    .help = "the longest packet in bytes",
	    .example = "mtu 1492;"),
	BOOL_ROW(struct conf_interface, off, .keyword = "off",
	    .help = "taken down",
	    .example = "off;"),
	COMMENT_ROW(struct conf_interface),
};
const struct schema interface_schema = SCHEMA_OF("interface", struct conf_interface,
    interface_rows);

static const struct schema_row zone_rows[] = {
	WHERE_ROW(struct conf_zone, where),
	WORD_ROW(struct conf_zone, name, .required = true,
	    .help = "a zone that interfaces name",
	    .example = "zone guests { outside; }"),
	BOOL_ROW(struct conf_zone, outside, .keyword = "outside",
	    .derived = "yes for the zone internet",
	    .help = "strangers are there",
	    .example = "outside;"),
	ENUM_ROW(struct conf_zone, unknown, .keyword = "unknown", .names = unknown_names,
	    .def = "drop",
	    .help = "what happens to packets from there that no rule speaks of",
	    .example = "unknown reject;"),
	BOOL_ROW(struct conf_zone, log, .keyword = "log", .def = "yes",
	    .help = "hand such packets to the watch as records",
	    .example = "log no;"),
};
const struct schema zone_schema = SCHEMA_OF("zone", struct conf_zone, zone_rows);

static const struct schema_row network_rows[] = {
	WHERE_ROW(struct conf_network, where),
	WORD_ROW(struct conf_network, name, .required = true,
	    .help = "a name to use in rules",
	    .example = "network servers 192.168.0.0/28;"),
	CIDRS_ROW(struct conf_network, nets, .required = true,
	    .help = "addresses and networks",
	    .example = "network servers 192.168.0.0/28, 2001:db8:1::/64;"),
};
const struct schema network_schema = SCHEMA_OF("network", struct conf_network, network_rows);

static const struct schema_row service_rows[] = {
	WHERE_ROW(struct conf_service, where),
	WORD_ROW(struct conf_service, name, .required = true,
	    .help = "a name to use in rules",
	    .example = "service pabx udp/5060;"),
	WORDS_ROW(struct conf_service, ports, .required = true, .arg = "PROTOCOL/PORT, ...",
	    .help = "tcp/80, udp/5000-5100, icmp/8, icmp6/128, a protocol such as gre, or a service",
	    .example = "service pabx udp/5060, udp/10000-20000;"),
};
const struct schema service_schema = SCHEMA_OF("service", struct conf_service, service_rows);

static const struct schema_row branch_rows[] = {
	WHERE_ROW(struct conf_branch, where),
	WORD_ROW(struct conf_branch, name, .required = true,
	    .help = "the name of the remote site",
	    .example = "branch filial30 192.168.30.0/24 { interface vpn-filial30; }"),
	CIDRS_ROW(struct conf_branch, networks, .required = true,
	    .help = "the networks there",
	    .text = "Packets between them and every zone that is not outside pass both ways, and "
	        "a route leads there.",
	    .example = "branch filial30 192.168.30.0/24 { interface vpn-filial30; }"),
	CIDRS_ROW(struct conf_branch, tunnel, .keyword = "tunnel",
	    .help = "addresses of the ends of its tunnel",
	    .example = "tunnel 172.31.30.0/30;"),
	WORDS_ROW(struct conf_branch, interfaces, .keyword = "interface", .arg = "NAME, ...",
	    .help = "the interface that leads there; it may come and go",
	    .example = "interface vpn-filial30;"),
	ADDRESS_ROW(struct conf_branch, via, .keyword = "via",
	    .help = "the router that leads there",
	    .example = "via 172.31.30.2;"),
	WORDS_ROW(struct conf_branch, services, .keyword = "services", .arg = "SERVICE, ...",
	    .help = "only these may pass; without it, everything",
	    .example = "services netbios, rdp, http;"),
	STRING_ROW(struct conf_branch, secret, .keyword = "secret", .max = 255, .secret = true,
	    .reload = SCHEMA_RESTART,
	    .help = "it dials in to our VPN, under its name and with this password",
	    .text = "As a `secret` of that name would: its networks lie behind it, and it has an interface of its "
	        "own, vpn-NAME unless `interface` says otherwise. A `tunnel` of one address is the one it gets.",
	    .example = "secret \"long and strange\";"),
	STRING_ROW(struct conf_branch, key, .keyword = "key", .max = 44, .reload = SCHEMA_RESTART,
	    .help = "the public key of its Guarita, as `guarita site key` shows it there",
	    .text = "As a `peer` of that name would: it may dial our `link`, its lines come here, bans are shared, and each signs what "
	        "the other's vault holds.",
	    .example = "key \"7J0DhN2CbCWBkRdgGvTJtvHAv3oDtu3c5BUlbZ1QmTo=\";"),
};
const struct schema branch_schema = SCHEMA_OF("branch", struct conf_branch, branch_rows);

static const struct schema_row list_rows[] = {
	WHERE_ROW(struct conf_list, where),
	WORD_ROW(struct conf_list, name, .required = true,
	    .help = "a name to use in rules",
	    .example = "list knockers { timeout 10m; }"),
	CIDRS_ROW(struct conf_list, nets, .keyword = "always",
	    .help = "addresses that are always in it",
	    .example = "always 192.0.2.1;"),
	DURATION_ROW(struct conf_list, timeout_us, .keyword = "timeout", .zero = "never",
	    .def = "never", .min = WHEN_SECOND, .max = 3650 * WHEN_DAY,
	    .help = "what is added is forgotten after so long",
	    .example = "timeout 10m;"),
};
const struct schema list_schema = SCHEMA_OF("list", struct conf_list, list_rows);

static const struct schema_row limit_rows[] = {
	INT_ROW(struct conf_rate, count, .required = true, .min = 1, .max = 1000000,
	    .help = "matches at most so many packets",
	    .example = "limit 10 per 1s;"),
	DURATION_ROW(struct conf_rate, per_us, .lead = "per", .def = "1s", .min = WHEN_SECOND,
	    .max = WHEN_DAY,
	    .help = "in this time: a second, a minute, an hour or a day",
	    .example = "limit 10 per 1m;"),
};
static const struct schema limit_schema = SCHEMA_OF("limit", struct conf_rate, limit_rows);

static const struct schema_row remember_rows[] = {
	WORD_ROW(struct conf_remember, list, .required = true,
	    .help = "the list that the sender is put into",
	    .example = "remember knockers;"),
	DURATION_ROW(struct conf_remember, for_us, .lead = "for", .min = WHEN_SECOND,
	    .max = 3650 * WHEN_DAY, .zero = "ever", .derived = "the list's time-out",
	    .help = "for so long",
	    .example = "remember knockers for 10m;"),
};
static const struct schema remember_schema = SCHEMA_OF("remember", struct conf_remember,
    remember_rows);

#define RULE_ROWS \
	WORDS_ROW(struct conf_gate_rule, in, .keyword = "in", .arg = "INTERFACE, ...", \
	    .common = true, \
	    .help = "only what comes in by these interfaces", .example = "in wan;"), \
	WORDS_ROW(struct conf_gate_rule, out, .keyword = "out", .arg = "INTERFACE, ...", \
	    .common = true, \
	    .help = "only what goes out by these interfaces", .example = "out lan;"), \
	WORDS_ROW(struct conf_gate_rule, source_ports, .keyword = "source-port", \
	    .arg = "PORT, ...", .common = true, \
	    .help = "only what comes from these ports", .example = "source-port 1024-65535;"), \
	ENUM_ROW(struct conf_gate_rule, state, .keyword = "state", .names = state_names, \
	    .def = "any", .common = true, \
	    .help = "only packets in this state of their connection", \
	    .example = "state new;"), \
	WORD_ROW(struct conf_gate_rule, mark, .keyword = "mark", .common = true, \
	    .help = "only packets that carry this mark; p2p is set by the word p2p", \
	    .example = "mark voice;"), \
	WORD_ROW(struct conf_gate_rule, set_mark, .keyword = "set-mark", .common = true, \
	    .help = "the packet gets this mark, and goes on to the next rule", \
	    .example = "set-mark voice;"), \
	WORD_ROW(struct conf_gate_rule, list, .keyword = "source-list", .common = true, \
	    .help = "only senders that are in this list", .example = "source-list knockers;"), \
	BLOCK_OPT_ROW(struct conf_gate_rule, remember, struct conf_remember, remember_schema, \
	    .keyword = "remember", .common = true, \
	    .help = "put the sender into a list", \
	    .example = "remember knockers for 10m;"), \
	BLOCK_OPT_ROW(struct conf_gate_rule, limit, struct conf_rate, limit_schema, \
	    .keyword = "limit", .common = true, \
	    .help = "match at most so often; further packets go on to the next rule", \
	    .example = "limit 10 per 1s;"), \
	BOOL_ROW(struct conf_gate_rule, log, .keyword = "log", .common = true, \
	    .help = "hand what matches to the watch as records", .example = "log;"), \
	COMMENT_ROW(struct conf_gate_rule), \
	DISABLED_ROW(struct conf_gate_rule)

#define SIMPLE_ROWS(word, value) \
	WHERE_ROW(struct conf_gate_rule, where), \
	CONST_ROW(struct conf_gate_rule, chain, CONF_CHAIN_AUTO), \
	CONST_ROW(struct conf_gate_rule, action, value), \
	WORDS_ROW(struct conf_gate_rule, from, .required = true, .arg = "FROM, ...", \
	    .help = "zones, networks, branches, addresses, gateway (this machine) or any", \
	    .example = word " lan, vpn to gateway ssh;"), \
	WORDS_ROW(struct conf_gate_rule, to, .lead = "to", .required = true, .arg = "TO, ...", \
	    .help = "likewise", \
	    .example = word " lan to internet;"), \
	WORDS_ROW(struct conf_gate_rule, services, .arg = "SERVICE, ...", \
	    .help = "services such as ssh, tcp/80, udp/5000-5100, icmp/8, gre; without, all", \
	    .example = word " lan to internet http, https, tcp/8080;"), \
	RULE_ROWS

static const struct schema_row allow_rows[] = { SIMPLE_ROWS("allow", CONF_ALLOW) };
const struct schema allow_schema = SCHEMA_OF("allow", struct conf_gate_rule, allow_rows);
static const struct schema_row deny_rows[] = { SIMPLE_ROWS("deny", CONF_DENY) };
const struct schema deny_schema = SCHEMA_OF("deny", struct conf_gate_rule, deny_rows);
static const struct schema_row reject_rows[] = { SIMPLE_ROWS("reject", CONF_REJECT) };
const struct schema reject_schema = SCHEMA_OF("reject", struct conf_gate_rule, reject_rows);

static const struct schema_row rule_rows[] = {
	WHERE_ROW(struct conf_gate_rule, where),
	ENUM_ROW(struct conf_gate_rule, chain, .required = true, .names = chain_names,
	    .arg = "CHAIN",
	    .help = "prerouting, input, forward or output",
	    .example = "rule forward deny { service tcp/139, tcp/445; }"),
	ENUM_ROW(struct conf_gate_rule, action, .required = true, .names = action_names,
	    .arg = "ACTION",
	    .help = "what happens to a packet that matches; with count it goes on",
	    .example = "rule input allow { service udp/1701; in wan; }"),
	WORDS_ROW(struct conf_gate_rule, from, .keyword = "from", .arg = "FROM, ...",
	    .help = "only packets from these networks, zones or branches",
	    .example = "from 192.168.30.0/24;"),
	WORDS_ROW(struct conf_gate_rule, to, .keyword = "to", .arg = "TO, ...",
	    .help = "only packets to these networks, zones or branches",
	    .example = "to 192.168.0.0/24;"),
	WORDS_ROW(struct conf_gate_rule, services, .keyword = "service", .arg = "SERVICE, ...",
	    .help = "only these services",
	    .example = "service tcp/139, tcp/445;"),
	RULE_ROWS,
};
const struct schema rule_schema = SCHEMA_OF("rule", struct conf_gate_rule, rule_rows);

static const struct schema_row masquerade_rows[] = {
	WHERE_ROW(struct conf_masquerade, where),
	WORDS_ROW(struct conf_masquerade, from, .required = true, .arg = "FROM, ...",
	    .help = "packets from these zones, networks or branches",
	    .example = "masquerade lan to internet;"),
	WORDS_ROW(struct conf_masquerade, to, .lead = "to", .required = true, .arg = "TO, ...",
	    .help = "that leave to these zones or networks",
	    .text = "Towards an own network it hides who really speaks from the servers and from "
	        "the watch; routes are better there.",
	    .example = "masquerade lan to internet;"),
	ADDRESS_ROW(struct conf_masquerade, address, .keyword = "as",
	    .derived = "the interface that they leave by",
	    .help = "the address they take",
	    .example = "as 203.0.113.11;"),
	COMMENT_ROW(struct conf_masquerade),
	DISABLED_ROW(struct conf_masquerade),
};
const struct schema masquerade_schema = SCHEMA_OF("masquerade", struct conf_masquerade,
    masquerade_rows);

static const struct schema_row forward_rows[] = {
	WHERE_ROW(struct conf_forward, where),
	WORDS_ROW(struct conf_forward, services, .required = true, .arg = "SERVICE, ...",
	    .help = "services asked of the gateway",
	    .example = "forward tcp/8080 from internet to 192.168.0.10 port 80;"),
	WORDS_ROW(struct conf_forward, from, .lead = "from", .required = true, .arg = "FROM, ...",
	    .help = "by these zones, networks or branches",
	    .example = "forward https from internet to 192.168.0.10;"),
	ADDRESS_ROW(struct conf_forward, to, .lead = "to", .required = true,
	    .help = "are served by this host",
	    .example = "forward https from internet to 192.168.0.10;"),
	INT_ROW(struct conf_forward, port, .lead = "port", .derived = "the port that was asked",
	    .min = 1, .max = 65535,
	    .help = "at this port of it",
	    .example = "forward tcp/8080 from internet to 192.168.0.10 port 80;"),
	BOOL_ROW(struct conf_forward, log, .keyword = "log",
	    .help = "hand new connections to the watch as records", .example = "log;"),
	COMMENT_ROW(struct conf_forward),
	DISABLED_ROW(struct conf_forward),
};
const struct schema forward_schema = SCHEMA_OF("forward", struct conf_forward, forward_rows);

static const struct schema_row route_rows[] = {
	WHERE_ROW(struct conf_route, where),
	CIDRS_ROW(struct conf_route, to, .required = true, .max = 1, .arg = "NETWORK",
	    .help = "the network that it leads to; 0.0.0.0/0 is everywhere",
	    .example = "route 10.20.0.0/16 via 192.168.0.1;"),
	ADDRESS_ROW(struct conf_route, via, .lead = "via",
	    .help = "the next router",
	    .example = "route 10.20.0.0/16 via 192.168.0.1;"),
	WORD_ROW(struct conf_route, interface, .lead = "through",
	    .help = "the interface; it may come and go",
	    .example = "route 10.30.0.0/16 through vpn-filial30;"),
	INT_ROW(struct conf_route, metric, .keyword = "metric", .min = 1, .max = 1000000,
	    .zero = "auto", .def = "auto",
	    .help = "the lowest of several ways is taken",
	    .example = "metric 10;"),
};
const struct schema route_schema = SCHEMA_OF("route", struct conf_route, route_rows);

static const struct schema_row fallback_rows[] = {
	WHERE_ROW(struct conf_fallback, where),
	WORDS_ROW(struct conf_fallback, from, .required = true, .arg = "FROM, ...",
	    .help = "zones that normally go through the proxy",
	    .example = "fallback lan to internet around 10.1.1.3:3128;"),
	WORDS_ROW(struct conf_fallback, to, .lead = "to", .required = true, .arg = "TO, ...",
	    .help = "where they may go directly while it cannot serve",
	    .example = "fallback lan to internet around 10.1.1.3:3128;"),
	ENDPOINT_ROW(struct conf_fallback, proxy, .lead = "around", .required = true, .inet = true,
	    .help = "the proxy",
	    .example = "fallback lan to internet around 10.1.1.3:3128;"),
	STRING_ROW(struct conf_fallback, url, .keyword = "url", .max = 1000, .arg = "URL",
	    .help = "asked for through the proxy at every probe; without, it is only connected to",
	    .example = "url \"http://example.com/\";"),
	DURATION_ROW(struct conf_fallback, every_us, .keyword = "every", .def = "1s",
	    .min = 100 * 1000, .max = WHEN_HOUR,
	    .help = "how often the proxy is tried; it has as long to answer",
	    .example = "every 2s;"),
	INT_ROW(struct conf_fallback, fails, .keyword = "fails", .def = "3", .min = 1, .max = 100,
	    .help = "so many failed probes in a row open the way",
	    .example = "fails 5;"),
	DURATION_ROW(struct conf_fallback, heal_us, .keyword = "heal", .def = "60s",
	    .min = WHEN_SECOND, .max = WHEN_DAY,
	    .help = "well for so long, the proxy is relied on again",
	    .example = "heal 5m;"),
	ENUM_ROW(struct conf_fallback, mode, .keyword = "mode", .names = mode_names, .def = "auto",
	    .help = "decided by the probes, or by you",
	    .example = "mode off;"),
};
const struct schema fallback_schema = SCHEMA_OF("fallback", struct conf_fallback, fallback_rows);

static const struct schema_row p2p_rows[] = {
	WHERE_ROW(struct conf_p2p, where),
	ENUM_ROW(struct conf_p2p, mode, .required = true, .names = p2p_names, .arg = "MODE",
	    .help = "only count, mark for rules of your own (mark p2p), or block",
	    .example = "p2p observe;"),
	ENUM_ROW(struct conf_p2p, encrypted, .keyword = "encrypted", .names = encrypted_names, .def = "tell",
	    .help = "what becomes of hosts of ours that behave like peers whose words cannot be read",
	    .text = "They are told to the watch, and are in the list p2p-suspects for ten minutes after they last "
	        "behaved so. With slow, what they exchange between ports from 1024 on is held to a hundred packets a "
	        "second each way; with block, it is dropped. What goes to a service's own port is left alone.",
	    .example = "encrypted slow;"),
	WORDS_ROW(struct conf_p2p, exempt, .keyword = "exempt", .arg = "FROM, ...",
	    .help = "networks, branches and zones that are left alone",
	    .example = "exempt 192.168.0.20;"),
};
const struct schema p2p_schema = SCHEMA_OF("p2p", struct conf_p2p, p2p_rows);
