/*
 * find: a short literal in a text. Sixteen places at a time are compared by the literal's first and last byte, which
 * leaves few to look at closer; memmem() and a loop over both cases do the same where there is no SSE2. Never reads a
 * byte outside the text.
 */
#include "watch/pattern/find.h"

#ifdef __SSE2__
#include <emmintrin.h>

#define BLOCK 16u

static inline bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool
same(const char *text, struct str lit, bool nocase)
{
	if (!nocase)
		return lit.n <= 2 || memcmp(text + 1, lit.p + 1, lit.n - 2) == 0;
	for (size_t i = 0; i < lit.n; i++)
		if (fold(text[i]) != lit.p[i])
			return false;
	return true;
}

struct probe {                         /* one byte in sixteen places; letters with their case set when it is ignored */
	__m128i byte, bit;
};

static inline struct probe
probe_of(char c, bool nocase)
{
	return (struct probe){ _mm_set1_epi8(c), _mm_set1_epi8(nocase && is_letter(c) ? 0x20 : 0) };
}

static inline __m128i
hits(struct probe p, const char *at)
{
	__m128i here = _mm_loadu_si128((const __m128i *)(const void *)at);

	return _mm_cmpeq_epi8(_mm_or_si128(here, p.bit), p.byte);
}

/* Among the sixteen places from at on: the first that holds, or BLOCK. */
static inline unsigned
in_block(const char *at, struct str lit, bool nocase, struct probe first, struct probe last)
{
	unsigned mask = (unsigned)_mm_movemask_epi8(_mm_and_si128(hits(first, at), hits(last, at + lit.n - 1)));

	for (; mask; mask &= mask - 1) {
		unsigned i = (unsigned)__builtin_ctz(mask);

		if (same(at + i, lit, nocase))
			return i;
	}
	return BLOCK;
}

size_t
find_literal(struct str text, struct str lit, bool nocase)
{
	struct probe first = probe_of(lit.p[0], nocase), last = probe_of(lit.p[lit.n - 1], nocase);
	size_t places, i;

	if (text.n < lit.n + BLOCK - 1)
		return nocase ? str_find_nocase(text, lit) : str_find(text, lit);
	places = text.n - lit.n + 1;
	for (i = 0; i + BLOCK <= places; i += BLOCK) {
		unsigned hit = in_block(text.p + i, lit, nocase, first, last);

		if (hit < BLOCK)
			return i + hit;
	}
	if (i < places) {
		unsigned hit = in_block(text.p + places - BLOCK, lit, nocase, first, last);

		if (hit < BLOCK)
			return places - BLOCK + hit;
	}
	return text.n;
}

#else

size_t
find_literal(struct str text, struct str lit, bool nocase)
{
	return nocase ? str_find_nocase(text, lit) : str_find(text, lit);
}

#endif
