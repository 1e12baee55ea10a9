/*
 * offload: cutting (TSO, USO), joining (GRO), checksums, MSS. Must never write beyond what its caller was promised,
 * whatever lengths a packet claims.
 */
#include "gate/l2tp/offload.h"

#include <errno.h>

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_CWR 0x80
#define PROTO_TCP 6
#define PROTO_UDP 17

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

/* Kernel and we are on one machine: its own byte order. */
static uint16_t
native16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return v;
}

void
offload_read(const uint8_t *p, struct offload *ret)
{
	*ret = (struct offload){ .needs_csum = (p[0] & 1) != 0, .type = p[1] & (uint8_t)~OFFLOAD_ECN, .head_len = native16(p + 2),
		.size = native16(p + 4), .csum_start = native16(p + 6), .csum_offset = native16(p + 8) };
}

void
offload_write(const struct offload *o, uint8_t p[OFFLOAD_HEAD])
{
	p[0] = o->needs_csum;
	p[1] = o->type;
	memcpy(p + 2, &o->head_len, 2);
	memcpy(p + 4, &o->size, 2);
	memcpy(p + 6, &o->csum_start, 2);
	memcpy(p + 8, &o->csum_offset, 2);
}

/* Words of 32 bits into 64: the compiler makes vectors of it. The sum of native words swapped at the end is the sum. */
uint32_t
inet_sum(struct str s, uint32_t sum)
{
	const uint8_t *p = (const uint8_t *)s.p;
	uint64_t total = 0;
	size_t n = s.n;

	for (; n >= 4; n -= 4, p += 4) {
		uint32_t v;
		memcpy(&v, p, 4);
		total += v;
	}
	if (n >= 2) {
		total += native16(p);
		p += 2;
		n -= 2;
	}
	if (n) {
		uint8_t last[2] = { *p, 0 };
		total += native16(last);
	}
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	uint8_t folded[2];
	uint16_t low = (uint16_t)total;
	memcpy(folded, &low, 2);
	return sum + get16(folded);
}

uint16_t
inet_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static struct str
part(const uint8_t *p, size_t n)
{
	return str_of((const char *)p, n);
}

/* Addresses, protocol and length: RFC 793 section 3.1, RFC 8200 section 8.1. */
static uint32_t
pseudo_sum(const uint8_t *ip, uint8_t protocol, size_t length)
{
	bool v6 = ip[0] >> 4 == 6;

	return inet_sum(v6 ? part(ip + 8, 32) : part(ip + 12, 8), (uint32_t)length + protocol);
}

static void
ip4_checksum(uint8_t *ip, size_t n)
{
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~inet_fold(inet_sum(part(ip, n), 0)));
}

/* Cutting. */

static int
check_heads(struct cutter *c)
{
	const uint8_t *p = c->packet;
	bool udp = c->how.type == OFFLOAD_UDP_L4;
	size_t l4 = c->how.csum_start, least = udp ? 8 : 20;

	if (c->n < 20 || !c->how.needs_csum || c->how.size == 0 || l4 < 20 || l4 + least > c->n)
		return -EBADMSG;
	if (p[0] >> 4 == 4 ? l4 != 4u * (p[0] & 15) : p[0] >> 4 != 6 || l4 < 40)
		return -EBADMSG;
	c->head = l4 + (udp ? 8 : 4u * (p[l4 + 12] >> 4));
	return c->head > c->n || (!udp && c->head < l4 + 20) ? -EBADMSG : 0;
}

int
cutter_begin(struct cutter *c, const struct offload *how, struct str packet)
{
	*c = (struct cutter){ .how = *how, .packet = (const uint8_t *)packet.p, .n = packet.n };
	if (how->type == OFFLOAD_NONE) {
		size_t at = (size_t)how->csum_start + how->csum_offset;
		return packet.n == 0 || (how->needs_csum && at + 2 > packet.n) ? -EBADMSG : 0;
	}
	if (how->type != OFFLOAD_TCP4 && how->type != OFFLOAD_TCP6 && how->type != OFFLOAD_UDP_L4)
		return -EOPNOTSUPP;
	return check_heads(c);
}

/* A packet that is whole, but for its checksum: the pseudo header is in its place already. */
static size_t
copy_whole(struct cutter *c, uint8_t *dst)
{
	size_t start = c->how.csum_start;

	if (c->done)
		return 0;
	c->done = c->n;
	memcpy(dst, c->packet, c->n);
	if (c->how.needs_csum) {
		uint16_t sum = (uint16_t)~inet_fold(inet_sum(part(dst + start, c->n - start), 0));
		put16(dst + start + c->how.csum_offset, sum ? sum : 0xffff);
	}
	return c->n;
}

static void
fix_ip(const struct cutter *c, uint8_t *ip, size_t n)
{
	if (ip[0] >> 4 == 6) {
		put16(ip + 4, (uint16_t)(n - 40));
		return;
	}
	put16(ip + 2, (uint16_t)n);
	put16(ip + 4, (uint16_t)(get16(ip + 4) + c->index));
	ip4_checksum(ip, c->how.csum_start);
}

/* FIN and PSH belong to the last, CWR to the first. */
static void
fix_tcp(const struct cutter *c, uint8_t *tcp, bool last)
{
	put32(tcp + 4, get32(tcp + 4) + (uint32_t)c->done);
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (c->index > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
}

bool
cutter_more(const struct cutter *c)
{
	if (c->how.type == OFFLOAD_NONE)
		return c->done == 0;
	return c->index == 0 || c->head + c->done < c->n;
}

size_t
cutter_next(struct cutter *c, uint8_t *dst)
{
	size_t l4 = c->how.csum_start, left = c->n - c->head - c->done;
	bool udp = c->how.type == OFFLOAD_UDP_L4;

	if (c->how.type == OFFLOAD_NONE)
		return copy_whole(c, dst);
	if (!cutter_more(c))
		return 0;
	size_t take = left < c->how.size ? left : c->how.size, n = c->head + take;
	memcpy(dst, c->packet, c->head);
	memcpy(dst + c->head, c->packet + c->head + c->done, take);
	fix_ip(c, dst, n);
	if (udp)
		put16(dst + l4 + 4, (uint16_t)(8 + take));
	else
		fix_tcp(c, dst + l4, take == left);
	uint8_t *sum = dst + l4 + (udp ? 6 : 16);
	put16(sum, 0);
	uint16_t v = (uint16_t)~inet_fold(inet_sum(part(dst + l4, n - l4), pseudo_sum(dst, udp ? PROTO_UDP : PROTO_TCP, n - l4)));
	put16(sum, v ? v : 0xffff);
	c->done += take;
	c->index++;
	return n;
}

/* Joining: IP without options, extensions and fragments; a TCP that only carries data; UDP of one length. */

#define UDP_JOINED_MAX 64              /* UDP_MAX_SEGMENTS before Linux 6.9 */

struct shape {
	size_t l4, head;               /* where TCP or UDP begins, and where it ends */
	bool udp;
};

static bool
ip_shape(const uint8_t *p, size_t n, struct shape *ret)
{
	if (n < 20)
		return false;
	bool v6 = p[0] >> 4 == 6;
	uint8_t protocol = v6 ? p[6] : p[9];
	*ret = (struct shape){ .l4 = v6 ? 40 : 20, .udp = protocol == PROTO_UDP };
	if (protocol != PROTO_TCP && protocol != PROTO_UDP)
		return false;
	return v6 ? get16(p + 4) + 40u == n : p[0] == 0x45 && get16(p + 2) == n && !(get16(p + 6) & 0x3fff);
}

static bool
joinable(const uint8_t *p, size_t n, struct shape *ret)
{
	if (!ip_shape(p, n, ret) || ret->l4 + (ret->udp ? 8 : 20) >= n)
		return false;
	const uint8_t *l4 = p + ret->l4;
	if (ret->udp) {
		ret->head = ret->l4 + 8;
		/* Without a checksum (RFC 768) it could not be made again when it is cut. */
		return get16(l4 + 4) == n - ret->l4 && get16(l4 + 6) != 0;
	}
	ret->head = ret->l4 + 4u * (l4[12] >> 4);
	return ret->head >= ret->l4 + 20 && ret->head < n && (l4[13] & ~TCP_PSH) == TCP_ACK;
}

/* The kernel will not check again what we hand over as checked. */
static bool
sound(const uint8_t *p, size_t n, const struct shape *f)
{
	if (p[0] >> 4 == 4 && inet_fold(inet_sum(part(p, 20), 0)) != 0xffff)
		return false;
	uint32_t pseudo = pseudo_sum(p, f->udp ? PROTO_UDP : PROTO_TCP, n - f->l4);
	return inet_fold(inet_sum(part(p + f->l4, n - f->l4), pseudo)) == 0xffff;
}

/*
 * All of both heads that may not differ. IP: TOS, TTL, flags, protocol, addresses, or class, flow label, hops and addresses.
 * Ports; of TCP acknowledgement, window and options.
 */
static bool
same_flow(const uint8_t *a, const uint8_t *b, const struct shape *f)
{
	bool v6 = f->l4 == 40;

	if (a[0] != b[0] || a[1] != b[1] || memcmp(a + 6, b + 6, 4) != 0)
		return false;
	if (v6 ? memcmp(a + 2, b + 2, 2) != 0 || memcmp(a + 10, b + 10, 30) != 0 : memcmp(a + 12, b + 12, 8) != 0)
		return false;
	a += f->l4;
	b += f->l4;
	if (f->udp)
		return memcmp(a, b, 4) == 0;
	return memcmp(a, b, 4) == 0 && memcmp(a + 8, b + 8, 5) == 0 && memcmp(a + 14, b + 14, 2) == 0 &&
	    memcmp(a + 18, b + 18, f->head - f->l4 - 18) == 0;
}

static bool
pushed(const uint8_t *p, const struct shape *f)
{
	return !f->udp && p[f->l4 + 13] & TCP_PSH;
}

static uint32_t
sequence(const uint8_t *p, const struct shape *f)
{
	return f->udp ? 0 : get32(p + f->l4 + 4);
}

static bool
start(struct joiner *j, const uint8_t *p, size_t n, const struct shape *f)
{
	memcpy(j->bytes + OFFLOAD_HEAD, p, n);
	j->n = n;
	j->l4 = f->l4;
	j->head = f->head;
	j->udp = f->udp;
	j->size = (uint16_t)(n - f->head);
	j->next = f->udp ? 0 : sequence(p, f) + (uint32_t)(n - f->head);
	j->count = 1;
	j->closed = pushed(p, f);
	return true;
}

static bool
follows(const struct joiner *j, const uint8_t *p, size_t n, const struct shape *f)
{
	size_t payload = n - f->head;

	return !j->closed && f->l4 == j->l4 && f->head == j->head && f->udp == j->udp && payload <= j->size &&
	    j->n + payload <= OFFLOAD_MAX && (!f->udp || j->count < UDP_JOINED_MAX) && sequence(p, f) == j->next &&
	    same_flow(j->bytes + OFFLOAD_HEAD, p, f);
}

bool
joiner_take(struct joiner *j, struct str packet)
{
	const uint8_t *p = (const uint8_t *)packet.p;
	size_t n = packet.n;
	struct shape f;

	if (n > OFFLOAD_MAX || !joinable(p, n, &f) || (f.udp && !j->udp_too) || !sound(p, n, &f))
		return false;
	if (j->n == 0)
		return start(j, p, n, &f);
	if (!follows(j, p, n, &f))
		return false;
	uint8_t *first = j->bytes + OFFLOAD_HEAD;
	size_t payload = n - f.head;
	memcpy(first + j->n, p + f.head, payload);
	j->n += payload;
	j->next += f.udp ? 0 : (uint32_t)payload;
	j->count++;
	j->closed = payload < j->size || pushed(p, &f);
	if (pushed(p, &f))
		first[f.l4 + 13] |= TCP_PSH;
	return true;
}

/* The heads of all joined: lengths, and the checksum as far as the kernel wants it made (the pseudo head's). */
static void
finish_heads(struct joiner *j)
{
	uint8_t *ip = j->bytes + OFFLOAD_HEAD, *l4 = ip + j->l4;
	size_t n = j->n;

	if (j->l4 == 40) {
		put16(ip + 4, (uint16_t)(n - 40));
	} else {
		put16(ip + 2, (uint16_t)n);
		ip4_checksum(ip, 20);
	}
	if (j->udp)
		put16(l4 + 4, (uint16_t)(n - j->l4));
	put16(l4 + (j->udp ? 6 : 16), inet_fold(pseudo_sum(ip, j->udp ? PROTO_UDP : PROTO_TCP, n - j->l4)));
}

struct str
joiner_flush(struct joiner *j)
{
	struct offload how = { .type = OFFLOAD_NONE };
	size_t n = j->n;

	if (n == 0)
		return STR_NULL;
	if (j->count > 1) {
		how = (struct offload){ .needs_csum = true, .head_len = (uint16_t)j->head, .size = j->size,
			.type = j->udp ? OFFLOAD_UDP_L4 : j->l4 == 40 ? OFFLOAD_TCP6 : OFFLOAD_TCP4,
			.csum_start = (uint16_t)j->l4, .csum_offset = j->udp ? 6 : 16 };
		finish_heads(j);
	}
	offload_write(&how, j->bytes);
	j->n = 0;
	return part(j->bytes, OFFLOAD_HEAD + n);
}

/* MSS. */

#define TCP_SYN 0x02

static uint8_t *
find_mss(uint8_t *tcp, size_t n)
{
	size_t head = 4u * (tcp[12] >> 4);

	for (size_t at = 20; head <= n && at + 4 <= head;) {
		if (tcp[at] == 2 && tcp[at + 1] == 4)
			return tcp + at + 2;
		if (tcp[at] == 0)
			break;
		if (tcp[at] != 1 && tcp[at + 1] < 2)
			break;
		at += tcp[at] == 1 ? 1 : tcp[at + 1];
	}
	return NULL;
}

bool
clamp_mss(uint8_t *packet, size_t n, uint16_t mtu)
{
	bool v6 = n > 0 && packet[0] >> 4 == 6;
	size_t l4 = v6 ? 40 : n > 0 ? 4u * (packet[0] & 15) : 0;
	uint16_t most = (uint16_t)(mtu - (v6 ? 60 : 40));

	if (n < l4 + 20 || l4 < 20 || packet[v6 ? 6 : 9] != PROTO_TCP || !(packet[l4 + 13] & TCP_SYN))
		return false;
	/* Only the first fragment has a head; a SYN is never cut. */
	if (!v6 && get16(packet + 6) & 0x1fff)
		return false;
	uint8_t *mss = find_mss(packet + l4, n - l4);
	if (mss == NULL || get16(mss) <= most)
		return false;
	/* RFC 1624: the sum changes by the difference; an option at an odd place counts with its bytes swapped. */
	uint32_t was = get16(mss), now = most, sum = (uint16_t)~get16(packet + l4 + 16);
	if ((mss - packet - (long)l4) % 2) {
		was = (was >> 8 | was << 8) & 0xffff;
		now = (now >> 8 | now << 8) & 0xffff;
	}
	sum += (uint16_t)~was;
	sum += now;
	put16(mss, most);
	put16(packet + l4 + 16, (uint16_t)~inet_fold(sum));
	return true;
}
