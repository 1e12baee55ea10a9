/* trace: see trace.h. Must never choose without a bound in time and rate. */
#include "gate/trace.h"

#include "gate/nft/text.h"

#define SET "trace"

static const struct {
	const char *name, *hook;
	int priority;
	bool tracked;                  /* behind connection tracking: answers are known by their connection */
} chains[] = {
	{ TRACE_CHAIN "_in", "prerouting", -350, false },
	{ TRACE_CHAIN "_out", "output", -350, false },
	{ TRACE_CHAIN "_ct", "prerouting", -199, true },
};

_Static_assert(ARRAY_LEN(chains) == TRACE_CHAINS, "each chain is taken away");

const char *
trace_chain(size_t i)
{
	return chains[i].name;
}

const char *
trace_set(bool six)
{
	return six ? SET "6" : SET "4";
}

void
trace_text_end(struct buf *out)
{
	/* What is not there cannot be removed; so it is made first. */
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		buf_addf(out, "add chain inet " NFT_TABLE " %s\nflush chain inet " NFT_TABLE " %s\n"
		    "delete chain inet " NFT_TABLE " %s\n", chains[i].name, chains[i].name, chains[i].name);
	for (int six = 0; six < 2; six++)
		buf_addf(out, "add set inet " NFT_TABLE " " SET "%c { type ipv%c_addr; flags interval,timeout; }\n"
		    "delete set inet " NFT_TABLE " " SET "%c\n", six ? '6' : '4', six ? '6' : '4', six ? '6' : '4');
}

static void
add_net(const struct cidr *c, struct buf *out)
{
	char text[46];
	bool v4 = addr_is_v4(&c->net);

	buf_addf(out, "%.*s/%u", (int)addr_show(&c->net, text), text, v4 ? c->bits - 96u : c->bits);
}

/* One choice: the sender by the set, the other end by its address; `ct` before each where the connection is asked. */
static void
add_choice(const struct trace_ask *a, const char *chain, bool tracked, bool reply, struct buf *out)
{
	bool v4 = addr_is_v4(&a->src.net), swap = reply && !tracked;
	const char *lead = tracked ? "ct original " : "", *ip = v4 ? "ip" : "ip6";

	buf_addf(out, "add rule inet " NFT_TABLE " %s %s%s%s %s @" SET "%c ", chain, tracked ? "ct direction reply " : "",
	    lead, ip, swap ? "daddr" : "saddr", v4 ? '4' : '6');
	if (a->has_dst) {
		buf_addf(out, "%s%s %s ", lead, ip, swap ? "saddr" : "daddr");
		add_net(&a->dst, out);
		buf_add_byte(out, ' ');
	}
	if (a->protocol != TRACE_ANY_PROTOCOL)
		buf_addf(out, "meta l4proto %d ", a->protocol);
	if (a->port && tracked)
		buf_addf(out, "ct original proto-dst %u ", a->port);
	else if (a->port)
		buf_addf(out, "th %s %u ", swap ? "sport" : "dport", a->port);
	buf_addf(out, "limit rate %d/second burst %d packets meta nftrace set 1\n", TRACE_RATE, TRACE_RATE);
}

void
trace_text(const struct trace_ask *a, struct buf *out)
{
	char family = addr_is_v4(&a->src.net) ? '4' : '6';

	trace_text_end(out);
	buf_addf(out, "add set inet " NFT_TABLE " " SET "%c { type ipv%c_addr; flags interval,timeout; }\n", family, family);
	buf_addf(out, "add element inet " NFT_TABLE " " SET "%c { ", family);
	add_net(&a->src, out);
	buf_addf(out, " timeout %llds }\n", (long long)a->seconds);
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		buf_addf(out, "add chain inet " NFT_TABLE " %s { type filter hook %s priority %d; policy accept; }\n",
		    chains[i].name, chains[i].hook, chains[i].priority);
		if (!chains[i].tracked)
			add_choice(a, chains[i].name, false, false, out);
		add_choice(a, chains[i].name, chains[i].tracked, true, out);
	}
}
