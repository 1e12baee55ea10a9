/* config_in: what the files of config share among themselves. */
#ifndef GUARITA_CONF_CONFIG_IN_H
#define GUARITA_CONF_CONFIG_IN_H

#include "conf/config.h"
#include "conf/schema.h"

/*
 * Replaces the include statements of a list by what they name, and sealed words by what they hide where the reader can
 * (*ret_sealed: some were left); returns the new first statement.
 */
struct conf_stmt *config_expand(struct arena *a, struct diags *d, const struct conf_reader *reader,
    struct str name, struct conf_stmt *first, bool *ret_sealed);
/* What one word implies at other places, beside what is written there; before the check, which looks at both. -ENOMEM. */
int config_imply(struct arena *a, struct config *c) WARN_UNUSED;
/* Faults that no single row can see. Values that a fault left empty are passed over. */
void config_check(const struct config *c, struct diags *d);

/* config_gate.c: the blocks of the gate, whose rows CONFIG_GATE_ROWS names. */
extern const struct schema relay_schema, write_schema;
extern const struct schema gateway_schema, interface_schema, zone_schema, network_schema,
    service_schema, branch_schema, list_schema, allow_schema, deny_schema, reject_schema,
    rule_schema, masquerade_schema, forward_schema, route_schema, fallback_schema, p2p_schema;

#define GATE_ROW(word, member, count, type, most, help_, example_) \
	BLOCKS_ROW(struct config, gate.member, gate.count, struct type, word##_schema, \
	    .keyword = #word, .max = (most), .help = help_, .example = example_)

#define CONFIG_GATE_ROWS \
	BLOCK_ROW(struct config, gate.gateway, struct conf_gateway, gateway_schema, \
	    .keyword = "gateway", .help = "how this machine passes packets on", \
	    .example = "gateway { anti-spoofing loose; }"), \
	GATE_ROW(interface, interfaces, ninterfaces, conf_interface, CONF_INTERFACES_MAX, \
	    "a network interface, its addresses and the zone it leads to", \
	    "interface lan { address 192.168.0.222/24; }"), \
	GATE_ROW(zone, zones, nzones, conf_zone, CONF_INTERFACES_MAX, \
	    "what is special about a zone", "zone guests { outside; }"), \
	GATE_ROW(network, networks, nnetworks, conf_network, 4096, \
	    "a name for networks", "network servers 192.168.0.0/28, 192.168.1.0/24;"), \
	GATE_ROW(service, services, nservices, conf_service, 4096, \
	    "a name for protocols and ports", "service pabx udp/5060, udp/10000-20000;"), \
	GATE_ROW(branch, branches, nbranches, conf_branch, CONF_INTERFACES_MAX, \
	    "a remote site: its routes and what may pass follow from it", \
	    "branch filial30 192.168.30.0/24 { interface vpn-filial30; }"), \
	GATE_ROW(list, lists, nlists, conf_list, 256, \
	    "addresses that rules and the operator add to while Guarita runs", \
	    "list knockers { timeout 10m; }"), \
	GATE_ROW(route, routes, nroutes, conf_route, 16384, \
	    "a way to a network", "route 10.20.0.0/16 via 192.168.0.1;"), \
	GATE_ROW(allow, rules, nrules, conf_gate_rule, CONF_GATE_RULES_MAX, \
	    "let packets pass", "allow lan to gateway ssh, snmp;"), \
	GATE_ROW(deny, rules, nrules, conf_gate_rule, CONF_GATE_RULES_MAX, \
	    "drop packets without an answer", "deny lan to internet netbios;"), \
	GATE_ROW(reject, rules, nrules, conf_gate_rule, CONF_GATE_RULES_MAX, \
	    "refuse packets and tell the sender", "reject lan to internet smtp;"), \
	GATE_ROW(rule, rules, nrules, conf_gate_rule, CONF_GATE_RULES_MAX, \
	    "a rule in a chain of your choice", "rule prerouting count { set-mark voice; }"), \
	GATE_ROW(masquerade, masquerades, nmasquerades, conf_masquerade, 4096, \
	    "packets that leave take an address of the gateway", \
	    "masquerade lan to internet;"), \
	GATE_ROW(forward, forwards, nforwards, conf_forward, 4096, \
	    "a port of the gateway leads to a host behind it", \
	    "forward tcp/8080 from internet to 192.168.0.10 port 80;"), \
	GATE_ROW(fallback, fallbacks, nfallbacks, conf_fallback, 64, \
	    "a way past the proxy, open only while the proxy cannot serve", \
	    "fallback lan to internet around 10.1.1.3:3128;"), \
	BLOCK_OPT_ROW(struct config, gate.p2p, struct conf_p2p, p2p_schema, .keyword = "p2p", \
	    .help = "file sharing: BitTorrent, eDonkey, Gnutella and their kin", \
	    .example = "p2p block { exempt 192.168.0.20; }")

/* config_vpn.c: the words of the VPN. */
extern const struct schema l2tp_schema, profile_schema, radius_schema, secret_schema, headquarters_schema, ipsec_schema;

#define CONFIG_VPN_ROWS \
	BLOCK_OPT_ROW(struct config, vpn.server, struct conf_vpn_server, l2tp_schema, .keyword = "l2tp", \
	    .reload = SCHEMA_RESTART, .help = "the VPN that branches and people dial", \
	    .example = "l2tp server { address 10.9.0.1; pool 10.9.0.0/24; }"), \
	BLOCKS_ROW(struct config, vpn.profiles, vpn.nprofiles, struct conf_vpn_profile, profile_schema, \
	    .keyword = "profile", .max = CONF_VPN_PROFILES_MAX, .help = "what many who dial in have in common", \
	    .example = "profile people { idle-timeout 30m; upload 2000; }"), \
	BLOCKS_ROW(struct config, vpn.radius, vpn.nradius, struct conf_vpn_radius, radius_schema, \
	    .keyword = "radius", .max = CONF_VPN_RADIUS_MAX, \
	    .help = "a server that knows who may dial in, beside those who have a secret here", \
	    .example = "radius 192.168.0.5 { secret \"only we two know\"; }"), \
	BLOCKS_ROW(struct config, vpn.secrets, vpn.nsecrets, struct conf_vpn_secret, secret_schema, \
	    .keyword = "secret", .max = CONF_VPN_SECRETS_MAX, .help = "who may dial in", \
	    .example = "secret filial30 \"long and strange\" { network 192.168.30.0/24; }"), \
	BLOCKS_ROW(struct config, vpn.headquarters, vpn.nheadquarters, struct conf_vpn_headquarters, \
	    headquarters_schema, .keyword = "headquarters", .max = CONF_VPN_HEADQUARTERS_MAX, \
	    .help = "a VPN server that we dial, for ever", \
	    .example = "headquarters vpn.example.com { user filial30; password \"long and strange\"; }"), \
	BLOCK_OPT_ROW(struct config, vpn.ipsec, struct conf_ipsec, ipsec_schema, .keyword = "ipsec", \
	    .reload = SCHEMA_RESTART, .help = "IPsec around every tunnel, by strongSwan", \
	    .example = "ipsec require { secret \"long and strange\"; }")

/* config_tls.c: syslog senders by their certificates. */
extern const struct schema sender_schema;

/* config_link.c: other sites. */
extern const struct schema link_schema, peer_schema;

#define CONFIG_LINK_ROWS \
	BLOCK_OPT_ROW(struct config, sites.link, struct conf_link, link_schema, .keyword = "link", \
	    .reload = SCHEMA_RESTART, .help = "where other sites of ours dial us", \
	    .example = "link :6515;"), \
	PATH_ROW(struct config, sites.key, .keyword = "site-key", .derived = "state-dir: its file site.key", \
	    .reload = SCHEMA_RESTART, .help = "the file with this site's secret key", \
	    .text = "`guarita site key` makes it and shows the public half.", \
	    .example = "site-key \"/etc/guarita/site.key\";"), \
	BLOCKS_ROW(struct config, sites.peers, sites.npeers, struct conf_peer, peer_schema, \
	    .keyword = "peer", .max = CONF_PEERS_MAX, .help = "another site of ours, known by its key", \
	    .example = "peer matriz \"7J0DhN2CbCWBkRdgGvTJtvHAv3oDtu3c5BUlbZ1QmTo=\" { at vpn.example.com; }")

/* The statement whose keyword stands at `where`, or NULL. */
const struct conf_stmt *config_stmt_at(const struct conf_stmt *first, struct conf_pos where);
/* The first statement with this keyword, or NULL. */
const struct conf_stmt *config_stmt(const struct conf_stmt *first, const char *keyword);

#endif
