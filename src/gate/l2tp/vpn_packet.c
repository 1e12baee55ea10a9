/*
 * vpn_packet: inner packets on their way through the VPN: whose they are, and whether they may pass. Must never let one through
 * that comes from an address of another's.
 */
#include "gate/l2tp/vpn.h"

#include "gate/l2tp/vpn6.h"
#include "gate/l2tp/vpn_pool.h"

#define PROBE_US 1000000              /* who seems to have moved is asked so often */

static uint32_t
word_at(struct str packet, size_t at)
{
	const uint8_t *p = (const uint8_t *)packet.p + at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool
is_v4(struct str packet)
{
	return packet.n >= 20 && (uint8_t)packet.p[0] >> 4 == 4;
}

/* A branch speaks for its own networks only; a headquarters for everybody behind it. */
static bool
may_send(const struct l2tp_vpn *v, const struct vpn_call *c, struct str packet)
{
	if (c->dial)
		return true;
	if (!is_v4(packet))
		return vpn6_may_send(c, packet);
	return l2tp_route_find(&v->routes, route_v4(word_at(packet, 12))) == c;
}

struct vpn_call *
vpn_find(const struct l2tp_vpn *v, struct str packet)
{
	if (is_v4(packet))
		return l2tp_route_find(&v->routes, route_v4(word_at(packet, 16)));
	return vpn6_find(v, packet);
}

/* Data comes from where the peer was not: it is asked there, and followed when it answers with its magic number. */
static void
probe(struct vpn_call *c, const struct l2tp_peer *from)
{
	if (c->vpn->now_us - c->probed_us < PROBE_US)
		return;
	c->probed_us = c->vpn->now_us;
	c->answer_to = from;
	ppp_echo_now(&c->link, c->vpn->now_us);
	c->answer_to = NULL;
}

static int
take_frame(struct vpn_call *c, const struct l2tp_peer *from, bool moved, struct str frame, uint8_t *scratch,
    struct str *ret_packet)
{
	bool asked = c->link.echo_sent_us != 0 && c->vpn->now_us - c->probed_us < PROBE_US;
	uint16_t protocol;

	int r = ppp_link_receive(&c->link, c->vpn->now_us, frame, scratch, &protocol, ret_packet);
	if (!moved || c->link.phase == PPP_DEAD)
		return r;
	if (asked && c->link.echo_sent_us == 0)
		l2tp_tunnel_follow(c->session->tunnel, from);
	else
		probe(c, from);
	return r;
}

int
vpn_receive(struct l2tp_vpn *v, int64_t now_us, const struct l2tp_peer *from, struct str datagram, uint8_t *scratch,
    struct vpn_call **ret_call, struct str *ret_packet)
{
	struct l2tp_session *s;
	struct str frame, packet;
	bool moved;

	v->now_us = now_us;
	if (l2tp_receive(v->engine, now_us, from, datagram, &s, &frame, &moved) == 0)
		return 0;
	struct vpn_call *c = s->owner;
	if (take_frame(c, from, moved, frame, scratch, &packet) == 0) {
		vpn_settle(c);
		return 0;
	}
	if (!is_v4(packet) && vpn6_take(c, packet)) {
		vpn_settle(c);
		return 0;
	}
	if (!may_send(v, c, packet)) {
		v->spoofed++;
		return 0;
	}
	if (c->limits && !limits_pass(c->limits, LIMITS_IN, packet.n, now_us)) {
		v->limited++;
		return 0;
	}
	c->in_packets++;
	c->in_bytes += packet.n;
	*ret_call = c;
	*ret_packet = packet;
	return 1;
}

bool
vpn_may_pass(struct vpn_call *c, size_t n, int64_t now_us)
{
	if (c->limits == NULL || limits_pass(c->limits, LIMITS_OUT, n, now_us))
		return true;
	c->vpn->limited++;
	return false;
}

size_t
vpn_head(struct vpn_call *c, unsigned version, uint8_t *out)
{
	if (!c->up || !(version == 6 ? c->link.network6_up : c->link.network_up))
		return 0;
	size_t n = l2tp_data_head(c->session, out);
	return n + ppp_link_head(&c->link, version == 6 ? PPP_IPV6 : PPP_IP, out + n);
}

void
vpn_finish(struct vpn_call *c, uint8_t *out, size_t head, size_t n)
{
	size_t outer = c->session->sequenced ? 10 : 6;

	c->out_packets++;
	c->out_bytes += n - head;
	ppp_link_finish(&c->link, out + outer, n - outer);
}
