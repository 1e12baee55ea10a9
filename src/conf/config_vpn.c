/* config_vpn: the rows of the VPN's words, and how they lie over each other. What no row can see: config_vpn_check.c. */
#include "base/when.h"
#include "conf/config_in.h"

const char *const conf_vpn_methods[] = { "mschapv2", "chap", "pap", NULL };

static const char *const side_names[] = { "server", NULL };
static const char *const encryption_names[] = { "no", "yes", "required", NULL };
static const char *const override_names[] = { "same", "no", "yes", "required", NULL };
static const char *const datapath_names[] = { "auto", "user", "kernel", NULL };
static const char *const again_names[] = { "same", "replace", "refuse", "allow", NULL };

#define AUTHENTICATION_ROW(T) \
	WORDS_ROW(T, authentication, .keyword = "authentication", .arg = "METHOD, ...", .max = 3, \
	    .derived = "mschapv2 alone", .reload = SCHEMA_RESTART, .common = true, \
	    .help = "how a user is known: mschapv2, chap, pap", \
	    .text = "Only mschapv2 yields keys for encryption, and proves the server to the user. pap sends the " \
	        "password as it is.", \
	    .example = "authentication mschapv2, chap;")
#define ENCRYPTION_ROW(T) \
	ENUM_ROW(T, encryption, .keyword = "encryption", .names = encryption_names, .def = "required", \
	    .reload = SCHEMA_RESTART, .common = true, \
	    .help = "MPPE with 128 bits: no, yes (when the other side can), or required", \
	    .text = "With required no packet passes in the clear.", \
	    .example = "encryption yes;")
#define MTU_ROW(T) \
	INT_ROW(T, mtu, .keyword = "mtu", .def = "1400", .min = 576, .max = 1500, .reload = SCHEMA_RESTART, \
	    .common = true, \
	    .help = "the largest packet in the tunnel; TCP is told so when it connects", \
	    .example = "mtu 1400;")
#define MRRU_ROW(T) \
	INT_ROW(T, mrru, .keyword = "mrru", .def = "no", .zero = "no", .min = 1500, .max = 2048, .reload = SCHEMA_RESTART, \
	    .common = true, \
	    .help = "the largest packet that the other side may send in pieces (multilink)", \
	    .text = "RouterOS calls it so too. Pieces are taken, none are sent: TCP keeps below `mtu` anyway.", \
	    .example = "mrru 1600;")
#define KEEPALIVE_ROW(T) \
	DURATION_ROW(T, keepalive_us, .keyword = "keepalive", .def = "10s", .zero = "never", .min = WHEN_SECOND, \
	    .max = WHEN_HOUR, .reload = SCHEMA_RESTART, .common = true, \
	    .help = "a silent link is asked after so long, and is dead after three times that", \
	    .example = "keepalive 5s;")
#define HELLO_ROW(T) \
	DURATION_ROW(T, hello_us, .keyword = "hello", .def = "60s", .min = WHEN_SECOND, .max = WHEN_HOUR, \
	    .reload = SCHEMA_RESTART, .common = true, \
	    .help = "a silent tunnel is asked after so long", \
	    .example = "hello 30s;")
#define TUNNEL_SECRET_ROW(T) \
	STRING_ROW(T, tunnel_secret, .keyword = "tunnel-secret", .max = 255, .secret = true, \
	    .reload = SCHEMA_RESTART, .common = true, \
	    .help = "both ends of a tunnel must know it, beside the users' passwords", \
	    .example = "tunnel-secret \"words that nobody guesses\";")
#define HIDE_ROW(T) \
	BOOL_ROW(T, hide, .keyword = "hide-attributes", .reload = SCHEMA_RESTART, .common = true, \
	    .help = "what may be hidden in control messages is, by the tunnel secret", \
	    .text = "Against who listens and has no computer: the cipher is MD5. IPsec hides everything.", \
	    .example = "hide-attributes;")

/* What server, profile and secret have in common. Each is documented once. */
#define LIMIT_ROW(T, m, word, what, ...) \
	INT_ROW(T, terms.m, .keyword = word, .min = 16, .max = 100000000, .zero = "unlimited", .def = "unlimited", \
	    .arg = "KBIT/S", .reload = SCHEMA_RESTART, .common = true, .help = what, __VA_ARGS__)
#define SPAN_ROW(T, m, word, what, ...) \
	DURATION_ROW(T, terms.m, .keyword = word, .min = WHEN_SECOND, .max = 365 * WHEN_DAY, .zero = "never", \
	    .def = "never", .reload = SCHEMA_RESTART, .common = true, .help = what, __VA_ARGS__)
#define TERMS_ROWS(T) \
	CIDRS_ROW(T, terms.pool, .keyword = "pool", .reload = SCHEMA_RESTART, .common = true, \
	    .help = "networks whose addresses are given to those who have no fixed one", \
	    .text = "As a rule who comes back gets the address he had. Of an IPv6 network each gets 64 bits for his own.", \
	    .example = "pool 10.9.0.0/24, 2001:db8:9::/48;"), \
	CIDRS_ROW(T, terms.dns, .keyword = "dns", .max = 4, .arg = "ADDRESS, ...", \
	    .reload = SCHEMA_RESTART, .common = true, \
	    .help = "name servers told to those who dial in", \
	    .example = "dns 192.168.0.222;"), \
	CIDRS_ROW(T, terms.wins, .keyword = "wins", .max = 2, .arg = "ADDRESS, ...", \
	    .reload = SCHEMA_RESTART, .common = true, \
	    .help = "Windows name servers told to those who dial in", \
	    .example = "wins 192.168.0.10;"), \
	SPAN_ROW(T, idle_us, "idle-timeout", "without a packet for so long, a connection is ended", \
	    .text = "Questions whether the line still lives are no packets.", .example = "idle-timeout 30m;"), \
	SPAN_ROW(T, session_us, "session-timeout", "a connection is ended after so long", \
	    .example = "session-timeout 12h;"), \
	LIMIT_ROW(T, download, "download", "towards who dials in, at most so much", \
	    .text = "In thousands of bits a second. What is too much is dropped, and counted.", \
	    .example = "download 10000;"), \
	LIMIT_ROW(T, upload, "upload", "from who dials in, at most so much", .example = "upload 2000;"), \
	ENUM_ROW(T, terms.again, .keyword = "same-user", .names = again_names, .def = "same", \
	    .reload = SCHEMA_RESTART, .common = true, \
	    .help = "a user who dials in while he is connected: replace the older connection, refuse, allow both", \
	    .text = "Where nobody says anything, the older one is replaced: it may be a line that died unnoticed. A " \
	        "fixed address and the networks of a branch belong to one connection only.", \
	    .example = "same-user allow;"), \
	WORD_ROW(T, terms.list, .keyword = "list", .reload = SCHEMA_RESTART, .common = true, \
	    .help = "a `list` of the gate that the user's address is in while he is connected", \
	    .text = "So that rules can speak of who it is, whatever address he got: source-list people.", \
	    .example = "list people;")
#define OVERRIDE_ROW(T) \
	ENUM_ROW(T, encryption, .keyword = "encryption", .names = override_names, .def = "same", \
	    .reload = SCHEMA_RESTART, \
	    .help = "other than the server's, for these users", \
	    .text = "It is decided on when the user is known: what the server requires of strangers before that stays.", \
	    .example = "encryption required;")

static const struct schema_row server_rows[] = {
	WHERE_ROW(struct conf_vpn_server, where),
	ENUM_ROW(struct conf_vpn_server, side, .required = true, .names = side_names, .arg = "server",
	    .reload = SCHEMA_RESTART,
	    .help = "the side that is dialled",
	    .example = "l2tp server { address 10.9.0.1; pool 10.9.0.0/24; }"),
	ENDPOINT_ROW(struct conf_vpn_server, listen, .keyword = "listen", .def = ":1701", .inet = true,
	    .reload = SCHEMA_RESTART,
	    .help = "address and port that are dialled; without an address, every one",
	    .example = "listen 203.0.113.1:1701;"),
	WORD_ROW(struct conf_vpn_server, interface, .keyword = "interface", .def = "l2tp", .reload = SCHEMA_RESTART,
	    .help = "the network interface of all who have none of their own",
	    .example = "interface vpn;"),
	ADDRESS_ROW(struct conf_vpn_server, address, .keyword = "address",
	    .reload = SCHEMA_RESTART,
	    .help = "our address in every tunnel",
	    .example = "address 10.9.0.1;"),
	TERMS_ROWS(struct conf_vpn_server),
	AUTHENTICATION_ROW(struct conf_vpn_server),
	ENCRYPTION_ROW(struct conf_vpn_server),
	BOOL_ROW(struct conf_vpn_server, weak_keys, .keyword = "weak-keys", .reload = SCHEMA_RESTART,
	    .help = "accept keys of 40 and 56 bits too, from equipment that has no better",
	    .example = "weak-keys;"),
	TUNNEL_SECRET_ROW(struct conf_vpn_server),
	HIDE_ROW(struct conf_vpn_server),
	CIDRS_ROW(struct conf_vpn_server, push, .keyword = "push", .max = 28, .reload = SCHEMA_RESTART,
	    .help = "networks that those who dial in are told to reach through the tunnel",
	    .text = "Windows asks for them with DHCPINFORM, and learns those of IPv6 from the router; the rest of its traffic "
	        "then keeps its own way.",
	    .example = "push 192.168.0.0/24, 192.168.30.0/24;"),
	MTU_ROW(struct conf_vpn_server),
	MRRU_ROW(struct conf_vpn_server),
	KEEPALIVE_ROW(struct conf_vpn_server),
	HELLO_ROW(struct conf_vpn_server),
	ENUM_ROW(struct conf_vpn_server, datapath, .keyword = "datapath", .names = datapath_names, .def = "auto", .reload = SCHEMA_RESTART,
	    .help = "who carries the packets: auto and user, our own process",
	    .text = "The kernel's L2TP (kernel) is refused: it makes an interface for each who dials in, and has not been tried.",
	    .example = "datapath auto;"),
	INT_ROW(struct conf_vpn_server, max_sessions, .keyword = "max-sessions", .def = "1000", .min = 1, .max = 65000,
	    .reload = SCHEMA_RESTART,
	    .help = "at the same time; further ones are told that it is busy",
	    .example = "max-sessions 60000;"),
};
const struct schema l2tp_schema = SCHEMA_OF("l2tp", struct conf_vpn_server, server_rows);

static const struct schema_row profile_rows[] = {
	WHERE_ROW(struct conf_vpn_profile, where),
	WORD_ROW(struct conf_vpn_profile, name, .required = true, .reload = SCHEMA_RESTART,
	    .help = "its name",
	    .example = "profile people { idle-timeout 30m; }"),
	OVERRIDE_ROW(struct conf_vpn_profile),
	TERMS_ROWS(struct conf_vpn_profile),
};
const struct schema profile_schema = SCHEMA_OF("profile", struct conf_vpn_profile, profile_rows);

static const struct schema_row secret_rows[] = {
	WHERE_ROW(struct conf_vpn_secret, where),
	WORD_ROW(struct conf_vpn_secret, name, .required = true, .reload = SCHEMA_RESTART,
	    .help = "the name that a branch or a person dials in with",
	    .example = "secret filial30 \"long and strange\" { network 192.168.30.0/24; }"),
	STRING_ROW(struct conf_vpn_secret, password, .required = true, .max = 255, .secret = true,
	    .reload = SCHEMA_RESTART,
	    .help = "its password",
	    .example = "secret filial30 \"long and strange\";"),
	ADDRESS_ROW(struct conf_vpn_secret, address, .keyword = "address", .derived = "the pool of the server",
	    .reload = SCHEMA_RESTART,
	    .help = "the address it always gets",
	    .example = "address 10.9.0.30;"),
	CIDRS_ROW(struct conf_vpn_secret, networks, .keyword = "network", .reload = SCHEMA_RESTART,
	    .help = "networks of the branch behind it: packets for them go there, and may come from there",
	    .example = "network 192.168.30.0/24;"),
	CIDRS_ROW(struct conf_vpn_secret, prefix, .keyword = "prefix", .max = 1, .arg = "NETWORK/64",
	    .derived = "from the pool of the server", .reload = SCHEMA_RESTART,
	    .help = "the IPv6 prefix that it always makes its address of",
	    .example = "prefix 2001:db8:9:1e::/64;"),
	WORD_ROW(struct conf_vpn_secret, interface, .keyword = "interface", .derived = "the server's",
	    .reload = SCHEMA_RESTART,
	    .help = "a network interface of its own, which is there even while it is not connected",
	    .text = "So that rules and routes can name it.",
	    .example = "interface vpn-filial30;"),
	WORD_ROW(struct conf_vpn_secret, profile, .keyword = "profile", .reload = SCHEMA_RESTART,
	    .help = "what it has in common with others",
	    .text = "What the secret says itself counts before its profile, the profile before the server.",
	    .example = "profile people;"),
	OVERRIDE_ROW(struct conf_vpn_secret),
	TERMS_ROWS(struct conf_vpn_secret),
};
const struct schema secret_schema = SCHEMA_OF("secret", struct conf_vpn_secret, secret_rows);

static const struct schema_row radius_rows[] = {
	WHERE_ROW(struct conf_vpn_radius, where),
	ADDRESS_ROW(struct conf_vpn_radius, address, .required = true, .reload = SCHEMA_RESTART,
	    .help = "its address",
	    .text = "Further ones are asked in turn while one does not answer.",
	    .example = "radius 192.168.0.5 { secret \"only we two know\"; }"),
	STRING_ROW(struct conf_vpn_radius, secret, .keyword = "secret", .max = 255, .secret = true,
	    .reload = SCHEMA_RESTART,
	    .help = "what only it and we know",
	    .example = "secret \"only we two know\";"),
	INT_ROW(struct conf_vpn_radius, port, .keyword = "port", .def = "1812", .min = 1, .max = 65535,
	    .reload = SCHEMA_RESTART,
	    .help = "where it is asked",
	    .example = "port 1812;"),
	INT_ROW(struct conf_vpn_radius, accounting_port, .keyword = "accounting-port", .def = "1813", .zero = "never",
	    .min = 1, .max = 65535, .reload = SCHEMA_RESTART,
	    .help = "where it is told who came and went",
	    .example = "accounting-port never;"),
	DURATION_ROW(struct conf_vpn_radius, timeout_us, .keyword = "timeout", .def = "1s", .min = WHEN_SECOND / 10,
	    .max = WHEN_MINUTE, .reload = SCHEMA_RESTART,
	    .help = "the first question is repeated after so long, the second after twice that",
	    .example = "timeout 500ms;"),
	DURATION_ROW(struct conf_vpn_radius, interim_us, .keyword = "interim", .def = "10m", .zero = "never",
	    .min = WHEN_SECOND, .max = WHEN_DAY, .reload = SCHEMA_RESTART,
	    .help = "it is told of every session so often, unless it says otherwise itself",
	    .example = "interim 5m;"),
	BOOL_ROW(struct conf_vpn_radius, changes, .keyword = "changes", .reload = SCHEMA_RESTART,
	    .help = "it may end sessions and change their limits, at UDP port 3799",
	    .example = "changes;"),
};
const struct schema radius_schema = SCHEMA_OF("radius", struct conf_vpn_radius, radius_rows);

static const struct schema_row headquarters_rows[] = {
	WHERE_ROW(struct conf_vpn_headquarters, where),
	STRING_ROW(struct conf_vpn_headquarters, host, .required = true, .max = 255, .arg = "HOST",
	    .reload = SCHEMA_RESTART,
	    .help = "name or address of the server, with :PORT when it is not 1701",
	    .text = "It is dialled as soon as Guarita runs, and again for ever. A name is looked up at each try.",
	    .example = "headquarters vpn.example.com { user filial30; password \"long and strange\"; }"),
	WORD_ROW(struct conf_vpn_headquarters, user, .keyword = "user", .reload = SCHEMA_RESTART,
	    .help = "the name to dial in with",
	    .example = "user filial30;"),
	STRING_ROW(struct conf_vpn_headquarters, password, .keyword = "password", .max = 255,
	    .secret = true, .reload = SCHEMA_RESTART,
	    .help = "its password",
	    .example = "password \"long and strange\";"),
	TUNNEL_SECRET_ROW(struct conf_vpn_headquarters),
	HIDE_ROW(struct conf_vpn_headquarters),
	WORD_ROW(struct conf_vpn_headquarters, interface, .keyword = "interface", .def = "matriz",
	    .reload = SCHEMA_RESTART,
	    .help = "its network interface, which is there even while it is not connected",
	    .example = "interface vpn-matriz;"),
	STRING_ROW(struct conf_vpn_headquarters, key, .keyword = "key", .max = 44, .reload = SCHEMA_RESTART,
	    .help = "the public key of the Guarita there, as `guarita site key` shows it",
	    .text = "As a `peer` named like the interface would: it is dialled, gets a copy of our lines, shares bans, and each signs "
	        "what the other's vault holds.",
	    .example = "key \"7J0DhN2CbCWBkRdgGvTJtvHAv3oDtu3c5BUlbZ1QmTo=\";"),
	STRING_ROW(struct conf_vpn_headquarters, at, .keyword = "at", .max = 255, .arg = "HOST[:PORT]", .reload = SCHEMA_RESTART,
	    .derived = "the host of the VPN, outside the tunnel",
	    .help = "where that Guarita is dialled; an address inside the tunnel needs no door to the outside",
	    .example = "at 192.168.0.1;"),
	CIDRS_ROW(struct conf_vpn_headquarters, networks, .keyword = "network", .reload = SCHEMA_RESTART,
	    .help = "networks that are reached through it",
	    .example = "network 192.168.0.0/24, 192.168.40.0/24;"),
	DURATION_ROW(struct conf_vpn_headquarters, demand_us, .keyword = "on-demand", .def = "never", .zero = "never",
	    .min = WHEN_SECOND, .max = WHEN_DAY, .reload = SCHEMA_RESTART,
	    .help = "dial only when a packet goes there, and hang up after so long without one",
	    .text = "The packet that asked for it waits and is sent first.",
	    .example = "on-demand 5m;"),
	BOOL_ROW(struct conf_vpn_headquarters, default_route, .keyword = "default-route", .reload = SCHEMA_RESTART,
	    .help = "everything goes through it; the way to the server itself stays as it is",
	    .example = "default-route;"),
	BOOL_ROW(struct conf_vpn_headquarters, ipv6, .keyword = "ipv6", .derived = "yes where a network is one of IPv6",
	    .reload = SCHEMA_RESTART,
	    .help = "IPv6 too, with an address of the prefix that the server's router advertises",
	    .example = "ipv6;"),
	BOOL_ROW(struct conf_vpn_headquarters, use_dns, .keyword = "dns", .reload = SCHEMA_RESTART,
	    .help = "ask it for name servers, which are shown in its status",
	    .example = "dns;"),
	AUTHENTICATION_ROW(struct conf_vpn_headquarters),
	ENCRYPTION_ROW(struct conf_vpn_headquarters),
	MTU_ROW(struct conf_vpn_headquarters),
	MRRU_ROW(struct conf_vpn_headquarters),
	KEEPALIVE_ROW(struct conf_vpn_headquarters),
	HELLO_ROW(struct conf_vpn_headquarters),
};
const struct schema headquarters_schema = SCHEMA_OF("headquarters", struct conf_vpn_headquarters, headquarters_rows);

/* The layers. */

const struct conf_vpn_profile *
config_vpn_profile(const struct conf_vpn *v, struct str name)
{
	for (uint32_t i = 0; name.n && i < v->nprofiles; i++)
		if (str_eq(v->profiles[i].name, name))
			return &v->profiles[i];
	return NULL;
}

static void
lay_over(const struct conf_vpn_terms *t, struct conf_vpn_terms *ret)
{
	ret->pool = t->pool.n ? t->pool : ret->pool;
	ret->dns = t->dns.n ? t->dns : ret->dns;
	ret->wins = t->wins.n ? t->wins : ret->wins;
	ret->idle_us = t->idle_us ? t->idle_us : ret->idle_us;
	ret->session_us = t->session_us ? t->session_us : ret->session_us;
	ret->download = t->download ? t->download : ret->download;
	ret->upload = t->upload ? t->upload : ret->upload;
	ret->again = t->again ? t->again : ret->again;
	ret->list = t->list.n ? t->list : ret->list;
}

static enum conf_vpn_encryption
over(enum conf_vpn_override o, enum conf_vpn_encryption e)
{
	return o ? (enum conf_vpn_encryption)(o - 1) : e;
}

void
config_vpn_terms(const struct conf_vpn *v, const struct conf_vpn_secret *s, struct conf_vpn_terms *ret_terms,
    enum conf_vpn_encryption *ret_encryption)
{
	const struct conf_vpn_profile *p = s ? config_vpn_profile(v, s->profile) : NULL;
	struct conf_vpn_terms t = { .again = CONF_VPN_AGAIN_REPLACE };
	enum conf_vpn_encryption e = v->server->encryption;

	lay_over(&v->server->terms, &t);
	if (p) {
		lay_over(&p->terms, &t);
		e = over(p->encryption, e);
	}
	if (s) {
		lay_over(&s->terms, &t);
		e = over(s->encryption, e);
	}
	*ret_terms = t;
	*ret_encryption = e;
}
