/*
 * netd: what the files of netd share. One instance holds the policy, the sockets to the kernel, and
 * the book of bans.
 */
#ifndef GUARITA_ROLE_NET_NETD_H
#define GUARITA_ROLE_NET_NETD_H

#include "gate/bans.h"
#include "gate/policy/policy.h"
#include "role/role.h"
#include "sys/conntrack.h"
#include "sys/nft.h"
#include "sys/rtnet.h"

struct netd_cuts;
struct netd_probe;
struct netd_trace;
struct trace_ask;

struct netd {
	struct role *role;
	struct log *log;
	struct arena arena;
	const struct config *config;
	struct policy *policy;
	struct rtnet *net;
	struct nft *nft;
	struct conntrack *ct;
	int changes;                   /* descriptor that tells of links that come and go */
	struct poll *changes_poll;
	struct timer *settle, *tick;
	struct chan *watch, *peek, *sites, *vpn;       /* to watchd, peekd, linkd, l2tpd; NULL: not there */
	struct netd_cuts *cuts;        /* connections of the banned, to be forgotten; NULL: not begun */
	struct netd_members *members;  /* of lists, by the VPN; NULL: none ever was */
	int samples;                   /* copies of first packets, for peekd; -1: nobody wants them */
	bool *route_told;              /* per route of the policy: its fault was said */
	struct bans *bans;
	int journal;
	uint64_t journal_bytes;
	struct netd_probe *probes;     /* one per fallback of the policy */
	uint32_t nprobes;
	struct netd_trace *trace;      /* NULL: nobody ever asked */
	bool changed;                  /* the rules are others than those of before, and there were some */
	int64_t rules_us;              /* what the last transaction took */
	uint64_t banned, cut, refused, marked;
};

/* netd.c: the kernel's sockets, and the policy of a configuration. */
int netd_open(struct netd *n, const struct config *c, struct diags *d, struct log *log) WARN_UNUSED;
void netd_close(struct netd *n);
/* A part of the work that failed: said once, and the errno goes on. */
int netd_fault(const struct netd *n, int error, const char *what);

/* rules.c: the packet filter, as one transaction. check_only: it is only tried. */
int netd_rules_apply(struct netd *n, bool check_only) WARN_UNUSED;

/* cut.c: connections that the rules in force would not let begin, */
void netd_cut_forbidden(struct netd *n);
/* and those of who is banned by now, within two seconds. */
int netd_cuts_begin(struct netd *n) WARN_UNUSED;
void netd_cut_later(struct netd *n, const struct cidr *net);
void netd_cuts_end(struct netd *n);

/* net.c: switches, links, addresses, routes; again whenever links change. */
int netd_net_apply(struct netd *n) WARN_UNUSED;
/* Takes back what carries our mark: table, routes, addresses. Nothing else. */
int netd_release(struct netd *n) WARN_UNUSED;

/* bans.c */
/* With all rights still: the journal. */
int netd_bans_open(struct netd *n) WARN_UNUSED;
/* What was in force before comes into force again; what the kernel still holds stays. */
int netd_bans_load(struct netd *n) WARN_UNUSED;
void netd_bans_close(struct netd *n);
void netd_bans_tick(struct netd *n);
/*
 * Keeps out. 0; -EPERM: own, or never to be banned; -EINVAL; or the kernel's error. *ret_why then
 * says it in words.
 */
int netd_ban(struct netd *n, const struct ban *ban, const char **ret_why) WARN_UNUSED;
/* Lets in again: how many bans of exactly this network were taken back, or -errno. */
int netd_unban(struct netd *n, const struct cidr *net) WARN_UNUSED;
/* An operator banned it here: other sites hear of it. */
void netd_tell_sites(struct netd *n, const struct ban *b, uint64_t seconds);

/* tell.c: answers to orders. */
void netd_order(struct netd *n, const struct msg_order *o);
/* A line of the answer to an order; after the last one nothing may follow. */
void netd_answer(struct netd *n, uint32_t order, struct str json, bool last);
/* Members of an object: what the rule says, and where it comes from. */
void netd_tell_rule(const struct netd *n, const struct policy_rule *r, struct buf *json);

/* trace.c: answers the order, now and later; an error: nothing was answered. */
int netd_trace_begin(struct netd *n, uint32_t order, const struct trace_ask *a, uint64_t packets) WARN_UNUSED;
void netd_trace_end(struct netd *n);

/* peek.c: with all rights still; then, whenever peekd is started. */
int netd_peek_open(struct netd *n) WARN_UNUSED;
void netd_peek_link(struct netd *n, int fd);
void netd_peek_close(struct netd *n);

/* members.c: who is connected by the VPN, in the lists of the gate. */
void netd_members_link(struct netd *n, int fd);
void netd_members_tick(struct netd *n);        /* renews them: the kernel forgets whom nobody speaks for */
size_t netd_members_count(const struct netd *n);
void netd_members_close(struct netd *n);

/* probe.c: does the proxy live? */
int netd_probes_begin(struct netd *n) WARN_UNUSED;
void netd_probes_end(struct netd *n);
void netd_probes_status(const struct netd *n, struct buf *json);

#endif
