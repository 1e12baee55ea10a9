/*
 * odd: input that no honest client sends, whatever the program. Runs of one unit whose length divides twelve are
 * seen by comparing the line with itself twelve bytes on; only where that holds for long is anything looked at
 * closer. Rulers (-----, =====), blanks, base64, hex, text in any encoding and zeros are not odd.
 */
#include "watch/odd.h"

#include <stdio.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.h"

#define SPAN 12u                   /* every period looked for divides it: 1 2 3 4 6 12 */
#define RUN_MIN 40u                /* bytes as spelt */
#define LETTERS_MIN 200u
#define FIELD_LONG 1024u
#define JUNK_MIN 16u
#define BLOCK 16u                  /* RUN_MIN - SPAN equal bytes in a row hold a whole block at a stride of SPAN */

_Static_assert(JUNK_MIN >= BLOCK, "a text that is looked at holds a block");
_Static_assert(RUN_MIN - SPAN >= BLOCK + SPAN - 1, "a run would slip between two blocks");

#ifdef __SSE2__

static inline __m128i
block_at(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* Do BLOCK bytes at p equal those SPAN on? */
static inline bool
block_repeats(const char *p)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(block_at(p), block_at(p + SPAN))) == 0xffff;
}

/* How many of BLOCK bytes are no plain ASCII text. */
static inline unsigned
block_strange(const char *p)
{
	__m128i below = _mm_cmplt_epi8(block_at(p), _mm_set1_epi8(0x20));

	unsigned mask = (unsigned)_mm_movemask_epi8(below);

	return mask ? (unsigned)__builtin_popcount(mask) : 0;
}

#else

static inline bool
block_repeats(const char *p)
{
	return memcmp(p, p + SPAN, BLOCK) == 0;
}

static inline unsigned
block_strange(const char *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < BLOCK; i++)
		n += (unsigned char)p[i] < 0x20 || (unsigned char)p[i] >= 0x80;
	return n;
}

#endif

/* At least the number of bytes that are no plain ASCII text; the last block may be counted twice. */
static size_t
strange_bytes(struct str text)
{
	size_t n = 0, i;

	for (i = 0; i + BLOCK <= text.n; i += BLOCK)
		n += block_strange(text.p + i);
	return i < text.n ? n + block_strange(text.p + text.n - BLOCK) : n;
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* The number that n digits of a base spell, or -1. */
static int
number_at(struct str s, size_t at, size_t n, int base)
{
	int value = 0;

	if (s.n < at + n)
		return -1;
	for (size_t i = at; i < at + n; i++) {
		if (digit_of(s.p[i]) >= base)
			return -1;
		value = value * base + digit_of(s.p[i]);
	}
	return value;
}

/* One byte in any spelling at the start of s: its value, and how long the spelling is. -1: none. */
static int
spelt(struct str s, size_t *ret_n)
{
	static const struct {
		const char *lead;
		size_t digits;
		int base;
		char end;
	} forms[] = {
		{ "\\x", 2, 16, 0 }, { "\\u00", 2, 16, 0 }, { "\\", 3, 8, 0 }, { "#", 3, 8, 0 }, { "%", 2, 16, 0 },
		{ "<", 2, 16, '>' },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct str lead = str_z(forms[i].lead);
		size_t n = lead.n + forms[i].digits;
		int value = str_starts(s, lead) ? number_at(s, lead.n, forms[i].digits, forms[i].base) : -1;

		if (value < 0 || (forms[i].end && (s.n <= n || s.p[n] != forms[i].end)))
			continue;
		*ret_n = n + (forms[i].end != 0);
		return value & 0xff;
	}
	if (s.n >= 2 && s.p[0] == '^' && s.p[1] >= '?' && s.p[1] <= '_') {
		*ret_n = 2;
		return s.p[1] ^ 0x40;
	}
	*ret_n = 1;
	return s.n ? (unsigned char)s.p[0] : -1;
}

/* Bytes that mean something to a machine only; zeros are what a crash leaves in a file. */
static bool
is_control(int v)
{
	return v >= 0x80 || v == 0x7f || (v > 0 && v < 0x20 && v != '\t' && v != '\n' && v != '\r');
}

/* The control bytes that a unit spells when read from its start; 0 when it spells anything else. */
static size_t
control_bytes(struct str unit, char *bytes)
{
	size_t n = 0, len;

	while (unit.n) {
		int value = spelt(unit, &len);

		if (value < 0 || !is_control(value))
			return 0;
		bytes[n++] = (char)value;
		unit = str_from(unit, len);
	}
	return n;
}

static bool
are_letters_of_utf8(struct str bytes)
{
	bool any = bytes.n > 1;

	while (any && bytes.n) {
		size_t n = (unsigned char)bytes.p[0] >= 0xc2 ? utf8_len(bytes) : 0;

		any = n > 0;
		bytes = str_from(bytes, n);
	}
	return any;
}

static size_t
period_of(struct str run)
{
	static const size_t periods[] = { 1, 2, 3, 4, 6, 12 };
	size_t i = 0;

	while (i < ARRAY_LEN(periods) - 1 && memcmp(run.p, run.p + periods[i], SPAN) != 0)
		i++;
	return periods[i];
}

/*
 * The unit of a run, begun at whichever of its bytes makes it a spelling of control bytes. Empty when none does, or
 * when the run is letters of UTF-8.
 */
static struct str
control_unit(struct str run, size_t period)
{
	struct str unit = STR_NULL;
	char bytes[SPAN];

	for (size_t turn = 0; turn < period; turn++) {
		size_t n = control_bytes(str_of(run.p + turn, period), bytes);

		if (are_letters_of_utf8(str_of(bytes, n)))
			return STR_NULL;
		if (n && !unit.p)
			unit = str_of(run.p + turn, period);
	}
	return unit;
}

/* The whole run around a block that repeats. */
static struct str
run_around(struct str text, size_t at)
{
	size_t from = at, to = at + BLOCK;

	while (from > 0 && text.p[from - 1] == text.p[from - 1 + SPAN])
		from--;
	while (to + SPAN < text.n && text.p[to] == text.p[to + SPAN])
		to++;
	return str_of(text.p + from, to + SPAN - from);
}

static struct odd
judge_run(struct str run)
{
	struct odd odd = { .what = ODD_NOTHING, .run = run.n };
	size_t period = period_of(run);
	char c = run.p[0];

	if (period == 1 && (c | 32) >= 'a' && (c | 32) <= 'z') {
		odd.unit = str_head(run, 1);
		odd.what = run.n >= LETTERS_MIN ? ODD_LETTERS : ODD_NOTHING;
		return odd;
	}
	odd.unit = run.n >= RUN_MIN ? control_unit(run, period) : STR_NULL;
	odd.what = odd.unit.n ? ODD_RUN : ODD_NOTHING;
	return odd;
}

/* A quarter that is no text, of which enough is control bytes: other encodings than UTF-8 have none. */
static bool
is_junk(struct str text)
{
	size_t control = 0, high = 0;

	for (size_t i = 0; i < text.n;) {
		unsigned char c = (unsigned char)text.p[i];
		size_t n = c >= 0x80 ? utf8_len(str_from(text, i)) : 1;

		high += n == 0;
		control += c == 0x7f || (c > 0 && c < 0x20 && c != '\t' && c != 0x1b && c != '\r');
		i += n ? n : 1;
	}
	return (control + high) * 4 >= text.n && control * 10 >= text.n;
}

struct odd
odd_look(struct str text)
{
	for (size_t i = 0; i + SPAN + BLOCK <= text.n; i += SPAN) {
		struct str run;
		struct odd odd;

		if (!block_repeats(text.p + i))
			continue;
		run = run_around(text, i);
		odd = judge_run(run);
		if (odd.what != ODD_NOTHING)
			return odd;
		/* Go on where the run ends: the same run is never judged twice. */
		i = (size_t)(run.p - text.p) + run.n - SPAN - BLOCK;
	}
	if (text.n >= JUNK_MIN && strange_bytes(text) * 4 >= text.n && is_junk(text))
		return (struct odd){ .what = ODD_JUNK, .run = text.n };
	return (struct odd){ .what = ODD_NOTHING };
}

static void
blame(const struct ruleset *rs, struct record *r, const char *why)
{
	r->kind = KIND_exploit_overflow;
	r->hostile = kinds_row(rs->kinds, r->kind)->hostile;
	record_set_text(r, FIELD_reason, str_z(why), FIELD_CONST);
}

static bool
is_exploit(const struct ruleset *rs, uint16_t kind)
{
	return str_starts(kinds_row(rs->kinds, kind)->name, STR("exploit."));
}

void
odd_record(const struct ruleset *rs, struct record *r)
{
	static const uint16_t names[] = { FIELD_user, FIELD_target, FIELD_vhost };
	struct odd odd = odd_look(record_text(r, r->message));
	char why[120], unit[64];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && odd.what == ODD_NOTHING; i++) {
		size_t len = record_value(r, names[i]).n;

		if (len > FIELD_LONG && !is_exploit(rs, r->kind)) {
			snprintf(why, sizeof(why), "a name of %zu bytes", len);
			blame(rs, r, why);
			return;
		}
	}
	if (odd.what == ODD_NOTHING || is_exploit(rs, r->kind))
		return;
	for (size_t i = 0; i < odd.unit.n && n + 5 < sizeof(unit); i++) {
		unsigned char c = (unsigned char)odd.unit.p[i];

		n += (size_t)snprintf(unit + n, sizeof(unit) - n, c < 0x20 || c >= 0x7f ? "\\x%02x" : "%c", c);
	}
	if (odd.what == ODD_JUNK)
		snprintf(why, sizeof(why), "binary bytes instead of text");
	else
		snprintf(why, sizeof(why), "%zu bytes of nothing but %s", odd.run, unit);
	blame(rs, r, why);
}
