/*
 * nat: masquerade, source and destination NAT of an export. Must never open a port to more senders than it was open to
 * there: a condition that has no word here leaves the whole rule to be looked at.
 */
#include "gate/routeros/in.h"

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

/* The interface that has this address, when it has no other: ports are led from all addresses of where they come from. */
static struct ros_interface *
only_address(struct conversion *c, struct str address)
{
	struct ros_interface *f = NULL;
	uint32_t outside = 0;

	for (uint32_t i = 0; i < c->r->n; i++) {
		const struct routeros_statement *s = &c->r->v[i];
		struct str at = routeros_get(s, "address");
		struct ros_interface *on = routeros_is(s, "/ip address", "add") ? ros_interface(c, routeros_get(s, "interface")) : NULL;

		outside += on && on->wan;
		if (on && str_eq(str_head(at, str_find_byte(at, '/')), address))
			f = on;
	}
	return f && f->wan && outside == 1 ? f : NULL;
}

/* Where what is led inside may come from: networks, else an interface. */
static const char *
forward_from(struct conversion *c, const struct routeros_statement *s, struct buf *out)
{
	struct str by = routeros_get(s, "in-interface"), list = routeros_get(s, "in-interface-list");
	struct str src = routeros_get(s, "src-address"), dst = routeros_get(s, "dst-address");
	struct ros_interface *f = by.n > 0 ? ros_interface(c, by) : NULL;
	struct cidr net;

	if (dst.n > 0 && !only_address(c, dst))
		return "ports are led from every address of a zone here, and it names one of several";
	if (list.n > 0 && !str_eq(list, STR("WAN")))
		return "ports are led from a zone here, and that list is none";
	if (src.n > 0 && ros_network(src, &net) < 0)
		return "ranges of addresses have no word here; write networks";
	buf_add(out, STR(" from "));
	if (src.n > 0)
		ros_add_cidr(&net, out);
	else if (f)
		ros_zone(f, out);
	else
		buf_add(out, STR("internet"));
	return NULL;
}

static const char *
forward(struct conversion *c, const struct routeros_statement *s, struct buf *out)
{
	struct str to = routeros_get(s, "to-addresses"), port = routeros_get(s, "to-ports");
	const char *why;
	struct addr a;
	uint64_t n;

	if (addr_parse(to, &a) < 0 || (port.n > 0 && text_u64(port, &n) < 0))
		return "only one address and one port can be led to";
	if (routeros_get(s, "dst-port").n == 0)
		return "only ports can be led elsewhere";
	buf_add(out, STR("forward"));
	why = ros_services(s, out);
	if (!why)
		why = forward_from(c, s, out);
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
		"in-interface-list", "out-interface-list", "to-addresses", "to-ports", "protocol", "dst-port", "comment", "disabled", "log",
		"log-prefix" };

	for (uint32_t i = 0; i < s->npairs; i++) {
		bool good = false;

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			good |= str_eq(s->pairs[i].key, str_z(known[k]));
		/* Not what IPsec takes away: nothing is, as no networks are joined by it alone. */
		good |= str_eq(s->pairs[i].key, STR("ipsec-policy")) && str_eq(s->pairs[i].value, STR("out,none"));
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
		why = routeros_get(s, "protocol").n || routeros_get(s, "in-interface").n || routeros_get(s, "in-interface-list").n ?
		    "only whole hosts and networks can be hidden" : masquerade(c, s, out, more);
	else if (str_eq(action, STR("dst-nat")) || str_eq(action, STR("netmap")))
		why = forward(c, s, out);
	else
		why = "that action has no word here";
	if (why)
		return why;
	if (ros_yes(routeros_get(s, "disabled")))
		buf_add(more, STR("disabled; "));
	if (routeros_get(s, "comment").n > 0) {
		buf_add(more, STR("comment "));
		ros_word(routeros_get(s, "comment"), more);
		buf_add(more, STR("; "));
	}
	if (more->n > 0)
		buf_addf(out, " { %.*s}\n", STR_FMT(buf_str(more)));
	else
		buf_add(out, STR(";\n"));
	return NULL;
}

void
ros_nat(struct conversion *c, struct routeros_statement *s)
{
	struct buf rule = BUF_INIT(1u << 16), more = BUF_INIT(1u << 16);
	const char *why = add_nat(c, s, &rule, &more);

	if (!why)
		buf_add(&c->rules, buf_str(&rule));
	ros_fate(s, why ? ROUTEROS_NOT : ROUTEROS_CONVERTED, why);
	buf_free(&rule);
	buf_free(&more);
}
