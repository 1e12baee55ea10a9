/* eval_say: a packet's way in words. Must never leave out a rule that had a part in the verdict. */
#include <netinet/in.h>

#include "gate/eval.h"

static void
say_addr(const struct addr *a, uint16_t port, bool with_port, struct buf *out)
{
	char text[46];
	size_t n = addr_show(a, text);
	bool brackets = with_port && !addr_is_v4(a);

	buf_addf(out, "%s%.*s%s", brackets ? "[" : "", (int)n, text, brackets ? "]" : "");
	if (with_port)
		buf_addf(out, ":%u", port);
}

static const struct {
	uint8_t protocol;
	const char *name;
	bool ports;
} protocols[] = {
	{ IPPROTO_TCP, "TCP", true }, { IPPROTO_UDP, "UDP", true }, { IPPROTO_SCTP, "SCTP", true },
	{ IPPROTO_ICMP, "ICMP", false }, { IPPROTO_ICMPV6, "ICMPv6", false }, { IPPROTO_GRE, "GRE", false },
	{ IPPROTO_ESP, "ESP", false },
};

static void
say_packet(const struct eval_packet *p, struct buf *out)
{
	static const struct { unsigned state; const char *name; } states[] = {
		{ POLICY_NEW, "new" }, { POLICY_ESTABLISHED, "established" }, { POLICY_RELATED, "related" },
		{ POLICY_INVALID, "invalid" },
	};
	bool ports = false;
	size_t i = 0;

	while (i < ARRAY_LEN(protocols) && protocols[i].protocol != p->protocol)
		i++;
	if (i < ARRAY_LEN(protocols)) {
		buf_add(out, str_z(protocols[i].name));
		ports = protocols[i].ports;
	} else {
		buf_addf(out, "protocol %u", p->protocol);
	}
	buf_add_byte(out, ' ');
	say_addr(&p->src, p->sport, ports && p->sport, out);
	buf_add(out, STR(" -> "));
	say_addr(&p->dst, p->dport, ports, out);
	if (p->in.n > 0)
		buf_addf(out, ", in by %.*s", STR_FMT(p->in));
	else
		buf_add(out, STR(", sent by this machine"));
	for (i = 0; i < ARRAY_LEN(states); i++) {
		if (states[i].state == p->state)
			buf_addf(out, ", %s", states[i].name);
	}
	buf_add_byte(out, '\n');
}

static void
say_step(const struct policy *p, const struct eval_step *s, struct buf *out)
{
	buf_addf(out, "  %-9s ", policy_hook_name(s->hook));
	policy_say(p, s->rule, out);
	buf_add(out, STR("  <- "));
	policy_say_origin(s->rule, out);
	if (s->rule->why)
		buf_addf(out, ": %s", s->rule->why);
	buf_add_byte(out, '\n');
}

static void
say_passed(const struct eval_packet *packet, const struct eval_way *way, struct buf *out)
{
	if (way->out.n > 0)
		buf_addf(out, "passes, out by %.*s", STR_FMT(way->out));
	else
		buf_add(out, STR("reaches this machine"));
	if (memcmp(&way->dst, &packet->dst, sizeof(way->dst)) != 0 || way->dport != packet->dport) {
		buf_add(out, STR(", towards "));
		say_addr(&way->dst, way->dport, true, out);
	}
	if (way->masqueraded)
		buf_addf(out, ", with the address of %.*s as its source", STR_FMT(way->out));
	else if (memcmp(&way->src, &packet->src, sizeof(way->src)) != 0) {
		buf_add(out, STR(", with the source "));
		say_addr(&way->src, 0, false, out);
	}
	buf_add_byte(out, '\n');
}

void
eval_say(const struct policy *p, const struct eval_packet *packet, const struct eval_way *way, struct buf *out)
{
	say_packet(packet, out);
	for (uint32_t i = 0; i < way->nsteps; i++)
		say_step(p, &way->steps[i], out);
	if (way->no_route) {
		buf_add(out, STR("goes nowhere: no route leads there\n"));
	} else if (way->verdict == POLICY_ACCEPT) {
		say_passed(packet, way, out);
	} else {
		buf_addf(out, "%s in %s", way->verdict == POLICY_DROP ? "is dropped" : "is refused with an answer",
		    policy_hook_name(way->hook));
		if (way->by) {
			buf_add(out, STR(", by "));
			policy_say_origin(way->by, out);
		} else {
			buf_add(out, STR(": no rule speaks of it"));
		}
		buf_add_byte(out, '\n');
	}
}
