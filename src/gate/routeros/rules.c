/*
 * rules: filter and mangle of an export. A rule with one condition that has no word here is not converted
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

static bool
is_member(const struct conversion *c, struct str list, struct str interface)
{
	for (uint32_t i = 0; i < c->r->n; i++) {
		const struct routeros_statement *m = &c->r->v[i];

		if (routeros_is(m, "/interface list member", "add") && str_eq(routeros_get(m, "list"), list) &&
		    str_eq(routeros_get(m, "interface"), interface))
			return true;
	}
	return false;
}

/* "!LAN": every other interface that the export speaks of. From any else nothing is let in here anyway, so it may only refuse. */
static const char *
take_not_in_list(struct conversion *c, const struct routeros_statement *s, struct str list, struct buf *out)
{
	struct str action = routeros_get(s, "action");
	bool first = true;

	if (!str_eq(action, STR("drop")) && !str_eq(action, STR("reject")))
		return "conditions turned round have no word here";
	buf_add(out, STR("in"));
	for (uint32_t i = 0; i < c->ninterfaces; i++) {
		if (is_member(c, list, c->interfaces[i].theirs))
			continue;
		add_between(out, &first);
		buf_add(out, str_z(c->interfaces[i].name));
	}
	buf_add(out, STR("; "));
	return first ? "every interface that the export speaks of is in that list" : NULL;
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

const char *
ros_services(const struct routeros_statement *s, struct buf *out)
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
	why = ros_services(s, out);
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

		if (str_eq(s->pairs[i].key, STR("in-interface-list")) && str_starts(s->pairs[i].value, STR("!"))) {
			why = take_not_in_list(c, s, str_from(s->pairs[i].value, 1), out);
			if (why)
				return why;
			continue;
		}
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

/* Whether another rule of its chain comes behind it. */
static bool
is_last(const struct conversion *c, const struct routeros_statement *s)
{
	for (const struct routeros_statement *next = s + 1; next < c->r->v + c->r->n; next++) {
		if (routeros_is(next, "/ip firewall filter", "add") &&
		    str_eq(routeros_get(next, "chain"), routeros_get(s, "chain")) && !ros_yes(routeros_get(next, "disabled")))
			return false;
	}
	return true;
}

/* Why a rule says nothing that is not so here without being said; NULL: it does say something. */
static const char *
needless(const struct conversion *c, const struct routeros_statement *s)
{
	struct str action = routeros_get(s, "action"), policy = routeros_get(s, "ipsec-policy");

	if (str_eq(action, STR("fasttrack-connection")))
		return "a short cut of that hardware";
	if (str_eq(action, STR("accept")) && (str_eq(policy, STR("in,ipsec")) || str_eq(policy, STR("out,ipsec"))))
		return "no networks are joined by IPsec alone here; what comes by L2TP has an interface";
	if (str_eq(action, STR("drop")) && str_eq(routeros_get(s, "chain"), STR("forward")) &&
	    str_eq(routeros_get(s, "connection-nat-state"), STR("!dstnat")) && is_last(c, s))
		return "what is not led inside by `forward` is refused without being said";
	return NULL;
}

static void
filter(struct conversion *c, struct routeros_statement *s)
{
	struct buf rule = BUF_INIT(1u << 16);
	const char *why = needless(c, s);

	if (why) {
		ros_fate(s, ROUTEROS_NEEDLESS, why);
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
		return "only packets that arrive can be marked; ways by marks, for several providers at once, have no word here";
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
			ros_nat(c, s);
		else if (routeros_is(s, "/ip firewall mangle", "add"))
			mangle(c, s);
	}
}

/* Refuses whatever comes to it. */
static bool
ends_chain(const struct routeros_statement *s, const char *chain)
{
	struct str action = routeros_get(s, "action");

	if (!routeros_is(s, "/ip firewall filter", "add") || !str_eq(routeros_get(s, "chain"), str_z(chain)) ||
	    ros_yes(routeros_get(s, "disabled")) || (!str_eq(action, STR("drop")) && !str_eq(action, STR("reject"))))
		return false;
	for (uint32_t i = 0; i < s->npairs; i++) {
		static const char *const no_condition[] = { "chain", "action", "comment", "log", "log-prefix", "reject-with", "disabled" };
		bool found = false;

		for (size_t k = 0; k < ARRAY_LEN(no_condition); k++)
			found |= str_eq(s->pairs[i].key, str_z(no_condition[k]));
		if (!found)
			return false;
	}
	return true;
}

void
ros_write_open_ends(const struct conversion *c, struct buf *out)
{
	static const char *const chains[] = { "input", "forward" };
	struct buf inner = BUF_INIT(1u << 16);
	bool first = true, told = false;

	for (uint32_t i = 0; i < c->ninterfaces; i++) {
		const struct ros_interface *f = &c->interfaces[i];

		if (f->wan || f->off || f->addresses.n == 0)
			continue;
		add_between(&inner, &first);
		buf_add(&inner, str_z(f->name));
	}
	for (size_t k = 0; k < ARRAY_LEN(chains) && !first; k++) {
		bool ended = false;

		for (uint32_t i = 0; i < c->r->n; i++)
			ended |= ends_chain(&c->r->v[i], chains[k]);
		if (ended)
			continue;
		if (!told)
			buf_add(out, STR("\n# There, what no rule speaks of is let pass. To keep that for what comes from inside, take the # away:\n"));
		told = true;
		buf_addf(out, "#rule %s allow { in%.*s; }\n", chains[k], STR_FMT(buf_str(&inner)));
	}
	buf_free(&inner);
}
