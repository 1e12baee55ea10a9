/* Fragments in every order: what becomes a packet, what never does, and that a hostile peer gets nowhere. */
#include "../base/cmocka_std.h"
#include "../base/prng.h"
#include "gate/ppp/bundle.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * A story: fragments apart by blanks. "7(a" is number 7, the first of its packet, with data "a"; "8b" goes on; "9c)" is the
 * last. What is told: the packets, in the order in which they become whole, with "|" after each.
 */
static const struct { const char *name, *story, *want; unsigned lost, late; } cases[] = {
	{ "one fragment is a packet", "5(a)", "a|", 0, 0 },
	{ "two in order", "1(a 2b)", "ab|", 0, 0 },
	{ "two out of order", "2b) 1(a", "ab|", 0, 0 },
	{ "four in the worst order", "4d) 2b 3c 1(a", "abcd|", 0, 0 },
	{ "two packets between each other", "1(a 3(c 4d) 2b)", "cd|ab|", 0, 0 },
	{ "one packet overtakes another", "3(c 4d) 1(a 2b)", "cd|ab|", 0, 0 },
	{ "a lost beginning", "2b) 3(c 4d)", "cd|", 0, 0 },
	{ "a lost end: the next beginning does not go on", "1(a 3(c 4d)", "cd|", 0, 0 },
	{ "a lost middle", "1(a 3c) 4(d 5e)", "de|", 0, 0 },
	{ "a missing end is not made up by another's", "1(a 2(b 3c)", "bc|", 0, 0 },
	{ "twice the same", "1(a 1(a 2b)", "ab|", 0, 1 },
	{ "twice the same, later", "1(a 2b) 1(a 3(c 4d)", "ab|cd|", 0, 0 },
	{ "numbers wrap", "16777215(a 0b)", "ab|", 0, 0 },
	{ "numbers wrap out of order", "0b) 16777215(a", "ab|", 0, 0 },
	{ "begins at any number", "9999999(a 10000000b)", "ab|", 0, 0 },
	{ "too old", "1(a 40(x 2b)", "", 0, 1 },
	{ "overwritten, counted", "1(a 17(b 18c)", "bc|", 1, 0 },
	{ "longer than the ring", "1(a 2b 3c 4d 5e 6f 7g 8h 9i 10j 11k 12l 13m 14n 15o 16p 17q)", "", 1, 0 },
	{ "as long as the ring", "1(a 2b 3c 4d 5e 6f 7g 8h 9i 10j 11k 12l 13m 14n 15o 16p)", "abcdefghijklmnop|", 0, 0 },
	{ "empty fragments", "1( 2a 3)", "a|", 0, 0 },
	{ "more than was offered", "1(aaaaaaaaaa 2bbbbbbbbbb 3c) 4(d 5e)", "de|", 3, 0 },
};

static struct ppp_bundle *
new_bundle(void)
{
	struct ppp_bundle *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	return b;
}

static const char *
read_fragment(const char *at, struct ppp_fragment *ret)
{
	char *end;

	*ret = (struct ppp_fragment){ .number = (uint32_t)strtoul(at, &end, 10) };
	ret->first = *end == '(';
	end += ret->first;
	ret->data = str_of(end, strcspn(end, ") "));
	end += ret->data.n;
	ret->last = *end == ')';
	end += ret->last;
	return end + (*end == ' ');
}

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ppp_bundle *b = new_bundle();
		struct ppp_fragment f;
		char got[100] = "";
		struct str packet;
		for (const char *at = cases[i].story; *at;) {
			at = read_fragment(at, &f);
			if (ppp_bundle_take(b, &f, 20, &packet) > 0)
				snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s|", STR_FMT(packet));
		}
		if (strcmp(got, cases[i].want) != 0 || b->lost != cases[i].lost || b->late != cases[i].late)
			fail_msg("%s: \"%s\", %u lost, %u late", cases[i].name, got, (unsigned)b->lost, (unsigned)b->late);
		free(b);
	}
}

/* A path that loses and reorders: what comes whole is what was sent, and all of it where nothing was lost. */
static void
test_path(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned loss = 0; loss <= 30; loss += 15) {
		struct ppp_bundle *b = new_bundle();
		uint32_t number = 0xfffff0;
		unsigned sent = 0, came = 0;
		for (unsigned round = 0; round < 2000; round++) {
			uint8_t bytes[4][8];
			struct ppp_fragment f[4];
			unsigned n = 2 + (unsigned)prng_below(&seed, 3);
			for (unsigned i = 0; i < n; i++) {
				memset(bytes[i], (int)(sent & 0xff), sizeof(bytes[i]));
				f[i] = (struct ppp_fragment){ .first = i == 0, .last = i == n - 1, .number = number++ & PPP_FRAGMENT_NUMBERS,
					.data = str_of((char *)bytes[i], sizeof(bytes[i])) };
			}
			for (unsigned i = n; i > 1; i--) {
				unsigned k = (unsigned)prng_below(&seed, i);
				struct ppp_fragment t = f[k];
				f[k] = f[i - 1];
				f[i - 1] = t;
			}
			for (unsigned i = 0; i < n; i++) {
				struct str packet;
				if (prng_below(&seed, 100) < loss || ppp_bundle_take(b, &f[i], PPP_MRRU_MAX, &packet) == 0)
					continue;
				came++;
				assert_int_equal(packet.n, n * 8);
				for (size_t k = 0; k < packet.n; k++)
					assert_int_equal((uint8_t)packet.p[k], sent & 0xff);
			}
			sent++;
		}
		assert_true(loss ? came < sent : came == sent);
		assert_int_equal(b->whole, came);
		free(b);
	}
}

static void
test_wire_form(void **state)
{
	uint8_t room[64];
	struct enc e = enc_of(room, sizeof(room));
	struct ppp_fragment f;

	(void)state;
	ppp_fragment_write(&e, true, false, 0x1abcdef);
	enc_bytes(&e, STR("hi"));
	assert_memory_equal(room, "\x80\xab\xcd\xefhi", 6);
	assert_int_equal(ppp_fragment_read(str_of((char *)room, e.n), &f), 0);
	assert_true(f.first && !f.last && f.number == 0xabcdef && str_eq(f.data, STR("hi")));
	/* Bits that mean nothing are not looked at: section 4.1. */
	assert_int_equal(ppp_fragment_read(str_of("\x7f\0\0\1", 4), &f), 0);
	assert_true(!f.first && f.last && f.number == 1 && f.data.n == 0);
	assert_true(ppp_fragment_read(STR("abc"), &f) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories), cmocka_unit_test(test_path), cmocka_unit_test(test_wire_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
