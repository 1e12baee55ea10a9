/*
 * mppe: Microsoft point-to-point encryption (RFC 3078) over one direction of a link: key changes (RFC 3079), coherency
 * count, and what a gap in it means. Stateless or stateful, 40, 56 or 128 bits.
 */
#ifndef GUARITA_WIRE_MPPE_H
#define GUARITA_WIRE_MPPE_H

#include "wire/mschap.h"

/* Bits of the CCP option (RFC 3078 section 2). */
enum {
	MPPE_STATELESS = 0x01000000,
	MPPE_128 = 0x00000040,
	MPPE_56 = 0x00000080,
	MPPE_40 = 0x00000020,
	MPPC = 0x00000001,
};
#define MPPE_STRENGTHS (MPPE_40 | MPPE_56 | MPPE_128)

#define MPPE_EXPANDS 4                 /* protocol number and count before what is encrypted */
#define MPPE_COUNT 4096

struct mppe {
	struct rc4 *kept;              /* a stateful link's place in the key stream; a stateless one has none */
	uint8_t start[MPPE_KEY], session[MPPE_KEY], next[MPPE_KEY];
	uint8_t key_len;               /* 8 or 16 */
	uint32_t bits;                 /* of the option, one strength */
	uint16_t count;                /* of the last packet */
	bool flush;                    /* sender: the next packet begins anew; receiver: waits for one that does */
	bool fresh;                    /* no packet yet: the first has count 0 */
};

/* start: from mschap_keys(); bits: what CCP agreed on; kept: the caller's, of a stateful link, may be NULL for others. */
void mppe_begin(struct mppe *m, const uint8_t start[MPPE_KEY], uint32_t bits, struct rc4 *kept);
void mppe_end(struct mppe *m);
/*
 * Encrypts protocol and payload (in) to `out` of in.n + 2 bytes: flags and count, then the cipher text. Returns in.n + 2.
 */
size_t mppe_encrypt(struct mppe *m, struct str in, uint8_t *out);
/* The peer lost the thread: the next packet begins anew (RFC 3078 section 8.1). */
void mppe_reset(struct mppe *m);
/*
 * Decrypts one packet (flags and count first) to `out` of in.n - 2 bytes: the length. -EBADMSG: nonsense; -EAGAIN: a
 * stateful link lost packets, a Reset-Request must be sent; -EALREADY: late or repeated, drop it.
 */
int mppe_decrypt(struct mppe *m, struct str in, uint8_t *out) WARN_UNUSED;

#endif
