/* packet: see packet.h. Must never read behind what is there. */
#include "wire/packet.h"

#include <errno.h>
#include <netinet/in.h>

#include "base/cur.h"

#define EXTENSIONS_MAX 8

static bool
take_ipv4(struct cur *c, struct packet *p)
{
	uint8_t version = cur_u8(c);

	p->tos = cur_u8(c);
	p->length = cur_u16(c);
	p->id = cur_u16(c);
	uint16_t fragment = cur_u16(c);
	p->ttl = cur_u8(c);
	p->protocol = cur_u8(c);
	(void)cur_u16(c);
	p->src.b[10] = p->src.b[11] = p->dst.b[10] = p->dst.b[11] = 0xff;
	struct str src = cur_bytes(c, 4), dst = cur_bytes(c, 4);
	if (!cur_ok(c) || (version & 0xf) < 5)
		return false;
	memcpy(p->src.b + 12, src.p, 4);
	memcpy(p->dst.b + 12, dst.p, 4);
	p->dont_fragment = fragment & 0x4000;
	p->fragment = fragment & 0x1fff;
	(void)cur_bytes(c, ((version & 0xfu) - 5u) * 4);
	return true;
}

/* RFC 8200 section 4: hop-by-hop, routing, destination options, fragment. */
static void
skip_extensions(struct cur *c, struct packet *p)
{
	for (int i = 0; i < EXTENSIONS_MAX && cur_ok(c); i++) {
		bool plain = p->protocol == IPPROTO_HOPOPTS || p->protocol == IPPROTO_ROUTING ||
		    p->protocol == IPPROTO_DSTOPTS;
		if (!plain && p->protocol != IPPROTO_FRAGMENT)
			return;
		uint8_t next = cur_u8(c), length = cur_u8(c);
		if (plain) {
			(void)cur_bytes(c, 6 + length * 8u);
		} else {
			p->fragment = cur_u16(c) & 0xfff8;
			(void)cur_u32(c);
		}
		p->protocol = next;
	}
}

static bool
take_ipv6(struct cur *c, struct packet *p)
{
	uint32_t head = cur_u32(c);

	p->tos = (uint8_t)(head >> 20);
	p->length = cur_u16(c);
	p->protocol = cur_u8(c);
	p->ttl = cur_u8(c);
	struct str src = cur_bytes(c, 16), dst = cur_bytes(c, 16);
	if (!cur_ok(c))
		return false;
	memcpy(p->src.b, src.p, 16);
	memcpy(p->dst.b, dst.p, 16);
	skip_extensions(c, p);
	return true;
}

static void
take_tcp(struct cur *c, struct packet *p)
{
	uint16_t sport = cur_u16(c), dport = cur_u16(c);

	if (!cur_ok(c))
		return;
	p->sport = sport;
	p->dport = dport;
	p->has_ports = true;
	(void)cur_bytes(c, 8);
	uint8_t offset = cur_u8(c) >> 4;
	p->flags = cur_u8(c) & 0x3f;
	p->window = cur_u16(c);
	(void)cur_u32(c);
	(void)cur_bytes(c, offset > 5 ? (offset - 5u) * 4 : 0);
}

static void
take_transport(struct cur *c, struct packet *p)
{
	if (p->fragment)
		return;
	if (p->protocol == IPPROTO_TCP) {
		take_tcp(c, p);
	} else if (p->protocol == IPPROTO_UDP || p->protocol == IPPROTO_SCTP) {
		p->sport = cur_u16(c);
		p->dport = cur_u16(c);
		p->has_ports = cur_ok(c);
		(void)cur_u32(c);
	} else if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6) {
		p->type = cur_u8(c);
		p->code = cur_u8(c);
		p->has_type = cur_ok(c);
		return;
	}
	if (p->has_ports && cur_ok(c))
		p->payload = str_of((const char *)c->p, c->n);
}

int
packet_parse(struct str bytes, struct packet *ret)
{
	struct cur c = cur_of(bytes);
	struct packet p = { .family = bytes.n ? (uint8_t)bytes.p[0] >> 4 : 0 };

	if ((p.family != 4 || !take_ipv4(&c, &p)) && (p.family != 6 || !take_ipv6(&c, &p)))
		return -EBADMSG;
	take_transport(&c, &p);
	*ret = p;
	return 0;
}

static void
say_protocol(const struct packet *p, struct buf *out)
{
	static const struct { uint8_t number; const char *name; } names[] = {
		{ IPPROTO_TCP, "TCP" }, { IPPROTO_UDP, "UDP" }, { IPPROTO_ICMP, "ICMP" },
		{ IPPROTO_ICMPV6, "ICMPv6" }, { IPPROTO_ESP, "ESP" }, { IPPROTO_AH, "AH" },
		{ IPPROTO_SCTP, "SCTP" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].number != p->protocol)
			continue;
		buf_addf(out, "PROTO=%s", names[i].name);
		return;
	}
	buf_addf(out, "PROTO=%u", p->protocol);
}

static void
say_flags(const struct packet *p, struct buf *out)
{
	static const struct { uint8_t bit; const char *name; } names[] = {
		{ PACKET_URG, "URG " }, { PACKET_ACK, "ACK " }, { PACKET_PSH, "PSH " },
		{ PACKET_RST, "RST " }, { PACKET_SYN, "SYN " }, { PACKET_FIN, "FIN " },
	};

	buf_addf(out, " WINDOW=%u RES=0x00 ", p->window);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (p->flags & names[i].bit)
			buf_addf(out, "%s", names[i].name);
	buf_add(out, STR("URGP=0"));
}

void
packet_say(const struct packet *p, struct buf *out)
{
	char src[46], dst[46];

	buf_addf(out, "SRC=%.*s DST=%.*s LEN=%u ", (int)addr_show(&p->src, src), src,
	    (int)addr_show(&p->dst, dst), dst, p->family == 4 ? p->length : p->length + 40u);
	if (p->family == 4)
		buf_addf(out, "TOS=0x%02X PREC=0x%02X TTL=%u ID=%u %s", p->tos & 0x1e, p->tos & 0xe0,
		    p->ttl, p->id, p->dont_fragment ? "DF " : "");
	else
		buf_addf(out, "TC=%u HOPLIMIT=%u FLOWLBL=0 ", p->tos, p->ttl);
	if (p->fragment)
		buf_add(out, STR("FRAG "));
	say_protocol(p, out);
	if (p->has_ports)
		buf_addf(out, " SPT=%u DPT=%u", p->sport, p->dport);
	if (p->has_type)
		buf_addf(out, " TYPE=%u CODE=%u", p->type, p->code);
	if (p->has_ports && p->protocol == IPPROTO_TCP)
		say_flags(p, out);
}
