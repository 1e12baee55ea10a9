/* in: what the files of the conversion share. */
#ifndef GUARITA_GATE_ROUTEROS_IN_H
#define GUARITA_GATE_ROUTEROS_IN_H

#include "base/text.h"
#include "gate/routeros/routeros.h"

#define ROUTEROS_INTERFACES_MAX 512

struct ros_interface {
	struct str theirs;             /* its name there */
	char name[16];                 /* and here: IFNAMSIZ */
	struct str peer;               /* of a tunnel: the name of the other site; empty: no tunnel */
	struct addr remote;            /* the tunnel's other end */
	bool wan, off, branch;         /* branch: written as one */
	struct buf addresses, gateways, networks, tunnel;
};

struct conversion {
	struct arena *arena;
	struct routeros *r;
	struct ros_interface interfaces[ROUTEROS_INTERFACES_MAX];
	uint32_t ninterfaces;
	struct str p2p_mark;           /* the packet mark that file sharing gets there */
	bool p2p, p2p_dropped;
	struct buf head, routes, lists, rules;
	bool full;
};

/* The interface of that name, made known when it is not; NULL without a name, or when there are too many. */
struct ros_interface *ros_interface(struct conversion *c, struct str theirs);
/* The zone or branch that it leads to, as rules call it. */
void ros_zone(const struct ros_interface *f, struct buf *out);
/* `s` as a word of our language, quoted when it must be: a remark. */
void ros_word(struct str s, struct buf *out);
/* A name of theirs as a plain word, as names are here. */
void ros_name(struct str s, struct buf *out);
/* "192.168.0.5/24" as the network that it lies in. 0 or -EINVAL. */
int ros_network(struct str s, struct cidr *ret) WARN_UNUSED;
void ros_add_cidr(const struct cidr *c, struct buf *out);
bool ros_yes(struct str s);
void ros_fate(struct routeros_statement *s, enum routeros_fate fate, const char *why);

/* write.c */
void ros_write(struct conversion *c, struct buf *out);

/* vpn.c: needs the networks behind each tunnel, so it comes last. Settles the fate of what it writes. */
void ros_write_vpn(struct conversion *c, struct buf *out);

/* nat.c */
void ros_nat(struct conversion *c, struct routeros_statement *s);

/* rules.c: filter, NAT and mangle, in their order. */
void ros_find_p2p(struct conversion *c);
void ros_rules(struct conversion *c);
/* Protocol and ports of a rule as services. NULL, or why there is no word for them. */
const char *ros_services(const struct routeros_statement *s, struct buf *out);
/* Where a chain of theirs lets pass what no rule speaks of, the rules that would do so here, to be chosen. */
void ros_write_open_ends(const struct conversion *c, struct buf *out);

#endif
