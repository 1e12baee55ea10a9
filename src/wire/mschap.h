/*
 * mschap: MS-CHAPv2 (RFC 2759) and the MPPE keys that follow from it (RFC 3079). Pure arithmetic: challenges are handed
 * in. Passwords are UTF-8 and become UTF-16 as Windows hashes them.
 */
#ifndef GUARITA_WIRE_MSCHAP_H
#define GUARITA_WIRE_MSCHAP_H

#include "wire/legacy.h"

#define MSCHAP_CHALLENGE 16
#define MSCHAP_NT_HASH 16
#define MSCHAP_NT_RESPONSE 24
#define MSCHAP_PASSWORD_MAX 256        /* characters, as in RFC 2759 section 8.1 */
#define MSCHAP_PROOF 42                /* "S=" and 40 hexadecimal digits */
#define MPPE_KEY 16

/* The value of a Response packet (section 4): 49 bytes. */
#define MSCHAP_RESPONSE 49
struct mschap_response {
	uint8_t peer_challenge[MSCHAP_CHALLENGE];
	uint8_t nt_response[MSCHAP_NT_RESPONSE];
};

/* What both sides hold of one password. */
int mschap_nt_hash(struct str password, uint8_t ret[MSCHAP_NT_HASH]) WARN_UNUSED;   /* -EINVAL: not UTF-8, or too long */
/* `user` without a domain before it: mschap_user(). */
void mschap_answer(const uint8_t authenticator[MSCHAP_CHALLENGE], const uint8_t peer[MSCHAP_CHALLENGE], struct str user,
    const uint8_t nt_hash[MSCHAP_NT_HASH], uint8_t ret[MSCHAP_NT_RESPONSE]);
/* The authenticator's own proof that it knows the password: section 8.7. */
void mschap_proof(const uint8_t nt_hash[MSCHAP_NT_HASH], const uint8_t authenticator[MSCHAP_CHALLENGE],
    const struct mschap_response *r, struct str user, char ret[MSCHAP_PROOF]);
/* "DOMAIN\user" is hashed as "user". */
struct str mschap_user(struct str name);
int mschap_response_read(struct str value, struct mschap_response *ret) WARN_UNUSED;
void mschap_response_write(const struct mschap_response *r, uint8_t ret[MSCHAP_RESPONSE]);

/* The 128-bit start keys (RFC 3079 section 3.4) as the authenticator (server) or the other side uses them. */
void mschap_keys(const uint8_t nt_hash[MSCHAP_NT_HASH], const uint8_t nt_response[MSCHAP_NT_RESPONSE], bool server,
    uint8_t ret_send[MPPE_KEY], uint8_t ret_recv[MPPE_KEY]);

#endif
