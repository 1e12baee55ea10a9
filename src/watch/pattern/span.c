/* span: see span.h. The kinds are said twice, for one byte and for sixteen; test_span.c holds both against each other. */
#include "watch/pattern/span.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

bool
span_has(enum span kind, char stop, char c)
{
	bool digit = (unsigned char)(c - '0') < 10, letter = (unsigned char)((c | 0x20) - 'a') < 26;

	switch (kind) {
	case SPAN_DIGITS:
		return digit;
	case SPAN_HEX:
		return digit || (unsigned char)((c | 0x20) - 'a') < 6;
	case SPAN_NAME:
		return digit || letter || c == '.' || c == '-' || c == '_';
	case SPAN_VISIBLE:
		return c > ' ' && c < 0x7f && c != stop;
	}
	return false;
}

#ifdef __SSE2__

#define BLOCK 16

/* Which of sixteen bytes are of `n` in a row from `first` on. */
static inline __m128i
among(__m128i bytes, char first, int n)
{
	return _mm_cmplt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8((char)(-128 - first))), _mm_set1_epi8((char)(-128 + n)));
}

static inline __m128i
is_byte(__m128i bytes, char c)
{
	return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

/* Bit per byte of a block that the run may not hold. */
static inline unsigned
others(enum span kind, char stop, const char *p)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p), has = among(bytes, '0', 10);
	__m128i small = _mm_or_si128(bytes, _mm_set1_epi8(0x20));

	switch (kind) {
	case SPAN_DIGITS:
		break;
	case SPAN_HEX:
		has = _mm_or_si128(has, among(small, 'a', 6));
		break;
	case SPAN_NAME:
		/* '-' and '.' stand side by side. */
		has = _mm_or_si128(_mm_or_si128(has, among(small, 'a', 26)), _mm_or_si128(among(bytes, '-', 2), is_byte(bytes, '_')));
		break;
	case SPAN_VISIBLE:
		has = _mm_andnot_si128(is_byte(bytes, stop), among(bytes, '!', 0x7f - '!'));
		break;
	}
	return (unsigned)_mm_movemask_epi8(has) ^ 0xffff;
}

const char *
span_end(enum span kind, char stop, struct str text, const char *p)
{
	const char *end = text.p + text.n;
	unsigned found;

	for (; end - p >= BLOCK; p += BLOCK) {
		found = others(kind, stop, p);
		if (found)
			return p + __builtin_ctz(found);
	}
	if (text.n < BLOCK) {
		while (p < end && span_has(kind, stop, *p))
			p++;
		return p;
	}
	/* The last block, without what stands before p. */
	found = others(kind, stop, end - BLOCK) >> (BLOCK - (end - p));
	return found ? p + __builtin_ctz(found) : end;
}

#else

const char *
span_end(enum span kind, char stop, struct str text, const char *p)
{
	while (p < text.p + text.n && span_has(kind, stop, *p))
		p++;
	return p;
}

#endif
