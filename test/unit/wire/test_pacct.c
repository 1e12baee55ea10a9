/* pacct: every version in both byte orders; comp_t as the kernel packs it; terminals and flags as people know them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/pacct.h"

static const struct pacct ls = {
	.flags = PACCT_SU, .version = 3, .uid = 70000, .gid = 70001, .tty = 136 << 8 | 2, .pid = 812, .ppid = 700,
	.begin = 1700000000, .user_ticks = 17, .system_ticks = 4, .elapsed_ticks = 2048, .memory = 4096, .minor = 99,
	.exit = 256, .command = STR_INIT("ls"),
};

static struct str
bytes(const uint8_t *b)
{
	return str_of((const char *)b, PACCT_SIZE);
}

static void
test_round_trip(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t once[PACCT_SIZE], again[PACCT_SIZE];
		struct pacct p = ls, back;

		p.version = (uint8_t)(i >> 1);
		p.big = i & 1;
		pacct_write(&p, once);
		assert_int_equal(pacct_read(bytes(once), &back), 0);
		assert_int_equal(back.version, p.version);
		assert_int_equal(back.big, p.big);
		assert_int_equal(back.uid, p.version < 2 ? p.uid & 0xffff : p.uid);
		assert_int_equal(back.pid, p.version == 3 ? p.pid : 0);
		assert_int_equal(back.tty, p.tty);
		assert_int_equal(back.begin, p.begin);
		assert_int_equal(back.user_ticks, 17);
		assert_int_equal(back.elapsed_ticks, 2048);
		assert_int_equal(back.exit, 256);
		assert_true(str_eq(back.command, ls.command));
		assert_true(pacct_plausible(bytes(once)) && pacct_detect(bytes(once)));
		pacct_write(&back, again);
		assert_memory_equal(once, again, PACCT_SIZE);
	}
}

static void
test_comp(void **state)
{
	static const struct {
		uint64_t in, out;
	} cases[] = { { 0, 0 }, { 8191, 8191 }, { 8192, 8192 }, { 8197, 8200 }, { UINT64_C(1) << 33, UINT64_C(1) << 33 },
		{ UINT64_MAX, UINT64_C(8191) << 21 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(pacct_comp_read(pacct_comp_write(cases[i].in)), cases[i].out);
	for (unsigned c = 0; c <= 0xffff; c++) {
		uint64_t v = pacct_comp_read((uint16_t)c);

		assert_int_equal(pacct_comp_read(pacct_comp_write(v)), v);
	}
}

static void
test_what_is_none_is_refused(void **state)
{
	uint8_t b[PACCT_SIZE] = { 0 };
	struct pacct p = { .uid = 5 };

	assert_int_equal(pacct_read(bytes(b), &p), -22);
	b[1] = 4;
	assert_int_equal(pacct_read(bytes(b), &p), -22);
	b[1] = 0x40 | 3;
	assert_int_equal(pacct_read(bytes(b), &p), -22);
	assert_int_equal(p.uid, 5);
	memset(b, 'a', sizeof(b));
	assert_false(pacct_detect(bytes(b)));
}

static void
test_show(void **state)
{
	static const struct {
		uint16_t device;
		const char *text;
	} cases[] = { { 0, "-" }, { 136 << 8 | 2, "pts/2" }, { 137 << 8 | 1, "pts/257" }, { 4 << 8 | 1, "tty1" },
		{ 4 << 8 | 64, "ttyS0" }, { 0x0501, "console" }, { 9 << 8 | 9, "9:9" } };
	char text[24], flags[6];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(pacct_tty_show(cases[i].device, text), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
	}
	pacct_flags_show(PACCT_SU | PACCT_SIGNAL, flags);
	assert_string_equal(flags, "S   X");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_comp),
		cmocka_unit_test(test_what_is_none_is_refused),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
