/*
 * linkd: what the files of linkd share. A peer is another site of ours, known by its key; a way is
 * one connection with it, whoever dialled. At most one way a peer is used.
 */
#ifndef GUARITA_ROLE_LINK_LINKD_H
#define GUARITA_ROLE_LINK_LINKD_H

#include "gate/bans.h"
#include "role/role.h"
#include "role/link/secure.h"
#include "vault/witness.h"
#include "wire/site.h"

#define LINK_TICK_MS 1000
#define LINK_ALIVE_US (5 * WHEN_SECOND)        /* so often something is said */
#define LINK_DEAD_US (15 * WHEN_SECOND)        /* nothing heard for so long: it is cut */
#define LINK_CONNECT_US (3 * WHEN_SECOND)      /* unanswered: dialled anew, since the route may be another by now */
#define LINK_SHAKE_US (10 * WHEN_SECOND)       /* a stranger has so long to prove himself */
#define LINK_STRANGERS_MAX 64                  /* who are doing so at the same time */
#define LINK_DIAL_MAX_S 30                     /* between two tries */
#define LINK_LOGS_MAX 8                        /* of one site, of which it is known how far they are here */
#define LINK_ON_WAY 64                         /* frames of lines that a site did not acknowledge */

struct linking;
struct link_peer;

struct link_way {
	struct link_way *next, **link;         /* of all */
	struct linking *owner;
	struct link_peer *peer;                /* NULL: not known yet */
	struct secure *secure;
	bool dialled;                          /* by us */
	bool greeted;                          /* it said hello */
	int64_t since_us;                      /* monotonic */
	struct buf in;                         /* of a frame that is not whole yet */
	struct buf waiting;                    /* lines for the vault, which has no room */
	bool stalled;                          /* until it has; nothing more is read */
};

struct link_held {                             /* how far a log of a site is durable here */
	uint64_t log, next;
};

struct link_peer {
	struct linking *owner;
	const struct conf_peer *conf;
	uint8_t key[TLS_KEY_BYTES];
	struct link_way *way;                  /* NULL: not connected */
	char site[65];                         /* as it names itself */
	int64_t dial_us;                       /* monotonic: when it is tried next */
	unsigned tries;
	bool looking_up;
	int64_t said_us;                       /* monotonic: a frame was sent last */
	int64_t since_s;                       /* wall clock: connected, or not, since */
	char why[160];                         /* not connected: the end of a sentence */
	uint64_t connects, frames_in, frames_out;
	uint64_t bans_in, bans_out;

	/* Lines. lines.c */
	uint64_t log;                          /* of its vault; 0: it did not say */
	char origin[256];
	struct link_held held[LINK_LOGS_MAX];
	unsigned nheld;
	uint32_t turn_in, turn_out, their_turn;
	uint64_t on_way[LINK_ON_WAY];          /* entry behind each frame that it did not acknowledge */
	unsigned non_way;
	uint64_t lines_in, lines_out, lost_in, size_in, next_in;
	struct msg_lag lag;

	/* Witnesses. witness.c */
	char witness[512];                     /* its key as one; empty: it is none */
	char identity[512];                    /* key of its vault's log */
	int64_t attest_us;                     /* monotonic: our checkpoint is shown to it next */
	uint64_t attested;                     /* size of the one that it signed last */
	bool asked_again, refusal_told;
	struct buf shown;                      /* the note that it has now */
	uint64_t shown_size;
	unsigned answer;                       /* enum witness_status; 0: none yet */
	int64_t cosigned_s;                    /* wall clock, its own */
	uint64_t seen_size;                    /* of its log, which we signed */
	int64_t seen_s;
	const char *alarmed;                   /* what was wrong with its log */
	int64_t alarmed_us;
};

struct link_memory;                            /* what we have seen of somebody's log */

struct link_listener;                          /* of syslog over TLS */

struct linking {
	struct role *role;
	const struct conf_sites *conf;
	struct tls_trust *trust;
	uint8_t key[TLS_KEY_BYTES];            /* public */
	int listen_fd;
	struct poll *listener;
	struct timer *tick;
	struct link_way *ways;
	unsigned nstrangers;
	struct link_peer *peers;
	uint32_t npeers;
	uint64_t refused;                      /* connections of those who are no peer */
	char refused_why[160];
	unsigned lookups;                      /* on another thread now */

	struct bans *bans;                     /* what was heard and said, while it lasts */
	int journal;
	uint64_t journal_bytes;
	uint64_t bans_told;                    /* handed to netd */
	struct chan *watch, *guard;            /* to watchd and netd; NULL: not there */
	struct link_listener *listeners;
	uint32_t nlisteners;
	struct chan *intake;                   /* to intaked; NULL: not there */

	struct chan *vault;                    /* to vaultd; NULL: not there */
	uint64_t log;                          /* what it is called */
	struct buf origin, identity;

	uint8_t witness_seed[SIGN_SEED_BYTES];
	struct buf witness;                    /* our key as a witness, for others */
	struct link_memory *memories;
	size_t nmemories;
	bool stopping;
};

/* Ways. way.c */
void linking_accept(struct linking *l);
/* Dials who is due, drops who is silent, keeps the others awake. */
void linking_tend(struct linking *l, int64_t now_us);
void linking_drop_ways(struct linking *l);
/* Sends to a peer that said hello: 0, -ENOTCONN, or -errno (the way is then ended). */
int link_send(struct link_peer *p, const struct site_frame *f) WARN_UNUSED;
bool link_is_up(const struct link_peer *p);
/* The way is of no use any more. */
void link_drop(struct link_way *w, const char *why);
/* It was stalled: what was read and not looked at yet is. May end it. */
void link_way_go_on(struct link_way *w);

/* Looking names up. resolve.c */
void link_dial(struct link_peer *p);
/* Told with the address, or NULL and why. way.c */
void link_dial_to(struct link_peer *p, const struct sockaddr_storage *to, const char *why);

/* What peers say. frames.c: false when it must not be said. */
bool link_frame(struct link_peer *p, const struct site_frame *f);
/* It said hello: what is due to it is sent. */
void link_greet(struct link_peer *p);

/* Lines. lines.c */
void link_lines_greet(struct link_peer *p);
void link_lines_ended(struct link_peer *p);            /* it is not connected any more */
bool link_lines_vault(struct link_peer *p, const struct site_vault *f);
bool link_lines_stand(struct link_peer *p, const struct site_stand *f);
bool link_lines_heard(struct link_peer *p, const struct site_lines *f);
bool link_lines_have(struct link_peer *p, const struct site_have *f);
void link_lines_link(struct linking *l, int fd);       /* to vaultd */
void link_lines_close(struct linking *l);
void link_lines_show(const struct link_peer *p, struct buf *json);

/* Witnesses. witness.c */
int link_witness_open(struct linking *l, const uint8_t site_seed[TLS_KEY_BYTES]) WARN_UNUSED;
int link_witness_load(struct linking *l) WARN_UNUSED;
void link_witness_close(struct linking *l);
void link_witness_hello(struct link_peer *p, struct str key);
/* Our vault is there, and so is that site. */
void link_witness_greet(struct link_peer *p);
void link_witness_tend(struct link_peer *p, int64_t now_us);
void link_witness_attested(struct link_peer *p, const struct msg_attested *m);
bool link_witness_shown(struct link_peer *p, const struct site_checkpoint *f);
bool link_witness_answered(struct link_peer *p, const struct site_cosigned *f);
void link_witness_show(const struct link_peer *p, struct buf *json);

/* Showing. orders.c */
void link_show_peer(const struct link_peer *p, struct buf *json);
void link_order(struct linking *l, const struct msg_order *m);

/* Syslog over TLS. tls.c */
int link_tls_open(struct linking *l) WARN_UNUSED;      /* with all rights still */
int link_tls_begin(struct linking *l) WARN_UNUSED;
void link_tls_close(struct linking *l);
void link_tls_tend(struct linking *l, int64_t now_us);
void link_tls_link(struct linking *l, int fd);
void link_tls_status(const struct linking *l, struct buf *json);
/* The address as sock_tcp_listen() takes it; dst of 64 bytes. linkd.c */
void link_endpoint(const struct conf_endpoint *e, char dst[64]);

/* Bans. bans.c */
int link_bans_open(struct linking *l) WARN_UNUSED;
int link_bans_load(struct linking *l) WARN_UNUSED;
void link_bans_close(struct linking *l);
void link_bans_tick(struct linking *l);
/* To a peer that is new, or again there: all that is in force. */
void link_bans_tell(struct link_peer *p);
bool link_bans_heard(struct link_peer *p, const struct site_ban *f);
bool link_bans_pardoned(struct link_peer *p, const struct site_pardon *f);
void link_bans_link(struct linking *l, enum msg_peer peer, int fd);

#endif
