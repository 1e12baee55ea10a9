/* nflog: see nflog.h. Must never look into a packet. */
#include "sys/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/attrs.h"
#include "sys/sock.h"

static struct nlmsghdr *
config(char *at, uint16_t group, uint8_t family, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);

	h->nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	struct nfgenmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->nfgen_family = family;
	m->version = NFNETLINK_V0;
	m->res_id = htons(group);
	return h;
}

/* The kernel's answer to one configuration message. */
static int
ask(int fd, struct nlmsghdr *h)
{
	char answer[4096];

	if (send(fd, h, h->nlmsg_len, 0) < 0)
		return -errno;
	ssize_t n = recv(fd, answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	return mnl_cb_run(answer, (size_t)n, 0, 0, NULL, NULL) < 0 ? -errno : 0;
}

static int
bind_group(int fd, uint16_t group, uint32_t snap)
{
	char bytes[512];
	struct nfulnl_msg_config_cmd cmd = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_mode = NFULNL_COPY_PACKET,
		.copy_range = htonl(snap) };
	struct nlmsghdr *h = config(bytes, group, AF_UNSPEC, NLM_F_ACK);

	mnl_attr_put(h, NFULA_CFG_CMD, sizeof(cmd), &cmd);
	int r = ask(fd, h);
	if (r < 0)
		return r;
	h = config(bytes, group, AF_UNSPEC, NLM_F_ACK);
	mnl_attr_put(h, NFULA_CFG_MODE, sizeof(mode), &mode);
	/* Every packet at once: an attack should not wait for company. */
	mnl_attr_put_u32(h, NFULA_CFG_QTHRESH, htonl(1));
	return ask(fd, h);
}

int
nflog_open(uint16_t group, uint32_t snap, int rcvbuf)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		return -errno;
	int r = bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0 ? -errno : 0;
	if (r == 0)
		r = bind_group(fd, group, snap);
	if (r == 0)
		r = fd_set_nonblock(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	(void)sock_set_rcvbuf(fd, rcvbuf);
	return fd;
}

struct reading {
	void (*fn)(void *ctx, const struct nflog_packet *p);
	void *ctx;
	int n;
};

static int
on_packet(const struct nlmsghdr *h, void *ctx)
{
	struct reading *r = ctx;
	struct attrs a = { { NULL } };
	struct nflog_packet p = { .in = 0 };

	if (h->nlmsg_type != ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET) ||
	    mnl_attr_parse(h, sizeof(struct nfgenmsg), take_attr, &a) < 0)
		return MNL_CB_OK;
	if (a.v[NFULA_PREFIX]) {
		p.prefix = str_of(mnl_attr_get_payload(a.v[NFULA_PREFIX]),
		    mnl_attr_get_payload_len(a.v[NFULA_PREFIX]));
		p.prefix.n = str_find_byte(p.prefix, '\0');
	}
	if (a.v[NFULA_PAYLOAD])
		p.payload = str_of(mnl_attr_get_payload(a.v[NFULA_PAYLOAD]),
		    mnl_attr_get_payload_len(a.v[NFULA_PAYLOAD]));
	if (a.v[NFULA_PACKET_HDR] && mnl_attr_get_payload_len(a.v[NFULA_PACKET_HDR]) >=
	    sizeof(struct nfulnl_msg_packet_hdr)) {
		const struct nfulnl_msg_packet_hdr *ph = mnl_attr_get_payload(a.v[NFULA_PACKET_HDR]);
		p.protocol = ntohs(ph->hw_protocol);
		p.hook = ph->hook;
	}
	if (a.v[NFULA_HWADDR] && mnl_attr_get_payload_len(a.v[NFULA_HWADDR]) >=
	    sizeof(struct nfulnl_msg_packet_hw)) {
		const struct nfulnl_msg_packet_hw *hw = mnl_attr_get_payload(a.v[NFULA_HWADDR]);
		uint16_t n = ntohs(hw->hw_addrlen);
		p.hw = str_of((const char *)hw->hw_addr, n <= sizeof(hw->hw_addr) ? n : 0);
	}
	p.in = attr_be32(a.v[NFULA_IFINDEX_INDEV]);
	p.out = attr_be32(a.v[NFULA_IFINDEX_OUTDEV]);
	p.mark = attr_be32(a.v[NFULA_MARK]);
	r->fn(r->ctx, &p);
	r->n++;
	return MNL_CB_OK;
}

int
nflog_read(int fd, void *buffer, size_t size, void (*fn)(void *ctx, const struct nflog_packet *p),
    void *ctx)
{
	struct reading r = { .fn = fn, .ctx = ctx };
	ssize_t n = recv(fd, buffer, size, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (mnl_cb_run(buffer, (size_t)n, 0, 0, on_packet, &r) < 0)
		return -errno;
	return r.n;
}
