/* inform: reads one question and writes one answer. Must never hand out an address, nor answer for another's. */
#include "gate/l2tp/inform.h"

#include "gate/l2tp/offload.h"

#define COOKIE 0x63825363
#define PROTO_UDP 17
#define CHADDR_AND_NAMES (16 + 64 + 128)

enum { OPTION_PAD = 0, OPTION_DNS = 6, OPTION_TYPE = 53, OPTION_SERVER = 54, OPTION_ROUTES = 121, OPTION_MS_ROUTES = 249,
	OPTION_END = 255 };
enum { INFORM = 8, ACK = 5 };

struct question {
	uint8_t htype, hlen;
	uint32_t xid;
	struct str chaddr;
};

static bool
is_inform(struct cur c)
{
	while (cur_ok(&c) && c.n > 0) {
		uint8_t code = cur_u8(&c);
		if (code == OPTION_PAD)
			continue;
		if (code == OPTION_END)
			break;
		struct str value = cur_bytes(&c, cur_u8(&c));
		if (code == OPTION_TYPE)
			return cur_ok(&c) && value.n == 1 && value.p[0] == INFORM;
	}
	return false;
}

/* IPv4 without fragments, UDP from port 68 to 67, and the head of BOOTP. */
static bool
read_question(struct str packet, uint32_t client, struct question *ret)
{
	struct cur c = cur_of(packet);
	uint8_t head = cur_u8(&c);

	cur_bytes(&c, 5);
	uint16_t fragment = cur_u16(&c);
	cur_u8(&c);
	uint8_t protocol = cur_u8(&c);
	cur_u16(&c);
	uint32_t source = cur_u32(&c);
	cur_u32(&c);
	cur_bytes(&c, head >> 4 == 4 && (head & 15) >= 5 ? 4u * (head & 15) - 20 : 0);
	if (head >> 4 != 4 || (head & 15) < 5 || protocol != PROTO_UDP || (fragment & 0x3fff) || source != client)
		return false;
	uint16_t from = cur_u16(&c), to = cur_u16(&c);
	if (from != 68 || to != 67)
		return false;
	cur_u32(&c);
	uint8_t op = cur_u8(&c);
	ret->htype = cur_u8(&c);
	ret->hlen = cur_u8(&c);
	cur_u8(&c);
	ret->xid = cur_u32(&c);
	cur_u32(&c);
	uint32_t ciaddr = cur_u32(&c);
	cur_bytes(&c, 12);
	ret->chaddr = cur_bytes(&c, 16);
	cur_bytes(&c, CHADDR_AND_NAMES - 16);
	return cur_u32(&c) == COOKIE && cur_ok(&c) && op == 1 && ciaddr == client && is_inform(c);
}

/* RFC 3442: the length of the prefix, its bytes that count, the router. */
static void
put_routes(struct enc *e, uint8_t code, const struct inform *what)
{
	uint8_t room[255];
	struct enc v = enc_of(room, sizeof(room));

	for (uint32_t i = 0; i < what->nnets; i++) {
		const struct vpn_net *n = &what->nets[i];
		if (v.n + 9 > sizeof(room))
			break;
		enc_u8(&v, n->bits);
		for (unsigned k = 0; k < (n->bits + 7u) / 8; k++)
			enc_u8(&v, (uint8_t)(n->net >> (24 - 8 * k)));
		enc_u32(&v, what->server);
	}
	if (v.n == 0)
		return;
	enc_u8(e, code);
	enc_u8(e, (uint8_t)v.n);
	enc_bytes(e, str_of((const char *)room, v.n));
}

static void
put_options(struct enc *e, const struct inform *what)
{
	unsigned servers = (what->dns[0] != 0) + (what->dns[1] != 0);

	enc_u32(e, COOKIE);
	enc_bytes(e, str_of((const char[]){ OPTION_TYPE, 1, ACK, OPTION_SERVER, 4 }, 5));
	enc_u32(e, what->server);
	if (servers) {
		enc_u8(e, OPTION_DNS);
		enc_u8(e, (uint8_t)(4 * servers));
		for (unsigned i = 0; i < servers; i++)
			enc_u32(e, what->dns[i]);
	}
	put_routes(e, OPTION_ROUTES, what);
	if (e->n + 2 + 9 * what->nnets < INFORM_MAX)
		put_routes(e, OPTION_MS_ROUTES, what);
	enc_u8(e, OPTION_END);
}

static void
put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

size_t
inform_answer(struct str packet, uint32_t client, const struct inform *what, uint8_t out[INFORM_MAX])
{
	static const uint8_t zeros[CHADDR_AND_NAMES];
	struct enc e = enc_of(out, INFORM_MAX);
	struct question q;

	if (!read_question(packet, client, &q))
		return 0;
	enc_bytes(&e, str_of("\x45\0\0\0\0\0\x40\0\x40\x11\0\0", 12));
	enc_u32(&e, what->server);
	enc_u32(&e, client);
	enc_bytes(&e, str_of("\0\x43\0\x44\0\0\0\0", 8));
	enc_u8(&e, 2);
	enc_u8(&e, q.htype);
	enc_u8(&e, q.hlen);
	enc_u8(&e, 0);
	enc_u32(&e, q.xid);
	enc_u32(&e, 0);
	enc_u32(&e, client);
	enc_bytes(&e, str_of((const char *)zeros, 12));
	enc_bytes(&e, q.chaddr);
	enc_bytes(&e, str_of((const char *)zeros, CHADDR_AND_NAMES - 16));
	put_options(&e, what);
	if (!enc_ok(&e))
		return 0;
	put16(out + 2, e.n);
	put16(out + 24, e.n - 20);
	put16(out + 10, (uint16_t)~inet_fold(inet_sum(str_of((const char *)out, 20), 0)));
	/* A UDP checksum of zero is none: RFC 768. */
	return e.n;
}
