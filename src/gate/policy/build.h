/* build: what the files that build a policy share among themselves. */
#ifndef GUARITA_GATE_POLICY_BUILD_H
#define GUARITA_GATE_POLICY_BUILD_H

#include "gate/policy/policy.h"
#include "gate/service.h"

struct rule_list {
	struct policy_rule *v;
	uint32_t n, size;
};

struct building {
	struct arena *a;
	const struct config *c;
	const struct conf_gate *g;
	struct diags *d;
	struct policy *p;
	struct rule_list hooks[POLICY_HOOKS];
	uint32_t invalid_at[POLICY_HOOKS];     /* of INPUT and FORWARD: the rule that drops what is invalid */
	bool full;                     /* no memory, or too many rules */
};

/* One end of a rule: all that is named matches; nothing named matches everything. */
struct side {
	struct conf_strs interfaces;
	struct conf_cidrs nets[2];     /* IPv4, IPv6 */
	bool gateway;                  /* this machine */
};

#define SIDES_MAX 4096

struct sides {
	struct side *v;
	uint32_t n;
};

/* A rule that matches everything and leads back to `where`. */
struct policy_rule rule_blank(const struct building *b, struct conf_pos where, const char *word);
/* Adds a copy to the hook's list, at its end or before the rule that stands at `at`. */
void rule_add(struct building *b, const struct policy_rule *r);
void rule_insert(struct building *b, uint32_t at, const struct policy_rule *r);
/*
 * Adds the rules that follow from one pair of sides and the services, family by family and protocol
 * by protocol. parts NULL or empty: every protocol.
 */
void rule_spread(struct building *b, const struct policy_rule *like, const struct side *from,
    const struct side *to, const struct service_parts *parts);

/* What the words of a list mean. False after a fault, which is told at the word. */
bool sides_resolve(struct building *b, struct conf_strs words, struct conf_pos where,
    struct sides *ret);
/* Likewise services. */
bool services_resolve(struct building *b, struct conf_strs words, struct conf_pos where,
    struct service_parts *ret);
/* A fault at the word with this text in the statement at `where`. */
void build_fault(struct building *b, struct conf_pos where, struct str word, const char *hint,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Interfaces of every zone that is not outside, and of one zone. */
struct conf_strs zones_inner(struct building *b);
struct policy_zone *zone_named(const struct policy *p, struct str name);
struct conf_cidrs cidrs_join(struct building *b, struct conf_cidrs x, struct conf_cidrs y);
void strs_add(struct building *b, struct conf_strs *l, struct str s);

/* names.c */
void build_zones(struct building *b);
void build_check_names(struct building *b);
/* words.c: what was written. */
void build_written(struct building *b);
void build_nat(struct building *b);
void build_branches(struct building *b);
void build_vpn(struct building *b);
void build_fallbacks(struct building *b);
/* built_in.c: what goes without saying. */
void build_before(struct building *b);
void build_after(struct building *b);
void build_p2p(struct building *b);
/* syn.c: when all others are there. */
void build_syn(struct building *b);
/* A mark's number; 0 after a fault. */
uint32_t mark_number(struct building *b, struct str name);
int set_named(const struct policy *p, struct str name, enum policy_set_kind kind);
int set_add(struct building *b, struct str name, enum policy_set_kind kind, const char *nft);

#endif
