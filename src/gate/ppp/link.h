/*
 * link: one PPP link, either side: LCP, then who you are, then encryption and addresses, then packets. Frames and time
 * come in, frames and events go out; chance is asked from the caller. Must never let a network packet pass before the
 * peer is known and, where it is required, the link is encrypted.
 */
#ifndef GUARITA_GATE_PPP_LINK_H
#define GUARITA_GATE_PPP_LINK_H

#include "base/text.h"
#include "gate/ppp/bundle.h"
#include "gate/ppp/fsm.h"
#include "wire/mppe.h"

#define PPP_NAME_MAX 128               /* bytes of a user's name */
#define PPP_PASSWORD_MAX 255

enum { PPP_AUTH_PAP = 1 << 0, PPP_AUTH_CHAP = 1 << 1, PPP_AUTH_MSCHAP2 = 1 << 2 };
enum ppp_encryption { PPP_ENCRYPT_NO, PPP_ENCRYPT_YES, PPP_ENCRYPT_REQUIRED };

/* What the configuration says of many links. IPv4 addresses are numbers in host order; 0: none. */
struct ppp_policy {
	bool server;                   /* we demand to know who the peer is, and give it its address */
	unsigned auth;                 /* PPP_AUTH_*: demanded by a server, or given by a client, the best first */
	enum ppp_encryption encryption;
	bool weak_keys;                /* 40 and 56 bits too */
	bool stateful;                 /* MPPE that changes its key every 256 packets, when the peer wants it */
	bool ipv6;
	bool ask_dns;                  /* of the server */
	uint16_t mru;
	uint16_t mrru;                 /* of packets that come in fragments, at most PPP_MRRU_MAX; 0: none are taken */
	uint32_t local;                /* our address; 0: the peer gives us one */
	uint64_t local_id;             /* of our IPv6 address on the link; 0: drawn */
	uint32_t dns[2], wins[2];      /* told to the peer */
	int64_t echo_us;               /* a silent link is asked after so long; 0: never */
	unsigned echo_tries;           /* silent for so many times that, it is dead */
	struct str name;               /* of ours, in challenges; a client's user */
	struct str password;           /* a client's */
};

/* What a server knows of one user. */
struct ppp_account {
	struct str password;
	const struct ppp_policy *policy;       /* that counts from now on; NULL: as before */
	void *owner;                   /* the caller's own row */
};

/* What a server that does not know a user itself asks of another. Slices live for the call. */
struct ppp_question {
	unsigned method;               /* one of PPP_AUTH_* */
	uint8_t id;
	struct str user, password;     /* password: of PAP */
	struct str challenge, value;
};

struct ppp_answer {
	bool good, silent;             /* silent: nobody answered */
	const struct ppp_policy *policy;       /* NULL: as before */
	void *owner;
	bool has_keys;
	uint8_t key_send[MPPE_KEY], key_recv[MPPE_KEY];
	char proof[MSCHAP_PROOF];      /* of MS-CHAPv2 */
};

enum ppp_reason {
	PPP_STILL_UP, PPP_PEER_CLOSED, PPP_ADMIN_CLOSED, PPP_NO_ANSWER, PPP_DEAD_PEER, PPP_LOOP, PPP_WRONG_PASSWORD,
	PPP_UNKNOWN_USER, PPP_NO_COMMON_AUTH, PPP_AUTH_TIMEOUT, PPP_SERVER_UNPROVEN, PPP_REFUSED_BY_SERVER,
	PPP_NO_ENCRYPTION, PPP_NO_ADDRESS, PPP_NO_NETWORK, PPP_CARRIER_LOST, PPP_IDLE, PPP_SESSION_OVER, PPP_REPLACED,
	PPP_ALREADY_HERE,
	PPP_ENCRYPTION_FAULT, PPP_RADIUS_REFUSED, PPP_RADIUS_SILENT,
	PPP_REASONS,
};

/* What happened, and what to change: with Windows' own error number where it would show one. */
const char *ppp_reason_text(enum ppp_reason r);
const char *ppp_reason_advice(enum ppp_reason r);      /* "" where there is nothing to say */

/* What another has settled with the caller in our name. Slices live for the call. */
struct ppp_proxy {
	struct str sent, received;     /* options of the last Configure-Request of each side, both acknowledged */
	unsigned method;               /* PPP_AUTH_CHAP or PPP_AUTH_PAP: he was asked so, and answered; 0: he was not */
	uint8_t id;                    /* of that answer */
	struct str name, challenge, response;  /* response: the password, of PAP */
};

struct ppp_calls {
	void (*send)(void *ctx, struct str frame);
	uint64_t (*random)(void *ctx);
	/* A server's: 0, or -ENOENT; slices must live until the next call of the link. */
	int (*account)(void *ctx, struct str user, struct ppp_account *ret);
	/* A server's, for who has no account: true, and ppp_auth_answer() comes later. May be NULL. */
	bool (*ask)(void *ctx, const struct ppp_question *q);
	/* The peer is known; the address to give it, 0: none is left. */
	uint32_t (*address)(void *ctx);
	void (*up)(void *ctx);                         /* packets may flow */
	void (*up6)(void *ctx);                        /* those of IPv6 too; may be NULL */
	void (*down)(void *ctx, enum ppp_reason why);  /* once, at the end, also of what never came up */
};

struct ppp_crypt;

struct ppp_link {
	const struct ppp_policy *policy;
	const struct ppp_calls *calls;
	void *ctx;
	int64_t now_us;                /* of the call at work */
	struct ppp_fsm lcp, ipcp, ipv6cp, ccp;
	uint8_t phase;                 /* enum ppp_phase */
	uint8_t reason;                /* enum ppp_reason: the first one counts */
	bool network_up, network6_up;
	/* LCP */
	uint32_t magic, peer_magic;
	uint16_t peer_mru, mru;
	uint16_t mrru;                 /* that the peer was told; 0: it does not send fragments */
	struct ppp_bundle *bundle;     /* NULL: no fragment came yet */
	uint8_t loops;
	unsigned demanded;             /* the method we ask of the peer now, and those not tried */
	unsigned untried;
	unsigned owed;                 /* the method the peer asks of us */
	/* Who are you */
	int64_t auth_due_us;
	uint8_t auth_id, auth_tries, auth_done;        /* bits: the peer is known, we are */
	uint8_t challenge[MSCHAP_CHALLENGE];
	uint8_t peer_challenge[MSCHAP_CHALLENGE];      /* that a client drew for its answer */
	bool asking;                   /* another is asked, the peer waits */
	bool answered;                 /* a client's answer is on its way: challenge and peer_challenge hold */
	uint8_t our_proof[MSCHAP_PROOF];               /* that a server must show us */
	bool has_keys;
	uint8_t key_send[MPPE_KEY], key_recv[MPPE_KEY];
	char *user;                    /* of the peer, as it said it */
	void *owner;                   /* of the account */
	/* Addresses */
	uint32_t local, remote, dns[2];
	uint64_t local_id, remote_id;  /* IPv6 interface identifiers */
	/* Encryption */
	uint32_t mppe_bits, peer_mppe_bits;
	struct ppp_crypt *crypt;       /* NULL: none */
	int64_t reset_sent_us;
	/* Keep-alive */
	int64_t echo_due_us, echo_sent_us, heard_us;
	uint8_t echo_id;
	uint32_t rtt_us, echoes, echoes_lost;
};

enum ppp_phase { PPP_DEAD, PPP_ESTABLISH, PPP_AUTHENTICATE, PPP_NETWORK, PPP_TERMINATE };

void ppp_link_init(struct ppp_link *l, const struct ppp_policy *p, const struct ppp_calls *calls, void *ctx);
void ppp_link_free(struct ppp_link *l);        /* wipes; sends nothing, calls nothing */
/* The session below is there. */
void ppp_link_start(struct ppp_link *l, int64_t now_us);
/* The same where another has begun. False: nothing of it counts, and nothing was sent; ppp_link_start() is for the caller. */
bool ppp_link_adopt(struct ppp_link *l, int64_t now_us, const struct ppp_proxy *p);
/* Ends it politely; down() comes when the peer agreed, or after a while. */
void ppp_link_close(struct ppp_link *l, int64_t now_us, enum ppp_reason why);
/* The session below is gone. */
void ppp_link_lost(struct ppp_link *l, int64_t now_us);
/*
 * A frame came. 1: a network packet for the caller in *ret_payload (in the frame, or in scratch where it was
 * encrypted), protocol in *ret_protocol. 0: it was for the link itself, or is to be dropped. scratch has frame.n bytes, and
 * no fewer than PPP_MRRU_MAX where fragments may come. A packet made of fragments stays until the next one.
 */
int ppp_link_receive(struct ppp_link *l, int64_t now_us, struct str frame, uint8_t *scratch,
    uint16_t *ret_protocol, struct str *ret_payload) WARN_UNUSED;
/* Bytes before a packet that is not encrypted: FF 03 00 21. An encrypted one: ppp_link_seal(). */
bool ppp_link_encrypts(const struct ppp_link *l);
/* Writes the whole frame of one packet; out has room for payload.n + PPP_HEAD + MPPE_EXPANDS. Its length. */
size_t ppp_link_seal(struct ppp_link *l, uint16_t protocol, struct str payload, uint8_t *out);
/* Asks the peer for a sign of life, out of turn. */
void ppp_echo_now(struct ppp_link *l, int64_t now_us);
/* The same with a packet of so many bytes, its head included. */
void ppp_echo_sized(struct ppp_link *l, int64_t now_us, size_t size);
/* The same without a copy: the head, after which the caller writes the payload; then the frame of n bytes is finished. */
size_t ppp_link_head(const struct ppp_link *l, uint16_t protocol, uint8_t *out);
void ppp_link_finish(struct ppp_link *l, uint8_t *out, size_t n);
int64_t ppp_link_due(const struct ppp_link *l);
void ppp_link_tick(struct ppp_link *l, int64_t now_us);
/* "MPPE-128 stateless", "none" */
const char *ppp_link_encoding(const struct ppp_link *l);
const char *ppp_auth_name(unsigned method);

/* For the parts of a link among themselves. */
extern const struct ppp_layer ppp_lcp, ppp_ipcp, ppp_ipv6cp, ppp_ccp;
void ppp_link_send(struct ppp_link *l, struct enc *e);        /* the packet that ppp_packet_begin() began */
void ppp_link_fail(struct ppp_link *l, enum ppp_reason why);  /* closes, remembering the first reason */
void ppp_link_check_network(struct ppp_link *l);              /* after a layer opened or closed */
void ppp_link_end(struct ppp_link *l);                        /* LCP is finished */
void ppp_protocol_refused(struct ppp_link *l, uint16_t protocol);
void ppp_auth_start(struct ppp_link *l);
/* As if the answer had come to us; what cannot be used is asked again. */
void ppp_auth_adopt(struct ppp_link *l, const struct ppp_proxy *p);
unsigned ppp_auth_of(struct str option);      /* the method that LCP_AUTH names, 0: none of ours */
void ppp_auth_stop(struct ppp_link *l);
void ppp_auth_receive(struct ppp_link *l, uint16_t protocol, struct str payload);
void ppp_auth_tick(struct ppp_link *l);
/* What the other said of the question that is open; without one it is too late. */
void ppp_auth_answer(struct ppp_link *l, int64_t now_us, const struct ppp_answer *a);
/* The peer goes on to the network: it has accepted us, and its success was lost. Of MS-CHAPv2 the proof is waited for. */
void ppp_auth_implied(struct ppp_link *l);
void ppp_auth_finished(struct ppp_link *l);                   /* both sides that had to be are known */
unsigned ppp_auth_best(unsigned methods);                     /* one bit of them */
void ppp_echo_tick(struct ppp_link *l);
void ppp_echo_begin(struct ppp_link *l);
void ppp_crypt_drop(struct ppp_link *l);                      /* wiped and freed, if there is one */
void ppp_ccp_begin(struct ppp_link *l);                       /* may encryption be asked for at all */

/* Of a stateful link two key streams follow; a stateless one begins its streams with each packet. */
struct ppp_crypt {
	struct mppe send, recv;
	bool kept;                     /* streams are there */
	struct rc4 streams[];
};

#endif
