/* What the kernel, or anybody, hands over as an offload: cutting never writes beyond its promise and comes to an end. */
#include "fuzz.h"
#include "gate/l2tp/offload.h"

static void
check_cut(const struct offload *how, struct str packet)
{
	static uint8_t out[2 * OFFLOAD_MAX];
	struct cutter c;
	size_t rounds = 0;

	if (cutter_begin(&c, how, packet) < 0)
		return;
	size_t most = how->type == OFFLOAD_NONE ? packet.n : c.head + how->size;
	while (cutter_more(&c)) {
		size_t n = cutter_next(&c, out);
		CLAIM(n > 0 && n <= most);
		CLAIM(++rounds <= packet.n + 1);
	}
	CLAIM(cutter_next(&c, out) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct joiner j;
	struct offload how;
	uint8_t *copy;

	if (size < OFFLOAD_HEAD || size > OFFLOAD_MAX)
		return 0;
	struct str packet = str_of((const char *)data + OFFLOAD_HEAD, size - OFFLOAD_HEAD);
	offload_read(data, &how);
	check_cut(&how, packet);
	j.udp_too = data[0] & 2;
	if (joiner_take(&j, packet)) {
		/* A second of the same bytes is joined only where no sequence number forbids it: to the limit and not beyond. */
		for (unsigned i = 0; i < 70 && joiner_take(&j, packet); i++)
			CLAIM(j.n <= OFFLOAD_MAX);
		CLAIM(joiner_flush(&j).n >= size);
	}
	copy = malloc(packet.n + 1);
	CLAIM(copy);
	if (packet.n)
		memcpy(copy, packet.p, packet.n);
	if (clamp_mss(copy, packet.n, 1400))
		CLAIM(!clamp_mss(copy, packet.n, 1400));
	free(copy);
	return 0;
}
