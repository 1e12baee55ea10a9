/* say: rules in words, as commands show them. */
#include <netinet/in.h>

#include "base/when.h"
#include "gate/policy/policy.h"
#include "gate/service.h"

static void
say_part(struct buf *out, const char *lead)
{
	buf_add(out, out->n ? STR(", ") : STR(""));
	buf_add(out, str_z(lead));
}

static void
say_strs(struct buf *out, const char *lead, struct conf_strs l)
{
	if (l.n == 0)
		return;
	say_part(out, lead);
	for (uint32_t i = 0; i < l.n; i++) {
		buf_add_byte(out, i ? ',' : ' ');
		buf_add(out, l.v[i]);
	}
}

static void
say_cidrs(struct buf *out, const char *lead, struct conf_cidrs l)
{
	char text[46];

	if (l.n == 0)
		return;
	say_part(out, lead);
	for (uint32_t i = 0; i < l.n; i++) {
		bool v4 = addr_is_v4(&l.v[i].net);
		buf_add_byte(out, i ? ',' : ' ');
		buf_add(out, str_of(text, addr_show(&l.v[i].net, text)));
		if (l.v[i].bits == 128)
			continue;
		buf_add_byte(out, '/');
		buf_add_u64(out, v4 ? l.v[i].bits - 96u : l.v[i].bits);
	}
}

static void
say_ranges(struct buf *out, struct policy_ranges l)
{
	for (uint32_t i = 0; i < l.n; i++) {
		buf_add_byte(out, i ? ',' : ' ');
		buf_add_u64(out, l.v[i].from);
		if (l.v[i].to == l.v[i].from)
			continue;
		buf_add_byte(out, '-');
		buf_add_u64(out, l.v[i].to);
	}
}

static void
say_protocol(struct buf *out, const struct policy_rule *r)
{
	char name[8];

	if (r->protocol != POLICY_ANY_PROTOCOL) {
		say_part(out, service_protocol_name(r->protocol, name));
		say_ranges(out, r->dports);
		say_ranges(out, r->icmp);
	} else if (r->family && !r->src.n && !r->dst.n) {
		say_part(out, r->family == 6 ? "IPv6" : "IPv4");
	}
	if (r->sports.n) {
		say_part(out, "from port");
		say_ranges(out, r->sports);
	}
}

static void
say_states(struct buf *out, unsigned states)
{
	static const char *const names[] = { "new", "established", "related", "invalid", "untracked" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (states & (1u << i))
			say_part(out, names[i]);
}

static void
say_mark(struct buf *out, const struct policy *p, const char *lead, uint32_t mark)
{
	if (mark & (POLICY_SYN_SOURCE | POLICY_SYN_TOTAL)) {
		say_part(out, lead);
		buf_add(out, STR(" too many"));
		return;
	}
	say_part(out, lead);
	if (mark >= 1 && mark <= p->nmarks)
		buf_addf(out, " %.*s", STR_FMT(p->marks[mark - 1]));
}

static void
say_special(struct buf *out, const struct policy *p, const struct policy_rule *r)
{
	static const struct { size_t offset; const char *text; } flags[] = {
		{ offsetof(struct policy_rule, loopback), "by lo" },
		{ offsetof(struct policy_rule, broadcast), "to a broadcast address" },
		{ offsetof(struct policy_rule, spoofed), "from where no way leads back" },
		{ offsetof(struct policy_rule, translated), "was forwarded" },
		{ offsetof(struct policy_rule, to_here), "to this machine" },
		{ offsetof(struct policy_rule, for_others), "in the name of others" },
		{ offsetof(struct policy_rule, syn), "beginning" },
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (*(const bool *)((const char *)r + flags[i].offset))
			say_part(out, flags[i].text);
	if (r->in_set != POLICY_NO_SET)
		say_part(out, "while open");
	if (r->src_set != POLICY_NO_SET) {
		say_part(out, r->src_set < POLICY_OWN_SETS ? "sender " : "sender in ");
		buf_add(out, p->sets[r->src_set].name);
	}
	if (r->dst_set != POLICY_NO_SET) {
		say_part(out, r->dst_set < POLICY_OWN_SETS ? "to one " : "to one in ");
		buf_add(out, p->sets[r->dst_set].name);
	}
	if (r->mark_mask)
		say_mark(out, p, "marked", r->mark);
	if (r->ct_mask)
		say_part(out, r->ct_mark ? "marked p2p" : "not marked p2p");
	if (r->payload)
		say_part(out, r->payload->name);
	if (r->first_packets)
		say_part(out, r->first_packets == POLICY_REPLY ? "first answers" : "first packets");
	if (r->rate) {
		char span[64];
		say_part(out, r->over ? "more than" : "at most");
		buf_addf(out, " %lld per %s", (long long)r->rate,
		    text_show_duration(r->rate_per_us, span, sizeof(span)));
		if (r->meter != POLICY_NO_SET)
			buf_add(out, STR(" of each"));
	}
}

static void
say_effects(struct buf *out, const struct policy *p, const struct policy_rule *r)
{
	char text[46];

	buf_add(out, out->n ? STR(": ") : STR(""));
	buf_add(out, str_z(policy_verdict_name(r->verdict)));
	if (r->verdict == POLICY_SNAT_TO || r->verdict == POLICY_DNAT_TO) {
		buf_addf(out, " %.*s", (int)addr_show(&r->to, text), text);
		if (r->to_port)
			buf_addf(out, " port %u", r->to_port);
	}
	if (r->set_mark_mask)
		say_mark(out, p, "mark", r->set_mark);
	if (r->set_ct_mask)
		say_part(out, r->set_ct == POLICY_P2P_MARK ? "mark p2p" : "note as told");
	if (r->add_src != POLICY_NO_SET) {
		say_part(out, "remember in ");
		buf_add(out, p->sets[r->add_src].name);
	}
	if (r->clamp)
		say_part(out, "clamp segments");
	if (r->untrack)
		say_part(out, "without a connection");
	if (r->log)
		say_part(out, "log");
	if (r->sample)
		say_part(out, "look at");
}

void
policy_say(const struct policy *p, const struct policy_rule *r, struct buf *out)
{
	struct buf b = BUF_INIT(1 << 20);

	say_strs(&b, "in", r->in);
	say_strs(&b, "out", r->out);
	say_cidrs(&b, "from", r->src);
	say_cidrs(&b, "to", r->dst);
	say_protocol(&b, r);
	say_states(&b, r->states);
	say_special(&b, p, r);
	say_effects(&b, p, r);
	buf_add(out, buf_str(&b));
	buf_free(&b);
}

void
policy_say_origin(const struct policy_rule *r, struct buf *out)
{
	if (r->where.line)
		buf_addf(out, "%.*s:%u ", STR_FMT(r->file), r->where.line);
	else
		buf_add(out, STR("built in "));
	buf_addf(out, "(%s%s%.*s)", r->word, r->name.n ? " " : "", STR_FMT(r->name));
}
