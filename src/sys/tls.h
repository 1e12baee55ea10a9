/*
 * tls: TLS (OpenSSL underneath) over bytes in memory: what came off the network is put in, what must
 * go out is taken out; who moves them is the caller's affair. Must never open a socket, and never
 * say that a peer is trusted whose key was not proved.
 *
 * Two kinds of trust. Between sites of ours: TLS 1.3, each side shows an Ed25519 key and the caller
 * compares it with the one that the configuration pins; there is no authority that could lie. With
 * strangers' syslog senders: certificates of files, TLS 1.2 or later (RFC 5425, RFC 9662).
 */
#ifndef GUARITA_SYS_TLS_H
#define GUARITA_SYS_TLS_H

#include <sys/types.h>

#include "base/buf.h"

#define TLS_KEY_BYTES 32               /* Ed25519, seed and public key alike */
#define TLS_NAME_MAX 256

struct tls_trust;                      /* who we are, and whom we believe */

/* From the seed of our key; it is not needed afterwards. 0, -ENOMEM or -EIO. */
int tls_trust_site(const uint8_t seed[TLS_KEY_BYTES], struct tls_trust **ret) WARN_UNUSED;

struct tls_files {
	const char *certificate, *key; /* PEM; both NULL: we show none */
	const char *authority;         /* PEM: who signs those whom we believe; NULL: nobody does */
	bool pinned;                   /* who is proved by nobody comes in too: the caller knows fingerprints */
};

/* 0, or -EINVAL with a sentence in `why`. */
int tls_trust_files(const struct tls_files *f, struct tls_trust **ret, struct buf *why) WARN_UNUSED;
void tls_trust_free(struct tls_trust *t);      /* accepts NULL */

struct tls;

enum tls_side { TLS_DIALS, TLS_ANSWERS };

/*
 * One connection. `name`: of the server that is dialled, checked against its certificate (RFC 6125:
 * the subject's alternative names); empty between sites.
 */
int tls_open(struct tls_trust *t, enum tls_side side, struct str name, struct tls **ret) WARN_UNUSED;
void tls_free(struct tls *t);                  /* accepts NULL; the session's keys are wiped */

/* Bytes from the network. 0 or -ENOMEM. */
int tls_put(struct tls *t, struct str bytes) WARN_UNUSED;
/* Goes on with the handshake: 1 when it is over, 0 when more bytes are needed, -EPROTO (tls_why). */
int tls_shake(struct tls *t) WARN_UNUSED;
/* Received text: its length, -EAGAIN, 0 when the peer ended in order, -EPROTO. */
ssize_t tls_read(struct tls *t, void *dst, size_t n) WARN_UNUSED;
/* Text to be sent: 0, or -EPROTO. */
int tls_write(struct tls *t, struct str text) WARN_UNUSED;
void tls_end(struct tls *t);                   /* tells the peer that this was all */
/* Appends what must go to the network. */
int tls_take(struct tls *t, struct buf *out) WARN_UNUSED;

/* After the handshake. The peer's Ed25519 key: 0, or -ENOKEY when it showed none or another kind. */
int tls_peer_key(const struct tls *t, uint8_t ret[TLS_KEY_BYTES]) WARN_UNUSED;
/*
 * The names of the peer's certificate, one after the other: DNS names, then addresses, and where it
 * has neither the common name. 0, or -ENOENT behind the last.
 */
int tls_peer_name(const struct tls *t, unsigned i, char dst[TLS_NAME_MAX]) WARN_UNUSED;
/* Its certificate leads to the authority, and is of this day; always so where no pinned ones are let in. */
bool tls_peer_proved(const struct tls *t);
/* SHA-256 of the peer's certificate (RFC 5425 section 4.2.2). */
int tls_peer_fingerprint(const struct tls *t, uint8_t ret[32]) WARN_UNUSED;
/* Why it failed, as the library says it; never empty. */
const char *tls_why(const struct tls *t);

/* Our own public key; and a new seed. */
int tls_public_key(const uint8_t seed[TLS_KEY_BYTES], uint8_t ret[TLS_KEY_BYTES]) WARN_UNUSED;
int tls_new_seed(uint8_t ret[TLS_KEY_BYTES]) WARN_UNUSED;
void tls_wipe(void *secret, size_t n);

#endif
