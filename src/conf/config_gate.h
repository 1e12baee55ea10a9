/*
 * config_gate: what guarita.conf says of the gate: interfaces, zones, networks, services, branches,
 * rules. Names are not resolved here: gate/policy/policy.h does that.
 */
#ifndef GUARITA_CONF_CONFIG_GATE_H
#define GUARITA_CONF_CONFIG_GATE_H

#include "conf/diag.h"
#include "conf/value.h"

struct conf_interface {
	struct conf_pos where;
	struct conf_strs names;        /* "lan"; "ppp*" is every name that begins so */
	struct str zone;               /* empty: the first name */
	struct conf_cidrs addresses;   /* with host bits */
	struct addr gateway, gateway6; /* all zero: none */
	int64_t mtu;                   /* 0: left as it is */
	bool off;
	struct str comment;
};

enum conf_unknown { CONF_UNKNOWN_DROP, CONF_UNKNOWN_REJECT, CONF_UNKNOWN_ALLOW };

struct conf_zone {
	struct conf_pos where;
	struct str name;
	bool outside;                  /* strangers are there */
	enum conf_unknown unknown;     /* what no rule speaks of */
	bool log;                      /* of what is refused at last */
};

struct conf_network {
	struct conf_pos where;
	struct str name;
	struct conf_cidrs nets;
};

struct conf_service {
	struct conf_pos where;
	struct str name;
	struct conf_strs ports;        /* "tcp/22", "udp/5000-5100", "icmp/8", "gre", "http" */
};

struct conf_branch {                   /* a remote site */
	struct conf_pos where;
	struct str name;
	struct conf_cidrs networks;    /* its own */
	struct conf_cidrs tunnel;      /* addresses of the tunnel's ends */
	struct conf_strs interfaces;   /* through which it is reached; may come and go */
	struct addr via;               /* next hop; all zero: the interface itself */
	struct conf_strs services;     /* what may pass both ways; none: everything */
	struct str secret;             /* it dials in under its name with this; empty: not through our VPN */
	struct str key;                /* of its Guarita: it is a peer under its name; empty: none is implied */
};

struct conf_list {                     /* addresses that come and go while Guarita runs */
	struct conf_pos where;
	struct str name;
	struct conf_cidrs nets;        /* always in it */
	int64_t timeout_us;            /* of what is added; 0: for ever */
};

enum conf_chain {
	CONF_CHAIN_PREROUTING, CONF_CHAIN_INPUT, CONF_CHAIN_FORWARD, CONF_CHAIN_OUTPUT,
	CONF_CHAIN_AUTO,               /* of allow, deny and reject: follows from the words */
};

enum conf_action {
	CONF_ALLOW, CONF_DENY, CONF_REJECT,
	CONF_COUNT,                    /* only counted, logged, marked, remembered */
};

enum conf_state { CONF_STATE_ANY, CONF_STATE_NEW, CONF_STATE_ESTABLISHED, CONF_STATE_INVALID };

struct conf_rate {
	int64_t count;
	int64_t per_us;
};

struct conf_remember {
	struct str list;
	int64_t for_us;                /* 0: the list's own time-out */
};

struct conf_gate_rule {
	struct conf_pos where;
	enum conf_chain chain;
	enum conf_action action;
	struct conf_strs from, to;     /* zones, networks, branches, addresses, gateway, any */
	struct conf_strs services;     /* names, "tcp/80"; none: everything */
	struct conf_strs in, out;      /* interfaces */
	struct conf_strs source_ports; /* "1024-65535" */
	enum conf_state state;
	struct str mark;               /* carries this mark */
	struct str set_mark;           /* gets it */
	struct str list;               /* the source is in this list */
	struct conf_remember *remember;/* the source is put into a list; NULL: not */
	struct conf_rate *limit;       /* matches at most so often; NULL: always */
	bool log, disabled;
	struct str comment;
};

struct conf_masquerade {
	struct conf_pos where;
	struct conf_strs from, to;
	struct addr address;           /* the new source; all zero: the interface's own */
	bool disabled;
	struct str comment;
};

struct conf_forward {                  /* a port of the gateway leads to a host behind it */
	struct conf_pos where;
	struct conf_strs services;
	struct conf_strs from;
	struct addr to;
	int64_t port;                  /* 0: the same */
	bool disabled, log;
	struct str comment;
};

struct conf_route {
	struct conf_pos where;
	struct conf_cidrs to;
	struct addr via;               /* all zero: on the link */
	struct str interface;          /* empty: where via is */
	int64_t metric;                /* 0: the kernel's own */
};

enum conf_fallback_mode { CONF_FALLBACK_AUTO, CONF_FALLBACK_ON, CONF_FALLBACK_OFF };

struct conf_fallback {                 /* the way round a proxy that cannot serve */
	struct conf_pos where;
	struct conf_strs from, to;
	struct conf_endpoint proxy;
	struct str url;                /* asked for through the proxy; empty: only connected to */
	int64_t every_us;
	int64_t fails;                 /* so many probes in a row: open */
	int64_t heal_us;               /* well for so long: closed again */
	enum conf_fallback_mode mode;
};

enum conf_p2p_mode { CONF_P2P_OBSERVE, CONF_P2P_MARK, CONF_P2P_BLOCK };
enum conf_p2p_encrypted { CONF_P2P_TELL, CONF_P2P_SLOW, CONF_P2P_REFUSE };

struct conf_p2p {
	struct conf_pos where;
	enum conf_p2p_mode mode;
	enum conf_p2p_encrypted encrypted;     /* hosts that behave like peers whose words cannot be read */
	struct conf_strs exempt;       /* networks, branches, zones never looked at */
};

enum conf_spoof { CONF_SPOOF_STRICT, CONF_SPOOF_LOOSE, CONF_SPOOF_OFF };

struct conf_gateway {
	bool forward4, forward6;
	enum conf_spoof anti_spoofing;
	bool ping;                     /* is answered, within reason */
	bool log;                      /* refused packets become records */
	int64_t log_rate;              /* so many of them a second */
	int64_t syn_source, syn_total; /* new connections a second to what is published; 0: without limit */
	bool syn_proxy;                /* beyond the total, cookies are asked for; else dropped */
	enum conf_unknown unzoned;     /* interfaces that no zone has */
};

struct conf_gate {
	struct conf_gateway gateway;
	struct conf_interface *interfaces;
	uint32_t ninterfaces;
	struct conf_zone *zones;
	uint32_t nzones;
	struct conf_network *networks;
	uint32_t nnetworks;
	struct conf_service *services;
	uint32_t nservices;
	struct conf_branch *branches;
	uint32_t nbranches;
	uint32_t nimplied;             /* of them, the last ones: what a headquarters implies */
	struct conf_list *lists;
	uint32_t nlists;
	struct conf_gate_rule *rules;
	uint32_t nrules;
	struct conf_masquerade *masquerades;
	uint32_t nmasquerades;
	struct conf_forward *forwards;
	uint32_t nforwards;
	struct conf_route *routes;
	uint32_t nroutes;
	struct conf_fallback *fallbacks;
	uint32_t nfallbacks;
	struct conf_p2p *p2p;          /* NULL: not looked at */
};

#define CONF_INTERFACES_MAX 4096
#define CONF_GATE_RULES_MAX 65536

/* Whether the configuration asks for a gate at all: without, this is only a log watch. */
static inline bool
conf_has_gate(const struct conf_gate *g)
{
	return g->ninterfaces > 0;
}

#endif
