/*
 * rules: filter, NAT and mangle of an export. A rule with one condition that has no word here is not converted
 * at all: without it, it would mean something else. Order is kept.
 */
#include <errno.h>

#include "gate/routeros/in.h"

/* Lists of words between commas. */

static bool
only_digits_and_dashes(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '-' && s.p[i] != ',')
			return false;
	}
	return s.n > 0;
}

static void
add_between(struct buf *out, bool *first)
{
	buf_add(out, *first ? STR(" ") : STR(", "));
	*first = false;
}

/* Conditions: each writes its word, or says why there is none. */

typedef const char *take_fn(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out);

static const char *
take_net(struct str value, const char *word, struct buf *out)
{
	struct cidr net;

	if (ros_network(value, &net) < 0)
		return "ranges of addresses have no word here; write networks";
	buf_addf(out, "%s ", word);
	ros_add_cidr(&net, out);
	buf_add(out, STR("; "));
	return NULL;
}

static const char *
take_src(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	return take_net(value, "from", out);
}

static const char *
take_dst(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	return take_net(value, "to", out);
}

static const char *
take_interface(struct conversion *c, struct str value, const char *word, struct buf *out)
{
	const struct ros_interface *f = ros_interface(c, value);

	if (!f)
		return "it names no interface, or there are too many";
	buf_addf(out, "%s %s; ", word, f->name);
	return NULL;
}

static const char *
take_in(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	return take_interface(c, value, "in", out);
}

static const char *
take_out(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	return take_interface(c, value, "out", out);
}

static const char *
take_members(struct conversion *c, struct str list, const char *word, struct buf *out)
{
	bool first = true;
	size_t before = out->n;

	buf_addf(out, "%s", word);
	for (uint32_t i = 0; i < c->r->n; i++) {
		const struct routeros_statement *m = &c->r->v[i];
		const struct ros_interface *f;

		if (!routeros_is(m, "/interface list member", "add") || !str_eq(routeros_get(m, "list"), list))
			continue;
		f = ros_interface(c, routeros_get(m, "interface"));
		if (!f)
			return "it names no interface, or there are too many";
		add_between(out, &first);
		buf_add(out, str_z(f->name));
	}
	if (first) {
		out->n = before;
		return "that list of interfaces has no members in the export";
	}
	buf_add(out, STR("; "));
	return NULL;
}

static const char *
take_in_list(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	return take_members(c, value, "in", out);
}

static const char *
take_out_list(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	return take_members(c, value, "out", out);
}

static struct str
protocol_name(struct str theirs)
{
	static const struct { struct str theirs, ours; } names[] = {
		{ STR_INIT("tcp"), STR_INIT("tcp") }, { STR_INIT("6"), STR_INIT("tcp") },
		{ STR_INIT("udp"), STR_INIT("udp") }, { STR_INIT("17"), STR_INIT("udp") },
		{ STR_INIT("icmp"), STR_INIT("icmp") }, { STR_INIT("1"), STR_INIT("icmp") },
		{ STR_INIT("gre"), STR_INIT("gre") }, { STR_INIT("47"), STR_INIT("gre") },
		{ STR_INIT("ipsec-esp"), STR_INIT("esp") }, { STR_INIT("50"), STR_INIT("esp") },
		{ STR_INIT("ipsec-ah"), STR_INIT("ah") }, { STR_INIT("51"), STR_INIT("ah") },
		{ STR_INIT("sctp"), STR_INIT("sctp") }, { STR_INIT("icmpv6"), STR_INIT("icmp6") },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_eq(theirs, names[i].theirs))
			return names[i].ours;
	}
	return STR_NULL;
}

static const char *
add_services(const struct routeros_statement *s, struct buf *out)
{
	struct str protocol = protocol_name(routeros_get(s, "protocol")), ports = routeros_get(s, "dst-port"), port;
	struct str icmp = routeros_get(s, "icmp-options");
	bool first = true;

	if (protocol.n == 0)
		return "that protocol has no name here";
	if (icmp.n > 0) {
		ports = str_head(icmp, str_find_byte(icmp, ':'));
		if (!str_ends(icmp, STR(":0")) && !str_ends(icmp, STR(":0-255")) && ports.n < icmp.n)
			return "codes of ICMP have no word here";
	}
	if (ports.n > 0 && !only_digits_and_dashes(ports))
		return "those ports cannot be read";
	if (ports.n == 0)
		buf_addf(out, " %.*s", STR_FMT(protocol));
	while (str_split(&ports, ',', &port)) {
		add_between(out, &first);
		buf_addf(out, "%.*s/%.*s", STR_FMT(protocol), STR_FMT(port));
	}
	return NULL;
}

/* Protocol, ports and ICMP types are one word here. */
static const char *
take_protocol(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	const char *why;

	buf_add(out, STR("service"));
	why = add_services(s, out);
	buf_add(out, STR("; "));
	return why;
}

static const char *
take_with_protocol(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	return routeros_get(s, "protocol").n > 0 ? NULL : "ports without a protocol";
}

static const char *
take_source_port(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	struct str port;
	bool first = true;

	if (!only_digits_and_dashes(value))
		return "those ports cannot be read";
	buf_add(out, STR("source-port"));
	while (str_split(&value, ',', &port)) {
		add_between(out, &first);
		buf_add(out, port);
	}
	buf_add(out, STR("; "));
	return NULL;
}

static const char *
take_state(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	static const struct { struct str theirs; const char *ours; } states[] = {
		{ STR_INIT("established,related"), "established" }, { STR_INIT("related,established"), "established" },
		{ STR_INIT("established,related,untracked"), "established" }, { STR_INIT("new"), "new" },
		{ STR_INIT("invalid"), "invalid" },
		/* Answers and what belongs to them are one thing here; of the pair, each rule gives the half. */
		{ STR_INIT("established"), "established" }, { STR_INIT("related"), "established" },
	};

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (str_eq(value, states[i].theirs)) {
			buf_addf(out, "state %s; ", states[i].ours);
			return NULL;
		}
	}
	return "that mixture of states has no word here";
}

static const char *
take_list(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	buf_add(out, STR("source-list "));
	ros_name(value, out);
	buf_add(out, STR("; "));
	return NULL;
}

/* "10,5:packet", "10/1m,5", "10/1s,5:packet": so many in a time, and a burst, which here is the same number. */
static const char *
take_limit(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	static const struct { struct str theirs; const char *ours; } spans[] = {
		{ STR_INIT("1s"), "1s" }, { STR_INIT("1m"), "1m" }, { STR_INIT("1h"), "1h" }, { STR_INIT("1d"), "1d" },
	};
	struct str rate = str_head(value, str_find_byte(value, ','));
	struct str count = str_head(rate, str_find_byte(rate, '/')), span = str_from(rate, count.n + 1);
	uint64_t n;

	if (text_u64(count, &n) < 0 || n == 0)
		return "that limit cannot be read";
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		if (span.n == 0 || str_eq(span, spans[i].theirs)) {
			buf_addf(out, "limit %llu per %s; ", (unsigned long long)n, spans[i].ours);
			return NULL;
		}
	}
	return "limits are per 1s, 1m, 1h or 1d here";
}

static const char *
take_packet_mark(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	buf_add(out, STR("mark "));
	ros_name(value, out);
	buf_add(out, STR("; "));
	return NULL;
}

static const char *
take_comment(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	buf_add(out, STR("comment "));
	ros_word(value, out);
	buf_add(out, STR("; "));
	return NULL;
}

static const char *
take_log(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	if (ros_yes(value))
		buf_add(out, STR("log; "));
	return NULL;
}

static const char *
take_disabled(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	if (ros_yes(value))
		buf_add(out, STR("disabled; "));
	return NULL;
}

static const char *
take_nothing(struct conversion *c, const struct routeros_statement *s, struct str value, struct buf *out)
{
	return NULL;
}

static const struct {
	const char *key;
	take_fn *take;
} conditions[] = {
	{ "src-address", take_src }, { "dst-address", take_dst }, { "in-interface", take_in },
	{ "out-interface", take_out }, { "in-interface-list", take_in_list }, { "out-interface-list", take_out_list },
	{ "protocol", take_protocol }, { "dst-port", take_with_protocol }, { "icmp-options", take_with_protocol },
	{ "src-port", take_source_port }, { "connection-state", take_state }, { "src-address-list", take_list },
	{ "limit", take_limit }, { "packet-mark", take_packet_mark }, { "comment", take_comment }, { "log", take_log },
	{ "disabled", take_disabled },
	/* Said elsewhere in the rule, or of no consequence: a record names its rule without a prefix. */
	{ "chain", take_nothing }, { "action", take_nothing }, { "log-prefix", take_nothing },
	{ "reject-with", take_nothing }, { "address-list", take_nothing }, { "address-list-timeout", take_nothing },
	{ "new-packet-mark", take_nothing }, { "passthrough", take_nothing },
};

static const char *
take_conditions(struct conversion *c, const struct routeros_statement *s, struct buf *out)
{
	for (uint32_t i = 0; i < s->npairs; i++) {
		const char *why = "it has a condition that has no word here";

		if (str_starts(s->pairs[i].value, STR("!")))
			return "conditions turned round have no word here";
		for (size_t k = 0; k < ARRAY_LEN(conditions); k++) {
			if (str_eq(s->pairs[i].key, str_z(conditions[k].key)))
				why = conditions[k].take(c, s, s->pairs[i].value, out);
		}
		if (why)
			return why;
	}
	return NULL;
}

/* Filter. */

static const char *
remember(const struct routeros_statement *s, struct buf *out)
{
	struct str timeout = routeros_get(s, "address-list-timeout");
	int64_t us;

	buf_add(out, STR("remember "));
	ros_name(routeros_get(s, "address-list"), out);
	if (timeout.n > 0 && text_duration(timeout, &us) == 0 && us > 0)
		buf_addf(out, " for %.*s", STR_FMT(timeout));
	buf_add(out, STR("; "));
	return NULL;
}

static const struct {
	const char *theirs, *ours, *more;
} actions[] = {
	{ "accept", "allow", "" }, { "drop", "deny", "" }, { "reject", "reject", "" }, { "log", "count", "log; " },
	{ "passthrough", "count", "" }, { "add-src-to-address-list", "count", NULL },
};

static bool
is_chain(struct str chain)
{
	return str_eq(chain, STR("input")) || str_eq(chain, STR("forward")) || str_eq(chain, STR("output"));
}

static const char *
add_rule(struct conversion *c, const struct routeros_statement *s, struct buf *out)
{
	struct str action = routeros_get(s, "action"), chain = routeros_get(s, "chain");
	const char *why = NULL;
	size_t i = 0;

	action = action.n ? action : STR("accept");
	while (i < ARRAY_LEN(actions) && !str_eq(action, str_z(actions[i].theirs)))
		i++;
	if (i == ARRAY_LEN(actions))
		return "that action has no word here";
	if (!is_chain(chain))
		return "chains of one's own are not known here";
	buf_addf(out, "rule %.*s %s { ", STR_FMT(chain), actions[i].ours);
	if (!actions[i].more)
		why = remember(s, out);
	else
		buf_add(out, str_z(actions[i].more));
	if (!why)
		why = take_conditions(c, s, out);
	buf_add(out, STR("}\n"));
	return why;
}

static void
filter(struct conversion *c, struct routeros_statement *s)
{
	struct buf rule = BUF_INIT(1u << 16);
	const char *why;

	if (str_eq(routeros_get(s, "action"), STR("fasttrack-connection"))) {
		ros_fate(s, ROUTEROS_NEEDLESS, "a short cut of that hardware");
	} else if (c->p2p && str_eq(routeros_get(s, "packet-mark"), c->p2p_mark)) {
		ros_fate(s, ROUTEROS_CONVERTED, NULL);
	} else {
		why = add_rule(c, s, &rule);
		if (why)
			ros_fate(s, ROUTEROS_NOT, why);
		else
			buf_add(&c->rules, buf_str(&rule));
		if (!why)
			ros_fate(s, ROUTEROS_CONVERTED, NULL);
	}
	buf_free(&rule);
}

/* NAT. */

static const char *
masquerade(struct conversion *c, const struct routeros_statement *s, struct buf *out, struct buf *more)
{
	struct str src = routeros_get(s, "src-address"), dst = routeros_get(s, "dst-address");
	struct str by = routeros_get(s, "out-interface"), as = routeros_get(s, "to-addresses");
	struct str list = routeros_get(s, "out-interface-list");
	const struct ros_interface *f = by.n > 0 ? ros_interface(c, by) : NULL;
	struct addr address;
	struct cidr net;

	buf_add(out, STR("masquerade "));
	if (src.n > 0 && ros_network(src, &net) < 0)
		return "ranges of addresses have no word here; write networks";
	if (src.n > 0)
		ros_add_cidr(&net, out);
	else
		buf_add(out, STR("any"));
	buf_add(out, STR(" to "));
	if (dst.n > 0 && ros_network(dst, &net) < 0)
		return "ranges of addresses have no word here; write networks";
	if (dst.n > 0)
		ros_add_cidr(&net, out);
	else if (f)
		ros_zone(f, out);
	else if (str_eq(list, STR("WAN")))
		buf_add(out, STR("internet"));
	else
		return "it does not say where to";
	if (as.n > 0 && addr_parse(as, &address) < 0)
		return "only one address can be the new source";
	if (as.n > 0)
		buf_addf(more, "as %.*s; ", STR_FMT(as));
	return NULL;
}

static const char *
forward(struct conversion *c, const struct routeros_statement *s, struct buf *out)
{
	struct str to = routeros_get(s, "to-addresses"), port = routeros_get(s, "to-ports");
	struct str by = routeros_get(s, "in-interface");
	struct ros_interface *f = by.n > 0 ? ros_interface(c, by) : NULL;
	const char *why;
	struct addr a;
	uint64_t n;

	if (addr_parse(to, &a) < 0 || (port.n > 0 && text_u64(port, &n) < 0))
		return "only one address and one port can be led to";
	if (routeros_get(s, "dst-port").n == 0)
		return "only ports can be led elsewhere";
	buf_add(out, STR("forward"));
	why = add_services(s, out);
	buf_add(out, STR(" from "));
	if (f)
		ros_zone(f, out);
	else
		buf_add(out, STR("internet"));
	buf_addf(out, " to %.*s", STR_FMT(to));
	if (port.n > 0)
		buf_addf(out, " port %.*s", STR_FMT(port));
	return why;
}

/* Everything that a NAT rule may say beside its kind. */
static bool
nat_words_known(const struct routeros_statement *s)
{
	static const char *const known[] = { "chain", "action", "src-address", "dst-address", "in-interface", "out-interface",
		"out-interface-list", "to-addresses", "to-ports", "protocol", "dst-port", "comment", "disabled", "log",
		"log-prefix" };

	for (uint32_t i = 0; i < s->npairs; i++) {
		bool good = false;

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			good |= str_eq(s->pairs[i].key, str_z(known[k]));
		if (!good || str_starts(s->pairs[i].value, STR("!")))
			return false;
	}
	return true;
}

static const char *
add_nat(struct conversion *c, const struct routeros_statement *s, struct buf *out, struct buf *more)
{
	struct str action = routeros_get(s, "action");
	const char *why;

	if (!nat_words_known(s))
		return "it has a condition that has no word here";
	if (str_eq(action, STR("masquerade")) || str_eq(action, STR("src-nat")))
		why = routeros_get(s, "protocol").n ? "only whole hosts and networks can be hidden" :
						      masquerade(c, s, out, more);
	else if (str_eq(action, STR("dst-nat")) || str_eq(action, STR("netmap")))
		why = forward(c, s, out);
	else
		why = "that action has no word here";
	if (why)
		return why;
	(void)take_disabled(c, s, routeros_get(s, "disabled"), more);
	if (routeros_get(s, "comment").n > 0)
		(void)take_comment(c, s, routeros_get(s, "comment"), more);
	if (more->n > 0)
		buf_addf(out, " { %.*s}\n", STR_FMT(buf_str(more)));
	else
		buf_add(out, STR(";\n"));
	return NULL;
}

static void
nat(struct conversion *c, struct routeros_statement *s)
{
	struct buf rule = BUF_INIT(1u << 16), more = BUF_INIT(1u << 16);
	const char *why = add_nat(c, s, &rule, &more);

	if (!why)
		buf_add(&c->rules, buf_str(&rule));
	ros_fate(s, why ? ROUTEROS_NOT : ROUTEROS_CONVERTED, why);
	buf_free(&rule);
	buf_free(&more);
}

/* Mangle. */

static bool
marks_p2p(const struct routeros_statement *s)
{
	return routeros_is(s, "/ip firewall mangle", "add") && routeros_get(s, "p2p").n > 0 &&
	    str_starts(routeros_get(s, "action"), STR("mark-"));
}

void
ros_find_p2p(struct conversion *c)
{
	for (uint32_t i = 0; i < c->r->n; i++) {
		const struct routeros_statement *s = &c->r->v[i];

		if (marks_p2p(s) && !ros_yes(routeros_get(s, "disabled"))) {
			c->p2p = true;
			c->p2p_mark = routeros_get(s, "new-packet-mark");
		}
	}
	for (uint32_t i = 0; i < c->r->n && c->p2p; i++) {
		const struct routeros_statement *s = &c->r->v[i];

		if (routeros_is(s, "/ip firewall filter", "add") && str_eq(routeros_get(s, "packet-mark"), c->p2p_mark) &&
		    str_eq(routeros_get(s, "action"), STR("drop")))
			c->p2p_dropped = true;
	}
}

static const char *
add_mark(struct conversion *c, const struct routeros_statement *s, struct buf *out)
{
	const char *why;

	if (!str_eq(routeros_get(s, "action"), STR("mark-packet")) || !str_eq(routeros_get(s, "chain"), STR("prerouting")))
		return "only packets that arrive can be marked";
	buf_add(out, STR("rule prerouting count { set-mark "));
	ros_name(routeros_get(s, "new-packet-mark"), out);
	buf_add(out, STR("; "));
	why = take_conditions(c, s, out);
	buf_add(out, STR("}\n"));
	return why;
}

static void
mangle(struct conversion *c, struct routeros_statement *s)
{
	struct buf rule = BUF_INIT(1u << 16);
	const char *why;

	if (marks_p2p(s)) {
		ros_fate(s, ROUTEROS_CONVERTED, NULL);
	} else if (str_eq(routeros_get(s, "action"), STR("change-mss"))) {
		ros_fate(s, ROUTEROS_NEEDLESS, "segments are always clamped to what fits the way");
	} else {
		why = add_mark(c, s, &rule);
		if (!why)
			buf_add(&c->rules, buf_str(&rule));
		ros_fate(s, why ? ROUTEROS_NOT : ROUTEROS_CONVERTED, why);
	}
	buf_free(&rule);
}

void
ros_rules(struct conversion *c)
{
	if (c->p2p)
		buf_addf(&c->rules, "p2p %s;\n", c->p2p_dropped ? "block" : "mark");
	for (uint32_t i = 0; i < c->r->n; i++) {
		struct routeros_statement *s = &c->r->v[i];

		if (s->fate != ROUTEROS_OPEN)
			continue;
		if (routeros_is(s, "/ip firewall filter", "add"))
			filter(c, s);
		else if (routeros_is(s, "/ip firewall nat", "add"))
			nat(c, s);
		else if (routeros_is(s, "/ip firewall mangle", "add"))
			mangle(c, s);
	}
}
