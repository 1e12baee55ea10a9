/* nft_trace: see nft_trace.h. Must never take a word of another kind for one of a trace. */
#include "sys/nft_trace.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/attrs.h"
#include "sys/file.h"
#include "sys/sock.h"

#define RECEIVE (1 << 20)

int
nft_trace_open(void)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), group = NFNLGRP_NFTRACE, r = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		r = -errno;
	if (r == 0)
		r = fd_set_nonblock(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	(void)sock_set_rcvbuf(fd, RECEIVE);
	return fd;
}

static struct str
attr_bytes(const struct nlattr *a)
{
	return a ? str_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)) : STR_NULL;
}

static struct str
attr_name(const struct nlattr *a)
{
	struct str s = attr_bytes(a);

	return str_head(s, str_find_byte(s, '\0'));
}

static enum nft_trace_verdict
verdict_of(uint32_t code)
{
	switch ((int)code) {
	case NFT_CONTINUE:
	case NFT_RETURN:
		return NFT_TRACE_GO_ON;
	case NFT_JUMP:
	case NFT_GOTO:
		return NFT_TRACE_JUMP;
	}
	/* Besides, a verdict may carry a number: an errno, a queue. All but accept end the packet's way here. */
	return (code & NF_VERDICT_MASK) == NF_ACCEPT ? NFT_TRACE_ACCEPT : NFT_TRACE_DROP;
}

struct reading {
	void (*fn)(void *ctx, const struct nft_trace *t);
	void *ctx;
	int n;
};

static int
on_trace(const struct nlmsghdr *h, void *ctx)
{
	struct reading *r = ctx;
	struct attrs a = { { NULL } }, verdict = { { NULL } };
	struct nft_trace t = { .packet = 0 };

	if (h->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_TRACE) ||
	    mnl_attr_parse(h, sizeof(struct nfgenmsg), take_attr, &a) < 0)
		return MNL_CB_OK;
	uint32_t type = attr_be32(a.v[NFTA_TRACE_TYPE]);
	t.kind = type == NFT_TRACETYPE_POLICY ? NFT_TRACE_POLICY : type == NFT_TRACETYPE_RULE ? NFT_TRACE_RULE
											       : NFT_TRACE_RETURN;
	t.packet = attr_be32(a.v[NFTA_TRACE_ID]);
	t.table = attr_name(a.v[NFTA_TRACE_TABLE]);
	t.chain = attr_name(a.v[NFTA_TRACE_CHAIN]);
	if (a.v[NFTA_TRACE_RULE_HANDLE] && mnl_attr_get_payload_len(a.v[NFTA_TRACE_RULE_HANDLE]) == 8)
		t.handle = be64toh(mnl_attr_get_u64(a.v[NFTA_TRACE_RULE_HANDLE]));
	if (a.v[NFTA_TRACE_VERDICT] && mnl_attr_parse_nested(a.v[NFTA_TRACE_VERDICT], take_attr, &verdict) >= 0)
		t.verdict = verdict_of(attr_be32(verdict.v[NFTA_VERDICT_CODE]));
	else if (t.kind == NFT_TRACE_POLICY)
		t.verdict = verdict_of(attr_be32(a.v[NFTA_TRACE_POLICY]));
	t.in = attr_be32(a.v[NFTA_TRACE_IIF]);
	t.out = attr_be32(a.v[NFTA_TRACE_OIF]);
	t.mark = attr_be32(a.v[NFTA_TRACE_MARK]);
	t.network = attr_bytes(a.v[NFTA_TRACE_NETWORK_HEADER]);
	t.transport = attr_bytes(a.v[NFTA_TRACE_TRANSPORT_HEADER]);
	r->fn(r->ctx, &t);
	r->n++;
	return MNL_CB_OK;
}

int
nft_trace_read(int fd, void *buffer, size_t size, void (*fn)(void *ctx, const struct nft_trace *t), void *ctx)
{
	struct reading r = { .fn = fn, .ctx = ctx };
	ssize_t n = recv(fd, buffer, size, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (mnl_cb_run(buffer, (size_t)n, 0, 0, on_trace, &r) < 0)
		return -errno;
	return r.n;
}
