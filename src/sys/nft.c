/* nft: see nft.h. Must never touch a table that is not ours. */
#include "sys/nft.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/attrs.h"

#define BUFFER (256u << 10)
#define BATCH_ELEMENTS 400             /* so that the nested attributes of a message stay under 64 KiB */

struct nft {
	struct mnl_socket *socket;
	char *table;
	uint32_t seq;
	char bytes[BUFFER];
};

int
nft_open(const char *table, struct nft **ret)
{
	struct nft *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->table = strdup(table);
	n->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!n->table || !n->socket || mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int e = n->table ? -errno : -ENOMEM;
		nft_close(n);
		return e;
	}
	*ret = n;
	return 0;
}

void
nft_close(struct nft *n)
{
	if (!n)
		return;
	if (n->socket)
		mnl_socket_close(n->socket);
	free(n->table);
	free(n);
}

static struct nlmsghdr *
begin(struct nft *n, void *at, int type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);

	h->nlmsg_type = (uint16_t)((NFNL_SUBSYS_NFTABLES << 8) | type);
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++n->seq;
	struct nfgenmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->nfgen_family = NFPROTO_INET;
	m->version = NFNETLINK_V0;
	return h;
}

/* The frame of a transaction: begin or end. */
static size_t
put_frame(struct nft *n, void *at, uint16_t type)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = ++n->seq;
	struct nfgenmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->nfgen_family = AF_UNSPEC;
	m->version = NFNETLINK_V0;
	m->res_id = htons(NFNL_SUBSYS_NFTABLES);
	return h->nlmsg_len;
}

static int
receive(struct nft *n, uint32_t seq, mnl_cb_t cb, void *ctx)
{
	unsigned port = mnl_socket_get_portid(n->socket);

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(n->socket, n->bytes, sizeof(n->bytes));
		if (got < 0 && errno == EINTR)
			continue;
		int r = got < 0 ? -1 : mnl_cb_run(n->bytes, (size_t)got, seq, port, cb, ctx);
		if (r < 0)
			return -errno;
		if (r == MNL_CB_STOP)
			return 0;
	}
}

static void
put_data(struct nlmsghdr *h, uint16_t attr, const uint8_t *v, size_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(h, attr);

	mnl_attr_put(h, NFTA_DATA_VALUE, n, v);
	mnl_attr_nest_end(h, nest);
}

static void
put_element(struct nlmsghdr *h, const struct nft_element *e, bool add)
{
	struct nlattr *nest = mnl_attr_nest_start(h, NFTA_LIST_ELEM);

	put_data(h, NFTA_SET_ELEM_KEY, e->key, e->n);
	if (add && e->timeout_ms)
		mnl_attr_put_u64(h, NFTA_SET_ELEM_TIMEOUT, htobe64(e->timeout_ms));
	mnl_attr_nest_end(h, nest);
	if (!e->ranged || e->open_end)
		return;
	/*
	 * The end of an interval is an element of its own, with the first key behind it. It goes
	 * when the beginning goes, and may have no time-out.
	 */
	nest = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
	mnl_attr_put_u32(h, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	put_data(h, NFTA_SET_ELEM_KEY, e->end, e->n);
	mnl_attr_nest_end(h, nest);
}

/* One message with up to a batch of elements. */
static size_t
put_elements(struct nft *n, void *at, const char *set, const struct nft_element *v, size_t count,
    bool add, bool last)
{
	struct nlmsghdr *h = begin(n, at, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
	    (uint16_t)((add ? NLM_F_CREATE : 0) | (last ? NLM_F_ACK : 0)));

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, n->table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set);
	struct nlattr *nest = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < count; i++)
		put_element(h, &v[i], add);
	mnl_attr_nest_end(h, nest);
	return h->nlmsg_len;
}

enum { REMOVE = 1, ADD = 2 };

struct answers {
	uint32_t begin, last, seq;
	int error;
	bool done;
};

/*
 * The first refusal counts: what follows may only be its consequence. The last message is answered in any case, but where
 * the kernel gives up the transaction as a whole: then its begin is.
 */
static void
take_answers(struct answers *a, const char *bytes, size_t n)
{
	int left = (int)n;

	for (const struct nlmsghdr *h = (const void *)bytes; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
		if (h->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(h) < sizeof(*e))
			continue;
		if (e->error && !a->error) {
			a->error = e->error;
			a->seq = h->nlmsg_seq;
		}
		a->done |= h->nlmsg_seq == a->last || h->nlmsg_seq == a->begin;
	}
}

/* Until all answers are there: one that stayed behind would be taken for that to the next question. */
static int
hear(struct nft *n, struct answers *a)
{
	int r = 0;

	while (r == 0 && !a->done) {
		ssize_t got = mnl_socket_recvfrom(n->socket, n->bytes, sizeof(n->bytes));
		/* More refusals than the socket holds: enough are known. */
		if (got < 0 && errno == ENOBUFS)
			break;
		if (got < 0 && errno != EINTR)
			r = -errno;
		else if (got > 0)
			take_answers(a, n->bytes, (size_t)got);
	}
	while (r == 0 && !a->done && recv(mnl_socket_get_fd(n->socket), n->bytes, sizeof(n->bytes), MSG_DONTWAIT) >= 0)
		;
	return r < 0 ? r : a->error;
}

static int
change(struct nft *n, const char *set, const struct nft_element *v, size_t count, int what)
{
	while (count > 0) {
		size_t now = count < BATCH_ELEMENTS ? count : BATCH_ELEMENTS, at;
		struct answers a = { .begin = n->seq + 1 };
		at = put_frame(n, n->bytes, NFNL_MSG_BATCH_BEGIN);
		if (what & REMOVE)
			at += put_elements(n, n->bytes + at, set, v, now, false, what == REMOVE);
		if (what & ADD)
			at += put_elements(n, n->bytes + at, set, v, now, true, true);
		a.last = n->seq;
		at += put_frame(n, n->bytes + at, NFNL_MSG_BATCH_END);
		if (mnl_socket_sendto(n->socket, n->bytes, at) < 0)
			return -errno;
		int r = hear(n, &a);
		if (r < 0)
			return r;
		v += now;
		count -= now;
	}
	return 0;
}

int
nft_add(struct nft *n, const char *set, const struct nft_element *v, size_t count)
{
	return change(n, set, v, count, ADD);
}

int
nft_renew(struct nft *n, const char *set, const struct nft_element *v, size_t count)
{
	int r = change(n, set, v, count, REMOVE | ADD);

	/* One that is not there, or whose time was just over, cannot be removed: all are put in, and then they can be. */
	if (r == -ENOENT && (r = change(n, set, v, count, ADD)) == 0)
		r = change(n, set, v, count, REMOVE | ADD);
	return r;
}

int
nft_del(struct nft *n, const char *set, const struct nft_element *v, size_t count)
{
	return change(n, set, v, count, REMOVE);
}

int
nft_drop_table(struct nft *n)
{
	size_t at = put_frame(n, n->bytes, NFNL_MSG_BATCH_BEGIN);
	struct nlmsghdr *h = begin(n, n->bytes + at, NFT_MSG_DELTABLE, NLM_F_ACK);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, n->table);
	at += h->nlmsg_len;
	uint32_t seq = n->seq;
	at += put_frame(n, n->bytes + at, NFNL_MSG_BATCH_END);
	if (mnl_socket_sendto(n->socket, n->bytes, at) < 0)
		return -errno;
	return receive(n, seq, NULL, NULL);
}

/* Whole rulesets. */

uint32_t
nft_next(const struct nft *n)
{
	return n->seq + 2;             /* the frame's begin goes before */
}

static int
send_batch(struct nft *n, struct str messages, uint32_t last, bool check_only)
{
	char begin_[64], end_[64];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int size = (int)(2 * messages.n < INT_MAX ? 2 * messages.n : INT_MAX);

	size_t nbegin = put_frame(n, begin_, NFNL_MSG_BATCH_BEGIN);
	n->seq = last;
	size_t nend = put_frame(n, end_, NFNL_MSG_BATCH_END);
	struct iovec parts[] = { { begin_, nbegin }, { (void *)(uintptr_t)messages.p, messages.n }, { end_, nend } };
	/* Without its end the kernel looks at all of it, answers, and forgets it. */
	struct msghdr m = { .msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = parts, .msg_iovlen = check_only ? 2 : 3 };
	int fd = mnl_socket_get_fd(n->socket);

	/* One datagram, and all of it at once: the kernel's limit for a socket is far below, but for who may configure it. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		return -errno;
	return sendmsg(fd, &m, 0) < 0 ? -errno : 0;
}

int
nft_commit(struct nft *n, struct str messages, uint32_t last, bool check_only, uint32_t *ret_seq)
{
	struct answers a = { .begin = n->seq + 1, .last = last };
	int r = send_batch(n, messages, last, check_only);

	if (r == 0)
		r = hear(n, &a);
	*ret_seq = a.seq > a.begin ? a.seq : 0;
	return r;
}

/* What the kernel can do. */

static void
put_synproxy(struct nlmsghdr *h)
{
	struct nlattr *all = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS), *one = mnl_attr_nest_start(h, NFTA_LIST_ELEM);

	mnl_attr_put_strz(h, NFTA_EXPR_NAME, "synproxy");
	struct nlattr *data = mnl_attr_nest_start(h, NFTA_EXPR_DATA);
	mnl_attr_put_u16(h, NFTA_SYNPROXY_MSS, htons(1460));
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, one);
	mnl_attr_nest_end(h, all);
}

int
nft_has_synproxy(struct nft *n)
{
	static const char table[] = "guarita-trial", chain[] = "c";
	size_t at = put_frame(n, n->bytes, NFNL_MSG_BATCH_BEGIN);
	struct nlmsghdr *h = begin(n, n->bytes + at, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
	at += h->nlmsg_len;
	h = begin(n, n->bytes + at, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(h, NFTA_CHAIN_NAME, chain);
	at += h->nlmsg_len;
	h = begin(n, n->bytes + at, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_ACK);
	mnl_attr_put_strz(h, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, chain);
	put_synproxy(h);
	at += h->nlmsg_len;
	/* No end: the kernel answers, and forgets it all. */
	if (mnl_socket_sendto(n->socket, n->bytes, at) < 0)
		return -errno;
	return receive(n, n->seq, NULL, NULL);
}

/* Lists. */

static uint64_t
attr_be64(const struct nlattr *a)
{
	return a && mnl_attr_get_payload_len(a) == 8 ? be64toh(mnl_attr_get_u64(a)) : 0;
}

struct listing {
	void (*element)(void *ctx, const struct nft_element *e);
	void (*count)(void *ctx, const struct nft_count *c);
	void (*place)(void *ctx, const struct nft_place *p);
	void *ctx;
};

static void
take_element(struct listing *l, const struct nlattr *nest)
{
	struct attrs a = { { NULL } }, key = { { NULL } };
	struct nft_element e = { .n = 0 };

	mnl_attr_parse_nested(nest, take_attr, &a);
	if (!a.v[NFTA_SET_ELEM_KEY])
		return;
	mnl_attr_parse_nested(a.v[NFTA_SET_ELEM_KEY], take_attr, &key);
	if (!key.v[NFTA_DATA_VALUE])
		return;
	size_t n = mnl_attr_get_payload_len(key.v[NFTA_DATA_VALUE]);
	if (n > sizeof(e.key) || (a.v[NFTA_SET_ELEM_FLAGS] && mnl_attr_get_payload_len(
	    a.v[NFTA_SET_ELEM_FLAGS]) == 4 && ntohl(mnl_attr_get_u32(a.v[NFTA_SET_ELEM_FLAGS])) &
	    NFT_SET_ELEM_INTERVAL_END))
		return;
	memcpy(e.key, mnl_attr_get_payload(key.v[NFTA_DATA_VALUE]), n);
	e.n = (uint8_t)n;
	e.timeout_ms = attr_be64(a.v[NFTA_SET_ELEM_TIMEOUT]);
	e.expires_ms = attr_be64(a.v[NFTA_SET_ELEM_EXPIRATION]);
	l->element(l->ctx, &e);
}

static int
on_elements(const struct nlmsghdr *h, void *ctx)
{
	struct attrs a = { { NULL } };
	const struct nlattr *one;

	mnl_attr_parse(h, sizeof(struct nfgenmsg), take_attr, &a);
	if (a.v[NFTA_SET_ELEM_LIST_ELEMENTS])
		mnl_attr_for_each_nested(one, a.v[NFTA_SET_ELEM_LIST_ELEMENTS])
			take_element(ctx, one);
	return MNL_CB_OK;
}

int
nft_list(struct nft *n, const char *set, void (*fn)(void *ctx, const struct nft_element *e), void *ctx)
{
	struct nlmsghdr *h = begin(n, n->bytes, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	struct listing l = { .element = fn, .ctx = ctx };

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, n->table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set);
	if (mnl_socket_sendto(n->socket, h, h->nlmsg_len) < 0)
		return -errno;
	return receive(n, n->seq, on_elements, &l);
}

static int
on_counter(const struct nlmsghdr *h, void *ctx)
{
	struct listing *l = ctx;
	struct attrs a = { { NULL } }, data = { { NULL } };
	struct nft_count c = { .packets = 0 };

	mnl_attr_parse(h, sizeof(struct nfgenmsg), take_attr, &a);
	if (!a.v[NFTA_OBJ_NAME] || !a.v[NFTA_OBJ_DATA])
		return MNL_CB_OK;
	snprintf(c.name, sizeof(c.name), "%s", mnl_attr_get_str(a.v[NFTA_OBJ_NAME]));
	mnl_attr_parse_nested(a.v[NFTA_OBJ_DATA], take_attr, &data);
	c.packets = attr_be64(data.v[NFTA_COUNTER_PACKETS]);
	c.bytes = attr_be64(data.v[NFTA_COUNTER_BYTES]);
	l->count(l->ctx, &c);
	return MNL_CB_OK;
}

int
nft_counters(struct nft *n, void (*fn)(void *ctx, const struct nft_count *c), void *ctx)
{
	struct nlmsghdr *h = begin(n, n->bytes, NFT_MSG_GETOBJ, NLM_F_DUMP);
	struct listing l = { .count = fn, .ctx = ctx };

	mnl_attr_put_strz(h, NFTA_OBJ_TABLE, n->table);
	mnl_attr_put_u32(h, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	if (mnl_socket_sendto(n->socket, h, h->nlmsg_len) < 0)
		return -errno;
	return receive(n, n->seq, on_counter, &l);
}

/* The counter among a rule's expressions is a reference to an object. */
static void
take_counter(const struct nlattr *expressions, struct nft_place *p)
{
	const struct nlattr *one;

	mnl_attr_for_each_nested(one, expressions) {
		struct attrs expr = { { NULL } }, ref = { { NULL } };
		mnl_attr_parse_nested(one, take_attr, &expr);
		if (!expr.v[NFTA_EXPR_NAME] || !expr.v[NFTA_EXPR_DATA] ||
		    strcmp(mnl_attr_get_str(expr.v[NFTA_EXPR_NAME]), "objref") != 0)
			continue;
		mnl_attr_parse_nested(expr.v[NFTA_EXPR_DATA], take_attr, &ref);
		if (ref.v[NFTA_OBJREF_IMM_NAME])
			snprintf(p->counter, sizeof(p->counter), "%s", mnl_attr_get_str(ref.v[NFTA_OBJREF_IMM_NAME]));
	}
}

static int
on_place(const struct nlmsghdr *h, void *ctx)
{
	struct listing *l = ctx;
	struct attrs a = { { NULL } };
	struct nft_place p = { .handle = 0 };

	mnl_attr_parse(h, sizeof(struct nfgenmsg), take_attr, &a);
	if (!a.v[NFTA_RULE_CHAIN] || !a.v[NFTA_RULE_HANDLE])
		return MNL_CB_OK;
	snprintf(p.chain, sizeof(p.chain), "%s", mnl_attr_get_str(a.v[NFTA_RULE_CHAIN]));
	p.handle = attr_be64(a.v[NFTA_RULE_HANDLE]);
	if (a.v[NFTA_RULE_EXPRESSIONS])
		take_counter(a.v[NFTA_RULE_EXPRESSIONS], &p);
	l->place(l->ctx, &p);
	return MNL_CB_OK;
}

int
nft_places(struct nft *n, void (*fn)(void *ctx, const struct nft_place *p), void *ctx)
{
	struct nlmsghdr *h = begin(n, n->bytes, NFT_MSG_GETRULE, NLM_F_DUMP);
	struct listing l = { .place = fn, .ctx = ctx };

	mnl_attr_put_strz(h, NFTA_RULE_TABLE, n->table);
	if (mnl_socket_sendto(n->socket, h, h->nlmsg_len) < 0)
		return -errno;
	return receive(n, n->seq, on_place, &l);
}

/* Keys. */

struct nft_element
nft_key_addr(const struct addr *a)
{
	struct nft_element e = { .n = addr_is_v4(a) ? 4 : 16 };

	memcpy(e.key, a->b + 16 - e.n, e.n);
	return e;
}

struct nft_element
nft_key_net(const struct cidr *c)
{
	struct nft_element e = nft_key_addr(&c->net);
	unsigned bits = addr_is_v4(&c->net) ? c->bits - 96u : c->bits;

	/* The first address behind: one added at the prefix's last bit. */
	memcpy(e.end, e.key, e.n);
	e.ranged = e.open_end = true;
	for (unsigned i = bits; i-- > 0 && e.open_end;) {
		uint8_t bit = (uint8_t)(0x80u >> (i % 8));
		e.open_end = e.end[i / 8] & bit;
		e.end[i / 8] ^= bit;
	}
	return e;
}

struct nft_element
nft_key_port(const struct addr *a, uint8_t protocol, uint16_t port)
{
	struct nft_element e = nft_key_addr(a);

	e.key[e.n] = protocol;
	e.key[e.n + 4] = (uint8_t)(port >> 8);
	e.key[e.n + 5] = (uint8_t)port;
	e.n += 8;
	return e;
}

struct nft_element
nft_key_name(struct str interface)
{
	struct nft_element e = { .n = 16 };

	if (interface.n)
		memcpy(e.key, interface.p, interface.n < 15 ? interface.n : 15);
	return e;
}
