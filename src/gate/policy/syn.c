/*
 * syn: floods of connections that begin and never go on. What is published to the outside is held to a rate of new
 * connections, of each sender and of all together; beyond the latter the kernel answers with cookies (RFC 4987 section 3.6,
 * nftables' synproxy), and who sends one back is let in as if there were no flood. Must never open what the written rules
 * keep shut: a connection that proved itself passes the same rules again, in the name of its client.
 *
 *   raw       beyond the rate of its sender: dropped; beyond that of all: marked, and not tracked
 *   input,    where "answers pass" did not take it and no connection is known: the written rules in their order, with
 *   forward   "allow" read as "ask for the cookie"
 *   output    what the proxy sends on in the client's name: the written rules of forward in their order
 */
#include <netinet/in.h>

#include "base/when.h"
#include "gate/policy/build.h"

#define BESIDE_KNOWN (POLICY_INVALID | POLICY_UNTRACKED)
#define WINDOW_SCALE 7                 /* what Linux servers choose themselves */
#define HEADS4 40                      /* IPv4 and TCP without options (RFC 6691 section 2) */
#define HEADS6 60
#define MTU 1500

struct flooding {
	struct building *b;
	struct conf_strs outside;
	uint16_t mtu;
	uint32_t at[POLICY_HOOKS];     /* where the next rule of ours goes */
};

static struct policy_rule
blank(const struct flooding *f, enum policy_hook hook, const char *why)
{
	struct policy_rule r = rule_blank(f->b, (struct conf_pos){ .line = 0 }, "syn-flood");

	r.hook = hook;
	r.protocol = IPPROTO_TCP;
	r.why = why;
	return r;
}

/* What the outside may see of it: false when that is nothing. */
static bool
seen_outside(struct flooding *f, struct conf_strs names, struct conf_strs *ret)
{
	struct conf_strs both = { .n = 0 };

	for (uint32_t i = 0; i < names.n; i++)
		for (uint32_t k = 0; k < f->outside.n; k++)
			if (str_eq(names.v[i], f->outside.v[k]))
				strs_add(f->b, &both, names.v[i]);
	*ret = names.n ? both : f->outside;
	return ret->n > 0;
}

/* Rules of the operator that new TCP connections from outside may meet. */
static bool
is_met(struct flooding *f, const struct policy_rule *r)
{
	struct conf_strs in;

	return r->where.line && !r->loopback && r->in_set == POLICY_NO_SET && r->verdict != POLICY_GO_ON && !r->ct_mask &&
	    (r->protocol == IPPROTO_TCP || r->protocol == POLICY_ANY_PROTOCOL) && (!r->states || r->states & POLICY_NEW) &&
	    strcmp(r->word, "zone") != 0 && seen_outside(f, r->in, &in);
}

/* What leaves by the outside again is no service of ours. */
static bool
is_published(struct flooding *f, const struct policy_rule *r)
{
	struct conf_strs out;

	if (!is_met(f, r) || r->verdict != POLICY_ACCEPT)
		return false;
	return !r->out.n || !seen_outside(f, r->out, &out) || out.n < r->out.n;
}

static uint32_t
behind_last_published(struct flooding *f, enum policy_hook hook)
{
	const struct rule_list *l = &f->b->hooks[hook];
	uint32_t n = l->n;

	while (n > 0 && !is_published(f, &l->v[n - 1]))
		n--;
	return n;
}

static uint16_t
segment_of(const struct flooding *f, const struct policy_rule *r)
{
	return (uint16_t)(f->mtu - (r->family == 4 ? HEADS4 : HEADS6));
}

/* The rule as the first packets of connections that nobody knows meet it. */
static void
ask_for_cookie(struct flooding *f, const struct policy_rule *like, enum policy_hook hook)
{
	struct policy_rule r = *like;

	if (!seen_outside(f, like->in, &r.in))
		return;
	r.hook = hook;
	r.protocol = IPPROTO_TCP;
	r.states = BESIDE_KNOWN;
	r.word = "syn-flood";
	r.log = false;
	r.add_src = POLICY_NO_SET;
	r.to = (struct addr){ .b = { 0 } };
	r.to_port = 0;
	if (like->verdict == POLICY_DROP || like->verdict == POLICY_REJECT) {
		r.verdict = POLICY_DROP;
		r.why = "also of those who answer with a cookie";
	} else {
		r.verdict = POLICY_SYNPROXY;
		r.why = "in a flood only who answers with a cookie gets on";
		r.segment = segment_of(f, &r);
		r.window_scale = WINDOW_SCALE;
	}
	rule_insert(f->b, f->at[hook]++, &r);
}

/* The same rule for what the proxy sends on; by which interface it came is known no more, by which it leaves not yet. */
static void
let_on(struct flooding *f, const struct policy_rule *like)
{
	struct policy_rule r = *like;

	r.hook = POLICY_OUTPUT;
	r.in = r.out = (struct conf_strs){ .n = 0 };
	r.protocol = IPPROTO_TCP;
	r.for_others = true;
	r.word = "syn-flood";
	r.why = "in the name of who answered with a cookie";
	r.log = false;
	r.rate = 0;
	r.mark_mask = r.mark = 0;
	r.add_src = POLICY_NO_SET;
	rule_insert(f->b, f->at[POLICY_OUTPUT]++, &r);
}

static void
build_ends(struct flooding *f, bool before)
{
	struct policy_rule r = blank(f, POLICY_OUTPUT,
	    before ? "in the name of who answered with a cookie" : "in a name that is not ours");

	r.for_others = true;
	if (before) {
		r.states = POLICY_ESTABLISHED;
		r.verdict = POLICY_ACCEPT;
		rule_insert(f->b, f->at[POLICY_OUTPUT]++, &r);
		r.states = 0;
		r.to_here = true;
		rule_insert(f->b, f->at[POLICY_OUTPUT]++, &r);
		return;
	}
	r.verdict = POLICY_DROP;
	rule_insert(f->b, f->at[POLICY_OUTPUT]++, &r);
}

/* A port that leads inside is asked for at the gateway's own address, and translated where the proxy sends it on. */
static void
build_translated(struct flooding *f)
{
	const struct rule_list *l = &f->b->hooks[POLICY_DNAT];
	struct conf_strs in;

	for (uint32_t i = 0; i < l->n; i++) {
		if (l->v[i].protocol != IPPROTO_TCP || l->v[i].verdict != POLICY_DNAT_TO || !seen_outside(f, l->v[i].in, &in))
			continue;
		ask_for_cookie(f, &l->v[i], POLICY_INPUT);
		struct policy_rule r = l->v[i];
		r.hook = POLICY_DNAT_OUT;
		r.in = (struct conf_strs){ .n = 0 };
		r.for_others = true;
		r.log = false;
		r.word = "syn-flood";
		r.why = "in the name of who answered with a cookie";
		rule_add(f->b, &r);
	}
}

/* Rules move as others are put before them: those of now are looked at in a copy. */
static void
build_proxied(struct flooding *f, enum policy_hook hook, uint32_t n)
{
	struct policy_rule *copy = ARENA_ARRAY(f->b->a, struct policy_rule, n + 1u);

	if (!copy) {
		f->b->full = true;
		return;
	}
	if (n)
		memcpy(copy, f->b->hooks[hook].v, n * sizeof(*copy));
	for (uint32_t i = 0; i < n; i++) {
		if (!is_met(f, &copy[i]))
			continue;
		if (!copy[i].translated)
			ask_for_cookie(f, &copy[i], hook);
		if (hook == POLICY_FORWARD)
			let_on(f, &copy[i]);
	}
}

/* Marked, told, and what becomes of it: a rule each. The telling is bounded, the refusal not. */
static void
add_beyond(struct flooding *f, uint32_t mark, bool untrack, const char *why)
{
	struct policy_rule r = blank(f, POLICY_RAW_IN, why), told;

	r.mark = r.mark_mask = mark;
	told = r;
	if (f->b->g->gateway.log) {
		told.log = true;
		told.rate = f->b->g->gateway.log_rate;
		told.rate_per_us = WHEN_SECOND;
		rule_add(f->b, &told);
	}
	r.untrack = untrack;
	r.verdict = untrack ? POLICY_GO_ON : POLICY_DROP;
	rule_add(f->b, &r);
}

static void
build_limits(struct flooding *f)
{
	const struct conf_gateway *g = &f->b->g->gateway;
	struct policy_rule r = blank(f, POLICY_RAW_IN, "one sender begins more connections than that");

	r.in = f->outside;
	r.syn = r.over = true;
	r.rate_per_us = WHEN_SECOND;
	r.set_mark = r.set_mark_mask = POLICY_SYN_SOURCE;
	r.rate = g->syn_source;
	for (int six = 0; r.rate && six < 2; six++) {
		r.family = six ? 6 : 4;
		r.meter = set_add(f->b, STR("syn-source"), six ? POLICY_SET_ADDR6 : POLICY_SET_ADDR4, six ? "synsrc6" : "synsrc4");
		f->b->p->sets[r.meter].learns = true;
		f->b->p->sets[r.meter].timeout_us = WHEN_MINUTE;
		rule_add(f->b, &r);
	}
	if (r.rate)
		add_beyond(f, POLICY_SYN_SOURCE, false, "one sender begins too many connections");
	r.family = 0;
	r.meter = POLICY_NO_SET;
	r.set_mark = r.set_mark_mask = POLICY_SYN_TOTAL;
	r.why = "all together begin more connections than that";
	r.rate = g->syn_total;
	if (!r.rate)
		return;
	rule_add(f->b, &r);
	add_beyond(f, POLICY_SYN_TOTAL, g->syn_proxy, "all together begin too many connections");
}

static void
find_outside(struct flooding *f)
{
	const struct conf_gate *g = f->b->g;

	for (uint32_t i = 0; i < f->b->p->nzones; i++)
		for (uint32_t k = 0; f->b->p->zones[i].outside && k < f->b->p->zones[i].interfaces.n; k++)
			strs_add(f->b, &f->outside, f->b->p->zones[i].interfaces.v[k]);
	f->mtu = MTU;
	for (uint32_t i = 0; i < g->ninterfaces; i++)
		if (g->interfaces[i].mtu && g->interfaces[i].mtu < f->mtu)
			f->mtu = (uint16_t)g->interfaces[i].mtu;
}

void
build_syn(struct building *b)
{
	struct flooding f = { .b = b };

	find_outside(&f);
	uint32_t input = behind_last_published(&f, POLICY_INPUT), forward = behind_last_published(&f, POLICY_FORWARD);
	if (!f.outside.n || (!input && !forward) || (!b->g->gateway.syn_source && !b->g->gateway.syn_total))
		return;
	build_limits(&f);
	if (!b->g->gateway.syn_total || !b->g->gateway.syn_proxy)
		return;
	f.at[POLICY_INPUT] = b->invalid_at[POLICY_INPUT];
	f.at[POLICY_FORWARD] = b->invalid_at[POLICY_FORWARD];
	build_ends(&f, true);
	build_proxied(&f, POLICY_FORWARD, forward);
	build_ends(&f, false);
	/* The ports that lead inside go before the rest, as translation does; so they are put in last. */
	build_proxied(&f, POLICY_INPUT, input);
	f.at[POLICY_INPUT] = b->invalid_at[POLICY_INPUT];
	build_translated(&f);
	b->p->synproxy = true;
}
