/*
 * vpn: the VPN without its sockets: tunnels, PPP links, users, addresses, and dialling for ever. What the role does
 * with packets and names it is told by hooks; time and chance are handed in.
 */
#ifndef GUARITA_GATE_L2TP_VPN_H
#define GUARITA_GATE_L2TP_VPN_H

#include "base/hash.h"
#include "gate/l2tp/engine.h"
#include "gate/l2tp/limits.h"
#include "gate/l2tp/ra.h"
#include "gate/l2tp/route.h"
#include "gate/ppp/link.h"
#include "gate/radius/client.h"

struct vpn_net {
	uint32_t net;
	uint8_t bits;
};

enum vpn_again { VPN_AGAIN_REPLACE, VPN_AGAIN_REFUSE, VPN_AGAIN_ALLOW };

/* What counts once it is known who calls. */
struct vpn_profile {
	struct str name;               /* empty: of one user, or of the server */
	struct str list;               /* of the gate: the peer's address is in it while it is up; empty: none */
	struct ppp_policy policy;
	const struct vpn_net *pool;
	uint32_t npool;
	const struct net6 *pool6;      /* each call gets 64 bits of it, for its own */
	uint32_t npool6;
	struct addr dns6[RA_SERVERS];
	uint32_t ndns6;
	struct limits limits;
	enum vpn_again again;          /* the same user while he is connected */
};

struct vpn_user {
	struct str name, password;
	uint32_t address;              /* always this; 0: from the pool */
	const struct vpn_net *nets;    /* of the branch behind it */
	uint32_t nnets;
	const struct net6 *nets6;
	uint32_t nnets6;
	uint64_t prefix;               /* of IPv6, always this; 0: from the pool */
	int tun;                       /* its own interface, -1: the shared one */
	const struct vpn_profile *profile;     /* NULL: the server's */
};

struct vpn_server {
	struct l2tp_terms terms;
	struct vpn_profile profile;    /* its policy holds for strangers too */
	const struct vpn_user *users;
	uint32_t nusers;
	uint32_t max_sessions;
	const struct vpn_profile *profiles;    /* those with a name, for RADIUS servers to speak of */
	uint32_t nprofiles;
	const struct net6 *push6;      /* what is reached through us; nothing: everything */
	uint32_t npush6;
	int tun;
};

enum vpn_dial_state { VPN_RESTING, VPN_WAITING, VPN_RESOLVING, VPN_DIALLING, VPN_UP };

struct vpn_call;

/* A headquarters that we dial. The first part is the configuration's. */
struct vpn_dial {
	struct l2tp_terms terms;
	struct ppp_policy policy;
	struct str host;               /* as written */
	uint16_t port;
	int tun;
	struct limits limits;          /* idle_us: it is dialled only when it is wanted, and left again; 0: always */
	struct due_node due;
	struct l2tp_vpn *vpn;
	uint8_t state;                 /* enum vpn_dial_state */
	struct l2tp_tunnel *tunnel;
	struct vpn_call *call;
	int64_t wait_us;               /* before the next try */
	uint64_t tries, ups;
	bool told;                     /* `last` is of this try */
	bool wanted;                   /* a packet asked for it since it was dialled last */
	bool left;                     /* by ourselves, because nobody wanted it any more */
	char last[256];                /* why it is not up, in words; "" while it is */
};

/* A session with its PPP link. */
struct vpn_call {
	struct due_node due;
	struct l2tp_vpn *vpn;
	struct l2tp_session *session;
	struct vpn_call *next, *prev;
	struct vpn_dial *dial;         /* NULL: the peer called us */
	const struct vpn_user *user;   /* NULL until it is known */
	struct ppp_link link;
	uint32_t address;              /* of the peer's end */
	uint64_t prefix;               /* of IPv6: given to the peer, or by the headquarters; 0: none */
	int64_t router_us;             /* when routers are spoken of again; DUE_NEVER: not */
	bool up;
	bool left;                     /* the peer itself said that it goes */
	int tun;
	int64_t began_us, up_us;
	int64_t probed_us;             /* the peer seemed to have moved, and was asked there */
	const struct l2tp_peer *answer_to;     /* while it is asked there, else NULL */
	uint64_t in_packets, in_bytes, out_packets, out_bytes;
	struct limits_state *limits;   /* NULL: none */
	struct vpn_granted *granted;   /* NULL: it is known by a `secret` */
	uint64_t key;                  /* names the session to others */
	int64_t told_us;               /* others heard of it last */
};

/* A user whom a RADIUS server knows, for as long as the call lasts. */
struct vpn_granted {
	struct vpn_user user;
	struct vpn_profile profile;
	struct vpn_net nets[RADIUS_ROUTES_MAX];
	struct net6 nets6[RADIUS_PREFIXES_MAX];
	char list[RADIUS_WORD_MAX + 1];
	int64_t interim_us;
	uint8_t class[RADIUS_CLASS_MAX];
	size_t nclass;
	char name[PPP_NAME_MAX + 1];
};

struct vpn_hooks {
	void (*send)(void *ctx, const struct l2tp_peer *to, struct str datagram);
	uint64_t (*random)(void *ctx);
	void (*up)(void *ctx, struct vpn_call *c);
	/* IPv6 flows; and again when a headquarters gave another prefix (was: the one before). May be NULL. */
	void (*up6)(void *ctx, struct vpn_call *c, uint64_t was);
	/* In every case, also of a call that never came up; the call is freed afterwards. */
	void (*down)(void *ctx, struct vpn_call *c, struct str why);
	/* Who has no secret here is asked for elsewhere: true, and vpn_answer() comes later. May be NULL. */
	bool (*ask)(void *ctx, struct vpn_call *c, const struct ppp_question *q);
	/* Look the host up, then vpn_dial_to() or vpn_dial_failed(), at once or later. */
	void (*resolve)(void *ctx, struct vpn_dial *d);
	void (*dial_failed)(void *ctx, struct vpn_dial *d);    /* d->last says why; it will be tried again */
};

struct l2tp_vpn {
	const struct vpn_hooks *hooks;
	void *ctx;
	struct l2tp_engine *engine;
	const struct vpn_server *server;       /* NULL: none */
	struct vpn_dial *dials;
	uint32_t ndials;
	struct vpn_call *calls;
	uint32_t ncalls, nup;
	struct due_heap due;
	struct l2tp_routes routes;     /* inner addresses of the shared interface */
	struct l2tp_routes taken;      /* addresses handed out */
	struct l2tp_routes routes6, taken6;    /* likewise of IPv6 */
	struct strmap names;           /* of users: their number */
	struct vpn_call **of_user;     /* by that number: the call that is his */
	int64_t now_us;
	uint64_t refused, logins, spoofed, limited;
	uint64_t adopted;              /* links that the peer had begun for us */
};

/* The server and the dials live as long as the VPN. 0 or -ENOMEM. */
int vpn_open(struct l2tp_vpn *v, const struct vpn_hooks *hooks, void *ctx, const struct vpn_server *server,
    struct vpn_dial *dials, uint32_t ndials) WARN_UNUSED;
void vpn_begin(struct l2tp_vpn *v, int64_t now_us);            /* dials at once */
void vpn_stop(struct l2tp_vpn *v, int64_t now_us);             /* tells every peer */
void vpn_free(struct l2tp_vpn *v);
/*
 * A datagram came. 1: an inner packet, in the datagram or in scratch (datagram.n bytes), of *ret_call. Packets whose
 * sender is not the call's own are dropped and counted.
 */
int vpn_receive(struct l2tp_vpn *v, int64_t now_us, const struct l2tp_peer *from, struct str datagram, uint8_t *scratch,
    struct vpn_call **ret_call, struct str *ret_packet) WARN_UNUSED;
/* The call that an inner packet read from the shared interface goes to; NULL: nobody. */
struct vpn_call *vpn_find(const struct l2tp_vpn *v, struct str packet);
#define VPN_OVERHEAD (L2TP_DATA_HEAD_MAX + PPP_HEAD + MPPE_EXPANDS)
/*
 * A datagram is made where it is sent from: the head for an inner packet of IP version 4 or 6, whose length is returned
 * and after which the packet is to be written (0: the call is not up); then the datagram of n bytes is finished.
 */
size_t vpn_head(struct vpn_call *c, unsigned version, uint8_t *out);
/* Whether so much may go to the peer now; what may not is counted. */
bool vpn_may_pass(struct vpn_call *c, size_t n, int64_t now_us);
void vpn_finish(struct vpn_call *c, uint8_t *out, size_t head, size_t n);
void vpn_dial_to(struct vpn_dial *d, int64_t now_us, const struct l2tp_peer *to);
void vpn_dial_failed(struct vpn_dial *d, int64_t now_us, const char *why);
void vpn_kick(struct vpn_call *c, int64_t now_us);
/* What was said of the question that hooks.ask() took. */
void vpn_answer(struct vpn_call *c, int64_t now_us, const struct radius_grant *g);
/* Other limits for one that is up. */
void vpn_limit(struct vpn_call *c, int64_t now_us, const struct limits *l);
void vpn_redial(struct vpn_dial *d, int64_t now_us);           /* without waiting any longer */
/* A packet for it came while it is not up. True: it will be dialled, and the packet is worth keeping till then. */
bool vpn_want(struct vpn_dial *d, int64_t now_us, struct str packet);
int64_t vpn_due(const struct l2tp_vpn *v);
void vpn_tick(struct l2tp_vpn *v, int64_t now_us);
struct str vpn_call_name(const struct vpn_call *c);            /* the user, or the host that was dialled */

#endif
