/* ra: RFC 4861 sections 4.1, 4.2 and 4.6; routes of RFC 4191 section 2.3, name servers of RFC 8106 section 5.1. */
#include "gate/l2tp/ra.h"

#include <errno.h>

#include "base/cur.h"
#include "gate/l2tp/offload.h"

#define PROTO_ICMP6 58
#define HEAD6 40
#define FOREVER UINT32_MAX
#define LIFETIME_S 9000                /* the longest there is; it is said again long before */

enum { SOLICIT = 133, ADVERTISE = 134 };
enum { OPTION_PREFIX = 3, OPTION_MTU = 5, OPTION_ROUTE = 24, OPTION_SERVERS = 25 };
enum { FLAG_AUTONOMOUS = 0x40 };

struct addr
address6(uint64_t prefix, uint64_t id)
{
	struct addr a;

	for (unsigned i = 0; i < 8; i++) {
		a.b[i] = (uint8_t)(prefix >> (56 - 8 * i));
		a.b[8 + i] = (uint8_t)(id >> (56 - 8 * i));
	}
	return a;
}

uint64_t
upper6(const uint8_t address[16])
{
	struct cur c = cur_of(str_of((const char *)address, 8));

	return cur_u64(&c);
}

/* To all nodes (ff02::1) or all routers (ff02::2). A hop limit of 255 proves that it never left its link. */
static void
begin(struct enc *e, uint64_t id, uint8_t to, uint8_t type)
{
	enc_u32(e, 0x60000000);
	enc_u16(e, 0);
	enc_u8(e, PROTO_ICMP6);
	enc_u8(e, 255);
	enc_u64(e, LINK_LOCAL6);
	enc_u64(e, id);
	enc_u64(e, UINT64_C(0xff02000000000000));
	enc_u64(e, to);
	enc_u8(e, type);
	enc_u8(e, 0);
	enc_u16(e, 0);
}

static uint16_t
sum_of(struct str packet)
{
	struct str ends = str_head(str_from(packet, 8), 32), body = str_from(packet, HEAD6);

	return (uint16_t)~inet_fold(inet_sum(body, inet_sum(ends, (uint32_t)body.n + PROTO_ICMP6)));
}

static size_t
finish(struct enc *e)
{
	uint16_t sum;

	if (!enc_ok(e))
		return 0;
	e->p[4] = (uint8_t)((e->n - HEAD6) >> 8);
	e->p[5] = (uint8_t)(e->n - HEAD6);
	sum = sum_of(str_of((const char *)e->p, e->n));
	e->p[HEAD6 + 2] = (uint8_t)(sum >> 8);
	e->p[HEAD6 + 3] = (uint8_t)sum;
	return e->n;
}

static void
put_prefix(struct enc *e, uint64_t prefix)
{
	enc_u8(e, OPTION_PREFIX);
	enc_u8(e, 4);
	enc_u8(e, 64);
	/* Not on-link: whoever else has an address of it is behind us. */
	enc_u8(e, FLAG_AUTONOMOUS);
	enc_u32(e, FOREVER);
	enc_u32(e, FOREVER);
	enc_u32(e, 0);
	enc_u64(e, prefix);
	enc_u64(e, 0);
}

static void
put_route(struct enc *e, const struct net6 *n)
{
	enc_u8(e, OPTION_ROUTE);
	enc_u8(e, 2);
	enc_u8(e, n->bits);
	enc_u8(e, 0);
	enc_u32(e, FOREVER);
	enc_u64(e, n->net);
}

static void
put_servers(struct enc *e, const struct ra *ra)
{
	enc_u8(e, OPTION_SERVERS);
	enc_u8(e, (uint8_t)(1 + 2 * ra->ndns));
	enc_u16(e, 0);
	enc_u32(e, FOREVER);
	for (unsigned i = 0; i < ra->ndns; i++)
		enc_bytes(e, str_of((const char *)ra->dns[i].b, 16));
}

size_t
ra_write(const struct ra *ra, uint64_t id, uint8_t out[RA_MAX])
{
	struct enc e = enc_of(out, RA_MAX);

	begin(&e, id, 1, ADVERTISE);
	enc_u8(&e, 64);
	enc_u8(&e, 0);
	enc_u16(&e, ra->nroutes ? 0 : LIFETIME_S);
	enc_u64(&e, 0);
	enc_u8(&e, OPTION_MTU);
	enc_u8(&e, 1);
	enc_u16(&e, 0);
	enc_u32(&e, ra->mtu);
	if (ra->prefix)
		put_prefix(&e, ra->prefix);
	for (uint32_t i = 0; i < ra->nroutes && i < RA_ROUTES; i++)
		put_route(&e, &ra->routes[i]);
	if (ra->ndns)
		put_servers(&e, ra);
	return finish(&e);
}

size_t
rs_write(uint64_t id, uint8_t out[RA_MAX])
{
	struct enc e = enc_of(out, RA_MAX);

	begin(&e, id, 2, SOLICIT);
	enc_u32(&e, 0);
	return finish(&e);
}

/* What RFC 4861 section 6.1 asks of every such message: the cursor stands behind type, code and sum then. */
static bool
is_message(struct str packet, uint8_t type, struct cur *ret)
{
	struct cur c = cur_of(packet);
	bool v6 = cur_u32(&c) >> 28 == 6;
	uint16_t length = cur_u16(&c);
	uint8_t next = cur_u8(&c), hops = cur_u8(&c);

	if (!v6 || next != PROTO_ICMP6 || hops != 255 || packet.n < HEAD6 + 8 || length + (size_t)HEAD6 > packet.n)
		return false;
	packet = str_head(packet, length + (size_t)HEAD6);
	if (packet.n < HEAD6 + 8 || (uint8_t)packet.p[HEAD6] != type || packet.p[HEAD6 + 1] != 0)
		return false;
	*ret = cur_of(str_from(packet, HEAD6 + 4));
	return sum_of(packet) == 0;
}

bool
rs_is(struct str packet)
{
	struct cur c;

	return is_message(packet, SOLICIT, &c);
}

static void
take_prefix(struct cur o, struct ra *ret)
{
	uint8_t bits = cur_u8(&o), flags = cur_u8(&o);
	uint32_t valid = cur_u32(&o);

	cur_u64(&o);
	uint64_t prefix = cur_u64(&o);
	/* RFC 4862 section 5.5.3: with identifiers of 64 bits only a prefix of 64 makes an address. */
	if (cur_ok(&o) && bits == 64 && flags & FLAG_AUTONOMOUS && valid && prefix >> 54 != LINK_LOCAL6 >> 54 && !ret->prefix)
		ret->prefix = prefix;
}

static void
take_servers(struct cur o, struct ra *ret)
{
	cur_u16(&o);
	uint32_t lifetime = cur_u32(&o);

	while (lifetime && o.n >= 16 && ret->ndns < RA_SERVERS)
		memcpy(ret->dns[ret->ndns++].b, cur_bytes(&o, 16).p, 16);
}

int
ra_read(struct str packet, struct ra *ret)
{
	struct ra ra = { .prefix = 0 };
	struct cur c;

	if (!is_message(packet, ADVERTISE, &c) || upper6((const uint8_t *)packet.p + 8) >> 54 != LINK_LOCAL6 >> 54)
		return -EBADMSG;
	cur_bytes(&c, 12);
	while (cur_ok(&c) && c.n > 0) {
		uint8_t type = cur_u8(&c), units = cur_u8(&c);
		/* Section 4.6: an option of no length makes the whole message void. */
		struct cur o = cur_of(cur_bytes(&c, units ? units * 8u - 2 : SIZE_MAX));
		if (!cur_ok(&c))
			return -EBADMSG;
		if (type == OPTION_PREFIX)
			take_prefix(o, &ra);
		else if (type == OPTION_SERVERS)
			take_servers(o, &ra);
		else if (type == OPTION_MTU && o.n == 6)
			ra.mtu = (uint16_t)((uint8_t)o.p[4] << 8 | (uint8_t)o.p[5]);
	}
	if (!cur_ok(&c))
		return -EBADMSG;
	*ret = ra;
	return 0;
}
