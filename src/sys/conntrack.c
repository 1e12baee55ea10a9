/* conntrack: see conntrack.h. Must never flush. */
#include "sys/conntrack.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>

#include "sys/attrs.h"

#define BUFFER (64u << 10)
#define CUT_MAX 65536

struct conntrack {
	struct mnl_socket *socket;
	uint32_t seq;
	char bytes[BUFFER];
};

int
conntrack_open(struct conntrack **ret)
{
	struct conntrack *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!c->socket || mnl_socket_bind(c->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int e = -errno;
		conntrack_close(c);
		return e;
	}
	*ret = c;
	return 0;
}

void
conntrack_close(struct conntrack *c)
{
	if (!c)
		return;
	if (c->socket)
		mnl_socket_close(c->socket);
	free(c);
}

static struct nlmsghdr *
begin(struct conntrack *c, int type, uint16_t flags, int family)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(c->bytes);

	h->nlmsg_type = (uint16_t)((NFNL_SUBSYS_CTNETLINK << 8) | type);
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++c->seq;
	struct nfgenmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->nfgen_family = (uint8_t)family;
	m->version = NFNETLINK_V0;
	return h;
}

static int
talk(struct conntrack *c, const struct nlmsghdr *h, mnl_cb_t cb, void *ctx)
{
	unsigned port = mnl_socket_get_portid(c->socket);

	if (mnl_socket_sendto(c->socket, h, h->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t got = mnl_socket_recvfrom(c->socket, c->bytes, sizeof(c->bytes));
		if (got < 0 && errno == EINTR)
			continue;
		int r = got < 0 ? -1 : mnl_cb_run(c->bytes, (size_t)got, c->seq, port, cb, ctx);
		if (r < 0)
			return -errno;
		if (r == MNL_CB_STOP)
			return 0;
	}
}

static void
nested(const struct nlattr *nest, struct attrs *ret)
{
	*ret = (struct attrs){ { NULL } };
	if (nest)
		mnl_attr_parse_nested(nest, take_attr, ret);
}

static uint16_t
attr_be16(const struct nlattr *a)
{
	return a && mnl_attr_get_payload_len(a) == 2 ? ntohs(mnl_attr_get_u16(a)) : 0;
}

static uint64_t
attr_be64(const struct nlattr *a)
{
	return a && mnl_attr_get_payload_len(a) == 8 ? be64toh(mnl_attr_get_u64(a)) : 0;
}

static void
take_addr(const struct nlattr *a, struct addr *ret)
{
	size_t n = a ? mnl_attr_get_payload_len(a) : 0;

	*ret = (struct addr){ { 0 } };
	if (n == 4)
		ret->b[10] = ret->b[11] = 0xff;
	if (n == 4 || n == 16)
		memcpy(ret->b + 16 - n, mnl_attr_get_payload(a), n);
}

/* Id, type and code stand in a row. */
static void
take_icmp(const struct attrs *proto, uint16_t id, struct conntrack_tuple *ret)
{
	if (!proto->v[id] || !proto->v[id + 1] || !proto->v[id + 2])
		return;
	ret->sport = attr_be16(proto->v[id]);
	ret->dport = (uint16_t)(mnl_attr_get_u8(proto->v[id + 1]) << 8 |
	    mnl_attr_get_u8(proto->v[id + 2]));
}

static void
take_tuple(const struct nlattr *nest, struct conntrack_tuple *ret)
{
	struct attrs t, ip, proto;

	nested(nest, &t);
	nested(t.v[CTA_TUPLE_IP], &ip);
	nested(t.v[CTA_TUPLE_PROTO], &proto);
	take_addr(ip.v[CTA_IP_V4_SRC] ? ip.v[CTA_IP_V4_SRC] : ip.v[CTA_IP_V6_SRC], &ret->src);
	take_addr(ip.v[CTA_IP_V4_DST] ? ip.v[CTA_IP_V4_DST] : ip.v[CTA_IP_V6_DST], &ret->dst);
	if (proto.v[CTA_PROTO_NUM])
		ret->protocol = mnl_attr_get_u8(proto.v[CTA_PROTO_NUM]);
	ret->sport = attr_be16(proto.v[CTA_PROTO_SRC_PORT]);
	ret->dport = attr_be16(proto.v[CTA_PROTO_DST_PORT]);
	take_icmp(&proto, CTA_PROTO_ICMP_ID, ret);
	take_icmp(&proto, CTA_PROTO_ICMPV6_ID, ret);
}

struct walk {
	void (*fn)(void *ctx, const struct conntrack_flow *f);
	void *ctx;
};

static int
on_flow(const struct nlmsghdr *h, void *ctx)
{
	struct walk *w = ctx;
	struct attrs a = { { NULL } }, there, back;
	struct conntrack_flow f = { .id = 0 };

	mnl_attr_parse(h, sizeof(struct nfgenmsg), take_attr, &a);
	if (!a.v[CTA_TUPLE_ORIG] || !a.v[CTA_TUPLE_REPLY])
		return MNL_CB_OK;
	take_tuple(a.v[CTA_TUPLE_ORIG], &f.orig);
	take_tuple(a.v[CTA_TUPLE_REPLY], &f.reply);
	nested(a.v[CTA_COUNTERS_ORIG], &there);
	nested(a.v[CTA_COUNTERS_REPLY], &back);
	f.packets = attr_be64(there.v[CTA_COUNTERS_PACKETS]) + attr_be64(back.v[CTA_COUNTERS_PACKETS]);
	f.bytes = attr_be64(there.v[CTA_COUNTERS_BYTES]) + attr_be64(back.v[CTA_COUNTERS_BYTES]);
	f.id = attr_be32(a.v[CTA_ID]);
	f.mark = attr_be32(a.v[CTA_MARK]);
	f.status = attr_be32(a.v[CTA_STATUS]);
	f.timeout_s = attr_be32(a.v[CTA_TIMEOUT]);
	w->fn(w->ctx, &f);
	return MNL_CB_OK;
}

int
conntrack_each(struct conntrack *c, int family, void (*fn)(void *ctx, const struct conntrack_flow *f),
    void *ctx)
{
	struct walk w = { .fn = fn, .ctx = ctx };

	return talk(c, begin(c, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family), on_flow, &w);
}

static void
put_addr(struct nlmsghdr *h, uint16_t v4, uint16_t v6, const struct addr *a)
{
	size_t n = addr_is_v4(a) ? 4 : 16;

	mnl_attr_put(h, n == 4 ? v4 : v6, n, a->b + 16 - n);
}

/* ICMP is told apart by id, type and code, in attributes of their own. */
static void
put_proto(struct nlmsghdr *h, const struct conntrack_tuple *t)
{
	bool six = t->protocol == IPPROTO_ICMPV6;

	mnl_attr_put_u8(h, CTA_PROTO_NUM, t->protocol);
	if (t->protocol == IPPROTO_ICMP || six) {
		mnl_attr_put_u16(h, six ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, htons(t->sport));
		mnl_attr_put_u8(h, six ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE,
		    (uint8_t)(t->dport >> 8));
		mnl_attr_put_u8(h, six ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE,
		    (uint8_t)t->dport);
		return;
	}
	mnl_attr_put_u16(h, CTA_PROTO_SRC_PORT, htons(t->sport));
	mnl_attr_put_u16(h, CTA_PROTO_DST_PORT, htons(t->dport));
}

static void
put_tuple(struct nlmsghdr *h, uint16_t type, const struct conntrack_tuple *t)
{
	struct nlattr *nest = mnl_attr_nest_start(h, type);
	struct nlattr *ip = mnl_attr_nest_start(h, CTA_TUPLE_IP);

	put_addr(h, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &t->src);
	put_addr(h, CTA_IP_V4_DST, CTA_IP_V6_DST, &t->dst);
	mnl_attr_nest_end(h, ip);
	struct nlattr *proto = mnl_attr_nest_start(h, CTA_TUPLE_PROTO);
	put_proto(h, t);
	mnl_attr_nest_end(h, proto);
	mnl_attr_nest_end(h, nest);
}

static int
family_of(const struct conntrack_tuple *t)
{
	return addr_is_v4(&t->src) ? AF_INET : AF_INET6;
}

int
conntrack_cut(struct conntrack *c, const struct conntrack_flow *f)
{
	struct nlmsghdr *h = begin(c, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family_of(&f->orig));

	put_tuple(h, CTA_TUPLE_ORIG, &f->orig);
	if (f->id)
		mnl_attr_put_u32(h, CTA_ID, htonl(f->id));
	return talk(c, h, NULL, NULL);
}

int
conntrack_mark(struct conntrack *c, const struct conntrack_tuple *t, bool reply, uint32_t mark,
    uint32_t mask)
{
	struct nlmsghdr *h = begin(c, IPCTNL_MSG_CT_NEW, NLM_F_ACK, family_of(t));

	put_tuple(h, reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG, t);
	mnl_attr_put_u32(h, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(h, CTA_MARK_MASK, htonl(mask));
	return talk(c, h, NULL, NULL);
}

/* Flows are collected first: the dump must be over before anything is asked on the same socket. */
struct cutting {
	const struct cidr *nets;
	size_t nnets;
	struct conntrack_flow *v;
	size_t n, size;
};

static bool
concerns(const struct cutting *x, const struct conntrack_flow *f)
{
	for (size_t i = 0; i < x->nnets; i++)
		if (cidr_has(&x->nets[i], &f->orig.src) || cidr_has(&x->nets[i], &f->orig.dst) ||
		    cidr_has(&x->nets[i], &f->reply.src))
			return true;
	return false;
}

static void
collect(void *ctx, const struct conntrack_flow *f)
{
	struct cutting *x = ctx;

	if (!concerns(x, f))
		return;
	if (x->n == x->size) {
		size_t size = x->size ? x->size * 2 : 64;
		void *v = size <= CUT_MAX ? reallocarray(x->v, size, sizeof(*x->v)) : NULL;
		if (!v)
			return;
		x->v = v;
		x->size = size;
	}
	x->v[x->n++] = *f;
}

int
conntrack_cut_nets(struct conntrack *c, const struct cidr *nets, size_t n, uint32_t *ret_n)
{
	struct cutting x = { .nets = nets, .nnets = n };
	uint32_t cut = 0;
	int r = conntrack_each(c, AF_UNSPEC, collect, &x);

	for (size_t i = 0; i < x.n && r == 0; i++) {
		r = conntrack_cut(c, &x.v[i]);
		cut += r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	free(x.v);
	if (r == 0)
		*ret_n = cut;
	return r;
}
