/* packet: see packet.h. RFC 791, 8200, 9293, 768, 792, 4443. */
#include "packet.h"

#include <netinet/in.h>

static uint32_t
sum(uint32_t so_far, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		so_far += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return so_far;
}

static uint16_t
folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Of the addresses, the length and the protocol, which the transport's sum covers too. */
static uint32_t
pseudo(const struct eval_packet *p, size_t n)
{
	size_t skip = addr_is_v4(&p->src) ? 12 : 0;
	uint32_t s = sum(0, p->src.b + skip, 16 - skip);

	return sum(s, p->dst.b + skip, 16 - skip) + (uint32_t)n + p->protocol;
}

static size_t
transport(const struct eval_packet *p, uint8_t tcp_flags, uint8_t *b, size_t payload)
{
	size_t head = p->protocol == IPPROTO_TCP ? 20 : 8;
	bool v4 = addr_is_v4(&p->src);

	memset(b, 0, head);
	if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP) {
		put16(b, p->sport);
		put16(b + 2, p->dport);
	} else {
		b[0] = p->icmp_type;
		put16(b + 4, p->sport);
	}
	if (p->protocol == IPPROTO_TCP) {
		/* The number of a beginning is its port, and its answer acknowledges just that. */
		put16(b + 4, p->sport);
		if (p->way == POLICY_REPLY) {
			put16(b + 8, p->dport);
			b[11] = 1;
		}
		b[12] = 5 << 4;
		b[13] = tcp_flags;
		put16(b + 14, 64000);
	} else if (p->protocol == IPPROTO_UDP) {
		put16(b + 4, (uint16_t)(head + payload));
	}
	size_t at = p->protocol == IPPROTO_TCP ? 16 : p->protocol == IPPROTO_UDP ? 6 : 2;
	bool plain = p->protocol == IPPROTO_ICMP && v4;
	put16(b + at, folded(sum(plain ? 0 : pseudo(p, head + payload), b, head + payload)));
	return head + payload;
}

void
packet_bytes(const struct eval_packet *p, uint8_t tcp_flags, uint64_t id, struct buf *out)
{
	uint8_t b[512] = { 0 };
	bool v4 = addr_is_v4(&p->src);
	size_t ip = v4 ? 20 : 40, head = p->protocol == IPPROTO_TCP ? 20 : 8, n;

	if (p->payload.n > 0)
		memcpy(b + ip + head, p->payload.p, p->payload.n);
	memcpy(b + ip + head + p->payload.n - TAIL, &id, TAIL);
	n = transport(p, tcp_flags, b + ip, p->payload.n);
	if (v4) {
		b[0] = 0x45;
		put16(b + 2, (uint16_t)(ip + n));
		put16(b + 4, (uint16_t)id);
		b[8] = 64;
		b[9] = p->protocol;
		memcpy(b + 12, p->src.b + 12, 4);
		memcpy(b + 16, p->dst.b + 12, 4);
		put16(b + 10, folded(sum(0, b, ip)));
	} else {
		b[0] = 0x60;
		put16(b + 4, (uint16_t)n);
		b[6] = p->protocol;
		b[7] = 64;
		memcpy(b + 8, p->src.b, 16);
		memcpy(b + 24, p->dst.b, 16);
	}
	for (size_t i = 0; i < ip + n; i++)
		buf_addf(out, "%02x", b[i]);
}
