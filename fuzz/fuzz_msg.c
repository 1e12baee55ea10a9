/* Messages between processes: what is accepted is encoded again to the very same bytes. */
#include "fuzz.h"
#include "msg/message.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	static uint8_t out[MSG_MAX];
	struct enc e = enc_of(out, sizeof(out));
	struct msg m;

	if (msg_decode(in, &m) < 0)
		return 0;
	CLAIM(size <= MSG_MAX && m.fd == -1 && msg_row(m.type));
	msg_encode(&m, &e);
	CLAIM(enc_ok(&e));
	CLAIM(str_eq(str_of((char *)out, e.n), in));
	return 0;
}
