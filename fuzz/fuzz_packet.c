/* Heads of packets: whatever the bytes, what is said of them is short, and the payload lies in them. */
#include "fuzz.h"
#include "wire/packet.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct buf out = BUF_INIT(1024);
	struct packet p;

	if (packet_parse(in, &p) == 0) {
		CLAIM(size >= 20 && (p.family == 4 || p.family == 6));
		CLAIM(p.payload.n == 0 || fuzz_within(in, p.payload));
		packet_say(&p, &out);
		CLAIM(buf_ok(&out) && str_starts(buf_str(&out), STR("SRC=")));
	}
	buf_free(&out);
	return 0;
}
