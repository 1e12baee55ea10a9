/* Time stamps: what is taken lies in the line and is a valid time. */
#include "fuzz.h"
#include "wire/stamp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = fuzz_input(data, size);
	struct stamp st = { .form = 0xee };
	struct civil c;
	size_t n = stamp_parse(in, &st);
	int64_t us;

	if (n == 0) {
		CLAIM(st.form == 0xee);
	} else {
		CLAIM(n <= size && n <= 96 && st.form != STAMP_NONE && st.form <= STAMP_UPTIME);
		CLAIM(st.trust <= STAMP_STRONG);
		c = stamp_civil(&st);
		if (st.flags & STAMP_NO_DATE) {
			CLAIM(c.year == 0 && c.month == 0 && c.day == 0);
			c = (struct civil){ 2000, 1, 1, c.hour, c.minute, c.second, c.us };
		} else if (st.flags & STAMP_NO_YEAR) {
			c.year = 2000;
		}
		if (st.form != STAMP_EPOCH && st.form != STAMP_UPTIME)
			CLAIM(when_valid(&c));
		if (!(st.flags & STAMP_NO_ZONE))
			CLAIM(st.offset_min >= -1440 && st.offset_min <= 1440);
	}
	if (stamp_epoch(in, &us))
		CLAIM(us > INT64_C(600000000) * WHEN_SECOND &&
		    us < INT64_C(4200000000) * WHEN_SECOND);
	return 0;
}
