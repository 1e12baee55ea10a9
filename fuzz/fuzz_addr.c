/*
 * Addresses and networks: what is parsed and shown is parsed again to the same; a network holds its
 * own address.
 */
#include "base/text.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct addr a, again;
	struct cidr c;
	char text[46];

	if (addr_parse(in, &a) == 0) {
		size_t n = addr_show(&a, text);
		CLAIM(n < sizeof(text) && text[n] == '\0');
		CLAIM(addr_parse(str_of(text, n), &again) == 0);
		CLAIM(memcmp(&a, &again, sizeof(a)) == 0);
	}
	if (cidr_parse(in, &c) == 0) {
		CLAIM(c.bits <= 128);
		CLAIM(cidr_has(&c, &c.net));
	}
	if (size == sizeof(a)) {
		memcpy(&a, data, sizeof(a));
		CLAIM(addr_parse(str_of(text, addr_show(&a, text)), &again) == 0);
		CLAIM(memcmp(&a, &again, sizeof(a)) == 0);
	}
	return 0;
}
