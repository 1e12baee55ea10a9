/* Router advertisements: what is read fits its bounds and, written again, is read the same. */
#include "fuzz.h"
#include "gate/l2tp/ra.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ra ra, again;
	uint8_t out[RA_MAX];

	(void)rs_is(fuzz_input(data, size));
	if (ra_read(fuzz_input(data, size), &ra) < 0)
		return 0;
	CLAIM(ra.ndns <= RA_SERVERS && ra.nroutes == 0);
	size_t n = ra_write(&ra, 1, out);
	CLAIM(n > 0 && ra_read(str_of((const char *)out, n), &again) == 0);
	CLAIM(again.prefix == ra.prefix && again.mtu == ra.mtu && again.ndns == ra.ndns);
	return 0;
}
