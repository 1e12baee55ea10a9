/*
 * engine: all tunnels and sessions of a process, both roles: RFC 2661 section 7. Datagrams and time come in,
 * datagrams and events go out. A tunnel is known by its own number, never by the peer's address alone: many clients may
 * stand behind one address, and many tunnels between one pair. Garbage leaves nothing behind.
 */
#ifndef GUARITA_GATE_L2TP_ENGINE_H
#define GUARITA_GATE_L2TP_ENGINE_H

#include "base/text.h"
#include "gate/l2tp/channel.h"
#include "gate/l2tp/due.h"

struct l2tp_peer {
	struct addr addr, local;       /* local: where the datagram was sent to, so that the answer comes from there */
	uint16_t port;
	uint32_t mark;                 /* of the protected way that it came by: two behind one address may have all else in common */
};

/* What the configuration says of a server, or of one that we dial. */
struct l2tp_terms {
	struct str host_name;          /* ours */
	struct str secret;             /* of tunnels; empty: none */
	int64_t hello_us;              /* a silent tunnel is asked after so long */
	unsigned max_tunnels;          /* of a server */
	unsigned max_starting;         /* of a server: half-open at the same time */
	unsigned max_per_source;       /* of a server: tunnels from one address, not yet established */
	bool server;
	bool hide;                     /* what may be hidden in control messages is; with a secret only */
};

enum l2tp_tunnel_state { L2TP_IDLE, L2TP_WAIT_REPLY, L2TP_WAIT_CONN, L2TP_ESTABLISHED, L2TP_LINGERING };
enum l2tp_session_state { L2TP_S_IDLE, L2TP_S_WAIT_TUNNEL, L2TP_S_WAIT_REPLY, L2TP_S_WAIT_CONNECT, L2TP_S_ESTABLISHED };

/* Why a tunnel or session ended. */
struct l2tp_end {
	uint16_t result, error;        /* 0: never told, the peer was silent */
	bool by_peer;
	bool tunnel;                   /* result is one of StopCCN, else of CDN */
	char text[80];                 /* the peer's words, escaped by who shows them */
};

struct l2tp_engine;
struct l2tp_tunnel;

struct l2tp_session {
	struct l2tp_tunnel *tunnel;
	struct l2tp_session *next, *prev;      /* of the tunnel */
	void *owner;                   /* the caller's */
	uint16_t id, peer_id;
	uint8_t state;                 /* enum l2tp_session_state */
	bool incoming;                 /* the peer asked for it */
	bool sequenced;                /* data carries Ns and Nr */
	uint16_t ns, nr;               /* of data */
	int64_t since_us;              /* it was asked for */
	uint32_t late;                 /* sequenced packets dropped because a newer one came before */
};

struct l2tp_tunnel {
	struct due_node due;
	struct l2tp_engine *engine;
	struct l2tp_tunnel *same_hash;
	const struct l2tp_terms *terms;
	struct l2tp_channel channel;
	struct l2tp_peer peer;
	struct l2tp_session *sessions;
	void *owner;                   /* of a dialled one */
	char *peer_name;
	int64_t hello_us, gone_us;     /* next HELLO, or the end of patience before it stands; when a lingering one is forgotten */
	bool counted;                  /* among those that never stood */
	bool doubted;                  /* the peer, or somebody, said that it is forgotten: it is asked */
	uint16_t id, peer_id;
	uint8_t state;                 /* enum l2tp_tunnel_state */
	uint8_t challenge[16];         /* ours, unanswered */
	uint64_t tie;                  /* of one that we dial while others may dial us; 0: none */
	struct l2tp_end end;
};

struct l2tp_counters {
	uint64_t datagrams, garbage, unknown, refused, versions, unauthorised, limited, accepted;
};

struct l2tp_calls {
	void (*send)(void *ctx, const struct l2tp_peer *to, struct str datagram);
	uint64_t (*random)(void *ctx);
	/*
	 * A session is there: 0, or a CDN result to refuse it. Set s->owner. said: the peer's ICCN, for the call; NULL: we
	 * dialled.
	 */
	uint16_t (*session_open)(void *ctx, struct l2tp_session *s, const struct l2tp_message *said);
	void (*session_closed)(void *ctx, struct l2tp_session *s, const struct l2tp_end *why);
	/* A dialled tunnel ended, its sessions before it. t->owner is the one given to l2tp_dial(). */
	void (*tunnel_closed)(void *ctx, struct l2tp_tunnel *t, const struct l2tp_end *why);
};

struct l2tp_engine {
	const struct l2tp_calls *calls;
	void *ctx;
	const struct l2tp_terms *server;       /* NULL: no tunnel is accepted */
	struct l2tp_tunnel **tunnels;          /* by id, 65536 */
	struct l2tp_session **sessions;        /* by id, 65536 */
	struct l2tp_tunnel **hashed;           /* by peer and its id: to know a repeated SCCRQ */
	struct due_heap due;
	uint64_t seed;
	int64_t now_us;
	int64_t forgetful_until_us;    /* a process before us may have had tunnels that their peers hold for standing; 0: none had */
	uint32_t ntunnels, nsessions, nstarting;
	int64_t refusal_us;            /* refusals of unknown senders are rationed */
	unsigned refusals;
	struct l2tp_counters counters;
};

struct l2tp_engine *l2tp_engine_new(const struct l2tp_calls *calls, void *ctx, const struct l2tp_terms *server);
void l2tp_engine_free(struct l2tp_engine *e);  /* sends nothing, calls nothing */
/*
 * A datagram came. 1: a PPP frame for *ret_session in *ret_frame; 0: it was a control message, or nothing. Data from
 * another address than the tunnel's is given too: `moved` says so, and nothing of ours changes.
 */
int l2tp_receive(struct l2tp_engine *e, int64_t now_us, const struct l2tp_peer *from, struct str datagram,
    struct l2tp_session **ret_session, struct str *ret_frame, bool *ret_moved) WARN_UNUSED;
/* Opens a tunnel and, when it stands, one session in it. NULL: no memory or no number is left. */
struct l2tp_tunnel *l2tp_dial(struct l2tp_engine *e, int64_t now_us, const struct l2tp_peer *to, const struct l2tp_terms *terms,
    void *owner);
/* Ends it with a word to the peer; session_closed() is called before it returns. The last session takes its tunnel along. */
void l2tp_session_close(struct l2tp_session *s, int64_t now_us, uint16_t result, struct str text);
void l2tp_tunnel_close(struct l2tp_tunnel *t, int64_t now_us, uint16_t result, uint16_t error, struct str text);
/* Every tunnel, because the program ends: one StopCCN each, without waiting. */
void l2tp_stop_all(struct l2tp_engine *e, int64_t now_us);
/* The peer has proved that it is now there. */
void l2tp_tunnel_follow(struct l2tp_tunnel *t, const struct l2tp_peer *to);
int64_t l2tp_due(const struct l2tp_engine *e);
void l2tp_tick(struct l2tp_engine *e, int64_t now_us);

#define L2TP_DATA_HEAD_MAX 10
/* The head of the next data packet; its length. */
size_t l2tp_data_head(struct l2tp_session *s, uint8_t dst[L2TP_DATA_HEAD_MAX]);
/* In words: "the other side is shutting down (its words: ...)". */
void l2tp_end_show(const struct l2tp_end *end, struct buf *out);

/* For the files of the engine among themselves. */
bool l2tp_peer_same(const struct l2tp_peer *a, const struct l2tp_peer *b);     /* whatever address of ours they speak to */
void l2tp_tunnel_receive(struct l2tp_tunnel *t, const struct l2tp_peer *from, const struct l2tp_head *h);
void l2tp_tunnel_accept(struct l2tp_engine *e, const struct l2tp_peer *from, const struct l2tp_head *h,
    const struct l2tp_message *m);
void l2tp_tunnel_tick(struct l2tp_tunnel *t);
void l2tp_tunnel_doubt(struct l2tp_tunnel *t);        /* asks whether it still stands, and waits little for the answer */
void l2tp_tunnel_free(struct l2tp_tunnel *t);
void l2tp_tunnel_send(struct l2tp_tunnel *t, struct enc *e);          /* the message that l2tp_begin() began */
void l2tp_tunnel_end(struct l2tp_tunnel *t, const struct l2tp_end *why);      /* sessions gone, events told, it lingers */
void l2tp_session_message(struct l2tp_tunnel *t, uint16_t session, const struct l2tp_message *m);
void l2tp_session_dial(struct l2tp_tunnel *t);
void l2tp_session_gone(struct l2tp_session *s, const struct l2tp_end *why);   /* tells its owner and frees it */
/* Both dialled at the same time and the peer's call counts: ours is gone without a word. */
void l2tp_tunnel_yield(struct l2tp_tunnel *t);
struct l2tp_tunnel *l2tp_tunnel_new(struct l2tp_engine *e, const struct l2tp_peer *peer, const struct l2tp_terms *terms);
uint32_t l2tp_hash(const struct l2tp_engine *e, const struct l2tp_peer *p, uint16_t peer_id);
void l2tp_engine_hash(struct l2tp_engine *e, struct l2tp_tunnel *t);
void l2tp_engine_unhash(struct l2tp_engine *e, struct l2tp_tunnel *t);
uint16_t l2tp_free_tunnel_id(struct l2tp_engine *e);   /* 0: none */
uint16_t l2tp_free_session_id(struct l2tp_engine *e);

#endif
