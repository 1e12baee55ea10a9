/*
 * rtnet: links, addresses and routes of the kernel (rtnetlink over libmnl). What we add is tagged
 * with our protocol number, so that it can be told from what others added, also after a crash.
 */
#ifndef GUARITA_SYS_RTNET_H
#define GUARITA_SYS_RTNET_H

#include "base/text.h"

#define RTNET_PROTOCOL 71              /* of our routes and addresses; free in iproute2's list */
#define RTNET_NAME_MAX 16

struct rtnet;

struct rtnet_link {
	uint32_t index;
	char name[RTNET_NAME_MAX];
	char kind[16];                 /* "veth", "bridge" ...; empty: a plain device */
	uint8_t mac[6];
	bool has_mac, up, carrier;
	uint32_t mtu;
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, rx_dropped, tx_dropped;
};

struct rtnet_addr {
	uint32_t index;
	struct cidr at;                /* with host bits */
	uint8_t protocol;
	bool permanent;
};

struct rtnet_route {
	struct cidr to;
	struct addr via;               /* all zero: on the link */
	uint32_t index;                /* of the interface; 0: none */
	uint32_t metric, table;
	uint8_t protocol, type;        /* RTPROT_*, RTN_* */
	bool dead;                     /* the link is down */
};

typedef void rtnet_link_fn(void *ctx, const struct rtnet_link *l);
typedef void rtnet_addr_fn(void *ctx, const struct rtnet_addr *a);
typedef void rtnet_route_fn(void *ctx, const struct rtnet_route *r);

int rtnet_open(struct rtnet **ret) WARN_UNUSED;
void rtnet_close(struct rtnet *n);             /* accepts NULL */
/* Calls fn for each. -errno of the kernel, or of the socket. */
int rtnet_links(struct rtnet *n, rtnet_link_fn *fn, void *ctx) WARN_UNUSED;
int rtnet_addrs(struct rtnet *n, rtnet_addr_fn *fn, void *ctx) WARN_UNUSED;
/* Of the main table. */
int rtnet_routes(struct rtnet *n, rtnet_route_fn *fn, void *ctx) WARN_UNUSED;
/* Up or down; mtu 0: unchanged. */
int rtnet_link_set(struct rtnet *n, uint32_t index, bool up, uint32_t mtu) WARN_UNUSED;
/* -EEXIST: it is there already. The prefix's broadcast address follows from it. */
int rtnet_addr_add(struct rtnet *n, uint32_t index, const struct cidr *at) WARN_UNUSED;
int rtnet_addr_del(struct rtnet *n, uint32_t index, const struct cidr *at) WARN_UNUSED;
/* `replace`: takes the place of one with the same destination and metric; else -EEXIST. */
int rtnet_route_add(struct rtnet *n, const struct rtnet_route *r, bool replace) WARN_UNUSED;
/* Only one of our protocol. */
int rtnet_route_del(struct rtnet *n, const struct rtnet_route *r) WARN_UNUSED;
/*
 * A second socket, that gets readable when links or addresses change; rtnet_changed() empties it.
 */
int rtnet_watch(void) WARN_UNUSED;             /* the descriptor, or -errno */
bool rtnet_changed(int fd);

#endif
