/* link: rtnetlink messages, each sent alone and answered. */
#include "sys/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
	struct nlmsghdr head;
	char body[256];
};

int
link_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

static void *
begin(struct request *r, uint16_t type, unsigned flags, size_t n)
{
	*r = (struct request){ .head = { .nlmsg_len = (uint32_t)NLMSG_LENGTH(n), .nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags) } };
	return NLMSG_DATA(&r->head);
}

static void
put(struct request *r, unsigned short type, const void *data, size_t n)
{
	struct rtattr *a = (void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(n);
	memcpy(RTA_DATA(a), data, n);
	r->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static void
put_u32(struct request *r, unsigned short type, uint32_t v)
{
	put(r, type, &v, sizeof(v));
}

/* The answer: 0 or more bytes of a message in dst, or -errno. */
static ssize_t
ask(int fd, struct request *r, void *dst, size_t size)
{
	if (send(fd, r, r->head.nlmsg_len, 0) < 0)
		return -errno;
	ssize_t n = recv(fd, dst, size, 0);
	if (n < 0)
		return -errno;
	const struct nlmsghdr *h = dst;
	if (!NLMSG_OK(h, (size_t)n))
		return -EBADMSG;
	if (h->nlmsg_type != NLMSG_ERROR)
		return n;
	const struct nlmsgerr *e = NLMSG_DATA(h);
	return e->error;
}

static int
tell(int fd, struct request *r, int harmless)
{
	char answer[1024] __attribute__((aligned(NLMSG_ALIGNTO)));

	r->head.nlmsg_flags |= NLM_F_ACK;
	ssize_t e = ask(fd, r, answer, sizeof(answer));
	return e == -harmless || e > 0 ? 0 : (int)e;
}

/* Where the kernel has no IPv6 the attribute is refused, and there is nothing to be said. */
static void
make_no_address6(int fd, unsigned index)
{
	struct {
		struct rtattr family, mode;
		uint32_t none;
	} spec = { .family = { .rta_type = AF_INET6, .rta_len = sizeof(spec) },
		.mode = { .rta_type = IFLA_INET6_ADDR_GEN_MODE, .rta_len = RTA_LENGTH(1) },
		.none = 0 };
	uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
	struct request r;
	struct ifinfomsg *i = begin(&r, RTM_NEWLINK, 0, sizeof(*i));

	i->ifi_index = (int)index;
	memcpy(&spec.none, &mode, sizeof(mode));
	put(&r, IFLA_AF_SPEC, &spec, sizeof(spec));
	(void)!tell(fd, &r, 0);
}

int
link_up(int fd, unsigned index, unsigned mtu)
{
	struct request r;

	make_no_address6(fd, index);
	struct ifinfomsg *i = begin(&r, RTM_NEWLINK, 0, sizeof(*i));

	i->ifi_index = (int)index;
	i->ifi_flags = i->ifi_change = IFF_UP;
	put_u32(&r, IFLA_MTU, mtu);
	return tell(fd, &r, 0);
}

int
link_address(int fd, unsigned index, uint32_t local, uint32_t peer, uint8_t bits, bool add)
{
	struct request r;
	struct ifaddrmsg *a = begin(&r, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(*a));

	a->ifa_family = AF_INET;
	a->ifa_prefixlen = bits;
	a->ifa_index = index;
	put_u32(&r, IFA_LOCAL, htonl(local));
	put_u32(&r, IFA_ADDRESS, htonl(peer ? peer : local));
	return tell(fd, &r, add ? EEXIST : EADDRNOTAVAIL);
}

int
link_address6(int fd, unsigned index, const struct addr *address, uint8_t bits, bool add)
{
	struct request r;
	struct ifaddrmsg *a = begin(&r, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(*a));

	a->ifa_family = AF_INET6;
	a->ifa_prefixlen = bits;
	a->ifa_index = index;
	a->ifa_flags = add ? IFA_F_NODAD : 0;
	put(&r, IFA_LOCAL, address->b, sizeof(address->b));
	return tell(fd, &r, add ? EEXIST : EADDRNOTAVAIL);
}

int
link_route6(int fd, unsigned index, const struct cidr *net, bool add)
{
	struct request r;
	struct rtmsg *m = begin(&r, add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(*m));

	m->rtm_family = AF_INET6;
	m->rtm_dst_len = net->bits;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = LINK_PROTOCOL;
	m->rtm_type = RTN_UNICAST;
	put(&r, RTA_DST, net->net.b, sizeof(net->net.b));
	put_u32(&r, RTA_OIF, index);
	return tell(fd, &r, add ? EEXIST : ESRCH);
}

static struct rtmsg *
begin_route(struct request *r, uint32_t net, uint8_t bits, unsigned index, bool add)
{
	struct rtmsg *m = begin(r, add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof(*m));

	m->rtm_family = AF_INET;
	m->rtm_dst_len = bits;
	m->rtm_table = RT_TABLE_MAIN;
	m->rtm_protocol = LINK_PROTOCOL;
	m->rtm_scope = RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	put_u32(r, RTA_DST, htonl(net));
	put_u32(r, RTA_OIF, index);
	return m;
}

int
link_route(int fd, unsigned index, uint32_t net, uint8_t bits, bool add)
{
	struct request r;

	begin_route(&r, net, bits, index, add);
	return tell(fd, &r, add ? EEXIST : ESRCH);
}

int
link_route_pin(int fd, unsigned index, uint32_t host, uint32_t gateway, bool add)
{
	struct request r;
	struct rtmsg *m = begin_route(&r, host, 32, index, add);

	if (gateway) {
		m->rtm_scope = RT_SCOPE_UNIVERSE;
		put_u32(&r, RTA_GATEWAY, htonl(gateway));
	}
	return tell(fd, &r, add ? EEXIST : ESRCH);
}

int
link_route_get(int fd, uint32_t host, unsigned *ret_index, uint32_t *ret_gateway)
{
	char answer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct request r;
	struct rtmsg *m = begin(&r, RTM_GETROUTE, 0, sizeof(*m));

	m->rtm_family = AF_INET;
	m->rtm_dst_len = 32;
	put_u32(&r, RTA_DST, htonl(host));
	ssize_t n = ask(fd, &r, answer, sizeof(answer));
	if (n <= 0)
		return n < 0 ? (int)n : -ENETUNREACH;
	const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
	const char *at = (const char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(struct rtmsg)), *end = answer + n;
	struct rtattr attr;
	*ret_index = 0;
	*ret_gateway = 0;
	for (; (size_t)(end - at) >= sizeof(attr); at += RTA_ALIGN(attr.rta_len)) {
		uint32_t v;
		memcpy(&attr, at, sizeof(attr));
		if (attr.rta_len < sizeof(attr) || attr.rta_len > end - at)
			break;
		if (attr.rta_len < RTA_LENGTH(sizeof(v)))
			continue;
		memcpy(&v, at + RTA_LENGTH(0), sizeof(v));
		if (attr.rta_type == RTA_OIF)
			*ret_index = v;
		else if (attr.rta_type == RTA_GATEWAY)
			*ret_gateway = ntohl(v);
		if ((size_t)(end - at) < RTA_ALIGN(attr.rta_len))
			break;
	}
	return 0;
}
