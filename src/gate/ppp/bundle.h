/*
 * bundle: packets put together from the fragments that one link carries (RFC 1990 section 4.2). Fragments may overtake each
 * other and may be lost: the newest few are kept, no time is waited, and what is never whole is overwritten and counted.
 * Memory is of one size, whatever comes.
 */
#ifndef GUARITA_GATE_PPP_BUNDLE_H
#define GUARITA_GATE_PPP_BUNDLE_H

#include "wire/ppp.h"

#define BUNDLE_PIECES 16               /* kept; the numbers of the wire (2^24) are a multiple of it */

struct ppp_piece {
	bool held, first, last;
	uint32_t number;
	uint16_t n;
	uint8_t bytes[PPP_MRRU_MAX];
};

struct ppp_bundle {
	uint32_t newest;
	bool any;                      /* a fragment came: newest is true */
	uint64_t whole, lost, late;    /* packets put together; fragments that never became one; those too old, or seen before */
	struct ppp_piece pieces[BUNDLE_PIECES];
	uint8_t packet[PPP_MRRU_MAX];
};

/*
 * A fragment came. 1: with it a packet of at most `most` (PPP_MRRU_MAX) bytes is whole, in *ret_packet until the next
 * one; 0: not yet.
 */
int ppp_bundle_take(struct ppp_bundle *b, const struct ppp_fragment *f, size_t most, struct str *ret_packet) WARN_UNUSED;

#endif
