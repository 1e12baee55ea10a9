/* service: see service.h. */
#include "gate/service.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define SERVICE_NAMES_MAX 512

struct known_service {
	struct str name, ports;
};

static const struct known_service known[] = {
#define SERVICE(name_, ports_, help_) { STR_INIT(name_), STR_INIT(ports_) },
#include "gate/services.def"
#undef SERVICE
};

struct protocol {
	struct str name;
	uint8_t number;
	bool ports;
	uint16_t max;          /* of ports or types */
};

static const struct protocol protocols[] = {
	{ STR_INIT("tcp"), IPPROTO_TCP, true, 65535 },
	{ STR_INIT("udp"), IPPROTO_UDP, true, 65535 },
	{ STR_INIT("sctp"), IPPROTO_SCTP, true, 65535 },
	{ STR_INIT("icmp"), IPPROTO_ICMP, true, 255 },
	{ STR_INIT("icmp6"), IPPROTO_ICMPV6, true, 255 },
	{ STR_INIT("gre"), IPPROTO_GRE, false, 0 },
	{ STR_INIT("esp"), IPPROTO_ESP, false, 0 },
	{ STR_INIT("ah"), IPPROTO_AH, false, 0 },
	{ STR_INIT("igmp"), IPPROTO_IGMP, false, 0 },
	{ STR_INIT("ipip"), IPPROTO_IPIP, false, 0 },
	{ STR_INIT("ipv6-in-ip"), IPPROTO_IPV6, false, 0 },
	{ STR_INIT("ospf"), 89, false, 0 },
	{ STR_INIT("vrrp"), 112, false, 0 },
	{ STR_INIT("l2tp-ip"), 115, false, 0 },
};

int
service_range(struct str s, struct policy_range *ret)
{
	size_t dash = str_find_byte(s, '-');
	uint64_t from, to;

	if (text_u64(str_head(s, dash), &from) < 0 || from > 65535)
		return -EINVAL;
	to = from;
	if (dash < s.n && (text_u64(str_from(s, dash + 1), &to) < 0 || to > 65535 || to < from))
		return -EINVAL;
	*ret = (struct policy_range){ .from = (uint16_t)from, .to = (uint16_t)to };
	return 0;
}

static int
add_part(struct service_parts *parts, uint8_t protocol, struct policy_range range)
{
	if (parts->n == SERVICE_PARTS_MAX)
		return -E2BIG;
	parts->v[parts->n++] = (struct service_part){ .protocol = protocol, .range = range };
	return 0;
}

/* "tcp/80", "gre": -ENOENT when it begins with no protocol. */
static int
add_protocol(struct str word, struct service_parts *parts)
{
	struct policy_range range = { .from = 0, .to = 65535 };
	size_t slash = str_find_byte(word, '/');

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		const struct protocol *p = &protocols[i];
		if (!str_eq(p->name, str_head(word, slash)))
			continue;
		if (slash < word.n && (!p->ports ||
		    service_range(str_from(word, slash + 1), &range) < 0 || range.to > p->max))
			return -EINVAL;
		return add_part(parts, p->number, range);
	}
	return -ENOENT;
}

static int add_word(const struct conf_gate *g, struct str word, struct service_parts *parts,
    unsigned depth);

static int
add_known(struct str ports, struct service_parts *parts, unsigned depth)
{
	static const struct conf_gate none;
	struct str one;
	int r = 0;

	while (r == 0 && str_split(&ports, ',', &one))
		r = add_word(&none, one, parts, depth + 1);
	return r;
}

/* The operator's own words come first: who says what http is, means it. */
static int
add_word(const struct conf_gate *g, struct str word, struct service_parts *parts, unsigned depth)
{
	int r = 0;

	if (depth > SERVICE_DEPTH_MAX)
		return -ELOOP;
	for (uint32_t i = 0; i < g->nservices; i++) {
		if (!str_eq(g->services[i].name, word))
			continue;
		for (uint32_t k = 0; r == 0 && k < g->services[i].ports.n; k++)
			r = add_word(g, g->services[i].ports.v[k], parts, depth + 1);
		return r;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(known[i].name, word))
			return add_known(known[i].ports, parts, depth);
	return add_protocol(word, parts);
}

int
service_add(const struct conf_gate *g, struct str word, struct service_parts *parts)
{
	return add_word(g, word, parts, 0);
}

struct str
service_nearest(const struct conf_gate *g, struct str word)
{
	struct str names[SERVICE_NAMES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		names[n++] = known[i].name;
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		names[n++] = protocols[i].name;
	for (uint32_t i = 0; i < g->nservices && n < SERVICE_NAMES_MAX; i++)
		names[n++] = g->services[i].name;
	return text_nearest(word, names, n);
}

const char *
service_protocol_name(int protocol, char dst[8])
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (protocols[i].number == protocol)
			return protocols[i].name.p;
	snprintf(dst, 8, "%d", protocol & 0xff);
	return dst;
}

/* Daemons whose name is not that of their service, as their log lines call them. */
static const struct {
	struct str program;
	const char *service;
} daemons[] = {
	{ STR_INIT("sshd"), "ssh" }, { STR_INIT("dropbear"), "ssh" },
	{ STR_INIT("postfix"), "mail" }, { STR_INIT("exim"), "mail" },
	{ STR_INIT("sendmail"), "mail" }, { STR_INIT("dovecot"), "mail" },
	{ STR_INIT("nginx"), "https" }, { STR_INIT("apache2"), "https" },
	{ STR_INIT("httpd"), "https" }, { STR_INIT("vsftpd"), "ftp" },
	{ STR_INIT("proftpd"), "ftp" }, { STR_INIT("pure-ftpd"), "ftp" },
	{ STR_INIT("named"), "dns" }, { STR_INIT("unbound"), "dns" },
	{ STR_INIT("dnsmasq"), "dns" }, { STR_INIT("smbd"), "netbios" },
	{ STR_INIT("mysqld"), "mysql" }, { STR_INIT("mariadbd"), "mysql" },
	{ STR_INIT("postgres"), "postgresql" }, { STR_INIT("xl2tpd"), "l2tp" },
	{ STR_INIT("snmpd"), "snmp" }, { STR_INIT("ntpd"), "ntp" },
};

const char *
service_of_program(struct str program)
{
	for (size_t i = 0; i < ARRAY_LEN(daemons); i++)
		if (str_eq(daemons[i].program, program))
			return daemons[i].service;
	return NULL;
}
