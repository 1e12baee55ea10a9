/*
 * A flow of foreign payloads: the first byte of each piece is its direction, protocol and length. It always ends and
 * never reads past a piece.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "gate/p2p/score.h"

static enum p2p_class
look_at_copy(struct p2p_flow *f, uint8_t head, struct str piece)
{
	char *copy = malloc(piece.n + 1);
	enum p2p_class is;

	CLAIM(copy);
	if (piece.n > 0)
		memcpy(copy, piece.p, piece.n);
	/* A copy of its own, so that a read past the piece is a read past the allocation. */
	is = p2p_look(f, head & 1 ? P2P_TCP : P2P_UDP, head & 2, str_of(copy, piece.n));
	(void)p2p_noise(str_of(copy, piece.n));
	free(copy);
	return is;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = fuzz_input(data, size);
	struct p2p_flow f = { 0 };
	unsigned looked = 0;

	while (rest.n > 0) {
		uint8_t head = (uint8_t)rest.p[0];
		struct str piece = str_head(str_from(rest, 1), head & 4 ? SIZE_MAX : head >> 3);
		bool done = p2p_done(&f);
		enum p2p_class is = look_at_copy(&f, head, piece);

		CLAIM(is < P2P_CLASSES && p2p_name(is));
		CLAIM(!done || is == P2P_NONE);
		looked += piece.n > 0 && !done;
		rest = str_from(rest, 1 + piece.n);
	}
	CLAIM(looked <= P2P_PACKETS_MAX);
	return 0;
}
