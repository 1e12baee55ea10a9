/*
 * config_vpn: what guarita.conf says of the VPN: the server, who may dial in, and the headquarters that we dial. Durations
 * are in microseconds.
 */
#ifndef GUARITA_CONF_CONFIG_VPN_H
#define GUARITA_CONF_CONFIG_VPN_H

#include "conf/diag.h"
#include "conf/value.h"

enum conf_vpn_side { CONF_VPN_SERVER };
enum conf_vpn_encryption { CONF_VPN_ENCRYPT_NO, CONF_VPN_ENCRYPT_YES, CONF_VPN_ENCRYPT_REQUIRED };

struct conf_vpn_server {
	struct conf_pos where;
	enum conf_vpn_side side;
	struct conf_endpoint listen;
	struct str interface;
	struct addr address;           /* ours, inside */
	struct conf_cidrs pool;
	struct conf_strs authentication;       /* mschapv2, chap, pap */
	enum conf_vpn_encryption encryption;
	bool weak_keys;
	struct str tunnel_secret;
	struct conf_cidrs dns, wins;   /* single addresses */
	struct conf_cidrs push;        /* networks that clients are told of */
	int64_t mtu;
	int64_t keepalive_us, hello_us;
	int64_t max_sessions;
};

struct conf_vpn_secret {
	struct conf_pos where;
	struct str name, password;
	struct addr address;           /* all zero: from the pool */
	struct conf_cidrs networks;    /* behind it */
	struct str interface;          /* its own; empty: the server's */
};

struct conf_vpn_headquarters {
	struct conf_pos where;
	struct str host;               /* name or address, with or without a port */
	struct str user, password, tunnel_secret;
	struct str interface;
	struct conf_cidrs networks;
	struct conf_strs authentication;
	enum conf_vpn_encryption encryption;
	bool default_route, use_dns;
	int64_t mtu;
	int64_t keepalive_us, hello_us;
};

struct conf_vpn {
	struct conf_vpn_server *server;        /* NULL: none */
	struct conf_vpn_secret *secrets;
	uint32_t nsecrets;
	struct conf_vpn_headquarters *headquarters;
	uint32_t nheadquarters;
};

#define CONF_VPN_SECRETS_MAX 65000
#define CONF_VPN_HEADQUARTERS_MAX 64

extern const char *const conf_vpn_methods[];   /* in the order of their worth, NULL at the end */

struct config;
struct diags;
void config_check_vpn(const struct config *c, struct diags *d);

#endif
