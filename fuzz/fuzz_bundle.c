/*
 * Fragments of multilink, cut from the input: four bytes of head, one of length, then so much data. No packet is longer than
 * what was offered, and none is made of bytes that did not come.
 */
#include "fuzz.h"
#include "gate/ppp/bundle.h"

#define MOST 64

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of(fuzz_input(data, size));
	struct ppp_bundle *b = calloc(1, sizeof(*b));
	struct ppp_fragment f;
	struct str packet;
	size_t came = 0, went = 0, pieces = 0;

	CLAIM(b);
	while (c.n >= 5) {
		uint8_t n = (uint8_t)cur_bytes(&c, 1).p[0];
		struct str one = cur_bytes(&c, c.n < n + 4u ? c.n : n + 4u);
		if (ppp_fragment_read(one, &f) < 0)
			break;
		pieces++;
		came += f.data.n;
		if (ppp_bundle_take(b, &f, MOST, &packet) == 0)
			continue;
		went += packet.n;
		CLAIM(packet.n <= MOST && went <= came);
		CLAIM(packet.n == 0 || fuzz_within(str_of((char *)b->packet, sizeof(b->packet)), packet));
	}
	CLAIM(b->whole + b->lost + b->late <= pieces);
	free(b);
	return 0;
}
