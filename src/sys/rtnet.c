/* rtnet: see rtnet.h. Must never change what it was not told to. */
#include "sys/rtnet.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/attrs.h"

#define BUFFER 32768

struct rtnet {
	struct mnl_socket *socket;
	uint32_t seq;
	char bytes[BUFFER];
};

int
rtnet_open(struct rtnet **ret)
{
	struct rtnet *n = calloc(1, sizeof(*n));
	int yes = 1;

	if (!n)
		return -ENOMEM;
	n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int e = -errno;
		rtnet_close(n);
		return e;
	}
	/* Filters of dumps are honoured, and errors tell more. An old kernel goes on without. */
	(void)mnl_socket_setsockopt(n->socket, NETLINK_GET_STRICT_CHK, &yes, sizeof(yes));
	*ret = n;
	return 0;
}

void
rtnet_close(struct rtnet *n)
{
	if (!n)
		return;
	if (n->socket)
		mnl_socket_close(n->socket);
	free(n);
}

static struct nlmsghdr *
begin(struct rtnet *n, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(n->bytes);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++n->seq;
	return h;
}

/* Sends, and hands every answer to cb until the kernel says that it is done. */
static int
talk(struct rtnet *n, const struct nlmsghdr *h, mnl_cb_t cb, void *ctx)
{
	unsigned port = mnl_socket_get_portid(n->socket);

	if (mnl_socket_sendto(n->socket, h, h->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t got = mnl_socket_recvfrom(n->socket, n->bytes, sizeof(n->bytes));
		if (got < 0 && errno == EINTR)
			continue;
		int r = got < 0 ? -1 : mnl_cb_run(n->bytes, (size_t)got, n->seq, port, cb, ctx);
		if (r < 0)
			return -errno;
		if (r == MNL_CB_STOP)
			return 0;
	}
}

static uint32_t
attr_u32(const struct nlattr *a)
{
	return a && mnl_attr_get_payload_len(a) >= 4 ? mnl_attr_get_u32(a) : 0;
}

static void
attr_text(const struct nlattr *a, char *dst, size_t size)
{
	size_t n = a ? mnl_attr_get_payload_len(a) : 0;

	if (n >= size)
		n = size - 1;
	if (n)
		memcpy(dst, mnl_attr_get_payload(a), n);
	dst[n] = '\0';
}

/* IPv4 is held as ::ffff:a.b.c.d; false when the attribute has another size. */
static bool
attr_addr(const struct nlattr *a, int family, struct addr *ret)
{
	size_t n = family == AF_INET6 ? 16 : 4;

	if (!a || mnl_attr_get_payload_len(a) != n)
		return false;
	memset(ret, 0, sizeof(*ret));
	if (n == 4)
		ret->b[10] = ret->b[11] = 0xff;
	memcpy(ret->b + 16 - n, mnl_attr_get_payload(a), n);
	return true;
}

static void
put_addr(struct nlmsghdr *h, uint16_t type, const struct addr *a)
{
	size_t n = addr_is_v4(a) ? 4 : 16;

	mnl_attr_put(h, type, n, a->b + 16 - n);
}

static bool
addr_given(const struct addr *a)
{
	static const struct addr none;

	return memcmp(a, &none, sizeof(none)) != 0;
}

struct dump {
	rtnet_link_fn *link;
	rtnet_addr_fn *addr;
	rtnet_route_fn *route;
	void *ctx;
};

static int
take_kind(const struct nlattr *a, void *ctx)
{
	if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
		attr_text(a, ctx, 16);
	return MNL_CB_OK;
}

static int
on_link(const struct nlmsghdr *h, void *ctx)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	struct dump *d = ctx;
	struct attrs a = { { NULL } };
	struct rtnet_link l = { .index = (uint32_t)m->ifi_index, .up = m->ifi_flags & IFF_UP,
		.carrier = m->ifi_flags & IFF_RUNNING };
	struct rtnl_link_stats64 s;

	mnl_attr_parse(h, sizeof(*m), take_attr, &a);
	attr_text(a.v[IFLA_IFNAME], l.name, sizeof(l.name));
	l.mtu = attr_u32(a.v[IFLA_MTU]);
	if (a.v[IFLA_ADDRESS] && mnl_attr_get_payload_len(a.v[IFLA_ADDRESS]) == 6) {
		memcpy(l.mac, mnl_attr_get_payload(a.v[IFLA_ADDRESS]), 6);
		l.has_mac = true;
	}
	if (a.v[IFLA_LINKINFO])
		mnl_attr_parse_nested(a.v[IFLA_LINKINFO], take_kind, l.kind);
	if (a.v[IFLA_STATS64] && mnl_attr_get_payload_len(a.v[IFLA_STATS64]) >= sizeof(s.rx_packets) * 8) {
		memset(&s, 0, sizeof(s));
		size_t n = mnl_attr_get_payload_len(a.v[IFLA_STATS64]);
		memcpy(&s, mnl_attr_get_payload(a.v[IFLA_STATS64]), n < sizeof(s) ? n : sizeof(s));
		l.rx_bytes = s.rx_bytes;
		l.tx_bytes = s.tx_bytes;
		l.rx_packets = s.rx_packets;
		l.tx_packets = s.tx_packets;
		l.rx_dropped = s.rx_dropped;
		l.tx_dropped = s.tx_dropped;
	}
	d->link(d->ctx, &l);
	return MNL_CB_OK;
}

static int
on_addr(const struct nlmsghdr *h, void *ctx)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	struct dump *d = ctx;
	struct attrs a = { { NULL } };
	struct rtnet_addr r = { .index = m->ifa_index, .permanent = m->ifa_flags & IFA_F_PERMANENT };

	mnl_attr_parse(h, sizeof(*m), take_attr, &a);
	/* On a point-to-point link IFA_ADDRESS is the other end. */
	if (!attr_addr(a.v[IFA_LOCAL] ? a.v[IFA_LOCAL] : a.v[IFA_ADDRESS], m->ifa_family, &r.at.net))
		return MNL_CB_OK;
	r.at.bits = (uint8_t)(m->ifa_prefixlen + (m->ifa_family == AF_INET ? 96 : 0));
	if (a.v[IFA_PROTO])
		r.protocol = mnl_attr_get_u8(a.v[IFA_PROTO]);
	d->addr(d->ctx, &r);
	return MNL_CB_OK;
}

static int
on_route(const struct nlmsghdr *h, void *ctx)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct dump *d = ctx;
	struct attrs a = { { NULL } };
	struct rtnet_route r = { .protocol = m->rtm_protocol, .type = m->rtm_type,
		.table = m->rtm_table, .dead = m->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN) };

	mnl_attr_parse(h, sizeof(*m), take_attr, &a);
	if (a.v[RTA_TABLE])
		r.table = attr_u32(a.v[RTA_TABLE]);
	if ((m->rtm_family != AF_INET && m->rtm_family != AF_INET6) || r.table != RT_TABLE_MAIN ||
	    m->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	if (m->rtm_family == AF_INET)
		r.to.net.b[10] = r.to.net.b[11] = 0xff;
	(void)!attr_addr(a.v[RTA_DST], m->rtm_family, &r.to.net);
	r.to.bits = (uint8_t)(m->rtm_dst_len + (m->rtm_family == AF_INET ? 96 : 0));
	(void)!attr_addr(a.v[RTA_GATEWAY], m->rtm_family, &r.via);
	r.index = attr_u32(a.v[RTA_OIF]);
	r.metric = attr_u32(a.v[RTA_PRIORITY]);
	d->route(d->ctx, &r);
	return MNL_CB_OK;
}

int
rtnet_links(struct rtnet *n, rtnet_link_fn *fn, void *ctx)
{
	struct nlmsghdr *h = begin(n, RTM_GETLINK, NLM_F_DUMP);
	struct dump d = { .link = fn, .ctx = ctx };

	mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	return talk(n, h, on_link, &d);
}

int
rtnet_addrs(struct rtnet *n, rtnet_addr_fn *fn, void *ctx)
{
	struct nlmsghdr *h = begin(n, RTM_GETADDR, NLM_F_DUMP);
	struct dump d = { .addr = fn, .ctx = ctx };

	mnl_nlmsg_put_extra_header(h, sizeof(struct ifaddrmsg));
	return talk(n, h, on_addr, &d);
}

int
rtnet_routes(struct rtnet *n, rtnet_route_fn *fn, void *ctx)
{
	struct nlmsghdr *h = begin(n, RTM_GETROUTE, NLM_F_DUMP);
	struct dump d = { .route = fn, .ctx = ctx };
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->rtm_family = AF_UNSPEC;
	return talk(n, h, on_route, &d);
}

int
rtnet_link_set(struct rtnet *n, uint32_t index, bool up, uint32_t mtu)
{
	struct nlmsghdr *h = begin(n, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifi_index = (int)index;
	m->ifi_change = IFF_UP;
	m->ifi_flags = up ? IFF_UP : 0;
	if (mtu)
		mnl_attr_put_u32(h, IFLA_MTU, mtu);
	return talk(n, h, NULL, NULL);
}

/* The last address of the network, for IPv4 prefixes that have one (RFC 919; RFC 3021: /31 has none). */
static bool
broadcast_of(const struct cidr *at, struct addr *ret)
{
	if (!addr_is_v4(&at->net) || at->bits > 126)
		return false;
	*ret = at->net;
	for (unsigned bit = at->bits; bit < 128; bit++)
		ret->b[bit / 8] |= (uint8_t)(0x80u >> (bit % 8));
	return true;
}

static int
addr_change(struct rtnet *n, uint16_t type, uint16_t flags, uint32_t index, const struct cidr *at)
{
	struct nlmsghdr *h = begin(n, type, NLM_F_ACK | flags);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	bool v4 = addr_is_v4(&at->net);
	struct addr broadcast;

	m->ifa_family = v4 ? AF_INET : AF_INET6;
	m->ifa_prefixlen = (uint8_t)(v4 ? at->bits - 96 : at->bits);
	m->ifa_index = index;
	put_addr(h, IFA_LOCAL, &at->net);
	put_addr(h, IFA_ADDRESS, &at->net);
	if (type == RTM_NEWADDR && broadcast_of(at, &broadcast))
		put_addr(h, IFA_BROADCAST, &broadcast);
	if (type == RTM_NEWADDR)
		mnl_attr_put_u8(h, IFA_PROTO, RTNET_PROTOCOL);
	return talk(n, h, NULL, NULL);
}

int
rtnet_addr_add(struct rtnet *n, uint32_t index, const struct cidr *at)
{
	return addr_change(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, at);
}

int
rtnet_addr_del(struct rtnet *n, uint32_t index, const struct cidr *at)
{
	return addr_change(n, RTM_DELADDR, 0, index, at);
}

static int
route_change(struct rtnet *n, uint16_t type, uint16_t flags, const struct rtnet_route *r)
{
	struct nlmsghdr *h = begin(n, type, NLM_F_ACK | flags);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	bool v4 = addr_is_v4(&r->to.net);

	m->rtm_family = v4 ? AF_INET : AF_INET6;
	m->rtm_dst_len = (uint8_t)(v4 ? r->to.bits - 96 : r->to.bits);
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = RTNET_PROTOCOL;
	m->rtm_type = RTN_UNICAST;
	m->rtm_scope = addr_given(&r->via) || !v4 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	if (m->rtm_dst_len)
		put_addr(h, RTA_DST, &r->to.net);
	if (addr_given(&r->via))
		put_addr(h, RTA_GATEWAY, &r->via);
	if (r->index)
		mnl_attr_put_u32(h, RTA_OIF, r->index);
	if (r->metric)
		mnl_attr_put_u32(h, RTA_PRIORITY, r->metric);
	return talk(n, h, NULL, NULL);
}

int
rtnet_route_add(struct rtnet *n, const struct rtnet_route *r, bool replace)
{
	return route_change(n, RTM_NEWROUTE, NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL), r);
}

int
rtnet_route_del(struct rtnet *n, const struct rtnet_route *r)
{
	return route_change(n, RTM_DELROUTE, 0, r);
}

int
rtnet_watch(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		int e = -errno;
		close(fd);
		return e;
	}
	return fd;
}

/* What was lost (ENOBUFS) was a change too. */
bool
rtnet_changed(int fd)
{
	char bytes[BUFFER];
	bool any = false;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS))
		any = true;
	return any;
}
