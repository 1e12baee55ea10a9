/*
 * convert: the sections of an export that are no rules, and the configuration as a whole. Must never carry a
 * password over: those do not belong into a configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/routeros/in.h"

#define REMARK_MAX 180                 /* bytes; our own limit is 200 */

/* Words. */

void
ros_fate(struct routeros_statement *s, enum routeros_fate fate, const char *why)
{
	s->fate = fate;
	s->why = why;
}

bool
ros_yes(struct str s)
{
	return str_eq(s, STR("yes")) || str_eq(s, STR("true"));
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Remarks are often in the code of the terminal that they were typed at. */
static void
add_latin1(uint8_t c, struct buf *out)
{
	if (c < 0xa0) {
		buf_add_byte(out, '?');
		return;
	}
	buf_add_byte(out, (char)(0xc0 | c >> 6));
	buf_add_byte(out, (char)(0x80 | (c & 0x3f)));
}

void
ros_word(struct str s, struct buf *out)
{
	size_t before = out->n;
	bool plain = s.n > 0 && s.n < REMARK_MAX;

	for (size_t i = 0; i < s.n; i++)
		plain &= is_plain(s.p[i]);
	if (plain) {
		buf_add(out, s);
		return;
	}
	buf_add_byte(out, '"');
	for (size_t n; s.n > 0 && out->n - before < REMARK_MAX; s = str_from(s, n)) {
		uint8_t c = (uint8_t)s.p[0];

		n = utf8_len(s) ? utf8_len(s) : 1;
		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			buf_addf(out, "\\x%02x", c);
		else if (utf8_len(s))
			buf_add(out, str_head(s, n));
		else
			add_latin1(c, out);
	}
	buf_add_byte(out, '"');
}

void
ros_name(struct str s, struct buf *out)
{
	if (s.n == 0)
		buf_add_byte(out, '-');
	for (size_t i = 0; i < s.n; i++)
		buf_add_byte(out, is_plain(s.p[i]) ? s.p[i] : '-');
}

static void
mask(struct cidr *c)
{
	for (unsigned bit = c->bits; bit < 128; bit++)
		c->net.b[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
}

int
ros_network(struct str s, struct cidr *ret)
{
	size_t slash = str_find_byte(s, '/');
	struct cidr c = { .bits = 128 };
	uint64_t bits;

	if (addr_parse(str_head(s, slash), &c.net) < 0)
		return -EINVAL;
	if (slash < s.n) {
		bool v4 = addr_is_v4(&c.net);

		if (text_u64(str_from(s, slash + 1), &bits) < 0 || bits > (v4 ? 32 : 128))
			return -EINVAL;
		c.bits = (uint8_t)(bits + (v4 ? 96 : 0));
	}
	mask(&c);
	*ret = c;
	return 0;
}

void
ros_add_cidr(const struct cidr *c, struct buf *out)
{
	bool v4 = addr_is_v4(&c->net);
	char text[46];

	buf_add(out, str_of(text, addr_show(&c->net, text)));
	if (c->bits != 128)
		buf_addf(out, "/%u", v4 ? c->bits - 96u : c->bits);
}

/* Interfaces. */

static bool
name_taken(const struct conversion *c, const char *name)
{
	static const char *const reserved[] = { "gateway", "any", "lo", "vpn", "internet" };

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
		if (strcmp(name, reserved[i]) == 0)
			return true;
	}
	for (uint32_t i = 0; i < c->ninterfaces; i++) {
		if (strcmp(c->interfaces[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Names there may be long and hold blanks; the kernel here takes fifteen plain letters. */
static void
choose_name(const struct conversion *c, struct str theirs, char dst[16])
{
	size_t n = 0;

	for (size_t i = 0; i < theirs.n && n < 15; i++) {
		char ch = is_plain(theirs.p[i]) ? theirs.p[i] : '-';

		if (ch != '-' || n > 0)
			dst[n++] = ch;
	}
	if (n == 0)
		dst[n++] = 'x';
	dst[n] = '\0';
	for (unsigned k = 2; name_taken(c, dst); k++)
		snprintf(dst + (n < 11 ? n : 11), 5, "-%u", k % 1000);
}

struct ros_interface *
ros_interface(struct conversion *c, struct str theirs)
{
	struct ros_interface *f;

	for (uint32_t i = 0; i < c->ninterfaces; i++) {
		if (str_eq(c->interfaces[i].theirs, theirs))
			return &c->interfaces[i];
	}
	if (theirs.n == 0 || c->ninterfaces == ROUTEROS_INTERFACES_MAX)
		return NULL;
	f = &c->interfaces[c->ninterfaces];
	*f = (struct ros_interface){ .theirs = theirs, .addresses = BUF_INIT(65536), .gateways = BUF_INIT(4096),
		.networks = BUF_INIT(65536), .tunnel = BUF_INIT(4096) };
	if (str_eq(theirs, STR("all-ppp")))
		memcpy(f->name, "ppp*", 5);
	else
		choose_name(c, theirs, f->name);
	c->ninterfaces++;
	return f;
}

void
ros_zone(const struct ros_interface *f, struct buf *out)
{
	if (f->branch)
		ros_name(f->peer, out);
	else
		buf_add(out, f->wan ? STR("internet") : str_z(f->name));
}

/* What is known of each section, in the order in which sections need each other. */

typedef void section_fn(struct conversion *c, struct routeros_statement *s);

static void
identity(struct conversion *c, struct routeros_statement *s)
{
	buf_add(&c->head, STR("site "));
	ros_name(routeros_get(s, "name"), &c->head);
	buf_add(&c->head, STR(";\n"));
	ros_fate(s, ROUTEROS_CONVERTED, NULL);
}

static void
clock_zone(struct conversion *c, struct routeros_statement *s)
{
	struct str zone = routeros_get(s, "time-zone-name");

	if (zone.n == 0 || str_eq(zone, STR("manual"))) {
		ros_fate(s, ROUTEROS_NOT, "only zones with a name can be taken over");
		return;
	}
	buf_add(&c->head, STR("timezone "));
	ros_word(zone, &c->head);
	buf_add(&c->head, STR(";\n"));
	ros_fate(s, ROUTEROS_CONVERTED, NULL);
}

/* set [ find default-name=ether1 ] name=wan: from now on only its new name is used. */
static void
ethernet(struct conversion *c, struct routeros_statement *s)
{
	struct str name = routeros_get(s, "name");
	struct ros_interface *f;
	size_t eq = str_find_byte(s->find, '=');

	if (name.n == 0)
		name = str_from(s->find, eq + 1);
	f = name.n > 0 ? ros_interface(c, name) : NULL;
	if (!f) {
		ros_fate(s, ROUTEROS_NOT, "it does not say which interface");
		return;
	}
	f->off = ros_yes(routeros_get(s, "disabled"));
	ros_fate(s, ROUTEROS_CONVERTED, NULL);
}

static void
tunnel_interface(struct conversion *c, struct routeros_statement *s)
{
	struct str peer = routeros_get(s, "user"), name = routeros_get(s, "name");
	struct ros_interface *f = name.n > 0 ? ros_interface(c, name) : NULL;
	bool client = str_eq(s->menu, STR("/interface l2tp-client"));

	if (!f) {
		ros_fate(s, ROUTEROS_NOT, "it has no name");
		return;
	}
	f->peer = peer.n > 0 && !client ? peer : name;
	/* The client's own part is written with the VPN. */
	ros_fate(s, client ? ROUTEROS_OPEN : ROUTEROS_CONVERTED, NULL);
}

/* A secret with addresses is a site: interfaces are named after the user when no binding does it. */
static void
secret(struct conversion *c, struct routeros_statement *s)
{
	struct str name = routeros_get(s, "name"), remote = routeros_get(s, "remote-address");
	struct str local = routeros_get(s, "local-address");
	struct ros_interface *f = NULL;
	struct addr a;

	for (uint32_t i = 0; i < c->ninterfaces && !f; i++) {
		if (name.n > 0 && str_eq(c->interfaces[i].peer, name))
			f = &c->interfaces[i];
	}
	if (!f && name.n > 0 && addr_parse(remote, &a) == 0) {
		f = ros_interface(c, name);
		if (f)
			f->peer = name;
	}
	if (!f || addr_parse(remote, &a) < 0)
		return;
	f->remote = a;
	if (addr_parse(local, &a) == 0)
		buf_addf(&f->tunnel, "%.*s, ", STR_FMT(local));
	buf_add(&f->tunnel, remote);
}

static void
address(struct conversion *c, struct routeros_statement *s)
{
	struct str a = routeros_get(s, "address");
	struct ros_interface *f = ros_interface(c, routeros_get(s, "interface"));
	struct cidr net;

	if (!f || ros_network(a, &net) < 0 || ros_yes(routeros_get(s, "disabled"))) {
		ros_fate(s, ROUTEROS_NOT, f ? "it is disabled, or no address" : "it names no interface, or there are too many");
		return;
	}
	buf_addf(&f->addresses, "%s%.*s%s", f->addresses.n ? ", " : "", STR_FMT(a), str_find_byte(a, '/') < a.n ? "" : "/32");
	ros_fate(s, ROUTEROS_CONVERTED, NULL);
}

static void
dhcp_client(struct conversion *c, struct routeros_statement *s)
{
	struct ros_interface *f = ros_interface(c, routeros_get(s, "interface"));

	if (f)
		f->wan = true;
	ros_fate(s, ROUTEROS_NOT, "ask for the address with the system's own DHCP client");
}

static void
list_member(struct conversion *c, struct routeros_statement *s)
{
	struct ros_interface *f = ros_interface(c, routeros_get(s, "interface"));

	if (f && str_eq(routeros_get(s, "list"), STR("WAN")))
		f->wan = true;
	ros_fate(s, f ? ROUTEROS_CONVERTED : ROUTEROS_NOT, f ? NULL : "it names no interface, or there are too many");
}

/* The interface on whose network a router is, or that leads to a tunnel's other end. */
static struct ros_interface *
interface_of(struct conversion *c, const struct addr *router)
{
	for (uint32_t i = 0; i < c->ninterfaces; i++) {
		struct ros_interface *f = &c->interfaces[i];
		struct str rest = buf_str(&f->addresses), one;
		struct cidr net;

		if (f->peer.n > 0 && memcmp(&f->remote, router, sizeof(*router)) == 0)
			return f;
		while (str_split(&rest, ',', &one)) {
			if (ros_network(str_trim(one), &net) == 0 && cidr_has(&net, router))
				return f;
		}
	}
	return NULL;
}

static void
plain_route(struct conversion *c, struct routeros_statement *s, const struct cidr *to, struct str gateway,
    const struct ros_interface *through)
{
	struct str distance = routeros_get(s, "distance");
	uint64_t metric;

	buf_add(&c->routes, STR("route "));
	ros_add_cidr(to, &c->routes);
	if (through)
		buf_addf(&c->routes, " through %s", through->name);
	else
		buf_addf(&c->routes, " via %.*s", STR_FMT(gateway));
	if (text_u64(distance, &metric) == 0 && metric > 1)
		buf_addf(&c->routes, " { metric %llu; }", (unsigned long long)metric);
	else
		buf_add_byte(&c->routes, ';');
	buf_add_byte(&c->routes, '\n');
	ros_fate(s, ROUTEROS_CONVERTED, NULL);
}

static void
route(struct conversion *c, struct routeros_statement *s)
{
	struct str dst = routeros_get(s, "dst-address"), gateway = routeros_get(s, "gateway");
	bool by_address, all;
	struct ros_interface *f;
	struct addr router;
	struct cidr to;

	if (ros_network(dst.n ? dst : STR("0.0.0.0/0"), &to) < 0 || gateway.n == 0 || str_find_byte(gateway, ',') < gateway.n ||
	    str_find_byte(gateway, '%') < gateway.n || ros_yes(routeros_get(s, "disabled")) ||
	    routeros_get(s, "routing-mark").n > 0 || routeros_get(s, "type").n > 0) {
		ros_fate(s, ROUTEROS_NOT, "disabled, of several gateways, of a table or type of its own");
		return;
	}
	by_address = addr_parse(gateway, &router) == 0;
	f = by_address ? interface_of(c, &router) : ros_interface(c, gateway);
	all = to.bits == (addr_is_v4(&to.net) ? 96 : 0);
	if (f && all)
		f->wan = true;
	if (f && f->peer.n > 0 && !all) {
		buf_add(&f->networks, f->networks.n ? STR(", ") : STR(""));
		ros_add_cidr(&to, &f->networks);
		f->branch = true;
		ros_fate(s, ROUTEROS_CONVERTED, NULL);
	} else if (f && all && by_address && f->gateways.n == 0) {
		buf_addf(&f->gateways, "gateway%s %.*s; ", addr_is_v4(&router) ? "" : "6", STR_FMT(gateway));
		ros_fate(s, ROUTEROS_CONVERTED, NULL);
	} else {
		plain_route(c, s, &to, gateway, by_address ? NULL : f);
	}
}

static void
list_names(struct conversion *c, struct routeros_statement *s)
{
	struct str list = routeros_get(s, "list"), other;
	struct cidr net;
	bool first = true;

	if (ros_network(routeros_get(s, "address"), &net) < 0 || ros_yes(routeros_get(s, "disabled"))) {
		ros_fate(s, ROUTEROS_NOT, "it is disabled, or neither an address nor a network");
		return;
	}
	buf_add(&c->lists, STR("list "));
	ros_name(list, &c->lists);
	buf_add(&c->lists, STR(" { always"));
	/* All members of a list in one statement, where the first of them stands. */
	for (uint32_t i = 0; i < c->r->n; i++) {
		struct routeros_statement *m = &c->r->v[i];

		other = routeros_get(m, "list");
		if (!routeros_is(m, "/ip firewall address-list", "add") || !str_eq(other, list) || m->fate != ROUTEROS_OPEN ||
		    ros_network(routeros_get(m, "address"), &net) < 0 || ros_yes(routeros_get(m, "disabled")))
			continue;
		buf_add(&c->lists, first ? STR(" ") : STR(", "));
		ros_add_cidr(&net, &c->lists);
		first = false;
		ros_fate(m, ROUTEROS_CONVERTED, NULL);
	}
	buf_add(&c->lists, STR("; }\n"));
}

static void
service_port(struct conversion *c, struct routeros_statement *s)
{
	ros_fate(s, ROUTEROS_NEEDLESS, "what may reach this machine is said by rules");
}

static void
clock_servers(struct conversion *c, struct routeros_statement *s)
{
	ros_fate(s, ROUTEROS_NOT, "the clock is chrony's: name the servers in chrony.conf");
}

static void
not_served(struct conversion *c, struct routeros_statement *s)
{
	ros_fate(s, ROUTEROS_NOT, "Guarita does not serve this yet; keep the server you have, or set one up beside it");
}

/* What is left when all was tried: by the menu, or by a menu above it. */
static const struct {
	const char *menu, *why;
} not_here[] = {
	{ "/ipv6 firewall", "rules here speak of IPv6 as well as of IPv4; say with IPv6 networks in `from` and `to` what shall differ" },
	{ "/interface pppoe-client", "the system dials it (pppd); Guarita takes its interface by name" },
	{ "/interface wireless", "the system makes it (hostapd); Guarita takes its interface by name" },
	{ "/interface wifi", "the system makes it (hostapd); Guarita takes its interface by name" },
	{ "/caps-man", "access points are not managed here; keep the controller that you have" },
	{ "/ip hotspot", "there is no hotspot here; the rules around it are converted" },
	{ "/queue", "nothing is slowed down here but file sharing and floods" },
	{ "/interface list", "a list of interfaces is the zone that they are in" },
	{ "/interface", "the system makes it (netplan, ifupdown, systemd-networkd); Guarita takes its interface by name" },
	{ "/system scheduler", "the system's cron or its timers do that" },
	{ "/system logging", "where logs go is said by `relay` and the vault" },
	{ "/tool netwatch", "whether a proxy lives is looked at by `fallback`, nothing else is" },
	{ "/snmp", "the system's snmpd does that; allow the service to it" },
	{ "/radius", "said in `l2tp server`, where the VPN asks one" },
	{ "/user", "who may log in is the system's business" },
};

static const char *
why_not_here(struct str menu)
{
	for (size_t i = 0; i < ARRAY_LEN(not_here); i++) {
		if (str_starts(menu, str_z(not_here[i].menu)))
			return not_here[i].why;
	}
	return NULL;
}

static const struct {
	const char *menu;
	section_fn *take;
} sections[] = {
	{ "/system identity", identity }, { "/system clock", clock_zone }, { "/system ntp client", clock_servers },
	{ "/system ntp client servers", clock_servers }, { "/interface ethernet", ethernet },
	{ "/interface l2tp-server", tunnel_interface }, { "/interface l2tp-client", tunnel_interface },
	{ "/ppp secret", secret }, { "/ip address", address }, { "/ipv6 address", address },
	{ "/ip dhcp-client", dhcp_client }, { "/interface list member", list_member }, { "/ip route", route },
	{ "/ipv6 route", route }, { "/ip firewall address-list", list_names }, { "/ip service", service_port },
	{ "/ip pool", not_served }, { "/ip dhcp-server", not_served }, { "/ip dhcp-server network", not_served },
	{ "/ip dhcp-server lease", not_served }, { "/ip dns", not_served }, { "/ip dns static", not_served },
};

static void
take_sections(struct conversion *c)
{
	for (size_t k = 0; k < ARRAY_LEN(sections); k++) {
		for (uint32_t i = 0; i < c->r->n; i++) {
			struct routeros_statement *s = &c->r->v[i];

			if (s->fate == ROUTEROS_OPEN && str_eq(s->menu, str_z(sections[k].menu)) &&
			    (str_eq(s->verb, STR("add")) || str_eq(s->verb, STR("set"))))
				sections[k].take(c, s);
		}
	}
}

/* Lists that rules fill or ask for, and that no statement names, must exist. */
static void
name_other_lists(struct conversion *c)
{
	static const char *const keys[] = { "src-address-list", "address-list" };

	for (uint32_t i = 0; i < c->r->n; i++) {
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			struct str list = routeros_get(&c->r->v[i], keys[k]);
			struct buf line = BUF_INIT(4096);

			buf_add(&line, STR("list "));
			ros_name(list, &line);
			buf_add_byte(&line, ' ');
			if (list.n > 0 && str_find(buf_str(&c->lists), buf_str(&line)) == c->lists.n) {
				buf_add(&c->lists, buf_str(&line));
				buf_add(&c->lists, STR("{ }\n"));
			}
			buf_free(&line);
		}
	}
}

static struct routeros_counts
count(const struct routeros *r)
{
	struct routeros_counts n = { .not_converted = r->skipped };

	for (uint32_t i = 0; i < r->n; i++) {
		n.converted += r->v[i].fate == ROUTEROS_CONVERTED;
		n.needless += r->v[i].fate == ROUTEROS_NEEDLESS;
		n.not_converted += r->v[i].fate == ROUTEROS_NOT;
	}
	return n;
}

static void
finish(struct conversion *c)
{
	for (uint32_t i = 0; i < c->ninterfaces; i++) {
		struct ros_interface *f = &c->interfaces[i];

		buf_free(&f->addresses);
		buf_free(&f->gateways);
		buf_free(&f->networks);
		buf_free(&f->tunnel);
	}
	buf_free(&c->head);
	buf_free(&c->routes);
	buf_free(&c->lists);
	buf_free(&c->rules);
	free(c);
}

int
routeros_convert(struct arena *a, struct routeros *r, struct buf *out, struct routeros_counts *ret)
{
	struct conversion *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	*c = (struct conversion){ .arena = a, .r = r, .head = BUF_INIT(65536), .routes = BUF_INIT(ROUTEROS_TEXT_MAX),
		.lists = BUF_INIT(ROUTEROS_TEXT_MAX), .rules = BUF_INIT(4 * ROUTEROS_TEXT_MAX) };
	take_sections(c);
	name_other_lists(c);
	ros_find_p2p(c);
	ros_rules(c);
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->v[i].fate == ROUTEROS_OPEN)
			ros_fate(&r->v[i], ROUTEROS_NOT, why_not_here(r->v[i].menu));
	}
	ros_write(c, out);
	rc = c->full || !buf_ok(out) ? -ENOMEM : 0;
	finish(c);
	if (rc == 0)
		*ret = count(r);
	return rc;
}
