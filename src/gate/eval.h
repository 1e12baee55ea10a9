/*
 * eval: what the kernel would do with a packet under a policy, worked out here: the way through the hooks, each rule
 * that matched, and the verdict. It answers `guarita why`, warns before a change locks its operator out, and is held
 * against the kernel by a test with random policies and packets. Pure: what only the machine knows is handed in.
 */
#ifndef GUARITA_GATE_EVAL_H
#define GUARITA_GATE_EVAL_H

#include "gate/policy/policy.h"

struct eval_packet {
	struct str in;                 /* interface that it comes by; empty: this machine sends it */
	struct addr src, dst;
	uint8_t protocol;
	uint16_t sport, dport;         /* of TCP, UDP, SCTP */
	uint8_t icmp_type;
	struct str payload;            /* behind the TCP or UDP header */
	/* Its connection. */
	enum policy_state state;
	bool translated;               /* the destination was translated when it began */
	enum policy_way way;
	unsigned count;                /* packets this way, this one included */
	uint32_t ct_mark;
};

/* What changes while the rules stay, and what the routing table says. NULL functions: the configuration alone. */
struct eval_world {
	void *ctx;
	/* An address of this machine. */
	bool (*is_here)(void *ctx, const struct addr *a);
	/* The interface that leads there; STR_NULL: none does. */
	struct str (*way_to)(void *ctx, const struct addr *a);
	/* Element of a set: an address with protocol and port of the destination, or the name of an interface. */
	bool (*has)(void *ctx, const struct policy_set *set, const struct addr *a, const struct eval_packet *p,
	    struct str interface);
	bool over_rate;                /* rules that match at most so often do not match any more */
};

#define EVAL_STEPS_MAX 128

struct eval_step {
	const struct policy_rule *rule;
	enum policy_hook hook;
};

struct eval_way {
	struct eval_step steps[EVAL_STEPS_MAX];        /* rules that matched, in order */
	uint32_t nsteps;               /* further ones are not noted */
	enum policy_verdict verdict;   /* ACCEPT, DROP or REJECT */
	enum policy_hook hook;         /* where that was decided; the last one when accepted */
	const struct policy_rule *by;  /* NULL: no rule, the hook's own end */
	bool no_route;                 /* accepted so far, and there is no way to it */
	struct str out;                /* the interface that it leaves by; empty: it is for this machine */
	struct addr src, dst;          /* after translation */
	uint16_t dport;
	const struct policy_rule *masqueraded;         /* the source becomes the interface's own address */
	uint32_t mark, ct_mark;
	bool untracked;                /* beyond the rate of new connections */
};

void eval(const struct policy *p, const struct eval_world *w, const struct eval_packet *packet, struct eval_way *ret);
/* One rule alone. */
bool eval_matches(const struct policy *p, const struct eval_world *w, const struct policy_rule *r,
    const struct eval_packet *packet, const struct eval_way *so_far);

/* The configuration's own view of the world, for what `w` does not say. */
bool eval_is_here(const struct policy *p, const struct eval_world *w, const struct addr *a);
struct str eval_way_to(const struct policy *p, const struct eval_world *w, const struct addr *a);

/* The way in words, a line a rule, each with its origin; the verdict last. */
void eval_say(const struct policy *p, const struct eval_packet *packet, const struct eval_way *way, struct buf *out);

#endif
