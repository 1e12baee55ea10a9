/* batch: see batch.h. */
#include "gate/nft/batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <stdio.h>

#include "base/when.h"
#include "gate/nft/expr.h"
#include "gate/nft/match.h"
#include "gate/trace.h"
#include "wire/netlink.h"

#define LEARNT_MAX 65535

static void
put_names(struct nft_writer *w, uint16_t table_attribute, uint16_t attribute, const char *name)
{
	netlink_put_text(w->out, table_attribute, NFT_TABLE);
	netlink_put_text(w->out, attribute, name);
}

/* Sets. */

static void
put_set(struct nft_writer *w, const char *name, enum policy_set_kind kind, uint32_t flags, int64_t timeout_us)
{
	uint32_t bytes, type = nft_key_type(kind, &bytes);
	size_t at = nft_begin(w, NFT_MSG_NEWSET, NLM_F_CREATE);

	if (kind == POLICY_SET_NET4 || kind == POLICY_SET_NET6)
		flags |= NFT_SET_INTERVAL;
	put_names(w, NFTA_SET_TABLE, NFTA_SET_NAME, name);
	netlink_put_be32(w->out, NFTA_SET_ID, ++w->sets);
	netlink_put_be32(w->out, NFTA_SET_FLAGS, NFT_SET_TIMEOUT | flags);
	netlink_put_be32(w->out, NFTA_SET_KEY_TYPE, type);
	netlink_put_be32(w->out, NFTA_SET_KEY_LEN, bytes);
	if (timeout_us)
		netlink_put_be64(w->out, NFTA_SET_TIMEOUT, (uint64_t)(timeout_us / WHEN_SECOND) * 1000);
	if (flags & NFT_SET_EVAL) {
		size_t desc = netlink_nest(w->out, NFTA_SET_DESC);
		netlink_put_be32(w->out, NFTA_SET_DESC_SIZE, LEARNT_MAX);
		netlink_nest_end(w->out, desc);
	}
	nft_note_order(w->out, type);
	netlink_end(w->out, at);
}

static void
put_sets(struct nft_writer *w)
{
	for (uint32_t i = 0; i < w->p->nsets; i++) {
		const struct policy_set *s = &w->p->sets[i];
		put_set(w, s->nft, s->kind, s->learns ? NFT_SET_EVAL : 0, s->timeout_us);
	}
}

/* Chains. */

static void
put_chain(struct nft_writer *w, const struct nft_chain *c)
{
	size_t at = nft_begin(w, NFT_MSG_NEWCHAIN, NLM_F_CREATE);

	put_names(w, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, c->name);
	if (c->type) {
		size_t hook = netlink_nest(w->out, NFTA_CHAIN_HOOK);
		netlink_put_be32(w->out, NFTA_HOOK_HOOKNUM, c->hook);
		netlink_put_be32(w->out, NFTA_HOOK_PRIORITY, (uint32_t)c->priority);
		netlink_nest_end(w->out, hook);
		netlink_put_be32(w->out, NFTA_CHAIN_POLICY, c->drops ? NF_DROP : NF_ACCEPT);
		netlink_put_text(w->out, NFTA_CHAIN_TYPE, c->type);
	}
	netlink_end(w->out, at);
	at = nft_begin(w, NFT_MSG_DELRULE, 0);
	put_names(w, NFTA_RULE_TABLE, NFTA_RULE_CHAIN, c->name);
	netlink_end(w->out, at);
}

/* Counters. */

static void
put_counter(struct nft_writer *w, const char *name)
{
	size_t at = nft_begin(w, NFT_MSG_NEWOBJ, NLM_F_CREATE);

	put_names(w, NFTA_OBJ_TABLE, NFTA_OBJ_NAME, name);
	netlink_put_be32(w->out, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	size_t data = netlink_nest(w->out, NFTA_OBJ_DATA);
	netlink_put_be64(w->out, NFTA_COUNTER_BYTES, 0);
	netlink_put_be64(w->out, NFTA_COUNTER_PACKETS, 0);
	netlink_nest_end(w->out, data);
	netlink_end(w->out, at);
}

static void
drop_counter(struct nft_writer *w, struct str name)
{
	char text[32];
	size_t at = nft_begin(w, NFT_MSG_DELOBJ, 0);

	snprintf(text, sizeof(text), "%.*s", STR_FMT(name));
	put_names(w, NFTA_OBJ_TABLE, NFTA_OBJ_NAME, text);
	netlink_put_be32(w->out, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	netlink_end(w->out, at);
}

/* What a rule does. */

static void
do_effects(struct nft_writer *w, const struct policy_rule *r)
{
	struct buf *e = &w->expr;

	if (r->set_mark_mask) {
		expr_meta(e, NFT_META_MARK);
		expr_mask32(e, ~r->set_mark_mask, r->set_mark);
		expr_meta_set(e, NFT_META_MARK);
	}
	if (r->set_ct_mask) {
		expr_ct(e, NFT_CT_MARK, -1);
		expr_mask32(e, ~r->set_ct_mask, r->set_ct);
		expr_ct_set(e, NFT_CT_MARK);
	}
	if (r->add_src != POLICY_NO_SET) {
		struct expr_renew renew = { .set = w->p->sets[r->add_src].nft, .timeout_ms = (uint64_t)(r->add_us / WHEN_SECOND) * 1000 };
		nft_load_address(w, r->family, true);
		expr_renew(e, &renew);
	}
	if (r->clamp)
		expr_clamp(e);
	if (r->untrack && w->cookies)
		expr_plain(e, "notrack");
	else if (r->untrack)
		expr_verdict(e, NF_DROP);
}

static void
do_log(struct nft_writer *w, const struct policy_rule *r)
{
	char prefix[64];

	if (r->log) {
		snprintf(prefix, sizeof(prefix), "g:%016llx %s", (unsigned long long)r->id, r->word);
		expr_log(&w->expr, prefix, POLICY_LOG_GROUP, POLICY_LOG_BYTES);
	}
	if (r->sample)
		expr_log(&w->expr, r->first_packets == POLICY_REPLY ? "r" : "o", POLICY_SAMPLE_GROUP, POLICY_SAMPLE_BYTES);
}

static void
do_translate(struct nft_writer *w, const struct policy_rule *r)
{
	bool v4 = addr_is_v4(&r->to);
	uint32_t bytes = v4 ? 4 : 16;
	uint16_t port = htons(r->to_port);

	expr_value(&w->expr, NFT_REG_1, r->to.b + 16 - bytes, bytes);
	if (port)
		expr_value(&w->expr, NFT_REG_2, &port, sizeof(port));
	expr_nat(&w->expr, r->verdict == POLICY_DNAT_TO ? NFT_NAT_DNAT : NFT_NAT_SNAT, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6, port);
}

static void
do_verdict(struct nft_writer *w, const struct policy_rule *r)
{
	switch (r->verdict) {
	case POLICY_GO_ON:
		break;
	case POLICY_ACCEPT:
		expr_verdict(&w->expr, NF_ACCEPT);
		break;
	case POLICY_DROP:
		expr_verdict(&w->expr, NF_DROP);
		break;
	case POLICY_REJECT:
		if (r->protocol == IPPROTO_TCP)
			expr_reject(&w->expr, NFT_REJECT_TCP_RST, 0);
		else
			expr_reject(&w->expr, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
		break;
	case POLICY_MASQUERADE:
		expr_plain(&w->expr, "masq");
		break;
	case POLICY_SYNPROXY:
		if (w->cookies)
			expr_synproxy(&w->expr, r->segment, r->window_scale);
		else
			expr_verdict(&w->expr, NF_DROP);
		break;
	case POLICY_SNAT_TO:
	case POLICY_DNAT_TO:
		do_translate(w, r);
		break;
	}
}

static void
put_rule(struct nft_writer *w, const char *chain, const struct policy_rule *r)
{
	char counter[18];

	buf_reset(&w->expr);
	w->family_known = false;
	nft_counter_name(r, counter);
	nft_matches(w, r);
	expr_counter(&w->expr, counter);
	do_effects(w, r);
	do_log(w, r);
	do_verdict(w, r);
	size_t at = nft_begin(w, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	put_names(w, NFTA_RULE_TABLE, NFTA_RULE_CHAIN, chain);
	size_t all = netlink_nest(w->out, NFTA_RULE_EXPRESSIONS);
	buf_add(w->out, buf_str(&w->expr));
	netlink_nest_end(w->out, all);
	netlink_end(w->out, at);
	w->out->failed |= !buf_ok(&w->expr);
}

/* One that was killed while it traced left its choices behind. What is not there cannot be removed; so it is made first. */
static void
drop_traces(struct nft_writer *w)
{
	for (size_t i = 0; i < TRACE_CHAINS; i++) {
		struct nft_chain c = { .name = trace_chain(i) };
		put_chain(w, &c);
		size_t at = nft_begin(w, NFT_MSG_DELCHAIN, 0);
		put_names(w, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, c.name);
		netlink_end(w->out, at);
	}
	for (int six = 0; six < 2; six++) {
		put_set(w, trace_set(six), six ? POLICY_SET_NET6 : POLICY_SET_NET4, 0, 0);
		size_t at = nft_begin(w, NFT_MSG_DELSET, six ? NLM_F_ACK : 0);        /* the last of all */
		put_names(w, NFTA_SET_TABLE, NFTA_SET_NAME, trace_set(six));
		netlink_end(w->out, at);
	}
}

int64_t
nft_batch(const struct policy *p, const struct nft_kept *k, uint32_t first, struct buf *out, uint32_t *rule_seq)
{
	struct nft_writer w = { .p = p, .out = out, .expr = BUF_INIT(1 << 20), .seq = first, .cookies = !k || !k->no_synproxy };
	char counter[18];
	size_t at = nft_begin(&w, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	netlink_put_text(out, NFTA_TABLE_NAME, NFT_TABLE);
	netlink_end(out, at);
	put_sets(&w);
	for (int h = 0; h < POLICY_HOOKS; h++)
		put_chain(&w, &nft_chains[h]);
	for (uint32_t i = 0; i < p->nrules; i++) {
		nft_counter_name(&p->rules[i], counter);
		if (!k || !k->counters || !k->counters[i])
			put_counter(&w, counter);
	}
	for (int h = 0; h < POLICY_HOOKS; h++) {
		for (uint32_t i = p->first[h]; i < p->first[h + 1]; i++) {
			put_rule(&w, nft_chains[h].name, &p->rules[i]);
			rule_seq[i] = w.seq - 1;
		}
	}
	for (size_t i = 0; k && i < k->nstale; i++)
		drop_counter(&w, k->stale[i]);
	drop_traces(&w);
	buf_free(&w.expr);
	return buf_ok(out) ? (int64_t)w.seq - 1 : -ENOMEM;
}
