/*
 * data: the way of packets between sockets and interfaces, in batches from end to end. Must never copy a
 * payload more than once on its way.
 */
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "role/vpn/l2tpd.h"
#include "sys/clock.h"

/* One turn takes so many from one side before the other is looked at. */
#define TUN_READS 64
#define UDP_READS 4

static struct udp_end
to_end(const struct l2tp_peer *p)
{
	return (struct udp_end){ .addr = p->addr, .local = p->local, .port = p->port, .mark = p->mark };
}

void
tunnelling_send(struct tunnelling *t, const struct l2tp_peer *to, struct str datagram)
{
	struct udp_end end = to_end(to);

	memcpy(udp_room(t->udp, datagram.n), datagram.p, datagram.n);
	udp_queue(t->udp, &end, datagram.n);
}

/* From an interface to the tunnel. */

static void
send_packets(struct tunnelling *t, struct vpn_call *c, struct cutter *cut, unsigned version, size_t most)
{
	struct udp_end end = to_end(&c->session->tunnel->peer);
	int64_t now = c->limits ? clock_mono_us() : 0;

	while (cutter_more(cut)) {
		uint8_t *out = udp_room(t->udp, VPN_OVERHEAD + most);
		size_t head = vpn_head(c, version, out);
		if (head == 0)
			return;
		size_t n = head + cutter_next(cut, out + head);
		if (!vpn_may_pass(c, n - head, now))
			continue;
		vpn_finish(c, out, head, n);
		udp_queue(t->udp, &end, n);
	}
}

static struct vpn_call *
call_of(struct tunnel_end *e, struct str packet)
{
	if (e->call || e->user || e->owner->vpn.server == NULL || (int)(e - e->owner->ends) != e->owner->server.tun)
		return e->call;
	return vpn_find(&e->owner->vpn, packet);
}

/* Nobody is there yet: whether the dial is for this packet, which is kept then. The first one counts. */
static bool
hold(struct tunnel_end *e, struct str packet)
{
	size_t n = OFFLOAD_HEAD + packet.n;

	if (e->dial == NULL || !vpn_want(e->dial, clock_mono_us(), packet) || e->held)
		return false;
	e->held = malloc(n);
	if (e->held == NULL)
		return false;
	memcpy(e->held, e->owner->packet, n);
	e->nheld = n;
	return true;
}

static void
from_interface(struct tunnel_end *e, size_t n)
{
	struct tunnelling *t = e->owner;
	struct str packet = str_of((const char *)t->packet + OFFLOAD_HEAD, n - OFFLOAD_HEAD);
	struct offload how;
	struct cutter cut;

	offload_read(t->packet, &how);
	struct vpn_call *c = packet.n >= 20 ? call_of(e, packet) : NULL;
	if (c == NULL && hold(e, packet))
		return;
	if (c == NULL || cutter_begin(&cut, &how, packet) < 0) {
		e->no_call++;
		return;
	}
	/* The kernel's checksum of a SYN is made whole when it is copied: before that only the field may change. */
	if (how.type == OFFLOAD_NONE && !how.needs_csum)
		(void)clamp_mss(t->packet + OFFLOAD_HEAD, packet.n, e->mtu);
	size_t most = how.type == OFFLOAD_NONE ? packet.n : cut.head + how.size;
	send_packets(t, c, &cut, (uint8_t)packet.p[0] >> 4, most);
}

void
tunnelling_release(struct tunnel_end *e)
{
	if (e->held == NULL)
		return;
	memcpy(e->owner->packet, e->held, e->nheld);
	free(e->held);
	e->held = NULL;
	from_interface(e, e->nheld);
}

void
tunnelling_on_tun(void *ctx, int events)
{
	struct tunnel_end *e = ctx;
	struct tunnelling *t = e->owner;

	(void)events;
	for (unsigned i = 0; i < TUN_READS; i++) {
		ssize_t n = read(e->tun.fd, t->packet, sizeof(t->packet));
		if (n <= OFFLOAD_HEAD)
			break;
		from_interface(e, (size_t)n);
	}
	tunnelling_flush(t);
	tunnelling_arm(t);
}

/* From the tunnel to an interface. */

static void
flush_joined(struct tunnelling *t)
{
	struct str s = joiner_flush(&t->joiner);

	if (s.n > 0 && write(t->joining->tun.fd, s.p, s.n) < 0)
		t->tun_lost++;
}

static void
to_interface(struct tunnelling *t, struct vpn_call *c, struct str packet)
{
	static const uint8_t plain[OFFLOAD_HEAD];
	struct tunnel_end *e = &t->ends[c->tun];
	struct iovec iov[2] = {
		{ .iov_base = (void *)plain, .iov_len = sizeof(plain) },
		{ .iov_base = (void *)packet.p, .iov_len = packet.n },
	};

	/* The packet lies in a buffer of ours. */
	(void)clamp_mss((uint8_t *)(uintptr_t)packet.p, packet.n, e->mtu);
	if (t->joining != e) {
		flush_joined(t);
		t->joining = e;
		t->joiner.udp_too = e->tun.udp_offload;
	}
	if (e->tun.tcp_offload && joiner_take(&t->joiner, packet))
		return;
	flush_joined(t);
	if (e->tun.tcp_offload && joiner_take(&t->joiner, packet))
		return;
	if (writev(e->tun.fd, iov, 2) < 0)
		t->tun_lost++;
}

/* A question for routes and name servers is answered by us: it goes no further. */
static bool
answer_inform(struct tunnelling *t, struct vpn_call *c, struct str packet)
{
	struct udp_end end = to_end(&c->session->tunnel->peer);
	uint8_t answer[INFORM_MAX];
	size_t n = c->dial ? 0 : inform_answer(packet, c->address, &t->inform, answer);

	if (n == 0)
		return false;
	uint8_t *out = udp_room(t->udp, VPN_OVERHEAD + n);
	size_t head = vpn_head(c, 4, out);
	if (head == 0)
		return true;
	memcpy(out + head, answer, n);
	vpn_finish(c, out, head, head + n);
	udp_queue(t->udp, &end, head + n);
	return true;
}

static void
from_network(struct tunnelling *t, const struct udp_end *end, struct str datagram, int64_t now_us)
{
	struct l2tp_peer from = { .addr = end->addr, .local = end->local, .port = end->port, .mark = end->mark };
	struct vpn_call *c;
	struct str packet;

	if (vpn_receive(&t->vpn, now_us, &from, datagram, t->scratch, &c, &packet) > 0 && !answer_inform(t, c, packet))
		to_interface(t, c, packet);
}

void
tunnelling_on_udp(void *ctx, int events)
{
	struct tunnelling *t = ctx;
	int n = 1;

	(void)events;
	for (unsigned round = 0; round < UDP_READS && n > 0; round++) {
		int64_t now = clock_mono_us();
		n = udp_receive(t->udp);
		for (int i = 0; i < n; i++) {
			struct udp_end from;
			size_t size;
			struct str all = udp_at(t->udp, i, &from, &size);
			for (; all.n > 0; all = str_from(all, size))
				from_network(t, &from, str_head(all, size), now);
		}
	}
	flush_joined(t);
	tunnelling_flush(t);
	tunnelling_arm(t);
}

void
tunnelling_flush(struct tunnelling *t)
{
	udp_flush(t->udp);
}
