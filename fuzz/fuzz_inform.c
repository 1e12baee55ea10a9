/* DHCPINFORM: whatever comes, the answer fits what every client takes, and goes to who asked. */
#include "fuzz.h"
#include "gate/l2tp/inform.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vpn_net nets[] = { { 0xc0a80000, 24 }, { 0x0a000000, 8 }, { 0, 0 } };
	static const struct inform what = { .server = 0x0a090001, .dns = { 1, 2 }, .nets = nets, .nnets = 3 };
	uint8_t out[INFORM_MAX];

	size_t n = inform_answer(fuzz_input(data, size), 0x0a09001e, &what, out);
	CLAIM(n <= INFORM_MAX);
	if (n == 0)
		return 0;
	CLAIM(n >= 268 && (size_t)(out[2] << 8 | out[3]) == n);
	CLAIM(memcmp(out + 16, "\x0a\x09\0\x1e", 4) == 0);
	return 0;
}
