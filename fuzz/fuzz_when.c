/* Civil time: every instant has one civil form, and every valid civil form is one instant. */
#include "base/cur.h"
#include "base/when.h"
#include "fuzz.h"

static bool
same(const struct civil *a, const struct civil *b)
{
	return a->year == b->year && a->month == b->month && a->day == b->day &&
	    a->hour == b->hour && a->minute == b->minute && a->second == b->second &&
	    a->us == b->us;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur in = cur_of(fuzz_input(data, size));
	int64_t us = (int64_t)cur_u64(&in);
	struct civil c, again;
	char text[40];

	when_to_civil(us, &c);
	CLAIM(when_weekday(us) >= 0 && when_weekday(us) <= 6);
	CLAIM(when_show(us, (int)(cur_u16(&in) % 2881) - 1440, text) < sizeof(text));
	if (when_valid(&c))
		CLAIM(when_from_civil(&c) == us);
	c = (struct civil){
		(int)cur_u16(&in),
		cur_u8(&in) % 16,
		cur_u8(&in) % 36,
		cur_u8(&in) % 28,
		cur_u8(&in) % 64,
		cur_u8(&in) % 64,
		(int)(cur_u32(&in) % 1100000),
	};
	if (when_valid(&c) && c.second < 60) {
		when_to_civil(when_from_civil(&c), &again);
		CLAIM(same(&c, &again));
	}
	return 0;
}
