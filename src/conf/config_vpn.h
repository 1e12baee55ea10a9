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
/* With the first of each, the next layer decides. */
enum conf_vpn_override { CONF_VPN_SAME, CONF_VPN_OVER_NO, CONF_VPN_OVER_YES, CONF_VPN_OVER_REQUIRED };
enum conf_vpn_datapath { CONF_VPN_DATAPATH_AUTO, CONF_VPN_DATAPATH_USER, CONF_VPN_DATAPATH_KERNEL };
enum conf_vpn_again { CONF_VPN_AGAIN_SAME, CONF_VPN_AGAIN_REPLACE, CONF_VPN_AGAIN_REFUSE, CONF_VPN_AGAIN_ALLOW };

/*
 * What a secret, its profile and the server say alike. The nearest that says something counts: the secret before its
 * profile, the profile before the server.
 */
struct conf_vpn_terms {
	struct conf_cidrs pool;
	struct conf_cidrs dns, wins;   /* single addresses; dns of both families */
	int64_t idle_us, session_us;   /* 0: as long as it likes */
	int64_t download, upload;      /* kbit/s, as who dials in sees it; 0: all there is */
	enum conf_vpn_again again;     /* the same user while he is connected */
	struct str list;               /* of the gate: his address is in it while he is connected */
};

struct conf_vpn_profile {
	struct conf_pos where;
	struct str name;
	enum conf_vpn_override encryption;
	struct conf_vpn_terms terms;
};

struct conf_vpn_server {
	struct conf_pos where;
	enum conf_vpn_side side;
	struct conf_endpoint listen;
	struct str interface;
	struct addr address;           /* ours, inside */
	struct conf_strs authentication;       /* mschapv2, chap, pap */
	enum conf_vpn_encryption encryption;
	bool weak_keys;
	bool hide;
	struct str tunnel_secret;
	struct conf_vpn_terms terms;
	struct conf_cidrs push;        /* networks that clients are told of */
	int64_t mtu, mrru;
	int64_t keepalive_us, hello_us;
	enum conf_vpn_datapath datapath;
	int64_t max_sessions;
};

struct conf_vpn_secret {
	struct conf_pos where;
	struct str name, password;
	struct addr address;           /* all zero: from the pool */
	struct conf_cidrs networks;    /* behind it */
	struct conf_cidrs prefix;      /* of IPv6, for the link itself; none: from the pool */
	struct str interface;          /* its own; empty: the server's */
	struct str profile;            /* empty: none */
	enum conf_vpn_override encryption;
	struct conf_vpn_terms terms;
};

struct conf_vpn_headquarters {
	struct conf_pos where;
	struct str host;               /* name or address, with or without a port */
	struct str user, password, tunnel_secret;
	struct str key, at;            /* of the Guarita there, and where it is dialled; empty: no peer is implied, the host */
	struct str interface;
	struct conf_cidrs networks;
	struct conf_strs authentication;
	enum conf_vpn_encryption encryption;
	bool default_route, use_dns, ipv6, hide;
	int64_t demand_us;             /* dialled when somebody wants it, left after so long without a packet; 0: always */
	int64_t mtu, mrru;
	int64_t keepalive_us, hello_us;
};

struct conf_vpn_radius {
	struct conf_pos where;
	struct addr address;
	struct str secret;
	int64_t port, accounting_port; /* accounting_port 0: it is not told of logins */
	int64_t timeout_us, interim_us;
	bool changes;                  /* it may end sessions and change their limits */
};

/* config_ipsec.c */
enum conf_ipsec_mode { CONF_IPSEC_PREFER, CONF_IPSEC_REQUIRE };
enum conf_ike { CONF_IKE_ANY, CONF_IKE_V1, CONF_IKE_V2 };

struct conf_ipsec {
	struct conf_pos where;
	enum conf_ipsec_mode mode;
	struct str secret;             /* shared; or */
	struct str certificate, key, authority;        /* files */
	enum conf_ike ike;
	struct str daemon;             /* strongSwan's control socket */
};

struct conf_vpn {
	struct conf_vpn_server *server;        /* NULL: none */
	struct conf_vpn_secret *secrets;
	uint32_t nsecrets;
	uint32_t nimplied;             /* of them, the last ones: what branches imply */
	struct conf_vpn_profile *profiles;
	uint32_t nprofiles;
	struct conf_vpn_radius *radius;
	uint32_t nradius;
	struct conf_vpn_headquarters *headquarters;
	uint32_t nheadquarters;
	struct conf_ipsec *ipsec;      /* around all of it; NULL: none */
};

#define CONF_VPN_SECRETS_MAX 65000
#define CONF_VPN_HEADQUARTERS_MAX 64
#define CONF_VPN_PROFILES_MAX 1000
#define CONF_VPN_RADIUS_MAX 4

extern const char *const conf_vpn_methods[];   /* in the order of their worth, NULL at the end */

/* The profile of that name, or NULL. */
const struct conf_vpn_profile *config_vpn_profile(const struct conf_vpn *v, struct str name);
/*
 * What counts for one secret, all layers laid over each other (NULL: for who has none). What nobody says has its default:
 * no limit, and who comes again takes the place of the older connection.
 */
void config_vpn_terms(const struct conf_vpn *v, const struct conf_vpn_secret *s, struct conf_vpn_terms *ret_terms,
    enum conf_vpn_encryption *ret_encryption);

struct config;
struct diags;
/* Whether anything here speaks of IPv6 inside the tunnels of the server. */
bool config_vpn_has_v6(const struct conf_vpn *v);
void config_check_vpn(const struct config *c, struct diags *d);
void config_check_ipsec(const struct config *c, struct diags *d);

#endif
