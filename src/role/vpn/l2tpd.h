/* tunnelling: what the files of l2tpd share: sockets, interfaces and the VPN between them. */
#ifndef GUARITA_ROLE_VPN_L2TPD_H
#define GUARITA_ROLE_VPN_L2TPD_H

#include "gate/l2tp/inform.h"
#include "gate/l2tp/offload.h"
#include "gate/l2tp/vpn.h"
#include "role/role.h"
#include "sys/loop.h"
#include "sys/tun.h"
#include "sys/udp.h"

struct tunnelling;

/* One interface: the server's, that of one user, or that of a headquarters. */
struct tunnel_end {
	struct tunnelling *owner;
	struct tun tun;
	struct poll *poll;
	uint16_t mtu;
	const struct vpn_user *user;   /* NULL: whoever the packet is for */
	struct vpn_call *call;         /* of the user or the dial, while it is up */
	struct vpn_dial *dial;         /* NULL: not one of ours to dial */
	uint8_t *held;                 /* the packet that asked for the dial, with its head; NULL: none */
	size_t nheld;
	const struct vpn_net *nets;    /* routes that lead here */
	uint32_t nnets;
	const struct net6 *nets6;
	uint32_t nnets6;
	uint32_t pinned_host, pinned_gateway;  /* with default-route: the way to the server */
	unsigned pinned_index;
	uint64_t no_call;              /* packets for nobody */
};

/* What a user's last connection, or try, came to. */
struct last_seen {
	int64_t at_us;                 /* of the wall clock; 0: never seen */
	char why[120];
};

struct tunnelling {
	struct role *role;
	struct l2tp_vpn vpn;
	struct vpn_server server;
	struct inform inform;          /* told to those who ask for it */
	struct vpn_user *users;
	struct last_seen *seen;        /* in their order */
	struct vpn_profile *profiles;  /* in the order of the configuration */
	struct vpn_dial *dials;
	const struct conf_vpn_headquarters *headquarters;
	struct tunnel_end *ends;
	uint32_t nends;
	struct udp *udp;
	struct poll *udp_poll;
	struct timer *timer;
	struct tunnel_radius *radius;  /* NULL: none is named */
	int link_fd;                   /* rtnetlink */
	int guard_fd;                  /* to the kernel's IPsec, while nothing may leave unprotected; -1: no need */
	struct chan *gate;             /* to netd; NULL: no gate runs */
	struct joiner joiner;
	struct tunnel_end *joining;    /* whose packets are in it */
	uint64_t random[32];           /* drawn ahead */
	unsigned nrandom;
	int logins, failures;          /* files of records; -1: none */
	uint64_t records_lost;         /* that a file did not take */
	uint64_t tun_lost;             /* packets that an interface did not take */
	bool stopping;
	uint8_t packet[OFFLOAD_HEAD + OFFLOAD_MAX + 1];
	uint8_t scratch[OFFLOAD_MAX + 1];
};

/* setup.c: what the configuration says, as the gate's structs; interfaces, addresses and fixed routes. */
int tunnelling_setup(struct tunnelling *t) WARN_UNUSED;
void tunnelling_teardown(struct tunnelling *t);
void tunnelling_call_up(struct tunnelling *t, struct vpn_call *c);
void tunnelling_call_down(struct tunnelling *t, struct vpn_call *c);

/* v6.c: the same of IPv6. */
struct net6 *tunnelling_v6_nets(struct arena *a, const struct conf_cidrs *c, uint32_t *ret_n);   /* NULL: no memory */
void tunnelling_v6_routes(struct tunnelling *t, const struct tunnel_end *e, const struct net6 *nets, uint32_t n, bool add);
void tunnelling_v6_open(struct tunnelling *t, const struct tunnel_end *e);     /* an interface of the server */
void tunnelling_v6_up(struct tunnelling *t, struct vpn_call *c, uint64_t was);
void tunnelling_v6_down(struct tunnelling *t, struct vpn_call *c);

/* data.c: packets. */
void tunnelling_on_udp(void *ctx, int events);
void tunnelling_on_tun(void *ctx, int events);     /* ctx: struct tunnel_end */
void tunnelling_release(struct tunnel_end *e);     /* sends the packet that waited */
void tunnelling_send(struct tunnelling *t, const struct l2tp_peer *to, struct str datagram);
void tunnelling_flush(struct tunnelling *t);

/* radius.c: does nothing where no RADIUS server is named. */
int tunnelling_radius_setup(struct tunnelling *t) WARN_UNUSED;
int tunnelling_radius_begin(struct tunnelling *t) WARN_UNUSED;
void tunnelling_radius_close(struct tunnelling *t);
bool tunnelling_radius_ask(struct tunnelling *t, struct vpn_call *c, const struct ppp_question *q);
void tunnelling_radius_up(struct tunnelling *t, struct vpn_call *c);
void tunnelling_radius_down(struct tunnelling *t, struct vpn_call *c);
void tunnelling_radius_status(const struct tunnelling *t, struct buf *json);

/* lists.c: who is connected, in the lists of the gate. */
void tunnelling_lists_link(struct tunnelling *t, int fd);
void tunnelling_lists_tell(struct tunnelling *t, const struct vpn_call *c, bool there);
void tunnelling_lists_close(struct tunnelling *t);

/* records.c: wtmp and btmp of the VPN. */
void tunnelling_records_open(struct tunnelling *t);
void tunnelling_records_close(struct tunnelling *t);
void tunnelling_records_up(struct tunnelling *t, const struct vpn_call *c);
void tunnelling_records_down(struct tunnelling *t, const struct vpn_call *c);

/* show.c */
void tunnelling_status(const struct tunnelling *t, struct buf *json);
void tunnelling_show_v4(uint32_t address, struct buf *out);
void tunnelling_show_dial(const struct tunnelling *t, const struct vpn_dial *d, struct buf *json);
void tunnelling_show_branch(const struct tunnelling *t, const struct vpn_call *c, struct buf *json);

/* A branch that should be connected and is not. */
void tunnelling_show_away(const struct tunnelling *t, uint32_t user, struct buf *json);
bool tunnelling_is_away(const struct tunnelling *t, uint32_t user);

/* orders.c: orders of the control socket. */
void tunnelling_order(struct tunnelling *t, const struct msg_order *m);

/* l2tpd.c */
void tunnelling_arm(struct tunnelling *t);
/* resolve.c: the name of a headquarters, without holding up anybody. */
void tunnelling_resolve(struct tunnelling *t, struct vpn_dial *d);

#endif
