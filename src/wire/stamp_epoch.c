/* stamp_epoch: times that count from 1970: numbers of seconds or parts of them, and the labels of TAI64. */
#include "wire/stamp_form.h"

#define EPOCH_OLDEST INT64_C(631152000)  /* 1990 */
#define EPOCH_NEWEST INT64_C(4102444800) /* 2100 */
/*
 * TAI64 labels count from 2^62; the ten seconds are those that multilog and tai64nlocal take off.
 */
#define TAI_BASE ((UINT64_C(1) << 62) + 10)

bool
stamp_epoch(struct str number, int64_t *ret_us)
{
	static const struct { uint8_t digits; int64_t mul, div; } scales[] = {
		{ 9, 1000000, 1 }, { 10, 1000000, 1 }, { 12, 1000, 1 }, { 13, 1000, 1 },
		{ 15, 1, 1 }, { 16, 1, 1 }, { 18, 1, 1000 }, { 19, 1, 1000 },
	};
	size_t n = 0;
	uint64_t v = 0;
	for (; n < number.n && n < 19 && stamp_digit(number.p[n]); n++)
		v = v * 10 + (uint64_t)(number.p[n] - '0');
	int us = 0;
	size_t used = n + stamp_fraction(str_from(number, n), &us);
	while (used > n && used < number.n && stamp_digit(number.p[used]))
		used++;
	if (used != number.n)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(scales); i++) {
		if (scales[i].digits != n || (used != n && scales[i].mul == 1))
			continue;
		int64_t t = (int64_t)v / scales[i].div * scales[i].mul;
		t += scales[i].mul == 1000 ? us / 1000 : us;
		if (t < EPOCH_OLDEST * WHEN_SECOND || t >= EPOCH_NEWEST * WHEN_SECOND)
			return false;
		*ret_us = t;
		return true;
	}
	return false;
}

/*
 * A bare number is a time only where it ends as a word does; nine digits (before 2001) need a
 * fraction as witness.
 */
size_t
stamp_epoch_first(struct str s, size_t digits, struct stamp *ret)
{
	size_t n = digits;
	if (n + 1 < s.n && s.p[n] == '.' && stamp_digit(s.p[n + 1]))
		for (n++; n < s.n && n - digits <= 9 && stamp_digit(s.p[n]);)
			n++;
	if (digits < 9 || (digits == 9 && n == digits) || !stamp_ends_word(s, n))
		return 0;
	if (n < s.n && (s.p[n] == '-' || s.p[n] == '/' || s.p[n] == '.') && !stamp_ends_word(s, n + 1))
		return 0;
	struct stamp st = { .form = STAMP_EPOCH,
		.trust = n > digits ? STAMP_FAIR : STAMP_WEAK,
		.flags = STAMP_UTC_WORD };
	if (!stamp_epoch(str_head(s, n), &st.epoch_us))
		return 0;
	*ret = st;
	return n;
}

static int
hex_value(char c)
{
	if (stamp_digit(c))
		return c - '0';
	return (unsigned char)((c | 0x20) - 'a') < 6 ? (c | 0x20) - 'a' + 10 : -1;
}

/* "@" and 16 (TAI64) or 24 (TAI64N) hexadecimal digits, as multilog writes. */
size_t
stamp_tai64(struct str s, struct stamp *ret)
{
	uint64_t seconds = 0, nano = 0;
	size_t i = 1;
	for (; i < s.n && i <= 24 && hex_value(s.p[i]) >= 0; i++) {
		uint64_t *half = i <= 16 ? &seconds : &nano;
		*half = *half << 4 | (uint64_t)hex_value(s.p[i]);
	}
	if ((i != 17 && i != 25) || !stamp_ends_word(s, i) || seconds < TAI_BASE || nano > 999999999)
		return 0;
	int64_t t = (int64_t)(seconds - TAI_BASE);
	if (t < EPOCH_OLDEST || t >= EPOCH_NEWEST)
		return 0;
	*ret = (struct stamp){ .form = STAMP_EPOCH,
		.trust = STAMP_STRONG,
		.flags = STAMP_UTC_WORD,
		.epoch_us = t * WHEN_SECOND + (int64_t)nano / 1000 };
	return i;
}
