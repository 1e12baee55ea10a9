/*
 * client: asks RADIUS servers who may come in, and tells them who came and went: RFC 2865, 2866, 5176. Questions are
 * repeated, then put to the next server; datagrams and time come in, datagrams and answers go out. Must never believe an
 * answer that is not proved.
 */
#ifndef GUARITA_GATE_RADIUS_CLIENT_H
#define GUARITA_GATE_RADIUS_CLIENT_H

#include "base/text.h"
#include "gate/l2tp/limits.h"
#include "wire/mschap.h"
#include "wire/radius.h"

#define RADIUS_SERVERS_MAX 4
#define RADIUS_PENDING 256             /* questions on their way: an identifier is one byte */
#define RADIUS_TRIES 3                 /* of one server */
#define RADIUS_ROUTES_MAX 16
#define RADIUS_CLASS_MAX 64
#define RADIUS_PREFIXES_MAX 4
#define RADIUS_WORD_MAX 63

struct radius_server {
	struct str secret;
	struct addr addr;
	uint16_t auth_port, acct_port;
	int64_t timeout_us;            /* of the first try; each further one waits twice as long */
};

enum radius_method { RADIUS_PAP, RADIUS_CHAP, RADIUS_MSCHAP2 };

/* Slices need live for the call only. */
struct radius_login {
	enum radius_method method;
	struct str user, password;     /* password: of PAP */
	uint8_t id;                    /* of the CHAP packet */
	struct str challenge, value;
	struct str calling, session;   /* the peer's address, our name of the session */
};

enum radius_verdict { RADIUS_SILENT, RADIUS_REFUSED, RADIUS_GRANTED };

struct radius_route {
	uint32_t net;
	uint8_t bits;
};

/* IPv4 addresses in host order; 0: nothing was said. */
struct radius_grant {
	enum radius_verdict verdict;
	uint32_t address;
	struct limits limits;
	int64_t interim_us;
	uint32_t dns[2], wins[2];
	struct radius_route routes[RADIUS_ROUTES_MAX];
	uint32_t nroutes;
	uint64_t prefix;               /* of IPv6, for the link; 0: nothing was said */
	struct radius_prefix { uint64_t net; uint8_t bits; } delegated[RADIUS_PREFIXES_MAX];   /* behind it */
	uint32_t ndelegated;
	char list[RADIUS_WORD_MAX + 1], pool[RADIUS_WORD_MAX + 1];     /* a list of the gate, a profile; foreign */
	bool has_keys, proven, must_encrypt;
	uint8_t key_send[MPPE_KEY], key_recv[MPPE_KEY];
	char proof[MSCHAP_PROOF];
	uint8_t class[RADIUS_CLASS_MAX];
	size_t nclass;
	char message[128];             /* the server's words, foreign */
};

enum radius_status { RADIUS_START = 1, RADIUS_STOP = 2, RADIUS_INTERIM = 3 };

struct radius_report {
	enum radius_status status;
	struct str user, calling, session, class;
	uint32_t address, seconds;
	uint32_t when;                 /* seconds since 1970 */
	uint32_t cause;                /* RFC 2866 section 5.10, of a stop */
	uint64_t in_bytes, out_bytes, in_packets, out_packets;
};

/* A server wants a session ended, or other limits for it. */
struct radius_order {
	bool disconnect;
	uint8_t id;
	uint8_t authenticator[RADIUS_AUTHENTICATOR];
	struct str user, session;      /* empty: any */
	uint32_t address;              /* 0: any */
	struct limits limits;          /* of a change: what is not 0 counts */
};

struct radius_calls {
	void (*send)(void *ctx, const struct radius_server *to, uint16_t port, struct str datagram);
	uint64_t (*random)(void *ctx);
	/* Of a login; owner as it was given. */
	void (*answer)(void *ctx, void *owner, const struct radius_grant *g);
};

struct radius_pending;

struct radius_counters {
	uint64_t logins, granted, refused, silent, reports, reports_lost, forged, stray, changes, changes_refused;
};

struct radius_client {
	const struct radius_calls *calls;
	void *ctx;
	const struct radius_server *servers;
	uint32_t nservers, current;    /* the one that answered last is asked first */
	struct str nas;                /* our name */
	struct radius_pending *pending;        /* by identifier */
	uint8_t next_id;
	uint32_t npending;
	struct radius_counters counters;
};

int radius_open(struct radius_client *c, const struct radius_calls *calls, void *ctx, const struct radius_server *servers,
    uint32_t nservers, struct str nas) WARN_UNUSED;
void radius_close(struct radius_client *c);    /* wipes; answers nothing */
/* 0, or -EBUSY: too many are on their way. answer() comes later, and never before this returned. */
int radius_ask(struct radius_client *c, int64_t now_us, const struct radius_login *login, void *owner) WARN_UNUSED;
/* The owner is gone: its answer is not wanted any more. */
void radius_forget(struct radius_client *c, const void *owner);
int radius_tell(struct radius_client *c, int64_t now_us, const struct radius_report *report) WARN_UNUSED;
void radius_receive(struct radius_client *c, const struct addr *from, uint16_t port, struct str datagram);
int64_t radius_due(const struct radius_client *c);     /* INT64_MAX: never */
void radius_tick(struct radius_client *c, int64_t now_us);
/*
 * A request came to our own port. 0: an order of a server that proved itself, whose slices live as long as the datagram;
 * -EPERM: of nobody we know, which is to be dropped without a word.
 */
int radius_order(struct radius_client *c, const struct addr *from, struct str datagram, struct radius_order *ret) WARN_UNUSED;
/* The answer to an order; error 0, or a number of RFC 5176 section 3.5. Its length, or 0. */
size_t radius_order_answer(const struct radius_client *c, const struct addr *from, const struct radius_order *order,
    uint32_t error, uint8_t out[RADIUS_MAX]);

/* grant.c: what an accepted login was given, in our terms. */
void radius_grant_read(const struct radius_packet *p, struct str secret, const uint8_t request[RADIUS_AUTHENTICATOR],
    struct radius_grant *ret);
void radius_limits_read(const struct radius_packet *p, struct limits *ret);

#endif
