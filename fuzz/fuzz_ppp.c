/* PPP frames down to their options, and the bodies of PAP and CHAP: slices stay inside, walks come to an end. */
#include "fuzz.h"
#include "wire/mppe.h"
#include "wire/ppp.h"

static void
check_packet(struct str in, struct str payload)
{
	struct ppp_packet p;
	struct ppp_option o;
	struct str a = STR_NULL, b = STR_NULL;
	struct mschap_response r;
	size_t rounds = 0;

	if (ppp_packet_read(payload, &p) < 0)
		return;
	CLAIM(fuzz_within(in, p.data));
	struct cur c = cur_of(p.data);
	while (ppp_option_next(&c, &o) > 0) {
		CLAIM(fuzz_within(in, o.value) && fuzz_within(in, o.whole) && o.whole.n == o.value.n + 2);
		CLAIM(++rounds <= p.data.n);
	}
	if (chap_value_read(p.data, &a, &b) == 0) {
		CLAIM(fuzz_within(in, a) && fuzz_within(in, b) && a.n + b.n + 1 == p.data.n);
		CLAIM((mschap_response_read(a, &r) == 0) == (a.n == MSCHAP_RESPONSE));
		CLAIM(fuzz_within(b, mschap_user(b)));
	}
	if (pap_request_read(p.data, &a, &b) == 0)
		CLAIM(fuzz_within(in, a) && fuzz_within(in, b));
	CLAIM(fuzz_within(in, pap_message(p.data)));
}

/* Whatever comes, the receiver neither writes beyond its input's length nor stops for long. */
static void
check_mppe(struct str in, uint32_t bits)
{
	static const uint8_t start[MPPE_KEY] = { 1, 2, 3 };
	struct rc4 stream;
	struct mppe m;
	uint8_t *out = malloc(in.n + 1);

	CLAIM(out);
	mppe_begin(&m, start, bits, &stream);
	for (unsigned i = 0; i < 3; i++) {
		int n = mppe_decrypt(&m, in, out);
		CLAIM(n < 0 || (size_t)n + 2 == in.n);
	}
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size), payload;
	uint16_t protocol;

	if (ppp_frame_read(in, &protocol, &payload) < 0)
		return 0;
	CLAIM(fuzz_within(in, payload) && protocol & 1);
	check_packet(in, payload);
	check_mppe(payload, MPPE_128 | MPPE_STATELESS);
	check_mppe(payload, MPPE_40);
	return 0;
}
