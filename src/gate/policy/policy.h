/*
 * policy: what the gate does with packets, as one ordered list of plain rules per hook. Built from
 * the configuration; read by the writer of nft text, by the evaluator, by the linter and by
 * `explain`. Every rule leads back to the line it came from. Pure: no system call, no clock.
 *
 * A rule matches when every field that it names matches. Rules of a hook are taken in their order;
 * the first verdict other than POLICY_GO_ON ends the hook. Hooks run in the order of the kernel:
 *
 *   arriving   RAW_IN  MARK_IN  DNAT  then INPUT, or FORWARD and SNAT
 *   sent       RAW_OUT DNAT_OUT OUTPUT SNAT
 */
#ifndef GUARITA_GATE_POLICY_POLICY_H
#define GUARITA_GATE_POLICY_POLICY_H

#include "conf/config.h"

enum policy_hook {
	POLICY_RAW_IN,                 /* prerouting, before connection tracking: bans */
	POLICY_MARK_IN,                /* prerouting, after it: marks */
	POLICY_DNAT,                   /* prerouting, first packet of a connection */
	POLICY_INPUT, POLICY_FORWARD, POLICY_OUTPUT,
	POLICY_RAW_OUT,                /* output, before connection tracking: bans */
	POLICY_SNAT,                   /* postrouting, first packet of a connection */
	POLICY_DNAT_OUT,               /* output: what the proxy of SYN cookies sends on */
	POLICY_HOOKS,
};

enum policy_verdict {
	POLICY_GO_ON,                  /* counted, perhaps marked or logged; the next rule decides */
	POLICY_ACCEPT, POLICY_DROP, POLICY_REJECT,
	POLICY_MASQUERADE, POLICY_SNAT_TO, POLICY_DNAT_TO,
	POLICY_SYNPROXY,               /* answered with a cookie; who sends it back gets on */
};

enum policy_state {                    /* of the packet's connection; a set of bits */
	POLICY_NEW = 1, POLICY_ESTABLISHED = 2, POLICY_RELATED = 4, POLICY_INVALID = 8,
	POLICY_UNTRACKED = 16,         /* beyond the rate of new connections: none is known of it */
};

enum policy_set_kind {
	POLICY_SET_ADDR4, POLICY_SET_ADDR6,      /* single addresses, with time-outs */
	POLICY_SET_NET4, POLICY_SET_NET6,        /* networks, with time-outs */
	POLICY_SET_PORT4, POLICY_SET_PORT6,      /* address, protocol and port, with time-outs */
	POLICY_SET_IFACE,                        /* names of interfaces */
};

/* Something that changes while the rules stay. Kept over every reload. */
struct policy_set {
	struct str name;               /* as the operator calls it */
	char nft[24];                  /* as the kernel knows it */
	enum policy_set_kind kind;
	bool learns;                   /* rules add to it */
	int64_t timeout_us;            /* of what is added without one; 0: for ever */
};

#define POLICY_NO_SET (-1)
enum policy_own_set {                  /* always there, in this order */
	POLICY_BAN4, POLICY_BAN6, POLICY_BANNET4, POLICY_BANNET6, POLICY_BANPORT4, POLICY_BANPORT6,
	POLICY_OWN_SETS,
};

struct policy_range {
	uint16_t from, to;
};

struct policy_ranges {
	struct policy_range *v;
	uint32_t n;
};

enum policy_way { POLICY_ORIGINAL = 1, POLICY_REPLY };

/* Bytes at a place of the payload behind the TCP or UDP header. */
struct policy_bytes {
	uint8_t at, n;
	uint8_t v[20];
};

struct policy_signature {
	const char *name;
	uint8_t protocol;
	uint16_t udp_length;           /* of the UDP header's length field; 0: any */
	uint8_t nbytes;
	struct policy_bytes bytes[2];
};

#define POLICY_P2P_MARK 0x5000u        /* in the connection's mark */
#define POLICY_P2P_TOLD 0x4f00u        /* only observed, and told already */
#define POLICY_P2P_MASK 0xff00u
#define POLICY_NAMED_MASK 0x00ffu      /* in the packet's mark: marks with names */
#define POLICY_MARKS_MAX 255
#define POLICY_SYN_SOURCE 0x0100u      /* in the packet's mark: beyond the rate of its sender */
#define POLICY_SYN_TOTAL 0x0200u       /* beyond that of all together */
#define POLICY_SUSPECTS "p2p-suspects" /* the list of suspects, for rules */
#define POLICY_ANY_PROTOCOL (-1)
#define POLICY_LOG_GROUP 5             /* NFLOG: what is logged */
#define POLICY_LOG_BYTES 128           /* of each packet: all heads are in them */
#define POLICY_SAMPLE_BYTES 512
#define POLICY_SAMPLE_GROUP 6          /* NFLOG: first packets of connections, for the classifier */

struct policy_rule {
	enum policy_hook hook;
	/* What it matches. */
	uint8_t family;                /* 4, 6, or 0: both */
	struct conf_strs in, out;      /* interfaces; "ppp*" every name that begins so; none: any */
	int in_set;                    /* the incoming interface is in this set, or POLICY_NO_SET */
	struct conf_cidrs src, dst;    /* of the rule's family; none: any */
	int src_set, dst_set;
	int protocol;                  /* or POLICY_ANY_PROTOCOL */
	struct policy_ranges sports, dports;    /* none: any */
	struct policy_ranges icmp;     /* types; none: any */
	unsigned states;               /* enum policy_state; 0: any */
	bool loopback;                 /* the interface lo */
	bool broadcast;                /* to a broadcast address of ours */
	bool spoofed;                  /* the answer would not go back by the same interface */
	bool translated;               /* of a connection whose destination was translated */
	bool to_here;                  /* to an address of this machine */
	bool for_others;               /* from none of them */
	bool syn;                      /* begins a TCP connection */
	enum policy_way first_packets; /* of the first dozen this way of a connection; 0: any */
	uint32_t mark, mark_mask;      /* of the packet; mask 0: any */
	uint32_t ct_mark, ct_mask;     /* of the connection; mask 0: any */
	const struct policy_signature *payload;        /* NULL: any */
	int64_t rate, rate_per_us;     /* at most so often; 0: always */
	bool over;                     /* turned round: only what is more often */
	int meter;                     /* counted by an address, in this set; or POLICY_NO_SET: all together */
	/* What it does. */
	uint32_t set_mark, set_mark_mask;
	uint32_t set_ct, set_ct_mask;
	int add_src;                   /* the sender is put into this set, or POLICY_NO_SET */
	int64_t add_us;                /* for so long; 0: the set's own time-out */
	bool untrack;                  /* no connection is made of it */
	uint16_t segment;              /* SYNPROXY: how long segments to us may be */
	uint8_t window_scale;          /* SYNPROXY: of windows that we announce (RFC 7323 section 2) */
	bool clamp;                    /* TCP segments to what fits the way (RFC 4459 section 3.2) */
	bool log, sample;
	enum policy_verdict verdict;
	struct addr to;                /* SNAT_TO, DNAT_TO */
	uint16_t to_port;              /* 0: unchanged */
	/* Where it comes from. */
	uint64_t id;                   /* the same as long as it says the same */
	struct conf_pos where;         /* line 0: built in */
	struct str file;
	const char *word;              /* "allow", "branch", "zone" ... */
	struct str name;               /* of the branch or zone; may be empty */
	const char *why;               /* what a derived rule is for; NULL for what was written */
	struct str comment;
};

struct policy_zone {
	struct str name;
	struct conf_strs interfaces;
	const struct conf_zone *conf;  /* NULL: nothing special was said */
	bool outside;
};

struct policy_route {
	struct cidr to;
	struct addr via;               /* all zero: on the link */
	struct str interface;          /* empty: where via is */
	uint32_t metric;
	struct conf_pos where;
	struct str file;
	const char *word;
};

struct policy_fallback {
	const struct conf_fallback *conf;
	int set;                       /* holds the names of `interfaces` while the way is open */
	struct conf_strs interfaces;
};

struct policy {
	const struct config *config;
	struct policy_rule *rules;     /* hook by hook */
	uint32_t nrules;
	uint32_t first[POLICY_HOOKS + 1];      /* rules of hook h: first[h] up to first[h + 1] */
	struct policy_set *sets;
	uint32_t nsets;
	struct policy_zone *zones;
	uint32_t nzones;
	struct policy_route *routes;
	uint32_t nroutes;
	struct policy_fallback *fallbacks;
	uint32_t nfallbacks;
	int suspects[2];               /* IPv4, IPv6: hosts of ours that behave like peers; or POLICY_NO_SET */
	struct str marks[POLICY_MARKS_MAX];    /* mark i + 1 */
	uint32_t nmarks;
	bool synproxy;                 /* some rules ask for cookies */
};

#define POLICY_RULES_MAX 262144

/*
 * Builds the policy. Names that mean nothing and words that contradict are errors in d, which is
 * that of config_load. 0, -EINVAL with at least one error, or -ENOMEM. Everything lives in a and
 * in what the configuration lives in.
 */
int policy_build(struct arena *a, const struct config *c, struct diags *d,
    struct policy **ret) WARN_UNUSED;

const char *policy_hook_name(enum policy_hook h);
const char *policy_verdict_name(enum policy_verdict v);
/* "in lan, out wan, tcp 139,445: drop"; without the hook. */
void policy_say(const struct policy *p, const struct policy_rule *r, struct buf *out);
/* "matriz.conf:17 (deny)", "built in (bans)". */
void policy_say_origin(const struct policy_rule *r, struct buf *out);
/* The zone of an interface, or NULL. */
const struct policy_zone *policy_zone_of(const struct policy *p, struct str interface);
/* True when an interface's name is meant by the pattern: equal, or "ppp*". */
bool policy_name_matches(struct str pattern, struct str name);

/* The first payloads of file sharing programs that are told by their bytes alone. */
extern const struct policy_signature policy_signatures[];
extern const size_t policy_nsignatures;

#endif
